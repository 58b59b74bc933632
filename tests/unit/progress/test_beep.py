"""When to start speaking on a machine."""

from pathlib import Path

import numpy as np
import pytest

import dialer.simulator
from dialer.progress.beep import GIVE_UP_MS, NEVER_SPOKE_MS, NO_BEEP_PAUSE_MS, BeepDetector, BeepEvent, BeepEventKind
from dialer.progress.frames import FRAME_BYTES
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence, tone

VOICES = Path(dialer.simulator.__file__).parent / "voices"


def events(pcm: bytes) -> list[BeepEvent]:
    detector = BeepDetector()
    frames = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    return [event for event in map(detector.feed, frames) if event is not None]


@pytest.mark.parametrize("hz", [440.0, 500.0, 620.0, 950.0, 1000.0, 1400.0, 2000.0])
def test_a_beep_is_found_early_and_the_message_starts_after_it(hz: float) -> None:
    found, ready = events(silence(1000) + tone((hz,), 500) + silence(1000))
    assert (found.kind, ready.kind) == (BeepEventKind.FOUND, BeepEventKind.READY)
    assert found.at_ms - 1000 <= (220 if hz < 480 else 120), "a low tone must last longer to be no vowel"
    assert found.beep_ms is not None
    assert abs(found.beep_ms - 1000) <= 40
    assert found.beep_hz == pytest.approx(hz, abs=5)
    assert 1500 <= ready.at_ms <= 1600
    assert ready.beep_ms == found.beep_ms


@pytest.mark.parametrize("name", sorted(path.stem for path in VOICES.glob("machine_*.flac")))
def test_greetings_hold_no_false_beeps(name: str) -> None:
    pcm = read_audio(VOICES / f"{name}.flac")
    beep_starts_ms = len(pcm) // 16 - 600
    found, ready = events(pcm + silence(500))
    assert found.beep_ms == pytest.approx(beep_starts_ms, abs=40)
    assert ready.at_ms >= beep_starts_ms + 400


def test_the_end_of_a_beep_that_gave_the_machine_away_is_enough() -> None:
    detector = BeepDetector(in_beep=True)
    pcm = tone((1000.0,), 60) + silence(500)
    heard = [detector.feed(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    (ready,) = [event for event in heard if event is not None]
    assert (ready.kind, ready.beep_ms) == (BeepEventKind.READY, 0)
    assert 60 < ready.at_ms <= 160


def test_a_packet_lost_inside_the_beep_does_not_end_it() -> None:
    beep = tone((1000.0,), 300)
    _, ready = events(silence(500) + beep + silence(20) + beep + silence(500))
    assert ready.at_ms >= 500 + 620


def test_a_machine_without_a_beep_waits_in_silence() -> None:
    greeting = read_audio(VOICES / "human_zh_qing_shuo.flac")
    (ready,) = events(greeting + silence(NO_BEEP_PAUSE_MS + 500))
    assert (ready.kind, ready.beep_ms) == (BeepEventKind.READY, None)
    assert ready.at_ms <= len(greeting) // 16 + NO_BEEP_PAUSE_MS


def test_one_that_never_speaks_records_already() -> None:
    (ready,) = events(silence(NEVER_SPOKE_MS + 100))
    assert (ready.kind, ready.at_ms) == (BeepEventKind.READY, NEVER_SPOKE_MS)


def test_one_that_talks_for_ever_is_given_up() -> None:
    talk = read_audio(VOICES / "machine_zh_personal.flac")[16 * 500 : -16 * 1200]
    (event,) = events(talk * 6)
    assert (event.kind, event.at_ms) == (BeepEventKind.GAVE_UP, GIVE_UP_MS)


@pytest.mark.parametrize("length_ms", [60, 80, 100])
@pytest.mark.parametrize("offset_ms", [0, 7, 13])
def test_a_pip_between_silences(length_ms: int, offset_ms: int) -> None:
    found, ready = events(silence(1000 + offset_ms) + tone((1000.0,), length_ms) + silence(1000))
    assert found.beep_ms == pytest.approx(1000 + offset_ms, abs=20)
    assert found.at_ms <= 1000 + offset_ms + 180
    assert ready.at_ms >= 1000 + offset_ms + length_ms


def test_the_message_waits_for_the_second_of_two_pips() -> None:
    pips = tone((1400.0,), 200) + silence(200) + tone((1400.0,), 200)
    found, ready = events(silence(1000) + pips + silence(1000))
    assert found.at_ms <= 1000 + 120
    assert ready.at_ms >= 1000 + 600


@pytest.mark.parametrize(
    "beep",
    [tone((620.0, 880.0), 400), tone((1000.0,), 200) + tone((1400.0,), 200)],
    ids=["at once", "in turn"],
)
def test_a_beep_of_two_tones(beep: bytes) -> None:
    found, ready = events(silence(1000) + beep + silence(1000))
    assert found.beep_ms == pytest.approx(1000, abs=20)
    assert found.at_ms <= 1000 + 180
    assert 1400 <= ready.at_ms <= 1500 + 300


@pytest.mark.parametrize("hz", [440.0, 1000.0, 2000.0])
def test_a_beep_that_follows_the_last_word_at_once(hz: float) -> None:
    speech = read_audio(VOICES / "machine_zh_personal.flac")[16 * 500 : 16 * 2000]
    found, ready = events(speech + tone((hz,), 500) + silence(500))
    assert found.beep_ms == pytest.approx(1500, abs=20)
    assert ready.at_ms >= 2000


@pytest.mark.parametrize("level_dbfs", [-35.0, -6.0])
def test_a_beep_in_noise(level_dbfs: float) -> None:
    pcm = silence(1000) + tone((1000.0,), 500, level_dbfs) + silence(500)
    noise = np.random.default_rng(2).normal(0, 32768 * 10 ** ((level_dbfs - 8) / 20), len(pcm) // 2)
    noisy = (np.frombuffer(pcm, dtype="<i2") + noise).clip(-32768, 32767).astype("<i2").tobytes()
    found, ready = events(noisy)
    assert found.beep_ms == pytest.approx(1000, abs=20)
    assert 1500 <= ready.at_ms <= 1600
