"""What announcements of different meanings have in common: it says nothing about which of them is heard.

Carriers speak "您好，您拨打的用户 …" once and cut it in front of several announcements. Such stretches, wherever they
stand, are marked as shared, with whom; a match needs, against every other meaning, something that is not shared with
it. Entries of one meaning may share all they like.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dialer.progress.announcement_index import BLOCK_ROWS, AnnouncementIndex, describe
from dialer.progress.fingerprint import Weighted

_BLOCK_LIKENESS = 0.85
"""Of two blocks that are worth a closer look."""
_LOCAL_ROWS = 15
_LOCAL_LIKENESS = 0.8
"""Of 300 ms that are the same recording, cut apart and joined; two readings by one voice stay below."""
_SHORTEST_ROWS = 35
"""Less than 0.7 s in common cannot make a match by itself."""
_STEP_ROWS = 10
_NEAREST = 4
"""So many places of one meaning that resemble a block are looked at: one where it stands again is enough."""
_AT_ONCE = 1024
_NEGLIGIBLE = 1e-3

Bounds = NDArray[np.int64]
Meanings = NDArray[np.uint32]
"""A set of meanings, one bit for each: that of the n-th meaning is 1 << n."""


Resemblances = NDArray[np.int64]
"""int64[n, 3]: a row at which a block ends, one at which a block ends that sounds alike, and the kind of the latter."""


def kinds_of(meanings: Sequence[object]) -> NDArray[np.int64]:
    """The number of each entry's meaning, in the order in which they come up."""
    numbers = {meaning: number for number, meaning in enumerate(dict.fromkeys(meanings))}
    return np.array([numbers[meaning] for meaning in meanings], dtype=np.int64)


def shared_rows(rows: Weighted, bounds: Bounds, kinds: NDArray[np.int64], index: AnnouncementIndex) -> Meanings:
    """uint32[n]: which other meanings each row of the library also stands for. `kinds`: of each entry, as numbers.

    There must be BLOCK_ROWS rows of silence between entries and around them.
    """
    shared = np.zeros(len(rows), dtype=np.uint32)
    kind_of_block = kinds[np.searchsorted(bounds[:, 0], index.end_rows, side="right") - 1]
    for own, kind in zip(bounds, kinds, strict=True):
        found = _resemblances(rows, own, index, np.where(kind_of_block == kind, -1, kind_of_block))
        for other in np.unique(found[:, 2]).tolist():
            pairs = found[found[:, 2] == other, :2]
            for at in range(0, len(pairs), _AT_ONCE):
                shared[_same(rows, pairs[at : at + _AT_ONCE])] |= np.uint32(1 << other)
    return shared


def _resemblances(rows: Weighted, own: Bounds, index: AnnouncementIndex, kind: NDArray[np.int64]) -> Resemblances:
    """Blocks of one entry with those that resemble them most, of each other kind; -1 is its own."""
    first, last = own
    blocks = sliding_window_view(rows[first:last], BLOCK_ROWS, axis=0)[::_STEP_ROWS].transpose(0, 2, 1)
    likeness = describe(blocks) @ index.blocks
    at, block = np.nonzero((likeness > _BLOCK_LIKENESS) & (kind >= 0))
    group = at * (kind.max(initial=0) + 1) + kind[block]
    order = np.lexsort((-likeness[at, block], group))
    rank = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    kept = order[rank < _NEAREST]
    here = first + BLOCK_ROWS - 1 + _STEP_ROWS * at[kept]
    return np.stack((here, index.end_rows[block[kept]], kind[block[kept]]), axis=1)


def _same(rows: Weighted, pairs: Resemblances) -> NDArray[np.int64]:
    """Looks at pairs (here, there) row by row; the rows here that are the same recording there."""
    at = np.clip(pairs[..., None] + np.arange(1 - BLOCK_ROWS, 1), 0, len(rows) - 1)
    here, there = rows[at[:, 0]], rows[at[:, 1]]
    cross, own_power, other_power = (
        runs(np.einsum("pnk,pnk->pn", a, b), _LOCAL_ROWS) for a, b in ((here, there), (here, here), (there, there))
    )
    alike = cross > _LOCAL_LIKENESS * np.sqrt(own_power * other_power + _NEGLIGIBLE)
    n_needed = _SHORTEST_ROWS - _LOCAL_ROWS + 1
    pair, start = np.nonzero(runs(alike.astype(np.int64), n_needed) == n_needed)
    same: NDArray[np.int64] = (at[pair, 0, start][:, None] + np.arange(_SHORTEST_ROWS)).ravel()
    return same


def runs(values: NDArray[Any], length: int) -> NDArray[Any]:
    """Sums of `length` neighbours along the last axis."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    found: NDArray[Any] = sums[:, length:] - sums[:, :-length]
    return found
