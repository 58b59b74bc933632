"""A simulated calling floor that drives the pacer: collectors, people who answer or not, a clock of its own. Seeded.

It keeps the books as the law does: a live person who is not with a collector within the permitted wait after the
greeting is abandoned, whoever is to blame.
"""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    CallOutcome,
    CallStage,
    CallView,
    EventKind,
    Pacer,
    PacingEvent,
    PacingLimits,
    PacingSnapshot,
)

EventHandler = Callable[[], None]
LIMITS = PacingLimits(max_channels=2000, max_cps=50.0, tick_s=1.0)


@dataclass(frozen=True)
class World:
    """What the floor and the people are like. Seconds; shares between 0 and 1."""

    agents: int = 20
    hours: float = 4.0
    answer_share: float = 0.3
    """Of calls placed; `answer_swing` moves it up and down over two hours, `answer_step` is added at half time."""
    answer_swing: float = 0.0
    answer_step: float = 0.0
    busy_share: float = 0.15
    live_share: float = 0.8
    """Of calls answered; the others are machines, recognised after `detect_s`."""
    ring_mean_s: float = 11.0
    talk_mean_s: float = 140.0
    talk_sigma: float = 0.9
    wrap_mean_s: float = 25.0
    detect_s: float = 1.6
    break_every_s: float = 0.0
    """Mean time between breaks of a collector (0: none), each of five minutes."""
    limits: PacingLimits = LIMITS


@dataclass
class Result:
    """What a run came to."""

    calls: int = 0
    live: int = 0
    abandoned: int = 0
    talk_s: float = 0.0
    staffed_s: float = 0.0
    worst_share: float = 0.0
    """Highest abandoned share at any time from the 200th live answer on."""

    @property
    def abandoned_share(self) -> float:
        """Abandoned of live."""
        return self.abandoned / self.live if self.live else 0.0

    @property
    def talking(self) -> float:
        """Talk time of staffed time (breaks left out)."""
        return self.talk_s / self.staffed_s if self.staffed_s else 0.0


@dataclass
class _Agent:
    agent_id: int
    state: AgentState = AgentState.READY
    since: float = 0.0
    pause_pending: bool = False


@dataclass
class _Call:
    call_id: int
    placed_at: float
    stage: CallStage = CallStage.DIALING
    since: float = 0.0


