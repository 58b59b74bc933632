"""What the pacing of a recorded day was told: its events, its collectors and its calls at any moment. Pure.

Everything is on the clock of the history: seconds after its first moment. What the record does not hold is left out: a
pause that was asked for during a talk is seen when it begins, people who were taken for machines count as machines.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dialer.calls.dispositions import pacing_outcome
from dialer.campaigns.loop.snapshot import PACED, change_events
from dialer.campaigns.pacing import AgentView, CallOutcome, CallStage, EventKind, PacingEvent, PacingLimits
from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition
from dialer.model.history import History, RecordedAttempt, RecordedChange

ABANDON_WAIT_S = PacingLimits(0, 0.0).abandon_wait_s
BY_COLLECTORS = frozenset({CallPath.PREVIEW, CallPath.MANUAL})
"""Calls the pacing did not order."""
_PEOPLE = frozenset({Disposition.CONNECTED, Disposition.REMINDED})


@dataclass(frozen=True, slots=True)
class Stage:
    """From `at` on a call is in this stage; None: it is over."""

    at: float
    attempt: int
    stage: CallStage | None


@dataclass(frozen=True, slots=True)
class Sight:
    """From `at` on a collector is seen so; None: not there, or with another campaign."""

    at: float
    agent: int
    view: AgentView | None


@dataclass(frozen=True, slots=True)
class Line:
    """One call that the pacing ordered: when it was placed, and when it was answered or over unanswered.

    `open_until` None: we took it back or it rang beyond the history, so nobody knows how long it would have rung.
    """

    attempt: int
    placed_s: float
    open_until: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """All of it, each in the order of time."""

    events: tuple[PacingEvent, ...]
    stages: tuple[Stage, ...]
    sights: tuple[Sight, ...]
    lines: tuple[Line, ...]
    live_s: tuple[float, ...]
    abandoned_s: tuple[float, ...]
    unsaid_s: tuple[float, ...]
    """When it was known of somebody who had counted as live that nobody was there to talk to."""

    @classmethod
    def of(cls, history: History) -> "Record":
        """The record of a history."""
        attempts, outline = history.attempts, history.outline
        calls = [event for attempt in attempts for event in _call_events(attempt)]
        agents = list(_agent_events(history.changes))
        stages = [stage for attempt in attempts for stage in _stages(attempt)]
        ordered = sorted((a for a in attempts if a.path not in BY_COLLECTORS), key=lambda a: (a.placed_s, a.attempt))
        reached = [at for attempt in attempts if (at := _reached_s(attempt)) is not None]
        abandoned = [at for attempt in attempts if (at := abandoned_s(attempt)) is not None]
        unsaid = [a.ended_s for a in attempts if _reached_s(a) is not None and a.ended_s and a.conversation is False]
        return cls(
            events=tuple(sorted([*agents, *calls], key=_when)),
            stages=tuple(sorted(stages, key=lambda stage: stage.at)),
            sights=tuple(_sights(history.changes)),
            lines=tuple(_line(attempt) for attempt in ordered),
            live_s=tuple(sorted([*outline.earlier_live_s, *reached, *abandoned])),
            abandoned_s=tuple(sorted([*outline.earlier_abandoned_s, *abandoned])),
            unsaid_s=tuple(sorted(unsaid)),
        )


def is_of_a_decision(event: PacingEvent) -> bool:
    """Whether a decision brought it about: at the very instant of a tick it comes after the tick."""
    return event.kind is EventKind.PLACED or event.outcome is CallOutcome.CANCELLED


def abandoned_s(attempt: RecordedAttempt) -> float | None:
    """When a person was given up who nobody came for: as the wait was over, or earlier where the person left."""
    if attempt.disposition is not Disposition.ABANDONED or attempt.ended_s is None:
        return None
    waited_from = attempt.ended_s if attempt.greeting_end_s is None else attempt.greeting_end_s
    return min(waited_from + ABANDON_WAIT_S, attempt.ended_s)


def _reached_s(attempt: RecordedAttempt) -> float | None:
    """When somebody was reached who counts as live and was not abandoned; a talk beyond the record's end counts."""
    if attempt.connected_s is not None:
        return attempt.connected_s if attempt.disposition in (*_PEOPLE, None) else None
    return attempt.answered_s if attempt.disposition is Disposition.REMINDED else None


