"""Live and abandoned people of the last hour, minute by minute."""

from collections import deque
from collections.abc import Mapping
from typing import Any

MINUTES = 60


class RecentHour:
    """Counts by minute of the pacer's own clock; older minutes are let go as new ones begin."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, int, int]] = deque(maxlen=MINUTES + 1)

    def add(self, at: float, abandoned: bool) -> None:
        """A person was connected, or abandoned."""
        minute = int(at // 60)
        live, lost = 0, 0
        if self._minutes and self._minutes[-1][0] > minute + 1:
            self._minutes.clear()  # the machine was started anew since, and its clock with it
        if self._minutes and self._minutes[-1][0] >= minute:  # an event that comes late counts as of now
            minute, live, lost = self._minutes.pop()
        self._minutes.append((minute, live + 1, lost + abandoned))

    def counts(self, now: float, minutes: int = MINUTES) -> tuple[int, int]:
        """Live and abandoned of the last hour, or of fewer `minutes`; whole minutes, the present one included."""
        minute_now = int(now // 60)
        recent = [minute for minute in self._minutes if minute_now - minutes < minute[0] <= minute_now + 1]
        return sum(minute[1] for minute in recent), sum(minute[2] for minute in recent)

    def dump(self) -> dict[str, Any]:
        """The state as JSON-able data."""
        return {"minutes": [list(minute) for minute in self._minutes]}

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes over what `dump` gave."""
        minutes = [(int(minute), int(live), int(lost)) for minute, live, lost in state["minutes"]]
        self._minutes = deque(minutes, maxlen=MINUTES + 1)
