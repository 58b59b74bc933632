"""How fast calls are answered just now, against what the ring curves say: the part of the answer rate that moves.

Theory. The ring curves hold how an ordinary call of this campaign rings, from many calls. Against them every second of
ringing is an *exposure*: the hazard of being answered in it. Answers less exposures gone through, over all calls that
ring, are a martingale as long as the curves hold (Andersen et al., Statistical Models Based on Counting Processes,
II.4); so answers ÷ exposure says by what factor the curves are wrong, without waiting for any call to end.

How far back to look is the question: a rate that stands still is known best from many answers, one that has just
jumped from few. So there is a bank of estimates with memories of different length, each a gamma posterior, and what
each foretold of the seconds that followed decides how much it counts. Where they disagree, nobody knows: that shows as
the spread, and the forecast takes the spread for uncertainty common to all calls.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MEMORIES = (8.0, 30.0, 120.0, 480.0)
"""In answers that the curves expect."""
PRIOR = 3.0
"""Answers' worth of belief that the curves hold."""
TRUST_MEMORY = 12.0
"""In expected answers: how long a memory's hits and misses count."""
LEAST_TRUST = 1e-9
SHARING = 0.02
"""Share of trust that is dealt out anew with each expected answer, so that none is ever written off."""


@dataclass(frozen=True, slots=True)
class Factor:
    """By what the curves' answer hazards are multiplied now: mean, and standard deviation relative to it."""

    mean: float
    spread: float


class Tempo:
    """Fed with exposures as they are gone through, and with answers."""

    def __init__(self) -> None:
        self._answers = [0.0] * len(MEMORIES)
        self._exposures = [0.0] * len(MEMORIES)
        self._trust = [1.0 / len(MEMORIES)] * len(MEMORIES)

    def rang(self, exposure: float) -> None:
        """Calls went through an exposure together."""
        if exposure <= 0.0:
            return
        self._trust = _learn(self._trust, self._means(0.0), exposure, 0)
        for index, memory in enumerate(MEMORIES):
            keeps = math.exp(-exposure / memory)
            self._answers[index] *= keeps
            self._exposures[index] = self._exposures[index] * keeps + exposure

    def answered(self) -> None:
        """One of them was answered."""
        self._trust = _learn(self._trust, self._means(0.0), 0.0, 1)
        self._answers = [answers + 1.0 for answers in self._answers]

    def factor(self, since: float) -> Factor:
        """The factor now; `since` is the exposure gone through since it was last told, without an answer."""
        means = self._means(since)
        trust = _learn(self._trust, self._means(0.0), since, 0)
        mean = sum(share * each for share, each in zip(trust, means, strict=True))
        square = sum(
            share * each * each * (1.0 + 1.0 / (PRIOR + answers))
            for share, each, answers in zip(trust, means, self._answers, strict=True)
        )
        return Factor(mean, math.sqrt(max(square / (mean * mean) - 1.0, 0.0)))

    def _means(self, more_exposure: float) -> list[float]:
        return [
            (PRIOR + answers) / (PRIOR + exposure + more_exposure)
            for answers, exposure in zip(self._answers, self._exposures, strict=True)
        ]

    def dump(self) -> dict[str, Any]:
        """The state as JSON-able data."""
        return {"answers": list(self._answers), "exposures": list(self._exposures), "trust": list(self._trust)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes over what `dump` gave; ValueError when it is of another shape."""
        parts = [[float(value) for value in state[name]] for name in ("answers", "exposures", "trust")]
        if any(len(part) != len(MEMORIES) for part in parts):
            raise ValueError("the learned state is of another version")
        self._answers, self._exposures, self._trust = parts


def _learn(trust: Sequence[float], factors: Sequence[float], exposure: float, answers: int) -> list[float]:
    """The trust after one more observation: by Bayes, with old evidence fading and a part dealt out anew."""
    fading = math.exp(-exposure / TRUST_MEMORY)
    scores = [
        fading * math.log(max(share, LEAST_TRUST)) - factor * exposure + answers * math.log(factor)
        for share, factor in zip(trust, factors, strict=True)
    ]
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    total, anew = sum(weights), min(SHARING * (exposure + answers), 1.0)
    return [(1.0 - anew) * weight / total + anew / len(weights) for weight in weights]
