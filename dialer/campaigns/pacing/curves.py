"""What a pacer learns: how long things last and how they end, with the old fading as the new comes in.

Theory. A duration is described by its hazard per second: of those that got as far as second b, the share that ends
within it. From hazards follows what matters for pacing, the *conditional* chance: a talk that has lasted five minutes
is not "nearly over" because the mean is three; it ends in the next ten seconds with the chance that such talks do.
Rings end in competing ways, so each way has a hazard of its own, and only what has not ended otherwise can be answered.

Forgetting is by count: each new observation weighs `growth` times the one before, so that the sum of weights behaves
like the last 1 / (1 − 1/growth) observations. Weights are scaled back before they overflow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.int64]
RESCALE_ABOVE = 1e6
UNSEEN = 2.0
"""Pseudo-observations that never end, in every second's denominator: thin data must not promise a free collector."""


class Forgetting:
    """A growing weight: the newest observation weighs `weight`, in a memory of about `memory` observations."""

    def __init__(self, memory: float) -> None:
        self._growth = 1.0 / (1.0 - 1.0 / memory)
        self.weight = 1.0

    def next_scale(self) -> float:
        """Moves to the next observation; what was stored so far must be multiplied by the result (mostly 1)."""
        self.weight *= self._growth
        if self.weight < RESCALE_ABOVE:
            return 1.0
        scale = 1.0 / self.weight
        self.weight = 1.0
        return scale


class Share:
    """A share of yes among yes and no, fading, with pseudo-observations of each that stand for what is believed."""

    def __init__(self, memory: float, prior_yes: float = 1.0, prior_no: float = 1.0) -> None:
        self._fading = Forgetting(memory)
        self._prior = prior_yes, prior_no
        self._yes = self._no = 0.0

    def add(self, yes: bool) -> None:
        """One observation."""
        scale = self._fading.next_scale()
        self._yes = self._yes * scale + (self._fading.weight if yes else 0.0)
        self._no = self._no * scale + (0.0 if yes else self._fading.weight)

    @property
    def count(self) -> float:
        """How many observations the present estimate rests on."""
        return (self._yes + self._no) / self._fading.weight

    @property
    def value(self) -> float:
        """The share, between 0 and 1."""
        unit, (prior_yes, prior_no) = self._fading.weight, self._prior
        return (self._yes + unit * prior_yes) / (self._yes + self._no + unit * (prior_yes + prior_no))

    def dump(self) -> dict[str, Any]:
        """The state as JSON-able data."""
        unit = self._fading.weight
        return {"yes": self._yes / unit, "no": self._no / unit}

    def load(self, state: dict[str, Any]) -> None:
        """Takes over what `dump` gave."""
        self._yes, self._no = float(state["yes"]), float(state["no"])
        self._fading.weight = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A curve by second of age, each one value longer than the curve has seconds.

    Survival S[b] to second b, cumulative incidence F[b] of cause 0 before it, exposure E[b]: the sum of the hazards of
    cause 0 before it. Chance to end by cause 0 between ages a and b, having reached a: (F[b] − F[a]) / S[a].
    """

    survival: Floats
    incidence: Floats
    exposure: Floats

    def within(self, ages: Floats, horizons: Seconds) -> Floats:
        """Chance to end by cause 0 within each horizon (columns), having reached each age (rows)."""
        last = self.incidence.size - 1
        reached = np.minimum(ages.astype(np.int64), last)
        ends = self.incidence[np.minimum(reached[:, None] + horizons[None, :], last)]
        result: Floats = (ends - self.incidence[reached][:, None]) / self.survival[reached][:, None]
        return result

    def gone_through(self, ages: Floats) -> Floats:
        """The exposure at each age."""
        result: Floats = self.exposure[np.minimum(ages.astype(np.int64), self.exposure.size - 1)]
        return result


class Curve:
    """Ends per second of age, in `causes` competing ways; the last second holds everything older."""

    def __init__(self, seconds: int, causes: int, memory: float, prior: Mapping[int, float] | None = None) -> None:
        """`prior` holds pseudo-observations of cause 0 by second: what is believed before anything was seen."""
        self.seconds = seconds
        self._fading = Forgetting(memory)
        self._ends: Floats = np.zeros((causes, seconds))
        self._censored: Floats = np.zeros(seconds)
        self._prior: Floats = np.zeros(seconds)
        for second, count in (prior or {}).items():
            self._prior[second] = count

    def add(self, age_s: float, cause: int | None) -> None:
        """One end at an age; `cause` None when we ended it ourselves (it only says that it lasted so long)."""
        scale = self._fading.next_scale()
        if scale != 1.0:
            self._ends *= scale
            self._censored *= scale
        second = min(int(max(age_s, 0.0)), self.seconds - 1)
        (self._censored if cause is None else self._ends[cause])[second] += self._fading.weight

    @property
    def count(self) -> float:
        """How many ends the present estimate rests on."""
        return float(self._ends.sum()) / self._fading.weight

    def ended_from(self, age_s: int) -> float:
        """How many ended or were taken back at that age or later."""
        return float(self._ends[:, age_s:].sum() + self._censored[age_s:].sum()) / self._fading.weight

    def read(self, running: Floats | None = None) -> Reading:
        """The curve now. `running` are ages of those that last right now: they count as having lasted so long."""
        unit = self._fading.weight
        first = self._ends[0] + unit * self._prior
        ends = first + self._ends[1:].sum(axis=0)
        exits = ends + self._censored
        if running is not None and running.size:
            seconds = np.minimum(running.astype(np.int64), self.seconds - 1)
            exits = exits + unit * np.bincount(seconds, minlength=self.seconds)
        at_risk = np.cumsum(exits[::-1])[::-1] + UNSEEN * unit
        survival, (incidence, exposure) = np.ones(self.seconds + 1), np.zeros((2, self.seconds + 1))
        np.cumprod(1.0 - ends / at_risk, out=survival[1:])
        hazard = first / at_risk
        np.cumsum(survival[:-1] * hazard, out=incidence[1:])
        np.cumsum(hazard, out=exposure[1:])
        return Reading(survival, incidence, exposure)

    def dump(self) -> dict[str, Any]:
        """The state as JSON-able data."""
        unit = self._fading.weight
        return {"ends": (self._ends / unit).tolist(), "censored": (self._censored / unit).tolist()}

    def load(self, state: dict[str, Any]) -> None:
        """Takes over what `dump` gave; ValueError when it is of another shape."""
        ends, censored = np.array(state["ends"], dtype=float), np.array(state["censored"], dtype=float)
        if ends.shape != self._ends.shape or censored.shape != self._censored.shape:
            raise ValueError("the learned state is of another version")
        self._ends, self._censored = ends, censored
        self._fading.weight = 1.0
