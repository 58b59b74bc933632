"""Back-off, its jitter, and when an event dies."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.model.outcome import EventType, OutboxEvent, PendingEvent
from dialer.outcomes.retries import Failure, FailureKind, RetryPolicy, kind_of_status, next_try

NOW = datetime(2026, 11, 23, tzinfo=UTC)
EVENT = OutboxEvent(1, "e-1", EventType.WRAP_UP, "C-1", NOW, {})
POLICY = RetryPolicy()
TEMPORARY = Failure(FailureKind.TEMPORARY, "HTTP 503")
REFUSED = Failure(FailureKind.REFUSED, "HTTP 404")


def _delay_s(failures: int, failure: Failure = TEMPORARY, chance: float = 0.0) -> float:
    at = next_try(POLICY, PendingEvent(EVENT, failures, NOW), failure, NOW, chance)
    assert at is not None
    return (at - NOW).total_seconds()


def test_delay_doubles_to_its_ceiling() -> None:
    assert [_delay_s(n) for n in range(4)] == [1.0, 2.0, 4.0, 8.0]
    assert _delay_s(10_000) == POLICY.longest_delay_s / 2


def test_chance_spreads_over_the_upper_half() -> None:
    assert _delay_s(3, chance=0.5) == 12.0
    assert _delay_s(3, chance=0.999) < 16.0


def test_destination_may_ask_for_more_time_but_not_for_ever() -> None:
    assert _delay_s(0, Failure(FailureKind.TEMPORARY, "HTTP 429", 120.0)) == 120.0
    assert _delay_s(0, Failure(FailureKind.TEMPORARY, "HTTP 429", 0.5)) == 1.0
    assert _delay_s(0, Failure(FailureKind.TEMPORARY, "HTTP 429", 1e9)) == POLICY.longest_retry_after_s


@pytest.mark.parametrize(
    ("failure", "age_h", "failures", "dead"),
    [
        (TEMPORARY, 71, 50, False),
        (TEMPORARY, 73, 50, True),
        (TEMPORARY, 73, 3, False),  # a fortnight's stop of ours is no reason to drop after one more try
        (TEMPORARY, 73, 4, True),
        (REFUSED, 5, 50, False),
        (REFUSED, 7, 50, True),  # what is refused dies sooner
        (REFUSED, 0, 50, False),
    ],
)
def test_dead_letters(failure: Failure, age_h: int, failures: int, dead: bool) -> None:
    pending = PendingEvent(EVENT, failures, NOW - timedelta(hours=age_h))
    assert (next_try(POLICY, pending, failure, NOW, 0.5) is None) is dead


def test_first_failure_never_kills() -> None:
    assert next_try(POLICY, PendingEvent(EVENT), REFUSED, NOW, 0.5) is not None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "temporary") for status in (408, 425, 429, 500, 503)),
        *((status, "refused") for status in (301, 400, 404, 410)),
    ],
)
def test_kind_of_status(status: int, kind: str) -> None:
    assert kind_of_status(status).value == kind
