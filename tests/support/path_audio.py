"""Where in a recording something sounds: by correlation with what was played."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from dialer.media.interface import RATE_HZ

Samples = NDArray[np.float64]
ALMOST = 0.98
"""Of two places that differ by less, the earlier counts: what was said twice."""

LEAD_SAMPLES = RATE_HZ // 4


@dataclass(frozen=True, slots=True)
class Found:
    """The best place of a pattern: seconds from the start, and the correlation there (1: alike but for the level)."""

    at_s: float
    likeness: float


def samples_of(pcm: bytes) -> Samples:
    """PCM as numbers."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def channels(flac: bytes) -> tuple[Samples, Samples]:
    """A finalised recording's two sides: the called person, and what that person heard."""
    samples, rate_hz = soundfile.read(io.BytesIO(flac), dtype="int16", always_2d=True)
    assert rate_hz == RATE_HZ
    assert samples.shape[1] == 2
    return samples[:, 0].astype(np.float64), samples[:, 1].astype(np.float64)


def find(pattern: Samples, audio: Samples) -> Found:
    """Looks for a pattern: the earliest of the best places by normalised cross-correlation.

    It may begin a little before the audio does: RTP can overtake the message that names its sender.
    """
    audio = np.concatenate((np.zeros(LEAD_SAMPLES), audio))
    n_places = len(audio) - len(pattern) + 1
    if n_places < 1:
        return Found(0.0, 0.0)
    size = 1 << (len(audio) + len(pattern)).bit_length()
    products = np.fft.irfft(np.fft.rfft(audio, size) * np.conj(np.fft.rfft(pattern, size)), size)[:n_places]
    power = np.concatenate(([0.0], np.cumsum(audio**2)))
    energy = power[len(pattern) :] - power[:n_places]
    likeness = products / np.sqrt(np.maximum(energy, 1.0) * max(float(np.sum(pattern**2)), 1.0))
    place = int(np.argmax(likeness >= likeness.max() * ALMOST))
    return Found((place - LEAD_SAMPLES) / RATE_HZ, float(likeness[place]))


def share_of_tone(audio: Samples, hz: float) -> float:
    """The share of the power within 30 Hz of a pitch."""
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    pitches = np.fft.rfftfreq(len(audio), 1 / RATE_HZ)
    return float(power[np.abs(pitches - hz) < 30].sum() / max(power.sum(), 1.0))
