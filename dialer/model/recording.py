"""A recording as the dialer refers to it; making, storing and proving it is the `recording` package's."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """A finalised recording. `path` is relative to the recording store; `sha256` is of the file's bytes, in hex."""

    recording_id: str
    attempt_id: int
    started_at: datetime
    duration_s: float
    path: str
    sha256: str
    size_bytes: int
    lost_ms: int = 0
    truncated: bool = False
