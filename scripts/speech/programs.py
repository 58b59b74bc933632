"""Simple voices: the programs espeak-ng (Mandarin and English) and flite (English), run and never linked."""

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from speech.phonemes import SAY_TIMEOUT_S, pinyin

_WORDS_PER_MINUTE = 175


def espeak(text: str, voice: str, speed: float, pitch: int) -> tuple[NDArray[np.float32], int]:
    """Speech of espeak-ng and its rate; `voice` as in `cmn+f1`, `speed` 1.0 and `pitch` 50 (of 0 to 99) are usual."""
    language, _, variant = voice.partition("+")
    if language == "cmn":  # the program knows few Chinese characters, but speaks pinyin
        language, text = "cmn-latn-pinyin", pinyin(text)
    name = f"{language}+{variant}" if variant else language
    command = ["espeak-ng", "-v", name, "-s", str(round(_WORDS_PER_MINUTE * speed)), "-p", str(pitch)]
    wav = _run([*command, "--stdin", "--stdout"], text)
    return _decoded(io.BytesIO(wav))


def flite(text: str, voice: str, speed: float) -> tuple[NDArray[np.float32], int]:
    """Speech of flite and its rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        stretch = f"duration_stretch={1 / speed:.3f}"
        _run(["flite", "-voice", voice, "--setf", stretch, "-t", text, "-o", str(path)], "")
        return _decoded(io.BytesIO(path.read_bytes()))


def _run(command: list[str], text: str) -> bytes:
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=SAY_TIMEOUT_S).stdout


def _decoded(wav: io.BytesIO) -> tuple[NDArray[np.float32], int]:
    samples, rate_hz = soundfile.read(wav, dtype="float32", always_2d=True)
    return np.asarray(samples[:, 0], dtype=np.float32), int(rate_hz)
