"""Training on the forty shipped clips: far too few to learn from, enough to see that it runs and repeats itself."""

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from dialer.media.meter import NativeMeter
from dialer.progress.amd import JUDGE_FRAMES, AmdConfig, AmdDetector
from dialer.progress.classifier import (
    HORIZONS_MS,
    Floats,
    GreetingModel,
    Judgement,
    model_from_json,
    shipped_model,
)
from dialer.progress.features import NAMES
from dialer.progress.frames import FRAME_BYTES
from dialer.prompts.audio import read_audio

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "train_amd.py"
CLIPS = ROOT / "tests" / "data" / "speech"
ROWS = list(csv.DictReader((CLIPS / "manifest.csv").read_text(encoding="utf-8").splitlines()))
SPEAKING = [row for row in ROWS if row["label"] in ("human", "machine")]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_amd", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Watching(GreetingModel):
    """Keeps the features that it is asked about, and never comes to a verdict."""

    __slots__ = ("asked",)
    asked: list[Floats]

    def judge(self, features: Floats) -> Judgement:
        self.asked.append(features)
        return Judgement(0.5, tuple(1.0 for _ in HORIZONS_MS))


def live_features(path: Path) -> Floats:
    """Every few frames, what a detector on a call asks the networks about."""
    model = shipped_model()
    watching = Watching(model.mean, model.scale, model.layers)
    object.__setattr__(watching, "asked", [])
    detector = AmdDetector(AmdConfig(patient=True), meter=NativeMeter(), model=watching)
    pcm = read_audio(path)
    kept = []
    for index, at in enumerate(range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)):
        watching.asked.clear()
        detector.feed(pcm[at : at + FRAME_BYTES])
        if watching.asked and index % JUDGE_FRAMES == 0:
            kept.append(watching.asked[-1])
    return np.array(kept)


@pytest.mark.parametrize("row", SPEAKING[::4], ids=lambda row: row["file"])
def test_what_is_learned_from_is_what_a_call_hears(script: ModuleType, row: dict[str, str]) -> None:
    path = CLIPS / "audio" / row["file"]
    clip = script.hear(path, row)
    live = live_features(path)
    n_rows = min(len(live), len(clip.features))
    assert n_rows >= 20
    np.testing.assert_array_equal(clip.features[:n_rows], live[:n_rows])


def test_only_machines_give_themselves_away(script: ModuleType) -> None:
    clips = {row["file"]: script.hear(CLIPS / "audio" / row["file"], row) for row in SPEAKING}
    assert not any(clip.revealed.any() for clip in clips.values() if clip.label == "human")
    beeps = clips["machine-00031.wav"]  # a short greeting, then a beep 136 ms later
    in_pause = beeps.revealed[beeps.pauses_ms > 0]
    assert in_pause[-1].tolist() == [1.0] * len(HORIZONS_MS)
    speaks_on = clips["machine-00021.wav"]
    assert (np.diff(speaks_on.revealed, axis=1) >= 0).all(), "what happens soon happens before long, too"


def test_every_kind_weighs_what_is_said_of_it(script: ModuleType) -> None:
    examples = script.examples_of([script.hear(CLIPS / "audio" / row["file"], row) for row in SPEAKING])
    assert examples.features.shape[1] == len(NAMES)
    assert examples.wanted.shape == examples.weight.shape == (len(examples.features), 1 + len(HORIZONS_MS))
    assert set(np.unique(examples.wanted)) == {0.0, 1.0}
    assert examples.weight[:, 0].mean() == pytest.approx(1)
    assert (examples.weight >= 0).all()


def test_calibration_makes_probabilities_true(script: ModuleType) -> None:
    """A model surer of itself than it may be, put right by what was wanted."""
    examples = script.examples_of([script.hear(CLIPS / "audio" / row["file"], row) for row in SPEAKING])
    model = shipped_model()
    weights, bias = model.layers[-1]
    boastful = GreetingModel(model.mean, model.scale, (*model.layers[:-1], (1.5 * weights, 1.5 * bias)))
    right = script.calibrated(boastful, examples)
    assert script.loss(right, examples) < script.loss(boastful, examples)
    chances = 1 / (1 + np.exp(-right.log_odds(examples.features)))
    for column in range(chances.shape[1]):
        weight = examples.weight[:, column]
        assert np.average(chances[:, column], weights=weight) == pytest.approx(
            np.average(examples.wanted[:, column], weights=weight), abs=1e-3
        )


def test_the_same_clips_give_the_same_networks(tmp_path: Path) -> None:
    manifest = str(CLIPS / "manifest.csv")
    written = []
    for name in ("one.json", "other.json"):
        out = tmp_path / "new" / name
        arguments = ["--train", manifest, "--valid", manifest, "--networks", "1", "--out", str(out)]
        subprocess.run([sys.executable, str(SCRIPT), *arguments], check=True, cwd=ROOT, timeout=60)
        written.append(out.read_bytes())
    assert written[0] == written[1]
    model = model_from_json(json.loads(written[0]))
    assert len(model.layers[0][0]) == 1
    assert model.judge(model.mean).machine == pytest.approx(0.5, abs=0.5)
