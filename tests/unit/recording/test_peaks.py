"""The waveform beside a recording."""

import struct

import numpy as np
import pytest

from recording.peaks import BUCKET_LIMIT, Peaks
from recording.timeline import FRAME_SAMPLES


def waveform(pcm: np.ndarray, n_steps: int) -> tuple[int, np.ndarray]:
    """Samples in a bucket and int8[n, channel, low or high], of int16[2, n] handed over in so many steps."""
    peaks = Peaks()
    for part in np.array_split(pcm.reshape(2, -1, FRAME_SAMPLES), n_steps, axis=1):
        peaks.add(part.min(axis=2), part.max(axis=2))
    data = peaks.encode()
    magic, version, header_bytes, rate_hz, bucket_samples, channels, _ = struct.unpack_from("<8sHHIIHH", data)
    assert (magic, version, rate_hz, channels) == (b"DLRPEAKS", 1, 8000, 2)
    return bucket_samples, np.frombuffer(data[header_bytes:], dtype=np.int8).reshape(-1, 2, 2)


@pytest.mark.parametrize("n_frames", [1, 7, BUCKET_LIMIT, BUCKET_LIMIT + 1, 5 * BUCKET_LIMIT - 3])
def test_every_bucket_holds_the_extremes_of_its_samples(n_frames: int) -> None:
    pcm = np.random.default_rng(n_frames).integers(-32768, 32768, (2, n_frames * FRAME_SAMPLES), dtype=np.int16)
    bucket_samples, found = waveform(pcm, n_steps=min(n_frames, 13))
    assert len(found) <= BUCKET_LIMIT
    assert len(found) == -(-pcm.shape[1] // bucket_samples)
    for index in {0, len(found) // 2, len(found) - 1}:
        part = pcm[:, index * bucket_samples : (index + 1) * bucket_samples] >> 8
        assert found[index].tolist() == [[channel.min(), channel.max()] for channel in part]


def test_what_is_only_high_has_no_false_zero() -> None:
    _, found = waveform(np.full((2, 2 * FRAME_SAMPLES), 1 << 12, dtype=np.int16), n_steps=2)
    assert found.tolist() == [[[16, 16]] * 2] * 2
