"""The owner's handles of calls: a session's outputs go to the transactions, its events to the owner's sink."""

import logging
from collections.abc import Callable, Iterable

from dialer.errors import TransportError
from dialer.model.contact import mask_number
from dialer.sip.answering import IncomingInvite
from dialer.sip.dialog import Dialog
from dialer.sip.events import AnswerOffer, CallEvent, Destination, Provisional, Sink, Transport, is_address
from dialer.sip.invite import OutgoingInvite
from dialer.sip.layer import TransactionLayer, Transmitter
from dialer.sip.message import Request, Response
from dialer.sip.session_words import (
    Accept,
    Drop,
    HangUp,
    Input,
    Notify,
    Output,
    Reject,
    RequestFailed,
    RequestReceived,
    Respond,
    ResponseReceived,
    Ring,
    SendAck,
    SendRequest,
    StopRepeating,
)
from dialer.sip.timers import Timed, TimerHeap
from dialer.sip.transaction import Failure
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

DEFAULT_PORT = 5060  # RFC 3261 §19.1.2


class CallShell:
    """What the calls of one user agent share. `clock` is read when an owner acts on a call."""

    def __init__(
        self,
        layer: TransactionLayer,
        timers: TimerHeap,
        transmit: Transmitter,
        ended: "Callable[[SipCall], None]",
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.layer = layer
        self.timers = timers
        self.transmit = transmit
        self.ended = ended
        self.clock = clock
        self.wake = wake


class SipCall(Timed):
    """One call, placed or received.

    `pinned` sends everything to `destination`, whatever the peer's Contact says: a phone behind NAT does not know its
    address.
    """

    def __init__(
        self,
        shell: CallShell,
        session: OutgoingInvite | IncomingInvite,
        destination: Destination,
        sink: Sink,
        *,
        pinned: bool,
    ) -> None:
        super().__init__(session)
        self.session = session
        self.call_id = session.call_id
        self.local_tag = session.local_tag
        self._shell = shell
        self._destination = destination
        self._pinned = pinned
        self.sink = sink

    # the owner's side

    def cancel(self) -> None:
        """Ends a call that was not answered. A 200 that crosses is ACKed and BYEd; the end comes as `Failed`.

        When the answer was already reported this hangs up, and the end comes as `Ended`.
        """
        self.act(HangUp())

    def hang_up(self, reason: str = "") -> None:
        """Ends an answered call by BYE; before the answer the same as `cancel`. `reason` goes into a Reason header."""
        self.act(HangUp(reason))

    def act(self, event: Input) -> None:
        """Something the owner does."""
        now = self._shell.clock()
        self.apply(self.session.handle_input(event, now), now)
        self._shell.wake()

    # the network's side

    def on_response(self, request: Request, response: Response, now: float) -> None:
        """A response to a request of this call."""
        self.apply(self.session.handle_input(ResponseReceived(request, response), now), now)

    def on_ack(self, ack: Request, now: float) -> None:
        """The ACK of a 2xx of ours."""
        self.apply(self.session.handle_input(RequestReceived(ack), now), now)

    def on_failure(self, request: Request, failure: Failure, now: float) -> None:
        """A transaction of this call failed."""
        self.apply(self.session.handle_input(RequestFailed(request, failure), now), now)

    def apply(self, outputs: Iterable[Output], now: float) -> None:
        """Does what the session wants done; the owner hears of it last, since it may act upon it at once.

        Raises:
            TransportError: the INVITE itself could not be sent; other requests that cannot be sent are given up.
        """
        events: list[CallEvent] = []
        for output in outputs:
            if isinstance(output, Notify):
                events.append(output.event)
            else:
                self._do(output, now)
        self._shell.timers.update(self)
        if self.session.finished:
            self._shell.ended(self)
        for event in events:
            self._tell(event)

    def _do(self, output: Output, now: float) -> None:
        layer = self._shell.layer
        match output:
            case SendRequest(request, dialog):
                self._send(request, self._route(dialog), now)
            case SendAck(request, dialog):
                self._shell.transmit(request.to_bytes(), self._route(dialog))
            case Respond(request, response):
                layer.respond(request, response, now)
            case StopRepeating(request):
                layer.stop_repeating(request, now)
            case Drop(request):
                layer.drop(request)

    def _send(self, request: Request, destination: Destination, now: float) -> None:
        try:
            self._shell.layer.send_request(request, destination, self, now)
        except TransportError:
            if request.method == "INVITE":
                raise
            logger.error("a request of a call could not be sent", extra={"call_id": self.call_id})
            self.on_failure(request, Failure.TRANSPORT, now)

    def _route(self, dialog: Dialog | None) -> Destination:
        if dialog is None or self._pinned:
            return self._destination
        return destination_of(dialog.next_hop, self._destination)

    def _tell(self, event: CallEvent) -> None:
        logger.info("call event", extra=_facts(self, event))
        try:
            self.sink(event)
        except Exception:  # the edge of one call: its owner's fault must not reach the socket
            logger.exception("the owner of a call failed", extra={"call_id": self.call_id})


class IncomingCall:
    """A call we received, not answered yet. `sdp` is empty when it made no offer; `user` is the phone's account."""

    def __init__(self, call: SipCall, session: IncomingInvite, user: str) -> None:
        self._call = call
        self.user = user
        self.call_id = call.call_id
        self.sdp = session.remote_sdp
        self.target: SipUri = session.invite.uri

    def listen(self, sink: Sink) -> None:
        """`sink` hears `Failed` when the phone gives up before the answer."""
        self._call.sink = sink

    def ringing(self, sdp: str = "") -> None:
        """Sends 180, or 183 with our audio. Raises LocalProtocolError once it was answered, refused or given up."""
        self._call.act(Ring(sdp))

    def answer(self, sdp: str, sink: Sink, *, answer_offer: AnswerOffer | None = None) -> SipCall:
        """Sends 200. Raises LocalProtocolError as `ringing` does."""
        self._call.sink = sink
        self._call.act(Accept(sdp, answer_offer))
        return self._call

    def reject(self, status: int = 480, reason: str = "") -> None:
        """Refuses the call. Raises LocalProtocolError as `ringing` does, and for a status below 300."""
        self._call.act(Reject(status, reason))


def destination_of(uri: SipUri, fallback: Destination) -> Destination:
    """Where a request for this URI goes. Host names are not resolved within a call: it goes to the call's own peer."""
    if not is_address(uri.host):
        return fallback
    transport = Transport(uri.transport) if uri.transport in ("udp", "tcp") else fallback.transport
    return Destination(transport, uri.host, uri.port or DEFAULT_PORT)


def _facts(call: SipCall, event: CallEvent) -> dict[str, object]:
    facts: dict[str, object] = {"action": f"call_{type(event).__name__.lower()}", "call_id": call.call_id}
    if isinstance(event, Provisional):
        facts["status"] = event.status
    if isinstance(call.session, OutgoingInvite):
        facts["number"] = mask_number(call.session.invite.uri.user_text)
    return facts
