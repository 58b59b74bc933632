"""Whether two recordings are the same announcement, so that what nobody has named yet can be counted and shown once.

All offsets of one against the other are tried at once (the cross-correlation of the rows, by the Fourier transform);
at the best one, what overlaps must be alike as a whole, and half a second may nowhere contradict: "您拨打的用户已关机"
and "您拨打的用户已停机" by one voice differ in nothing but one syllable.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dialer.progress.announcement_sharing import runs
from dialer.progress.fingerprint import AVERAGE_POWER, Fingerprint, Weighted, weighted
from dialer.progress.frames import FRAME_MS

SAME_LIKENESS = 0.65
"""Copies of one recording through codecs, noise and losses stay above 0.73."""
LOCAL_LIKENESS = 0.35
"""Over half a second: such copies stay above 0.48 everywhere, texts that differ in one syllable fall below 0.2."""
LEAST_OVERLAP_MS = 1200
LOCAL_ROWS = 25
_LEAST_SHARE = 0.6
"""Of the shorter one: a call may have joined late or ended early."""
_LEAST_POWER = 0.4
"""Of an average row's: half a second with less is mostly pause, and contradicts nothing."""
_NEGLIGIBLE = 1e-3

_PEAK_ROWS = 10
"""What is nearly alike lies within so many rows of what is most alike."""

Powers = NDArray[np.float64]
Power = NDArray[np.floating]


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """How alike two recordings are where they overlap best: 1 the same, 0 unrelated, too short or contradictory."""
    a, b = weighted(one.rows), weighted(other.rows)
    shorter = min(len(a), len(b))
    least = max(LEAST_OVERLAP_MS // FRAME_MS, int(_LEAST_SHARE * shorter))
    if shorter < least:
        return 0.0
    shift, alike = _best_shift(a, b, least)
    first, last = max(0, shift), min(len(a), len(b) + shift)
    return 0.0 if _contradicts(a[first:last], b[first - shift : last - shift]) else max(alike, 0.0)


def nearest(fingerprint: Fingerprint, known: Iterable[tuple[int, Fingerprint]]) -> int | None:
    """The id of the recording that is the same announcement as this one; None: none of them."""
    best_id, best = None, SAME_LIKENESS
    for known_id, other in known:
        alike = likeness(fingerprint, other)
        if alike >= best:
            best_id, best = known_id, alike
    return best_id


def repeats_after(rows: Weighted) -> int | None:
    """After how many rows a recording says the same again, for a second at least; None: it does not."""
    least = LEAST_OVERLAP_MS // FRAME_MS
    shifts, alike = _by_shift(rows, rows, least)
    found = np.flatnonzero((alike >= SAME_LIKENESS) & (shifts >= least))
    if not len(found):
        return None
    first = int(found[0])
    shift = int(shifts[first + alike[first : first + _PEAK_ROWS].argmax()])
    return None if _contradicts(rows[shift:], rows[: len(rows) - shift]) else shift


def contradictions(cross: Power, a_power: Power, b_power: Power) -> NDArray[np.bool_]:
    """bool[k, n - LOCAL_ROWS + 1]: where k pairs of recordings differ over half a second in which one of them speaks.

    Of n rows each: one times the other, and the power of either.
    """
    cross, a_power, b_power = (runs(values, LOCAL_ROWS) for values in (cross, a_power, b_power))
    speaks = (a_power + b_power) / 2 > _LEAST_POWER * LOCAL_ROWS * AVERAGE_POWER
    differs: NDArray[np.bool_] = speaks & (cross < LOCAL_LIKENESS * np.sqrt(np.maximum(a_power * b_power, 0)))
    return differs


def _best_shift(a: Weighted, b: Weighted, least: int) -> tuple[int, float]:
    """By how many rows `b` must be moved to be most like `a`, and how alike the two are then."""
    shifts, alike = _by_shift(a, b, least)
    best = int(alike.argmax())
    return int(shifts[best]), float(alike[best])


def _by_shift(a: Weighted, b: Weighted, least: int) -> tuple[NDArray[np.int64], Powers]:
    """Every number of rows by which `b` can be moved, and how alike the two are then; -1: they overlap too little."""
    size = 1 << (len(a) + len(b)).bit_length()
    cross = _correlated(a, b, size).sum(axis=1)
    a_power, b_power = _powers(a)[:, None], _powers(b)[:, None]
    a_overlap = _correlated(a_power, np.ones_like(b_power), size)[:, 0]
    b_overlap = _correlated(np.ones_like(a_power), b_power, size)[:, 0]
    shifts = np.arange(size)
    shifts[size // 2 :] -= size  # the second half of a circular correlation holds the negative shifts
    overlap = np.minimum(len(a), len(b) + shifts) - np.maximum(0, shifts)
    alike = np.where(overlap >= least, cross / np.sqrt(np.maximum(a_overlap * b_overlap, 0) + _NEGLIGIBLE), -1.0)
    return shifts, alike


def _contradicts(a: Weighted, b: Weighted) -> bool:
    """Whether two recordings, laid over each other, differ over half a second in which one of them speaks."""
    cross = np.einsum("nk,nk->n", a, b).astype(np.float64)
    return bool(contradictions(cross[None], _powers(a)[None], _powers(b)[None]).any())


def _powers(rows: Weighted) -> Powers:
    powers: Powers = np.einsum("nk,nk->n", rows, rows).astype(np.float64)
    return powers


def _correlated(a: NDArray[np.floating], b: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """float[size, k]: sum over n of a[n + shift] * b[n], circular."""
    spectrum = np.fft.rfft(a, size, axis=0) * np.conj(np.fft.rfft(b, size, axis=0))
    correlated: NDArray[np.float64] = np.fft.irfft(spectrum, size, axis=0)
    return correlated
