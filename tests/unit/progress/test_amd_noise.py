"""Noise that comes and goes is nobody, and a person in noise is a person."""

from pathlib import Path

import numpy as np
import pytest

import dialer.simulator
from dialer.media.meter import NativeMeter
from dialer.progress.features import PERIODIC
from dialer.progress.frames import FRAME_BYTES, Frame, FrameMeter, Meter
from dialer.progress.verdict import Label
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import silence
from tests.support.hearing import hear

VOICES = Path(dialer.simulator.__file__).parent / "voices"
Samples = np.ndarray[tuple[int], np.dtype[np.float64]]


def measured(meter: Meter, pcm: bytes) -> list[Frame]:
    return [meter.measure(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


def rushing(duration_ms: int, level_dbfs: float, seed: int = 3) -> Samples:
    """Noise as of wind: three quarters of its power below 1 kHz."""
    white = np.random.default_rng(seed).normal(0, 1, duration_ms * 8)
    soft = np.convolve(white, np.ones(4) / 4, "same")
    return np.asarray(soft / soft.std() * 32768 * 10 ** (level_dbfs / 20))


def pcm_of(samples: Samples) -> bytes:
    return bytes(samples.clip(-32768, 32767).astype("<i2").tobytes())


@pytest.mark.parametrize("burst_ms", [200, 400, 900])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_gust_is_no_word(burst_ms: int, seed: int) -> None:
    gust = rushing(burst_ms, -20.0, seed) * np.hanning(burst_ms * 8)
    verdict = hear(silence(900) + pcm_of(gust) + silence(5000))
    assert verdict.label is Label.SILENCE


def test_after_a_gust_a_person_is_heard() -> None:
    gust = rushing(400, -20.0) * np.hanning(400 * 8)
    verdict = hear(
        silence(600) + pcm_of(gust) + silence(300) + read_audio(VOICES / "human_zh_wei.flac") + silence(2000)
    )
    assert verdict.label is Label.HUMAN


def test_a_person_in_loud_noise_is_heard() -> None:
    voice = np.frombuffer(read_audio(VOICES / "human_zh_wei_nihao.flac") + silence(2500), "<i2").astype(np.float64)
    verdict = hear(pcm_of(voice + rushing(voice.size // 8, -32.0)[: voice.size]))
    assert verdict.label is Label.HUMAN


@pytest.mark.parametrize("meter", [FrameMeter, NativeMeter])
def test_voices_have_periods_and_noise_has_none(meter: type[FrameMeter | NativeMeter]) -> None:
    words = read_audio(VOICES / "human_en_hello.flac")[2 * 8 * 400 :]
    spoken = [frame.periodicity for frame in measured(meter(), words) if frame.level_dbfs > -30]
    noise = [frame.periodicity for frame in measured(meter(), pcm_of(rushing(4000, -20.0)))[1:]]
    assert np.mean(np.array(spoken) >= PERIODIC) > 0.4
    assert np.mean(np.array(noise) >= PERIODIC) < 0.02
    assert measured(meter(), silence(100))[-1].periodicity == 0
