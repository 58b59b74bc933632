"""Retries never run on for ever, never go to a number that is out, and never come before the person has rested."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialer.campaigns.retry import DEFAULT_RETRIES, PERSON_GAP, SUCCESS, UNDISTURBED, next_step
from dialer.model.attempt import Disposition
from dialer.model.campaign import CampaignSettings
from dialer.model.contact import Contact, Phone, PhoneRole
from dialer.model.entry import PastAttempt

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SETTINGS = CampaignSettings()

contacts = st.lists(st.sampled_from(PhoneRole), min_size=1, max_size=4).map(
    lambda roles: Contact(
        1, 1, "p", "c", phones=tuple(Phone(n, 1, f"+86138{n:08}", role, n) for n, role in enumerate(roles))
    )
)
endings = st.lists(st.sampled_from(Disposition), min_size=400, max_size=400)


@given(contacts, endings)
def test_a_contact_is_finished_after_a_bounded_number_of_attempts(
    contact: Contact, dispositions: list[Disposition]
) -> None:
    history: list[PastAttempt] = []
    now = START
    most = sum(rule.max_attempts for rule in DEFAULT_RETRIES.values()) * len(contact.phones)
    for disposition in dispositions:
        step = next_step(SETTINGS, contact, history, now)
        if step.phone_id is None:
            assert step.not_before is None
            assert step.exhausted or history[-1].disposition is Disposition.UNKNOWN
            break
        assert contact.phones[step.phone_id].role is PhoneRole.OWN
        if step.not_before is not None:
            assert step.not_before > now
            now = step.not_before
        noticed = [attempt.ended_at for attempt in history if attempt.disposition not in UNDISTURBED]
        assert not noticed or now >= max(noticed) + PERSON_GAP
        mine = [attempt.disposition for attempt in history if attempt.phone_id == step.phone_id]
        assert not mine or mine[-1] in DEFAULT_RETRIES
        assert not history or history[-1].disposition not in SUCCESS
        now += timedelta(seconds=40)
        history.append(PastAttempt(step.phone_id, disposition, now))
    assert len(history) <= most
