"""The interval of a share, whatever the counts: inside 0 to 1, around the share, narrower with more to go by."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model.proportion import wilson
from tests.support.naive_law import likely

N = st.integers(1, 5000)


@given(st.data(), N)
def test_it_holds_the_share_and_stays_between_none_and_all(data: st.DataObject, n: int) -> None:
    hits = data.draw(st.integers(0, n))
    population = data.draw(st.none() | st.integers(n, 20_000))
    interval = wilson(hits, n, population)
    assert 0.0 <= interval.low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= interval.high <= 1.0


@given(st.data(), N)
def test_it_is_the_same_seen_from_the_other_side(data: st.DataObject, n: int) -> None:
    hits = data.draw(st.integers(0, n))
    one, other = wilson(hits, n), wilson(n - hits, n)
    assert abs(one.low - (1 - other.high)) < 1e-9
    assert abs(one.high - (1 - other.low)) < 1e-9


@given(st.data(), N)
def test_more_hits_or_a_larger_part_of_all_never_loosen_a_bound(data: st.DataObject, n: int) -> None:
    hits = data.draw(st.integers(0, n - 1))
    population = data.draw(st.integers(n, 20_000))
    assert wilson(hits + 1, n).high >= wilson(hits, n).high - 1e-12
    assert wilson(hits, n, population).high <= wilson(hits, n).high + 1e-12
    assert wilson(hits, n, population).low >= wilson(hits, n).low - 1e-12


@given(st.data(), st.integers(1, 2000))
def test_it_is_what_trying_every_share_gives(data: st.DataObject, n: int) -> None:
    hits = data.draw(st.integers(0, n))
    interval, tried = wilson(hits, n), likely(hits, n)
    assert (interval.low, interval.high) == pytest.approx(tried, abs=1e-9)


def test_it_holds_the_true_share_in_19_of_20_samples() -> None:
    """On the mean over shares, as Wilson's interval does (L. D. Brown, T. T. Cai, A. DasGupta, Stat. Sci. 16, 2001).

    With the correction it does the same of samples that are half of all there are.
    """
    chance = Random(7)
    for population in (None, 400):
        held = 0
        for _ in range(2000):
            share = chance.uniform(0.005, 0.3)
            if population is None:
                hits, truth = sum(chance.random() < share for _ in range(200)), share
            else:
                people = round(share * population)
                hits = sum(number < people for number in chance.sample(range(population), 200))
                truth = people / population
            interval = wilson(hits, 200, population)
            held += interval.low <= truth <= interval.high
        assert 0.93 <= held / 2000 <= 0.975
