"""Steady tones, and what only sounds like one for a moment."""

import numpy as np
import pytest

from dialer.progress.frames import FRAME_BYTES, FrameMeter
from dialer.progress.tones import Tone, ToneTracker
from dialer.prompts.signals import silence, tone


def follow(pcm: bytes) -> list[ToneTracker]:
    """The tracker after each frame: only what it says of the end is kept."""
    meter, tracker = FrameMeter(), ToneTracker()
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        tracker.feed(meter.measure(pcm[at : at + FRAME_BYTES]))
    return [tracker]


def heard(pcm: bytes) -> tuple[list[Tone], list[Tone], list[Tone]]:
    """Every tone as it was first certain, as it ended, and those that broke off."""
    meter, tracker = FrameMeter(), ToneTracker()
    began, ended, broken_off = [], [], []
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        before = tracker.current
        tracker.feed(meter.measure(pcm[at : at + FRAME_BYTES]))
        began += [tracker.current] if tracker.current is not None and before is None else []
        ended += [tracker.ended] if tracker.ended is not None else []
        broken_off += [tracker.broken_off] if tracker.broken_off is not None else []
    return began, ended, broken_off


def swept(start_hz: float, end_hz: float, length_ms: int) -> bytes:
    n = length_ms * 8
    phase = 2 * np.pi * np.cumsum(np.linspace(start_hz, end_hz, n)) / 8000
    return bytes((6000 * np.sin(phase)).astype("<i2").tobytes())


def vowel(pitch_hz: float, length_ms: int) -> bytes:
    """A buzz of harmonics under two formants, its pitch gliding as a voice's does."""
    n = length_ms * 8
    phase = 2 * np.pi * np.cumsum(pitch_hz * np.linspace(1.05, 0.92, n)) / 8000
    gains = [
        (k, 1 / (1 + ((k * pitch_hz - 500) / 150) ** 2) + 0.3 / (1 + ((k * pitch_hz - 1500) / 200) ** 2))
        for k in range(1, 20)
    ]
    samples = sum(gain * np.sin(k * phase) for k, gain in gains)
    return bytes((8000 * samples / np.abs(samples).max()).astype("<i2").tobytes())


@pytest.mark.parametrize(("hz", "needed_ms"), [(425.0, 120), (500.0, 120), (620.0, 120), (1000.0, 100), (2900.0, 100)])
@pytest.mark.parametrize("level_dbfs", [-40.0, -20.0, -6.0])
def test_a_tone_is_certain_after_some_frames_and_ends_where_it_ends(
    hz: float, needed_ms: int, level_dbfs: float
) -> None:
    (began,), (ended,), broken_off = heard(silence(200) + tone((hz,), 400, level_dbfs) + silence(200))
    assert (began.start_ms, began.length_ms) == (200, needed_ms)
    assert (ended.start_ms, ended.length_ms) == (200, 400)
    assert ended.near(hz, 3.0)
    assert not ended.near(hz + 10, 3.0)
    assert broken_off == []


def test_a_lost_packet_does_not_end_a_tone() -> None:
    lossy = tone((1000.0,), 200) + silence(20) + tone((1000.0,), 60) + silence(40) + tone((1000.0,), 200)
    began, ended, _ = heard(silence(100) + lossy + silence(200))
    assert len(began) == 1
    assert [one.length_ms for one in ended] == [520]


def test_a_pip_breaks_off_before_it_is_certain() -> None:
    began, ended, (pip,) = heard(silence(200) + tone((1000.0,), 60) + silence(200))
    assert (began, ended) == ([], [])
    assert (pip.start_ms, pip.length_ms) == (200, 60)


def test_a_click_is_nothing_at_all() -> None:
    assert heard(silence(200) + tone((1000.0,), 10) + silence(200)) == ([], [], [])


@pytest.mark.parametrize("pcm", [swept(900, 1500, 1000), swept(2200, 1600, 1500), swept(350, 500, 1500)])
def test_a_whistle_glides_and_is_no_tone(pcm: bytes) -> None:
    began, _, _ = heard(silence(100) + pcm)
    assert began == []


@pytest.mark.parametrize("pitch_hz", [95.0, 140.0, 220.0, 300.0])
def test_a_vowel_is_no_tone(pitch_hz: float) -> None:
    began, _, _ = heard(silence(100) + vowel(pitch_hz, 1200) + silence(100))
    assert began == []


def test_two_tones_in_a_row_are_two() -> None:
    began, _, _ = heard(tone((800.0,), 200) + tone((1200.0,), 200) + silence(100))
    assert [round(one.hz, -2) for one in began] == [800, 1200]


def test_what_may_be_a_tone_is_suspected() -> None:
    (tracker,) = follow(silence(100) + tone((1000.0,), 60))
    assert tracker.suspected
    assert tracker.current is None
    (tracker,) = follow(silence(100))
    assert not tracker.suspected
