"""What is concluded from real audio, frame by frame: signals, the start of the abandon clock, and what is kept."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from dialer.calls.heard import KEPT_MS, UNKNOWN_MAX_MS
from dialer.calls.listening import LASTING_TONE_MS, Listening
from dialer.calls.signals import ListenTarget, Signal
from dialer.calls.signals import SignalKind as K
from dialer.model.announcement import AnnouncementMeaning
from dialer.model.attempt import Disposition
from dialer.progress.amd import AmdConfig
from dialer.progress.verdict import Label
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import BUSY_CN, CONGESTION_CN, RINGBACK_CN, play_signal, silence, tone
from dialer.prompts.signals import Signal as Tone
from dialer.simulator.voices import VOICES_DIR

FRAME_BYTES = 320
BEGAN_AT = 100.0


def voice(name: str) -> bytes:
    return read_audio(VOICES_DIR / f"{name}.flac")


@dataclass(frozen=True)
class Known:
    """An announcement that is recognised."""

    title: str
    meaning: AnnouncementMeaning
    certain: bool = True


class Recogniser:
    """A matcher that knows what comes when: the library has tests of its own."""

    def __init__(self, at_ms: int, *known: Known) -> None:
        self._left = list(known)
        self._at_ms = at_ms
        self._now_ms = 0

    def feed(self, frame: bytes) -> Known | None:
        assert len(frame) == FRAME_BYTES
        self._now_ms += 20
        return self._left.pop(0) if self._left and self._now_ms >= self._at_ms else None


def hear(listening: Listening, pcm: bytes) -> list[tuple[int, Signal]]:
    """Every signal, with the ms after which it came."""
    found = []
    for start in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        now_ms = start // 16 + 20
        signal = listening.feed(pcm[start : start + FRAME_BYTES], BEGAN_AT + now_ms / 1000)
        if signal is not None:
            found.append((now_ms, signal))
    return found


def kinds(signals: Iterable[tuple[int, Signal]]) -> list[K]:
    return [signal.kind for _, signal in signals]


@pytest.mark.parametrize("name", ["human_zh_wei", "human_en_hello"])
def test_the_probable_end_comes_first_and_is_where_the_greeting_ended(name: str) -> None:
    listening = Listening(AmdConfig(patient=True))
    listening.start(ListenTarget.GREETING)
    (over_ms, over), (verdict_ms, verdict) = hear(listening, silence(200) + voice(name) + silence(3000))
    assert (over.kind, verdict.kind) == (K.GREETING_OVER, K.HUMAN)
    assert over_ms < verdict_ms
    assert over.greeting_end_at is not None
    assert verdict.greeting_end_at is not None
    assert over.greeting_end_at == pytest.approx(verdict.greeting_end_at, abs=0.05)
    assert BEGAN_AT < over.greeting_end_at < BEGAN_AT + over_ms / 1000


def test_who_speaks_on_takes_the_probable_end_back() -> None:
    listening = Listening(AmdConfig(patient=True))
    listening.start(ListenTarget.GREETING)
    hello = voice("human_zh_wei")
    found = hear(listening, silence(200) + hello + silence(100) + hello + silence(3000))
    assert kinds(found)[-1] is K.HUMAN
    ends = [signal.greeting_end_at for _, signal in found if signal.greeting_end_at is not None]
    assert ends == sorted(ends)
    resumed = kinds(found).count(K.GREETING_RESUMED)
    assert kinds(found).count(K.GREETING_OVER) == resumed + 1


def test_undecided_but_heard_starts_the_clock_where_it_ended() -> None:
    """The detector's own giving up has no end of the greeting: the probable one stands."""
    listening = Listening()
    listening.start(ListenTarget.GREETING)
    found = hear(listening, silence(10_000))
    (_, signal) = found[-1]
    assert signal.kind in (K.SILENCE, K.UNSURE)
    assert signal.greeting_end_at == pytest.approx(BEGAN_AT + found[-1][0] / 1000)


