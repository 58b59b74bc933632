"""The abandonment budget, and how much risk it allows now.

The budget is the number of people who may still be abandoned: target × live − abandoned. Of the regulatory period, and
beside it of the last hour at a somewhat higher share, so that a period's savings are not spent within an hour.

Theory. The allowance is the chance with which one more person may find nobody free. Every person who comes up adds
target to the budget and takes one away where abandoned, so the budget is the integral of what was promised minus what
happened; an allowance that grows with it is an integral controller, and settles where the share is the target whatever
the forecast gets wrong. It grows exponentially: floors need allowances that differ by factors, and each step of budget
is then worth the same factor. The budget around which it settles is what bad luck takes within minutes, which grows
with the square root of the team and of those who answer it. Of it a reserve stays untouched: the next one abandoned
could be one too many. Only a period in which nobody was abandoned yet begins with a small risk instead of none.
"""

import math
from dataclasses import dataclass

from dialer.campaigns.pacing.floor import Floor
from dialer.campaigns.pacing.recent import RecentHour
from dialer.campaigns.pacing.types import PacingSnapshot
from dialer.words.bilingual import Bilingual, both

USUAL_TEAM = 20.0
USUAL_FLOW = 66.0
"""People who answer such a team in ten minutes; where talks are short and more answer, luck is worth more persons."""
RESERVE = 1.0
"""Persons beyond one that stay untouched, at that size: what bad luck takes at once."""
MIDDLE = 2.0
"""Persons above the reserve at which the allowance is the middle one, at that size."""
FOLD = 2.5
"""Persons of budget that raise the allowance e-fold, at that size."""
MIDDLE_RISK = 1.2
"""The middle allowance, as a multiple of the target: most calls are placed with less than what is allowed."""
TOP_RISK = 2.4
FIRST_RISK = 0.4
"""The allowance of a period in which nobody was abandoned yet, at least; a multiple of the target, as the top."""
FIRST_LEFT = 3.0
"""Persons; so much a period begins with where ruin is looked at, for it will have earned them by a hundred answers."""
HELD_RISK = 0.005
"""The allowance while no more than the reserve is left: one in some thousands. A floor of idle collectors may still be
given more than a line each where next to nobody answers, and nothing else. Beyond the target there is none at all."""
HOUR_FACTOR = 1.15
"""An hour's share may be so much higher than the period's, in large teams; and in small ones by `HOUR_NOISE` more."""
HOUR_NOISE = 1.2
LEAST_PER_HOUR = 8
"""People a collector is taken to talk with in an hour, at least: an hour that has just begun is not held to less."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be risked now (0: nothing but one line a collector), and the budget it comes from, in words."""

    allowance: float
    words: Bilingual


def left_of(snapshot: PacingSnapshot) -> float:
    """How many people more may be abandoned in the period, given those who have answered so far."""
    return snapshot.limits.abandon_target * snapshot.period_live - snapshot.period_abandoned


def left_to_lose(snapshot: PacingSnapshot) -> float:
    """What all calls that are out may cost together; a period without an abandoned person is not held to its start."""
    left = left_of(snapshot)
    return max(left, FIRST_LEFT) if snapshot.period_abandoned == 0 else left


def period_words(snapshot: PacingSnapshot) -> Bilingual:
    """The period's budget, for the supervisor."""
    live, abandoned, target = snapshot.period_live, snapshot.period_abandoned, snapshot.limits.abandon_target
    return both(
        "the abandonment budget of the period: {spent} ({share:.2%} of {live} people, target {target:.2%})",
        "周期放弃率额度：{spent}（{live} 人中 {share:.2%}，目标 {target:.2%}）",
        spent=_spent(abandoned, target * live),
        share=abandoned / live if live else 0.0,
        live=live,
        target=target,
    )


def read_budget(snapshot: PacingSnapshot, recent: RecentHour, floor: Floor) -> Budget:
    """The tighter of period and hour. Who waits now beyond the ready collectors is taken to be lost."""
    target, team, left = snapshot.limits.abandon_target, floor.available, left_of(snapshot)
    if left < 0.0:
        return Budget(0.0, period_words(snapshot))
    size = math.sqrt(max(team / USUAL_TEAM, recent.counts(snapshot.now, 10)[0] / USUAL_FLOW))
    lost = max(floor.waiting - floor.ready, 0)
    in_period = target * _multiple(left - lost, size)
    if snapshot.period_abandoned == 0:
        return Budget(max(in_period, FIRST_RISK * target), period_words(snapshot))
    live, abandoned = recent.counts(snapshot.now)
    hourly = target * (HOUR_FACTOR + HOUR_NOISE / math.sqrt(team))
    earned = hourly * max(live, min(snapshot.period_live, LEAST_PER_HOUR * team))
    in_hour = target * _multiple(earned - abandoned - lost, size)
    if in_hour >= in_period:
        return Budget(in_period, period_words(snapshot))
    spent = _spent(abandoned, earned)
    return Budget(
        in_hour, both("the abandonment budget of the last hour: {spent}", "近一小时放弃率额度：{spent}", spent=spent)
    )


def _spent(abandoned: int, earned: float) -> Bilingual:
    return both(
        "{abandoned} of {earned:.1f} calls spent",
        "已用 {abandoned}/{earned:.1f} 通",
        abandoned=abandoned,
        earned=earned,
    )


def _multiple(left: float, size: float) -> float:
    """The allowance as a multiple of the target."""
    free = left - 1.0 - RESERVE * size
    if free <= 0.0:
        return HELD_RISK
    steps = min((free - MIDDLE * size) / (FOLD * size), 10.0)
    return max(min(MIDDLE_RISK * math.exp(steps) * min(free / size, 1.0), TOP_RISK), HELD_RISK)
