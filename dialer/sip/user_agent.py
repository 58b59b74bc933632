"""The user agent core: routes messages between transactions, calls and the registrar. Sans-IO but for one `transmit`.

Who is heard: responses that match a transaction of ours; requests inside a call (they know its Call-ID and tags);
configured trunks; registered phones, whose calls are challenged; REGISTER for an account that exists. All else gets
silence, so that a scanner learns nothing, not even that something is here.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialer.errors import LocalProtocolError, TransportError
from dialer.sip.answering import IncomingInvite
from dialer.sip.calls import CallShell, IncomingCall, SipCall
from dialer.sip.dialog import MAX_FORWARDS
from dialer.sip.events import Destination, InviteRequest, Sink, Transport
from dialer.sip.header_map import Headers
from dialer.sip.headers import NameAddr
from dialer.sip.invite import OutgoingInvite
from dialer.sip.layer import MAX_TRANSACTIONS, TransactionLayer, Transmitter, mark_source
from dialer.sip.message import (
    Message,
    MessageError,
    Request,
    Response,
    TokenFactory,
    make_response,
    new_branch,
    new_tag,
    stateless_answer,
)
from dialer.sip.registrar import Registrar, Silence
from dialer.sip.session import ALLOW, SDP
from dialer.sip.session_words import LocalParty, RequestReceived
from dialer.sip.timers import TimerHeap
from dialer.sip.transaction import Failure
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

USER_AGENT = "dialer"
CONTACT_USER = "dialer"

RequestResult = Callable[[Response | None], None]
"""Hears the final response to a request of ours outside calls, or None when none came."""


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """Where peers reach us over one transport."""

    host: str
    port: int

    @property
    def sent_by(self) -> str:
        """`host:port` for Via and Contact, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class _Unattended:
    """Hears what becomes of answers that belong to no call: nothing is to be done."""

    def on_response(self, request: Request, response: Response, now: float) -> None:
        """Our requests outside calls have users of their own."""

    def on_ack(self, ack: Request, now: float) -> None:
        """We give no 2xx to an INVITE without a call."""

    def on_failure(self, request: Request, failure: Failure, now: float) -> None:
        """The peer never acknowledged a refusal; it was refused all the same."""


class _Waiter(_Unattended):
    """Waits for the final response to one request of ours."""

    def __init__(self, result: RequestResult) -> None:
        self._result = result

    def on_response(self, request: Request, response: Response, now: float) -> None:
        if response.status >= 200:
            self._result(response)

    def on_failure(self, request: Request, failure: Failure, now: float) -> None:
        self._result(None)


