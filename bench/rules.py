"""CPU time of the pure rules: a gate decision, a pacing decision on a large floor, the zones of a number."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench._floor import Simulation, World
from bench.row import BenchRow
from dialer.campaigns.pacing import Pacer, PacingDecision, PacingSnapshot
from dialer.compliance.facts import EarlierAttempt, GateFacts, Tally
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.model.attempt import Disposition
from schedules.zones import candidates

RUNS = 5
REPEATS = 2000
MICROSECONDS = 1e6
WARM_LIVE = 1000  # live answers after which a floor of 300 has data and budget
WORKING_MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
HOUSE = Registry((RegisteredNumber("+8640012345678", ("collection",)),))
SUNDAY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def run() -> list[BenchRow]:
    """The rows of this module."""
    return [
        BenchRow("gate decision, allowed, 5 earlier attempts", _gate(WORKING_MORNING), "µs", 100.0),
        BenchRow("gate decision, refused with next time", _gate(SUNDAY), "µs", 100.0),
        BenchRow(
            "pacing decision, 300 collectors", _pacing(), "ms", 1.0, note="mean over a simulated floor dialing ahead"
        ),
        BenchRow("zones of a number", _per_call_us(lambda: candidates("+8613800001234")), "µs"),
    ]


def _gate(first: datetime) -> float:
    policy = load_policy(("cn-bank-card",), registry=HOUSE)
    earlier = tuple(
        EarlierAttempt(first - timedelta(minutes=10 * n), Disposition.NO_ANSWER, first - timedelta(minutes=10 * n - 1))
        for n in range(1, 6)
    )
    facts = GateFacts(
        zones=candidates("+8613800001234"),
        max_ring_s=28.0,
        attempts=earlier,
        caller_id=HOUSE.shown(HOUSE.caller_ids[0].number, first.date()),
        tallies=tuple(Tally(asked.key, used=5) for asked in policy.demand.tallies),
    )
    if evaluate(policy, facts, first).allowed != (first == WORKING_MORNING):
        raise RuntimeError(f"not the decision to be measured: {evaluate(policy, facts, first).reason}")
    instants = iter(first + timedelta(milliseconds=n) for n in range(RUNS * REPEATS))
    return _per_call_us(lambda: evaluate(policy, facts, next(instants)))


class _TimedPacer(Pacer):
    """A pacer that adds up the CPU time of its decisions once the floor is busy and the budget lets it dial ahead."""

    spent_s = 0.0
    decisions = 0

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        started = time.process_time()
        decision = super().decide(snapshot)
        if snapshot.period_live >= WARM_LIVE:
            self.spent_s += time.process_time() - started
            self.decisions += 1
        return decision


def _pacing() -> float:
    """Mean CPU time (ms) of a decision on a floor of 300; median of three runs."""
    means = []
    for seed in range(3):
        pacer = _TimedPacer()
        Simulation(World(agents=300, hours=0.4), pacer, seed).run()
        means.append(pacer.spent_s / pacer.decisions * 1000)
    return statistics.median(means)


def _per_call_us(call: Callable[[], object]) -> float:
    """Median over the runs of the mean CPU time of one call."""
    means = []
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(REPEATS):
            call()
        means.append((time.process_time() - started) / REPEATS * MICROSECONDS)
    return statistics.median(means)
