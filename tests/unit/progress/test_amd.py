"""What answered: people, machines, faxes, silence, from audio made here or shipped with the simulator."""

from pathlib import Path

import numpy as np
import pytest

import dialer.simulator
from dialer.progress.amd import AmdConfig, AmdDetector
from dialer.progress.classifier import LONGEST_PAUSE_MS
from dialer.progress.frames import FRAME_BYTES
from dialer.progress.verdict import Label
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import FAX_ANSWER, FAX_CALLING, RINGBACK_CN, Signal, play_signal, silence, tone
from tests.support.hearing import hear

VOICES = Path(dialer.simulator.__file__).parent / "voices"


def voice(name: str) -> bytes:
    return read_audio(VOICES / f"{name}.flac")


def noise(duration_ms: int, level_dbfs: float) -> bytes:
    samples = np.random.default_rng(7).normal(0, 32768 * 10 ** (level_dbfs / 20), duration_ms * 8)
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def mixed(one: bytes, other: bytes) -> bytes:
    length = min(len(one), len(other)) // 2
    total = np.frombuffer(one, "<i2")[:length].astype(int) + np.frombuffer(other, "<i2")[:length]
    return bytes(total.clip(-32768, 32767).astype("<i2").tobytes())


@pytest.mark.parametrize("name", sorted(path.stem for path in VOICES.glob("human_*.flac")))
def test_a_person_is_known_soon_after_the_greeting(name: str) -> None:
    verdict = hear(voice(name) + silence(1000))
    assert verdict.label is Label.HUMAN
    assert verdict.greeting_end_ms is not None
    assert verdict.decided_ms - verdict.greeting_end_ms <= LONGEST_PAUSE_MS
    assert verdict.first_speech_ms is not None
    assert 380 <= verdict.first_speech_ms <= 480, "the clip begins with 400 ms of quiet"


@pytest.mark.parametrize("name", sorted(path.stem for path in VOICES.glob("machine_*.flac")))
def test_a_long_greeting_is_a_machine_before_it_ends(name: str) -> None:
    verdict = hear(voice(name))
    assert verdict.label is Label.MACHINE
    assert verdict.subclass == "greeting"
    assert verdict.greeting_end_ms is None
    assert verdict.decided_ms < 5500


def test_a_beep_after_a_word_is_a_machine() -> None:
    verdict = hear(voice("human_zh_wei")[: 2 * 8 * 700] + tone((1000.0,), 400))
    assert (verdict.label, verdict.subclass) == (Label.MACHINE, "beep")
    assert verdict.beep_ms is not None
    assert 680 <= verdict.beep_ms <= 740
    assert verdict.decided_ms - 700 <= 180


def test_a_beep_alone_is_a_machine() -> None:
    assert hear(silence(800) + tone((850.0,), 300) + silence(1000)).label is Label.MACHINE


@pytest.mark.parametrize("signal", [FAX_CALLING, FAX_ANSWER])
@pytest.mark.parametrize("before_ms", [0, 700])
def test_a_fax_is_known_by_its_tone(signal: Signal, before_ms: int) -> None:
    verdict = hear(silence(before_ms) + play_signal(signal, 4000))
    assert verdict.label is Label.FAX
    assert verdict.subclass == ("cng" if signal is FAX_CALLING else "ced")
    assert verdict.beep_ms is None


def test_a_long_tone_of_the_calling_pitch_is_no_calling_fax() -> None:
    assert hear(silence(300) + tone((1100.0,), 1500) + silence(1000)).label is Label.MACHINE


def test_nobody_speaks() -> None:
    verdict = hear(silence(6000))
    assert verdict.label is Label.SILENCE
    assert verdict.decided_ms == AmdConfig().silence_after_ms
    assert hear(noise(6000, -45.0)).label is Label.SILENCE


def test_the_rest_of_the_ringing_tone_is_no_beep_and_no_speech() -> None:
    ringing = play_signal(RINGBACK_CN, 600)
    verdict = hear(ringing + voice("human_zh_wei") + silence(1000))
    assert verdict.label is Label.HUMAN
    assert verdict.first_speech_ms is not None
    assert verdict.first_speech_ms >= 900


def test_a_click_at_the_pick_up_does_not_hide_a_quiet_voice() -> None:
    quiet = (np.frombuffer(voice("human_zh_wei_nihao"), "<i2") // 8).astype("<i2").tobytes()
    click = (np.ones(160) * 20000).astype("<i2").tobytes()
    assert hear(silence(160) + click + quiet + silence(1000)).label is Label.HUMAN


@pytest.mark.parametrize("level_dbfs", [-50.0, -40.0, -32.0])
def test_steady_noise_does_not_delay_the_verdict(level_dbfs: float) -> None:
    clean = voice("human_zh_wei_nihao") + silence(2000)
    verdict = hear(mixed(clean, noise(6000, level_dbfs)))
    assert verdict.label is Label.HUMAN
    assert verdict.decided_ms <= hear(clean).decided_ms + 60


def test_a_voice_too_faint_to_be_sure_of_goes_to_a_collector() -> None:
    faint = (np.frombuffer(voice("machine_zh_personal"), "<i2") // 40).astype("<i2").tobytes()
    assert hear(faint).label is Label.UNKNOWN


def test_what_stays_undecided_is_unknown() -> None:
    clipped = voice("human_en_hello")[: 2 * 8 * 700]
    verdict = hear(clipped)
    assert (verdict.label, verdict.subclass) == (Label.UNKNOWN, "ended")
    assert hear(silence(1000)).label is Label.UNKNOWN
    assert hear(silence(3000)).label is Label.SILENCE
    assert hear(voice("human_en_hello") + silence(200)).label is Label.HUMAN, "the pause was long enough already"
    patient = AmdConfig(silence_after_ms=60_000, give_up_after_ms=2000)
    assert hear(silence(4000), patient).label is Label.UNKNOWN


def test_a_greeting_that_has_just_ended_with_the_call_is_a_persons() -> None:
    verdict = hear(voice("human_zh_qing_shuo"))
    assert (verdict.label, verdict.subclass) == (Label.HUMAN, "long")


def test_sound_too_broken_to_be_speech_is_unknown() -> None:
    syllable = voice("human_zh_wei")[2 * 8 * 400 : 2 * 8 * 560]
    pcm = silence(400) + (syllable + silence(240)) * 4 + (syllable + silence(540)) * 8
    assert hear(pcm).label in (Label.HUMAN, Label.UNKNOWN)


def test_broken_sound_for_long_is_not_called_a_machine() -> None:
    word = voice("human_zh_wei")[2 * 8 * 400 : 2 * 8 * 600]
    verdict = hear((word + silence(280)) * 14)
    assert verdict.label in (Label.HUMAN, Label.UNKNOWN)


def test_a_verdict_is_given_once() -> None:
    detector = AmdDetector()
    frames = [detector.feed(bytes(FRAME_BYTES)) for _ in range(400)]
    assert len([verdict for verdict in frames if verdict is not None]) == 1
    assert detector.flush() is None


@pytest.mark.parametrize("size", [0, 319, 321, 640])
def test_a_frame_is_20_ms(size: int) -> None:
    with pytest.raises(ValueError, match="320 bytes"):
        AmdDetector().feed(bytes(size))
