"""Recordings as values, for tests that need one on record and no audio."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from dialer.model.recording import NewRecording, RecordingInfo, RecordingState


def new_recording(recording_id: str, attempt_id: int, started_at: datetime, **said: Any) -> NewRecording:
    """A finalised recording of ten seconds, but for what is `said`."""
    path = f"{started_at:%Y/%m/%d}/{recording_id}.flac.sealed"
    values: dict[str, Any] = {
        "recording_id": recording_id,
        "attempt_id": attempt_id,
        "node": "node1",
        "started_at": started_at,
        "duration_s": 10.0,
        "path": path,
        "peaks_path": path.replace(".flac.", ".peaks."),
        "sha256": "ab" * 32,
        "size_bytes": 1000,
        "sealed_sha256": "cd" * 32,
        "sealed_bytes": 1100,
        "marks": b"[]",
    }
    return NewRecording(**values | said)


def recording_info(recording_id: str, attempt_id: int, started_at: datetime, **said: Any) -> RecordingInfo:
    """The same as the storage gives it."""
    found_by: dict[str, Any] = {
        "state": RecordingState.KEPT,
        "campaign_id": 1,
        "case_ref": "case-1",
        "number_masked": "138****1234",
        "agent_id": None,
        "disposition": "connected",
        "verdict": "human",
    }
    of_audio = {name: said.pop(name) for name in NewRecording.__slots__ if name in said}
    return RecordingInfo(**asdict(new_recording(recording_id, attempt_id, started_at, **of_audio)), **found_by | said)
