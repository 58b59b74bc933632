"""The floor as the pacer sees it. Pure but for the values handed in."""

from collections.abc import Iterable, Iterator

from dialer.agents.sessions import AgentChanged, AgentSession
from dialer.campaigns.pacing import AgentState as PacedState
from dialer.campaigns.pacing import AgentView, EventKind, PacingEvent
from dialer.model.agent import AgentState

PACED: dict[AgentState, PacedState] = {
    AgentState.READY: PacedState.READY,
    AgentState.RESERVED: PacedState.TALKING,
    AgentState.PREVIEW: PacedState.TALKING,
    AgentState.TALKING: PacedState.TALKING,
    AgentState.HOLD: PacedState.TALKING,
    AgentState.WRAPUP: PacedState.WRAPUP,
    AgentState.BREAK: PacedState.PAUSED,
    AgentState.TRAINING: PacedState.PAUSED,
    AgentState.AUX: PacedState.PAUSED,
}
_PAUSED = (AgentState.BREAK, AgentState.TRAINING, AgentState.AUX)


def views_of(sessions: Iterable[AgentSession]) -> Iterator[AgentView]:
    """Collectors for a snapshot; those on their way out are left out."""
    return (
        AgentView(machine.agent_id, PACED[machine.state], machine.since, machine.pending is not None)
        for machine in (session.machine for session in sessions)
        if machine.state in PACED
    )


def takes_more(view: AgentView) -> bool:
    """Whether the collector is free for another person, or will be."""
    return view.state is not PacedState.PAUSED and not view.pause_pending


def agent_events(changed: AgentChanged) -> list[PacingEvent]:
    """What a change of a collector's state means to the pacer, in order."""
    transition = changed.transition
    return change_events(changed.session.agent_id, transition.old, transition.new, changed.at, transition.lasted_s)


def change_events(agent_id: int, old: AgentState, new: AgentState, at: float, lasted_s: float) -> list[PacingEvent]:
    """The same of a change that is on record; `lasted_s` is how long the old state did."""
    events: list[PacingEvent] = []
    if old is AgentState.WRAPUP:
        events.append(PacingEvent(at, EventKind.WRAP_ENDED, None, agent_id, None, lasted_s))
    if old is AgentState.OFFLINE:
        events.append(PacingEvent(at, EventKind.AGENT_IN, None, agent_id))
    kind = _kind(new)
    if kind is not None:
        events.append(PacingEvent(at, kind, None, agent_id))
    return events


def _kind(new: AgentState) -> EventKind | None:
    if new is AgentState.OFFLINE:
        return EventKind.AGENT_OUT
    if new is AgentState.READY:
        return EventKind.AGENT_READY
    return EventKind.AGENT_PAUSED if new in _PAUSED else None