def test_the_last_five_seconds_before_a_verdict_are_kept() -> None:
    listening = Listening()
    listening.start(ListenTarget.GREETING)
    pcm = silence(500) + voice("machine_zh_personal") + silence(4000)
    decided_ms = next(at for at, signal in hear(listening, pcm) if signal.kind in (K.MACHINE, K.HUMAN, K.UNSURE))
    kept = listening.greeting
    assert kept is not None
    assert kept.verdict.decided_ms == decided_ms
    assert kept.audio_from_ms == max(0, decided_ms - KEPT_MS)
    assert kept.pcm == pcm[16 * kept.audio_from_ms : 16 * decided_ms]


def test_a_long_wait_keeps_no_more_than_five_seconds() -> None:
    listening = Listening()
    listening.start(ListenTarget.EARLY_MEDIA)
    hear(listening, play_signal(RINGBACK_CN, 20_000) + play_signal(BUSY_CN, 12_000))
    assert listening.early_end is not None
    assert len(listening.early_end.pcm) == 16 * KEPT_MS


@pytest.mark.parametrize(("pattern", "end"), [(BUSY_CN, Disposition.BUSY), (CONGESTION_CN, Disposition.UNREACHABLE)])
def test_a_lasting_tone_is_a_dead_end(pattern: Tone, end: Disposition) -> None:
    listening = Listening()
    listening.start(ListenTarget.EARLY_MEDIA)
    found = hear(listening, play_signal(pattern, 20_000))
    assert [(signal.kind, signal.disposition) for _, signal in found] == [(K.DEAD_END, end)]
    assert found[0][0] >= LASTING_TONE_MS


def test_ringing_after_a_short_busy_tone_rings_on() -> None:
    listening = Listening()
    listening.start(ListenTarget.EARLY_MEDIA)
    assert hear(listening, play_signal(BUSY_CN, 4000) + play_signal(RINGBACK_CN, 30_000)) == []
    assert listening.early is not None
    assert listening.early.label is Label.RINGBACK


MEANINGS = [
    (AnnouncementMeaning.EMPTY_NUMBER, Disposition.BAD_NUMBER),
    (AnnouncementMeaning.POWERED_OFF, Disposition.POWERED_OFF),
    (AnnouncementMeaning.SUSPENDED, Disposition.SUSPENDED),
    (AnnouncementMeaning.UNREACHABLE, Disposition.UNREACHABLE),
    (AnnouncementMeaning.INCOMING_BARRED, Disposition.INCOMING_BARRED),
    (AnnouncementMeaning.BUSY, Disposition.BUSY),
]


@pytest.mark.parametrize(("meaning", "end"), MEANINGS)
def test_a_known_announcement_is_a_dead_end_before_and_after_the_answer(
    meaning: AnnouncementMeaning, end: Disposition
) -> None:
    known = Known("as it is known", meaning)
    for target in (ListenTarget.EARLY_MEDIA, ListenTarget.GREETING):
        listening = Listening(new_matcher=lambda: Recogniser(1000, known))
        listening.start(target)
        (at_ms, signal), *more = hear(listening, silence(200) + voice("announcement_empty_number")[: 16 * 2000])
        assert (signal.kind, signal.disposition, at_ms) == (K.DEAD_END, end, 1000)
        assert more == []
        assert listening.announcement is known
        kept = listening.early_end if target is ListenTarget.EARLY_MEDIA else listening.greeting
        assert kept is not None
        assert (kept.verdict.label, kept.verdict.subclass) == (Label.ANNOUNCEMENT, meaning.value)
        assert listening.unknown_announcement == b""


@pytest.mark.parametrize("meaning", set(AnnouncementMeaning) - {meaning for meaning, _ in MEANINGS})
def test_other_announcements_end_nothing_before_the_answer(meaning: AnnouncementMeaning) -> None:
    listening = Listening(new_matcher=lambda: Recogniser(1000, Known("known", meaning)))
    listening.start(ListenTarget.EARLY_MEDIA)
    assert hear(listening, voice("announcement_busy")) == []
    assert listening.announcement is not None
    assert listening.unknown_announcement == b""


