"""The forecast: if so many more calls are placed now, who will find nobody free?

Theory. Look ahead over horizons h of a few seconds. D(h) is the number of people who will have come up by then: waiting
ones for sure, each call in detection, ringing or new with its own chance (ring curve by its age, share of live people,
time of the greeting). A(h) is the number of collectors free for them by h plus the permitted wait: the ready ones, and
each busy one with the chance that its talk and wrap-up have run out, given how long they last already. Both are sums of
independent yes/no variables with unequal chances. A person who comes up at h finds nobody free when the others'
D(h) ≥ A(h).

Few variables are summed exactly (small teams live in the tails, where a normal curve is wrong by factors), many by
their normal approximation with a continuity correction.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dialer.campaigns.pacing.curves import Floats, Seconds
from dialer.campaigns.pacing.floor import Floor
from dialer.campaigns.pacing.learning import Learned

STEP_S = 2
LOOK_AHEAD_S = 36
HORIZONS: Seconds = np.arange(STEP_S, LOOK_AHEAD_S + 1, STEP_S)
"""Seconds ahead: by the last one a call placed now has come up or never will."""
CAUTION = 0.3
"""How many standard deviations of the factor are added to it."""
EXACT_BELOW = 48
"""Up to so many uncertain calls and collectors are summed exactly."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Chances by horizon (columns): of each uncertain call in flight, of a new call, of each busy collector."""

    waiting: int
    ready: int
    calls: Floats
    new_call: Floats
    busy: Floats
    spread: float


@dataclass(frozen=True, slots=True)
class Risk:
    """With `n_new` calls more: the chance that the next answered person finds nobody free, and the chance of ruin.

    Ruin is that more people find nobody free than the budget has left, all calls that are out taken together.
    """

    n_new: int
    next_finds_nobody: float
    ruin: float


def read_chances(learned: Learned, floor: Floor) -> Chances:
    """Reads the curves for everything on the floor."""
    ring, greeting = learned.ring.read(floor.dialing_ages), learned.detect.read()
    factor = learned.tempo.factor(learned.exposure_since(floor.dialing_ages, floor.now))
    greeting_s = round(float(greeting.survival[:-1].sum()) - 0.5)
    after_greeting = np.maximum(HORIZONS - max(greeting_s, 0), 0)
    live = _cautious_share(learned)
    pace = factor.mean * (1.0 + CAUTION * factor.spread)
    ages = np.concatenate((np.zeros(1), floor.dialing_ages))
    dialing = _sped(ring.within(ages, after_greeting), pace)
    detecting = greeting.within(floor.detecting_ages, HORIZONS)
    return Chances(
        waiting=floor.waiting,
        ready=floor.ready,
        calls=live * np.vstack((dialing[1:], detecting)),
        new_call=live * dialing[0],
        busy=_busy(learned, floor),
        spread=factor.spread,
    )


def _sped(chances: Floats, factor: float) -> Floats:
    """Chances whose hazards are all multiplied by a factor."""
    result: Floats = 1.0 - np.power(np.maximum(1.0 - chances, 0.0), factor)
    return result


def _cautious_share(learned: Learned) -> float:
    """The share of live people among answers, with one standard error on top while little is known."""
    share, count = learned.live.value, learned.live.count + 1.0
    return min(share + math.sqrt(share * (1.0 - share) / count), 1.0)


def _busy(learned: Learned, floor: Floor) -> Floats:
    """Chance of each busy collector to be free within each horizon plus the permitted wait."""
    until = HORIZONS + int(floor.wait_s)
    wrap = learned.wrap.read(floor.wrapping_ages)
    # A talk ends within second u, and the wrap-up after it within until − u − 1: a convolution over u.
    seconds = np.arange(int(until[-1]) + 1)
    talk_ends = np.diff(learned.talk.read(floor.talking_ages).within(floor.talking_ages, seconds), axis=1)
    left = until[:, None] - seconds[None, 1:]
    wrap_ends = np.where(left >= 0, wrap.incidence[np.maximum(left, 0)], 0.0)
    return np.vstack((talk_ends @ wrap_ends.T, wrap.within(floor.wrapping_ages, until)))


def risks(chances: Chances, most: int, left: float) -> Iterator[Risk]:
    """The risk of 0, 1, … `most` new calls, lazily: the caller stops where it is too high. `left` of the budget."""
    if len(chances.calls) + len(chances.busy) <= EXACT_BELOW:
        return _exact(chances, most, left)
    return _normal(chances, most, left)


def _exact(chances: Chances, most: int, left: float) -> Iterator[Risk]:
    """Adds up D − A one variable at a time; column i of `spread`: the chance that its uncertain part is i − busy."""
    n_busy, n_calls = len(chances.busy), len(chances.calls)
    spread = np.zeros((HORIZONS.size, n_busy + n_calls + most + 1))
    spread[:, n_busy] = 1.0
    for chance in chances.busy:
        moved = spread[:, 1:] * chance[:, None]
        spread *= 1.0 - chance[:, None]
        spread[:, :-1] += moved
    for chance in chances.calls:
        _shift_up(spread, chance)
    excess = np.arange(spread.shape[1]) - n_busy + chances.waiting - chances.ready
    nobody, ruined = (excess >= 0).astype(float), (excess > left).astype(float)
    weights = _arrival_weights(chances)
    for n_new in range(most + 1):
        if n_new:
            _shift_up(spread, chances.new_call)
        yield Risk(n_new, float(weights @ (spread @ nobody)), float((spread @ ruined).max()))


def _shift_up(spread: Floats, chance: Floats) -> None:
    moved = spread[:, :-1] * chance[:, None]
    spread *= 1.0 - chance[:, None]
    spread[:, 1:] += moved


def _normal(chances: Chances, most: int, left: float) -> Iterator[Risk]:
    n_new = np.arange(most + 1)[:, None]
    new, calls, busy = chances.new_call, chances.calls, chances.busy
    coming = calls.sum(axis=0) + n_new * new
    mean = coming - busy.sum(axis=0) + chances.waiting - chances.ready
    variance = (calls * (1 - calls)).sum(axis=0) + (busy * (1 - busy)).sum(axis=0) + n_new * new * (1 - new)
    variance = variance + (chances.spread * coming) ** 2
    deviation = np.sqrt(np.maximum(variance, 1e-9))
    nobody = _upper_tail((-0.5 - mean) / deviation) @ _arrival_weights(chances)
    ruin = _upper_tail((math.floor(left) + 0.5 - mean) / deviation).max(axis=1)
    for n in range(most + 1):
        yield Risk(n, float(nobody[n]), float(ruin[n]))


def _arrival_weights(chances: Chances) -> Floats:
    """When a new call's person comes up, if one does: shares of the horizons."""
    steps = np.diff(chances.new_call, prepend=0.0)
    total = float(steps.sum())
    return steps / total if total > 0 else np.full(HORIZONS.size, 1.0 / HORIZONS.size)


def _upper_tail(z: Floats) -> Floats:
    """Chance that a standard normal variable exceeds z, to 1e-7 (Abramowitz & Stegun 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(z))
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    series = 0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    tail = density * t * series
    result: Floats = np.where(z >= 0, tail, 1.0 - tail)
    return result
