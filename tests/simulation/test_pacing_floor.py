"""The promise of the predictive pace, on many floors and seeds: abandonment within its target in every run.

Floors and seeds are not those the pace was made on; `bench/pacing.py` runs the same over whole days and beside the
rules of other dialers.
"""

import pytest

from bench._day import FloorDay
from bench._pacing_runs import OURS, Job, Summary, live_all, summaries
from bench._worlds import WORLDS, floor
from dialer.campaigns.pacing import Pacer, PacerConfig, PacingMode
from dialer.simulator.day import LEAST_LIVE, Day
from dialer.simulator.rehearsal import rehearse
from dialer.simulator.scenario import CallList

TARGET = 0.03
SEEDS = range(52_000, 52_020)
BY_NAME = {world.name: world for world in WORLDS}
MIDDLE = BY_NAME["20 collectors"]
BENCH_ONLY = ("20, most answer", "20, short talks", "50, long rings", "50, trunk-bound", "120 collectors")
"""Lived by `bench/pacing.py` alone: eleven floors are enough for every run of the tests."""
FLOORS = [name for name in BY_NAME if name not in BENCH_ONLY]


@pytest.fixture(scope="module")
def days() -> list[Day]:
    return live_all([Job(BY_NAME[name], OURS, seed) for name in FLOORS for seed in SEEDS])


@pytest.fixture(scope="module")
def summed(days: list[Day]) -> dict[str, Summary]:
    return {name: summary for (name, _), summary in summaries(days).items()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_run_abandons_more_than_its_target(days: list[Day]) -> None:
    telling = [day for day in days if day.live >= LEAST_LIVE]
    assert len(telling) >= 0.9 * len(days), "the runs are too short to say anything"
    over = [(day.name, day.seed, f"{day.abandoned_share:.2%}") for day in telling if day.abandoned_share > TARGET]
    assert not over


@pytest.mark.slow
@pytest.mark.parametrize("name", ["50 collectors", "50, few answer", "50, answers jump"])
def test_large_floors_talk_nearly_as_much_as_can_be(summed: dict[str, Summary], name: str) -> None:
    """A short morning, its first minutes without any data included."""
    assert summed[name].bound - summed[name].utilisation <= 0.18


def run(mode: PacingMode, seed: int, ratio: float = 1.0) -> Day:
    return FloorDay(MIDDLE, Pacer(PacerConfig(mode=mode, ratio=ratio)), seed).live()


def test_much_more_talk_than_one_to_one_which_abandons_nobody() -> None:
    ahead, one = run(PacingMode.PREDICTIVE, 11), run(PacingMode.PROGRESSIVE, 11)
    assert one.live >= LEAST_LIVE
    assert one.abandoned == 0
    assert ahead.utilisation > one.utilisation + 0.1


def test_a_fixed_ratio_is_held_by_the_budget() -> None:
    day = run(PacingMode.POWER, 3, ratio=3.0)
    assert day.live >= LEAST_LIVE
    assert day.abandoned > 0
    assert day.abandoned_share < 0.06


def test_a_day_repeats_from_its_seed() -> None:
    first, again = run(PacingMode.PREDICTIVE, 4), run(PacingMode.PREDICTIVE, 4)
    assert (first.talk_s, first.abandoned, first.placed) == (again.talk_s, again.abandoned, again.placed)


@pytest.mark.slow
@pytest.mark.allow_blocking
def test_a_rehearsal_through_the_whole_node_comes_to_the_same() -> None:
    """The floor without telephony knows no gate, no storage and no SIP; that must not be what its figures come from."""
    short = floor("20, with and without a node", 20, 20, call_list=CallList(contacts=3_000))
    alone, whole = FloorDay(short, Pacer(), 21).live(), rehearse(short, 21)
    assert whole.utilisation == pytest.approx(alone.utilisation, abs=0.08)
    assert whole.placed == pytest.approx(alone.placed, rel=0.25)
    assert max(whole.abandoned_share, alone.abandoned_share) <= TARGET + 1 / whole.live
