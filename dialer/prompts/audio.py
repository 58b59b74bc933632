"""Audio files in and out: any WAV or FLAC becomes int16, 8 kHz, mono, as the telephone wants it."""

from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from dialer.errors import InputError

RATE_HZ = 8000
MAX_FILE_S = 300
SPEECH_DBFS = -18.0
_TAPER_FROM_HZ = 3700.0
_HIGHEST_RATE_HZ = 384_000


def read_audio(path: Path) -> bytes:
    """A WAV (PCM, A-law, u-law), FLAC or other file libsndfile knows, as int16 little-endian, 8 kHz, mono.

    Channels are averaged. Raises InputError, naming the file, when it cannot be read or is longer than `MAX_FILE_S`.
    """
    try:
        path.stat()  # says "no such file" where libsndfile only says "system error"
        with soundfile.SoundFile(path) as audio:
            _check(path, audio)
            samples = audio.read(dtype="float32", always_2d=True)
            rate_hz = int(audio.samplerate)
    except (soundfile.LibsndfileError, OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be read as audio: {_words(error)}") from error
    return to_pcm(resample(samples.mean(axis=1), rate_hz))


def write_flac(path: Path, pcm: bytes) -> None:
    """Writes int16, 8 kHz, mono as FLAC."""
    soundfile.write(path, np.frombuffer(pcm, dtype="<i2"), RATE_HZ, format="FLAC", subtype="PCM_16")


def resample(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Float samples at `rate_hz` to 8 kHz: cut off above 4 kHz (softly, from 3.7 kHz), so that nothing folds back."""
    if rate_hz == RATE_HZ or samples.size == 0:
        return samples
    step = rate_hz // gcd(rate_hz, RATE_HZ)
    padded = int(-(-(samples.size + rate_hz // 20) // step) * step)  # 50 ms of silence keep the end away from the start
    n_out = padded * RATE_HZ // rate_hz
    spectrum = np.fft.rfft(samples, padded)[: n_out // 2 + 1]
    hz = np.arange(spectrum.size) * (rate_hz / padded)
    nyquist_hz = min(RATE_HZ, rate_hz) / 2
    if rate_hz > RATE_HZ:
        taper = np.clip((nyquist_hz - hz) / (nyquist_hz - _TAPER_FROM_HZ), 0.0, 1.0)
        spectrum = spectrum * np.sin(taper * np.pi / 2) ** 2
    resampled = np.fft.irfft(spectrum, n_out) * (n_out / padded)
    kept: NDArray[np.float32] = resampled[: -(-samples.size * RATE_HZ // rate_hz)].astype(np.float32)
    return kept


def at_speech_level(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speech brought to `SPEECH_DBFS`, measured where somebody speaks; never so far that it clips."""
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest == 0.0:
        return samples
    spoken = samples[np.abs(samples) > loudest / 20]
    gain = 10 ** (SPEECH_DBFS / 20) / float(np.sqrt(np.mean(spoken**2)))
    return (samples * min(gain, 0.9 / loudest)).astype(np.float32)


def to_pcm(samples: NDArray[np.float32]) -> bytes:
    """Float samples of ±1 as int16; what is louder is clipped."""
    scaled = np.clip(np.rint(samples * 32767.0), -32768, 32767)
    pcm: bytes = scaled.astype("<i2").tobytes()
    return pcm


def _check(path: Path, audio: soundfile.SoundFile) -> None:
    if audio.samplerate > _HIGHEST_RATE_HZ or audio.samplerate < RATE_HZ // 2:
        raise InputError(f"{path}: a sample rate of {audio.samplerate} Hz is outside what is supported (4 to 384 kHz)")
    if audio.frames > MAX_FILE_S * audio.samplerate:
        raise InputError(f"{path}: longer than {MAX_FILE_S} s; cut it into pieces")
    if audio.frames == 0:
        raise InputError(f"{path}: holds no audio")


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(getattr(error, "error_string", error)).rstrip(".")
