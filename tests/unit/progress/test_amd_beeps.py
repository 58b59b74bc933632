"""What sounds like a beep to a machine's greeting and is none: vowels, tunes, ringing; and faxes in a room."""

from pathlib import Path

import numpy as np
import pytest

import dialer.simulator
from dialer.progress.amd import AFTER_SPEECH_MS, BEEP_IN_SPEECH_MS, LONE_BEEP_QUIET_MS
from dialer.progress.fax import CNG_MAX_MS, FaxDetector, FaxSignal
from dialer.progress.verdict import Label
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence, tone
from tests.support.hearing import hear

VOICES = Path(dialer.simulator.__file__).parent / "voices"
SPOKEN_MS = 700
QUIET_MS = 400
"""Before the first word of each voice."""
NOTES_HZ = (523.0, 659.0, 784.0, 1047.0, 880.0, 988.0, 740.0, 831.0)


def samples_of(pcm: bytes) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def pcm_of(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bytes:
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


def spoken() -> bytes:
    """A person's word, cut off while it sounds."""
    return read_audio(VOICES / "human_zh_wei.flac")[: 2 * 8 * SPOKEN_MS]


@pytest.mark.parametrize("hz", [640.0, 800.0, 1000.0])
def test_a_vowel_held_for_long_is_no_beep(hz: float) -> None:
    held_ms = BEEP_IN_SPEECH_MS - 40
    verdict = hear(spoken() + tone((hz,), held_ms) + silence(2000))
    assert verdict.label is not Label.MACHINE
    assert verdict.beep_ms is None


@pytest.mark.parametrize("gap_ms", [0, AFTER_SPEECH_MS // 2])
def test_a_tone_directly_after_speech_is_a_beep_once_it_has_lasted(gap_ms: int) -> None:
    verdict = hear(spoken() + silence(gap_ms) + tone((1000.0,), 400))
    assert (verdict.label, verdict.subclass) == (Label.MACHINE, "beep")
    assert verdict.beep_ms is not None
    assert verdict.decided_ms - verdict.beep_ms >= BEEP_IN_SPEECH_MS


def test_after_a_pause_a_beep_is_known_sooner() -> None:
    verdict = hear(spoken() + silence(AFTER_SPEECH_MS + 20) + tone((1000.0,), 400))
    assert (verdict.label, verdict.subclass) == (Label.MACHINE, "beep")
    assert verdict.beep_ms is not None
    assert verdict.decided_ms - verdict.beep_ms < BEEP_IN_SPEECH_MS


def test_a_beep_before_any_word_is_one_if_nothing_follows() -> None:
    alone = hear(silence(800) + tone((1000.0,), 400) + silence(2000))
    assert (alone.label, alone.subclass) == (Label.MACHINE, "beep")
    assert alone.decided_ms >= 1200 + LONE_BEEP_QUIET_MS
    notes = b"".join(tone((hz,), 250) + silence(60) for hz in NOTES_HZ * 3)
    assert hear(silence(800) + notes + silence(3000)).label is not Label.MACHINE
    person = read_audio(VOICES / "human_zh_wei.flac")
    assert hear(silence(400) + tone((1000.0,), 200) + person + silence(2000)).label is Label.HUMAN


@pytest.mark.parametrize("level_dbfs", [-45.0, -35.0, -30.0])
def test_a_tune_behind_a_person_is_no_beep(level_dbfs: float) -> None:
    notes = b"".join(tone((hz,), 250, level_dbfs) for hz in NOTES_HZ * 3)
    tune = samples_of(silence(QUIET_MS) + notes)
    voice = samples_of(read_audio(VOICES / "human_zh_wei_nihao.flac"))
    tune[: voice.size] += voice
    verdict = hear(pcm_of(tune))
    assert verdict.subclass != "beep"
    assert verdict.label is not Label.MACHINE


def test_what_a_tone_may_turn_out_to_be() -> None:
    suspect = FaxDetector.suspect
    assert suspect(1100.0, 120) is FaxSignal.CNG
    assert suspect(1100.0, CNG_MAX_MS) is FaxSignal.CNG
    assert suspect(1100.0, CNG_MAX_MS + 20) is None, "a beep of that pitch goes on"
    assert suspect(2100.0, 200) is FaxSignal.CED
    assert suspect(2130.0, 200) is FaxSignal.CED, "codecs made for voices move a high tone"
    assert suspect(2100.0, 2000) is None, "by then the fax detector would have said so"
    assert suspect(1000.0, 200) is None
    assert suspect(1400.0, 200) is None


@pytest.mark.parametrize("decay_db_a_s", [100.0, 150.0, 200.0])
def test_a_calling_tone_in_a_room_is_a_fax(decay_db_a_s: float) -> None:
    """The room goes on sounding after the tone: 60 dB less after 0.3 to 0.6 s."""
    at_s = np.arange(8000) / 8000
    tail = samples_of(tone((1100.0,), 1000)) * 10 ** (-decay_db_a_s * (at_s + 0.05) / 20)
    verdict = hear(silence(800) + tone((1100.0,), 500) + pcm_of(tail) + silence(2000))
    assert (verdict.label, verdict.subclass) == (Label.FAX, "cng")
