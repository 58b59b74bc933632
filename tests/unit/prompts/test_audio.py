"""Audio files of any rate become telephone audio; what is wrong is named."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dialer.errors import InputError
from dialer.prompts.audio import at_speech_level, read_audio, resample, write_flac
from dialer.prompts.signals import tone


def sine(hz: float, rate_hz: int, seconds: float = 1.0) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [6000, 8000, 11025, 16000, 22050, 44100, 48000])
def test_a_tone_keeps_its_pitch_level_and_place(rate_hz: int) -> None:
    resampled = resample(sine(1000, rate_hz), rate_hz)
    assert len(resampled) == 8000
    middle = slice(400, 7600)
    assert np.abs(resampled[middle] - sine(1000, 8000)[middle]).max() < 0.002


def test_what_a_telephone_cannot_carry_does_not_fold_back() -> None:
    resampled = resample(sine(6000, 16000), 16000)
    assert np.abs(resampled[200:-200]).max() < 1e-3


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_16"), ("a.wav", "ALAW"), ("a.wav", "ULAW"), ("a.wav", "FLOAT"), ("a.flac", "PCM_24")],
)
def test_formats(tmp_path: Path, name: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, np.stack([sine(500, 8000)] * 2, axis=1), 8000, subtype=subtype)
    pcm = np.frombuffer(read_audio(tmp_path / name), "<i2") / 32768
    assert len(pcm) == 8000
    assert np.abs(pcm - sine(500, 8000)).max() < 0.02


def test_flac_round_trip_is_exact(tmp_path: Path) -> None:
    pcm = tone((450.0,), 300)
    write_flac(tmp_path / "a.flac", pcm)
    assert read_audio(tmp_path / "a.flac") == pcm


def test_speech_level_never_clips() -> None:
    assert np.abs(at_speech_level(sine(300, 8000) * 0.01)).max() < 0.5
    peaky = np.zeros(8000, dtype=np.float32)
    peaky[::100] = 0.001
    assert np.abs(at_speech_level(peaky)).max() <= 0.9001
    assert not at_speech_level(np.zeros(10, dtype=np.float32)).any()


def test_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    soundfile.write(tmp_path / "slow.wav", np.zeros(100), 2000)
    soundfile.write(tmp_path / "long.wav", np.zeros(4000 * 301, dtype=np.int16), 4000, subtype="PCM_U8")
    for name, words in (
        ("text.wav", "cannot be read as audio"),
        ("missing.wav", "No such file"),
        ("empty.wav", "no audio"),
        ("slow.wav", "2000 Hz"),
        ("long.wav", "longer than 300 s"),
    ):
        with pytest.raises(InputError, match=f"{name}.*{words}"):
            read_audio(tmp_path / name)
