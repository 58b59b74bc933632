"""A placed call: every crossing of answer, refusal, CANCEL and silence, as the session sees it."""

import itertools
from collections.abc import Mapping

import pytest

from dialer.model.attempt import NetworkCause
from dialer.sip.events import (
    Answered,
    CallEvent,
    Destination,
    Ended,
    Failed,
    InviteRequest,
    MediaChanged,
    Provisional,
    Transport,
)
from dialer.sip.header_map import Headers
from dialer.sip.invite import OutgoingInvite
from dialer.sip.message import Request, Response, make_response
from dialer.sip.session_words import (
    Drop,
    Event,
    HangUp,
    LocalParty,
    Notify,
    Output,
    RequestFailed,
    RequestReceived,
    Respond,
    ResponseReceived,
    SendAck,
    SendRequest,
    State,
    StopRepeating,
)
from dialer.sip.transaction import Failure
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
        return self.take(self.session.handle_input(HangUp(reason), 2.0))

    def wait(self, now: float) -> list[str]:
        return self.take(self.session.handle_timeout(now))

    @property
    def last_request(self) -> Request:
        return next(o.request for o in reversed(self.outputs) if isinstance(o, SendRequest | SendAck))

    @property
    def last_response(self) -> Response:
        return next(o.response for o in reversed(self.outputs) if isinstance(o, Respond))


def word(output: Output | SendRequest) -> str:
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
    caller = Caller(**kwargs)
    caller.receive(180)
    assert caller.receive(200, sdp=ANSWER) == ["ACK"]
    return caller


def kinds(caller: Caller) -> list[str]:
    return [type(event).__name__ for event in caller.events]


def test_ring_answer_hang_up() -> None:
    caller = Caller()
    assert caller.receive(100, tag="") == []
    assert caller.receive(183, sdp=ANSWER) == []
    assert caller.receive(200, sdp=ANSWER) == ["ACK"]
    assert str(caller.last_request.uri) == "sip:b@10.0.0.9"
    assert caller.last_request.cseq.number == 1
    assert caller.hang_up("done") == ["BYE"]
    assert caller.last_request.cseq.number == 2
    assert caller.last_request.headers.get("Reason") == 'Q.850;cause=16;text="done"'
    assert caller.answer(caller.last_request, 200) == []
    assert caller.session.finished
    assert caller.events == [
        Provisional(183, "Session Progress", ANSWER),
        Answered(ANSWER),
        Ended(by_remote=False),
    ]


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ([(486, "b")], Failed(NetworkCause(486, "Busy Here"), rang=False)),
        ([(180, "b"), (486, "b")], Failed(NetworkCause(486, "Busy Here"), rang=True)),
        ([(183, "b"), (480, "b")], Failed(NetworkCause(480, "Temporarily Unavailable"), rang=True)),
        ([(100, ""), (503, "b")], Failed(NetworkCause(503, "Service Unavailable"), rang=False)),
        ([(302, "b")], Failed(NetworkCause(302, "Moved Temporarily"), rang=False)),  # redirects are not followed
        ([(401, "b")], Failed(NetworkCause(401, "Unauthorized"), rang=False)),  # no account to answer with
    ],
)
def test_refusals(responses: list[tuple[int, str]], expected: Failed) -> None:
    caller = Caller()
    for status, tag in responses:
        assert caller.receive(status, tag) == []
    assert caller.events[-1] == expected
    assert caller.session.finished


def test_the_evidence_of_a_refusal_is_kept() -> None:
    caller = Caller()
    caller.receive(503, headers={"Retry-After": "17", "Reason": 'Q.850;cause=34;text="no circuit"'})
    assert caller.events == [
        Failed(NetworkCause(503, "Service Unavailable", ('Q.850;cause=34;text="no circuit"',), 34), retry_after_s=17)
    ]


