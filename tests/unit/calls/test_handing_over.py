"""What was heard goes to people who check it, after the end is on record, and never hurts the attempt."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from dialer.calls.heard import HeardVerdict
from dialer.calls.listening import Listening
from dialer.calls.services import CallServices
from dialer.calls.settling import hand_over
from dialer.calls.signals import ListenTarget
from dialer.model.attempt import Attempt, AttemptState, CallPath, Disposition, NetworkCause, Settlement
from dialer.model.verdict_sample import VerdictPhase
from dialer.progress.verdict import Label, Verdict
from dialer.prompts.audio import read_audio
from dialer.simulator.voices import VOICES_DIR

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ATTEMPT = Attempt(5, 1, 2, 3, CallPath.PROGRESSIVE, AttemptState.RESERVED, "138****1234", NOW)
END = Settlement(5, Disposition.NO_ANSWER, NOW, trunk="main", cause=NetworkCause(480))


@dataclass
class Keepers:
    """What was taken; `fault` is raised instead."""

    taken: list[tuple[object, ...]] = field(default_factory=list)
    fault: Exception | None = None

    def keep_verdict(
        self, attempt: Attempt, phase: VerdictPhase, verdict: Verdict, pcm: bytes, *, audio_from_ms: int = 0
    ) -> None:
        if self.fault is not None:
            raise self.fault
        self.taken.append((attempt.attempt_id, phase, verdict.label, len(pcm), audio_from_ms))

    def matcher(self) -> None:
        """Nothing is known."""

    def keep_unknown(self, attempt: Attempt, end: Settlement, pcm: bytes) -> None:
        self.taken.append((attempt.attempt_id, end.trunk, end.cause.sip_status, len(pcm)))

    def services(self) -> CallServices:
        return cast("CallServices", SimpleNamespace(keep_verdict=self.keep_verdict, announcements=self))


def unknown_announcement() -> Listening:
    heard = Listening()
    heard.start(ListenTarget.EARLY_MEDIA)
    pcm = read_audio(VOICES_DIR / "announcement_unreachable.flac")
    for start in range(0, len(pcm) - 319, 320):
        heard.feed(pcm[start : start + 320], start / 16000)
    return heard


def test_an_unknown_announcement_goes_with_its_trunk_and_status() -> None:
    keepers, heard = Keepers(), unknown_announcement()
    hand_over(keepers.services(), ATTEMPT, END, heard)
    assert keepers.taken == [(5, "main", 480, len(heard.unknown_announcement))]
    assert len(heard.unknown_announcement) > 16 * 3000


def test_each_verdict_goes_with_its_phase() -> None:
    keepers, heard = Keepers(), Listening()
    heard.early_end = HeardVerdict(Verdict(Label.BUSY, 0.9, 9000), b"\0" * 320, 8980)
    heard.greeting = HeardVerdict(Verdict(Label.HUMAN, 0.9, 900), b"\0" * 640, 860)
    hand_over(keepers.services(), ATTEMPT, END, heard)
    assert keepers.taken == [
        (5, VerdictPhase.EARLY, Label.BUSY, 320, 8980),
        (5, VerdictPhase.ANSWERED, Label.HUMAN, 640, 860),
    ]


def test_nothing_heard_nothing_kept() -> None:
    keepers = Keepers()
    hand_over(keepers.services(), ATTEMPT, END, Listening())
    assert keepers.taken == []


def test_a_keeper_that_fails_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    keepers, heard = Keepers(fault=ValueError("broken")), Listening()
    heard.greeting = HeardVerdict(Verdict(Label.HUMAN, 0.9, 900), b"", 900)
    hand_over(keepers.services(), ATTEMPT, END, heard)
    assert caplog.records[-1].exc_info is not None
