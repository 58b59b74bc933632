"""What a recording sounds like, whatever its level, coding, noise and losses: sixteen small numbers every 20 ms.

Theory: of each 40 ms the power in 24 bands of the telephone band is taken, smoothed over 120 ms (a lost packet lowers
all bands alike), put on a logarithmic scale with a floor 20 dB below the loudest of the last second (noise vanishes in
it), and compared with the same 80 ms before: what does not change, the line's colour and level, cancels out. A cosine
transform over the bands makes the numbers independent of each other and puts what survives coding best first; each is
divided by its spread and kept in a byte. The idea of comparing neighbours in time and frequency is that of J. Haitsma
and T. Kalker, A Highly Robust Audio Fingerprinting System, ISMIR 2002; their bits are numbers here, because a voice
through a vocoder leaves too few safe bits in a second.

Rows are computed as audio comes in, so the fingerprint of a file and what a call hears of it are the same numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dialer.progress.frames import FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, RATE_HZ

WIDTH = 16
"""Numbers in a row."""
MAX_LENGTH_S = 60
"""No announcement is longer before it repeats itself."""

LEAST_ACTIVE_MS = 1000
"""Less sound than this is a word or a noise, and cannot be recognised again."""

Rows = NDArray[np.int8]
"""int8[n, WIDTH], one row per 20 ms."""
Weighted = NDArray[np.float32]
"""float32[n, WIDTH]: rows as they are compared."""

_MAGIC = b"AFP\x01"
_N_BANDS = 24
_LOW_HZ, _HIGH_HZ = 300.0, 2600.0
_FFT_SIZE = 512
_WINDOW = np.hanning(2 * FRAME_SAMPLES).astype(np.float32)
_SMOOTHING = tuple((np.hanning(8)[1:-1] / np.hanning(8).sum()).astype(np.float32))
_LAG_FRAMES = 4
_LOUDEST_FRAMES = 50
_FLOOR = np.float32(10 ** (-20.0 / 10))
"""Of the loudest, as power."""
_SILENCE_DBFS = -65.0
_CLIP = 2.5
_STEPS = 50.0
_FULL_SCALE = 32768.0
_SPREAD = np.array(
    (5.59, 3.25, 2.44, 2.5, 1.99, 1.8, 1.46, 1.22, 0.94, 0.7, 0.66, 0.49, 0.39, 0.37, 0.33, 0.3), dtype=np.float32
)
"""Standard deviation of each number over generated speech (seven voices, Mandarin and English)."""
_WEIGHT = np.array((3.1, 2.7, 2.7, 2.9, 2.6, 2.5, 2.2, 2.1, 1.9, 1.7, 1.7, 1.4, 1.3, 1.3, 1.2, 1.1), dtype=np.float32)
"""sqrt(r / (1 - r²)) of the correlation r between a recording and its copies through codecs, noise and losses: how much
each number is worth."""
_ACTIVE_POWER = 0.25
"""A row with this share of an average row's power says something; pauses stay below."""
AVERAGE_POWER = float((_WEIGHT**2).sum())
"""Of a row of speech, as it is compared."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The rows of one recording, from its first sound to its last."""

    rows: Rows

    @property
    def length_ms(self) -> int:
        return len(self.rows) * FRAME_MS

    @property
    def active_ms(self) -> int:
        """How much of it is sound, pauses left out."""
        return int(active(weighted(self.rows)).sum()) * FRAME_MS

    def to_bytes(self) -> bytes:
        """For storage: four bytes that name the form, then the rows."""
        return _MAGIC + self.rows.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Fingerprint":
        """The reverse. Raises ValueError for what is no fingerprint of this form."""
        body = stored.removeprefix(_MAGIC)
        if len(body) == len(stored) or len(body) % WIDTH or len(body) > WIDTH * MAX_LENGTH_S * 1000 // FRAME_MS:
            raise ValueError("not a fingerprint of a form this version knows")
        return cls(np.frombuffer(body, dtype=np.int8).reshape(-1, WIDTH))


