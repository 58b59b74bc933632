"""A placed call: INVITE, its early dialogs, CANCEL, digest retry, the answer (RFC 3261 §9.1, §13.2; RFC 3262).

In words, because no table says it:
- every repeat of a 2xx is acknowledged again, with the same ACK; a 2xx with another tag is another fork that answered
  and gets ACK and BYE (§13.2.2.4);
- a CANCEL leaves only after a provisional response (§9.1). Until one comes the INVITE is not repeated any more: a
  phone that has not heard of the call shall not hear of it now;
- a reliable provisional response is answered by PRACK, in order, once; the transaction below repeats it (RFC 3262 §4);
- the owner is told once how the call failed. What arrives later (a 200 above all) is still dealt with: ACK, then BYE;
- credentials are tried once, and once more only when the server calls its nonce stale (RFC 7616 §3.3). A CANCEL on
  the way ends the tries.
"""

from collections.abc import Mapping
from typing import ClassVar

from dialer.model.attempt import NetworkCause
from dialer.sip.cause import network_cause
from dialer.sip.dialog import MAX_FORWARDS, Dialog
from dialer.sip.events import Answered, Failed, InviteRequest, Provisional
from dialer.sip.header_map import Headers
from dialer.sip.headers import NameAddr
from dialer.sip.lexical import encode, readable
from dialer.sip.message import Message, Request, Response, new_tag
from dialer.sip.retry import ChallengeRetry
from dialer.sip.session import ALLOW, COMMON_ROWS, SDP, Session, sdp_of
from dialer.sip.session_words import Action, Drop, Event, LocalParty, SendAck, SendRequest, State, StopRepeating, Table
from dialer.sip.transaction import T1_S, Failure, make_cancel

CANCEL_TIMEOUT_S = 64 * T1_S  # RFC 3261 §9.1: after a CANCEL, wait this long for the INVITE's final response
ABANDONED_S = 64 * T1_S
"""How long a late response to an INVITE that was given up is still dealt with."""

_CANCELLED_WITHOUT_ANSWER = NetworkCause(487, "No final response after CANCEL")
_NO_RESPONSE = NetworkCause(408, "No response")  # RFC 3261 §8.1.3.1: a timeout counts as 408
_UNREACHABLE = NetworkCause(503, "Transport error")  # RFC 3261 §8.1.3.1: a transport error counts as 503


