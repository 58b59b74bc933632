"""Claiming: in which order, past whom, and by looks into indexes only, on both engines."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection, Engine, event, make_url

from dialer.model.attempt import CallPath
from dialer.model.entry import Candidate, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.storage import Storage
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

MANY = 8000
"""Entries from which on an index is cheaper than a scan in PostgreSQL's eyes, too."""
HOUR = 60 * MINUTE
LOOK_UPS = (
    "SCAN picked",  # the ids that were chosen
    "SCAN anon_1 VIRTUAL TABLE INDEX 1:",  # the ids that were given
    "SEARCH campaigns USING INTEGER PRIMARY KEY (rowid=?)",
    "SEARCH cases USING INDEX sqlite_autoindex_cases_1 (case_ref=?) LEFT-JOIN",
    "SEARCH contacts USING INTEGER PRIMARY KEY (rowid=?)",
    "SEARCH entries USING COVERING INDEX ix_entries_due (campaign_id=? AND queue=? AND due_at<?)",
    "SEARCH entries USING INDEX ix_entries_due (campaign_id=? AND queue=? AND due_at<?)",
    "SEARCH entries USING INDEX ix_entries_lease_until (lease_until<?)",
    "SEARCH entries USING INTEGER PRIMARY KEY (rowid=?)",
    "SEARCH phones USING INDEX ix_phones_contact_id (contact_id=?) LEFT-JOIN",
)
"""How SQLite may find rows: every index that is looked into, with all that narrows the look."""
IN_ORDER = "SEARCH entries USING COVERING INDEX ix_entries_order (campaign_id=? AND queue=?)"
"""What is ready is read from the first to the last that is wanted, unless it must be sorted before."""
SORTED = "USE TEMP B-TREE FOR ORDER BY"


@pytest.fixture(scope="module", autouse=True)
def _policy_read() -> None:
    bank_policy()


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture
def dialing(storage: Storage) -> Dialing:
    return Dialing(storage, bank_policy())


async def _promise(dialing: Dialing, candidate: Candidate, at: datetime, agent_id: int | None) -> None:
    """Calls, and is asked to call again at that time."""
    attempt = await dialing.reserve(dialing.reservation(candidate))
    wrap_up = WrapUp(attempt.attempt_id, 7, "callback", MONDAY, {}, at)
    effects = WrapUpEffects(callback_at=at, callback_agent_id=agent_id)
    assert await dialing.storage.wrap_ups.record(wrap_up, effects, MONDAY)


def _people(claimed: tuple[Candidate, ...]) -> list[str]:
    return [candidate.contact.person_ref for candidate in claimed]


async def test_callbacks_by_their_time_then_what_came_due_by_priority(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(7))
    first, second, third, later, _leased = await dialing.claim(campaign_id, 5)  # person-6 to person-2
    await _promise(dialing, first, MONDAY + 3 * MINUTE, None)
    await _promise(dialing, second, MONDAY + 2 * MINUTE, 8)
    await _promise(dialing, third, MONDAY + 2 * HOUR, None)
    await storage.entries.put_back(later.entry_id, MONDAY + MINUTE, "busy")
    claimed = await dialing.claim(campaign_id, 10, MONDAY + 5 * MINUTE)
    assert _people(claimed) == ["person-5", "person-6", "person-3", "person-1", "person-0"]
    callback, progressive = CallPath.CALLBACK, CallPath.PROGRESSIVE
    assert [candidate.path for candidate in claimed] == [callback, callback, progressive, progressive, progressive]
    assert [candidate.agent_id for candidate in claimed] == [8, None, None, None, None]


@pytest.mark.parametrize(
    ("agents", "people"),
    [
        (None, ["person-2", "person-1"]),  # nobody asks who is there
        ({8}, ["person-2", "person-1"]),
        ({7}, ["person-1"]),
        (set(), ["person-1"]),  # anyone may take this one: it waits for whoever comes
    ],
)
async def test_callbacks_of_those_who_are_there(
    storage: Storage, dialing: Dialing, agents: set[int] | None, people: list[str]
) -> None:
    campaign_id = await run_campaign(storage, contacts(3))
    promised_by_8, promised, _leased = await dialing.claim(campaign_id, 3)
    await _promise(dialing, promised_by_8, MONDAY + MINUTE, 8)
    await _promise(dialing, promised, MONDAY + 2 * MINUTE, None)
    claimed = await storage.entries.claim(campaign_id, "node1", 5, MONDAY + 5 * MINUTE, agents=agents)
    assert _people(claimed) == people


