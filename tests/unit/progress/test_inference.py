"""Intervals and tests against values known from the literature or by counting."""

import numpy as np
import pytest

from dialer.model.proportion import Interval
from dialer.progress.inference import mcnemar, percentile


@pytest.mark.parametrize(
    ("only_first", "only_second", "chance"),
    [
        (0, 0, 1.0),  # no clip tells them apart
        (5, 5, 1.0),
        (0, 1, 1.0),  # one clip proves nothing
        (0, 5, 2 / 32),
        (6, 0, 2 / 64),
        (1, 9, 2 * (1 + 10) / 1024),
        (3, 12, 2 * (1 + 15 + 105 + 455) / 32768),
    ],
)
def test_mcnemar_is_the_sign_test_of_the_differing_clips(only_first: int, only_second: int, chance: float) -> None:
    assert mcnemar(only_first, only_second) == pytest.approx(chance)
    assert mcnemar(only_second, only_first) == mcnemar(only_first, only_second)


def test_mcnemar_of_many_clips_neither_overflows_nor_vanishes() -> None:
    # The normal approximation with continuity correction, which is good here: z = (|4900 - 5100| - 1) / 100.
    assert mcnemar(4900, 5100) == pytest.approx(0.0466, abs=0.0005)
    with pytest.raises(ValueError, match="counted from 0"):
        mcnemar(-1, 2)


def test_a_median_and_where_it_may_lie() -> None:
    found = percentile(range(1, 100), 50, np.random.default_rng(1))
    assert found is not None
    assert (found.value, found.n) == (50.0, 99)
    # By the order statistics (binomial), the median lies between the 40th and the 60th of 99 values.
    assert found.interval.low == pytest.approx(40, abs=2)
    assert found.interval.high == pytest.approx(60, abs=2)


def test_few_values() -> None:
    chance = np.random.default_rng(1)
    assert percentile([], 50, chance) is None
    alone = percentile([7], 90, chance)
    assert alone is not None
    assert (alone.value, alone.interval) == (7.0, Interval(7.0, 7.0))


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(3).exponential(300, 60).tolist()
    first, second = (percentile(values, 90, np.random.default_rng(5)) for _ in range(2))
    assert first == second
    assert first is not None
    assert first.interval.low <= first.value <= first.interval.high
