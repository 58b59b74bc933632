"""A recording as the dialer refers to it; making, storing and proving it is the `recording` package's."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class RecordingState(str, Enum):
    """Whether the audio can still be had. DELETED: its key is destroyed; what is known of the call stays."""

    KEPT = "kept"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A recording's own key, wrapped by the key-encryption key that `kek_id` names."""

    kek_id: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecording:
    """A finalised recording. Channel 0 is the called person, channel 1 what that person heard.

    `path` and `peaks_path` are the keys of the sealed audio and its waveform in the store; `sha256` and `size_bytes`
    are of the FLAC file, `sealed_sha256` and `sealed_bytes` of the object in the store. `marks` is JSON: what was lost,
    concealed or paused, when. Shares are of `duration_s`. `parent_id`: the recording this is a redaction of.
    """

    recording_id: str
    attempt_id: int
    node: str
    started_at: datetime
    duration_s: float
    path: str
    peaks_path: str
    sha256: str
    size_bytes: int
    sealed_sha256: str
    sealed_bytes: int
    marks: bytes
    lost_ms: int = 0
    truncated: bool = False
    far_share: float = 0.0
    near_share: float = 0.0
    silence_share: float = 0.0
    overtalk_share: float = 0.0
    parent_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo(NewRecording):
    """A recording on record, with what it is found by.

    `outcome` is the collector's code, "" until there is one; `qa_state` how far quality assurance has come with it.
    """

    state: RecordingState
    campaign_id: int
    case_ref: str
    number_masked: str
    agent_id: int | None
    disposition: str
    verdict: str
    outcome: str = ""
    qa_state: str = ""
