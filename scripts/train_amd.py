"""Trains the greeting classifier: `python scripts/train_amd.py --train MANIFEST --valid MANIFEST [--out FILE]`.

The clips come from `scripts/make_speech.py` (or any manifest of the same form). Each clip is heard as on a call, and
the features of its greeting are taken every few frames: the networks learn how probably a machine greets *given what
was heard so far*, and how probably it gives itself away if one waits. What is learned stops where a live call has long
been decided. Everything is seeded: the same clips give the same networks.
"""

import argparse
import csv
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dialer.media.meter import NativeMeter
from dialer.progress.classifier import HORIZONS_MS, LONGEST_PAUSE_MS, GreetingModel
from dialer.progress.features import GreetingFeatures
from dialer.progress.frames import FRAME_BYTES
from dialer.progress.speech import SpeechTracker
from dialer.progress.tones import ToneTracker
from dialer.prompts.audio import read_audio

Floats = NDArray[np.float64]
STEP_FRAMES = 3
LONGEST_SPAN_MS = 5000
BEEP_KNOWN_MS = 100
"""So long after its start a beep is heard."""
MACHINE_SHARE = 0.45
"""How many of those who answer are machines, before anything was heard."""
PAUSE_FROM_MS = 100
PAUSE_WEIGHT = 0.5
"""Weight of what is learned about waiting, beside what is learned about machines."""
HIDDEN = (32, 16)
EPOCHS = 16
BATCH = 2048
LEARNING_RATE = 3e-3
WEIGHT_DECAY = 5e-4
SHIPPED = Path(__file__).parents[1] / "dialer" / "progress" / "data" / "greeting_model.json"
SHARES = {
    "human": {"short": 26, "normal": 16, "business": 6, "two_utterances": 8, "tv": 3, "noisy": 4, "late": 2},
    "machine": {"carrier": 14, "personal": 8, "assistant": 4, "short": 11, "pause": 5, "concat": 8},
}
"""How often each kind is met, whatever their numbers in the training clips: weights within a label."""
USUAL_SPEECH_MS = {"normal": 1700, "noisy": 1700, "business": 3500, "late": 800}
"""People rarely greet for longer; the clips go far beyond, and those beyond weigh little."""
RARE = 0.2


@dataclass(frozen=True, slots=True)
class Clip:
    """What was heard of one clip, every few frames, until it would have been decided anyway.

    `revealed` says for each row and horizon whether a machine gives itself away by then; `pauses_ms` is the silence.
    """

    label: str
    subclass: str
    weight: float
    features: Floats
    revealed: Floats
    pauses_ms: Floats


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of features; columns of what is to be learned (a machine, each horizon), and what each is worth."""

    features: Floats
    wanted: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class _Moment:
    at_ms: int
    pause_ms: int
    features: Floats


def main() -> None:
    """Reads, learns, calibrates, writes."""
    arguments = _arguments()
    train, valid = (examples_of(_hear_all(paths)) for paths in (arguments.train, arguments.valid))
    networks = [learn(train, valid, seed) for seed in range(arguments.networks)]
    print("validation loss of each network:", ", ".join(f"{loss(network, valid):.4f}" for network in networks))
    model = calibrated(stacked(networks), valid)
    print(f"together, calibrated: {loss(model, valid):.4f}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(model.to_json(), separators=(",", ":")) + "\n", encoding="utf-8")


def hear(path: Path, row: dict[str, str]) -> Clip | None:
    """One clip's features; None when no speech was heard in it."""
    meter, speech, tones, greeting = NativeMeter(), SpeechTracker(), ToneTracker(), GreetingFeatures()
    beep_ms = int(row["beep_ms"]) + BEEP_KNOWN_MS if row["beep_ms"] else None
    pcm = read_audio(path)
    moments: list[_Moment] = []
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        frame = meter.measure(pcm[at : at + FRAME_BYTES])
        tones.feed(frame)
        active = speech.feed(frame, in_tone=tones.suspected)
        if tones.current is not None:
            speech.retract(tones.current.start_ms)
        greeting.feed(frame, speech, active=active)
        if speech.heard and frame.index % STEP_FRAMES == 0:
            moments.append(_Moment(frame.end_ms, speech.pause_ms, greeting.vector(speech)))
    n_rows = _undecided(moments, beep_ms)
    if n_rows == 0:
        return None
    machine = row["label"] == "machine"
    return Clip(
        row["label"],
        row["subclass"],
        how_usual(row),
        np.array([moment.features for moment in moments[:n_rows]]),
        np.array([_revealed(moments, at, beep_ms) if machine else _NEVER for at in range(n_rows)]),
        np.array([float(moment.pause_ms) for moment in moments[:n_rows]]),
    )


