"""Other dialers' rules: their arithmetic step by step, and what becomes of a floor under them."""

import json

import pytest

from bench._day import FloorDay
from bench._worlds import floor as calling_floor
from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    CallStage,
    CallView,
    EventKind,
    PacingEvent,
    PacingLimits,
    PacingSnapshot,
)
from dialer.campaigns.pacing.line_rate import LineRate
from dialer.model.campaign import CampaignSettings
from dialer.simulator.baselines import BASELINES, FixedRatio, Tally
from dialer.simulator.baselines_adaptive import AdaptiveSettings, AdaptTapered, HardLimit
from dialer.simulator.day import Day
from dialer.simulator.scenario import Scenario

NINE = 9 * 3600.0
LIMITS = PacingLimits(max_channels=1000, max_cps=100.0)
BUSY_MORNING = calling_floor("20 collectors", 20, 120)
MINUTES = calling_floor("20 collectors", 20, 12)


def floor(
    now: float, ready: int, talking: int = 0, waiting: int = 0, dialing: int = 0, wrapping: int = 0
) -> PacingSnapshot:
    states = [AgentState.READY] * ready + [AgentState.TALKING] * talking + [AgentState.WRAPUP] * wrapping
    stages = [CallStage.CONNECTED] * talking + [CallStage.WAITING] * waiting + [CallStage.DIALING] * dialing
    return PacingSnapshot(
        now=now,
        agents=tuple(AgentView(n, state, 0.0) for n, state in enumerate(states)),
        calls=tuple(CallView(n, stage, 0.0, 0.0) for n, stage in enumerate(stages)),
        limits=LIMITS,
        period_live=1000,
        period_abandoned=1000,
        period_ends_at=86_400.0,
        leads_left=1000,
    )


def lived(world: Scenario, rule: Paces, seed: int) -> Day:
    return FloorDay(world, rule, seed).live()


def adapted(rule: HardLimit | AdaptTapered, until: float, **on_floor: int) -> float:
    """The level after every second to `until` with the same floor."""
    for second in range(int(until) + 1):
        rule.decide(floor(float(second), **on_floor))
    return rule.level


def day_of(rule: HardLimit | AdaptTapered, calls: int, answered: int, dropped: int) -> None:
    kinds = [EventKind.PLACED] * calls + [EventKind.ABANDONED] * dropped
    kinds += [EventKind.CONNECTED] * (answered - dropped)
    for kind in kinds:
        rule.observe(PacingEvent(0.0, kind))


@pytest.mark.parametrize(
    ("ratio", "tally", "due"),
    [
        (1.0, Tally.READY, 3),  # 5 ready − 2 open lines
        (2.0, Tally.READY, 8),
        (1.5, Tally.READY, 6),  # 7.5 is rounded up
        (1.0, Tally.ACTIVE, 3),  # 5 ready + 10 talking − 12 calls
        (2.0, Tally.ACTIVE, 18),
    ],
)
def test_a_fixed_ratio_lacks_budgets_but_not_arithmetic(ratio: float, tally: Tally, due: int) -> None:
    snapshot = floor(0.0, ready=5, talking=10, waiting=1, dialing=1, wrapping=4)
    assert FixedRatio(ratio, tally).decide(snapshot).dial == due


def test_the_level_grows_by_the_share_of_idle_collectors_to_its_maximum() -> None:
    assert adapted(HardLimit(NINE, 0.03), 14, ready=2, talking=8) == 1.0
    assert adapted(HardLimit(NINE, 0.03), 15, ready=2, talking=8) == pytest.approx(1.2)
    assert adapted(HardLimit(NINE, 0.03), 30, ready=2, talking=8) == pytest.approx(1.44)
    assert adapted(HardLimit(NINE, 0.03), 600, ready=2, talking=8) == 3.0


@pytest.mark.parametrize(("intensity", "level"), [(0, 1.0), (50, 1.2), (-50, 1.0)])
def test_people_who_wait_bring_the_level_down(intensity: float, level: float) -> None:
    rule = HardLimit(NINE, 0.03, AdaptiveSettings(intensity=intensity))
    rule.level = 1.6
    # m = −5 / 10: × 0.5, by intensity 50 × (1 − 0.25), by −50 × (1 − 0.75)
    assert adapted(rule, 15, ready=0, talking=10, waiting=5) == pytest.approx(level)