@pytest.mark.parametrize(
    ("steps", "sent", "events"),
    [
        # CANCEL leaves only after a provisional
        (["hang up"], ["stop"], []),
        (["hang up", "100"], ["stop", "CANCEL"], []),
        (["100", "hang up"], ["CANCEL"], []),
        (["100", "hang up", "hang up"], ["CANCEL"], []),
        (["100", "hang up", "487"], ["CANCEL"], ["Failed"]),
        (["hang up", "100", "180", "487"], ["stop", "CANCEL"], ["Failed"]),
        # the answer crosses it
        (["180", "hang up", "200"], ["CANCEL", "ACK", "BYE"], ["Provisional", "Failed"]),
        (["hang up", "200"], ["stop", "ACK", "BYE"], ["Failed"]),
        (["180", "hang up", "200", "200"], ["CANCEL", "ACK", "BYE", "ACK"], ["Provisional", "Failed"]),
        # a refusal crosses it
        (["180", "hang up", "486"], ["CANCEL"], ["Provisional", "Failed"]),
        # a repeated 200, before and after the end
        (["200", "200"], ["ACK", "ACK"], ["Answered"]),
        (["200", "hang up", "200"], ["ACK", "BYE", "ACK"], ["Answered", "Ended"]),
        # a second fork answers
        (["200", "200 c"], ["ACK", "ACK", "BYE"], ["Answered"]),
        (["200", "200 c", "200 c", "200"], ["ACK", "ACK", "BYE", "ACK", "ACK"], ["Answered"]),
        (["180", "180 c", "200 c"], ["ACK"], ["Provisional", "Provisional", "Answered"]),
        # the owner cancels a call whose answer was just reported
        (["200", "hang up"], ["ACK", "BYE"], ["Answered", "Ended"]),
        # nothing comes
        (["silence"], ["stop"], ["Failed"]),
        (["silence", "180"], ["stop", "CANCEL"], ["Failed"]),
        (["silence", "180", "180"], ["stop", "CANCEL"], ["Failed"]),
        (["silence", "200"], ["stop", "ACK", "BYE"], ["Failed"]),
        (["silence", "486"], ["stop"], ["Failed"]),
        (["silence", "for ever"], ["stop", "drop"], ["Failed"]),
        (["hang up", "silence"], ["stop", "stop"], ["Failed"]),
        # it rings too long
        (["180", "rings on"], ["CANCEL"], ["Provisional"]),
        (["180", "rings on", "487"], ["CANCEL"], ["Provisional", "Failed"]),
        (["100", "rings on", "200"], ["CANCEL", "ACK", "BYE"], ["Failed"]),
        # the peer ignores the CANCEL
        (["180", "hang up", "for ever"], ["CANCEL", "stop"], ["Provisional", "Failed"]),
        (["180", "hang up", "for ever", "200"], ["CANCEL", "stop", "ACK", "BYE"], ["Provisional", "Failed"]),
        # the peer hangs up
        (["200", "BYE"], ["ACK", "200"], ["Answered", "Ended"]),
        (["200", "BYE", "BYE"], ["ACK", "200", "481"], ["Answered", "Ended"]),
        (["200", "hang up", "BYE"], ["ACK", "BYE", "200"], ["Answered", "Ended"]),
        # its BYE overtakes the 200, which was lost
        (["180", "BYE"], ["200", "stop", "CANCEL"], ["Provisional", "Failed"]),
        (["180", "BYE", "200"], ["200", "stop", "CANCEL", "ACK", "BYE"], ["Provisional", "Failed"]),
        # the transport gives up
        (["timeout"], [], ["Failed"]),
        (["lost"], [], ["Failed"]),
        (["hang up", "timeout"], ["stop"], ["Failed"]),
        (["silence", "timeout"], ["stop"], ["Failed"]),
        (["180", "timeout"], [], ["Provisional"]),
    ],
)
def test_crossings(steps: list[str], sent: list[str], events: list[str]) -> None:
    caller = Caller()
    found: list[str] = []
    for step in steps:
        match step.split():
            case ["hang", "up"]:
                found += caller.hang_up()
            case ["silence"]:
                found += caller.wait(3.0)
            case ["rings", "on"]:
                found += caller.wait(28.0)
            case ["for", "ever"]:
                found += caller.wait(40.0)
            case ["BYE"]:
                found += caller.peer("BYE")
            case ["timeout"]:
                found += fail(caller, Failure.TIMEOUT)
            case ["lost"]:
                found += fail(caller, Failure.TRANSPORT)
            case [status, *tag]:
                found += caller.receive(int(status), tag[0] if tag else "" if status == "100" else "b")
    assert found == sent
    assert kinds(caller) == events


def fail(caller: Caller, failure: Failure) -> list[str]:
    return caller.take(caller.session.handle_input(RequestFailed(caller.session.invite, failure), 32.0))


def test_an_invite_nobody_heard_of() -> None:
    caller = Caller()
    caller.wait(3.0)
    assert caller.events == [Failed(NetworkCause(408, "No response"), rang=False, no_response=True)]


def test_an_unreachable_peer() -> None:
    caller = Caller()
    fail(caller, Failure.TRANSPORT)
    assert caller.events == [Failed(NetworkCause(503, "Transport error"), rang=False, no_response=True)]


def test_the_route_set_and_target_come_from_the_answer() -> None:
    caller = Caller()
    caller.receive(180, headers={"Record-Route": "<sip:early;lr>"})
    caller.receive(200, headers={"Record-Route": "<sip:p1;lr>, <sip:p2;lr>"})
    ack = caller.last_request
    assert [str(route.uri) for route in ack.routes] == ["sip:p2;lr", "sip:p1;lr"]