class OutgoingInvite(Session):
    """The caller's side of one call."""

    FIRST = State.CALLING
    TABLE: ClassVar[Table] = {
        **COMMON_ROWS,
        (State.CALLING, Event.RECEIVE_1XX): (Action.REPORT, State.PROCEEDING),
        (State.CALLING, Event.RECEIVE_2XX): (Action.ESTABLISH, State.ESTABLISHED),
        (State.CALLING, Event.RECEIVE_FAILURE): (Action.FAIL, State.ENDED),
        (State.CALLING, Event.RECEIVE_CHALLENGE): (Action.RETRY, State.CALLING),
        (State.CALLING, Event.TIMEOUT): (Action.FAIL, State.ENDED),
        (State.CALLING, Event.TRANSPORT_ERROR): (Action.FAIL, State.ENDED),
        (State.CALLING, Event.HANG_UP): (Action.STOP_REPEATING, State.CANCEL_PENDING),
        (State.CALLING, Event.RING_TIMER): (Action.STOP_REPEATING, State.CANCEL_PENDING),
        (State.CALLING, Event.FIRST_RESPONSE_TIMER): (Action.ABANDON, State.ABANDONED),
        (State.CANCEL_PENDING, Event.RECEIVE_1XX): (Action.CANCEL, State.CANCELLING),
        (State.CANCEL_PENDING, Event.RECEIVE_2XX): (Action.REFUSE, State.ENDING),
        (State.CANCEL_PENDING, Event.RECEIVE_FAILURE): (Action.FAIL, State.ENDED),
        (State.CANCEL_PENDING, Event.RECEIVE_CHALLENGE): (Action.FAIL, State.ENDED),
        (State.CANCEL_PENDING, Event.TIMEOUT): (Action.FAIL, State.ENDED),
        (State.CANCEL_PENDING, Event.TRANSPORT_ERROR): (Action.FAIL, State.ENDED),
        (State.CANCEL_PENDING, Event.FIRST_RESPONSE_TIMER): (Action.ABANDON, State.ABANDONED),
        (State.PROCEEDING, Event.RECEIVE_1XX): (Action.REPORT, State.PROCEEDING),
        (State.PROCEEDING, Event.RECEIVE_2XX): (Action.ESTABLISH, State.ESTABLISHED),
        (State.PROCEEDING, Event.RECEIVE_FAILURE): (Action.FAIL, State.ENDED),
        (State.PROCEEDING, Event.RECEIVE_CHALLENGE): (Action.RETRY, State.CALLING),
        (State.PROCEEDING, Event.HANG_UP): (Action.CANCEL, State.CANCELLING),
        (State.PROCEEDING, Event.RING_TIMER): (Action.CANCEL, State.CANCELLING),
        (State.PROCEEDING, Event.RECEIVE_BYE): (Action.ABANDON_AND_CANCEL, State.ABANDONED),
        (State.CANCELLING, Event.RECEIVE_2XX): (Action.REFUSE, State.ENDING),
        (State.CANCELLING, Event.RECEIVE_FAILURE): (Action.FAIL, State.ENDED),
        (State.CANCELLING, Event.RECEIVE_CHALLENGE): (Action.FAIL, State.ENDED),
        (State.CANCELLING, Event.GIVE_UP_TIMER): (Action.ABANDON, State.ABANDONED),
        (State.ABANDONED, Event.RECEIVE_1XX): (Action.CANCEL, State.ABANDONED),
        (State.ABANDONED, Event.RECEIVE_2XX): (Action.REFUSE_QUIETLY, State.ENDING),
        (State.ABANDONED, Event.RECEIVE_FAILURE): (Action.ABSORB, State.ENDED),
        (State.ABANDONED, Event.RECEIVE_CHALLENGE): (Action.ABSORB, State.ENDED),
        (State.ABANDONED, Event.TIMEOUT): (Action.ABSORB, State.ENDED),
        (State.ABANDONED, Event.TRANSPORT_ERROR): (Action.ABSORB, State.ENDED),
        (State.ABANDONED, Event.GIVE_UP_TIMER): (Action.FORGET, State.ENDED),
        (State.ESTABLISHED, Event.RECEIVE_2XX): (Action.ACKNOWLEDGE, State.ESTABLISHED),
        (State.ENDING, Event.RECEIVE_2XX): (Action.ACKNOWLEDGE, State.ENDING),
        (State.ENDED, Event.RECEIVE_2XX): (Action.ACKNOWLEDGE, State.ENDED),
    }

    def __init__(self, order: InviteRequest, local: LocalParty) -> None:
        self._order = order
        from_ = NameAddr(order.from_uri, order.display_name).with_tag(new_tag(local.new_token))
        self._from = str(from_)
        self.local_tag = from_.tag
        self._digest = ChallengeRetry(order.username, order.password, local.new_token)
        self._acks: dict[str, SendAck] = {}
        self._rang = False
        self._heard = False
        self._cancel_sent = False
        super().__init__(self._make_invite(local, local.new_token(), 1, {}), local, order.answer_offer)
        self._cseq = 1

    def start(self, now: float) -> list[SendRequest]:
        """The INVITE; starts the timers."""
        self._start(Event.FIRST_RESPONSE_TIMER, now + self._order.first_response_timeout_s)
        self._start(Event.RING_TIMER, now + self._order.ring_timeout_s)
        return [SendRequest(self.invite)]

    def _make_invite(self, local: LocalParty, call_id: str, cseq: int, credentials: Mapping[str, str]) -> Request:
        order = self._order
        headers = Headers()
        headers.add("Via", local.new_via())
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", self._from)
        headers.add("To", str(NameAddr(order.target.bare())))
        headers.add("Call-ID", call_id)
        headers.add("CSeq", f"{cseq} INVITE")
        headers.add("Contact", local.contact)
        for name, value in (*order.headers.items(), *credentials.items()):
            headers.add(name, value)
        headers.add("Allow", ALLOW)
        headers.add("Supported", "100rel")
        headers.add("User-Agent", local.user_agent)
        headers.add("Content-Type", SDP)
        return Request("INVITE", order.target, headers, encode(order.sdp))

    def _on_response(self, request: Request, response: Response, now: float) -> None:
        if request.method == "INVITE":
            self._on_invite_response(response, now)
        elif response.status in (401, 407) and request.method in ("BYE", "PRACK"):
            self._retry_in_dialog(request, response, now)
        else:
            super()._on_response(request, response, now)

    def _on_invite_response(self, response: Response, now: float) -> None:
        self._heard = True
        self._stop(Event.FIRST_RESPONSE_TIMER)
        status = response.status
        if status < 200:
            self._rang = self._rang or 180 <= status < 190
            self._note_early_dialog(response)
            self._step(Event.RECEIVE_1XX, response, now)
        elif status < 300:
            self._step(Event.RECEIVE_2XX, response, now)
        elif status in (401, 407) and self._digest.can_answer(response):
            self._step(Event.RECEIVE_CHALLENGE, response, now)
        else:
            self._step(Event.RECEIVE_FAILURE, response, now)

    def _on_failure(self, request: Request, failure: Failure, now: float) -> None:
        if request.method == "INVITE":
            self._ending = _NO_RESPONSE if failure is Failure.TIMEOUT else _UNREACHABLE
            self._step(Event.TIMEOUT if failure is Failure.TIMEOUT else Event.TRANSPORT_ERROR, None, now)
        else:
            super()._on_failure(request, failure, now)

    def _act(self, action: Action, message: Message | None, now: float) -> None:
        match action:
            case Action.FAIL:
                self._fail(message)
            case Action.STOP_REPEATING:
                self._outputs.append(StopRepeating(self.invite))
            case Action.CANCEL:
                self._cancel(now)
            case Action.ABANDON | Action.ABANDON_AND_CANCEL:
                self._abandon(message, cancel=action is Action.ABANDON_AND_CANCEL, now=now)
            case Action.FORGET:
                self._outputs.append(Drop(self.invite))
            case _ if isinstance(message, Response):
                self._act_on_response(action, message, now)
            case _:
                super()._act(action, message, now)

    def _act_on_response(self, action: Action, response: Response, now: float) -> None:
        match action:
            case Action.REPORT:
                self._report(response)
            case Action.ESTABLISH:
                self._establish(response)
            case Action.REFUSE | Action.REFUSE_QUIETLY:
                self._refuse(response, tell=action is Action.REFUSE)
            case Action.ACKNOWLEDGE:
                self._acknowledge(response)
            case Action.RETRY:
                self._retry(response, now)

    def _report(self, response: Response) -> None:
        if response.status > 100:
            self._notify(Provisional(response.status, readable(response.phrase), sdp_of(response)))

    def _establish(self, response: Response) -> None:
        self._stop(Event.RING_TIMER)
        self.dialog = self._answered_dialog(response)
        self._send_ack(self.dialog)
        self._remote_sdp = sdp_of(response) or self.dialog.early_sdp
        self._notify(Answered(self._remote_sdp))

    def _refuse(self, response: Response, *, tell: bool) -> None:
        """A 200 nobody wants any more (it crossed our CANCEL, or came after we gave up): ACK, then BYE."""
        self._clear_timers()
        self.dialog = self._answered_dialog(response)
        self._send_ack(self.dialog)
        self._send_bye()
        if tell:
            self._notify_failed(network_cause(response), response)

    def _acknowledge(self, response: Response) -> None:
        tag = response.to.tag
        if tag in self._acks:
            self._outputs.append(self._acks[tag])
            return
        fork = self._answered_dialog(response)
        self._send_ack(fork)
        self._send_in_dialog("BYE", fork, {})

    def _answered_dialog(self, response: Response) -> Dialog:
        dialog = self.dialogs.setdefault(response.to.tag, Dialog.from_response(self.invite, response))
        dialog.confirm(response)
        return dialog

    def _send_ack(self, dialog: Dialog) -> None:
        ack = dialog.request("ACK", self.invite.cseq.number, self.local.new_via())
        for name in (
            "Authorization",
            "Proxy-Authorization",
        ):  # RFC 3261 §22.1: the ACK carries the INVITE's credentials
            for value in self.invite.headers.get_all(name):
                ack.headers.add(name, value)
        self._acks[dialog.remote_tag] = SendAck(ack, dialog)
        self._outputs.append(self._acks[dialog.remote_tag])

    def _note_early_dialog(self, response: Response) -> None:
        tag = response.to.tag
        if response.status == 100 or not tag:
            return
        dialog = self.dialogs.setdefault(tag, Dialog.from_response(self.invite, response))
        dialog.early_sdp = sdp_of(response) or dialog.early_sdp
        if response.rseq is not None and "100rel" in response.require:
            self._acknowledge_provisional(dialog, response.rseq)

    def _acknowledge_provisional(self, dialog: Dialog, rseq: int) -> None:
        """RFC 3262 §4: the next in order is acknowledged, a repeat is left to the PRACK's transaction, a gap waits."""
        if dialog.last_rseq is not None and rseq != dialog.last_rseq + 1:
            return
        dialog.last_rseq = rseq
        rack = f"{rseq} {self.invite.cseq.number} INVITE"
        self._send_in_dialog("PRACK", dialog, {"RAck": rack})

    def _retry(self, response: Response, now: float) -> None:
        credentials = self._digest.answer(response, "INVITE", str(self._order.target), self.invite.body)
        self._cseq += 1
        self.dialogs.clear()
        self._heard = False  # of this try: a trunk that only ever challenges has not taken the call
        self.invite = self._make_invite(self.local, self.call_id, self._cseq, credentials)
        self._start(Event.FIRST_RESPONSE_TIMER, now + self._order.first_response_timeout_s)
        self._outputs.append(SendRequest(self.invite))

    def _retry_in_dialog(self, request: Request, response: Response, now: float) -> None:
        dialog = self.dialogs.get(request.to.tag)
        if dialog is None or "Authorization" in request.headers or "Proxy-Authorization" in request.headers:
            super()._on_response(request, response, now)
            return
        headers = dict(self._digest.answer(response, request.method, str(request.uri), b""))
        rack = request.headers.get("RAck")
        if rack is not None:
            headers["RAck"] = rack
        if headers:
            self._send_in_dialog(request.method, dialog, headers)
        else:
            super()._on_response(request, response, now)

    def _cancel(self, now: float) -> None:
        if self._cancel_sent:
            return
        self._cancel_sent = True
        self._stop(Event.RING_TIMER)
        if self.state is not State.ABANDONED:
            self._start(Event.GIVE_UP_TIMER, now + CANCEL_TIMEOUT_S)
        cancel = make_cancel(self.invite)
        for name, value in self._reason_headers().items():
            cancel.headers.add(name, value)
        self._outputs.append(SendRequest(cancel))

    def _abandon(self, message: Message | None, *, cancel: bool, now: float) -> None:
        """The owner need not wait any longer; the INVITE is kept until no late answer can come."""
        cause = network_cause(message) if message is not None else self._given_up_cause()
        self._clear_timers()
        self._outputs.append(StopRepeating(self.invite))
        if cancel:
            self._cancel(now)
        self._start(Event.GIVE_UP_TIMER, now + ABANDONED_S)
        self._notify_failed(cause, None)

    def _given_up_cause(self) -> NetworkCause:
        return _CANCELLED_WITHOUT_ANSWER if self._cancel_sent else _NO_RESPONSE

    def _fail(self, message: Message | None) -> None:
        response = message if isinstance(message, Response) else None
        self._notify_failed(network_cause(response) if response is not None else self._ending, response)

    def _notify_failed(self, cause: NetworkCause, response: Response | None) -> None:
        retry_after_s = response.retry_after if response is not None else None
        self._notify(Failed(cause, rang=self._rang, no_response=not self._heard, retry_after_s=retry_after_s))

    def _clear_timers(self) -> None:
        for timer in tuple(self._deadlines):
            self._stop(timer)
