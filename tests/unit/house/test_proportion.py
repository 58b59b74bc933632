"""What a share in a sample says about the share in all."""

from math import sqrt

import pytest

from dialer.model.proportion import Z_95, Interval, bounds, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
        # table I, method 3: the score interval without continuity correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    interval = wilson(hits, n)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


def test_nothing_heard_says_nothing() -> None:
    assert wilson(0, 0) == wilson(0, 0, 1000) == Interval(0.0, 1.0)


def test_none_and_all_of_a_sample() -> None:
    for n in (1, 2, 50, 10_000):
        none, every = wilson(0, n), wilson(n, n)
        assert none.low == 0.0
        assert every.high == 1.0
        assert none.high == pytest.approx(Z_95**2 / (n + Z_95**2))  # the formula at a share of 0
        assert every.low == pytest.approx(1 - none.high)


def test_whoever_listened_to_all_knows() -> None:
    assert wilson(3, 40, 40) == Interval(3 / 40, 3 / 40)
    assert wilson(0, 1, 1) == Interval(0.0, 0.0)
    assert wilson(0, 0, 0) == Interval(0.0, 1.0)


def test_half_of_all_narrow_the_interval_by_root_two() -> None:
    unlimited, half = wilson(500, 1000), wilson(500, 1000, 2000)
    ratio = (half.high - half.low) / (unlimited.high - unlimited.low)
    assert ratio == pytest.approx(1 / sqrt(2), rel=0.002)
    assert wilson(5, 100, 10**9).high == pytest.approx(wilson(5, 100).high)


def test_doubts_widen_it_both_ways() -> None:
    assert bounds(2, 5, 50) == Interval(wilson(2, 50).low, wilson(5, 50).high)


@pytest.mark.parametrize(("hits", "n", "population"), [(-1, 5, None), (6, 5, None), (1, 5, 4)])
def test_counts_that_contradict_each_other(hits: int, n: int, population: int | None) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        wilson(hits, n, population)