CHALLENGE = {"WWW-Authenticate": 'Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'}
AGAIN = {"WWW-Authenticate": 'Digest realm="r", nonce="n2", qop="auth", algorithm=SHA-256'}
STALE = {"WWW-Authenticate": 'Digest realm="r", nonce="n3", qop="auth", algorithm=SHA-256, stale=true'}
PROXY = {"Proxy-Authenticate": 'Digest realm="proxy", nonce="p1", qop="auth"'}


def test_a_challenge_is_answered_once() -> None:
    caller = Caller(username="u")
    assert caller.receive(401, headers=CHALLENGE) == ["INVITE"]
    retry = caller.last_request
    assert retry.cseq.number == 2
    assert 'username="u"' in (retry.headers.get("Authorization") or "")
    assert caller.receive(401, headers=AGAIN) == []
    assert kinds(caller) == ["Failed"]


def test_stale_nonces_and_proxies_get_another_try() -> None:
    caller = Caller(username="u")
    assert caller.receive(407, headers=PROXY) == ["INVITE"]
    assert "Proxy-Authorization" in caller.last_request.headers
    assert caller.receive(401, headers=CHALLENGE) == ["INVITE"]
    assert caller.receive(401, headers=STALE) == ["INVITE"]
    assert caller.receive(200) == ["ACK"]
    assert "Authorization" in caller.last_request.headers
    assert caller.last_request.cseq.number == 4


def test_both_challenges_of_a_chain_are_answered_in_one_request() -> None:
    caller = Caller(username="u")
    caller.receive(407, headers=PROXY)
    caller.receive(401, headers=CHALLENGE)
    assert {"Authorization", "Proxy-Authorization"} <= {name for name, _ in caller.last_request.headers}


def test_a_challenge_after_a_cancel_ends_the_call() -> None:
    caller = Caller(username="u")
    caller.hang_up()
    assert caller.receive(401, headers=CHALLENGE) == []
    assert kinds(caller) == ["Failed"]


def test_a_challenged_bye_is_sent_again() -> None:
    caller = established(username="u")
    caller.hang_up()
    bye = caller.last_request
    assert caller.answer(bye, 401, headers=CHALLENGE) == ["BYE"]
    assert caller.last_request.cseq.number == bye.cseq.number + 1
    assert caller.answer(caller.last_request, 401, headers=AGAIN) == []
    assert caller.session.finished


def test_a_challenge_without_an_account_ends_the_bye() -> None:
    caller = established()
    caller.hang_up()
    assert caller.answer(caller.last_request, 407, headers=PROXY) == []
    assert caller.session.finished


RELIABLE = {"Require": "100rel"}


def test_reliable_provisionals_are_acknowledged_in_order_and_once() -> None:
    caller = Caller()
    assert caller.receive(183, headers=RELIABLE | {"RSeq": "10"}, sdp=ANSWER) == ["PRACK"]
    assert caller.last_request.headers.get("RAck") == "10 1 INVITE"
    assert caller.last_request.cseq.number == 2
    assert caller.receive(183, headers=RELIABLE | {"RSeq": "10"}) == []  # a repeat: the PRACK repeats itself
    assert caller.receive(180, headers=RELIABLE | {"RSeq": "12"}) == []  # a gap waits
    assert caller.receive(180, headers=RELIABLE | {"RSeq": "11"}) == ["PRACK"]
    assert caller.receive(180, "c", headers=RELIABLE | {"RSeq": "1"}) == ["PRACK"]  # another fork counts for itself
    assert caller.receive(200) == ["ACK"]
    assert caller.last_request.cseq.number == 1


def test_a_challenged_prack_keeps_what_it_acknowledges() -> None:
    caller = Caller(username="u")
    caller.receive(183, headers=RELIABLE | {"RSeq": "10"})
    assert caller.answer(caller.last_request, 407, headers=PROXY) == ["PRACK"]
    assert caller.last_request.headers.get("RAck") == "10 1 INVITE"
    assert "Proxy-Authorization" in caller.last_request.headers


def test_the_answer_may_have_come_early() -> None:
    caller = Caller()
    caller.receive(183, headers=RELIABLE | {"RSeq": "1"}, sdp=ANSWER)
    caller.receive(183, "c", sdp=HOLD)
    caller.receive(200)
    assert caller.events[-1] == Answered(ANSWER)


def test_reliable_provisionals_are_acknowledged_even_while_cancelling() -> None:
    caller = Caller()
    caller.receive(100, "")
    caller.hang_up()
    assert caller.receive(183, headers=RELIABLE | {"RSeq": "1"}) == ["PRACK"]


