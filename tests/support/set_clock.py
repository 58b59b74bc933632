"""A wall clock that a test sets."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.support.storage import MONDAY


@dataclass
class SetClock:
    """Stands where it was set."""

    now: datetime = MONDAY - timedelta(hours=1)

    def monotonic(self) -> float:
        return time.monotonic()

    def utcnow(self) -> datetime:
        return self.now
