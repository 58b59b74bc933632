"""The network's tones are known in any plan, at any level, from anywhere on; nothing else is taken for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.progress.early_media import EarlyMediaDetector
from dialer.progress.fax import FaxDetector
from dialer.progress.frames import FRAME_BYTES, FrameMeter
from dialer.progress.tone_plans import NetworkTone, tones_of
from dialer.progress.tones import ToneTracker
from dialer.progress.verdict import Label, Verdict
from dialer.prompts.signals import silence, tone

SIGNALS = (Label.RINGBACK, Label.BUSY, Label.CONGESTION, Label.SIT)
UNMODULATED = [one for one in tones_of() if one.modulated_hz == 0.0]


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def last_verdict(pcm: bytes, *plans: str) -> Verdict | None:
    detector = EarlyMediaDetector(plans=plans)
    for frame in frames(pcm):
        detector.feed(frame)
    return detector.verdict


def played(signal: NetworkTone, pitch: float, pace: float, level_dbfs: float) -> bytes:
    """Two cycles and a bit, everything off by these factors."""
    hz = tuple(one * pitch for one in signal.frequencies_hz)
    cycle = b"".join(
        tone(hz, round(on_ms * pace), level_dbfs) + silence(round(off_ms * pace)) for on_ms, off_ms in signal.pulses
    )
    n_cycles = 3 if sum(map(sum, signal.pulses)) > 2500 else 6
    return cycle * n_cycles


def voice(pitches_hz: list[float], seed: int) -> bytes:
    """Syllables of a buzz under two formants, each gliding as speech does, with pauses between them."""
    random = np.random.default_rng(seed)
    syllables = []
    for pitch_hz in pitches_hz:
        n_samples = int(random.integers(900, 3000))
        glide = random.choice((-1, 1)) * random.uniform(0.06, 0.2)
        phase = 2 * np.pi * np.cumsum(pitch_hz * np.linspace(1, 1 + glide, n_samples)) / 8000
        first_hz, second_hz = random.uniform((300, 900), (800, 2400))
        harmonics = np.arange(1, 16)
        first = 1 / (1 + ((harmonics * pitch_hz - first_hz) / 120) ** 2)
        second = 0.3 / (1 + ((harmonics * pitch_hz - second_hz) / 120) ** 2)
        buzz = sum(
            gain * np.sin(k * phase) for k, gain in zip(harmonics, first + second + 0.2 / harmonics, strict=True)
        )
        syllables += [buzz * np.hanning(n_samples), np.zeros(int(random.integers(200, 2500)))]
    samples = np.concatenate(syllables)
    return bytes((9000 * samples / np.abs(samples).max()).astype("<i2").tobytes())


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(UNMODULATED),
    st.floats(0.99, 1.01),
    st.floats(0.96, 1.04),
    st.floats(-38, -6),
    st.integers(0, 400),
)
def test_every_signal_is_known_in_its_plan(
    signal: NetworkTone, pitch: float, pace: float, level_dbfs: float, silent_ms: int
) -> None:
    verdict = last_verdict(silence(silent_ms) + played(signal, pitch, pace, level_dbfs), signal.plan)
    assert verdict is not None
    assert (verdict.label, verdict.subclass) == (signal.label, signal.plan)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([one for one in UNMODULATED if one.plan in ("cn", "us", "uk", "eu")]), st.floats(0, 1))
def test_the_main_plans_are_known_without_being_named_and_from_anywhere_on(signal: NetworkTone, begin: float) -> None:
    pcm = played(signal, 1.0, 1.0, -20.0)
    cycle_bytes = 16 * sum(map(sum, signal.pulses))
    start = int(begin * cycle_bytes / 2) * 2
    verdict = last_verdict(pcm[start:] + pcm[:cycle_bytes])
    assert verdict is not None
    assert verdict.label is signal.label


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(80, 330), min_size=8, max_size=20), st.integers(0, 10_000))
def test_no_voice_is_a_tone(pitches_hz: list[float], seed: int) -> None:
    meter, tones, fax = FrameMeter(), ToneTracker(), FaxDetector()
    pcm = voice(pitches_hz, seed)
    for frame in map(meter.measure, frames(pcm)):
        tones.feed(frame)
        assert tones.current is None
        assert fax.feed(frame) is None
    verdict = last_verdict(pcm)
    assert verdict is None or verdict.label not in SIGNALS


@settings(max_examples=60, deadline=None)
@given(st.floats(330, 3000), st.floats(-38, -6), st.integers(140, 1500), st.integers(0, 19))
def test_a_steady_tone_is_found_where_it_begins(hz: float, level_dbfs: float, length_ms: int, offset_ms: int) -> None:
    meter, tones, first = FrameMeter(), ToneTracker(), None
    for frame in map(
        meter.measure, frames(silence(300 + offset_ms) + tone((hz,), length_ms, level_dbfs) + silence(200))
    ):
        tones.feed(frame)
        first = first or tones.current
    assert first is not None
    assert abs(first.start_ms - 300 - offset_ms) <= 20
    assert first.hz == pytest.approx(hz, abs=5)
