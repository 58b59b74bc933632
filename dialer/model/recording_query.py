"""What recordings are searched by."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dialer.model.recording import RecordingInfo

Place = tuple[datetime, str]
"""Where a recording stands among all: when it began, and its id."""


class Between(NamedTuple):
    """A range, both ends included; None: open."""

    low: float | None = None
    high: float | None = None


ANY = Between()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingQuery:
    """What all recordings of an answer must be; None and an open range: whatever.

    Searched are originals: a redaction is found by what it was made of. Began in [`since`, `until`); shares are of the
    length. `number_index` is what `Storage.number_index` makes of a number. `outcome`, `disposition` and `qa_state`
    are "" where there is none yet.
    """

    attempt_id: int | None = None
    case_ref: str | None = None
    number_index: bytes | None = None
    agent_id: int | None = None
    outcome: str | None = None
    qa_state: str | None = None
    campaign_id: int | None = None
    disposition: str | None = None
    verdict: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    duration_s: Between = ANY
    far_share: Between = ANY
    near_share: Between = ANY
    silence_share: Between = ANY
    overtalk_share: Between = ANY
    truncated: bool | None = None
    redacted: bool | None = None
    held: bool | None = None
    deleted: bool | None = None


@dataclass(frozen=True, slots=True)
class RecordingPage:
    """Recordings, newest first. `next`: go on from here; None: there are no more.

    A page may hold fewer than asked for, even none, and have a `next`: then a great many were looked through.
    """

    items: tuple[RecordingInfo, ...]
    next: Place | None
