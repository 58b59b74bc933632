"""Consents and inconvenient times: on record with their source, ended by a word, never deleted; on both engines."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.model.suppression import Consent, Inconvenience, NewConsent, NewInconvenience
from dialer.storage import Storage
from dialer.storage.consents import WITHDRAWN
from tests.support.storage import MINUTE, MONDAY, open_storage

NIGHT = NewConsent("person-0", "night", MONDAY, "letter", MONDAY + timedelta(days=30), "letter 2026-117")
NUMBER = "+8613800000000"


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def test_a_consent_is_recorded_once(storage: Storage) -> None:
    consents = storage.consents
    first = await consents.record(NIGHT, MONDAY)
    assert await consents.record(NIGHT, MONDAY + MINUTE) == first
    others = [replace(NIGHT, case_ref="case-0"), replace(NIGHT, kind="prerecorded"), replace(NIGHT, expires_at=None)]
    ids = [await consents.record(other, MONDAY) for other in others]
    assert len({first, *ids}) == 4
    await consents.record(replace(NIGHT, person_ref="person-1"), MONDAY)
    assert [consent.given for consent in await consents.of_person("person-0")] == [NIGHT, *others]


async def test_a_withdrawn_consent_stays_on_record_and_is_no_consent(storage: Storage) -> None:
    consents = storage.consents
    consent_id = await consents.record(NIGHT, MONDAY)
    before = await storage.stops.newest()
    ended = Consent(consent_id, NIGHT, MONDAY, MONDAY + MINUTE, "crm")
    assert await consents.withdraw(consent_id, "crm", MONDAY + MINUTE, node="node1") == ended
    assert await consents.withdraw(consent_id, "other", MONDAY + 2 * MINUTE) == ended, "the first word stands"
    assert await consents.withdraw(99, "crm", MONDAY) is None
    assert await consents.of_person("person-0") == (ended,)
    ((_, stop),) = await storage.stops.unseen(before)
    assert (stop.reason, stop.person_ref) == (WITHDRAWN, "person-0"), "calls that may rest on it end"
    again = await consents.record(NIGHT, MONDAY + 3 * MINUTE)
    assert again != consent_id, "given anew, it is another one"


async def test_inconvenient_times_and_numbers(storage: Storage) -> None:
    said = storage.inconveniences
    lunch = NewInconvenience("person-0", "letter", weekdays=(4, 0), from_minute=720, to_minute=840, reason="lunch")
    office = NewInconvenience("person-0", "call", number=NUMBER, until=MONDAY + timedelta(days=7))
    ids = [await said.add(each, MONDAY) for each in (lunch, office)]
    assert await said.remove(ids[0], "admin", MONDAY + MINUTE)
    assert not await said.remove(ids[0], "admin", MONDAY + MINUTE)
    assert not await said.remove(99, "admin", MONDAY)
    assert await said.of_person("person-1") == ()
    assert await said.of_person("person-0") == (
        Inconvenience(
            inconvenience_id=ids[0],
            person_ref="person-0",
            source="letter",
            added_at=MONDAY,
            weekdays=(0, 4),
            from_minute=720,
            to_minute=840,
            reason="lunch",
            removed_at=MONDAY + MINUTE,
            removed_by="admin",
        ),
        Inconvenience(
            inconvenience_id=ids[1],
            person_ref="person-0",
            source="call",
            added_at=MONDAY,
            number_masked="138****0000",
            until=MONDAY + timedelta(days=7),
        ),
    )
