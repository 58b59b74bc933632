"""What follows each kind of end, over one number and over several."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.campaigns.retry import DEFAULT_RETRIES, PERSON_GAP, SUCCESS, next_step
from dialer.model.announcement import AnnouncementMeaning
from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, Disposition
from dialer.model.campaign import CampaignSettings, RetryRule
from dialer.model.contact import Contact, Phone, PhoneRole
from dialer.model.entry import NextStep, PastAttempt

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SETTINGS = CampaignSettings()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def contact(*roles: PhoneRole) -> Contact:
    numbers = tuple(Phone(n + 1, 7, f"+8613800000{n:03}", role, rank=n) for n, role in enumerate(roles))
    return Contact(7, 1, "person", "case", phones=numbers)


ONE = contact(PhoneRole.OWN)
THREE = contact(PhoneRole.OWN, PhoneRole.OWN, PhoneRole.THIRD_PARTY)


def past(*ends: tuple[int, Disposition, timedelta]) -> tuple[PastAttempt, ...]:
    return tuple(PastAttempt(phone, disposition, NOW - ago) for phone, disposition, ago in ends)


def test_first_attempt_is_at_once_with_the_first_number() -> None:
    assert next_step(SETTINGS, THREE, (), NOW) == NextStep(1, None, False, "first attempt")


@pytest.mark.parametrize(
    ("disposition", "low", "high"),
    [
        (Disposition.BUSY, 10 * MINUTE, 30 * MINUTE),
        (Disposition.NO_ANSWER, 2 * HOUR, 4 * HOUR),
        (Disposition.POWERED_OFF, 2 * HOUR, 4 * HOUR),
        (Disposition.MACHINE, 2 * HOUR, 4 * HOUR),
        (Disposition.UNREACHABLE, 2 * HOUR, 4 * HOUR),
        (Disposition.INCOMING_BARRED, DAY, DAY),
        (Disposition.SUSPENDED, 3 * DAY, 3 * DAY),
        (Disposition.BAD_NUMBER, DAY, DAY),
        (Disposition.REJECTED, DAY, DAY),
        (Disposition.SHORT_ANSWER, DAY, DAY),
        (Disposition.ABANDONED, DAY, DAY),
        (Disposition.MESSAGE_LEFT, DAY, DAY),
        (Disposition.SILENCE, HOUR, HOUR),
        (Disposition.CANCELLED, 30 * MINUTE, 30 * MINUTE),
        (Disposition.TRUNK_CONFIG, 5 * MINUTE, 5 * MINUTE),
    ],
)
def test_one_number_is_tried_again_after_its_delay(disposition: Disposition, low: timedelta, high: timedelta) -> None:
    step = next_step(SETTINGS, ONE, past((1, disposition, timedelta(0))), NOW)
    assert (step.phone_id, step.exhausted) == (1, False)
    assert step.not_before is not None
    assert low <= step.not_before - NOW <= high


def test_a_congested_trunk_is_left_at_once() -> None:
    step = next_step(SETTINGS, ONE, past((1, Disposition.TRUNK_CONGESTION, timedelta(0))), NOW)
    assert step == NextStep(1, None, False, "after trunk_congestion")


FINAL_FOR_A_NUMBER = [
    Disposition.FAX,
    Disposition.NETWORK_BLOCKED,
    Disposition.UNWANTED,
]


@pytest.mark.parametrize("disposition", FINAL_FOR_A_NUMBER)
def test_final_for_the_number(disposition: Disposition) -> None:
    assert next_step(SETTINGS, ONE, past((1, disposition, timedelta(0))), NOW).exhausted
    step = next_step(SETTINGS, THREE, past((1, disposition, timedelta(0))), NOW)
    assert (step.phone_id, step.exhausted) == (2, False)
    assert step.not_before == NOW + PERSON_GAP


def test_a_bad_number_is_one_when_two_calls_say_so() -> None:
    """Whatever was between them; and the other number may follow at once, for nobody noticed."""
    once = past((1, Disposition.NO_ANSWER, DAY), (1, Disposition.BAD_NUMBER, timedelta(0)))
    assert next_step(SETTINGS, ONE, once, NOW).not_before == NOW + DAY
    assert next_step(SETTINGS, THREE, once, NOW) == NextStep(2, None, False, "after bad_number")
    twice = past((1, Disposition.BAD_NUMBER, 2 * DAY), (1, Disposition.BUSY, DAY), (1, Disposition.BAD_NUMBER, HOUR))
    assert next_step(SETTINGS, ONE, twice, NOW).exhausted


def test_an_announcement_that_a_number_is_empty_is_believed_at_once() -> None:
    said = PastAttempt(1, Disposition.BAD_NUMBER, NOW, AnnouncementMeaning.EMPTY_NUMBER.value)
    assert next_step(SETTINGS, ONE, (said,), NOW).exhausted


@pytest.mark.parametrize("disposition", SUCCESS)
def test_a_person_reached_ends_it(disposition: Disposition) -> None:
    assert next_step(SETTINGS, THREE, past((1, disposition, DAY)), NOW).exhausted


def test_an_unknown_end_waits_for_reconciliation() -> None:
    for history in (
        past((1, Disposition.UNKNOWN, timedelta(0))),
        past((1, Disposition.UNKNOWN, DAY), (2, Disposition.BUSY, HOUR)),
    ):
        step = next_step(SETTINGS, THREE, history, NOW)
        assert (step.phone_id, step.not_before, step.exhausted) == (None, None, False)
        assert "reconciliation" in step.reason


def test_own_numbers_take_turns_with_a_pause_between() -> None:
    history = past((1, Disposition.NO_ANSWER, timedelta(0)))
    step = next_step(SETTINGS, THREE, history, NOW)
    assert (step.phone_id, step.not_before) == (2, NOW + PERSON_GAP)
    later = past((1, Disposition.NO_ANSWER, HOUR), (2, Disposition.BUSY, timedelta(0)))
    step = next_step(SETTINGS, THREE, later, NOW)
    assert (step.phone_id, step.not_before) == (2, NOW + 15 * MINUTE)  # busy comes due before the other's three hours
    assert next_step(SETTINGS, THREE, later, NOW + DAY) == NextStep(1, None, False, "after busy")


def test_third_parties_are_not_in_the_rotation() -> None:
    history = past((1, Disposition.FAX, HOUR), (2, Disposition.FAX, MINUTE))
    assert next_step(SETTINGS, THREE, history, NOW).exhausted
    alone = next_step(SETTINGS, contact(PhoneRole.THIRD_PARTY), (), NOW)
    assert alone.exhausted
    assert "no number of its own" in alone.reason


@pytest.mark.parametrize("disposition", sorted(DEFAULT_RETRIES))
def test_the_number_of_attempts_is_bounded(disposition: Disposition) -> None:
    most = DEFAULT_RETRIES[disposition].max_attempts
    history = past(*((1, disposition, (most - n) * DAY) for n in range(most)))
    assert not next_step(SETTINGS, ONE, history[1:], NOW).exhausted
    assert next_step(SETTINGS, ONE, history, NOW).exhausted


def test_trunk_faults_and_attempts_are_counted_apart() -> None:
    faults = past(*((1, Disposition.TRUNK_CONGESTION, HOUR) for _ in range(10)))
    step = next_step(SETTINGS, ONE, (*faults, *past((1, Disposition.NO_ANSWER, timedelta(0)))), NOW)
    assert not step.exhausted


def test_the_campaign_sets_its_own_delays() -> None:
    settings = CampaignSettings(retries={Disposition.BUSY: RetryRule(60.0, 2)})
    one = past((1, Disposition.BUSY, timedelta(0)))
    assert next_step(settings, ONE, one, NOW).not_before == NOW + PERSON_GAP  # never sooner than the person's rest
    assert next_step(settings, ONE, one * 2, NOW).exhausted


@pytest.mark.parametrize("disposition", Disposition)
def test_every_disposition_has_an_answer(disposition: Disposition) -> None:
    step = next_step(SETTINGS, THREE, past((1, disposition, timedelta(0))), NOW)
    assert step.reason
    known = {*DEFAULT_RETRIES, *SUCCESS, *FINAL_FOR_A_NUMBER, Disposition.UNKNOWN}
    assert disposition in known
    assert known >= REACHED_A_PERSON | TRUNK_FAULTS
