"""How a caller ID fares: how often it was shown, answered, hung up on, refused and complained about. Pure.

Networks and phones that label a number as a nuisance do not say so: what is left is to see that it is answered less
than before, or refused outright.
"""

from dataclasses import dataclass
from enum import Enum

from dialer.model.proportion import wilson

SHORT_S = 6.0
"""An answered call of at most so long is short: whoever answered hung up at once. Carriers draw the line there."""
LEAST_DIALS = 50
"""Of fewer calls a day nothing is said."""
FALL = 0.6
"""Answered less than this share of what it was before, for certain, is suspicious."""
MOST_REFUSED = 0.02
LEAST_REFUSED = 5


@dataclass(frozen=True, slots=True)
class CallerIdTally:
    """Calls that showed the number. `refused`: called unwanted (607, 608) or blocked by the network."""

    dials: int = 0
    answered: int = 0
    short: int = 0
    refused: int = 0
    persons: int = 0

    @property
    def answer_rate(self) -> float | None:
        """Answered of dials; None without any."""
        return self.answered / self.dials if self.dials else None

    @property
    def short_share(self) -> float | None:
        """Short of answered; None without any."""
        return self.short / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class CallerIdUse:
    """One number: today, the seven days before, and complaints of people who saw it within these eight days."""

    number: str
    today: CallerIdTally
    before: CallerIdTally
    complaints: int = 0


class Suspicion(str, Enum):
    """Why a number looks blocked or labelled."""

    ANSWERED_LESS = "answered_less"
    """Even at the upper 95 % bound today's answer rate is less than FALL of the lower one of the days before."""
    REFUSED = "refused"
    """At least LEAST_REFUSED calls today, and MOST_REFUSED of all, were refused as unwanted or blocked."""


def suspicion_of(use: CallerIdUse) -> Suspicion | None:
    """Whether the number looks blocked or labelled, and by which rule."""
    today, before = use.today, use.before
    if today.refused >= max(LEAST_REFUSED, MOST_REFUSED * today.dials):
        return Suspicion.REFUSED
    if min(today.dials, before.dials) < LEAST_DIALS:
        return None
    now, then = wilson(today.answered, today.dials), wilson(before.answered, before.dials)
    return Suspicion.ANSWERED_LESS if now.high < FALL * then.low else None
