"""Who spoke how much: shares of a recording's length, for finding calls that were silent or talked over. Pure.

A frame of 20 ms is speech when it is louder than the noise around it, not far below the loud speech of its channel, and
loud enough for a telephone at all. The noise floor is the level that the quietest 15 % of the frames stay below, in the
quietest of three neighbouring stretches of 5 s: everybody pauses for breath. Gaps up to 200 ms belong to the word
around them; what is shorter than 80 ms was a click. A ringing tone, music and a television in the room are loud, too,
and count as speech: this measures sound, not words. Kept until the end is one byte a frame and channel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recording.spool import CHANNELS

NOISE_MARGIN_DB = 8.0
"""Speech stands at least this far above the noise floor."""
FOREGROUND_DB = 25.0
"""Further than this below the loud speech of a channel, a sound is its echo, or somebody else in the room."""
QUIETEST_SPEECH_DBFS = -48.0
LONGEST_GAP_FRAMES = 10
SHORTEST_FRAMES = 4
_STRETCH_FRAMES = 250
_FLOOR_PERCENT = 15
_LOUD_PERCENT = 90
_FULL_SCALE_POWER = 2.0**30

Levels = NDArray[np.float32]
"""dBFS of frames of 20 ms."""


@dataclass(frozen=True, slots=True)
class TalkShares:
    """Shares of the recording's length: each side speaks, both do, neither does."""

    far: float = 0.0
    near: float = 0.0
    overtalk: float = 0.0
    silence: float = 0.0


class TalkMeter:
    """Collects the levels of one recording."""

    def __init__(self) -> None:
        self._levels: list[NDArray[np.uint8]] = []

    def add(self, powers: NDArray[np.float32]) -> None:
        """The mean square of the next frames of 20 ms, float32[2, n]."""
        levels = 10.0 * np.log10(np.maximum(powers, 1.0) / _FULL_SCALE_POWER)
        self._levels.append(np.rint(-levels).astype(np.uint8))

    def shares(self) -> TalkShares:
        """Of what was added."""
        if not self._levels:
            return TalkShares(silence=1.0)
        levels = -np.concatenate(self._levels, axis=1).astype(np.float32)
        far, near = (speech_frames(levels[channel]) for channel in range(CHANNELS))
        shares = (frames.mean() for frames in (far, near, far & near, ~(far | near)))
        return TalkShares(*(round(float(share), 4) for share in shares))


def speech_frames(levels: Levels) -> NDArray[np.bool_]:
    """Which frames of one channel are speech."""
    threshold = np.maximum(_noise_floor(levels) + NOISE_MARGIN_DB, QUIETEST_SPEECH_DBFS)
    loud = levels[levels > QUIETEST_SPEECH_DBFS]
    if len(loud):
        threshold = np.maximum(threshold, np.percentile(loud, _LOUD_PERCENT) - FOREGROUND_DB)
    words = _closed(levels > threshold, LONGEST_GAP_FRAMES)
    return ~_closed(~words, SHORTEST_FRAMES - 1)


def _noise_floor(levels: Levels) -> Levels:
    """dBFS for each frame."""
    n_frames = min(_STRETCH_FRAMES, len(levels))
    starts = np.minimum(np.arange(0, len(levels), n_frames), len(levels) - n_frames)  # the last one overlaps
    rank = n_frames * _FLOOR_PERCENT // 100
    floors = np.partition(levels[starts[:, None] + np.arange(n_frames)], rank, axis=1)[:, rank]
    around = np.pad(floors, 1, constant_values=np.inf)
    quietest = np.minimum(floors, np.minimum(around[:-2], around[2:]))
    return np.repeat(quietest, n_frames)[: len(levels)]


def _closed(frames: NDArray[np.bool_], longest_gap: int) -> NDArray[np.bool_]:
    """Fills the gaps between frames that are not longer than that."""
    at = np.flatnonzero(frames)
    gaps = np.diff(at)
    short = np.flatnonzero((gaps > 1) & (gaps <= longest_gap + 1))
    edges = np.zeros(len(frames) + 1, dtype=np.int32)
    edges[at[short] + 1] += 1
    edges[at[short + 1]] -= 1
    return frames | (np.cumsum(edges[:-1]) > 0)