def test_a_round_is_placed_every_two_and_a_half_seconds_and_what_was_placed_is_taken_off() -> None:
    rule = HardLimit(NINE, 0.03)
    assert rule.decide(floor(0.5, ready=4)).dial == 4
    rule.observe(PacingEvent(0.5, EventKind.PLACED, 1))
    assert rule.decide(floor(0.5, ready=4)).dial == 3
    assert rule.decide(floor(2.0, ready=9)).dial == 3
    assert rule.decide(floor(2.5, ready=9)).dial == 9
    assert rule.decide(floor(3.0, ready=0, wrapping=9)).dial == 0


@pytest.mark.parametrize(
    ("hour", "minute", "factor"),
    [
        (10, 0, 1.0),  # 2100 − 1000 is more than a thousand
        (17, 30, 0.37),
        (17, 59, 0.341),
        (21, 1, 0.0),  # past the latest hour
    ],
)
def test_over_its_target_the_tapered_rule_slows_by_the_clock_and_the_hard_limit_stops(
    hour: int, minute: int, factor: float
) -> None:
    starts = hour * 3600.0 + minute * 60.0 - 75.0
    tapered, hard = AdaptTapered(starts, 0.03), HardLimit(starts, 0.03)
    for rule in (tapered, hard):
        day_of(rule, 200, 100, 4)
        rule.decide(floor(59.0, ready=0, talking=10))
        rule.level = 3.0
        rule.decide(floor(75.0, ready=0, talking=10))
    assert tapered.level == pytest.approx(max(3.0 * factor, 1.0))
    assert hard.level == 1.0


@pytest.mark.parametrize(
    ("calls", "answered", "dropped", "level"),
    [
        (50, 10, 10, 3.0),  # too few calls in the day, and not more than half of them dropped
        (200, 100, 3, 3.0),  # the target itself is kept
        (21, 11, 11, 1.5),  # a minute in which more than half were dropped
    ],
)
def test_when_the_day_and_the_minute_count(calls: int, answered: int, dropped: int, level: float) -> None:
    rule = HardLimit(NINE, 0.03)
    day_of(rule, calls, answered, dropped)
    rule.decide(floor(59.0, ready=0, talking=10))
    rule.level = 3.0
    rule.decide(floor(60.0, ready=0, talking=10))
    assert rule.level == level


def test_a_new_day_counts_anew() -> None:
    rule = HardLimit(86_400.0 - 100.0, 0.03)
    day_of(rule, 200, 100, 50)
    adapted(rule, 75, ready=5, talking=5)
    assert rule.level == 1.0
    assert adapted(rule, 180, ready=5, talking=5) > 1.0


def test_a_state_of_another_version_is_refused() -> None:
    rule = HardLimit(NINE, 0.03)
    with pytest.raises(ValueError, match="version"):
        rule.load({"level": 2.0})
    assert rule.level == 1.0


def test_slow_trunks_get_one_call_in_its_time() -> None:
    rate = LineRate()
    slow, down = PacingLimits(10, 0.25), PacingLimits(10, 0.0)
    assert rate.room(0.0, slow) == 1
    rate.observe(PacingEvent(0.0, EventKind.PLACED, 1))
    assert [rate.room(now, slow) for now in (0.5, 3.5, 3.6)] == [0, 0, 1]
    assert rate.room(0.5, down) == 0


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_goes_on_where_it_was_dumped(name: str) -> None:
    rule, restarted = (BASELINES[name](CampaignSettings(), NINE) for _ in range(2))
    lived(MINUTES, rule, 3)
    restarted.load(json.loads(json.dumps(rule.dump())))
    later = floor(2000.0, ready=6, talking=9, waiting=1, dialing=2)
    assert restarted.decide(later) == rule.decide(later)


def test_the_hard_limit_breaks_its_target_and_is_hardly_better_than_one_to_one() -> None:
    one, hard, loose = (
        lived(BUSY_MORNING, BASELINES[name](CampaignSettings(), NINE), 7)
        for name in ("progressive 1:1", "hard limit", "ratio 3")
    )
    assert one.abandoned == 0
    assert hard.worst_share > 0.03
    assert hard.utilisation < one.utilisation + 0.06
    assert loose.utilisation > one.utilisation + 0.1
