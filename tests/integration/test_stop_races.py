"""Stops, their ends, calls and wrap-ups about one family, all at once from two nodes on one PostgreSQL."""

import asyncio
import random
from dataclasses import replace

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from dialer.model.attempt import Attempt, CallPath, Disposition
from dialer.model.call_list import NewContact
from dialer.model.contact import CaseStatus
from dialer.model.entry import EntryState, Reservation, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.storage import Listing, Storage
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

ROUNDS = 40


def family() -> list[NewContact]:
    """Two persons who share a case and have one of their own each."""
    names = [("debtor", "shared"), ("debtor", "own"), ("guarantor", "shared"), ("guarantor", "other")]
    return [
        replace(contact, person_ref=person_ref, case_ref=case_ref)
        for contact, (person_ref, case_ref) in zip(contacts(4), names, strict=True)
    ]


async def change_cases(storage: Storage, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        case_ref = chance.choice(("shared", "own", "other"))
        await storage.cases.set_status(case_ref, chance.choice(list(CaseStatus)), MONDAY)


async def list_and_unlist(storage: Storage, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        person_ref = chance.choice(("debtor", "guarantor"))
        listed = await storage.do_not_call.add_person(person_ref, Listing("letter", "asked"), MONDAY)
        await storage.do_not_call.remove(listed, "admin", MONDAY)


async def call_and_wrap_up(dialing: Dialing, campaign_id: int, seed: int) -> None:
    """What a collector does who dials by hand, objections included."""
    chance = random.Random(seed)
    people = await dialing.storage.lists.contacts(1)
    for turn in range(ROUNDS):
        contact = chance.choice(people)
        phone = chance.choice(contact.phones)
        path, node = CallPath.MANUAL, dialing.node
        asked = Reservation(campaign_id, contact.contact_id, phone.phone_id, path, node, caller_id=HOUSE_NUMBER)
        attempt = await dialing.ask(asked, MONDAY + turn * MINUTE)
        if isinstance(attempt, Attempt):
            await dialing.settle(attempt, Disposition.CONNECTED, step=None)
            effects = WrapUpEffects(right_party=chance.random() < 0.5, do_not_call=chance.random() < 0.2)
            await dialing.storage.wrap_ups.record(WrapUp(attempt.attempt_id, 7, "x", MONDAY, {}), effects, MONDAY)


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_waits_in_a_circle_and_every_entry_stands_as_it_should(postgres_url: str, seed: int) -> None:
    policy = await asyncio.to_thread(bank_policy)
    address = make_url(postgres_url)
    async with open_storage(postgres_url) as first, open_storage(postgres_url) as second:
        campaign_id = await run_campaign(first, family())
        async with asyncio.TaskGroup() as tasks:
            for number, storage in enumerate((first, second)):
                tasks.create_task(change_cases(storage, 10 * seed + number))
                tasks.create_task(list_and_unlist(storage, 10 * seed + number))
                tasks.create_task(
                    call_and_wrap_up(Dialing(storage, policy, f"node{number}"), campaign_id, 10 * seed + number)
                )
        open_cases = {ref for ref in ("shared", "own", "other") if await first.cases.status(ref) is CaseStatus.OPEN}
        listed = {ref for ref in ("debtor", "guarantor") if await is_listed(first, ref)}
        complained = await people_of_stopping_cases(first)
    # A session counts its deadlocks when it ends.
    look = await asyncpg.connect(user=address.username, host=address.query["host"], database=address.database)
    try:
        deadlocks = await look.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        rows = await look.fetch(
            "SELECT c.person_ref, c.case_ref, e.queue FROM entries e JOIN contacts c USING (contact_id)"
        )
    finally:
        await look.close()
    assert deadlocks == 0
    for row in rows:
        free = row["case_ref"] in open_cases and row["person_ref"] not in listed | complained
        assert (row["queue"] != EntryState.STOPPED.value) == free, tuple(row)


async def is_listed(storage: Storage, person_ref: str) -> bool:
    return any(entry.removed_at is None for entry in await storage.do_not_call.of_person(person_ref))


async def people_of_stopping_cases(storage: Storage) -> set[str]:
    people = {"shared": {"debtor", "guarantor"}, "own": {"debtor"}, "other": {"guarantor"}}
    stopping = (CaseStatus.COMPLAINT, CaseStatus.BEREAVEMENT)
    return {who for ref, names in people.items() if await storage.cases.status(ref) in stopping for who in names}
