"""When what was heard of an entry is convincing.

Theory: the likeness of call and entry over the last n sounding rows is the cosine of the angle between them. For
unrelated audio it scatters around zero with a deviation of about k / sqrt(n), so the likeness that is asked for is
tanh(EVIDENCE / sqrt(n)): much after one second, less when more was heard. (Fisher's transformation, atanh, makes the
scatter of a correlation alike everywhere.) A clear line is therefore decided within a second, a bad one later, chance
never. docs/announcements.md has the figures.

Entries of different meanings that share words are told apart by what they do not share (`announcement_sharing`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dialer.progress.announcement_sharing import Meanings

HISTORY_ROWS = 150
"""How far back evidence is gathered: 3 s."""
LEAST_ROWS = 46
"""No match on less than 0.92 s of sound, however good."""
LATE_ROWS = 25
LEAST_ROWS_LATE = 75
"""Nor on less than 1.5 s where an entry would have begun half a second or more before the call heard anything: an entry
has one beginning to be taken for, but hundreds of middles, and words before them that do not fit were not heard."""
EVIDENCE = 10.0
LEAST_OWN_ROWS = 20
OWN_EVIDENCE = 6.5
"""The same, against each other meaning, for what the entry does not share with it: the whole must fit, and so this."""
RECENT_ROWS = 25
RECENT_LIKENESS = 0.4
"""And the last half second must not contradict: texts that differ in one syllable fall below 0.2 there."""
WHOLE_LIKENESS = 0.55
"""All that was heard since the entry would have begun must fit more or less: who says "请稍后再拨" after other words is
saying something else."""
RIVAL_LIKENESS = 0.08
"""While an entry of another meaning is nearly as like as the best, by this much, nothing is said."""
_NEGLIGIBLE = 1e-3

Products = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Row by row: call times entry, and the power of each; 0 where the entry is not."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """[tracks, HISTORY_ROWS] each. In the first two, column k is about the last HISTORY_ROWS - k rows together."""

    likeness: NDArray[np.float32]
    n_rows: NDArray[np.int64]
    products: Products
    counted: NDArray[np.bool_]
    """Rows that sound in the entry."""
    inside: NDArray[np.bool_]
    """Rows that the call heard and the entry has."""
    shared: Meanings
    """The other meanings that rows also stand for."""

    @classmethod
    def of(
        cls, products: Products, counted: NDArray[np.bool_], inside: NDArray[np.bool_], shared: Meanings
    ) -> "Evidence":
        """From what is known row by row."""
        return cls(*_backwards(products, counted), products, counted, inside, shared)


def convincing(evidence: Evidence, kinds: NDArray[np.int64], began: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool[tracks, HISTORY_ROWS]: over which of the last rows each track's entry was heard beyond doubt.

    `kinds`: int[tracks], the number of each entry's meaning; `began`: the row of the call at which it would have begun.
    """
    least = np.where(began < -LATE_ROWS, LEAST_ROWS_LATE, LEAST_ROWS)[:, None]
    enough = (evidence.likeness >= _NEEDED[evidence.n_rows]) & (evidence.n_rows >= least)
    fits = (evidence.likeness[:, -RECENT_ROWS] >= RECENT_LIKENESS) & (evidence.likeness[:, 0] >= WHOLE_LIKENESS)
    enough[~fits] = False
    for n in np.flatnonzero(enough.any(axis=1)).tolist():
        rival = evidence.likeness[kinds != kinds[n]].max(axis=0, initial=-1.0)
        enough[n] &= (evidence.likeness[n] > rival + RIVAL_LIKENESS) & _is_own(evidence, n)
    return enough


def _is_own(evidence: Evidence, n: int) -> NDArray[np.bool_]:
    """bool[HISTORY_ROWS]: whichever meaning the entry shares rows with, what it does not share with it fits as well."""
    own = np.ones(HISTORY_ROWS, dtype=np.bool_)
    others = int(np.bitwise_or.reduce(evidence.shared[n]))
    for bit in (1 << at for at in range(others.bit_length()) if others >> at & 1):
        unshared = (evidence.shared[n : n + 1] & np.uint32(bit)) == 0
        cross, call_power, entry_power = (part[n : n + 1] * unshared for part in evidence.products)
        likeness, n_rows = _backwards((cross, call_power, entry_power), evidence.counted[n : n + 1] & unshared)
        own &= likeness[0] >= _NEEDED_OWN[n_rows[0]]
    return own


def _backwards(products: Products, counted: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cosine and number of sounding rows from each row to the last."""
    sums = [part[:, ::-1].cumsum(axis=1)[:, ::-1] for part in products]
    likeness: NDArray[np.float32] = sums[0] / np.sqrt(sums[1] * sums[2] + _NEGLIGIBLE)
    n_rows: NDArray[np.int64] = counted[:, ::-1].cumsum(axis=1)[:, ::-1]
    return likeness, n_rows


def _needed(evidence: float, least_rows: int) -> NDArray[np.float64]:
    """float[HISTORY_ROWS + 1]: the likeness asked for, by the number of sounding rows."""
    n_rows = np.arange(HISTORY_ROWS + 1)
    likeness: NDArray[np.float64] = np.tanh(evidence / np.sqrt(np.maximum(n_rows, 1)))
    likeness[:least_rows] = np.inf
    return likeness


_NEEDED = _needed(EVIDENCE, LEAST_ROWS)
_NEEDED_OWN = _needed(OWN_EVIDENCE, LEAST_OWN_ROWS)
