"""What the audio says: one value for everything that classifies call audio."""

from dataclasses import dataclass
from enum import Enum


class Label(str, Enum):
    """What was heard: the first four after the answer, the last six before it. UNKNOWN is an honest answer to both."""

    HUMAN = "human"
    MACHINE = "machine"
    SILENCE = "silence"
    FAX = "fax"
    UNKNOWN = "unknown"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    SIT = "sit"
    MUSIC = "music"
    ANNOUNCEMENT = "announcement"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A classification with its evidence. All instants in ms since the first frame.

    `decided_ms` is the end of the last frame heard, `greeting_end_ms` is None while the greeting still goes on,
    `confidence` is 0 to 1, `reason` is for people.
    """

    label: Label
    confidence: float
    decided_ms: int
    first_speech_ms: int | None = None
    greeting_end_ms: int | None = None
    beep_ms: int | None = None
    subclass: str = ""
    reason: str = ""
