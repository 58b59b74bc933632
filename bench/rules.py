"""CPU time of the pure rules: one gate decision, and one pacing decision on a large floor."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench.row import BenchRow
from dialer.compliance.facts import EarlierAttempt, GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_policy
from dialer.model.attempt import Disposition
from schedules.zones import candidates

RUNS = 5
REPEATS = 2000
MICROSECONDS = 1e6
WORKING_MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
SUNDAY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def run() -> list[BenchRow]:
    """The rows of this module."""
    return [
        BenchRow("gate decision, allowed, 5 earlier attempts", _gate(WORKING_MORNING), "µs", 100.0),
        BenchRow("gate decision, refused with next time", _gate(SUNDAY), "µs", 100.0),
        BenchRow("zones of a number", _per_call_us(lambda: candidates("+8613800001234")), "µs"),
    ]


def _gate(first: datetime) -> float:
    policy = load_policy(("cn-bank-card",))
    earlier = tuple(
        EarlierAttempt(first - timedelta(minutes=10 * n), Disposition.NO_ANSWER, first - timedelta(minutes=10 * n - 1))
        for n in range(1, 6)
    )
    facts = GateFacts(zones=candidates("+8613800001234"), max_ring_s=28.0, attempts=earlier)
    instants = iter(first + timedelta(milliseconds=n) for n in range(RUNS * REPEATS))
    return _per_call_us(lambda: evaluate(policy, facts, next(instants)))


def _per_call_us(call: Callable[[], object]) -> float:
    """Median over the runs of the mean CPU time of one call."""
    means = []
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(REPEATS):
            call()
        means.append((time.process_time() - started) / REPEATS * MICROSECONDS)
    return statistics.median(means)
