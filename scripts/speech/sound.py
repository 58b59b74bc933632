"""Sound as float samples of ±1 at 8 kHz: measuring, placing, filtering. Nothing here draws chance of its own."""

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
FRAME = RATE_HZ // 50
"""20 ms, as sent in one RTP packet."""
SPOKEN_DB = -35.0
"""An utterance lasts from the first to the last sample that is at most this far below its peak."""
_ACTIVE_DB = -20.0
_FLOOR = 1e-9

Samples = NDArray[np.float32]
"""float32[n], 8 kHz, mono, ±1."""


def n_samples(ms: float) -> int:
    """Milliseconds in samples."""
    return round(ms * RATE_HZ / 1000)


def in_ms(samples: int) -> int:
    """Samples in milliseconds."""
    return round(samples * 1000 / RATE_HZ)


def gain(db: float) -> float:
    """Decibels as a factor of the amplitude."""
    return float(10 ** (db / 20))


def rms(samples: Samples) -> float:
    """Root of the mean square; never zero."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)) + _FLOOR**2)) if samples.size else _FLOOR


def dbfs(level: float) -> float:
    """A level (1.0: full scale) in dBFS."""
    return float(20 * np.log10(max(level, _FLOOR)))


def spoken_bounds(samples: Samples) -> tuple[int, int]:
    """First sample of the utterance, and the one after its last (see `SPOKEN_DB`); (0, 0) where all is silent."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return 0, 0
    loud = np.flatnonzero(np.abs(samples) >= peak * gain(SPOKEN_DB))
    return int(loud[0]), int(loud[-1]) + 1


def active_level(samples: Samples) -> float:
    """Level (RMS) of the frames in which somebody speaks: those within 20 dB of the loudest."""
    n_frames = samples.size // FRAME
    if not n_frames:
        return rms(samples)
    powers = np.mean(np.square(samples[: n_frames * FRAME].reshape(n_frames, FRAME), dtype=np.float64), axis=1)
    loud = powers[powers >= powers.max() * 10 ** (_ACTIVE_DB / 10)]
    return float(np.sqrt(loud.mean() + _FLOOR**2))


def add_at(track: Samples, sound: Samples, at: int) -> None:
    """Adds a sound to a track in place; what lies outside the track is left out."""
    start, end = max(at, 0), min(at + sound.size, track.size)
    if start < end:
        track[start:end] += sound[start - at : end - at]


def sine(hz: float, samples: int, phase: float = 0.0) -> Samples:
    """A sine of amplitude 1."""
    return np.sin(2 * np.pi * hz * np.arange(samples) / RATE_HZ + phase).astype(np.float32)


def faded(sound: Samples, ms: float) -> Samples:
    """The sound with its beginning and end faded over `ms`."""
    ramp = np.minimum(1.0, np.arange(sound.size) / max(1, n_samples(ms)))
    return (sound * ramp * ramp[::-1]).astype(np.float32)


def band_pass(samples: Samples, low_hz: float, high_hz: float, slope_hz: float = 100.0) -> Samples:
    """Keeps what lies between two frequencies, with edges `slope_hz` wide; the phase stays."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    rise = np.clip((hz - low_hz) / slope_hz + 0.5, 0.0, 1.0)
    fall = np.clip((high_hz - hz) / slope_hz + 0.5, 0.0, 1.0)
    return np.asarray(np.fft.irfft(spectrum * rise * fall, samples.size), dtype=np.float32)


def convolved(samples: Samples, response: Samples) -> Samples:
    """The sound through a linear system, as long as the sound itself."""
    size = samples.size + response.size
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: samples.size], dtype=np.float32)
