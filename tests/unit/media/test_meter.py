"""The native meter measures what the Python one does, and refuses what it refuses."""

import threading
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

import dialer.simulator
from dialer.media.meter import NativeMeter
from dialer.progress.frames import FRAME_BYTES, FrameMeter
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import BUSY_CN, FAX_ANSWER, RINGBACK_CN, play_signal, silence
from tests.support.hearing import frames_of

VOICES = Path(dialer.simulator.__file__).parent / "voices"


def assert_same(pcm: bytes, vad_mode: int) -> None:
    native, python = NativeMeter(vad_mode), FrameMeter(vad_mode)
    for pcm_frame in frames_of(pcm):
        measured, expected = native.measure(pcm_frame), python.measure(pcm_frame)
        assert (measured.index, measured.voiced) == (expected.index, expected.voiced)
        # the rival of a line far above everything else is a rounding error of it: its pitch may be any
        for value, wanted in zip(astuple(measured), astuple(expected), strict=True):
            assert value == pytest.approx(wanted, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("path", sorted(VOICES.glob("*.flac")), ids=lambda path: path.stem)
def test_voices_are_measured_alike(path: Path) -> None:
    assert_same(read_audio(path), vad_mode=2)


@pytest.mark.parametrize("vad_mode", [0, 1, 2, 3])
def test_every_mode_hears_alike(vad_mode: int) -> None:
    noise = np.random.default_rng(3).normal(0, 900, 24_000).astype("<i2").tobytes()
    assert_same(read_audio(VOICES / "human_zh_wei_nihao.flac") + noise, vad_mode)


def test_tones_silence_and_the_loudest_samples_are_measured_alike() -> None:
    loudest = np.where(np.random.default_rng(4).random(8000) < 0.5, -32768, 32767).astype("<i2").tobytes()
    tones = b"".join(play_signal(signal, 1500) for signal in (RINGBACK_CN, BUSY_CN, FAX_ANSWER))
    assert_same(tones + silence(400) + loudest, vad_mode=2)


@pytest.mark.parametrize("length", [0, 1, FRAME_BYTES - 1, FRAME_BYTES + 1, 2 * FRAME_BYTES])
def test_another_length_is_refused(length: int) -> None:
    for meter in (NativeMeter(), FrameMeter()):
        with pytest.raises(ValueError, match=f"a frame is {FRAME_BYTES} bytes, not {length}"):
            meter.measure(bytes(length))


def test_there_is_no_fifth_mode() -> None:
    with pytest.raises(ValueError, match="VAD mode"):
        NativeMeter(4)


def test_a_meter_may_end_in_another_thread_than_its_own() -> None:
    meters = [NativeMeter()]
    thread = threading.Thread(target=lambda: meters.pop().measure(bytes(FRAME_BYTES)))
    thread.start()
    thread.join(5.0)
    assert not meters
