"""How far figures measured on some clips can be trusted. Pure: chance is an argument.

Percentiles get a bootstrap interval (B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics
7, 1979): the clips at hand are drawn again and again, with repetition, and the interval holds 95 % of what comes out.
Two detectors on the same clips are compared by McNemar's test in its exact form (Q. McNemar, Psychometrika 12, 1947):
only clips that one gets right and the other wrong say anything; were both equally good, each would win half of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dialer.model.proportion import Interval

N_RESAMPLES = 2000
_VALUES_AT_ONCE = 1_000_000
"""Drawn together: 8 MB, whatever the number of clips."""
_CONFIDENCE_PERCENT = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of `n` measured values, in their unit, and its 95 % interval."""

    percent: float
    value: float
    interval: Interval
    n: int


def percentile(values: Sequence[float], percent: float, chance: np.random.Generator) -> Percentile | None:
    """The `percent` percentile (50: the median), interpolated between neighbours; None of no values."""
    if not values:
        return None
    measured = np.asarray(values, dtype=np.float64)
    n_at_once = max(1, _VALUES_AT_ONCE // measured.size)
    drawn = np.concatenate(
        [
            np.percentile(measured[chance.integers(0, measured.size, (n_rows, measured.size))], percent, axis=1)
            for n_rows in np.diff([*range(0, N_RESAMPLES, n_at_once), N_RESAMPLES])
        ]
    )
    low, high = np.percentile(drawn, _CONFIDENCE_PERCENT)
    return Percentile(percent, float(np.percentile(measured, percent)), Interval(float(low), float(high)), len(values))


def mcnemar(only_first: int, only_second: int) -> float:
    """The chance of so uneven a split or worse, were both equally good: small means that they differ. Two-sided.

    `only_first` clips are right by the first detector alone, `only_second` by the second alone. ValueError: negative.
    """
    if min(only_first, only_second) < 0:
        raise ValueError("clips are counted from 0")
    n = only_first + only_second
    n_as_uneven, n_ways = 0, 1  # ways to win k of n, from k = 0 on
    for k in range(min(only_first, only_second) + 1):
        n_as_uneven += n_ways
        n_ways = n_ways * (n - k) // (k + 1)
    n_in_all: int = 2**n
    return min(1.0, 2 * n_as_uneven / n_in_all)
