"""What announcements of different meanings have in common: it says nothing about which of them is heard.

Carriers speak "您好，您拨打的用户 …" once and cut it in front of several announcements. Such stretches, wherever they
stand, are marked as shared; a match needs what is not shared. Entries of one meaning may share all they like.
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
"""So many places that resemble a block are looked at: one where it stands again is enough."""
_AT_ONCE = 1024
_NEGLIGIBLE = 1e-3

Bounds = NDArray[np.int64]
Pairs = NDArray[np.int64]
"""int64[n, 2]: two rows of the library at which blocks end that sound alike."""


def shared_rows(
    rows: Weighted, bounds: Bounds, meanings: Sequence[object], index: AnnouncementIndex
) -> NDArray[np.bool_]:
    """bool[n]: which rows of the library also stand in an entry of another meaning.

    There must be BLOCK_ROWS rows of silence between entries and around them.
    """
    shared = np.zeros(len(rows), dtype=np.bool_)
    entry_of_block = np.searchsorted(bounds[:, 0], index.end_rows, side="right") - 1
    kinds = {meaning: number for number, meaning in enumerate(dict.fromkeys(meanings))}
    kind = np.array([kinds[meaning] for meaning in meanings], dtype=np.int64)
    for entry, own in enumerate(bounds):
        strange = kind[entry_of_block] != kind[entry]
        pairs = _resemblances(rows, own, index, strange)
        for at in range(0, len(pairs), _AT_ONCE):
            _mark(shared, rows, pairs[at : at + _AT_ONCE])
    return shared


def _resemblances(rows: Weighted, own: Bounds, index: AnnouncementIndex, strange: NDArray[np.bool_]) -> Pairs:
    """Blocks of one entry with those of other meanings that resemble them."""
    first, last = own
    if last - first < BLOCK_ROWS or not strange.any():
        return np.zeros((0, 2), dtype=np.int64)
    blocks = sliding_window_view(rows[first:last], BLOCK_ROWS, axis=0)[::_STEP_ROWS].transpose(0, 2, 1)
    likeness = describe(blocks) @ index.blocks
    at, block = np.nonzero((likeness > _BLOCK_LIKENESS) & strange)
    order = np.lexsort((-likeness[at, block], at))
    at, block = at[order], block[order]
    rank = np.arange(len(at)) - np.searchsorted(at, at)
    at, block = at[rank < _NEAREST], block[rank < _NEAREST]
    return np.stack((first + BLOCK_ROWS - 1 + _STEP_ROWS * at, index.end_rows[block]), axis=1)


def _mark(shared: NDArray[np.bool_], rows: Weighted, pairs: Pairs) -> None:
    """Looks at each pair row by row and marks, on its first side, what is the same recording."""
    at = np.clip(pairs[..., None] + np.arange(1 - BLOCK_ROWS, 1), 0, len(rows) - 1)
    here, there = rows[at[:, 0]], rows[at[:, 1]]
    cross, own_power, other_power = (
        _runs(np.einsum("pnk,pnk->pn", a, b), _LOCAL_ROWS) for a, b in ((here, there), (here, here), (there, there))
    )
    alike = cross > _LOCAL_LIKENESS * np.sqrt(own_power * other_power + _NEGLIGIBLE)
    n_needed = _SHORTEST_ROWS - _LOCAL_ROWS + 1
    long_enough = _runs(alike.astype(np.int64), n_needed) == n_needed
    pair, start = np.nonzero(long_enough)
    shared[at[pair, 0, start][:, None] + np.arange(_SHORTEST_ROWS)] = True


def _runs(values: NDArray[Any], length: int) -> NDArray[Any]:
    """Sums of `length` neighbours along the last axis."""
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    return sums[:, length:] - sums[:, :-length]