def fingerprint_of(pcm: bytes) -> Fingerprint:
    """The fingerprint of a recording: int16 little-endian, 8 kHz, mono. Silence around it is left out.

    What is longer than `MAX_LENGTH_S` is cut there; a recording without sound has no rows.
    """
    whole = min(len(pcm) // FRAME_BYTES * FRAME_BYTES, MAX_LENGTH_S * 1000 // FRAME_MS * FRAME_BYTES)
    rows = FingerprintStream().feed(pcm[:whole])
    sounds = np.flatnonzero(sounding(weighted(rows)))
    return Fingerprint(rows[sounds[0] : sounds[-1] + 1] if len(sounds) else rows[:0])


class FingerprintStream:
    """Makes rows of audio as it comes; the row of a frame is known as soon as the frame is."""

    def __init__(self) -> None:
        self._samples = np.zeros(FRAME_SAMPLES, dtype=np.float32)
        self._power = np.zeros((len(_SMOOTHING) - 1, _N_BANDS), dtype=np.float32)
        self._loudness = np.zeros(_LOUDEST_FRAMES - 1, dtype=np.float32)
        self._logs = np.full((_LAG_FRAMES, _N_BANDS), np.log(_SILENCE), dtype=np.float32)

    def feed(self, pcm: bytes) -> Rows:
        """The rows of further frames: int16 little-endian, 8 kHz, mono, any number of whole frames."""
        if not pcm:
            return np.zeros((0, WIDTH), dtype=np.int8)
        fresh = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / _FULL_SCALE
        samples = np.concatenate((self._samples, fresh))
        power = np.concatenate((self._power, _band_power(samples)))
        n_rows = len(power) - len(self._power)
        smooth = sum(share * power[at : at + n_rows] for at, share in enumerate(_SMOOTHING))
        loudness = np.concatenate((self._loudness, smooth.mean(axis=1)))
        loudest = np.array([loudness[at : at + _LOUDEST_FRAMES].max() for at in range(n_rows)], dtype=np.float32)
        logs = np.concatenate((self._logs, np.log(smooth + (loudest * _FLOOR + _SILENCE)[:, None])))
        self._samples = samples[-FRAME_SAMPLES:]
        self._power = power[-len(self._power) :]
        self._loudness = loudness[-len(self._loudness) :]
        self._logs = logs[-_LAG_FRAMES:]
        return _quantised((logs[_LAG_FRAMES:] - logs[:-_LAG_FRAMES]) @ _COSINES)


def weighted(rows: Rows) -> Weighted:
    """Rows as they are compared: every number counts for what it is worth."""
    scaled: Weighted = rows * (_WEIGHT / np.float32(_STEPS))
    return scaled


def active(rows: Weighted) -> NDArray[np.bool_]:
    """Which rows hold sound that changes; pauses and steady tones do not."""
    power: NDArray[np.bool_] = np.einsum("nk,nk->n", rows, rows) > _ACTIVE_POWER * AVERAGE_POWER
    return power


def sounding(rows: Weighted) -> NDArray[np.bool_]:
    """The same, where silence may follow: the level alone also changes as the floor comes down."""
    return active(rows[:, 1:])


def _band_power(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[n, bands] of n frames and the one before; windows of 40 ms, one each 20 ms."""
    frames = samples.reshape(-1, FRAME_SAMPLES)
    spectrum = np.fft.rfft(np.concatenate((frames[:-1], frames[1:]), axis=1) * _WINDOW, _FFT_SIZE)
    power = (spectrum.real**2 + spectrum.imag**2)[:, _FIRST_BIN:_LAST_BIN]
    bands: NDArray[np.float32] = power.astype(np.float32) @ _BANDS
    return bands


def _quantised(numbers: NDArray[np.float32]) -> Rows:
    rows: Rows = np.rint(np.clip(numbers / _SPREAD, -_CLIP, _CLIP) * _STEPS).astype(np.int8)
    return rows


def _triangles() -> NDArray[np.float32]:
    """float32[bins, bands]: overlapping triangles of equal width."""
    edges = np.linspace(_LOW_HZ, _HIGH_HZ, _N_BANDS + 1)
    width = edges[1] - edges[0]
    hz = np.arange(_FFT_SIZE // 2 + 1) * RATE_HZ / _FFT_SIZE
    weights = np.clip(1 - np.abs(hz[:, None] - (edges[:-1] + width / 2)) / width, 0, None)
    triangles: NDArray[np.float32] = weights.astype(np.float32)
    return triangles


def _cosines() -> NDArray[np.float32]:
    """float32[bands, WIDTH]: the first basis functions of the orthonormal DCT-II."""
    order, band = np.arange(WIDTH)[None, :], np.arange(_N_BANDS)[:, None] + 0.5
    basis = np.cos(np.pi * order * band / _N_BANDS) * np.sqrt(2 / _N_BANDS)
    basis[:, 0] /= np.sqrt(2)
    cosines: NDArray[np.float32] = basis.astype(np.float32)
    return cosines


_TRIANGLES = _triangles()
_FIRST_BIN, _LAST_BIN = (int(at) for at in np.flatnonzero(_TRIANGLES.sum(axis=1))[[0, -1]] + (0, 1))
_BANDS = np.ascontiguousarray(_TRIANGLES[_FIRST_BIN:_LAST_BIN])
_COSINES = _cosines()
_SILENCE = np.float32(float(_WINDOW @ _WINDOW) * float(_BANDS.sum(axis=0).mean()) * 10 ** (_SILENCE_DBFS / 10))
"""The power of noise at `_SILENCE_DBFS` in one band."""