@dataclass
class Simulation:
    """One run. `run()` gives the result."""

    world: World
    pacer: Pacer
    seed: int
    now: float = 0.0
    result: Result = field(default_factory=Result)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._agents = {n: _Agent(n) for n in range(self.world.agents)}
        self._calls: dict[int, _Call] = {}
        self._heap: list[tuple[float, int, EventHandler]] = []
        self._serial = 0
        for agent in self._agents.values():
            self._see(EventKind.AGENT_IN, agent_id=agent.agent_id)
            if self.world.break_every_s:
                self._after(self._random.expovariate(1 / self.world.break_every_s), self._break(agent))

    def run(self) -> Result:
        """Ticks to the end of the shift; calls that are up then are not counted."""
        end, tick = self.world.hours * 3600, self.world.limits.tick_s
        while self.now < end:
            self._advance(self.now + tick)
            decision = self.pacer.decide(self._snapshot())
            for call_id in decision.cancel:
                self._finish(self._calls[call_id], CallOutcome.CANCELLED)
            for _ in range(decision.dial):
                self._place()
            paused = sum(agent.state is AgentState.PAUSED for agent in self._agents.values())
            self.result.staffed_s += (len(self._agents) - paused) * tick
        return self.result

    def _advance(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self.now, _, handle = heapq.heappop(self._heap)
            handle()
        self.now = until

    def _after(self, delay: float, handle: EventHandler) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (self.now + delay, self._serial, handle))

    def _see(
        self,
        kind: EventKind,
        call_id: int | None = None,
        agent_id: int | None = None,
        outcome: CallOutcome | None = None,
        seconds: float = 0.0,
    ) -> None:
        self.pacer.observe(PacingEvent(self.now, kind, call_id, agent_id, outcome, seconds))

    def _snapshot(self) -> PacingSnapshot:
        return PacingSnapshot(
            now=self.now,
            agents=tuple(AgentView(a.agent_id, a.state, a.since, a.pause_pending) for a in self._agents.values()),
            calls=tuple(CallView(c.call_id, c.stage, c.placed_at, c.since) for c in self._calls.values()),
            limits=self.world.limits,
            period_live=self.result.live,
            period_abandoned=self.result.abandoned,
            period_ends_at=self.world.hours * 3600,
            leads_left=1_000_000,
        )

    def _place(self) -> None:
        self._serial += 1
        call = _Call(self._serial, self.now, since=self.now)
        self._calls[call.call_id] = call
        self.result.calls += 1
        self._see(EventKind.PLACED, call.call_id)
        world, chance = self.world, self._random.random()
        answers = self._answer_share()
        ring = self._lognormal(world.ring_mean_s, 0.5)
        if chance < answers and ring < world.limits.ring_timeout_s:
            self._after(ring, lambda: self._answer(call))
        elif answers <= chance < answers + world.busy_share:
            self._after(self._lognormal(3.0, 0.5), lambda: self._finish(call, CallOutcome.BUSY))
        else:
            self._after(world.limits.ring_timeout_s, lambda: self._finish(call, CallOutcome.NO_ANSWER))

    def _answer_share(self) -> float:
        world = self.world
        swing = world.answer_swing * math.sin(2 * math.pi * self.now / 7200)
        step = world.answer_step if self.now > world.hours * 1800 else 0.0
        return min(max(world.answer_share + swing + step, 0.02), 0.85)

    def _answer(self, call: _Call) -> None:
        if call.call_id not in self._calls:
            return  # taken back while it rang
        call.stage, call.since = CallStage.DETECTING, self.now
        self._see(EventKind.ANSWERED, call.call_id, seconds=self.now - call.placed_at)
        greeting = self._lognormal(self.world.detect_s, 0.4)
        if self._random.random() < self.world.live_share:
            self._after(greeting, lambda: self._wait(call))
        else:
            self._after(greeting + 0.5, lambda: self._finish(call, CallOutcome.MACHINE))

    def _wait(self, call: _Call) -> None:
        call.stage, call.since = CallStage.WAITING, self.now
        self.result.live += 1
        if not self._match():
            self._after(self.world.limits.abandon_wait_s, lambda: self._give_up(call))

    def _give_up(self, call: _Call) -> None:
        if call.stage is not CallStage.WAITING:
            return
        del self._calls[call.call_id]
        call.stage = CallStage.CONNECTED  # over: it must not be found waiting again
        self.result.abandoned += 1
        self._see(EventKind.ABANDONED, call.call_id, seconds=self.now - call.since)
        if self.result.live >= 200:
            self.result.worst_share = max(self.result.worst_share, self.result.abandoned_share)

    def _finish(self, call: _Call, outcome: CallOutcome) -> None:
        if self._calls.pop(call.call_id, None) is not None:
            self._see(EventKind.FINISHED, call.call_id, None, outcome, self.now - call.placed_at)

    def _match(self) -> bool:
        """Gives the longest-waiting person to the longest-ready collector."""
        waiting = min((c for c in self._calls.values() if c.stage is CallStage.WAITING), key=_since, default=None)
        ready = min((a for a in self._agents.values() if a.state is AgentState.READY), key=_since, default=None)
        if waiting is None or ready is None:
            return False
        self._see(EventKind.CONNECTED, waiting.call_id, ready.agent_id, seconds=self.now - waiting.since)
        waiting.stage, waiting.since = CallStage.CONNECTED, self.now
        ready.state, ready.since = AgentState.TALKING, self.now
        self._after(
            self._lognormal(self.world.talk_mean_s, self.world.talk_sigma), lambda: self._hang_up(waiting, ready)
        )
        return True

    def _hang_up(self, call: _Call, agent: _Agent) -> None:
        del self._calls[call.call_id]
        length = self.now - agent.since
        self.result.talk_s += length
        self._see(EventKind.TALK_ENDED, call.call_id, agent.agent_id, CallOutcome.LIVE, length)
        agent.state, agent.since = AgentState.WRAPUP, self.now
        self._after(self._lognormal(self.world.wrap_mean_s, 0.6), lambda: self._wrap_up(agent))

    def _wrap_up(self, agent: _Agent) -> None:
        self._see(EventKind.WRAP_ENDED, agent_id=agent.agent_id, seconds=self.now - agent.since)
        if agent.pause_pending:
            self._pause(agent)
        else:
            agent.state, agent.since = AgentState.READY, self.now
            self._match()

    def _break(self, agent: _Agent) -> EventHandler:
        def wanted() -> None:
            if agent.state is AgentState.READY:
                self._pause(agent)
            elif agent.state is not AgentState.PAUSED:
                agent.pause_pending = True

        return wanted

    def _pause(self, agent: _Agent) -> None:
        agent.state, agent.since, agent.pause_pending = AgentState.PAUSED, self.now, False
        self._see(EventKind.AGENT_PAUSED, agent_id=agent.agent_id)
        self._after(300.0, lambda: self._back(agent))

    def _back(self, agent: _Agent) -> None:
        agent.state, agent.since = AgentState.READY, self.now
        self._see(EventKind.AGENT_READY, agent_id=agent.agent_id)
        self._after(self._random.expovariate(1 / self.world.break_every_s), self._break(agent))
        self._match()

    def _lognormal(self, mean: float, sigma: float) -> float:
        return self._random.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)


def _since(thing: _Agent | _Call) -> float:
    return thing.since
