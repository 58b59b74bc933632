"""A verdict on what answered, kept with the audio it was made from, so that people can check it by listening."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dialer.model.proportion import Interval, bounds


class VerdictPhase(str, Enum):
    """When what was judged was heard: in early media, or once the call was answered."""

    EARLY = "early"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdictSample:
    """One verdict and where its audio lies. `label` is what the detector said, of `dialer.progress.verdict.Label`.

    Instants `*_ms` count from the start of the audio that was listened to; the kept audio begins `audio_from_ms` after
    it. `audio_path` is relative to the folder of verdicts of `node`; empty: there is no audio.
    """

    attempt_id: int
    campaign_id: int
    node: str
    made_at: datetime
    phase: VerdictPhase
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
    audio_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSample(NewVerdictSample):
    """A kept verdict. `truth` is what a listener heard, of the same labels; None: nobody listened yet.

    `drawn_at` is when chance chose it for listening: only such verdicts count where a share is estimated, for whoever
    picks what to listen to picks the result.
    """

    sample_id: int
    truth: str | None = None
    labelled_by: str = ""
    labelled_at: datetime | None = None
    drawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """Which verdicts are asked for; None means any. `labelled`: somebody listened; `drawn`: chance chose it.

    Those made from `since` on and before `until`.
    """

    campaign_id: int | None = None
    label: str | None = None
    phase: VerdictPhase | None = None
    labelled: bool | None = None
    drawn: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """`n` verdicts of one kind of which listeners heard the same; `truth` None: nobody listened to these."""

    phase: VerdictPhase
    label: str
    truth: str | None
    n: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What listeners heard of drawn machine verdicts: `listened` of them were clear, `people` of these were people.

    `unclear` are those of which the listener could not tell what it was. ValueError: such counts cannot be.
    """

    listened: int = 0
    people: int = 0
    unclear: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.people <= self.listened or self.unclear < 0:
            raise ValueError(f"{self.people} people among {self.listened} verdicts, {self.unclear} unclear: cannot be")

    @property
    def share(self) -> float | None:
        """Of people among what was clear; None while nothing was."""
        return self.people / self.listened if self.listened else None

    def among(self, verdicts: int | None = None) -> Interval:
        """The share of people among so many machine verdicts, None: among those to come as well; with 95 % confidence.

        What was unclear is a person for the upper bound and none for the lower one.
        """
        return bounds(self.people, self.people + self.unclear, self.listened + self.unclear, verdicts)


@dataclass(frozen=True, slots=True)
class FalseMachines:
    """How many machine verdicts were people, as far as listeners know. Shares of machine verdicts.

    `low` and `high` bound the share with 95 % confidence (`Heard.among`); with nobody having listened they are 0 and 1
    and `share` is None.
    """

    verdicts: int
    listened: int
    people: int
    share: float | None
    low: float
    high: float
    unclear: int = 0

    @classmethod
    def of(cls, verdicts: int, heard: Heard) -> "FalseMachines":
        """From counts."""
        interval = heard.among(verdicts)
        return cls(verdicts, heard.listened, heard.people, heard.share, interval.low, interval.high, heard.unclear)
