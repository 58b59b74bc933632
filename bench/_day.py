"""A calling floor without telephony: lives a `Scenario` with a pacer alone, seeded, on a clock of its own.

For judging the pacing over many days quickly; rehearsals live a day through the real loop, gate and calls. Books are
kept as the law keeps them: a live person who is not with a collector within the permitted wait after the greeting is
abandoned, whoever is to blame. The list gives every contact one number and one call, and no gate refuses anything.
"""

import heapq
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    CallOutcome,
    CallStage,
    CallView,
    EventKind,
    PacingDecision,
    PacingEvent,
    PacingLimits,
    PacingSnapshot,
)
from dialer.model.campaign import AmdMode
from dialer.simulator.day import LEAST_LIVE, Day, Hour
from dialer.simulator.fates import ENDS_AFTER_S, MACHINE_TALK_S, MACHINE_WRAP_S, Fate, Fates, draw
from dialer.simulator.people import Behaviour
from dialer.simulator.scenario import Break, Scenario

_BUSY = {AgentState.TALKING: "talk_s", AgentState.WRAPUP: "wrap_s"}
_OUTCOMES = {
    Behaviour.BUSY: CallOutcome.BUSY,
    Behaviour.POWERED_OFF: CallOutcome.NO_ANSWER,
    Behaviour.BAD_NUMBER: CallOutcome.FAILED,
    Behaviour.CONGESTION: CallOutcome.FAILED,
}


@dataclass(slots=True)
class _Agent:
    agent_id: int
    begins_s: float
    ends_s: float
    chance: random.Random
    state: AgentState = AgentState.PAUSED
    since: float = 0.0
    is_in: bool = False
    leaving: bool = False
    break_due_s: float | None = None

    @property
    def pending(self) -> bool:
        return self.leaving or self.break_due_s is not None


@dataclass(slots=True)
class _Call:
    call_id: int
    placed_at: float
    fate: Fate
    stage: CallStage = CallStage.DIALING
    since: float = 0.0
    over: bool = False


@dataclass(slots=True)
class _Books:
    """What is counted, by clock hour and in all."""

    counts: Counter[str] = field(default_factory=Counter)
    hours: dict[int, Counter[str]] = field(default_factory=dict)
    collector_waits_s: list[float] = field(default_factory=list)
    person_waits_s: list[float] = field(default_factory=list)
    worst_share: float = 0.0

    def add(self, what: str, hour: int, amount: float = 1) -> None:
        self.counts[what] += amount  # type: ignore[assignment]
        if hour not in self.hours:
            self.hours[hour] = Counter()
        self.hours[hour][what] += amount  # type: ignore[assignment]
        live, abandoned = self.counts["live"], self.counts["abandoned"]
        if what == "abandoned" and live >= LEAST_LIVE:
            self.worst_share = max(self.worst_share, abandoned / live)


