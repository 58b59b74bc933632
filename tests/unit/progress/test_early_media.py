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
    play_signal,
    silence,
    special_information_tone,
    tone,
)

VOICES = Path(dialer.simulator.__file__).parent / "voices"


def verdicts(pcm: bytes) -> list[Verdict]:
    detector = EarlyMediaDetector()
    frames = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    given = [verdict for verdict in map(detector.feed, frames) if verdict is not None]
    last = detector.flush()
    return [*given, last] if last is not None else given


def labels(pcm: bytes) -> list[Label]:
    return [verdict.label for verdict in verdicts(pcm)]


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
    ("signal", "label", "within_ms"),
    [
        (RINGBACK_CN, Label.RINGBACK, 1000),
        (RINGBACK_EU, Label.RINGBACK, 1000),
        (RINGBACK_US, Label.RINGBACK, 1000),
        (RINGBACK_UK, Label.RINGBACK, 2200),
        (BUSY_CN, Label.BUSY, 1500),
        (BUSY_EU, Label.BUSY, 2000),
        (BUSY_US, Label.BUSY, 2000),
        (CONGESTION_CN, Label.CONGESTION, 2900),
        (CONGESTION_EU, Label.CONGESTION, 1200),
        (CONGESTION_US, Label.CONGESTION, 1200),
    ],
)
@pytest.mark.parametrize("level_dbfs", [-12.0, -30.0])
@pytest.mark.parametrize("heard_from_ms", [0, 110, 230, 600])
def test_signals_by_cadence(
    signal: Signal, label: Label, within_ms: int, level_dbfs: float, heard_from_ms: int
) -> None:
    pcm = play_signal(signal, 16_000, level_dbfs)[16 * heard_from_ms :]
    (verdict,) = verdicts(pcm)
    assert verdict.label is label
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
