"""Calls per second, kept over real seconds whatever the length of the ticks."""

import math
from bisect import bisect_left, bisect_right

from dialer.campaigns.pacing.types import EventKind, PacingEvent, PacingLimits

REMEMBERED_S = 60.0
"""So long placed calls are counted against the calls per second: down to one call a minute."""


class LineRate:
    """The calls placed lately."""

    def __init__(self) -> None:
        self._placed: list[float] = []

    def observe(self, event: PacingEvent) -> None:
        """Counts a placed call."""
        if event.kind is not EventKind.PLACED:
            return
        if self._placed and event.at < self._placed[-1] - REMEMBERED_S:
            self._placed.clear()  # the machine was started anew since, and its clock with it
        self._placed.append(event.at)
        if event.at - self._placed[0] > 2 * REMEMBERED_S:
            del self._placed[: bisect_right(self._placed, event.at - REMEMBERED_S)]

    def room(self, now: float, limits: PacingLimits) -> int:
        """How many calls more may be placed in this tick.

        As many as the second that ends with the tick may still have, and not more than belong to one tick; below one
        call per second, one call in its time. An INVITE leaves a moment after its tick: the second that ends now would
        count two ticks' calls twice, and every other tick would stand still.
        """
        cps = limits.max_cps
        if cps <= 0:
            return 0
        window_s = max(1.0, 1.0 / cps)
        placed = len(self._placed) - bisect_left(self._placed, now - max(window_s - limits.tick_s, 0.0))
        return max(min(int(max(cps, 1.0)) - placed, math.ceil(cps * limits.tick_s)), 0)
