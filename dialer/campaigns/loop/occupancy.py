"""How busy a campaign's collectors were within the last hour, on this node. Pure."""

from collections import deque
from collections.abc import Iterable

from dialer.campaigns.pacing import AgentState, AgentView

WINDOW_S = 3600.0
STEP_S = 60.0
LONGEST_TICK_S = 10.0
"""What lies between two looks further apart is not known."""
_BUSY = (AgentState.TALKING, AgentState.WRAPUP)


class Occupancy:
    """Is told at every tick who is lent to the campaign; instants are monotonic seconds."""

    def __init__(self) -> None:
        self._steps: deque[list[float]] = deque()
        """Of each minute: when it began, seconds busy, seconds at work."""
        self._looked_at: float | None = None

    def look(self, views: Iterable[AgentView], now: float) -> None:
        """The collectors as they are now, and have been since the last look."""
        before, self._looked_at = self._looked_at, now
        if before is None or now - before > LONGEST_TICK_S:
            return
        states = [view.state for view in views if view.state is not AgentState.PAUSED]
        if not self._steps or now - self._steps[-1][0] >= STEP_S:
            self._steps.append([now, 0.0, 0.0])
        self._steps[-1][1] += (now - before) * sum(state in _BUSY for state in states)
        self._steps[-1][2] += (now - before) * len(states)
        while self._steps[0][0] <= now - WINDOW_S:
            self._steps.popleft()

    @property
    def share(self) -> float | None:
        """Busy of the time at work; None where nobody was."""
        at_work_s = sum(step[2] for step in self._steps)
        return sum(step[1] for step in self._steps) / at_work_s if at_work_s else None
