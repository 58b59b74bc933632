"""What is heard before the answer."""

from pathlib import Path

import numpy as np
import pytest

import dialer.simulator
from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.frames import FRAME_BYTES
from dialer.progress.verdict import Label, Verdict
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import (
    BUSY_CN,
    BUSY_EU,
    BUSY_US,
    CONGESTION_CN,
    CONGESTION_EU,
    CONGESTION_US,
    RINGBACK_CN,
    RINGBACK_EU,
    RINGBACK_UK,
    RINGBACK_US,
    Signal,
    network_signal,
    play_signal,
    silence,
    special_information_tone,
    tone,
)

VOICES = Path(dialer.simulator.__file__).parent / "voices"


def verdicts(pcm: bytes, *plans: str) -> list[Verdict]:
    detector = EarlyMediaDetector(plans=plans)
    frames = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    given = [verdict for verdict in map(detector.feed, frames) if verdict is not None]
    last = detector.flush()
    return [*given, last] if last is not None else given


def labels(pcm: bytes, *plans: str) -> list[Label]:
    return [verdict.label for verdict in verdicts(pcm, *plans)]


def mixed(one: bytes, other: bytes, other_db: float = 0.0) -> bytes:
    """Both at once, the second one louder by so much; as long as the first."""
    first, second = np.frombuffer(one, dtype="<i2"), np.frombuffer(other, dtype="<i2")
    samples = first + 10 ** (other_db / 20) * np.resize(second, len(first))
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


def noise(length_ms: int, level_dbfs: float) -> bytes:
    samples = np.random.default_rng(4).normal(0, 32768 * 10 ** (level_dbfs / 20), length_ms * 8)
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


def tune(duration_ms: int) -> bytes:
    """Notes without pauses, each with two overtones: what a colour ringback sounds like to a classifier."""
    at_s = np.arange(250 * 8) / 8000
    notes = [262, 330, 392, 523, 392, 330, 294, 349]
    cycle = np.concatenate(
        [sum(np.sin(2 * np.pi * hz * k * at_s) / k for k in (1, 2, 3)) * np.exp(-at_s) for hz in notes]
    )
    samples = np.resize(cycle * 6000, duration_ms * 8)
    return samples.astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("plan", "signal", "label", "within_ms"),
    [
        ("cn", RINGBACK_CN, Label.RINGBACK, 1000),
        ("eu", RINGBACK_EU, Label.RINGBACK, 1000),
        ("us", RINGBACK_US, Label.RINGBACK, 1000),
        ("uk", RINGBACK_UK, Label.RINGBACK, 2200),
        ("cn", BUSY_CN, Label.BUSY, 1500),
        ("eu", BUSY_EU, Label.BUSY, 2000),
        ("us", BUSY_US, Label.BUSY, 2000),
        ("cn", CONGESTION_CN, Label.CONGESTION, 2900),
        ("eu", CONGESTION_EU, Label.CONGESTION, 1200),
        ("us", CONGESTION_US, Label.CONGESTION, 1200),
    ],
)
@pytest.mark.parametrize("level_dbfs", [-12.0, -30.0])
@pytest.mark.parametrize("heard_from_ms", [0, 110, 230, 600])
def test_signals_by_cadence(
    plan: str, signal: Signal, label: Label, within_ms: int, level_dbfs: float, heard_from_ms: int
) -> None:
    pcm = play_signal(signal, 16_000, level_dbfs)[16 * heard_from_ms :]
    (verdict,) = verdicts(pcm)
    assert (verdict.label, verdict.subclass) == (label, plan)
    cycle_ms = sum(on + off for on, off in signal.pulses)
    assert verdict.decided_ms <= within_ms + (cycle_ms if heard_from_ms else 0)


@pytest.mark.parametrize("name", sorted(path.stem for path in VOICES.glob("announcement_*.flac")))
def test_announcements(name: str) -> None:
    expected = [Label.SIT] if "sit" in name else [Label.ANNOUNCEMENT]
    assert labels(read_audio(VOICES / f"{name}.flac")) == expected


def test_an_announcement_after_ringing_is_a_new_answer() -> None:
    pcm = play_signal(RINGBACK_CN, 6000) + read_audio(VOICES / "announcement_powered_off.flac") * 2
    assert labels(pcm) == [Label.RINGBACK, Label.ANNOUNCEMENT]


def test_music_rings() -> None:
    assert labels(silence(300) + tune(9000)) == [Label.MUSIC]


def test_special_information_tone_in_the_wrong_order_is_none() -> None:
    assert labels(silence(200) + special_information_tone())[0] is Label.SIT
    falling = b"".join(tone((hz,), 330) for hz in (1800.0, 1400.0, 950.0))
    assert labels(silence(200) + falling + silence(500)) == [Label.UNKNOWN]
    too_slow = b"".join(tone((hz,), 330) + silence(1200) for hz in (950.0, 1400.0, 1800.0))
    assert Label.SIT not in labels(too_slow)


def test_nothing_heard_is_unknown() -> None:
    assert labels(silence(5000)) == [Label.UNKNOWN]
    assert labels(b"") == [Label.UNKNOWN]


