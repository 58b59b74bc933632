"""What stands on each collector's screen of this node: the case, how much of it, and what came of the last call.

It changes with the collector's state; no I/O. The live topic of a desk says when to look again, and holds no name of a
person, no number and nothing of a debt.
"""

from dataclasses import replace
from itertools import count

from dialer.agents.sessions import AgentChanged, AgentSession
from dialer.calls.case_view import NotDialed, Shown, desk_view
from dialer.calls.order import CallOrder
from dialer.calls.runner import AttemptRunner
from dialer.clock import Clock
from dialer.live import LiveData
from dialer.model.agent import AgentState
from dialer.model.collecting import IdentityCheck
from dialer.words.catalogue import chinese

IN_CALL = (AgentState.RESERVED, AgentState.TALKING)
IN_TALK = (AgentState.TALKING, AgentState.HOLD)
WITH_CASE = frozenset({AgentState.PREVIEW, *IN_CALL, *IN_TALK, AgentState.WRAPUP})
IDENTIFIABLE = frozenset({*IN_TALK, AgentState.WRAPUP})
"""States in which it can be said who is, or was, on the line."""
BEGINS_ANEW = frozenset({AgentState.PREVIEW, AgentState.RESERVED, AgentState.OFFLINE})
"""States that wipe away what came of the last call."""
TAKEN_BACK = "there was no person: the call was taken back, nothing is to be wrapped up"

_versions = count(1)


class Screens:
    """A case comes with a preview or a reservation and stays until the collector is free again."""

    def __init__(self) -> None:
        self._shown: dict[int, Shown] = {}
        self._calls: dict[int, AttemptRunner] = {}
        self._refused: dict[int, NotDialed] = {}
        self._notices: dict[int, str] = {}
        self._causes: dict[int, str] = {}
        self._last: dict[int, frozenset[int]] = {}

    def find(self, agent_id: int) -> Shown | None:
        """The case on the screen, None while there is none."""
        return self._shown.get(agent_id)

    def has_shown(self, agent_id: int, phone_id: int) -> bool:
        """Whether a number is of the case on the screen, or of the one before."""
        shown = self._shown.get(agent_id)
        now = frozenset() if shown is None else _phone_ids(shown)
        return phone_id in now or phone_id in self._last.get(agent_id, frozenset())

    def refused(self, agent_id: int) -> NotDialed | None:
        """Why the last call that the collector asked for was not placed."""
        return self._refused.get(agent_id)

    def notice(self, agent_id: int) -> str:
        """Why the last call was taken away."""
        return self._notices.get(agent_id, "")

    def preview(self, agent_id: int, order: CallOrder) -> None:
        """A case to look at."""
        self._calls.pop(agent_id, None)
        self._shown[agent_id] = Shown(order, next(_versions), is_preview=True)

    def not_dialed(self, agent_id: int, why: NotDialed) -> None:
        """A call that the collector asked for was not placed."""
        self._refused[agent_id] = why

    def identified(self, check: IdentityCheck) -> None:
        """What is recorded of who is on the line; nothing where that call is not on the screen any more."""
        shown = self._shown.get(check.agent_id)
        if shown is not None and shown.attempt_id == check.attempt_id:
            self._shown[check.agent_id] = replace(shown, identity=check, version=next(_versions))

    def changed(self, changed: AgentChanged) -> None:
        """The collector is in another state."""
        session, transition = changed.session, changed.transition
        agent_id, call = session.agent_id, session.call
        self._causes[agent_id] = transition.cause
        if transition.new in BEGINS_ANEW:
            self._refused.pop(agent_id, None)
            self._notices.pop(agent_id, None)
        if transition.old in IN_TALK and transition.new not in (*IN_TALK, AgentState.WRAPUP, AgentState.OFFLINE):
            self._notices[agent_id] = TAKEN_BACK
        if transition.new not in WITH_CASE:
            gone = self._shown.pop(agent_id, None)
            self._last[agent_id] = self._last.get(agent_id, frozenset()) if gone is None else _phone_ids(gone)
            self._calls.pop(agent_id, None)
        elif transition.new in IN_CALL and isinstance(call, AttemptRunner):
            self._show_call(agent_id, call)

    def live_data(self, session: AgentSession, clock: Clock) -> LiveData | None:
        """The desk as everybody who watches may know it; None: the collector is gone."""
        agent_id = session.agent_id
        if session.state is AgentState.OFFLINE:
            self._causes.pop(agent_id, None)
            self._last.pop(agent_id, None)
            return None
        desk, shown = desk_view(session, None, clock), self._shown.get(agent_id)
        cause = self._causes.get(agent_id, "")
        return {
            "name": desk.name,
            "state": desk.state.value,
            "since": desk.since,
            "limit_at": desk.limit_at,
            "pending": None if desk.pending is None else desk.pending.value,
            "cause": cause,
            "cause_zh": chinese(cause),
            "campaign_ids": list(desk.campaign_ids),
            "attempt_id": (session.call.attempt_id or None) if session.call else None,
            "listened": list(desk.listened),
            "case": None if shown is None else _live_case(shown),
        }

    def _show_call(self, agent_id: int, call: AttemptRunner) -> None:
        """The attempt's id may be known only after the collector was reserved for it."""
        shown, attempt_id = self._shown.get(agent_id), call.attempt_id or None
        if shown is None or self._calls.get(agent_id) is not call:
            self._calls[agent_id] = call
            self._shown[agent_id] = Shown(call.order, next(_versions), attempt_id)
        elif shown.attempt_id != attempt_id:
            self._shown[agent_id] = replace(shown, order=call.order, attempt_id=attempt_id, version=next(_versions))


def _phone_ids(shown: Shown) -> frozenset[int]:
    return frozenset(phone.phone_id for phone in shown.order.contact.phones)


def _live_case(shown: Shown) -> LiveData:
    return {"version": shown.version, "attempt_id": shown.attempt_id, "is_confirmed": shown.is_confirmed}
