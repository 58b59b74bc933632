"""Audio files in and out: any WAV or FLAC becomes int16, 8 kHz, mono, as the telephone wants it.

Files are read block by block: a recording of hours takes no more memory than one of seconds. A file that breaks off or
is damaged is an error, never a shorter file: a prompt must not end in mid-word, nor a verdict rest on half a call.
"""

import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from dialer.errors import InputError

RATE_HZ = 8000
MAX_FILE_S = 300
"""The longest prompt."""
SPEECH_DBFS = -18.0
_TAPER_FROM = 0.925
"""Where the filter begins to close, as a share of the lower of both Nyquist frequencies: 3.7 kHz of 4."""
_LOWEST_RATE_HZ, _HIGHEST_RATE_HZ = 4000, 384_000
_BLOCK_SAMPLES = 8192
"""Read at a time, all channels together."""
_FULL_SCALE = 32768.0
_STREAMED_BYTES = 0x7FFFF000
"""A WAV header that declares so much or more was written before the length was known (a pipe): it promises nothing."""
_SHORT_DATA = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
"""libsndfile's note on a WAV file: bytes of audio declared, and those that are there."""

Samples = NDArray[np.float32]


class Resampler:
    """Float samples to 8 kHz, cut off below 4 kHz so that nothing folds back; however the input is cut, one result.

    It works on windows of three seconds and keeps the middle one: a second is a whole number of samples at any rate,
    and what the filter drags over the window's ends has died away (below -100 dB) a second further in.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._parts: list[Samples] = [np.zeros(rate_hz, dtype=np.float32)]  # the second before the first
        self._n_waiting = rate_hz
        self._n_in = self._n_out = 0
        hz = np.fft.rfftfreq(3 * rate_hz, 1 / rate_hz)[: 3 * RATE_HZ // 2 + 1]
        nyquist_hz = min(RATE_HZ, rate_hz) / 2
        open_share = np.clip((nyquist_hz - hz) / (nyquist_hz * (1 - _TAPER_FROM)), 0.0, 1.0)
        self._filter = (np.sin(open_share * np.pi / 2) ** 2 * RATE_HZ / rate_hz).astype(np.float32)

    def feed(self, samples: Samples) -> Samples:
        """What has become certain with these samples: whole seconds, two seconds after they came in."""
        self._n_in += samples.size
        return self._push(samples) if self._rate_hz != RATE_HZ else samples

    def flush(self) -> Samples:
        """The rest: the input is over."""
        if self._rate_hz == RATE_HZ:
            return np.empty(0, dtype=np.float32)
        n_left = -(-self._n_in * RATE_HZ // self._rate_hz) - self._n_out
        return self._push(np.zeros(3 * self._rate_hz, dtype=np.float32))[:n_left]

    def _push(self, samples: Samples) -> Samples:
        self._parts.append(samples)
        self._n_waiting += samples.size
        if self._n_waiting < 3 * self._rate_hz:
            return np.empty(0, dtype=np.float32)
        waiting = np.concatenate(self._parts)
        n_windows = waiting.size // self._rate_hz - 2
        ready = [self._middle(waiting[at * self._rate_hz : (at + 3) * self._rate_hz]) for at in range(n_windows)]
        self._parts = [waiting[n_windows * self._rate_hz :].copy()]
        self._n_waiting -= n_windows * self._rate_hz
        self._n_out += n_windows * RATE_HZ
        return np.concatenate(ready)

    def _middle(self, window: Samples) -> Samples:
        spectrum = np.fft.rfft(window)[: self._filter.size] * self._filter
        middle: Samples = np.fft.irfft(spectrum, 3 * RATE_HZ)[RATE_HZ : 2 * RATE_HZ].astype(np.float32)
        return middle


class AudioFile:
    """An audio file, open for reading from the front; a `with` object.

    WAV (PCM, float, A-law, u-law), FLAC or whatever else libsndfile knows. Everything here raises InputError, naming
    the file, when it cannot be read, is damaged, breaks off before the length it declares, or holds what is no number.
    """

    def __init__(self, path: Path, channel: int | None = None) -> None:
        """`channel`: the one to hear, from 0; None averages all."""
        self._path = path
        self._channel = channel
        self._audio = _open(path)
        self.rate_hz = int(self._audio.samplerate)
        self._n_read = 0
        self._blocks = self._read()
        try:
            self._check_header()
        except InputError:
            self._audio.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._audio.close()

    @property
    def length_s(self) -> float:
        """How long it is, by its header."""
        return float(self._audio.frames / self.rate_hz)

    def pcm(self) -> Iterator[bytes]:
        """The audio as int16 little-endian, 8 kHz, mono, in blocks of a few seconds at most."""
        resampler = Resampler(self.rate_hz)
        for block in self._blocks:
            yield to_pcm(resampler.feed(block))
        yield to_pcm(resampler.flush())

    def check(self, until_s: float) -> None:
        """Reads on up to `until_s` from the start without making anything of it: is the file sound?"""
        while self._n_read < until_s * self.rate_hz and next(self._blocks, None) is not None:
            pass

    def _read(self) -> Iterator[Samples]:
        size = max(1, _BLOCK_SAMPLES // self._audio.channels)
        while True:
            try:
                block = self._audio.read(size, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
                raise self._broken(f"damaged or cut short after {self._position}: {_words(error)}") from error
            if not np.isfinite(block).all():
                raise self._broken(f"holds samples that are no numbers, after {self._position}")
            if not len(block):
                break
            self._n_read += len(block)
            np.clip(block, -1.0, 1.0, out=block)  # floats may be anything
            yield block.mean(axis=1) if self._channel is None else np.ascontiguousarray(block[:, self._channel])
        if self._n_read < self._audio.frames:
            raise self._broken(f"cut short: {self._position} of {self.length_s:.1f} s are there")

    def _check_header(self) -> None:
        if not _LOWEST_RATE_HZ <= self.rate_hz <= _HIGHEST_RATE_HZ:
            raise self._broken(f"a sample rate of {self.rate_hz} Hz is outside what is supported (4 to 384 kHz)")
        if self._audio.frames == 0:
            raise self._broken("holds no audio")
        if self._channel is not None and self._channel >= self._audio.channels:
            raise self._broken(f"has no channel {self._channel}, only {self._audio.channels} counted from 0")
        shortened = _SHORT_DATA.search(self._audio.extra_info)
        if shortened and int(shortened[1]) < _STREAMED_BYTES:
            declared_s = self.length_s * int(shortened[1]) / int(shortened[2])
            raise self._broken(f"cut short: {self.length_s:.1f} s of {declared_s:.1f} s are there")

    def _broken(self, words: str) -> InputError:
        return InputError(f"{self._path}: {words}")

    @property
    def _position(self) -> str:
        return f"{self._n_read / self.rate_hz:.1f} s"


def read_audio(path: Path, channel: int | None = None) -> bytes:
    """A whole file as int16 little-endian, 8 kHz, mono; `channel` as in AudioFile.

    Raises InputError, naming the file, when it cannot be read or is longer than `MAX_FILE_S`.
    """
    with AudioFile(path, channel) as audio:
        if audio.length_s > MAX_FILE_S:
            raise InputError(f"{path}: longer than {MAX_FILE_S} s; cut it into pieces")
        return b"".join(audio.pcm())


def write_flac(path: Path, pcm: bytes) -> None:
    """Writes int16, 8 kHz, mono as FLAC."""
    path.write_bytes(flac_of(pcm))


def flac_of(pcm: bytes) -> bytes:
    """int16, 8 kHz, mono as a FLAC file."""
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm, dtype="<i2"), RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def pcm_of_flac(flac: bytes) -> bytes:
    """What `flac_of` made a file of."""
    samples, _ = soundfile.read(io.BytesIO(flac), dtype="int16")
    pcm: bytes = samples.astype("<i2").tobytes()
    return pcm


def resample(samples: Samples, rate_hz: int) -> Samples:
    """Float samples at `rate_hz`, all there are, to 8 kHz."""
    resampler = Resampler(rate_hz)
    return np.concatenate((resampler.feed(samples), resampler.flush()))


def at_speech_level(samples: Samples) -> Samples:
    """Speech brought to `SPEECH_DBFS`, measured where somebody speaks; never so far that it clips."""
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest == 0.0:
        return samples
    spoken = samples[np.abs(samples) > loudest / 20]
    gain = 10 ** (SPEECH_DBFS / 20) / float(np.sqrt(np.mean(spoken**2)))
    return (samples * min(gain, 0.9 / loudest)).astype(np.float32)


def to_pcm(samples: Samples) -> bytes:
    """Float samples of ±1 as int16, exact for what was int16 before; what is louder is clipped."""
    scaled = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1)
    pcm: bytes = scaled.astype("<i2").tobytes()
    return pcm


def _open(path: Path) -> soundfile.SoundFile:
    """Asks the system first: libsndfile says "system error" for whatever the system has words for."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: is no file")
        if found.st_size == 0:
            raise InputError(f"{path}: is empty")
        path.open("rb").close()
        return soundfile.SoundFile(os.fsencode(path))  # of a str it takes UTF-8 only
    except (soundfile.LibsndfileError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as audio: {_words(error)}") from error


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(getattr(error, "error_string", error)).rstrip(".")