def _when(event: PacingEvent) -> tuple[float, bool]:
    return event.at, is_of_a_decision(event)


def _call_events(attempt: RecordedAttempt) -> Iterator[PacingEvent]:
    """As `dialer.calls.pace_story` tells them of a call that lives."""
    call_id, placed_s = attempt.attempt, attempt.placed_s
    yield PacingEvent(placed_s, EventKind.PLACED, call_id)
    if attempt.answered_s is not None:
        yield PacingEvent(attempt.answered_s, EventKind.ANSWERED, call_id, seconds=attempt.answered_s - placed_s)
    if attempt.connected_s is not None:
        waited_s = 0.0 if attempt.greeting_end_s is None else max(attempt.connected_s - attempt.greeting_end_s, 0.0)
        yield PacingEvent(attempt.connected_s, EventKind.CONNECTED, call_id, attempt.agent, seconds=waited_s)
    if attempt.ended_s is None or attempt.disposition in (None, Disposition.UNKNOWN):
        return
    if attempt.connected_s is not None:
        outcome = CallOutcome.LIVE if attempt.disposition in _PEOPLE else CallOutcome.NOT_LIVE
        length_s = attempt.ended_s - attempt.connected_s
        yield PacingEvent(attempt.ended_s, EventKind.TALK_ENDED, call_id, attempt.agent, outcome, length_s)
    elif attempt.disposition is Disposition.ABANDONED:
        waited_s = 0.0 if attempt.greeting_end_s is None else max(attempt.ended_s - attempt.greeting_end_s, 0.0)
        yield PacingEvent(attempt.ended_s, EventKind.ABANDONED, call_id, seconds=waited_s)
    elif attempt.disposition is not None:
        outcome = pacing_outcome(attempt.disposition, answered=attempt.answered_s is not None)
        yield PacingEvent(attempt.ended_s, EventKind.FINISHED, call_id, None, outcome, attempt.ended_s - placed_s)


def _agent_events(changes: tuple[RecordedChange, ...]) -> Iterator[PacingEvent]:
    before: dict[int, RecordedChange] = {}
    for change in changes:
        last = before.get(change.agent)
        old, since = (AgentState.OFFLINE, change.at_s) if last is None else (last.state, last.at_s)
        yield from change_events(change.agent, old, change.state, change.at_s, change.at_s - since)
        before[change.agent] = change


def _sights(changes: tuple[RecordedChange, ...]) -> Iterator[Sight]:
    for change in changes:
        state = PACED.get(change.state) if change.here else None
        view = None if state is None else AgentView(change.agent, state, change.at_s)
        yield Sight(change.at_s, change.agent, view)


def _stages(attempt: RecordedAttempt) -> Iterator[Stage]:
    """What was to be seen of it beyond the dialing of calls that the pacing ordered."""
    found: list[tuple[float | None, CallStage | None]] = []
    if attempt.path in BY_COLLECTORS:
        found.append((attempt.placed_s, CallStage.DIALING))
    found.append((attempt.answered_s, CallStage.DETECTING))
    found.append((_waiting_s(attempt), CallStage.WAITING))
    found.append((attempt.connected_s, CallStage.CONNECTED))
    found.append((abandoned_s(attempt), CallStage.DETECTING))  # the apology needs no collector
    found.append((attempt.ended_s, None))
    yield from (Stage(at, attempt.attempt, stage) for at, stage in found if at is not None)


def _waiting_s(attempt: RecordedAttempt) -> float | None:
    """Since when a person was seen to wait: the verdict, where it came after the greeting's end and was on record."""
    if attempt.greeting_end_s is None or attempt.disposition not in (*_PEOPLE, Disposition.ABANDONED, None):
        return None
    seen_s = max(attempt.greeting_end_s, attempt.decided_s or attempt.greeting_end_s)
    over_s = attempt.connected_s if attempt.connected_s is not None else abandoned_s(attempt)
    return seen_s if over_s is None else min(seen_s, over_s)


def _line(attempt: RecordedAttempt) -> Line:
    until = attempt.ended_s if attempt.answered_s is None else attempt.answered_s
    taken_back = attempt.disposition is Disposition.CANCELLED and attempt.answered_s is None
    return Line(attempt.attempt, attempt.placed_s, None if taken_back else until)