def test_an_assistant_that_answers_is_a_machine() -> None:
    known = Known("assistant", AnnouncementMeaning.CALL_ASSISTANT)
    listening = Listening(new_matcher=lambda: Recogniser(500, known))
    listening.start(ListenTarget.GREETING)
    (signal,) = [signal for _, signal in hear(listening, voice("machine_zh_carrier")[: 16 * 1000])]
    assert (signal.kind, signal.disposition) == (K.MACHINE, None)


@pytest.mark.parametrize("meaning", [AnnouncementMeaning.UNREACHABLE, AnnouncementMeaning.CALL_ASSISTANT])
def test_what_only_begins_like_an_announcement_is_a_machine_after_the_answer(meaning: AnnouncementMeaning) -> None:
    likely = Known("likely", meaning, certain=False)
    listening = Listening(new_matcher=lambda: Recogniser(500, likely))
    listening.start(ListenTarget.GREETING)
    (signal,) = [signal for _, signal in hear(listening, voice("machine_zh_carrier")[: 16 * 1000])]
    assert (signal.kind, signal.disposition, signal.reason) == (K.MACHINE, None, "begins like: likely")
    assert listening.announcement is None


def test_what_only_begins_like_an_announcement_means_nothing_before_the_answer() -> None:
    likely = Known("likely", AnnouncementMeaning.EMPTY_NUMBER, certain=False)
    listening = Listening(new_matcher=lambda: Recogniser(500, likely))
    listening.start(ListenTarget.EARLY_MEDIA)
    assert hear(listening, voice("announcement_busy")) == []
    assert listening.announcement is None
    assert listening.unknown_announcement != b""


def test_what_means_something_stays_when_a_notice_follows() -> None:
    barred = Known("barred", AnnouncementMeaning.NO_ANSWER)
    notice = Known("notice", AnnouncementMeaning.OTHER)
    listening = Listening(new_matcher=lambda: Recogniser(500, barred, notice))
    listening.start(ListenTarget.EARLY_MEDIA)
    hear(listening, silence(2000))
    assert listening.announcement is barred


@pytest.mark.parametrize("name", ["announcement_suspended", "announcement_sit_en"])
def test_an_unknown_announcement_is_kept_from_its_first_word_on(name: str) -> None:
    listening = Listening()
    listening.start(ListenTarget.EARLY_MEDIA)
    said = voice(name)
    began_ms = 11_000
    pcm = play_signal(RINGBACK_CN, 10_000) + silence(began_ms - 10_000) + said + silence(500) + said * 3
    hear(listening, pcm)
    kept = listening.unknown_announcement
    assert len(kept) <= 16 * UNKNOWN_MAX_MS
    start = pcm.find(kept[: 16 * 2000])
    assert abs(start // 16 - began_ms) <= 600
    assert pcm[start : start + len(kept)] == kept


def test_ringing_alone_keeps_nothing_unknown() -> None:
    listening = Listening()
    listening.start(ListenTarget.EARLY_MEDIA)
    hear(listening, voice("announcement_busy") + play_signal(RINGBACK_CN, 12_000))
    assert listening.unknown_announcement == b""


def test_a_message_waits_for_the_end_of_the_beep_that_gave_the_machine_away() -> None:
    """The verdict falls inside the beep: the message may start only after it."""
    listening = Listening()
    listening.start(ListenTarget.GREETING)
    greeting = voice("human_zh_wei")[16 * 400 : 16 * 700]
    beep_from_ms = 200 + 300 + 100
    pcm = silence(200) + greeting + silence(100) + tone((1000.0,), 600) + silence(4000)
    found: list[tuple[int, Signal]] = []
    for start in range(0, len(pcm), FRAME_BYTES):
        now_ms = start // 16 + 20
        signal = listening.feed(pcm[start : start + FRAME_BYTES], BEGAN_AT + now_ms / 1000)
        if signal is not None:
            found.append((now_ms, signal))
            if signal.kind is K.MACHINE:
                listening.start(ListenTarget.BEEP)
    (beep_ms,) = [at for at, signal in found if signal.kind is K.BEEP]
    assert K.MACHINE in kinds(found)
    assert beep_from_ms + 600 <= beep_ms <= beep_from_ms + 600 + 200
