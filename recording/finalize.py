"""A spool becomes a file for people: FLAC, 8 kHz, 16 bit, channel 0 the far end, channel 1 what it was sent.

Lossless: every sample on the wire is in the file as it was. The file appears whole or not at all, and is read back and
compared sample by sample before anybody is told of it.
"""

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from recording.errors import RecordingError, StoreFullError
from recording.spool import CHANNELS, RATE_HZ, SpoolReader
from recording.timeline import Timeline

_READ_FRAMES = 1 << 16
_HASH_BYTES = 1 << 20
_FULL_BELOW_BYTES = 1 << 20
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class FinalizedAudio:
    """What a finalised file holds. `sha256` is of the file's bytes, in hex; `lost_ms` counts both channels."""

    started_at: datetime
    duration_s: float
    sha256: str
    size_bytes: int
    lost_ms: int
    truncated: bool


def finalize(spool: Path, target: Path) -> FinalizedAudio:
    """Writes `target` from `spool`, which stays as it is. Memory does not grow with the length of the call.

    Raises SpoolError (no spool), StoreFullError (no room; nothing is left behind), RecordingError (anything else).
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with spool.open("rb") as stream:
            reader = SpoolReader(stream, str(spool))
            target.parent.mkdir(parents=True, exist_ok=True)
            written = _encode(reader, part, title=target.stem)
        _sync(part)
        sha256, size_bytes = _read_back(part, written.digest)
        part.replace(target)
        _sync(target.parent)
    except (OSError, soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
        raise _explain(error, spool, target) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    duration_s = written.n_samples / RATE_HZ
    lost_ms = written.lost_samples * 1000 // RATE_HZ
    return FinalizedAudio(reader.header.started_at, duration_s, sha256, size_bytes, lost_ms, reader.truncated)


def file_sha256(path: Path) -> tuple[str, int]:
    """Hash of a file's bytes (hex) and its size. Raises OSError."""
    digest = hashlib.sha256()
    size_bytes = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_HASH_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
    return digest.hexdigest(), size_bytes


@dataclass(frozen=True, slots=True)
class _Written:
    n_samples: int
    lost_samples: int
    digest: bytes


def _encode(reader: SpoolReader, part: Path, title: str) -> _Written:
    digest = hashlib.blake2b(digest_size=32)
    with soundfile.SoundFile(part, "w", RATE_HZ, CHANNELS, "PCM_16", format="FLAC") as audio:
        audio.title = title
        audio.date = reader.header.started_at.isoformat()

        def sink(samples: NDArray[np.int16]) -> None:
            digest.update(samples.tobytes())
            audio.write(samples)

        timeline = Timeline(sink)
        for record in reader:
            timeline.add(record)
        n_samples = timeline.finish()
        if n_samples == 0:
            sink(np.zeros((1, CHANNELS), dtype=np.int16))  # a FLAC file cannot be empty; a call without audio is one
    return _Written(n_samples, timeline.lost_samples, digest.digest())


def _read_back(part: Path, expected: bytes) -> tuple[str, int]:
    """Hash and size of the file as it lies on disk, once its audio is known to be what was written."""
    digest = hashlib.blake2b(digest_size=32)
    with soundfile.SoundFile(part) as audio:
        for block in audio.blocks(_READ_FRAMES, dtype="int16", always_2d=True):
            digest.update(block.tobytes())
    if digest.digest() != expected:
        raise RecordingError(f"{part}: what was read back is not what was written; check the disk, the spool is kept")
    return file_sha256(part)


def _sync(path: Path) -> None:
    """To the disk itself; then out of the page cache, so that reading back reads the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        if path.is_file():
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _explain(error: Exception, spool: Path, target: Path) -> RecordingError:
    folder = next(parent for parent in target.parents if parent.exists())
    free_bytes = shutil.disk_usage(folder).free
    if getattr(error, "errno", None) in _FULL_ERRNOS or free_bytes < _FULL_BELOW_BYTES:
        return StoreFullError(
            f"{folder}: no room for recording {target.stem} ({free_bytes // 1_000_000} MB free); make room there, the "
            f"spool {spool} is kept and tried again"
        )
    return RecordingError(f"{target}: recording {target.stem} could not be written: {error}; the spool {spool} is kept")