def test_hold_is_answered_and_told() -> None:
    caller = established(answer_offer="our answer")
    assert caller.peer("INVITE", sdp=HOLD, headers={"Contact": "<sip:new@10.0.0.7>"}) == ["200"]
    assert caller.last_response.body == b"our answer"
    assert caller.events[-1] == MediaChanged(HOLD)
    assert caller.wait(5.5) == ["200"]  # repeated until its ACK
    assert caller.peer("ACK", cseq=caller.n_cseq) == []
    assert caller.wait(60.0) == []
    caller.hang_up()
    assert str(caller.last_request.uri) == "sip:new@10.0.0.7"


def test_a_refresh_without_change_tells_nobody() -> None:
    caller = established(answer_offer="our answer")
    before = list(caller.events)
    assert caller.peer("UPDATE", sdp=ANSWER, headers={"Session-Expires": "90;refresher=uac"}) == ["200"]
    assert caller.peer("UPDATE") == ["200"]
    assert caller.events == before


def test_a_reinvite_without_offer_gets_ours() -> None:
    caller = established(answer_offer="our offer")
    assert caller.peer("INVITE") == ["200"]
    assert caller.last_response.body == b"our offer"
    caller.peer("ACK", sdp=HOLD, cseq=caller.n_cseq)
    assert caller.events[-1] == MediaChanged(HOLD)


@pytest.mark.parametrize(
    ("method", "extra", "status"),
    [
        ("OPTIONS", {}, "200"),
        ("INFO", {}, "200"),
        ("NOTIFY", {}, "405"),
        ("REFER", {}, "405"),
        ("PRACK", {"RAck": "1 1 INVITE"}, "481"),
        ("UPDATE", {"Require": "siprec"}, "420"),
    ],
)
def test_other_requests_in_the_dialog(method: str, extra: dict[str, str], status: str) -> None:
    caller = established()
    assert caller.peer(method, headers=extra) == [status]


@pytest.mark.parametrize(
    ("sdp", "headers", "answer", "status"),
    [
        (HOLD, {}, None, "488"),  # the owner refuses, or there is none who could answer
        ("x", {"Content-Type": "text/plain"}, "ours", "415"),
    ],
)
def test_offers_that_are_refused(sdp: str, headers: dict[str, str], answer: str | None, status: str) -> None:
    caller = established(answer_offer=answer) if answer is not None else established()
    assert caller.peer("INVITE", sdp=sdp, headers=headers) == [status]


def test_glare() -> None:
    caller = Caller(answer_offer="ours")
    caller.receive(183)
    assert caller.peer("UPDATE", sdp=HOLD) == ["491"]  # our offer is not answered yet
    caller.receive(200)
    assert caller.peer("INVITE", sdp=HOLD) == ["200"]
    assert caller.peer("INVITE", sdp=HOLD) == ["491"]  # the one before has no ACK yet


def test_requests_out_of_order_and_of_strangers() -> None:
    caller = established()
    assert caller.peer("OPTIONS", cseq=50) == ["200"]
    assert caller.peer("OPTIONS", cseq=50) == ["500"]
    assert caller.peer("BYE", tag="stranger") == ["481"]
    assert not caller.session.finished


def test_a_reinvite_without_ack_ends_the_call() -> None:
    caller = established(answer_offer="ours")
    caller.peer("INVITE", sdp=HOLD, now=5.0)
    found = [words for at in range(6, 60) for words in caller.wait(float(at))]
    assert found[-1] == "BYE"
    assert set(found[:-1]) == {"200"}
    assert kinds(caller)[-1] == "Ended"


def test_a_hang_up_during_a_reinvite_does_not_wait_for_its_ack() -> None:
    caller = established(answer_offer="ours")
    caller.peer("INVITE", sdp=HOLD)
    assert caller.hang_up() == ["BYE"]


def test_bye_without_answer_ends_all_the_same() -> None:
    caller = established()
    caller.hang_up()
    caller.take(caller.session.handle_input(RequestFailed(caller.last_request, Failure.TIMEOUT), 40.0))
    assert caller.session.finished


@pytest.mark.parametrize(("state", "event"), list(OutgoingInvite.TABLE), ids=str)
def test_the_table_leaves_ended_calls_alone(state: State, event: Event) -> None:
    """An ended call only acknowledges; nothing brings it back."""
    action, new_state = OutgoingInvite.TABLE[(state, event)]
    if state is State.ENDED:
        assert new_state is State.ENDED
    if state is State.ABANDONED:
        assert "report" not in action.value  # the owner was told already
