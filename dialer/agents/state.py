"""A collector's states: one table, pure.

What the table cannot say:

- READY needs a phone whose leg is up, so the only way out of OFFLINE is PHONE_UP, and it leads to AUX: present, not
  ready.
- A pause or a log-out asked for while busy (RESERVED, PREVIEW, TALKING, HOLD, WRAPUP) is kept as `pending` and takes
  effect when the collector would become READY again; READY asked for while busy takes it back.
- A pause in a pause is another one where its cause is: after the lunch a meeting. The same once more changes nothing.
- RELEASE ends a reservation, a preview, or a talk with nobody: a machine's call is taken back, and there is nothing to
  wrap up.
- The wrap-up ends by itself at its limit (READY or what is pending). A preview that nobody answers within its limit
  ends in what is pending, else in BREAK: an empty chair must not eat the list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dialer.errors import DialerError
from dialer.model.agent import AgentState as S


class AgentStateError(DialerError):
    """The collector's state does not allow that now."""


class AgentEvent(str, Enum):
    """What can happen to a collector."""

    PHONE_UP = "phone_up"
    PHONE_LOST = "phone_lost"
    LOG_OUT = "log_out"
    READY = "ready"
    PAUSE = "pause"
    RESERVE = "reserve"
    RELEASE = "release"
    PREVIEW = "preview"
    DIAL = "dial"
    CONNECT = "connect"
    HOLD = "hold"
    RESUME = "resume"
    TALK_ENDED = "talk_ended"
    WRAPPED = "wrapped"


class Move(Enum):
    """Targets that depend on more than state and event."""

    NEXT = "the pending state, else READY"
    CHOSEN = "the state asked for"
    LATER = "stay, remember what was asked for"
    STAY = "stay"


E = AgentEvent
BUSY = (S.RESERVED, S.PREVIEW, S.TALKING, S.HOLD, S.WRAPUP)
PAUSED = (S.BREAK, S.TRAINING, S.AUX)
LIMITED = (S.WRAPUP, S.PREVIEW)
BREAK_CODES: Mapping[str, S] = {"training": S.TRAINING, "aux": S.AUX}
"""Break codes with a state of their own; every other code is a BREAK with the code as its cause."""

TABLE: Mapping[tuple[S, AgentEvent], S | Move] = {
    (S.OFFLINE, E.PHONE_UP): S.AUX,
    **{(state, E.PHONE_LOST): S.OFFLINE for state in S if state is not S.OFFLINE},
    **{(state, E.LOG_OUT): S.OFFLINE for state in (S.READY, *PAUSED)},
    **{(state, E.LOG_OUT): Move.LATER for state in BUSY},
    **{(state, E.READY): S.READY for state in PAUSED},
    **{(state, E.READY): Move.LATER for state in BUSY},
    (S.READY, E.READY): Move.STAY,
    **{(state, E.PAUSE): Move.CHOSEN for state in (S.READY, *PAUSED)},
    **{(state, E.PAUSE): Move.LATER for state in BUSY},
    (S.READY, E.RESERVE): S.RESERVED,
    (S.AUX, E.DIAL): S.RESERVED,
    (S.READY, E.DIAL): S.RESERVED,
    (S.READY, E.PREVIEW): S.PREVIEW,
    (S.PREVIEW, E.DIAL): S.RESERVED,
    (S.PREVIEW, E.RELEASE): Move.NEXT,
    (S.RESERVED, E.RELEASE): Move.NEXT,
    (S.RESERVED, E.CONNECT): S.TALKING,
    (S.TALKING, E.HOLD): S.HOLD,
    (S.HOLD, E.RESUME): S.TALKING,
    (S.TALKING, E.TALK_ENDED): S.WRAPUP,
    (S.HOLD, E.TALK_ENDED): S.WRAPUP,
    (S.TALKING, E.RELEASE): Move.NEXT,
    (S.HOLD, E.RELEASE): Move.NEXT,
    (S.WRAPUP, E.WRAPPED): Move.NEXT,
}


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state. `talk_s` and the like are the caller's to compute from `lasted_s`."""

    old: S
    new: S
    cause: str
    lasted_s: float


class AgentMachine:
    """One collector's state. Instants are monotonic seconds. The causes say why it is, or will be, in it."""

    def __init__(self, agent_id: int, now: float) -> None:
        self.agent_id = agent_id
        self.state = S.OFFLINE
        self.since = now
        self.cause = ""
        self.pending: S | None = None
        self.pending_cause = ""
        self.next_deadline: float | None = None

    def allows(self, event: AgentEvent) -> bool:
        """Whether the table has an entry for the event now."""
        return (self.state, event) in TABLE

    def handle(
        self, event: AgentEvent, now: float, *, cause: str, chosen: S | None = None, limit_s: float | None = None
    ) -> Transition | None:
        """Applies one event; None when the state stays.

        `chosen` goes with PAUSE. `limit_s` bounds the state entered (wrap-up, preview).

        Raises:
            AgentStateError: the table does not allow the event in this state.
        """
        target = TABLE.get((self.state, event))
        if target is None:
            raise AgentStateError(f"cannot {event.value.replace('_', ' ')} while {self.state.value}")
        if target is Move.STAY:
            return None
        if target is Move.LATER:
            self._remember(event, chosen, cause)
            return None
        if target is Move.NEXT:
            return self._settle_next(now, cause)
        new = chosen if target is Move.CHOSEN else target
        if event is E.DIAL and self.state is S.AUX:
            self._remember(E.PAUSE, S.AUX, "was not ready before the dial")
        return self._set_state(new or S.BREAK, now, cause, limit_s)

    def handle_timeout(self, now: float) -> Transition | None:
        """Ends a wrap-up or a preview whose limit has passed."""
        if self.next_deadline is None or now < self.next_deadline:
            return None
        if self.state is S.WRAPUP or self.pending is not None:
            return self._settle_next(now, "wrap-up limit")
        return self._set_state(S.BREAK, now, "preview not answered within its limit", None)

    def _remember(self, event: AgentEvent, chosen: S | None, cause: str) -> None:
        if self.pending is S.OFFLINE and event is not E.READY:
            return
        self.pending = {E.READY: None, E.LOG_OUT: S.OFFLINE}.get(event, chosen or S.BREAK)
        self.pending_cause = "" if self.pending is None else cause

    def _settle_next(self, now: float, cause: str) -> Transition | None:
        if self.pending is None:
            return self._set_state(S.READY, now, cause, None)
        pending, because = self.pending, self.pending_cause
        self.pending, self.pending_cause = None, ""
        return self._set_state(pending, now, because, None)

    def _set_state(self, new: S, now: float, cause: str, limit_s: float | None) -> Transition | None:
        if new is self.state and cause == self.cause:
            return None
        transition = Transition(self.state, new, cause, now - self.since)
        self.state, self.since, self.cause = new, now, cause
        self.next_deadline = now + limit_s if limit_s is not None and new in LIMITED else None
        if new is S.OFFLINE:
            self.pending, self.pending_cause = None, ""
        return transition
