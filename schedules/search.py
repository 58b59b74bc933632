"""The earliest instant at which several conditions hold together."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

HORIZON = timedelta(days=400)
"""What does not come within this time counts as never."""

Opening = Callable[[datetime], datetime | None]
"""From an instant, the earliest one (itself included) at which a condition holds; None for never."""


def first_common(openings: Iterable[Opening], at: datetime) -> datetime | None:
    """The earliest instant from `at` on at which all conditions hold; None for never.

    Exact if each opening is: every step goes to an instant before which some condition cannot hold, so none is missed.
    """
    conditions = tuple(openings)
    instant = at
    while instant - at <= HORIZON:
        latest = instant
        for opens in conditions:
            opening = opens(latest)
            if opening is None:
                return None
            latest = opening
        if latest == instant:
            return instant
        instant = latest
    return None
