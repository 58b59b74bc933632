"""One heap for the deadlines of all machines, so that one timer of the event loop serves them all. Sans-IO."""

import heapq
import itertools
from typing import Protocol


class Machine(Protocol):
    """Anything with a next deadline."""

    @property
    def next_deadline(self) -> float | None:
        """Monotonic seconds; None when nothing is awaited."""
        ...


class Timed:
    """What stands in the heap: a machine and the earliest deadline it stands there with."""

    __slots__ = ("machine", "scheduled_at")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.scheduled_at: float | None = None


class TimerHeap:
    """Deadlines in order. A deadline that moved later, or went away, is noticed when its old place comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timed]] = []
        self._order = itertools.count()

    @property
    def next_deadline(self) -> float | None:
        """When to ask `pop_due` again; may be earlier than needed, never later."""
        return self._heap[0][0] if self._heap else None

    def update(self, timed: Timed) -> None:
        """To be called whenever a machine's deadline may have changed."""
        deadline = timed.machine.next_deadline
        if deadline is None or (timed.scheduled_at is not None and timed.scheduled_at <= deadline):
            return
        timed.scheduled_at = deadline
        heapq.heappush(self._heap, (deadline, next(self._order), timed))

    def pop_due(self, now: float) -> Timed | None:
        """One machine that is due, or None. Call `update` for it once its timeout was handled."""
        while self._heap and self._heap[0][0] <= now:
            at, _, timed = heapq.heappop(self._heap)
            if timed.scheduled_at != at:
                continue
            timed.scheduled_at = None
            deadline = timed.machine.next_deadline
            if deadline is not None and deadline <= now:
                return timed
            self.update(timed)
        return None
