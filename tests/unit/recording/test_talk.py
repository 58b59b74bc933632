"""Shares of talk, against speech whose place is known."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from recording.talk import TalkMeter, TalkShares

CLIPS = Path(__file__).parents[2] / "data" / "speech"
FRAME = 160
CLIP_S = 6.0
ALLOWED = 0.03
"""Of the length: two words of a minute's call."""


def quiet_clips() -> list[tuple[np.ndarray, float]]:
    """Clips of people without noise, and the share of speech in each."""
    with (CLIPS / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["label"] == "human" and not row["noise"]]
    return [
        (soundfile.read(CLIPS / "audio" / row["file"], dtype="int16")[0], int(row["speech_ms"]) / 1000 / CLIP_S)
        for row in rows
    ]


def shares_of(far: np.ndarray, near: np.ndarray) -> TalkShares:
    meter = TalkMeter()
    frames = np.stack((far, near)).astype(np.float32).reshape(2, -1, FRAME)
    for part in np.array_split(np.square(frames).mean(axis=2), 3, axis=1):
        meter.add(part)
    return meter.shares()


def noise(n_samples: int, dbfs: float) -> np.ndarray:
    return np.random.default_rng(7).normal(0, 32768 * 10 ** (dbfs / 20), n_samples)


@pytest.mark.parametrize("gain_db", [-6.0, 0.0, 6.0])
@pytest.mark.parametrize("noise_dbfs", [-90.0, -60.0])
def test_turns_of_speech_are_measured_whatever_their_level(gain_db: float, noise_dbfs: float) -> None:
    """The far end says one clip, the near end the next, and so on: nobody interrupts."""
    clips = quiet_clips()
    far = np.concatenate([clip if n % 2 == 0 else 0 * clip for n, (clip, _) in enumerate(clips)])
    near = np.concatenate([clip if n % 2 == 1 else 0 * clip for n, (clip, _) in enumerate(clips)])
    gain, floor = 10 ** (gain_db / 20), noise(len(far), noise_dbfs)
    found = shares_of(np.clip(far * gain + floor, -32768, 32767), np.clip(near * gain + floor, -32768, 32767))
    said = [share / len(clips) for _, share in clips]
    assert found.far == pytest.approx(sum(said[::2]), abs=ALLOWED)
    assert found.near == pytest.approx(sum(said[1::2]), abs=ALLOWED)
    assert found.silence == pytest.approx(1 - sum(said), abs=ALLOWED)
    assert found.overtalk == 0.0


def test_talking_over_each_other_is_measured() -> None:
    clip, share = quiet_clips()[0]
    found = shares_of(clip, clip)
    assert found.overtalk == found.far == found.near == pytest.approx(share, abs=ALLOWED)


@pytest.mark.parametrize("dbfs", [-100.0, -55.0, -35.0])
def test_noise_alone_is_silence(dbfs: float) -> None:
    hiss = noise(60 * 8000, dbfs)
    assert shares_of(hiss, hiss) == TalkShares(silence=1.0)


def test_a_click_is_no_word_and_a_breath_no_pause() -> None:
    click = np.zeros(8000)
    click[4000:4320] = 8000
    word = np.zeros(8000)
    word[1600:3200] = word[4640:6240] = 8000
    found = shares_of(click, word)
    assert found.far == 0.0
    assert found.near == pytest.approx(0.58)


def test_nothing_is_silence() -> None:
    assert TalkMeter().shares() == TalkShares(silence=1.0)
