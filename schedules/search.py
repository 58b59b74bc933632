"""The earliest instant at which several conditions hold together."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import cycle

HORIZON = timedelta(days=400)
"""What does not come within this time counts as never."""

Opening = Callable[[datetime], datetime | None]
"""From an instant, the earliest one (itself included) at which a condition holds; None for never."""


def first_common(openings: Iterable[Opening], at: datetime, holding: int = 0) -> datetime | None:
    """The earliest instant from `at` on at which all conditions hold; None for never.

    Of the last `holding` conditions the caller knows that they hold at `at`: they are asked only about later instants.
    Exact if each opening is: every step goes to an instant before which some condition cannot hold, so none is missed.
    """
    conditions = tuple(openings)
    instant, agreed = at, holding
    for opens in cycle(conditions):
        if agreed == len(conditions):
            break
        opening = opens(instant)
        if opening is None or opening - at > HORIZON:
            return None
        agreed = agreed + 1 if opening == instant else 1
        instant = opening
    return instant
