"""What placed and received calls share once there is a dialog: rows of the table, requests inside it, BYE.

Sans-IO like the transactions below it: events in, outputs out, deadlines. A session owns no transaction; it says which
requests to send and which responses to give, and hears what came of them.

In words, because no table says it:
- a 2xx we gave to an INVITE or re-INVITE is repeated until its ACK comes, from T1 doubling to T2; without any ACK
  after 64*T1 the call is ended by BYE (RFC 3261 §13.3.1.4, §14.2). A callee must not send BYE before that ACK (§15), so
  a hang-up waits for it;
- a request out of order is answered 500 (§12.2.2), an extension we lack 420 (§8.2.2.3), an unknown method 405;
- an offer while our own is unanswered is 491, one while theirs awaits its ACK likewise (§14.2, RFC 3311 §5.2);
- we never refresh a session ourselves and so do not advertise `timer`; a peer that does so is answered (RFC 4028 §9).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from dialer.errors import LocalProtocolError
from dialer.model.attempt import NetworkCause
from dialer.sip.cause import network_cause
from dialer.sip.dialog import Dialog, Order
from dialer.sip.events import AnswerOffer, CallEvent, Ended, MediaChanged
from dialer.sip.headers import ReasonValue
from dialer.sip.lexical import decode, encode
from dialer.sip.message import Message, Request, Response, make_response
from dialer.sip.session_words import (
    Action,
    Event,
    HangUp,
    Input,
    LocalParty,
    Notify,
    Output,
    RequestFailed,
    RequestReceived,
    Respond,
    ResponseReceived,
    SendRequest,
    State,
    Table,
)
from dialer.sip.transaction import T1_S, T2_S, Failure

logger = logging.getLogger(__name__)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK"
SDP = "application/sdp"
ACK_TIMEOUT_S = 64 * T1_S  # RFC 3261 §13.3.1.4


@dataclass(slots=True)
class _Unacknowledged:
    """A 2xx of ours to an INVITE that waits for its ACK."""

    request: Request
    response: Response
    interval_s: float = T1_S


COMMON_ROWS: Table = {
    (State.ESTABLISHED, Event.HANG_UP): (Action.BYE, State.ENDING),
    (State.ESTABLISHED, Event.RECEIVE_BYE): (Action.PEER_HUNG_UP, State.ENDED),
    (State.ESTABLISHED, Event.RECEIVE_ACK): (Action.CONFIRM, State.ESTABLISHED),
    (State.ESTABLISHED, Event.REPEAT_TIMER): (Action.REPEAT, State.ESTABLISHED),
    (State.ESTABLISHED, Event.ACK_TIMER): (Action.BYE, State.ENDING),
    (State.ENDING, Event.RECEIVE_BYE): (Action.ABSORB, State.ENDED),
    (State.ENDING, Event.RECEIVE_ACK): (Action.LATE_BYE, State.ENDING),
    (State.ENDING, Event.REPEAT_TIMER): (Action.REPEAT, State.ENDING),
    (State.ENDING, Event.ACK_TIMER): (Action.LATE_BYE, State.ENDING),
    (State.ENDING, Event.BYE_DONE): (Action.ABSORB, State.ENDED),
}
"""Rows of every call that was answered."""


class Session:
    """One call. `dialogs` holds its dialogs by the peer's tag, `dialog` the one that was answered."""

    TABLE: ClassVar[Table]
    FIRST: ClassVar[State]

    def __init__(self, invite: Request, local: LocalParty, answer_offer: AnswerOffer | None) -> None:
        self.invite = invite
        self.local = local
        self.answer_offer = answer_offer
        self.state = self.FIRST
        self.call_id = invite.call_id
        self.dialogs: dict[str, Dialog] = {}
        self.dialog: Dialog | None = None
        self.next_deadline: float | None = None
        self._deadlines: dict[Event, float] = {}
        self._cseq = 0
        self._remote_sdp = ""
        self._hang_up_reason = ""
        self._bye_waits = False
        self._ending = NetworkCause()
        self._unacknowledged: _Unacknowledged | None = None
        self._outputs: list[Output] = []

    @property
    def finished(self) -> bool:
        """True when nothing but repeats of old messages can come."""
        return self.state is State.ENDED

    def handle_input(self, event: Input, now: float) -> list[Output]:
        """One thing that happened to the call.

        Raises:
            LocalProtocolError: the owner asks for what the call's state does not allow.
        """
        match event:
            case RequestReceived(request):
                self._on_request(request, now)
            case ResponseReceived(request, response):
                self._on_response(request, response, now)
            case RequestFailed(request, failure):
                self._on_failure(request, failure, now)
            case HangUp(reason):
                self._hang_up_reason = reason
                self._step(Event.HANG_UP, None, now)
            case _:
                self._on_owner(event, now)
        return self._take_outputs()

    def handle_timeout(self, now: float) -> list[Output]:
        """Fires the timers due at `now`."""
        while self.next_deadline is not None and self.next_deadline <= now:
            timer = min(self._deadlines, key=self._deadlines.__getitem__)
            self._stop(timer)
            self._step(timer, None, now)
        return self._take_outputs()

    def _take_outputs(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _step(self, event: Event, message: Message | None, now: float) -> None:
        row = self.TABLE.get((self.state, event))
        if row is None:
            if event in (Event.RING, Event.ANSWER, Event.REJECT):
                raise LocalProtocolError(f"cannot {event.value} a call that is {self.state.value}")
            return
        action, new_state = row
        self._act(action, message, now)
        if new_state is not self.state:
            self._set_state(new_state)

    def _set_state(self, new: State) -> None:
        logger.debug("call %s -> %s", self.state.value, new.value, extra={"call_id": self.call_id})
        self.state = new
        if new is State.ENDED:
            self._deadlines.clear()
            self.next_deadline = None

    def _act(self, action: Action, message: Message | None, now: float) -> None:
        match action:
            case Action.BYE:
                self._notify(Ended(by_remote=False, cause=self._ending))
                self._send_bye()
            case Action.PEER_HUNG_UP if message is not None:
                self._notify(Ended(by_remote=True, cause=network_cause(message)))
            case Action.CONFIRM if isinstance(message, Request):
                self._confirm(message)
            case Action.REPEAT:
                self._repeat_2xx(now)
            case Action.LATE_BYE:
                if message is None or self._confirm(message):
                    self._send_late_bye()

    # requests of the peer

    def _on_request(self, request: Request, now: float) -> None:
        if request.method == "ACK":
            self._step(Event.RECEIVE_ACK, request, now)
            return
        if request.method == "CANCEL":
            self._step(Event.RECEIVE_CANCEL, request, now)
            return
        dialog = self.dialogs.get(request.from_.tag)
        if dialog is None or self.finished:
            self.respond(request, 481)
        elif dialog.receive(request) is Order.OUT_OF_ORDER:
            self.respond(request, 500, headers={"Retry-After": "1"})
        elif request.require:
            self.respond(request, 420, headers={"Unsupported": ", ".join(request.require)})
        else:
            self._on_dialog_request(request, dialog, now)

    def _on_dialog_request(self, request: Request, dialog: Dialog, now: float) -> None:
        match request.method:
            case "BYE":
                self.respond(request, 200)
                self._step(Event.RECEIVE_BYE, request, now)
            case "INVITE" | "UPDATE":
                self._on_offer(request, dialog, now)
            case "OPTIONS":
                self.respond(request, 200, headers={"Allow": ALLOW, "Accept": SDP})
            case "INFO":
                self.respond(request, 415 if request.body else 200, headers={"Accept": SDP} if request.body else {})
            case "PRACK":
                self.respond(request, 481)  # we send no reliable provisional response (RFC 3262 §3)
            case _:
                self.respond(request, 405, headers={"Allow": ALLOW})

    def _on_offer(self, request: Request, dialog: Dialog, now: float) -> None:
        """A re-INVITE or UPDATE: a refresh, hold, new media, a new target."""
        has_sdp = bool(request.body)
        is_offer = has_sdp or request.method == "INVITE"
        if is_offer and (self._unacknowledged is not None or dialog is not self.dialog):
            self.respond(request, 491)
        elif has_sdp and not is_sdp(request):
            self.respond(request, 415, headers={"Accept": SDP})
        elif is_offer:
            self._answer_offer(request, dialog, now)
        else:
            dialog.refresh_target(request)
            self.respond(request, 200, headers=self._target_headers())

    def _answer_offer(self, request: Request, dialog: Dialog, now: float) -> None:
        offer = decode(request.body)
        answer = self.answer_offer(offer) if self.answer_offer is not None else None
        if answer is None:
            self.respond(request, 488)
            return
        dialog.refresh_target(request)
        self.respond(request, 200, headers=self._target_headers(), sdp=answer)
        if request.method == "INVITE":
            self._await_ack(request, now)
        self._note_remote_sdp(offer)

    def _note_remote_sdp(self, sdp: str) -> None:
        if sdp and sdp != self._remote_sdp:
            self._remote_sdp = sdp
            self._notify(MediaChanged(sdp))

    def respond(
        self, request: Request, status: int, *, headers: Mapping[str, str] | None = None, sdp: str = "", tag: str = ""
    ) -> Response:
        """Gives a response to the request's transaction; a body is SDP."""
        response = make_response(request, status, to_tag=tag)
        for name, value in (headers or {}).items():
            response.headers.add(name, value)
        if sdp:
            response.headers.add("Content-Type", SDP)
            response.body = encode(sdp)
        self._outputs.append(Respond(request, response))
        return response

    def _target_headers(self) -> dict[str, str]:
        return {"Contact": self.local.contact, "Allow": ALLOW}

    # 2xx of ours

    def _await_ack(self, request: Request, now: float) -> None:
        respond = self._outputs[-1]
        if isinstance(respond, Respond):
            self._unacknowledged = _Unacknowledged(request, respond.response)
        self._start(Event.REPEAT_TIMER, now + T1_S)
        self._start(Event.ACK_TIMER, now + ACK_TIMEOUT_S)

    def _repeat_2xx(self, now: float) -> None:
        waiting = self._unacknowledged
        if waiting is None:
            return
        self._outputs.append(Respond(waiting.request, waiting.response))
        waiting.interval_s = min(2 * waiting.interval_s, T2_S)
        self._start(Event.REPEAT_TIMER, now + waiting.interval_s)

    def _confirm(self, ack: Message) -> bool:
        waiting = self._unacknowledged
        if waiting is None or ack.cseq.number != waiting.request.cseq.number:
            return False
        self._unacknowledged = None
        self._stop(Event.REPEAT_TIMER)
        self._stop(Event.ACK_TIMER)
        if ack.body and not waiting.request.body:  # our 2xx made the offer, the ACK brings the answer
            self._note_remote_sdp(decode(ack.body))
        return True

    # requests of ours

    def _on_response(self, request: Request, response: Response, now: float) -> None:
        if request.method == "BYE" and response.status >= 200:
            self._step(Event.BYE_DONE, response, now)

    def _on_failure(self, request: Request, failure: Failure, now: float) -> None:
        if request.method == "BYE":
            self._step(Event.BYE_DONE, None, now)

    def _on_owner(self, event: Input, now: float) -> None:
        raise LocalProtocolError(f"{type(event).__name__} is for received calls")

    def _send_bye(self) -> None:
        if self._bye_must_wait():
            self._bye_waits = True
            return
        self._bye_waits = False
        self._unacknowledged = None
        self._stop(Event.REPEAT_TIMER)
        self._stop(Event.ACK_TIMER)
        if self.dialog is not None:
            self._send_in_dialog("BYE", self.dialog, self._reason_headers())

    def _bye_must_wait(self) -> bool:
        """RFC 3261 §15: the callee must not send BYE before its 2xx was acknowledged or given up."""
        waiting = self._unacknowledged
        return waiting is not None and waiting.request is self.invite and Event.ACK_TIMER in self._deadlines

    def _send_late_bye(self) -> None:
        if self._bye_waits:
            self._send_bye()

    def _send_in_dialog(self, method: str, dialog: Dialog, headers: Mapping[str, str]) -> Request:
        self._cseq += 1
        request = dialog.request(method, self._cseq, self.local.new_via())
        for name, value in headers.items():
            request.headers.add(name, value)
        request.headers.add("User-Agent", self.local.user_agent)
        self._outputs.append(SendRequest(request, dialog))
        return request

    def _reason_headers(self) -> dict[str, str]:
        if not self._hang_up_reason:
            return {}
        text = "".join(c if c.isprintable() else " " for c in self._hang_up_reason)
        return {"Reason": str(ReasonValue("Q.850", 16, text))}  # ITU-T Q.850: normal call clearing

    # small things

    def _notify(self, event: CallEvent) -> None:
        self._outputs.append(Notify(event))

    def _start(self, timer: Event, at: float) -> None:
        self._deadlines[timer] = at
        self.next_deadline = min(self._deadlines.values())

    def _stop(self, timer: Event) -> None:
        if self._deadlines.pop(timer, None) is not None:
            self.next_deadline = min(self._deadlines.values()) if self._deadlines else None


def is_sdp(message: Message) -> bool:
    """True when the body is a session description (the type may be missing: the body of an INVITE is SDP then)."""
    content_type = message.content_type
    return content_type is None or content_type.media_type == SDP


def sdp_of(message: Message) -> str:
    """The session description in a message, "" without one."""
    return decode(message.body) if message.body and is_sdp(message) else ""