def test_an_odd_cadence_is_not_named() -> None:
    assert labels(play_signal(Signal((450.0,), ((400, 700),)), 6000)) == [Label.UNKNOWN]


def test_cadences_too_quick_for_any_signal_and_first_pulses_of_another_length() -> None:
    assert labels(silence(500) + play_signal(Signal((450.0,), ((120, 120),)), 1500)) == [Label.UNKNOWN]
    odd_start = silence(500) + tone((450.0,), 180) + silence(350)
    (verdict,) = verdicts(odd_start + play_signal(BUSY_CN, 4000))
    assert verdict.label is Label.BUSY
    assert verdict.decided_ms > 500 + 180 + 350 + 700, "not before two pulses agree"


def test_lost_packets_do_not_break_a_cadence() -> None:
    pcm = bytearray(play_signal(BUSY_CN, 8000))
    for at in range(0, len(pcm), FRAME_BYTES * 23):
        pcm[at : at + FRAME_BYTES] = bytes(len(pcm[at : at + FRAME_BYTES]))
    assert labels(bytes(pcm)) == [Label.BUSY]


def test_the_plan_decides_what_several_countries_use() -> None:
    fast = play_signal(network_signal("br", Label.BUSY), 6000)
    assert labels(fast) == [Label.CONGESTION]
    assert labels(fast, "br") == [Label.BUSY]
    assert labels(fast, "se", "cn") == [Label.BUSY]
    with pytest.raises(ValueError, match="no tone plan atlantis"):
        verdicts(b"", "atlantis")


def test_two_signals_of_one_plan_that_begin_alike_are_told_when_they_part() -> None:
    congested = play_signal(network_signal("es", Label.CONGESTION), 8000)
    busy = play_signal(network_signal("es", Label.BUSY), 8000)
    for heard_from_ms in (0, 300, 900):
        assert labels(silence(300) + congested[16 * heard_from_ms :], "es") == [Label.CONGESTION]
        assert labels(silence(300) + busy[16 * heard_from_ms :], "es") == [Label.BUSY]


def test_a_vacant_number_in_china_has_a_rhythm_of_its_own() -> None:
    (verdict,) = verdicts(silence(500) + play_signal(network_signal("cn", Label.SIT), 6000))
    assert (verdict.label, verdict.subclass) == (Label.SIT, "cn")


@pytest.mark.parametrize("signal", [RINGBACK_CN, RINGBACK_US, RINGBACK_UK, BUSY_CN, BUSY_US, CONGESTION_EU])
def test_signals_in_noise_are_the_same(signal: Signal) -> None:
    pcm = silence(300) + play_signal(signal, 14_000, -24.0)
    assert labels(mixed(pcm, noise(14_300, -32.0))) == labels(pcm)


def test_a_tone_that_does_not_end_is_no_ringing() -> None:
    assert labels(tone((425.0,), 5000)) == [Label.RINGBACK, Label.UNKNOWN]


def test_a_soft_announcement_after_loud_ringing() -> None:
    voice = np.frombuffer(read_audio(VOICES / "announcement_powered_off.flac") * 2, dtype="<i2")
    soft = bytes((voice * 0.15).astype("<i2").tobytes())
    assert labels(play_signal(RINGBACK_CN, 6000, -9.0) + soft) == [Label.RINGBACK, Label.ANNOUNCEMENT]


def test_an_advertisement_over_music_is_music() -> None:
    voice = read_audio(VOICES / "machine_zh_carrier.flac")[: 16 * 5000]
    assert labels(mixed(tune(12_000), silence(1500) + voice + silence(5500), -2.0)) == [Label.MUSIC]


def test_an_announcement_in_noise() -> None:
    voice = read_audio(VOICES / "announcement_powered_off.flac") * 2
    assert labels(mixed(voice, noise(len(voice) // 16, -42.0))) == [Label.ANNOUNCEMENT]


def test_noise_alone_is_neither_speech_nor_music() -> None:
    assert labels(noise(8000, -30.0)) == [Label.UNKNOWN]


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("ic", (913.8, 274), (1370.6, 274)),
        ("vc", (985.2, 380), (1370.6, 274)),
        ("ro", (913.8, 274), (1428.5, 380)),
        ("nc", (985.2, 380), (1428.5, 380)),
        ("itu", (950.0, 330), (1400.0, 330)),
        ("itu", (900.0, 330), (1400.0, 330)),  # Germany, Belgium
    ],
)
@pytest.mark.parametrize("gap_ms", [0, 30])
def test_information_tones_say_why(kind: str, first: tuple[float, int], second: tuple[float, int], gap_ms: int) -> None:
    third = (1800.0, 330) if kind == "itu" else (1776.7, 380)
    tones = b"".join(tone((hz,), length_ms) + silence(gap_ms) for hz, length_ms in (first, second, third))
    (verdict,) = verdicts(silence(310) + tones + read_audio(VOICES / "announcement_empty_number.flac"))
    assert (verdict.label, verdict.subclass) == (Label.SIT, kind)
    assert verdict.decided_ms <= 310 + len(tones) // 16