_NEVER = tuple(0.0 for _ in HORIZONS_MS)


def _undecided(moments: Sequence[_Moment], beep_ms: int | None) -> int:
    """How many moments there are until a call would have been decided: by a beep, by its length, by a long pause."""
    for count, moment in enumerate(moments):
        beeps = beep_ms is not None and moment.at_ms >= beep_ms
        if beeps or moment.features[0] * 1000 > LONGEST_SPAN_MS or moment.pause_ms > LONGEST_PAUSE_MS:
            return count
    return len(moments)


def _revealed(moments: Sequence[_Moment], at: int, beep_ms: int | None) -> tuple[float, ...]:
    """Whether a machine that is silent now speaks on or beeps within each horizon, and before the longest pause."""
    now = moments[at]
    if now.pause_ms == 0:
        return _NEVER
    pairs = pairwise(moments[at:])
    resumes_ms = next((after.at_ms for before, after in pairs if after.pause_ms <= before.pause_ms), None)
    in_ms = min((later - now.at_ms for later in (resumes_ms, beep_ms) if later is not None), default=None)
    left_ms = LONGEST_PAUSE_MS - now.pause_ms
    return tuple(float(in_ms is not None and in_ms <= min(horizon, left_ms)) for horizon in HORIZONS_MS)


def how_usual(row: dict[str, str]) -> float:
    """Weight of a clip within its kind: the clips spread wider than greetings do."""
    kind, speech_ms = row["subclass"], int(row["speech_ms"] or 0)
    end_ms, first_ms = int(row["greeting_end_ms"]), int(row["first_speech_ms"])
    if row["label"] == "human":
        return 1.0 if speech_ms <= USUAL_SPEECH_MS.get(kind, speech_ms) else RARE
    if kind == "pause":
        return 1.0 if end_ms - first_ms - speech_ms <= 1100 else RARE
    if kind != "short":
        return 1.0
    usual = 700 <= int(row["beep_ms"]) - end_ms <= 1700 if row["beep_ms"] else False
    return (1.0 if usual else RARE) * (1.0 if speech_ms <= 2100 else RARE)


def examples_of(clips: Sequence[Clip]) -> Examples:
    """Every row weighs as much as its kind is frequent, over the weight of all clips of that kind."""
    total: Counter[tuple[str, str]] = Counter()
    for clip in clips:
        total[clip.label, clip.subclass] += clip.weight  # type: ignore[assignment]  # counts may be fractions
    prior = {"machine": MACHINE_SHARE, "human": 1 - MACHINE_SHARE}
    weights, wanted = [], []
    for clip in clips:
        shares = SHARES[clip.label]
        share = shares[clip.subclass] / sum(shares.values()) * clip.weight / total[clip.label, clip.subclass]
        weights.append(np.full(len(clip.features), prior[clip.label] * share))
        machine = np.full((len(clip.features), 1), float(clip.label == "machine"))
        wanted.append(np.hstack((machine, clip.revealed)))
    weight = np.concatenate(weights)
    weight /= weight.mean()
    waits = np.concatenate([clip.pauses_ms for clip in clips]) >= PAUSE_FROM_MS
    of_waits = PAUSE_WEIGHT * weight * waits / waits.mean()
    columns = np.stack([weight, *(of_waits for _ in HORIZONS_MS)], axis=1)
    return Examples(np.concatenate([clip.features for clip in clips]), np.concatenate(wanted), columns)


def loss(model: GreetingModel, examples: Examples) -> float:
    """Mean negative logarithm of the probability of what it was, over all that is learned."""
    odds = model.log_odds(examples.features)
    losses = (np.logaddexp(0.0, odds) - examples.wanted * odds) * examples.weight
    return float(losses.sum() / examples.weight[:, 0].sum())


