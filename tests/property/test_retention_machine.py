"""Recordings, rules, holds, requests and clocks in any order: what must stay stays, what is gone is gone for good.

The law is stated here once more, in a few lines that know nothing of the code under test.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection

from dialer.compliance.policy import Policy
from dialer.errors import InputError
from dialer.evidence.retention import judge_due, judge_named
from dialer.evidence.retention_keeper import RetentionKeeper
from dialer.evidence.retention_terms import terms_book
from dialer.live import LiveBoard
from dialer.model.contact import CaseStatus
from dialer.model.retention import By, Deletion, DeletionState, ItemState, NewDeletion, NewHold, Person
from dialer.storage import Storage, tables
from dialer.storage.crypto import Cipher
from dialer.storage.memory import MemoryDatabase
from recording.retention import HoldScope
from tests.support.retained import LI, NODE, WANG, Archive, SetClock, Shelf, keeping_policy
from tests.support.storage import KEY

PEOPLE = 3
ZONE = ZoneInfo("Asia/Shanghai")
POLICIES = {days: keeping_policy(f"{days}d", f"{days + 10}d", f"{days + 20}d") for days in (10, 30, 50)}
"""By the days of their legal minimum."""
WRITTEN = (
    "recordings",
    "attempts",
    "recording_keys",
    "ledger",
    "ledger_heads",
    "legal_holds",
    "deletion_items",
    "deletions",
    "doomed_objects",
    "policy_changes",
    "case_changes",
    "cases",
    "events",
    "deliveries",
    "proofs",
    "proof_heads",
)


@dataclass(frozen=True)
class Kept:
    """A recording as the test knows it."""

    nth: int
    ended_at: datetime
    law_days: int
    """Of the rules in force when the call was made."""


@pytest.fixture(scope="module")
def archive() -> Iterator[tuple[asyncio.Runner, Archive]]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        storage = Storage(MemoryDatabase(), Cipher(KEY), SetClock())
        runner.run(stack.enter_async_context(storage))
        yield runner, runner.run(Archive.open(storage, PEOPLE))
        runner.run(stack.aclose())


class Retention(RuleBasedStateMachine):
    """Two persons, a node that crashes at will, and a case system."""

    def __init__(self, runner: asyncio.Runner, archive: Archive) -> None:
        super().__init__()
        self.run = runner.run
        self.archive = archive
        self.storage = archive.storage
        self.clock = SetClock()
        self.in_force: list[tuple[datetime, int]] = []
        self.known: dict[str, Kept] = {}
        self.holds: dict[int, tuple[HoldScope, str]] = {}
        self.requests: dict[int, tuple[str, ...]] = {}
        self.allowed: set[str] = set()
        self.gone: set[str] = set()
        self.made: set[str] = set()
        self.statuses: dict[int, CaseStatus] = {}
        self.shelf = Shelf()

    @initialize(days=st.sampled_from(sorted(POLICIES)))
    def begin(self, days: int) -> None:
        """A house that has been at work for a while."""
        self.run(self.storage._database.write(_clear))
        self.clock.now -= timedelta(days=200)
        self.rules_change(days)
        self.clock.now += timedelta(days=200)
        for nth in range(PEOPLE):
            self.call_ended(nth, 45)

    @property
    def policy(self) -> Policy:
        return POLICIES[self.law_days]

    @property
    def law_days(self) -> int:
        return self.in_force[-1][1]

    # ---- what happens in a house

    @rule(nth=st.integers(0, PEOPLE - 1), days_ago=st.sampled_from([0, 9.9, 31, 45, 100]))
    def call_ended(self, nth: int, days_ago: float) -> None:
        recording_id, ended_at = f"r{len(self.known)}", self.clock.now - timedelta(days=days_ago)
        made = self.run(self.archive.keep(recording_id, nth, ended_at))
        self.shelf.names |= {made.path, made.peaks_path}
        law_days = next(days for at, days in reversed(self.in_force) if at <= made.started_at)
        self.known[recording_id] = Kept(nth, ended_at, law_days)

    @rule(data=st.data())
    def somebody_redacts(self, data: st.DataObject) -> None:
        recording_id = self._one(data)
        kept, made = self.known[recording_id], f"r{len(self.known)}"
        try:
            self.run(self.archive.keep(made, kept.nth, kept.ended_at, parent_id=recording_id))
        except InputError:
            assert recording_id in self.gone or recording_id in self.made, "redactions are made of originals"
        else:
            self.known[made] = kept
            self.made.add(made)

    @rule(days=st.sampled_from([0.4, 5, 11, 31]))
    def time_goes_by(self, days: float) -> None:
        self.clock.now += timedelta(days=days)

    @rule(days=st.sampled_from(sorted(POLICIES)))
    def rules_change(self, days: int) -> None:
        self.in_force.append((self.clock.now, days))
        self.run(self.storage.policies.record(NODE, self.policy, "test", self.clock.now))

    @rule(data=st.data(), scope=st.sampled_from(HoldScope))
    def somebody_holds(self, data: st.DataObject, scope: HoldScope) -> None:
        recording_id = self._one(data)
        ref = self._ref(recording_id, scope)
        place = self.storage.holds.place(NewHold(scope, ref, "a suit"), By("li"), self.clock.now, node=NODE)
        try:
            placed = self.run(place)
        except InputError:
            assert recording_id in self.gone or recording_id in self.made
        else:
            self.holds[placed.hold.hold_id] = scope, ref

    @rule(nth=st.integers(0, PEOPLE - 1), status=st.sampled_from(CaseStatus))
    def the_case_system_says(self, nth: int, status: CaseStatus) -> None:
        self.run(self.storage.cases.set_status(f"case-{nth}", status, self.clock.now, node=NODE))
        for stored in self.run(self.storage.holds.list(in_force=True)):
            self.holds.setdefault(stored.hold.hold_id, (stored.hold.scope, stored.hold.ref))
        before, self.statuses[nth] = self.statuses.get(nth), status
        if status in (CaseStatus.COMPLAINT, CaseStatus.DISPUTE) and status is not before:
            assert (HoldScope.CASE, f"case-{nth}") in self.holds.values()

    @rule(data=st.data())
    def somebody_lifts(self, data: st.DataObject) -> None:
        if self.holds:
            hold_id = data.draw(st.sampled_from(sorted(self.holds)))
            self.run(self.storage.holds.lift(hold_id, "over", By("wang"), self.clock.now, node=NODE))
            del self.holds[hold_id]

    @rule(data=st.data(), named=st.booleans(), honest=st.booleans(), person=st.sampled_from([LI, WANG, WANG, WANG]))
    def somebody_asks_and_somebody_allows(self, data: st.DataObject, named: bool, honest: bool, person: Person) -> None:
        """Who is not honest asks for what must stay: the request itself is no protection."""
        book = self.run(terms_book(self.storage, self.policy, self.clock.now))
        if named:
            ids = data.draw(st.lists(st.sampled_from(sorted(self.known)), min_size=1, max_size=3))
            judged = self.run(judge_named(self.storage, book, ids))
        else:
            judged, _ = self.run(judge_due(self.storage, book, self.clock.now))
        ids = [each.recording_id for each in judged if each.goes or not honest] or ["none"]
        new = NewDeletion(tuple(ids), "over", None if named else self.clock.now)
        asked = self.run(self.storage.deletions.ask(new, LI, self.clock.now))
        said = self.run(self.storage.deletions.allow(asked.deletion_id, person, self.clock.now))
        assert isinstance(said, Deletion) is (person is WANG)
        self.requests[asked.deletion_id] = new.recording_ids
        if person is WANG:
            self.allowed |= set(ids)

    @rule(data=st.data())
    def a_node_does_one_and_dies(self, data: st.DataObject) -> None:
        if not self.requests:
            return
        deletion_id = data.draw(st.sampled_from(sorted(self.requests)))
        book = self.run(terms_book(self.storage, self.policy, self.clock.now))
        judge, first = partial(book.judge, named=True), self.requests[deletion_id][0]
        self.run(self.storage.deletions.execute(deletion_id, first, judge, self.clock.now, node=NODE))

    @rule()
    def the_node_works(self) -> None:
        board = LiveBoard(self.clock)
        keeper = RetentionKeeper(self.storage, lambda _: self.policy, self.shelf, NODE, self.clock, board)
        self.run(keeper.work())
        for deletion in self.run(self.storage.deletions.list(DeletionState.DONE)):
            assert ItemState.PENDING not in deletion.counts
        assert self.run(self.storage.deletions.list(DeletionState.ALLOWED)) == ()

    # ---- what is always so

    @invariant()
    def what_must_stay_stays(self) -> None:
        books = self.run(self.archive.books())
        for recording_id in books.gone - self.gone:
            original = books.parents.get(recording_id, recording_id)
            assert not self._must_stay(original), original
            assert original in self.allowed
        self.gone = set(books.gone)
        assert books.kept | books.gone == set(self.known)
        assert books.keys == books.kept, "whatever is kept can be opened, and nothing else"
        assert {recording_id: len(told) for recording_id, told in books.tombstones.items()} == dict.fromkeys(
            self.gone, 1
        )
        assert all((parent in self.gone) is (made in self.gone) for made, parent in books.parents.items())

    def _must_stay(self, recording_id: str) -> bool:
        kept = self.known[recording_id]
        day: date = kept.ended_at.astimezone(ZONE).date() + timedelta(days=max(kept.law_days, self.law_days) + 1)
        in_law = self.clock.now < datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
        held = set(self.holds.values())
        return in_law or any((scope, self._ref(recording_id, scope)) in held for scope in HoldScope)

    def _one(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.known)))

    def _ref(self, recording_id: str, scope: HoldScope) -> str:
        nth = self.known[recording_id].nth
        return {
            HoldScope.RECORDING: recording_id,
            HoldScope.CASE: f"case-{nth}",
            HoldScope.PERSON: f"person-{nth}",
            HoldScope.CAMPAIGN: str(self.archive.campaign_id),
        }[scope]


def _clear(connection: Connection) -> None:
    for name in WRITTEN:
        connection.execute(tables.metadata.tables[name].delete())


@pytest.mark.allow_blocking  # a database in memory works in the loop itself
def test_nothing_that_must_stay_is_ever_gone(archive: tuple[asyncio.Runner, Archive]) -> None:
    run_state_machine_as_test(
        lambda: Retention(*archive),  # type: ignore[arg-type]  # any maker of a machine will do
        settings=settings(
            max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
