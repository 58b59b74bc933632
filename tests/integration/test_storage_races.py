"""The last slot of a cap, raced for by several nodes: exactly one gets it, every single time."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text

from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, AttemptState, CallPath, Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.decision import Decision
from dialer.model.entry import Reservation, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.storage import tables
from tests.integration.test_storage_kill import read_lines, rest_of, start_child
from tests.support.policy import HOUSE_NUMBER
from tests.support.rules import cap, policy_of
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign
from tests.support.storage_books import check_books
from tests.support.storage_child import AT_ONCE

NODES = 4
RACES = 1000
TASK_RACES = 200


def people(n: int) -> list[NewContact]:
    """Each with a number for every node and one more."""
    return [
        NewContact(f"person-{i}", f"case-{i}", tuple(NewPhone(f"+8613{nth}0000{i:04d}") for nth in range(NODES + 1)))
        for i in range(n)
    ]


def _spend_one(connection: Connection) -> None:
    """Everyone was called today, an hour ago, on the number nobody races for."""
    phones, of = tables.phones, tables.contacts
    query = (
        select(phones, of.c.person_ref, of.c.case_ref)
        .join(of, of.c.contact_id == phones.c.contact_id)
        .where(phones.c.rank == NODES)
    )
    spent = {
        "campaign_id": 1,
        "path": "manual",
        "role": PhoneRole.OWN.value,
        "state": AttemptState.SETTLED.value,
        "number_masked": "***",
        "node": "earlier",
        "reserved_at": MONDAY - 60 * MINUTE,
        "ended_at": MONDAY - 59 * MINUTE,
        "disposition": Disposition.NO_ANSWER.value,
        "cause": b"",
    }
    rows = [
        spent
        | {name: getattr(row, name) for name in ("contact_id", "phone_id", "number_index", "person_ref", "case_ref")}
        for row in connection.execute(query)
    ]
    connection.execute(insert(tables.attempts), rows)


@pytest.mark.allow_blocking  # the server's certificates are looked for on the disk
async def test_four_processes_race_for_the_last_slot_a_thousand_times(postgres_url: str) -> None:
    """Each process calls another number of the same person: no lock of the number helps, only the cap decides."""
    async with open_storage(postgres_url) as storage:
        campaign_id = await run_campaign(storage, people(RACES))
        await storage._database.write(_spend_one)
        named = [("last-slot", postgres_url, str(campaign_id), f"racer-{n}", str(n)) for n in range(NODES)]
        racers = [await start_child(*arguments, str(RACES // AT_ONCE)) for arguments in named]
        for racer in racers:
            assert await read_lines(racer, 1) == ["ready"]
        for _ in range(RACES // AT_ONCE):
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write(b"go\n")
            won = [[int(word) for word in line.split()] for racer in racers for line in await read_lines(racer, 1)]
            assert [sum(each) for each in zip(*won, strict=True)] == [1] * AT_ONCE
        for racer in racers:
            assert await rest_of(racer) == []
        await storage._database.write(_forget_what_was_spent)
        assert await check_books(storage) == {AttemptState.RESERVED.value: RACES}


def _forget_what_was_spent(connection: Connection) -> None:
    """What was put there without a gate has no proof."""
    connection.execute(tables.attempts.delete().where(tables.attempts.c.node == "earlier"))


@pytest.fixture(scope="module")
def twice_a_day() -> Policy:
    return policy_of(cap("person", 2))


async def test_tasks_race_for_the_last_slot_on_sqlite(tmp_path: Path, twice_a_day: Policy) -> None:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        campaign_id = await run_campaign(storage, people(TASK_RACES))
        await storage._database.write(_spend_one)
        for candidate in await Dialing(storage, twice_a_day).claim(campaign_id, TASK_RACES):
            wanted = [
                replace(Dialing(storage, twice_a_day, f"node{n}").by_hand(candidate), phone_id=phone.phone_id)
                for n, phone in enumerate(candidate.contact.phones[:NODES])
            ]
            answers = await asyncio.gather(*(storage.attempts.reserve(one, twice_a_day, MONDAY) for one in wanted))
            assert sum(isinstance(answer, Attempt) for answer in answers) == 1
        await storage._database.write(_forget_what_was_spent)
        assert await check_books(storage) == {AttemptState.RESERVED.value: TASK_RACES}


SCOPES = ("case", "third_party", "person_debt", "caller_id", "collector", "campaign", "campaign_trunk", "agency")


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.allow_blocking  # the policy is made inside the test
async def test_no_scope_lets_two_take_the_last_slot(postgres_url: str, scope: str) -> None:
    """Different people and numbers that share nothing but the scope; on one server, over several connections."""
    policy = policy_of(cap(scope, 1))
    async with open_storage(postgres_url) as storage:
        shared = scope in ("case", "third_party", "person_debt")
        callees = [_sharing(contact) if shared else contact for contact in contacts(NODES)]
        campaign_id = await run_campaign(storage, callees)
        for n in range(5):
            wanted = [_asked(Dialing(storage, policy, f"node{i}"), i, n) for i in range(NODES)]
            answers = await asyncio.gather(*(storage.attempts.reserve(one, policy, MONDAY) for one in wanted))
            assert sum(isinstance(answer, Attempt) for answer in answers) == (n == 0)
        assert campaign_id == 1
        refused = [answer for answer in answers if isinstance(answer, Decision)]
        assert {decision.rule for decision in refused} == {"test.0"}


def _sharing(contact: NewContact) -> NewContact:
    phones = tuple(replace(phone, role=PhoneRole.THIRD_PARTY) for phone in contact.phones)
    return replace(contact, person_ref="one", case_ref="one", phones=phones)


def _asked(dialing: Dialing, nth: int, n: int) -> Reservation:
    return Reservation(
        campaign_id=1,
        contact_id=nth + 1,
        phone_id=2 * nth + 1 + n % 2,
        path=CallPath.MANUAL,
        node=dialing.node,
        agent_id=7,
        caller_id=HOUSE_NUMBER,
        trunk="trunk",
        agency="north",
    )


async def test_two_calls_to_one_person_at_a_time_are_never_let_through(postgres_url: str) -> None:
    """The rule counts nothing, so nothing but the person's lock keeps two numbers of theirs apart."""
    policy = await asyncio.to_thread(policy_of, {"kind": "one_call", "scope": "person"})
    async with open_storage(postgres_url) as storage:
        campaign_id = await run_campaign(storage, people(20))
        for candidate in await Dialing(storage, policy).claim(campaign_id, 20):
            wanted = [
                replace(Dialing(storage, policy, f"node{n}").by_hand(candidate), phone_id=phone.phone_id)
                for n, phone in enumerate(candidate.contact.phones[:NODES])
            ]
            answers = await asyncio.gather(*(storage.attempts.reserve(one, policy, MONDAY) for one in wanted))
            assert sum(isinstance(answer, Attempt) for answer in answers) == 1


