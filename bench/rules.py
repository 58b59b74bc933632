"""CPU time of the pure rules: a gate decision, a pacing decision on a large floor, the zones of a number."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bench._day import FloorDay
from bench._dialed import different_numbers
from bench._worlds import floor
from bench.row import BenchRow
from dialer.campaigns.pacing import Pacer, PacingDecision, PacingSnapshot
from dialer.compliance.facts import EarlierAttempt, GateFacts, Tally
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.model.attempt import Disposition
from schedules.calendar import load_calendar
from schedules.hours import Days, Span, Window
from schedules.windows import next_open
from schedules.zones import ZoneCandidates, candidates

RUNS = 5
REPEATS = 2000
MICROSECONDS = 1e6
YEAR_S = 364 * 86_400
NUMBERS = 1_000_000
WARM_LIVE = 1000  # live answers after which a floor of 300 has data and budget
WORKING_MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Shanghai
HOUSE = Registry((RegisteredNumber("+8640012345678", ("collection",)),))
SUNDAY = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TWO_ZONES = ZoneCandidates(("Asia/Shanghai", "Asia/Urumqi"))
"""Where a number without a province may be."""


def run() -> list[BenchRow]:
    """The rows of this module."""
    return [
        BenchRow("gate decision, allowed, 5 earlier attempts", _gate(WORKING_MORNING, 5), "µs", 100.0),
        BenchRow("gate decision, refused with next time", _gate(SUNDAY, 5, "cn.window"), "µs", 100.0),
        BenchRow(
            "gate decision, 6 unanswered, by two clocks",
            _gate(WORKING_MORNING, 6, "cn.unreached", TWO_ZONES),
            "µs",
            100.0,
        ),
        BenchRow(
            "pacing decision, 300 collectors", _pacing(), "ms", 1.0, note="mean over a simulated floor dialing ahead"
        ),
        BenchRow("next opening of a calling window", _opening(), "µs", note="instants all over a year"),
        BenchRow(f"zones of a number, {NUMBERS:,} different ones", _zones(), "µs"),
    ]


def _gate(first: datetime, earlier: int, refused_by: str = "", zones: ZoneCandidates | None = None) -> float:
    """CPU time (µs) of a decision; each is about a person of its own, as nobody is asked about twice in a row."""
    policy = load_policy(("cn-bank-card",), registry=HOUSE)
    instants = [first + timedelta(milliseconds=n) for n in range(RUNS * REPEATS)]
    questions = [(_facts(policy, at, earlier, zones or candidates("+8613800001234")), at) for at in instants]
    decision = evaluate(policy, *questions[0])
    if decision.rule != refused_by:
        raise RuntimeError(f"not the decision to be measured: {decision.reason}")
    asked = iter(questions)
    return _per_call_us(lambda: evaluate(policy, *next(asked)))


def _facts(policy: Policy, at: datetime, earlier: int, zones: ZoneCandidates) -> GateFacts:
    """Of a person with so many unanswered attempts, one every ten minutes."""
    placed = [at - timedelta(minutes=10 * n) for n in range(1, earlier + 1)]
    return GateFacts(
        zones=zones,
        max_ring_s=28.0,
        attempts=tuple(EarlierAttempt(then, Disposition.NO_ANSWER, then + timedelta(minutes=1)) for then in placed),
        caller_id=HOUSE.shown(HOUSE.caller_ids[0].number, at.date()),
        tallies=tuple(Tally(asked.key, used=5) for asked in policy.demand.tallies),
    )


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
        FloorDay(floor("300 collectors", 300, 24), pacer, seed).live()
        means.append(pacer.spent_s / pacer.decisions * 1000)
    return statistics.median(means)


def _opening() -> float:
    """CPU time (µs) of the next opening, asked in such an order that nothing remembered of the last answer helps."""
    window, calendar = Window.daily("Asia/Shanghai", [Span(540, 1080)], Days.WORKDAYS), load_calendar("cn-workdays")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    instants = iter(start + timedelta(seconds=n * 7_919_111 % YEAR_S) for n in range(RUNS * REPEATS))
    return _per_call_us(lambda: next_open(window, calendar, next(instants), 28.0))


def _zones() -> float:
    """CPU time (µs) of a number: the median of as many parts of a long list."""
    numbers = list(different_numbers(NUMBERS))
    figures = []
    for part in range(RUNS):
        asked = numbers[part::RUNS]
        started = time.process_time()
        for number in asked:
            candidates(number)
        figures.append((time.process_time() - started) / len(asked) * MICROSECONDS)
    return statistics.median(figures)


def _per_call_us(call: Callable[[], object]) -> float:
    """Median over the runs of the mean CPU time of one call."""
    means = []
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(REPEATS):
            call()
        means.append((time.process_time() - started) / REPEATS * MICROSECONDS)
    return statistics.median(means)
