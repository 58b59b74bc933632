"""How long things last, from lengths on record: one log-normal, or two where one does not do. Pure.

Theory. The logarithms are fitted with one normal and with a mixture of two (EM, Dempster, Laird & Rubin 1977, begun
with the shorter and the longer half, so that the same lengths always give the same fit). The mixture is taken where
the Bayesian information criterion (Schwarz 1978) finds it worth its three further parameters. Then the parts are
scaled together so that their mean is the mean on record: a heavier tail than any log-normal's would otherwise be lost,
and with it a part of the collectors' time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dialer.simulator.scenario import Duration, Part

LEAST_FOR_TWO = 100
"""Fewer lengths say nothing about a second kind of them."""
MAX_STEPS = 500
SETTLED = 1e-7
"""Gain of log-likelihood per length below which EM has arrived."""
LEAST_SIGMA = 0.05
MOST_SIGMA = 3.0
LEAST_SHARE = 0.03
SHORTEST_S = 0.02
LONGEST_S = 86_400.0

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Normals:
    """Normals of the logarithms, and how well they fit."""

    shares: _Floats
    means: _Floats
    sigmas: _Floats
    likelihood: float

    @property
    def criterion(self) -> float:
        """Without the constant all have in common: the smaller, the better; to be added n parameters' price."""
        return -2.0 * self.likelihood


def fit_duration(lengths: Sequence[float], *, parts: int = 2) -> Duration:
    """A duration like these lengths (seconds, at least one), of up to `parts` (1 or 2) kinds."""
    seconds = np.clip(np.asarray(lengths, dtype=np.float64), SHORTEST_S, LONGEST_S)
    logs = np.log(seconds)
    chosen = _one(logs)
    if parts > 1 and seconds.size >= LEAST_FOR_TWO:
        two = _two(logs)
        price = 3.0 * math.log(seconds.size)
        if two.shares.min() >= LEAST_SHARE and two.criterion + price < chosen.criterion:
            chosen = two
    means = np.exp(chosen.means + chosen.sigmas**2 / 2)
    means *= seconds.mean() / float(chosen.shares @ means)
    kinds = sorted(zip(np.clip(means, SHORTEST_S, LONGEST_S), chosen.sigmas, chosen.shares, strict=True))
    made = tuple(Part(_round(mean), _round(sigma), _round(share)) for mean, sigma, share in kinds)
    most_s = max(math.floor(float(seconds.max()) * 100) / 100, SHORTEST_S)  # down: what rang so long was still answered
    return Duration(made, most_s=most_s)


def _one(logs: _Floats) -> _Normals:
    mean, sigma = logs.mean(), _bounded(logs.std())
    return _Normals(np.ones(1), np.array([mean]), np.array([sigma]), float(_densities(logs, mean, sigma).sum()))


def _two(logs: _Floats) -> _Normals:
    """EM from the shorter and the longer half."""
    halves = np.array_split(np.sort(logs), 2)
    shares = np.array([0.5, 0.5])
    means = np.array([half.mean() for half in halves])
    sigmas = np.array([_bounded(half.std()) for half in halves])
    before = -math.inf
    for _ in range(MAX_STEPS):
        joint = np.log(shares)[:, None] + np.stack(
            [_densities(logs, *kind) for kind in zip(means, sigmas, strict=True)]
        )
        total = np.logaddexp(joint[0], joint[1])
        likelihood = float(total.sum())
        if likelihood - before < SETTLED * logs.size:
            break
        before = likelihood
        belongs = np.exp(joint - total)
        weights = np.maximum(belongs.sum(axis=1), 1e-9)
        shares = weights / weights.sum()
        means = belongs @ logs / weights
        spread = (belongs * (logs - means[:, None]) ** 2).sum(axis=1) / weights
        sigmas = np.clip(np.sqrt(spread), LEAST_SIGMA, MOST_SIGMA)
    return _Normals(shares, means, sigmas, likelihood)


def _densities(logs: _Floats, mean: float, sigma: float) -> _Floats:
    """Logarithms of the normal density."""
    result: _Floats = -0.5 * ((logs - mean) / sigma) ** 2 - math.log(sigma) - 0.5 * math.log(2 * math.pi)
    return result


def _bounded(sigma: float) -> float:
    return min(max(float(sigma), LEAST_SIGMA), MOST_SIGMA)


def _round(figure: float) -> float:
    """Four digits: no more is known, and people read it."""
    return float(f"{figure:.4g}")