def learn(train: Examples, valid: Examples, seed: int) -> GreetingModel:
    """Adam (Kingma & Ba, 2015) with a cosine-shaped step; the epoch that did best on `valid` is kept."""
    chance = np.random.default_rng(seed)
    weight = train.weight[:, 0]
    mean = np.average(train.features, axis=0, weights=weight)
    scale = np.sqrt(np.average((train.features - mean) ** 2, axis=0, weights=weight)) + 1e-6
    sizes = (train.features.shape[1], *HIDDEN, train.wanted.shape[1])
    parameters = [chance.normal(0, n**-0.5, (1, n, m)) for n, m in pairwise(sizes)]
    parameters += [np.zeros((1, 1, n)) for n in sizes[1:]]
    moments = [(np.zeros_like(part), np.zeros_like(part)) for part in parameters]
    best, lowest, step = _model(mean, scale, parameters), np.inf, 0
    for epoch in range(EPOCHS):
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = chance.permutation(len(train.features))
        for start in range(0, len(order), BATCH):
            step += 1
            gradients = _gradients(_model(mean, scale, parameters), train, order[start : start + BATCH])
            for part, gradient, (first, second) in zip(parameters, gradients, moments, strict=True):
                first += 0.1 * (gradient - first)
                second += 0.001 * (gradient**2 - second)
                part -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        model = _model(mean, scale, [part.copy() for part in parameters])
        if (now := loss(model, valid)) < lowest:
            best, lowest = model, now
    return best


def _model(mean: Floats, scale: Floats, parameters: Sequence[Floats]) -> GreetingModel:
    n = len(parameters) // 2
    return GreetingModel(mean, scale, tuple(zip(parameters[:n], parameters[n:], strict=True)))


def _gradients(model: GreetingModel, examples: Examples, chosen: NDArray[np.int64]) -> list[Floats]:
    """Of the weighted loss over the chosen rows: of all weights, then of all biases."""
    activity = [model.standardised(examples.features[chosen])]
    for weights, bias in model.layers[:-1]:
        activity.append(np.tanh(activity[-1] @ weights + bias))
    weights, bias = model.layers[-1]
    chances = 1 / (1 + np.exp(-(activity[-1] @ weights + bias)))
    back = (chances - examples.wanted[chosen]) * examples.weight[chosen] / len(chosen)
    of_weights: list[Floats] = []
    of_biases: list[Floats] = []
    for (weights, _), values in zip(reversed(model.layers), reversed(activity), strict=True):
        of_weights.insert(0, values.swapaxes(1, 2) @ back + WEIGHT_DECAY * weights)
        of_biases.insert(0, back.sum(axis=1, keepdims=True))
        back = (back @ weights.swapaxes(1, 2)) * (1 - values**2)
    return of_weights + of_biases


def stacked(networks: Sequence[GreetingModel]) -> GreetingModel:
    """Several networks as one model."""
    layers = zip(*(network.layers for network in networks), strict=True)
    together = tuple(
        (np.concatenate([weights for weights, _ in layer]), np.concatenate([bias for _, bias in layer]))
        for layer in layers
    )
    return GreetingModel(networks[0].mean, networks[0].scale, together)


def calibrated(model: GreetingModel, examples: Examples) -> GreetingModel:
    """The same model with its log-odds scaled and shifted so that its probabilities are those of the examples."""
    odds = model.log_odds(examples.features)
    fits = [_platt(odds[:, k], examples.wanted[:, k], examples.weight[:, k]) for k in range(odds.shape[1])]
    scales, shifts = (np.array(values) for values in zip(*fits, strict=True))
    weights, bias = model.layers[-1]
    return GreetingModel(model.mean, model.scale, (*model.layers[:-1], (weights * scales, bias * scales + shifts)))


def _platt(odds: Floats, wanted: Floats, weight: Floats) -> tuple[float, float]:
    """Scale and shift of the log-odds (J. Platt, 1999), by Newton's method."""
    scale, shift = 1.0, 0.0
    for _ in range(20):
        chance = 1 / (1 + np.exp(-(scale * odds + shift)))
        error, curve = (chance - wanted) * weight, chance * (1 - chance) * weight
        slope = np.array([(error * odds).sum(), error.sum()])
        cross = (curve * odds).sum()
        bend = np.array([[(curve * odds**2).sum(), cross], [cross, curve.sum()]])
        step = np.linalg.solve(bend, slope)
        scale, shift = scale - step[0], shift - step[1]
    return float(scale), float(shift)


def _hear_all(manifests: Sequence[Path]) -> list[Clip]:
    work = []
    for manifest in manifests:
        with manifest.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["label"] in SHARES]
        work += [(manifest.parent / "audio" / row["file"], row) for row in rows]
    with Pool(os.cpu_count()) as pool:
        return [clip for clip in pool.starmap(hear, work, chunksize=16) if clip is not None]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains the greeting classifier.")
    parser.add_argument("--train", type=Path, nargs="+", required=True, help="manifests to learn from")
    parser.add_argument("--valid", type=Path, nargs="+", required=True, help="manifests to stop and calibrate by")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where the networks go")
    parser.add_argument("--networks", type=int, default=3, help="how many, from different beginnings")
    return parser.parse_args()


if __name__ == "__main__":
    main()
