"""A received call: ringing, the answer, the caller's CANCEL (RFC 3261 §13.3).

We send no reliable provisional responses: an INVITE that requires them is refused (420) before it gets here. An INVITE
without an offer is answered with ours; the ACK then brings the caller's description as `MediaChanged`.
"""

from collections.abc import Mapping
from typing import ClassVar

from dialer.errors import LocalProtocolError
from dialer.model.attempt import NetworkCause
from dialer.sip.cause import network_cause
from dialer.sip.dialog import Dialog
from dialer.sip.events import Failed
from dialer.sip.message import Message, Request, new_tag
from dialer.sip.session import COMMON_ROWS, Session, sdp_of
from dialer.sip.session_words import Accept, Action, Event, Input, LocalParty, Output, Reject, Ring, State, Table
from dialer.sip.status import reason_phrase
from dialer.sip.transaction import Failure

ANSWER_TIMEOUT_S = 180.0
"""A received call that its owner neither answers nor refuses is refused after this (as RFC 3261 §16.6 Timer C)."""

_UNREACHABLE = NetworkCause(503, "Transport error")


class IncomingInvite(Session):
    """The callee's side of one call."""

    FIRST = State.INCOMING
    TABLE: ClassVar[Table] = {
        **COMMON_ROWS,
        (State.INCOMING, Event.RING): (Action.RING, State.INCOMING),
        (State.INCOMING, Event.ANSWER): (Action.ACCEPT, State.ESTABLISHED),
        (State.INCOMING, Event.REJECT): (Action.REJECT, State.ENDED),
        (State.INCOMING, Event.HANG_UP): (Action.REJECT, State.ENDED),
        (State.INCOMING, Event.RING_TIMER): (Action.WITHDRAW, State.ENDED),
        (State.INCOMING, Event.RECEIVE_CANCEL): (Action.WITHDRAW, State.ENDED),
        (State.INCOMING, Event.RECEIVE_BYE): (Action.WITHDRAW, State.ENDED),
        (State.INCOMING, Event.TRANSPORT_ERROR): (Action.FAIL, State.ENDED),
    }

    def __init__(self, invite: Request, local: LocalParty) -> None:
        super().__init__(invite, local, None)
        self.local_tag = new_tag(local.new_token)
        self.dialog = Dialog.from_invite(invite, self.local_tag)
        self.dialogs[self.dialog.remote_tag] = self.dialog
        self._remote_sdp = sdp_of(invite)
        self._accept = Accept("")
        self._early_sdp = ""
        self._reject = Reject(480)

    def start(self, now: float) -> list[Output]:
        """Starts the wait for the owner's answer."""
        self._start(Event.RING_TIMER, now + ANSWER_TIMEOUT_S)
        return []

    @property
    def remote_sdp(self) -> str:
        """What the caller last described; empty when it made no offer yet."""
        return self._remote_sdp

    def _on_owner(self, event: Input, now: float) -> None:
        match event:
            case Ring(sdp):
                self._early_sdp = sdp
                self._step(Event.RING, None, now)
            case Accept():
                self._accept = event
                self._step(Event.ANSWER, None, now)
            case Reject(status):
                if not 300 <= status <= 699:
                    raise LocalProtocolError(f"{status} does not reject a call")
                self._reject = event
                self._step(Event.REJECT, None, now)
            case _:
                super()._on_owner(event, now)

    def _on_failure(self, request: Request, failure: Failure, now: float) -> None:
        if request is self.invite:
            self._step(Event.TRANSPORT_ERROR, None, now)
        else:
            super()._on_failure(request, failure, now)

    def _act(self, action: Action, message: Message | None, now: float) -> None:
        match action:
            case Action.RING:
                status = 183 if self._early_sdp else 180
                self._respond_to_invite(status, self._target_headers(), self._early_sdp)
            case Action.ACCEPT:
                self._take_call(now)
            case Action.REJECT:
                reason = {"Reason": self._reject.reason} if self._reject.reason else {}
                self._respond_to_invite(self._reject.status, reason)
            case Action.WITHDRAW:
                self._withdraw(message)
            case Action.FAIL:
                self._notify(Failed(_UNREACHABLE))
            case _:
                super()._act(action, message, now)

    def _withdraw(self, message: Message | None) -> None:
        """The caller gave up (CANCEL, BYE), or nobody here ever answered."""
        status = 487 if message is not None else 480
        cause = network_cause(message) if message is not None else NetworkCause()
        self._respond_to_invite(status, {})
        self._notify(Failed(NetworkCause(status, reason_phrase(status), cause.reasons, cause.q850)))

    def _take_call(self, now: float) -> None:
        self._stop(Event.RING_TIMER)
        self.answer_offer = self._accept.answer_offer
        self._respond_to_invite(200, self._target_headers(), self._accept.sdp)
        self._await_ack(self.invite, now)
        if self.dialog is not None:
            self.dialog.confirmed = True

    def _respond_to_invite(self, status: int, headers: Mapping[str, str], sdp: str = "") -> None:
        response = self.respond(self.invite, status, headers=headers, sdp=sdp, tag=self.local_tag)
        if status < 300:
            for value in self.invite.headers.get_all("Record-Route"):  # RFC 3261 §12.1.1
                response.headers.add("Record-Route", value)
