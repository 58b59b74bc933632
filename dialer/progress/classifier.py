"""A person or a machine, judged by how the greeting sounds so far: a few small networks of plain numbers.

Their weights lie in `data/greeting_model.json`, made by `scripts/train_amd.py`; docs/amd.md says from what. They take
the features of `dialer.progress.features` and give calibrated probabilities: that a machine greets, and that it will
have given itself away (spoken on, or beeped) if one waits a little longer. The mean of their log-odds counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialer.progress.features import NAMES

Floats = NDArray[np.float64]
HORIZONS_MS = (250, 600, 1300)
"""How much longer one might wait."""
LONGEST_PAUSE_MS = 1640
"""Nobody is made to wait longer than this after a greeting; what a machine does later gives nothing away any more."""
WIDEST = 4.0
"""No feature counts as further than so many standard deviations from its mean: no odd call is judged by chance."""
_MODEL = "greeting_model.json"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities, 0 to 1: of a machine, and of one that gives itself away within each of `HORIZONS_MS`."""

    machine: float
    revealed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GreetingModel:
    """The networks, stacked: weights are [network, in, out], biases [network, 1, out]; all layers but the last bend."""

    mean: Floats
    scale: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def judge(self, features: Floats) -> Judgement:
        """Judges one greeting; `features` in the order of `features.NAMES`."""
        chances = 1.0 / (1.0 + np.exp(-self.log_odds(features)[0]))
        machine, *revealed = chances.tolist()
        return Judgement(machine, tuple(revealed))

    def log_odds(self, features: Floats) -> Floats:
        """One row for each row of features: of a machine, and of each horizon."""
        values = self.standardised(features)
        for weights, bias in self.layers[:-1]:
            values = np.tanh(values @ weights + bias)
        weights, bias = self.layers[-1]
        result: Floats = (values @ weights + bias).mean(axis=0)
        return result

    def standardised(self, features: Floats) -> Floats:
        """The features as the first layer takes them: [1, rows, features]."""
        return np.clip((np.atleast_2d(features)[None] - self.mean) / self.scale, -WIDEST, WIDEST)

    def to_json(self) -> dict[str, Any]:
        """As plain numbers."""
        layers = [{"weights": _plain(weights), "bias": _plain(bias)} for weights, bias in self.layers]
        heads = {"horizons_ms": HORIZONS_MS, "longest_pause_ms": LONGEST_PAUSE_MS}
        return {"features": NAMES, **heads, "mean": _plain(self.mean), "scale": _plain(self.scale), "layers": layers}


def model_from_json(content: Mapping[str, Any]) -> GreetingModel:
    """The networks of `GreetingModel.to_json`. Raises ValueError when they were made for other features or waits."""
    made_for = (tuple(content["features"]), tuple(content["horizons_ms"]), content["longest_pause_ms"])
    if made_for != (NAMES, HORIZONS_MS, LONGEST_PAUSE_MS):
        raise ValueError(f"the greeting model was made for other features or waits; train it anew: {made_for}")
    layers = tuple((np.array(layer["weights"]), np.array(layer["bias"])) for layer in content["layers"])
    return GreetingModel(np.array(content["mean"]), np.array(content["scale"]), layers)


@cache
def shipped_model() -> GreetingModel:
    """The networks that ship with this version."""
    return model_from_json(json.loads(files("dialer.progress").joinpath("data", _MODEL).read_text(encoding="utf-8")))


def _plain(values: Floats) -> object:
    return np.round(values, 4).tolist()