@pytest.mark.allow_blocking  # the policy is made inside the test
async def test_everything_at_once_ends_in_no_deadlock(postgres_url: str) -> None:
    """Calls, their ends, wrap-ups and stops of the same people and cases on several nodes: all wait in one order."""
    policy = policy_of(*(cap(scope, 1000) for scope in ("phone", "person", "case", "caller_id", "campaign")))
    async with open_storage(postgres_url) as storage:
        same_cases = [replace(contact, case_ref=f"case-{n % 3}") for n, contact in enumerate(people(6))]
        campaign_id = await run_campaign(storage, same_cases)
        candidates = await Dialing(storage, policy).claim(campaign_id, 6)

        async def work(nth: int) -> None:
            dialing = Dialing(storage, policy, f"node{nth}")
            for n in range(40):
                candidate = candidates[(nth + n) % len(candidates)]
                answer = await dialing.ask(dialing.by_hand(candidate), MONDAY)
                if isinstance(answer, Attempt):
                    await _end(dialing, answer, n)
                elif n % 3 == 0:
                    status = CaseStatus.COMPLAINT if n % 2 else CaseStatus.OPEN
                    await storage.cases.set_status(candidate.contact.case_ref, status, MONDAY)

        await asyncio.gather(*(work(nth) for nth in range(NODES)))
        query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert await storage._database.read(lambda connection: connection.execute(query).scalar()) == 0
        await check_books(storage)


async def _end(dialing: Dialing, attempt: Attempt, n: int) -> None:
    """By turns: released, lost and reconciled, or settled and wrapped up at the same time."""
    attempts = dialing.storage.attempts
    if n % 4 == 0:
        await attempts.release(attempt.attempt_id, "no trunk", MONDAY)
    elif n % 4 == 1:
        await dialing.settle(attempt, Disposition.UNKNOWN, step=None)
        await attempts.reconcile(attempt.attempt_id, Disposition.BUSY, "wang", MONDAY)
    else:
        wrap_up = WrapUp(attempt.attempt_id, 7, "ptp", MONDAY, {})
        effects = WrapUpEffects(right_party=True, do_not_call=n % 8 == 3)
        recording = dialing.storage.wrap_ups.record(wrap_up, effects, MONDAY)
        await asyncio.gather(dialing.settle(attempt, Disposition.CONNECTED, step=None), recording)
