"""What a share in a random sample says about the share in all of them. Pure.

Wilson's score interval (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22,
1927): it stays between 0 and 1 and is of use where none or all of a sample have what is looked for. Where the sample is
a good part of all there are, it is narrowed by the finite population correction (W. G. Cochran, "Sampling Techniques",
3rd ed., 1977, §3.2): the variance of a share is smaller by (N - n) / (N - 1), as if the sample were larger by as much.
"""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""The normal quantile of 97.5 %: two-sided 95 % confidence."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A share lies between `low` and `high`, in 95 of 100 samples."""

    low: float
    high: float


def wilson(hits: int, n: int, population: int | None = None) -> Interval:
    """The 95 % interval of a share of which a random sample of `n` without replacement showed `hits`.

    `population` is how many the sample was drawn from, None: unlimited. Of an empty sample: 0 to 1. ValueError: the
    counts contradict each other.
    """
    if not 0 <= hits <= n or (population is not None and population < n):
        raise ValueError(f"{hits} hits in a sample of {n} from {population} cannot be")
    if n == 0:
        return Interval(0.0, 1.0)
    share = hits / n
    if population == n:
        return Interval(share, share)
    weight = float(n) if population is None else n * (population - 1) / (population - n)
    square = Z_95 * Z_95
    middle = (share + square / (2 * weight)) / (1 + square / weight)
    half = Z_95 * sqrt(share * (1 - share) / weight + square / (4 * weight * weight)) / (1 + square / weight)
    # At the ends the bound is the share itself; the arithmetic only comes close.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return Interval(low, high)


def bounds(least: int, most: int, n: int, population: int | None = None) -> Interval:
    """The same where some of the sample are in doubt: `least` of it are hits for certain, `most` if all doubts are."""
    return Interval(wilson(least, n, population).low, wilson(most, n, population).high)
