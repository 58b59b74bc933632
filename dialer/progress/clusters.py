"""Whether two recordings are the same announcement, so that what nobody has named yet can be counted and shown once.

All offsets of one against the other are tried at once (the cross-correlation of the rows, by the Fourier transform);
at the best one, what overlaps must be alike as a whole. Two announcements that merely begin alike are not.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dialer.progress.fingerprint import Fingerprint, Weighted, weighted
from dialer.progress.frames import FRAME_MS

SAME_LIKENESS = 0.72
"""A recording and its copy through a codec, noise and losses stay above, another text by the same voice below."""
LEAST_OVERLAP_MS = 1200
_LEAST_SHARE = 0.6
"""Of the shorter one: a call may have joined late or ended early."""
_NEGLIGIBLE = 1e-3


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """How alike two recordings are where they overlap best: 1 the same, around 0 unrelated, 0 too short to say."""
    a, b = weighted(one.rows), weighted(other.rows)
    shorter = min(len(a), len(b))
    least = max(LEAST_OVERLAP_MS // FRAME_MS, int(_LEAST_SHARE * shorter))
    if shorter < least:
        return 0.0
    size = 1 << (len(a) + len(b)).bit_length()
    cross = _correlated(a, b, size).sum(axis=1)
    a_power, b_power = (np.einsum("nk,nk->n", rows, rows)[:, None] for rows in (a, b))
    own = (
        _correlated(a_power, np.ones_like(b_power), size)[:, 0]
        * _correlated(np.ones_like(a_power), b_power, size)[:, 0]
    )
    shifts = np.arange(size)
    shifts[size // 2 :] -= size  # the second half of a circular correlation holds the negative shifts
    overlap = np.minimum(len(a), len(b) + shifts) - np.maximum(0, shifts)
    alike = np.where(overlap >= least, cross / np.sqrt(np.maximum(own, 0) + _NEGLIGIBLE), 0.0)
    return float(alike.max())


def nearest(fingerprint: Fingerprint, known: Iterable[tuple[int, Fingerprint]]) -> int | None:
    """The id of the recording that is the same announcement as this one; None: none of them."""
    best_id, best = None, SAME_LIKENESS
    for known_id, other in known:
        alike = likeness(fingerprint, other)
        if alike >= best:
            best_id, best = known_id, alike
    return best_id


def _correlated(a: Weighted, b: Weighted, size: int) -> NDArray[np.float64]:
    """float[size, k]: sum over n of a[n + shift] * b[n], circular."""
    spectrum = np.fft.rfft(a, size, axis=0) * np.conj(np.fft.rfft(b, size, axis=0))
    correlated: NDArray[np.float64] = np.fft.irfft(spectrum, size, axis=0)
    return correlated
