"""The waveform of a recording, made once so that a browser need not fetch the audio to draw it. Pure.

    header   "DLRPEAKS" · u16 version=1 · u16 header_bytes=24 · u32 rate_hz · u32 bucket_samples · u16 channels · u16 0
    bucket   for each channel the lowest and the highest sample in it, as int8: sample / 256, rounded down

Little-endian. A bucket is 20 ms; a longer recording has buckets twice as long as often as it takes to stay below
`BUCKET_LIMIT`, so that the waveform of any call is at most 64 kB. The last bucket may be shorter than the others.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from recording.spool import CHANNELS, RATE_HZ
from recording.timeline import FRAME_SAMPLES

MAGIC = b"DLRPEAKS"
VERSION = 1
BUCKET_LIMIT = 1 << 14
"""At 20 ms five and a half minutes; two hours have buckets of 640 ms."""
_EMPTY = np.array([127, -128], dtype=np.int8)
"""Any sample is lower than the lowest and higher than the highest of no samples."""
_HEADER = struct.Struct("<8sHHIIHH")


class Peaks:
    """Collects the waveform of one recording."""

    def __init__(self) -> None:
        self._bucket_frames = 1
        self._buckets = np.empty((BUCKET_LIMIT, CHANNELS, 2), dtype=np.int8)
        self._buckets[:] = _EMPTY
        self._n_frames = 0

    def add(self, lows: NDArray[np.int16], highs: NDArray[np.int16]) -> None:
        """The lowest and highest samples of the next frames of 20 ms, int16[2, n] each."""
        frames = np.stack((lows.T, highs.T), axis=2) >> 8
        while -(-(self._n_frames + len(frames)) // self._bucket_frames) > BUCKET_LIMIT:
            self._halve()
        at = np.arange(self._n_frames, self._n_frames + len(frames)) // self._bucket_frames
        first, last = at[0], at[-1]
        starts = np.searchsorted(at, np.arange(first, last + 1))
        merged = self._buckets[first : last + 1]
        np.minimum(merged[..., 0], np.minimum.reduceat(frames[..., 0], starts), out=merged[..., 0], casting="unsafe")
        np.maximum(merged[..., 1], np.maximum.reduceat(frames[..., 1], starts), out=merged[..., 1], casting="unsafe")
        self._n_frames += len(frames)

    def encode(self) -> bytes:
        """The waveform as it is stored."""
        n_buckets = -(-self._n_frames // self._bucket_frames)
        bucket_samples = self._bucket_frames * FRAME_SAMPLES
        header = _HEADER.pack(MAGIC, VERSION, _HEADER.size, RATE_HZ, bucket_samples, CHANNELS, 0)
        return header + self._buckets[:n_buckets].tobytes()

    def _halve(self) -> None:
        """Two buckets become one; what is not filled yet stays empty."""
        pairs = self._buckets.reshape(-1, 2, CHANNELS, 2)
        half = BUCKET_LIMIT // 2
        self._buckets[:half, :, 0] = pairs[..., 0].min(axis=1)
        self._buckets[:half, :, 1] = pairs[..., 1].max(axis=1)
        self._buckets[half:] = _EMPTY
        self._bucket_frames *= 2