class UserAgent:
    """One node's SIP.

    Args:
        transmit: puts bytes on the wire; does not raise.
        addresses: where we are reached over each transport that is open.
        clock: monotonic seconds, read when an owner acts on a call.
        wake: called after an owner acted, since the next deadline may be nearer.
        is_trunk: whether an address belongs to a configured trunk.
        registrar: the collectors' phones; None when there are none.
    """

    def __init__(
        self,
        transmit: Transmitter,
        addresses: dict[Transport, LocalAddress],
        token: TokenFactory,
        *,
        clock: Callable[[], float],
        is_trunk: Callable[[Destination], bool],
        wake: Callable[[], None],
        registrar: Registrar | None = None,
        max_transactions: int = MAX_TRANSACTIONS,
    ) -> None:
        self.layer = TransactionLayer(transmit, max_transactions=max_transactions)
        self.registrar = registrar
        self._transmit = transmit
        self._addresses = addresses
        self._token = token
        self._is_trunk = is_trunk
        self._timers = TimerHeap()
        self._calls: dict[tuple[str, str], SipCall] = {}
        self._incoming: Callable[[IncomingCall], None] | None = None
        self._trunk_call: Callable[[IncomingCall], None] | None = None
        self._idle: Callable[[], None] = _nobody
        self._shell = CallShell(self.layer, self._timers, transmit, self._end_call, clock, wake)
        self._local = {transport: self._make_local(transport) for transport in addresses}

    # calls

    def invite(self, order: InviteRequest, sink: Sink, now: float) -> SipCall:
        """Places a call.

        Raises:
            TransportError: no transport of that kind is open, or too many transactions are alive.
        """
        session = OutgoingInvite(order, self._local_party(order.destination.transport))
        pinned = self.registrar is not None and self.registrar.user_at(order.destination) is not None
        call = SipCall(self._shell, session, order.destination, sink, pinned=pinned)
        self._calls[(session.call_id, session.local_tag)] = call
        try:
            call.apply(session.start(now), now)
        except TransportError:
            self._end_call(call)
            raise
        return call

    def on_incoming(self, handler: Callable[[IncomingCall], None]) -> None:
        """Sets who hears of calls from authenticated phones."""
        self._incoming = handler

    def on_trunk_call(self, handler: Callable[[IncomingCall], None]) -> None:
        """Sets who hears of calls from trunks; without a handler they are refused with 480."""
        self._trunk_call = handler

    def on_idle(self, handler: Callable[[], None]) -> None:
        """Sets who hears that the last call is over."""
        self._idle = handler

    @property
    def calls(self) -> tuple[SipCall, ...]:
        """The calls that are not over."""
        return tuple(self._calls.values())

    def _end_call(self, call: SipCall) -> None:
        if self._calls.pop((call.call_id, call.local_tag), None) is not None and not self._calls:
            self._idle()

    # requests of ours outside calls

    def send_request(
        self,
        method: str,
        target: SipUri,
        destination: Destination,
        extra: Mapping[str, str],
        result: RequestResult,
        now: float,
    ) -> None:
        """Sends a request that belongs to no call; `extra` headers win over ours.

        Raises TransportError; LocalProtocolError for an INVITE, which leaves as a call or not at all.
        """
        if method.upper() == "INVITE":
            raise LocalProtocolError("an INVITE begins a call: place it as one")
        local = self._local_party(destination.transport)
        headers = Headers()
        headers.add("Via", local.new_via())
        headers.add("Max-Forwards", MAX_FORWARDS)
        address = self._addresses[destination.transport]
        from_ = NameAddr(SipUri.build(CONTACT_USER, address.host, address.port))
        headers.add("From", str(from_.with_tag(new_tag(self._token))))
        headers.add("To", str(NameAddr(target)))
        headers.add("Call-ID", self._token())
        headers.add("CSeq", f"1 {method}")
        headers.add("Contact", local.contact)
        headers.add("User-Agent", USER_AGENT)
        for name, value in extra.items():
            headers.set(name, value)
        self.layer.send_request(Request(method, target, headers), destination, _Waiter(result), now)

    # what arrives

    def receive(self, message: Message, source: Destination, now: float) -> None:
        """A whole message from the network."""
        if isinstance(message, Response):
            if not self.layer.receive_response(message, now):
                logger.debug("response without a transaction", extra={"status": message.status})
            return
        mark_source(message, source)
        if self.layer.absorb_request(message, now):
            return
        if message.method == "ACK":
            self._receive_ack(message, now)
        elif message.method == "CANCEL":
            self._receive_cancel(message, source, now)
        elif message.to.tag:
            self._receive_in_dialog(message, source, now)
        else:
            self._receive_out_of_dialog(message, source, now)

    def receive_broken(self, error: MessageError, source: Destination) -> None:
        """Bytes that are no message we can act upon: peers we know are told, once, without state (RFC 3261 §16.11)."""
        if not self._is_known(source):
            return
        answer = stateless_answer(error, to_tag=new_tag(self._token))
        if answer is not None:
            self._transmit(answer.to_bytes(), source)

    def transport_failed(self, destination: Destination, now: float) -> None:
        """A connection is gone, or could not be made."""
        self.layer.transport_failed(destination, now)
        if self.registrar is not None:
            self.registrar.lost(destination)

    @property
    def next_deadline(self) -> float | None:
        """When `handle_timeout` is due."""
        deadlines = (self.layer.next_deadline, self._timers.next_deadline)
        known = [deadline for deadline in deadlines if deadline is not None]
        return min(known) if known else None

    def handle_timeout(self, now: float) -> None:
        """Fires the timers of transactions and calls."""
        self.layer.handle_timeout(now)
        while (timed := self._timers.pop_due(now)) is not None:
            if isinstance(timed, SipCall):
                timed.apply(timed.session.handle_timeout(now), now)

    def _receive_ack(self, ack: Request, now: float) -> None:
        call = self._calls.get((ack.call_id, ack.to.tag))
        if call is not None:
            call.on_ack(ack, now)

    def _receive_cancel(self, cancel: Request, source: Destination, now: float) -> None:
        user = self.layer.user_of_cancelled(cancel)
        if user is None:
            if self._is_known(source):
                self._answer(cancel, source, 481, now)
            return
        self._answer(cancel, source, 200, now)
        if isinstance(user, SipCall):
            user.apply(user.session.handle_input(RequestReceived(cancel), now), now)

    def _receive_in_dialog(self, request: Request, source: Destination, now: float) -> None:
        call = self._calls.get((request.call_id, request.to.tag))
        if call is None:
            if self._is_known(source):
                self._answer(request, source, 481, now)
            return
        if self._accept(request, source, now):
            self.layer.set_user(request, call)
            call.apply(call.session.handle_input(RequestReceived(request), now), now)

    def _receive_out_of_dialog(self, request: Request, source: Destination, now: float) -> None:
        if request.method == "REGISTER" and self.registrar is not None:
            self._give(request, source, self.registrar.handle(request, source, now), now)
        elif not self._is_known(source):
            logger.debug("request from a stranger", extra={"method": request.method, "peer": str(source)})
        elif request.method == "OPTIONS":
            self._answer(request, source, 200, now, Allow=ALLOW, Accept=SDP)
        elif request.method != "INVITE":
            self._answer(request, source, 405, now, Allow=ALLOW)
        elif self._is_merged(request):
            self._answer(request, source, 482, now)  # RFC 3261 §8.2.2.2
        elif request.require:
            self._answer(request, source, 420, now, Unsupported=", ".join(request.require))
        else:
            self._receive_invite(request, source, now)

    def _receive_invite(self, invite: Request, source: Destination, now: float) -> None:
        """Calls of phones are challenged; calls of trunks are for who asked to hear of them."""
        if self._trunk_call is not None and self._is_trunk(source):
            self._open_call(invite, source, "", self._trunk_call, now)
            return
        if self.registrar is None or self.registrar.user_at(source) is None or self._incoming is None:
            self._answer(invite, source, 480, now)
            return
        user = self.registrar.authenticator.check(invite, invite.from_.uri.user_text, source, now)
        if not isinstance(user, str):
            self._give(invite, source, user, now)
            return
        self._open_call(invite, source, user, self._incoming, now)

    def _open_call(
        self, invite: Request, source: Destination, user: str, handler: Callable[[IncomingCall], None], now: float
    ) -> None:
        if not self._accept(invite, source, now):
            return
        session = IncomingInvite(invite, self._local_party(source.transport))
        call = SipCall(self._shell, session, source, _ignore, pinned=True)
        self.layer.set_user(invite, call)
        self.layer.respond(invite, make_response(invite, 100), now)
        self._calls[(call.call_id, call.local_tag)] = call
        call.apply(session.start(now), now)
        incoming = IncomingCall(call, session, user)
        try:
            handler(incoming)
        except Exception:  # the edge of one call: its owner's fault must not reach the socket
            logger.exception("taking a call failed", extra={"call_id": incoming.call_id})
            incoming.reject(500)

    def _is_merged(self, invite: Request) -> bool:
        tag, cseq = invite.from_.tag, invite.cseq.number
        return any(
            call.call_id == invite.call_id
            and call.session.invite.from_.tag == tag
            and call.session.invite.cseq.number == cseq
            for call in self._calls.values()
        )

    def _is_known(self, source: Destination) -> bool:
        return self._is_trunk(source) or (self.registrar is not None and self.registrar.user_at(source) is not None)

    def _give(self, request: Request, source: Destination, response: Response | Silence, now: float) -> None:
        if isinstance(response, Response) and self._accept(request, source, now):
            self.layer.respond(request, response, now)

    def _answer(self, request: Request, source: Destination, status: int, now: float, **headers: str) -> None:
        response = make_response(request, status, to_tag=new_tag(self._token))
        for name, value in headers.items():
            response.headers.add(name, value)
        self._give(request, source, response, now)

    def _accept(self, request: Request, source: Destination, now: float) -> bool:
        """Starts the server transaction; when there are too many, says 503 without one."""
        try:
            self.layer.accept_request(request, source, _UNATTENDED)
        except TransportError:
            busy = make_response(request, 503, to_tag=new_tag(self._token))
            self._transmit(busy.to_bytes(), source)
            return False
        return True

    # ourselves

    def _local_party(self, transport: Transport) -> LocalParty:
        local = self._local.get(transport)
        if local is None:
            raise TransportError(f"SIP over {transport.value} is not open")
        return local

    def _make_local(self, transport: Transport) -> LocalParty:
        sent_by = self._addresses[transport].sent_by
        prefix = f"SIP/2.0/{transport.value.upper()} {sent_by};rport;branch="
        suffix = "" if transport is Transport.UDP else f";transport={transport.value}"
        contact = f"<sip:{CONTACT_USER}@{sent_by}{suffix}>"
        token = self._token
        return LocalParty(contact, lambda: prefix + new_branch(token), token, USER_AGENT)


_UNATTENDED = _Unattended()


def _nobody() -> None:
    """Nobody waits for the last call."""


def _ignore(event: object) -> None:
    """Hears a received call until its owner does."""
