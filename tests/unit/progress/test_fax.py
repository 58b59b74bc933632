"""What a fax sends, and what only resembles it."""

import numpy as np
import pytest

from dialer.progress.fax import FaxDetector, FaxSignal, FaxTone
from dialer.progress.frames import FRAME_BYTES, FrameMeter
from dialer.prompts.signals import FAX_ANSWER, FAX_CALLING, play_signal, silence, tone

V21_BIT_SAMPLES = 8000 / 300


def signals(pcm: bytes) -> list[FaxTone]:
    meter, detector = FrameMeter(), FaxDetector()
    frames = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES))
    return [found for frame in frames if (found := detector.feed(meter.measure(frame))) is not None]


def noisy(pcm: bytes, level_dbfs: float, seed: int = 1) -> bytes:
    samples = np.frombuffer(pcm, dtype="<i2") + np.random.default_rng(seed).normal(
        0, 32768 * 10 ** (level_dbfs / 20), len(pcm) // 2
    )
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


def modulated_answer(length_ms: int, amplitude: float = 4000.0) -> bytes:
    """ANSam: the amplitude a fifth up and down at 15 Hz, the phase turned every 450 ms (ITU-T V.8)."""
    at_s = np.arange(length_ms * 8) / 8000
    turned = np.where((at_s / 0.45).astype(int) % 2, -1.0, 1.0)
    samples = amplitude * turned * (1 + 0.2 * np.sin(2 * np.pi * 15 * at_s)) * np.sin(2 * np.pi * 2100 * at_s)
    return bytes(samples.astype("<i2").tobytes())


def flags(length_ms: int, amplitude: float = 4000.0) -> bytes:
    """HDLC flags, 01111110 again and again, in V.21's upper channel."""
    bits = (0, 1, 1, 1, 1, 1, 1, 0)
    hz = [1650.0 if bits[int(n / V21_BIT_SAMPLES) % 8] else 1850.0 for n in range(length_ms * 8)]
    return bytes((amplitude * np.sin(2 * np.pi * np.cumsum(hz) / 8000)).astype("<i2").tobytes())


@pytest.mark.parametrize("level_dbfs", [-38.0, -20.0, -6.0])
def test_the_calling_tone_is_known_when_it_stops_and_each_time(level_dbfs: float) -> None:
    found = signals(silence(700) + play_signal(FAX_CALLING, 7500, level_dbfs))
    assert [(one.kind, one.start_ms) for one in found] == [(FaxSignal.CNG, at) for at in (700, 4200, 7700)][
        : len(found)
    ]
    assert len(found) >= 2
    assert found[0].hz == pytest.approx(1100, abs=4)


@pytest.mark.parametrize("hz", [1062.0, 1138.0])
@pytest.mark.parametrize("length_ms", [425, 575])
def test_the_limits_of_the_calling_tone(hz: float, length_ms: int) -> None:
    (found,) = signals(silence(300) + tone((hz,), length_ms) + silence(400))
    assert found.kind is FaxSignal.CNG


@pytest.mark.parametrize(
    "pcm",
    [
        silence(300) + tone((1100.0,), 300) + silence(400),
        silence(300) + tone((1100.0,), 1000) + silence(400),  # a beep
        silence(300) + tone((1000.0,), 500) + silence(400),
        tone((700.0,), 300) + tone((1100.0,), 500) + silence(400),  # not out of quiet
        silence(300) + tone((1100.0,), 500) + tone((700.0,), 400),  # and not into it
        silence(300) + tone((2100.0,), 300) + silence(400),
        silence(300) + tone((2040.0,), 2000) + silence(400),
        silence(300) + tone((1650.0,), 2000) + silence(400),
        silence(300) + tone((852.0, 1336.0), 500) + silence(400),  # a digit
    ],
)
def test_what_is_no_fax(pcm: bytes) -> None:
    assert signals(pcm) == []


def test_the_answer_tone_is_known_while_it_sounds() -> None:
    (found,) = signals(silence(500) + play_signal(FAX_ANSWER, 2600))
    assert (found.kind, found.start_ms) == (FaxSignal.CED, 500)


def test_the_modulated_answer_tone_of_a_fast_fax() -> None:
    (found,) = signals(silence(500) + modulated_answer(3000))
    assert found.kind is FaxSignal.ANSAM


def test_flags_before_data() -> None:
    (found,) = signals(silence(500) + flags(1000))
    assert found.kind is FaxSignal.V21
    assert abs(found.start_ms - 500) <= 40


@pytest.mark.parametrize("pcm", [play_signal(FAX_CALLING, 3500), play_signal(FAX_ANSWER, 2600), flags(1000)])
def test_a_fax_in_noise(pcm: bytes) -> None:
    quiet = signals(silence(400) + pcm)
    assert [one.kind for one in signals(noisy(silence(400) + pcm, -28.0))] == [one.kind for one in quiet]


def test_an_endless_whistle_costs_no_memory() -> None:
    assert signals(tone((2060.0,), 6000)) == []
