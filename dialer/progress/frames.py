"""One 20 ms frame of telephone audio, measured: level, voice activity, and whether it is a tone.

Everything above (speech, tones, verdicts) reads these measurements and never the samples. Tones are measured over 40 ms
(this frame and the one before): a Hann window, a spectrum with 15.6 Hz a bin, the strongest line and its closest rival,
each with the share of the power that lies in it. A voice is never a line for long; a signalling tone is nothing else.
The same spectrum says whether the sound is periodic, as a voice is and noise is not: the autocorrelation, which is the
inverse transform of the power, divided by that of the window (P. Boersma, "Accurate short-term analysis of the
fundamental frequency", 1993).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = 2 * FRAME_SAMPLES
SILENCE_DBFS = -80.0
"""Floor of the level scale: digital silence."""

_FULL_SCALE = 32768.0
_WINDOW_SAMPLES = 2 * FRAME_SAMPLES
_FFT_SIZE = 512
_BIN_HZ = RATE_HZ / _FFT_SIZE
_HANN = np.hanning(_WINDOW_SAMPLES)
_LOBE_BINS = 4
"""Half the width of a windowed tone: ±62 Hz hold it whole, and the pair 440 + 480 Hz as well."""
_LOW_BIN = int(250 / _BIN_HZ)
_HIGH_BIN = int(3400 / _BIN_HZ)
_NEGLIGIBLE_POWER = 1e-9
_LAGS = slice(RATE_HZ // 400, RATE_HZ // 70 + 1)
"""Periods of voices, which lie between 70 and 400 Hz."""
_WINDOW_LIKENESS = np.correlate(_HANN, _HANN, "full")[_WINDOW_SAMPLES - 1 :][_LAGS] / float(np.dot(_HANN, _HANN))
_TONE_MIN_DBFS = -50.0
_VOICE_MIN_DBFS = -65.0
_NO_LINES = (0.0, 0.0, 0.0, 0.0)
_SETTLING_FRAMES = 5
"""webrtcvad calls everything voice until its noise model has seen this much."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Measurements of one frame. `line_share` and `pair_share` are fractions of the power in the telephone band.

    `line_hz` is the strongest spectral line (0 when the frame is too quiet to say), `rival_hz` the next one beside it.
    `periodicity` says how like itself the sound is one period of a voice later, 0 to 1.
    """

    index: int
    level_dbfs: float
    voiced: bool
    line_hz: float = 0.0
    line_share: float = 0.0
    rival_hz: float = 0.0
    pair_share: float = 0.0
    periodicity: float = 0.0

    @property
    def start_ms(self) -> int:
        return self.index * FRAME_MS

    @property
    def end_ms(self) -> int:
        return (self.index + 1) * FRAME_MS


class Meter(Protocol):
    """Measures frame after frame of one direction of one call."""

    def measure(self, pcm: bytes) -> Frame:
        """`pcm`: int16 little-endian, 8 kHz, mono, exactly 20 ms. Raises ValueError for another length."""


class FrameMeter:
    """The `Meter` in Python; `dialer.media.meter.NativeMeter` is its twin, ten times as fast."""

    def __init__(self, vad_mode: int = 2) -> None:
        """`vad_mode` is webrtcvad's aggressiveness, 0 (everything is voice) to 3."""
        self._vad = webrtcvad.Vad(vad_mode)
        self._previous: NDArray[np.float64] = np.zeros(FRAME_SAMPLES)
        self._index = 0

    def measure(self, pcm: bytes) -> Frame:
        """Measures the next frame."""
        if len(pcm) != FRAME_BYTES:
            raise ValueError(f"a frame is {FRAME_BYTES} bytes, not {len(pcm)}")
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
        samples -= samples.mean()  # lines put offsets of up to 1 % on the signal; webrtcvad filters them out itself
        level_dbfs = _level(samples)
        index = self._index
        voiced = bool(self._vad.is_speech(pcm, RATE_HZ)) and index >= _SETTLING_FRAMES
        window = np.concatenate((self._previous, samples))
        self._previous = samples
        self._index += 1
        if level_dbfs < _VOICE_MIN_DBFS:
            return Frame(index, level_dbfs, voiced)
        spectrum = np.fft.rfft(window * _HANN, _FFT_SIZE)
        power = spectrum.real**2 + spectrum.imag**2
        periodicity = _periodicity(power)  # before the lines: they are taken out of the spectrum
        lines = _lines(power) if level_dbfs >= _TONE_MIN_DBFS else _NO_LINES
        return Frame(index, level_dbfs, voiced, *lines, periodicity)


def _level(samples: NDArray[np.float64]) -> float:
    power = float(np.dot(samples, samples)) / (FRAME_SAMPLES * _FULL_SCALE * _FULL_SCALE)
    return max(10.0 * float(np.log10(power)), SILENCE_DBFS) if power > 0 else SILENCE_DBFS


def _periodicity(power: NDArray[np.float64]) -> float:
    """How like itself the sound is after its period. The transform holds window and longest lag, so nothing folds."""
    likeness = np.fft.irfft(power)
    if likeness[0] <= 0.0:
        return 0.0
    best = float((likeness[_LAGS] / (likeness[0] * _WINDOW_LIKENESS)).max())
    return min(max(best, 0.0), 1.0)


def _lines(power: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """The strongest line (Hz, share of the power) and, beside it, the next (Hz, share of both together)."""
    total = float(power[_LOW_BIN:_HIGH_BIN].sum()) + _NEGLIGIBLE_POWER
    line_hz, line_power = _strongest(power)
    rival_hz, rival_power = _strongest(power)
    return line_hz, line_power / total, rival_hz, (line_power + rival_power) / total


def _strongest(power: NDArray[np.float64]) -> tuple[float, float]:
    """Pitch and power of the strongest line, which is then taken out of the spectrum."""
    peak = _LOW_BIN + int(power[_LOW_BIN:_HIGH_BIN].argmax())
    below, at, above = np.log(power[peak - 1 : peak + 2] + _NEGLIGIBLE_POWER)
    curve = below - 2 * at + above
    shift = 0.5 * float(below - above) / float(curve) if curve < 0 else 0.0
    lobe = power[max(peak - _LOBE_BINS, _LOW_BIN) : peak + _LOBE_BINS + 1]
    line_power = float(lobe.sum())
    lobe[:] = 0
    return (peak + shift) * _BIN_HZ, line_power
