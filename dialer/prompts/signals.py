"""Telephone signals as audio: single and double tones, their cadences, and silence.

What the simulated carrier plays and the detectors are tested with; a connect tone for collectors. Audio is int16
little-endian, mono, 8 kHz, as everywhere. The network's signals are those of `dialer.progress.tone_plans`.
"""

from dataclasses import dataclass

import numpy as np

from dialer.progress.tone_plans import tone_of
from dialer.progress.verdict import Label

RATE_HZ = 8000
DEFAULT_LEVEL_DBFS = -18.0
_FULL_SCALE = 32767.0
_LABELS = (Label.RINGBACK, Label.BUSY, Label.CONGESTION)
_RAMP_MS = 4
"""Tones begin and end softly enough not to click, hard enough to be timed."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A repeated cadence: `pulses` are (ms of tone, ms of silence after it)."""

    frequencies_hz: tuple[float, ...]
    pulses: tuple[tuple[int, int], ...]


def network_signal(plan: str, label: Label) -> Signal:
    """A signal of a country's network, from the table of tone plans. Raises ValueError when there is none."""
    tone_heard = tone_of(plan, label)
    return Signal(tone_heard.frequencies_hz, tone_heard.pulses)


RINGBACK_CN, BUSY_CN, CONGESTION_CN = (network_signal("cn", label) for label in _LABELS)
RINGBACK_US, BUSY_US, CONGESTION_US = (network_signal("us", label) for label in _LABELS)
RINGBACK_EU, BUSY_EU, CONGESTION_EU = (network_signal("eu", label) for label in _LABELS)
RINGBACK_UK = network_signal("uk", Label.RINGBACK)
FAX_CALLING = Signal((1100.0,), ((500, 3000),))  # ITU-T T.30 CNG
FAX_ANSWER = Signal((2100.0,), ((3000, 75),))  # ITU-T T.30 CED
SIT_PULSES = ((950.0, 330), (1400.0, 330), (1800.0, 330))  # ITU-T E.180: three tones in a row


def silence(duration_ms: int) -> bytes:
    """Digital silence."""
    return bytes(2 * _n_samples(duration_ms))


def tone(frequencies_hz: tuple[float, ...], duration_ms: int, level_dbfs: float = DEFAULT_LEVEL_DBFS) -> bytes:
    """A tone of one or more frequencies of equal strength; `level_dbfs` is the level (RMS) of the whole."""
    n_samples = _n_samples(duration_ms)
    at_s = np.arange(n_samples) / RATE_HZ
    mix = np.zeros(n_samples)
    for hz in frequencies_hz:
        mix += np.sin(2 * np.pi * hz * at_s)
    amplitude = _FULL_SCALE * 10 ** (level_dbfs / 20) * np.sqrt(2 / len(frequencies_hz))
    ramp = np.minimum(1.0, np.arange(n_samples) / (_RAMP_MS * RATE_HZ / 1000))
    samples = amplitude * mix * ramp * ramp[::-1]
    pcm: bytes = np.clip(np.rint(samples), -_FULL_SCALE, _FULL_SCALE).astype("<i2").tobytes()
    return pcm


def play_signal(signal: Signal, duration_ms: int, level_dbfs: float = DEFAULT_LEVEL_DBFS) -> bytes:
    """A signal repeated and cut to exactly `duration_ms`."""
    cycle = b"".join(tone(signal.frequencies_hz, on, level_dbfs) + silence(off) for on, off in signal.pulses)
    n_bytes = 2 * _n_samples(duration_ms)
    return (cycle * (n_bytes // len(cycle) + 1))[:n_bytes]


def special_information_tone(level_dbfs: float = DEFAULT_LEVEL_DBFS) -> bytes:
    """The three rising tones before "the number you have dialed …"."""
    return b"".join(tone((hz,), length_ms, level_dbfs) for hz, length_ms in SIT_PULSES)


def _n_samples(duration_ms: int) -> int:
    return duration_ms * RATE_HZ // 1000
