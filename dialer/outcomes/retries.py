"""When an event that a destination did not take is offered again, and when it leaves the line as a dead letter.

Pure: chance and time come in. Back-off doubles and is drawn evenly from its upper half, so that the events an outage
held back do not all return in the same second.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from dialer.model.outcome import PendingEvent


class FailureKind(str, Enum):
    """TEMPORARY: the destination was away, slow or busy. REFUSED: it answered that it does not want this event."""

    TEMPORARY = "temporary"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed try. `retry_after_s` is the destination's own wish."""

    kind: FailureKind
    error: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Durations in seconds; the ages count from the event's first failure, so an outage of ours costs it nothing."""

    first_delay_s: float = 2.0
    longest_delay_s: float = 900.0
    longest_retry_after_s: float = 3600.0
    dead_after_s: float = 72 * 3600.0
    dead_after_refused_s: float = 6 * 3600.0
    fewest_tries: int = 5
    """No event dies of age alone while it was offered less often than this."""


DEFAULT_POLICY = RetryPolicy()


def kind_of_status(status: int) -> FailureKind:
    """What a webhook's answer outside 2xx means: 408, 425, 429 and 5xx pass; redirects and other 4xx are refusals."""
    return FailureKind.TEMPORARY if status in (408, 425, 429) or status >= 500 else FailureKind.REFUSED


def next_try(
    policy: RetryPolicy, pending: PendingEvent, failure: Failure, now: datetime, chance: float
) -> datetime | None:
    """When to offer the event again after `failure` (the newest, not yet in `pending`); None: it is a dead letter.

    `chance` is drawn evenly from [0, 1).
    """
    first = pending.first_failed_at or now
    dead_after_s = policy.dead_after_s if failure.kind is FailureKind.TEMPORARY else policy.dead_after_refused_s
    if pending.failures + 1 >= policy.fewest_tries and (now - first).total_seconds() >= dead_after_s:
        return None
    return now + timedelta(seconds=_delay_s(policy, pending.failures, failure.retry_after_s, chance))


def _delay_s(policy: RetryPolicy, failures: int, retry_after_s: float | None, chance: float) -> float:
    doublings = min(failures, 32)  # far past the ceiling, and no overflow after years of failures
    delay_s = min(math.ldexp(policy.first_delay_s, doublings), policy.longest_delay_s)
    drawn_s = delay_s * (0.5 + 0.5 * chance)
    return max(drawn_s, min(retry_after_s or 0.0, policy.longest_retry_after_s))
