"""Where time comes from. Pure code takes `now` as an argument; only shells hold a `Clock`.

Two kinds of time, never mixed: monotonic float seconds for durations and timers, aware UTC datetimes for records and
calling hours.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Reads both clocks."""

    def monotonic(self) -> float:
        """Seconds on the monotonic clock, the same one asyncio timers use."""
        ...

    def utcnow(self) -> datetime:
        """The wall clock: aware, UTC."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def utcnow(self) -> datetime:
        return datetime.now(UTC)


class RehearsalClock:
    """The machine's clocks with the wall clock moved, so that a rehearsal on a Sunday obeys Monday's calling hours.

    `dialer.config` refuses it unless every trunk is on a loopback address: it would otherwise be a way around the gate.
    """

    def __init__(self, starts_at: datetime) -> None:
        if starts_at.tzinfo is None:
            raise ValueError("a rehearsal starts at an aware datetime")
        self._shift: timedelta = starts_at.astimezone(UTC) - datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def utcnow(self) -> datetime:
        return datetime.now(UTC) + self._shift
