"""A placed call without a network: a session that is fed by hand, and what it sends, in words."""

import itertools
from collections.abc import Mapping

from dialer.sip.events import CallEvent, Destination, InviteRequest, Transport
from dialer.sip.header_map import Headers
from dialer.sip.invite import OutgoingInvite
from dialer.sip.message import Request, Response, make_response
from dialer.sip.session_words import (
    Drop,
    HangUp,
    LocalParty,
    Notify,
    Output,
    RequestReceived,
    Respond,
    ResponseReceived,
    SendAck,
    SendRequest,
    StopRepeating,
)
from dialer.sip.uri import SipUri

OFFER = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\n"
ANSWER = "v=0\r\no=- 9 9 IN IP4 10.0.0.2\r\n"
HOLD = "v=0\r\no=- 9 10 IN IP4 10.0.0.2\r\na=sendonly\r\n"


class Caller:
    """One session with a short way to feed it and to read what came out."""

    def __init__(self, *, username: str = "", answer_offer: str | None = None) -> None:
        tokens = itertools.count(1)

        def token() -> str:
            return f"tok{next(tokens)}"

        local = LocalParty(
            "<sip:d@10.0.0.1>", lambda: f"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{token()}", token, "test"
        )
        order = InviteRequest(
            target=SipUri.build("13800001234", "10.0.0.2"),
            destination=Destination(Transport.UDP, "10.0.0.2", 5060),
            from_uri=SipUri.build("021", "10.0.0.1"),
            sdp=OFFER,
            username=username,
            password="secret",
            answer_offer=(lambda offer: answer_offer) if answer_offer is not None else None,
        )
        self.session = OutgoingInvite(order, local)
        self.events: list[CallEvent] = []
        self.outputs: list[Output] = []
        self.n_cseq = 100
        self.take(self.session.start(0.0))

    def take(self, outputs: list[SendRequest] | list[Output]) -> list[str]:
        """Keeps the events; what else came out, in words."""
        self.outputs = list(outputs)
        self.events += [output.event for output in outputs if isinstance(output, Notify)]
        return [word(output) for output in outputs if not isinstance(output, Notify)]

    def receive(
        self, status: int, tag: str = "b", *, sdp: str = "", headers: Mapping[str, str] | None = None, now: float = 1.0
    ) -> list[str]:
        """A response to the INVITE."""
        return self.answer(self.session.invite, status, tag, sdp=sdp, headers=headers, now=now)

    def answer(
        self,
        request: Request,
        status: int,
        tag: str = "b",
        *,
        sdp: str = "",
        headers: Mapping[str, str] | None = None,
        now: float = 1.0,
    ) -> list[str]:
        """A response to any request of ours."""
        response = make_response(request, status, to_tag=tag)
        response.headers.add("Contact", f"<sip:b@10.0.0.{9 if tag == 'b' else 8}>")
        for name, value in (headers or {}).items():
            response.headers.add(name, value)
        response.body = sdp.encode()
        return self.take(self.session.handle_input(ResponseReceived(request, response), now))

    def peer(
        self,
        method: str,
        *,
        sdp: str = "",
        headers: Mapping[str, str] | None = None,
        cseq: int | None = None,
        tag: str = "b",
        now: float = 5.0,
    ) -> list[str]:
        """A request of the peer inside the dialog."""
        self.n_cseq += 1
        fields = Headers([("Via", f"SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKp{self.n_cseq}")])
        fields.add("From", f"<sip:13800001234@10.0.0.2>;tag={tag}")
        fields.add("To", f"<sip:021@10.0.0.1>;tag={self.session.local_tag}")
        fields.add("Call-ID", self.session.call_id)
        fields.add("CSeq", f"{cseq or self.n_cseq} {method}")
        for name, value in (headers or {}).items():
            fields.add(name, value)
        request = Request(method, SipUri.build("d", "10.0.0.1"), fields, sdp.encode())
        return self.take(self.session.handle_input(RequestReceived(request), now))

    def hang_up(self, reason: str = "") -> list[str]:
        """What our side's end of the call sends."""
        return self.take(self.session.handle_input(HangUp(reason), 2.0))

    def wait(self, now: float) -> list[str]:
        """What the timers send that are due by then."""
        return self.take(self.session.handle_timeout(now))

    @property
    def last_request(self) -> Request:
        return next(o.request for o in reversed(self.outputs) if isinstance(o, SendRequest | SendAck))

    @property
    def last_response(self) -> Response:
        return next(o.response for o in reversed(self.outputs) if isinstance(o, Respond))


def word(output: Output | SendRequest) -> str:
    """An output in a word: the method or the status of what is sent."""
    match output:
        case SendRequest(request) | SendAck(request):
            return request.method
        case Respond(_, response):
            return str(response.status)
        case StopRepeating():
            return "stop"
        case Drop():
            return "drop"
    return type(output).__name__


def established(**kwargs: str) -> Caller:
    """A call that was answered."""
    caller = Caller(**kwargs)
    caller.receive(180)
    assert caller.receive(200, sdp=ANSWER) == ["ACK"]
    return caller


def kinds(caller: Caller) -> list[str]:
    """The names of the events its owner heard."""
    return [type(event).__name__ for event in caller.events]
