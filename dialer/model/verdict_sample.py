"""A verdict on what answered, kept with the audio it was made from, so that people can check it by listening."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VerdictSample:
    """One verdict. `label` is what the detector said, `truth` what a listener heard (None: nobody listened yet).

    Both hold a value of `dialer.progress.verdict.Label`. Instants `*_ms` count from the start of the audio that was
    listened to; the kept audio begins `audio_from_ms` after it.
    """

    sample_id: int
    attempt_id: int
    campaign_id: int
    made_at: datetime
    phase: str
    """`answered` or `early`."""
    label: str
    subclass: str
    confidence: float
    reason: str
    decided_ms: int
    first_speech_ms: int | None
    greeting_end_ms: int | None
    beep_ms: int | None
    audio_path: str
    audio_from_ms: int
    truth: str | None = None
    labelled_by: str = ""
    labelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FalseMachines:
    """How many machine verdicts were people, as far as listeners know. Shares of machine verdicts.

    `low` and `high` bound the share with 95 % confidence (Wilson's interval); with nobody having listened they are 0
    and 1 and `share` is None.
    """

    verdicts: int
    listened: int
    people: int
    share: float | None
    low: float
    high: float
