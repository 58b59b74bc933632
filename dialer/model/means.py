"""What the mean of a random sample says about the mean of all. Pure.

Student's t interval ("The probable error of a mean", Biometrika 6, 1908): the fewer there are, the wider it is. Of less
than five nothing is said at all: the spread of so few is itself a guess.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, variance

from dialer.model.proportion import Z_95, Interval

LEAST_N = 5
"""Values of which an interval is told."""

_T_95 = (2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093)
"""The quantile of 97.5 % of Student's distribution with 4, 5, … 19 degrees of freedom."""
_FIRST_FREEDOM = LEAST_N - 1


def mean_interval(values: Sequence[float], lowest: float, highest: float) -> Interval:
    """The 95 % interval of a mean of values that lie between `lowest` and `highest`; of too few: all in between."""
    n = len(values)
    if n < LEAST_N:
        return Interval(lowest, highest)
    mean = fmean(values)
    half = t_95(n - 1) * sqrt(variance(values, mean) / n)
    return Interval(max(lowest, mean - half), min(highest, mean + half))


def t_95(freedom: int) -> float:
    """Student's quantile of 97.5 % for at least four degrees of freedom.

    Beyond the table by the expansion of Cornish and Fisher ("Moments and cumulants in the specification of
    distributions", 1937), which is off by less than 0.0005 there.
    """
    if freedom - _FIRST_FREEDOM < len(_T_95):
        return _T_95[freedom - _FIRST_FREEDOM]
    z = Z_95
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
