"""Where finalised recordings live: a directory with a folder for each day (UTC), two files a recording.

    2026/11/22/ID.flac    the audio
    2026/11/22/ID.json    what is known of it, written last: a recording without it is not finished

The spool is removed by its owner, after the recording was verified and told of.
"""

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from recording.errors import RecordingError, SpoolError
from recording.finalize import file_sha256, finalize
from recording.spool import SpoolReader

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
SPOOL_SUFFIX = ".spool"
UNREADABLE_SUFFIX = ".unreadable"


@dataclass(frozen=True, slots=True)
class FinalizedRecording:
    """A recording in the store. `path` is relative to it; `sha256` is of the file's bytes, in hex."""

    recording_id: str
    started_at: datetime
    duration_s: float
    path: str
    sha256: str
    size_bytes: int
    lost_ms: int = 0
    truncated: bool = False

    def to_json(self) -> dict[str, Any]:
        """As kept beside the audio and passed between processes."""
        return {**asdict(self), "started_at": self.started_at.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FinalizedRecording":
        """Raises KeyError, TypeError or ValueError when this is no such record."""
        return cls(**{**data, "started_at": datetime.fromisoformat(data["started_at"])})


class RecordingStore:
    """A store on a file system. Everything here blocks: call it from a worker."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ingest(self, spool: Path) -> FinalizedRecording:
        """Finalises a spool named `ID.spool` into the store and verifies it; doing so again gives the same answer.

        Raises SpoolError, StoreFullError, RecordingError. The spool stays.
        """
        recording_id = _checked_id(spool.name.removesuffix(SPOOL_SUFFIX))
        try:
            with spool.open("rb") as stream:
                started_at = SpoolReader(stream, str(spool)).header.started_at
        except FileNotFoundError as error:
            raise SpoolError(
                f"{spool}: there is no such spool; nothing was recorded, or it was finalised before"
            ) from error
        except OSError as error:
            raise RecordingError(f"{spool}: cannot read the spool: {error.strerror}") from error
        target = self.root / f"{started_at:%Y/%m/%d}" / f"{recording_id}.flac"
        known = self._intact(target)
        if known is not None:
            return known
        audio = finalize(spool, target)
        path = target.relative_to(self.root).as_posix()
        recording = FinalizedRecording(
            recording_id=recording_id,
            started_at=audio.started_at,
            duration_s=audio.duration_s,
            path=path,
            sha256=audio.sha256,
            size_bytes=audio.size_bytes,
            lost_ms=audio.lost_ms,
            truncated=audio.truncated,
        )
        self._write_record(target.with_suffix(".json"), recording)
        return recording

    def find(self, recording_id: str) -> FinalizedRecording:
        """What is known of a recording. Raises RecordingError when there is none."""
        name = f"{_checked_id(recording_id)}.json"
        for record_path in sorted(self.root.glob(f"[0-9]*/[0-9]*/[0-9]*/{name}"), reverse=True):
            return _read_record(record_path)
        raise RecordingError(f"no recording {recording_id} in {self.root}")

    def open(self, recording_id: str) -> BinaryIO:
        """The recording's FLAC file, open for reading. Raises RecordingError."""
        recording = self.find(recording_id)
        try:
            return (self.root / recording.path).open("rb")
        except OSError as error:
            raise RecordingError(f"{self.root / recording.path}: cannot be opened: {error.strerror}") from error

    def verify(self, recording_id: str) -> FinalizedRecording:
        """Reads the whole file and compares its hash. Raises RecordingError when it was changed or is missing."""
        recording = self.find(recording_id)
        path = self.root / recording.path
        try:
            sha256, _ = file_sha256(path)
        except OSError as error:
            raise RecordingError(f"{path}: cannot be read: {error.strerror}") from error
        if sha256 != recording.sha256:
            raise RecordingError(f"{path}: was changed: its SHA-256 is {sha256}, not {recording.sha256}")
        return recording

    def remove_unfinished(self) -> int:
        """Removes half-written files of processes that were killed; call it while none writes. Returns how many."""
        parts = list(self.root.glob("[0-9]*/[0-9]*/[0-9]*/.*.part"))
        for part in parts:
            part.unlink(missing_ok=True)
        return len(parts)

    def _intact(self, target: Path) -> FinalizedRecording | None:
        """The recording that an earlier run finished, if it is still what it was."""
        try:
            recording = _read_record(target.with_suffix(".json"))
            return recording if file_sha256(target)[0] == recording.sha256 else None
        except (OSError, RecordingError):
            return None

    def _write_record(self, path: Path, recording: FinalizedRecording) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("w", encoding="utf-8") as stream:
                json.dump(recording.to_json(), stream, indent=1)
                stream.write("\n")
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise RecordingError(f"{path}: cannot be written: {error.strerror}; the spool is kept") from error


def _checked_id(recording_id: str) -> str:
    if not _ID.fullmatch(recording_id):
        raise RecordingError(f"{recording_id!r} is not a recording's id")
    return recording_id


def _read_record(path: Path) -> FinalizedRecording:
    try:
        return FinalizedRecording.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordingError(f"{path}: not a recording's record") from error