class FloorDay:
    """One run: `FloorDay(scenario, pacer, seed).live()`. `tick_s` is how often the pacer is asked."""

    def __init__(self, scenario: Scenario, pacer: Paces, seed: int, *, tick_s: float = 1.0, name: str = "") -> None:
        self.now = 0.0
        self.books = _Books()
        self.on_tick: Callable[[PacingSnapshot, PacingDecision], None] | None = None
        self._scenario, self._pacer, self._seed, self._name = scenario, pacer, seed, name
        self._tick_s = tick_s
        self._fates = Fates(scenario, seed)
        self._calls: dict[int, _Call] = {}
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0
        self._n_calls = 0
        self._finished_s: float | None = None
        self._begin_hour_s = scenario.begins.hour * 3600 + scenario.begins.minute * 60
        pace = scenario.pace
        self._limits = PacingLimits(
            max_channels=scenario.trunk.channels,
            max_cps=scenario.trunk.cps,
            ring_timeout_s=pace.ring_timeout_s,
            abandon_target=pace.abandon_target,
            tick_s=tick_s,
        )
        self._agents = self._hire()

    def live(self) -> Day:
        """Ticks to the end of the day; talks that last then count as far as they have come."""
        began_cpu = time.process_time()
        while self.now < self._scenario.length_s:
            self._advance(self.now + self._tick_s)
            self._tick()
        for agent in self._agents:
            if agent.is_in and agent.state in _BUSY:
                self.books.add(_BUSY[agent.state], self._hour(), self.now - agent.since)
        return self._day(time.process_time() - began_cpu)

    # ---- the clock

    def _advance(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self.now, _, handle = heapq.heappop(self._heap)
            handle()
        self.now = until

    def _after(self, delay_s: float, handle: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (self.now + max(delay_s, 0.0), self._serial, handle))

    def _hour(self) -> int:
        return int((self._begin_hour_s + self.now) // 3600) % 24

    def _tick(self) -> None:
        snapshot = self._snapshot()
        decision = self._pacer.decide(snapshot)
        if self.on_tick is not None:
            self.on_tick(snapshot, decision)
        for call_id in decision.cancel:
            self._finish(self._calls[call_id], CallOutcome.CANCELLED)
        for _ in range(decision.dial):
            self._place()
        self._count_staff()

    def _count_staff(self) -> None:
        staffed = sum(agent.is_in and agent.state is not AgentState.PAUSED for agent in self._agents)
        self.books.add("staffed_s", self._hour(), staffed * self._tick_s)

    def _snapshot(self) -> PacingSnapshot:
        agents = [a for a in self._agents if a.is_in]
        return PacingSnapshot(
            now=self.now,
            agents=tuple(AgentView(a.agent_id, a.state, a.since, a.pending) for a in agents),
            calls=tuple(CallView(c.call_id, c.stage, c.placed_at, c.since) for c in self._calls.values()),
            limits=self._limits,
            period_live=self.books.counts["live"],
            period_abandoned=self.books.counts["abandoned"],
            period_ends_at=self._scenario.length_s,
            leads_left=self._scenario.call_list.contacts - self._n_calls,
        )

    def _see(
        self,
        kind: EventKind,
        call: _Call | None = None,
        agent: _Agent | None = None,
        outcome: CallOutcome | None = None,
        seconds: float = 0.0,
    ) -> None:
        call_id = call.call_id if call else None
        self._pacer.observe(PacingEvent(self.now, kind, call_id, agent.agent_id if agent else None, outcome, seconds))

    # ---- calls

    def _place(self) -> None:
        self._n_calls += 1
        fate = self._fates.of_call(self._n_calls, 0, self.now)
        call = _Call(self._n_calls, self.now, fate, since=self.now)
        self._calls[call.call_id] = call
        self.books.add("placed", self._hour())
        self._see(EventKind.PLACED, call)
        timeout_s = self._limits.ring_timeout_s
        if fate.behaviour in ENDS_AFTER_S:
            after_s = min(ENDS_AFTER_S[fate.behaviour], timeout_s)
            self._after(after_s, lambda: self._finish(call, _OUTCOMES[fate.behaviour]))
        elif fate.behaviour is not Behaviour.NO_ANSWER and fate.ring_s < timeout_s:
            self._after(fate.ring_s, lambda: self._answer(call))
        else:
            self._after(timeout_s, lambda: self._finish(call, CallOutcome.NO_ANSWER))
        if self._n_calls >= self._scenario.call_list.contacts and self._finished_s is None:
            self._finished_s = self.now

    def _answer(self, call: _Call) -> None:
        if call.over:
            return  # taken back while it rang
        call.stage, call.since = CallStage.DETECTING, self.now
        self.books.add("answered", self._hour())
        self._see(EventKind.ANSWERED, call, seconds=self.now - call.placed_at)
        fate, detects = call.fate, self._scenario.detection.mode is not AmdMode.OFF
        if detects and fate.heard_as is Behaviour.MACHINE:
            self._after(fate.decided_s, lambda: self._hang_up_on(call))
        else:
            self._after(fate.decided_s if detects else fate.greeting_s, lambda: self._wait(call))

    def _hang_up_on(self, call: _Call) -> None:
        if call.fate.behaviour is Behaviour.HUMAN:
            self.books.add("lost", self._hour())
        self._finish(call, CallOutcome.MACHINE)

    def _wait(self, call: _Call) -> None:
        call.stage, call.since = CallStage.WAITING, self.now
        self.books.add("live", self._hour())
        if self._match():
            return
        fate = call.fate
        detects = self._scenario.detection.mode is not AmdMode.OFF
        waited_s = fate.decided_s - fate.greeting_s if detects and fate.behaviour is Behaviour.HUMAN else 0.0
        patience_s = fate.patience_s if fate.behaviour is Behaviour.HUMAN else 60.0
        if patience_s < self._limits.abandon_wait_s:
            self.books.add("left", self._hour())
        self._after(min(self._limits.abandon_wait_s, patience_s) - waited_s, lambda: self._give_up(call))

    def _give_up(self, call: _Call) -> None:
        if call.stage is not CallStage.WAITING or call.over:
            return
        call.over = True
        del self._calls[call.call_id]
        self.books.add("abandoned", self._hour())
        self._see(EventKind.ABANDONED, call, seconds=self.now - call.since)

    def _finish(self, call: _Call, outcome: CallOutcome) -> None:
        if not call.over:
            call.over = True
            del self._calls[call.call_id]
            self._see(EventKind.FINISHED, call, None, outcome, self.now - call.placed_at)

    # ---- collectors

    def _match(self) -> bool:
        """Gives the longest-waiting person to the longest-ready collector."""
        waiting = min((c for c in self._calls.values() if c.stage is CallStage.WAITING), key=_since, default=None)
        if waiting is None:
            return False
        ready = (a for a in self._agents if a.is_in and a.state is AgentState.READY)
        agent = min(ready, key=_since, default=None)
        if agent is None:
            return False
        self.books.collector_waits_s.append(self.now - agent.since)
        self.books.person_waits_s.append(self.now - waiting.since)
        self.books.add("connected", self._hour())
        self._see(EventKind.CONNECTED, waiting, agent, seconds=self.now - waiting.since)
        waiting.stage, waiting.since = CallStage.CONNECTED, self.now
        agent.state, agent.since = AgentState.TALKING, self.now
        is_person = waiting.fate.behaviour is Behaviour.HUMAN
        talk_s = waiting.fate.talk_s if is_person else MACHINE_TALK_S
        self._after(talk_s, lambda: self._talk_over(waiting, agent))
        return True

    def _talk_over(self, call: _Call, agent: _Agent) -> None:
        del self._calls[call.call_id]
        call.over = True
        length_s = self.now - agent.since
        is_person = call.fate.behaviour is Behaviour.HUMAN
        self.books.add("talk_s", self._hour(), length_s)
        outcome = CallOutcome.LIVE if is_person else CallOutcome.NOT_LIVE
        self._see(EventKind.TALK_ENDED, call, agent, outcome, length_s)
        agent.state, agent.since = AgentState.WRAPUP, self.now
        wrap_s = draw(self._scenario.workforce.wrap_up, agent.chance) if is_person else MACHINE_WRAP_S
        self._after(wrap_s, lambda: self._wrapped_up(agent))

    def _wrapped_up(self, agent: _Agent) -> None:
        self.books.add("wrap_s", self._hour(), self.now - agent.since)
        self._see(EventKind.WRAP_ENDED, agent=agent, seconds=self.now - agent.since)
        self._go_on(agent)

    def _go_on(self, agent: _Agent) -> None:
        """What was asked for while busy, else ready."""
        if agent.leaving:
            agent.is_in = False
            self._see(EventKind.AGENT_OUT, agent=agent)
        elif agent.break_due_s is not None:
            length_s, agent.break_due_s = agent.break_due_s, None
            agent.state, agent.since = AgentState.PAUSED, self.now
            self._see(EventKind.AGENT_PAUSED, agent=agent)
            self._after(length_s, lambda: self._back(agent))
        else:
            agent.state, agent.since = AgentState.READY, self.now
            self._match()

    def _back(self, agent: _Agent) -> None:
        if not agent.is_in:
            return
        if not agent.leaving:
            self._see(EventKind.AGENT_READY, agent=agent)
        self._go_on(agent)

    def _hire(self) -> list[_Agent]:
        agents: list[_Agent] = []
        for shift in self._scenario.workforce.shifts:
            begins, ends = self._scenario.seconds_at(shift.begins), self._scenario.seconds_at(shift.ends)
            for _ in range(shift.collectors):
                chance = self._fates.of_workforce(f"collector {len(agents)}")
                agent = _Agent(len(agents), begins, ends, chance)
                agents.append(agent)
                self._after(max(begins, 0.0), lambda agent=agent: self._log_in(agent))  # type: ignore[misc]
                self._after(max(ends, 0.0), lambda agent=agent: self._log_out(agent))  # type: ignore[misc]
        return agents

    def _log_in(self, agent: _Agent) -> None:
        agent.is_in = True
        self._see(EventKind.AGENT_IN, agent=agent)
        for kind in self._scenario.workforce.breaks:
            if agent.chance.random() < kind.share:
                self._plan_break(agent, kind)
        agent.state, agent.since = AgentState.READY, self.now
        self._see(EventKind.AGENT_READY, agent=agent)
        self._match()

    def _plan_break(self, agent: _Agent, kind: Break) -> None:
        if kind.every_min is not None:
            delay_s = agent.chance.expovariate(1 / (kind.every_min * 60))
        elif kind.at is not None:
            delay_s = self._scenario.seconds_at(kind.at) - self.now
            delay_s += agent.chance.uniform(-0.5, 0.5) * kind.spread_min * 60
            if delay_s < 0:
                return
        else:
            return
        self._after(delay_s, lambda: self._want_break(agent, kind))

    def _want_break(self, agent: _Agent, kind: Break) -> None:
        if kind.every_min is not None:
            self._plan_break(agent, kind)
        if not agent.is_in or agent.leaving or agent.pending or agent.state is AgentState.PAUSED:
            return
        agent.break_due_s = draw(kind.length, agent.chance)
        if agent.state is AgentState.READY:
            self._go_on(agent)

    def _log_out(self, agent: _Agent) -> None:
        agent.leaving = True
        if agent.state in (AgentState.READY, AgentState.PAUSED):
            self._go_on(agent)

    # ---- the result

    def _day(self, cpu_s: float) -> Day:
        counts = self.books.counts
        return Day(
            name=self._scenario.name,
            mode=self._name,
            seed=self._seed,
            length_s=self._scenario.length_s,
            placed=counts["placed"],
            answered=counts["answered"],
            live=counts["live"],
            connected=counts["connected"],
            abandoned=counts["abandoned"],
            left=counts["left"],
            lost=counts["lost"],
            talk_s=counts["talk_s"],
            wrap_s=counts["wrap_s"],
            staffed_s=counts["staffed_s"],
            collector_waits_s=tuple(self.books.collector_waits_s),
            person_waits_s=tuple(self.books.person_waits_s),
            contacts=self._scenario.call_list.contacts,
            contacts_tried=self._n_calls,
            contacts_reached=counts["connected"],
            finished_s=self._finished_s,
            hours=tuple(_hour(hour, counted) for hour, counted in sorted(self.books.hours.items())),
            worst_share=self.books.worst_share,
            cpu_s=cpu_s,
        )


def _hour(hour: int, counted: Counter[str]) -> Hour:
    names = ("placed", "live", "abandoned", "talk_s", "wrap_s", "staffed_s")
    return Hour(hour, *(counted[name] for name in names))


def _since(thing: _Agent | _Call) -> float:
    return thing.since
