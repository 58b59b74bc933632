"""The ups and downs of the answered share that neither the hour nor chance explains. Pure.

Theory. In blocks of `BLOCK_S` with n attempts and p expected to be answered of each, the answered ones would differ
from np by the binomial variance np(1 − p). What they differ by beyond it, over (np)², is the variance of the factor
that was at work. That factor is taken for the exponential of an Ornstein-Uhlenbeck walk of `MINUTES` memory, as a
scenario's wander is. Its mean over a block varies less than the walk itself, and the hours' own shares, fitted to the
same attempts, have taken their part of it: both are put back. Below `SURE` standard errors it is called chance.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dialer.model.history import RecordedAttempt
from dialer.simulator.scenario import Wander

BLOCK_S = 600.0
MINUTES = 20.0
LEAST_ATTEMPTS = 20
"""A block with fewer says nothing."""
LEAST_BLOCKS = 12
SURE = 2.0
MOST_SIGMA = 0.8


@dataclass(frozen=True, slots=True)
class _Block:
    """Ten minutes in an hour of the day: attempts, and how many of them were answered."""

    hour: int
    attempts: int
    answered: int


def fit_wander(
    ended: Sequence[RecordedAttempt], expected: Mapping[int, float], hour_of: Callable[[RecordedAttempt], int]
) -> tuple[Wander, str]:
    """The wander beyond the `expected` answered shares by hour of the day, and what it rests on."""
    blocks = _blocks(ended, hour_of)
    if len(blocks) < LEAST_BLOCKS:
        return Wander(), f"not fitted: only {len(blocks)} blocks of ten minutes with {LEAST_ATTEMPTS} attempts"
    excess = null = scale = 0.0
    for block in blocks:
        mean = block.attempts * expected[block.hour]
        chance = mean * (1.0 - expected[block.hour])
        excess += (block.answered - mean) ** 2 - chance
        null += 2.0 * chance**2
        scale += mean**2
    said = f"{len(blocks):,} blocks of ten minutes"
    if scale == 0.0 or excess < SURE * math.sqrt(null):
        return Wander(), f"no more than chance in {said}"
    sigma = math.sqrt(math.log1p(excess / scale / _seen_share(blocks)))
    return Wander(min(round(sigma, 3), MOST_SIGMA), MINUTES), said


def _blocks(ended: Sequence[RecordedAttempt], hour_of: Callable[[RecordedAttempt], int]) -> list[_Block]:
    found: defaultdict[int, list[RecordedAttempt]] = defaultdict(list)
    for attempt in ended:
        found[int(attempt.placed_s // BLOCK_S)].append(attempt)
    return [
        _Block(hour_of(attempts[0]), len(attempts), sum(each.answered_s is not None for each in attempts))
        for attempts in found.values()
        if len(attempts) >= LEAST_ATTEMPTS
    ]


def _seen_share(blocks: Sequence[_Block]) -> float:
    """How much of the walk's variance the blocks show around the share of their hour of the day.

    An hour that was seen on n days has taken an n-th of the variance of its own mean.
    """
    per_hour = len(blocks) / len({block.hour for block in blocks})
    days = max(per_hour * BLOCK_S / 3600.0, 1.0)
    return _of_a_mean(BLOCK_S / 60.0) - _of_a_mean(60.0) / days


def _of_a_mean(minutes: float) -> float:
    """The variance of an Ornstein-Uhlenbeck process's mean over so many minutes, of the process's own."""
    span = minutes / MINUTES
    return 2.0 / span * (1.0 - (1.0 - math.exp(-span)) / span)
