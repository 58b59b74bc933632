"""Where in the library something like the last 800 ms may be: a quick guess, checked row by row elsewhere.

A block of rows is described by its slowest changes alone (a cosine transform over time, of the safest numbers), scaled
to length one. The best guesses are then one product of a matrix with a vector away, in the library's order of size:
60 000 rows are 20 000 blocks of 25 numbers.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dialer.progress.fingerprint import Weighted

BLOCK_ROWS = 40
"""800 ms: long enough for a guess, short enough to make it before the evidence is complete."""
STRIDE_ROWS = 3
"""Blocks begin 60 ms apart; rows change little in the 30 ms by which the nearest may be off."""
_FIRST_END_ROW = 20
"""The first block of an entry ends 400 ms into it, so that its beginning can be found, whatever sounded before."""
_N_TIMES, _N_NUMBERS = 5, 5
_LEAST_LENGTH = 8.0
"""Nine in ten blocks of speech are longer than 13; a shorter one is mostly pause, and no guess is made from it."""

Described = NDArray[np.float32]
"""float32[n, _N_TIMES * _N_NUMBERS], each of length one, or zeros."""


class AnnouncementIndex:
    """The blocks of all entries; `bounds` are the (first, past the last) rows of each in `rows`."""

    def __init__(self, rows: Weighted, bounds: NDArray[np.int64]) -> None:
        described = [_blocks_of(rows[first:last], first) for first, last in bounds]
        blocks = np.concatenate(
            [blocks for blocks, _ in described] or [np.zeros((0, _N_TIMES * _N_NUMBERS), np.float32)]
        )
        self.blocks = np.ascontiguousarray(blocks.T)
        """float32[description, n]: in this order one description is compared with all in a single fast pass."""
        self.end_rows = np.concatenate([ends for _, ends in described] or [np.zeros(0, dtype=np.int64)])
        """The last row of each block."""

    def find(self, block: Weighted, at_least: float, limit: int) -> NDArray[np.int64]:
        """The last rows of the blocks most like this one (BLOCK_ROWS rows), the best first."""
        likeness = np.einsum("db,d->b", self.blocks, describe(block[None])[0])  # `@` would wake threads for this
        found = np.flatnonzero(likeness > at_least)
        best = found[np.argsort(-likeness[found])[:limit]]
        rows: NDArray[np.int64] = self.end_rows[best]
        return rows


def describe(blocks: Weighted) -> Described:
    """What blocks (float32[n, BLOCK_ROWS, WIDTH]) sound like; zeros for pauses."""
    changes = np.einsum("tr,brk->btk", _COSINES, blocks[..., :_N_NUMBERS]).reshape(len(blocks), _N_TIMES * _N_NUMBERS)
    length = np.linalg.norm(changes, axis=1, keepdims=True)
    described: Described = np.where(length > _LEAST_LENGTH, changes / np.maximum(length, _LEAST_LENGTH), 0)
    return described.astype(np.float32)


def _blocks_of(rows: Weighted, first_row: int) -> tuple[Described, NDArray[np.int64]]:
    before = np.zeros((BLOCK_ROWS - _FIRST_END_ROW, rows.shape[1]), dtype=np.float32)
    padded = np.concatenate((before, rows))
    if len(padded) < BLOCK_ROWS:
        return describe(np.zeros((0, BLOCK_ROWS, rows.shape[1]), dtype=np.float32)), np.zeros(0, dtype=np.int64)
    blocks = sliding_window_view(padded, BLOCK_ROWS, axis=0)[::STRIDE_ROWS].transpose(0, 2, 1)
    ends = first_row + _FIRST_END_ROW - 1 + STRIDE_ROWS * np.arange(len(blocks), dtype=np.int64)
    return describe(blocks), ends


def _cosines() -> NDArray[np.float32]:
    """float32[times, rows]: the first basis functions of the orthonormal DCT-II."""
    order, row = np.arange(_N_TIMES)[:, None], np.arange(BLOCK_ROWS)[None, :] + 0.5
    basis = np.cos(np.pi * order * row / BLOCK_ROWS) * np.sqrt(2 / BLOCK_ROWS)
    basis[0] /= np.sqrt(2)
    cosines: NDArray[np.float32] = basis.astype(np.float32)
    return cosines


_COSINES = _cosines()
