"""Another speed: the length is exact, the pitch stays, nothing clicks, the channels keep together."""

import numpy as np
import pytest
from numpy.typing import NDArray

from recording.tempo import MAX_SPEED, MIN_SPEED, Stretcher, stretched_length

RATE_HZ = 8000


def _spoken(seconds: float, pitch_hz: float) -> NDArray[np.int16]:
    """Vowels and pauses: a harmonic sound that comes and goes, on the far side alone."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    sound = sum(np.sin(2 * np.pi * pitch_hz * n * at) / n for n in range(1, 6))
    far = 5000 * sound * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * at))
    return np.stack((far, np.zeros_like(far)), axis=1).astype(np.int16)


def _played(samples: NDArray[np.int16], speed: float, block: int) -> NDArray[np.int16]:
    stretcher = Stretcher(speed, samples.shape[1])
    parts = [stretcher.feed(samples[at : at + block]) for at in range(0, len(samples), block)]
    return np.concatenate((*parts, stretcher.finish()))


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("pitch_hz", [95.0, 210.0])
def test_length_is_exact_and_pitch_stays(speed: float, pitch_hz: float) -> None:
    samples = _spoken(4, pitch_hz)
    played = _played(samples, speed, 4096)
    assert len(played) == stretched_length(len(samples), speed)
    far = played[:, 0].astype(float)
    spectrum = np.abs(np.fft.rfft(far * np.hanning(len(far))))
    strongest_hz = spectrum.argmax() * RATE_HZ / len(far)
    assert strongest_hz == pytest.approx(pitch_hz, abs=4)
    assert not played[:, 1].any(), "what was silent stays silent"
    steepest = np.abs(np.diff(samples[:, 0].astype(int))).max()
    assert np.abs(np.diff(played[:, 0].astype(int))).max() <= 1.1 * steepest, "no clicks"


def test_the_size_of_blocks_does_not_matter() -> None:
    samples = _spoken(1, 120)
    whole = _played(samples, 1.7, len(samples))
    assert np.array_equal(whole, _played(samples, 1.7, 77))


@pytest.mark.parametrize("n_samples", [0, 1, 159, 161])
def test_hardly_any_audio(n_samples: int) -> None:
    for speed in (MIN_SPEED, 1.3, MAX_SPEED):
        assert len(_played(np.ones((n_samples, 2), dtype=np.int16), speed, 50)) == stretched_length(n_samples, speed)


@pytest.mark.parametrize("speed", [0.49, 3.01, float("nan")])
def test_other_speeds_are_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="a speed lies between"):
        Stretcher(speed, 1)
