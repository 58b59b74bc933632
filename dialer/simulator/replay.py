"""A recorded day put to a pacer, tick by tick. Pure: the same history and settings give the same answer everywhere.

The pacer hears the recorded events and sees the recorded collectors and the calls that had been answered. The calls
that ring are its own. One that it orders when the recorded pacing did, too, is that very call; one that it orders
beyond these rings as long as a recorded call of about that time and is then over; a recorded call that it does not
order is not seen to ring. So a pacer that is asked under the settings of the day sees what was to be seen on that day
and decides the same, and another one is not told to fill the same gap again at every tick.

What this cannot tell: the recorded day does not answer to the changed pace. More calls bring no more people here, and
nobody is talking longer or waiting less for it; that question is for a simulation of the fitted campaign. And: the list
is taken to last, trunks to be up, and the pacer begins as one that has learned nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    CallStage,
    CallView,
    PacingDecision,
    PacingLimits,
    PacingSnapshot,
)
from dialer.errors import InputError
from dialer.model.campaign import CampaignMode, CampaignSettings
from dialer.model.history import BUDGET_S, History
from dialer.model.pacing_bounds import sensible
from dialer.simulator.replay_record import Line, Record, Stage, is_of_a_decision

LIST_LASTS = 1_000_000
"""Callable contacts at every tick: how many there were is not on record."""
STEP_TICKS = 2
"""A recorded call is the one ordered at a tick if it was placed before the next one, and at most so many before it: the
moments of the recorded ticks are not on record."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One decision; `ready` and `present` collectors as recorded, `lines` its own calls that ring."""

    now: float
    decision: PacingDecision
    ready: int
    present: int
    lines: int


@dataclass(frozen=True, slots=True)
class _Own:
    """A call the replayed pacer ordered."""

    call_id: int
    placed_s: float
    until_s: float


class Replay:
    """One pacer over one day. `limits` are the day's with the settings' target and ring timeout."""

    def __init__(self, history: History, record: Record, settings: CampaignSettings, pacer: Paces) -> None:
        outline = history.outline
        if not record.lines:
            raise InputError("no call was placed by the pacing on that day: there is nothing to replay")
        if settings.mode in (CampaignMode.REMINDER, CampaignMode.PREVIEW):
            raise InputError(f"mode {settings.mode.value} decides nothing by the day: there is nothing to replay")
        settings = sensible(settings)
        self._record, self._pacer = record, pacer
        self._length_s = outline.length_s
        self._limits = PacingLimits(
            max_channels=outline.channels,
            max_cps=outline.cps,
            ring_timeout_s=settings.ring_timeout_s,
            abandon_target=settings.abandon_target,
            tick_s=outline.tick_s,
        )
        self._placed_s = {attempt.attempt: attempt.placed_s for attempt in history.attempts}
        self._calls: dict[int, CallView] = {}
        self._agents: dict[int, AgentView] = {}
        self._own: list[_Own] = []
        self._ordered = [line.placed_s for line in record.lines]
        self._taken: set[int] = set()
        self._n_beyond = 0
        self._events = self._stages = self._sights = 0

    def ticks(self) -> Iterator[Tick]:
        """Every tick at which there was anything to see."""
        n_ticks = int(self._length_s / self._limits.tick_s)
        for n in range(1, n_ticks + 1):
            now = n * self._limits.tick_s
            self._advance(now)
            if self._agents or self._calls or self._own:
                yield self._tick(now)

    def _advance(self, now: float) -> None:
        """Everything up to and at `now`, without what a decision of this very tick brought about."""
        record = self._record
        while self._events < len(record.events):
            event = record.events[self._events]
            if event.at > now or (event.at == now and is_of_a_decision(event)):
                break
            self._pacer.observe(event)
            self._events += 1
        while self._stages < len(record.stages) and record.stages[self._stages].at <= now:
            self._see(record.stages[self._stages])
            self._stages += 1
        while self._sights < len(record.sights) and record.sights[self._sights].at <= now:
            sight = record.sights[self._sights]
            if sight.view is None:
                self._agents.pop(sight.agent, None)
            else:
                self._agents[sight.agent] = sight.view
            self._sights += 1
        self._own = [line for line in self._own if line.until_s > now]

    def _see(self, stage: Stage) -> None:
        if stage.stage is None:
            self._calls.pop(stage.attempt, None)
        else:
            view = CallView(stage.attempt, stage.stage, self._placed_s[stage.attempt], stage.at)
            self._calls[stage.attempt] = view

    def _tick(self, now: float) -> Tick:
        decision = self._pacer.decide(self._snapshot(now))
        taken_back = set(decision.cancel)
        self._own = [line for line in self._own if line.call_id not in taken_back]
        for _ in range(decision.dial):
            self._own.append(self._order(now))
        ready = sum(view.state is AgentState.READY for view in self._agents.values())
        present = sum(view.state is not AgentState.PAUSED for view in self._agents.values())
        return Tick(now, decision, ready, present, len(self._own))

    def _order(self, now: float) -> _Own:
        """The recorded call that was placed by then, or one beyond the record."""
        first = bisect_right(self._ordered, now - STEP_TICKS * self._limits.tick_s)
        last = bisect_left(self._ordered, now + self._limits.tick_s)
        for place in range(first, last):
            line = self._record.lines[place]
            if line.attempt not in self._taken:
                self._taken.add(line.attempt)
                return _Own(line.attempt, line.placed_s, self._until(line, line.placed_s))
        like = self._record.lines[(last + self._n_beyond) % len(self._ordered)]
        self._n_beyond += 1
        return _Own(-self._n_beyond, now, self._until(like, now))

    def _until(self, like: Line, placed_s: float) -> float:
        """Until when a call rings, were it placed then."""
        if like.open_until is None:
            return placed_s + self._limits.ring_timeout_s
        return like.open_until if like.placed_s == placed_s else placed_s + (like.open_until - like.placed_s)

    def _snapshot(self, now: float) -> PacingSnapshot:
        own = (CallView(line.call_id, CallStage.DIALING, line.placed_s, line.placed_s) for line in self._own)
        return PacingSnapshot(
            now=now,
            agents=tuple(self._agents[agent] for agent in sorted(self._agents)),
            calls=tuple(sorted((*self._calls.values(), *own), key=lambda call: (call.placed_at, abs(call.call_id)))),
            limits=self._limits,
            period_live=_within(self._record.live_s, now) - _within(self._record.unsaid_s, now),
            period_abandoned=_within(self._record.abandoned_s, now),
            period_ends_at=now + BUDGET_S,
            leads_left=LIST_LASTS,
        )


def _within(instants: tuple[float, ...], now: float) -> int:
    """How many lie in the budget's period that ends now."""
    return bisect_right(instants, now) - bisect_right(instants, now - BUDGET_S)
