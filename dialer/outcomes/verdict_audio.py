"""The audio of verdicts as files: short WAVs that any player opens, one folder for each day (UTC).

What came over the telephone is G.711, so one byte a sample keeps it exactly, in the law it came in (RFC 2361: format
tags 6 and 7). Audio that is not exact in either, such as concealed losses, is kept as 16-bit PCM.
"""

import os
import shutil
import struct
from collections.abc import Iterable
from datetime import date
from pathlib import Path, PurePosixPath

from dialer.media import g711
from dialer.media.interface import Codec

RATE_HZ = 8000
KEPT_S = 5
MAX_PCM_BYTES = KEPT_S * RATE_HZ * 2
MEDIA_TYPE = "audio/wav"

_PCM = 1
_TAGS = {Codec.PCMA: 6, Codec.PCMU: 7}
_FORMAT = struct.Struct("<HHIIHHH")


def wav_of(pcm: bytes) -> bytes:
    """A WAV of the first `KEPT_S` of `int16`, 8 kHz, mono: in the law that gives every sample back, else as it is."""
    pcm = pcm[: min(MAX_PCM_BYTES, len(pcm) // 2 * 2)]
    samples = g711.samples_of(pcm)
    for codec, tag in _TAGS.items():
        codes = g711.encode(samples, codec)
        if (g711.decode(codes, codec) == samples).all():
            return _wav(tag, codes, 1)
    return _wav(_PCM, pcm, 2)


def path_of(made_on: date, attempt_id: int, phase: str) -> str:
    """Where the audio of an attempt's verdict lies, below the folder of verdicts."""
    return str(PurePosixPath(made_on.isoformat()) / f"{attempt_id}-{phase}.wav")


def write(folder: Path, inside: str, wav: bytes) -> None:
    """Puts a file in place, whole or not at all. OSError: it cannot be."""
    path = folder / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_bytes(wav)
        os.replace(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def remove(folder: Path, inside: Iterable[str]) -> None:
    """Removes files; one that is gone already is no error. OSError: one cannot be."""
    for name in inside:
        (folder / name).unlink(missing_ok=True)


def remove_days(folder: Path, before: date) -> None:
    """Removes the folders of the days before, with whatever a crash left in them. OSError: one cannot be."""
    for day in folder.iterdir() if folder.is_dir() else ():
        if day.is_dir() and _is_before(day.name, before):
            shutil.rmtree(day)


def _is_before(name: str, day: date) -> bool:
    try:
        return date.fromisoformat(name) < day
    except ValueError:
        return False  # none of ours


def _wav(tag: int, data: bytes, width: int) -> bytes:
    """The header of a WAV: `fmt ` with its extension's length, `fact` (samples), `data` padded to an even length."""
    form = _FORMAT.pack(tag, 1, RATE_HZ, RATE_HZ * width, width, 8 * width, 0)
    chunks = (b"fmt ", form), (b"fact", struct.pack("<I", len(data) // width)), (b"data", data)
    body = b"".join(name + struct.pack("<I", len(chunk)) + chunk + b"\0" * (len(chunk) % 2) for name, chunk in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body