async def test_no_more_than_asked_for(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(4))
    for candidate in await dialing.claim(campaign_id, 2):
        await _promise(dialing, candidate, MONDAY + MINUTE, None)
    assert await dialing.claim(campaign_id, 0, MONDAY + 2 * MINUTE) == ()
    assert len(await dialing.claim(campaign_id, 1, MONDAY + 2 * MINUTE)) == 1
    assert len(await dialing.claim(campaign_id, 2, MONDAY + 2 * MINUTE)) == 2
    assert len(await dialing.claim(campaign_id, 2, MONDAY + 2 * MINUTE)) == 1
    assert await dialing.claim(campaign_id + 1, 1, MONDAY + 2 * MINUTE) == ()


async def test_an_expired_lease_is_freed_by_whichever_campaign_claims(storage: Storage, dialing: Dialing) -> None:
    one = await run_campaign(storage, contacts(2))
    other = await run_campaign(storage, contacts(1, offset=10))
    await dialing.claim(one, 2)
    assert await dialing.claim(other, 1, MONDAY + HOUR) != ()
    counts = await storage.entries.counts(one, MONDAY + HOUR)
    assert (counts.leased, counts.callable_now) == (0, 2)


async def test_an_entry_that_another_claim_holds_is_passed_over(postgres_url: str) -> None:
    async with open_storage(postgres_url) as storage:
        campaign_id = await run_campaign(storage, contacts(4))
        url = make_url(postgres_url)
        other = await asyncpg.connect(user=url.username, password="none", host=url.query["host"], database=url.database)
        try:
            async with other.transaction():
                await other.fetch("SELECT entry_id FROM entries ORDER BY dial_order LIMIT 2 FOR UPDATE")
                assert _people(await storage.entries.claim(campaign_id, "node1", 3, MONDAY)) == ["person-1", "person-0"]
        finally:
            await other.close()


class _Plans:
    """How the engine finds the rows of every statement that is run."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Any]] = []

    def explain(self, connection: Connection, statement: str, parameters: Any) -> None:
        if connection.dialect.name == "postgresql":
            # Executed for the rows that are read, and undone.
            connection.exec_driver_sql("SAVEPOINT explained")
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()
            connection.exec_driver_sql("ROLLBACK TO explained")
            self.found.append((statement, explained))
        else:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            self.found.append((statement, [row[-1] for row in rows]))


@contextmanager
def _explained() -> Iterator[_Plans]:
    plans = _Plans()

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if re.match("SELECT|WITH|UPDATE", statement):
            plans.explain(connection, statement, parameters)

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


async def test_no_statement_of_a_claim_scans(storage: Storage, dialing: Dialing) -> None:
    """With all there is to be done: a lease that ran out, entries that came due, callbacks."""
    campaign_id = await run_campaign(storage, contacts(MANY))
    claimed = await dialing.claim(campaign_id, 90)
    for candidate in claimed[:20]:
        await _promise(dialing, candidate, MONDAY + MINUTE, None)
    for candidate in claimed[20:70]:
        await storage.entries.put_back(candidate.entry_id, MONDAY + MINUTE, "later")
    with _explained() as plans:
        again = await storage.entries.claim(campaign_id, "node1", 50, MONDAY + HOUR, agents={7})
    assert len(again) == 50
    assert len(plans.found) == 7  # standing, two to free leases, promotion, callbacks, ready ones, contacts
    for statement, plan in plans.found:
        read_little = _looked_up(statement, plan) if isinstance(plan[0], str) else _read_little(plan[0]["Plan"])
        assert read_little, (statement, plan)


def _looked_up(statement: str, plan: list[str]) -> bool:
    """SQLite says how it looks, not how much it reads."""
    in_order = (IN_ORDER,) if "queue = 'ready'" in statement and SORTED not in plan else ()
    return all(step in (*LOOK_UPS, *in_order) for step in plan if step.startswith(("SCAN", "SEARCH")))


def _read_little(node: dict[str, Any]) -> bool:
    """PostgreSQL says how many rows each node of the plan read; the few cases are not worth an index to it."""
    scanned = node["Node Type"] == "Seq Scan" and node["Relation Name"] != "cases"
    n_read = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return not scanned and n_read <= MANY / 10 and all(_read_little(below) for below in node.get("Plans", ()))
