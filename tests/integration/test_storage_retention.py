"""Holds, deletions by two persons, and what is left of a recording: on both databases."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from dialer.errors import InputError
from dialer.evidence.retention import dry_run, judge_due, judge_named
from dialer.evidence.retention_keeper import RETRY_AFTER, RetentionKeeper
from dialer.evidence.retention_terms import TermsBook, terms_book
from dialer.live import LiveBoard
from dialer.model.contact import CaseStatus
from dialer.model.recording import WrappedKey
from dialer.model.retention import (
    By,
    Deletion,
    DeletionState,
    ItemState,
    NewDeletion,
    NewHold,
    NotDecided,
)
from dialer.storage import Storage
from dialer.storage.dialect import CASE_LOCK, lock
from recording.errors import StoreAwayError
from recording.retention import HoldScope
from tests.support.recordings import new_recording
from tests.support.retained import DAY, LI, NODE, WANG, Archive, SetClock, Shelf, keeping_policy
from tests.support.storage import MONDAY, open_storage

POLICY = keeping_policy()
OLD = MONDAY - 70 * DAY
"""When a call ended whose recording may go."""
CLERK = By("li (supervisor)", 1)


async def book(storage: Storage, now: SetClock) -> TermsBook:
    return await terms_book(storage, POLICY, now.now)


def keeper(storage: Storage, clock: SetClock, shelf: Shelf) -> RetentionKeeper:
    return RetentionKeeper(storage, lambda _: POLICY, shelf, NODE, clock, LiveBoard(clock))


async def decided(storage: Storage, *recording_ids: str) -> Deletion:
    """A request for these recordings that two persons agreed on."""
    asked = await storage.deletions.ask(NewDeletion(recording_ids, "their time is over"), LI, MONDAY)
    allowed = await storage.deletions.allow(asked.deletion_id, WANG, MONDAY)
    assert isinstance(allowed, Deletion)
    return allowed


async def test_two_persons_delete_and_a_tombstone_stays(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        made = await archive.keep("old", 0, OLD)
        await archive.keep("redaction", 0, OLD, parent_id="old")
        await archive.keep("young", 1, MONDAY - 20 * DAY)
        clock, shelf = SetClock(), Shelf({made.path, made.peaks_path, "other"})
        deletion = await decided(storage, "old", "young", "redaction", "nothing")
        await keeper(storage, clock, shelf).work()
        books = await archive.books()
        assert books.gone == {"old", "redaction"}
        assert books.keys == {"young"}
        assert shelf.names == {"other"}
        assert books.doomed == set()
        (tombstone,) = books.tombstones["old"]
        assert tombstone["asked"] == {"account": 1, "role": "supervisor", "at": "2026-11-23T02:00:00Z"}
        assert tombstone["allowed"] == {"account": 2, "role": "auditor", "at": "2026-11-23T02:00:00Z"}
        assert (tombstone["reason"], tombstone["sealed_sha256"]) == ("their time is over", made.sealed_sha256)
        done = await storage.deletions.get(deletion.deletion_id)
        assert done is not None
        assert done.state is DeletionState.DONE
        assert done.counts == {ItemState.DELETED: 1, ItemState.KEPT: 3}
        items = await storage.deletions.items(deletion.deletion_id)
        assert {item.recording_id: [reason.code for reason in item.reasons] for item in items} == {
            "old": ["period_over"],
            "young": ["law_minimum"],
            "redaction": ["already_gone"],
            "nothing": ["unknown"],
        }
        stub = await storage.recordings.get("old")
        assert stub is not None
        assert (stub.number_masked, stub.marks, stub.case_ref) == ("", b"[]", "case-0")


async def test_who_asked_cannot_allow_and_nothing_is_decided_twice(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        asked = await storage.deletions.ask(NewDeletion(("one",), "why"), LI, MONDAY)
        own = await storage.deletions.allow(asked.deletion_id, LI, MONDAY)
        assert isinstance(own, NotDecided)
        assert own.forbidden
        refused = await storage.deletions.refuse(asked.deletion_id, LI, "taken back", MONDAY)
        assert isinstance(refused, Deletion)
        assert refused.state is DeletionState.REFUSED
        late = await storage.deletions.allow(asked.deletion_id, WANG, MONDAY)
        assert late == NotDecided("it is refused already")
        assert await storage.deletions.allow(999, WANG, MONDAY) is None
        assert [each.deletion_id for each in await storage.deletions.list(DeletionState.REFUSED)] == [asked.deletion_id]


async def test_holds_of_every_scope_keep_until_the_last_is_lifted(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        await archive.keep("old", 0, OLD)
        scopes = (
            (HoldScope.RECORDING, "old"),
            (HoldScope.CASE, "case-0"),
            (HoldScope.PERSON, "person-0"),
            (HoldScope.CAMPAIGN, str(archive.campaign_id)),
        )
        holds = [await storage.holds.place(NewHold(*scope, "a suit"), CLERK, MONDAY, node=NODE) for scope in scopes]
        for hold in holds:
            (judged,) = await judge_named(storage, await book(storage, SetClock()), ["old"])
            assert not judged.goes
            left = [reason.values["hold"] for reason in judged.reasons]
            assert left == [str(each.hold.hold_id) for each in holds[holds.index(hold) :]]
            await storage.holds.lift(hold.hold.hold_id, "settled", CLERK, MONDAY, node=NODE)
        (judged,) = await judge_named(storage, await book(storage, SetClock()), ["old"])
        assert judged.goes
        lifted = await storage.holds.list(in_force=False, scope=HoldScope.CASE)
        assert [(each.lifted_by, each.lift_reason) for each in lifted] == [(CLERK.words, "settled")]
        assert await storage.holds.list(in_force=True) == ()
        again = await storage.holds.lift(holds[0].hold.hold_id, "other", CLERK, MONDAY, node=NODE)
        assert again is not None
        assert again.lift_reason == "settled"
        assert await storage.holds.lift(999, "x", CLERK, MONDAY, node=NODE) is None


async def test_a_hold_on_a_redaction_is_asked_for_on_its_original(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        await archive.keep("old", 0, OLD)
        await archive.keep("old.r1", 0, OLD, parent_id="old")
        hold = NewHold(HoldScope.RECORDING, "old.r1", "court file 1")
        campaign = str(archive.campaign_id)
        for scope, ref in (("recording", "old"), ("case", "case-0"), ("person", "person-0"), ("campaign", campaign)):
            assert await storage.holds.n_held(HoldScope(scope), ref) == 1
        with pytest.raises(InputError, match="hold that one"):
            await storage.holds.place(hold, CLERK, MONDAY, node=NODE)


async def test_complaints_and_disputes_hold_by_themselves(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        await Archive.open(storage)
        for status in (CaseStatus.COMPLAINT, CaseStatus.OPEN, CaseStatus.COMPLAINT, CaseStatus.PAID):
            await storage.cases.set_status("case-0", status, MONDAY, node=NODE)
        await storage.cases.set_status("case-1", CaseStatus.DISPUTE, MONDAY, node=NODE)
        held = [(each.hold.scope, each.hold.ref) for each in reversed(await storage.holds.list(in_force=True))]
        assert held == [(HoldScope.CASE, "case-0"), (HoldScope.PERSON, "person-0"), (HoldScope.CASE, "case-1")]


async def test_a_dry_run_says_what_would_go_and_what_stays(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        for recording_id, nth, age in (("a", 0, 65), ("b", 1, 95), ("c", 2, 65), ("d", 3, 40), ("e", 3, 10)):
            await archive.keep(recording_id, nth, MONDAY - age * DAY)
        await archive.keep("a-redacted", 0, MONDAY - 65 * DAY, parent_id="a")
        await storage.holds.place(NewHold(HoldScope.CASE, "case-2", "a suit"), CLERK, MONDAY, node=NODE)
        now = await book(storage, SetClock())
        judged, complete = await judge_due(storage, now, MONDAY)
        run = dry_run(judged, MONDAY, complete=complete)
        assert (run.n_goes, run.n_overdue, run.n_derived, run.size_bytes, run.complete) == (2, 1, 1, 2000, True)
        assert [each.recording_id for each in run.examples] == ["b", "a"]  # oldest first
        assert [(kept.code, kept.n, kept.examples[0].recording_id) for kept in run.kept] == [("held", 1, "c")]
        overdue, _ = await judge_due(storage, now, MONDAY, overdue=True)
        assert [each.recording_id for each in overdue] == ["b"]
        earlier, _ = await judge_due(storage, now, MONDAY - 10 * DAY)
        assert [each.recording_id for each in earlier] == ["b"]
        named = await judge_named(storage, now, ["d", "e", "a-redacted"])
        assert [(each.goes, each.reasons[0].code) for each in named] == [
            (True, "house_period"),  # the house's own period may be cut short for one that is named
            (False, "law_minimum"),
            (False, "derived"),
        ]


async def test_the_rules_of_the_calls_day_bind_where_they_keep_longer(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        strict, lax = keeping_policy("80d", "80d", None), keeping_policy("1d", "1d", None)
        await storage.policies.record(NODE, lax, "start", MONDAY - 100 * DAY)
        await storage.policies.record(NODE, strict, "stricter", MONDAY - 75 * DAY)
        await storage.policies.record(NODE, lax, "back", MONDAY - 65 * DAY)
        await archive.keep("lax", 0, MONDAY - 76 * DAY)
        await archive.keep("strict", 0, OLD)
        now = await book(storage, SetClock())
        judged = await judge_named(storage, now, ["lax", "strict"])
        assert [each.goes for each in judged] == [True, False]
        assert judged[1].reasons[0].values["period"] == "80d"


async def test_what_the_store_does_not_give_up_is_noise_and_tried_again(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        made = await archive.keep("old", 0, OLD)
        clock, shelf = SetClock(), Shelf({made.path, made.peaks_path}, {made.path: MONDAY + 9 * DAY})
        await decided(storage, "old")
        shelf.away = StoreAwayError("the store is away")
        at_work = keeper(storage, clock, shelf)
        await at_work.work()
        books = await archive.books()
        assert books.gone == {"old"}
        assert books.keys == set()
        assert books.doomed == {made.path, made.peaks_path}
        shelf.away = None
        await at_work.work()
        assert shelf.names == {made.path, made.peaks_path}  # not before its time
        clock.now = MONDAY + RETRY_AFTER
        await at_work.work()
        assert shelf.names == {made.path}
        shelf.locked.clear()
        clock.now = MONDAY + 9 * DAY
        await keeper(storage, clock, shelf).work()  # another run of the program
        assert (shelf.names, (await archive.books()).doomed) == (set(), frozenset())


async def test_a_deletion_that_was_cut_short_goes_on(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        for nth in range(3):
            await archive.keep(f"old-{nth}", nth, OLD)
        deletion = await decided(storage, "old-0", "old-1", "old-2")
        judge = partial((await book(storage, SetClock())).judge, named=True)
        first = await storage.deletions.execute(deletion.deletion_id, "old-1", judge, MONDAY, node=NODE)
        again = await storage.deletions.execute(deletion.deletion_id, "old-1", judge, MONDAY, node=NODE)
        assert (first, again) == (ItemState.DELETED, None)
        assert not await storage.deletions.finish(deletion.deletion_id, MONDAY)
    async with open_storage(database_url) as storage:
        await keeper(storage, SetClock(), Shelf()).work()
        books = await Archive(storage, archive.campaign_id).books()
        assert books.gone == {"old-0", "old-1", "old-2"}
        assert all(len(told) == 1 for told in books.tombstones.values())


async def test_a_deleted_recording_does_not_come_back(database_url: str) -> None:
    """A spool that is finalised once more, and a redaction that was under way, bring no key back."""
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        made = await archive.keep("old", 0, OLD)
        await decided(storage, "old")
        await keeper(storage, SetClock(), Shelf()).work()
        again = new_recording("old", made.attempt_id, made.started_at, sealed_sha256="ef" * 32)
        assert not await storage.recordings.add(again, WrappedKey("kek", b"new"), MONDAY)
        redaction = new_recording("old-r1", made.attempt_id, made.started_at, parent_id="old")
        with pytest.raises(InputError, match="was deleted"):
            await storage.recordings.add(redaction, WrappedKey("kek", b"new"), MONDAY)
        assert (await archive.books()).keys == set()
        with pytest.raises(InputError, match="deleted before"):
            await storage.holds.place(NewHold(HoldScope.RECORDING, "old", "late"), CLERK, MONDAY, node=NODE)
        with pytest.raises(InputError, match="no such recording"):
            await storage.holds.place(NewHold(HoldScope.RECORDING, "none", "x"), CLERK, MONDAY, node=NODE)


async def test_a_hold_wins_against_a_deletion_or_comes_too_late(database_url: str) -> None:
    """Raced by two nodes for each of many recordings: never half."""
    n_races = 24
    async with open_storage(database_url) as storage, open_storage(database_url) as other:
        archive = await Archive.open(storage)
        ids = [f"old-{nth}" for nth in range(n_races)]
        for recording_id in ids:
            await archive.keep(recording_id, 0, OLD)
        deletion = await decided(storage, *ids)
        judge = partial((await book(storage, SetClock())).judge, named=True)

        async def hold(recording_id: str) -> bool:
            try:
                await other.holds.place(NewHold(HoldScope.RECORDING, recording_id, "x"), CLERK, MONDAY, node="node2")
            except InputError:
                return False
            return True

        async def delete(recording_id: str) -> ItemState | None:
            return await storage.deletions.execute(deletion.deletion_id, recording_id, judge, MONDAY, node=NODE)

        for nth, recording_id in enumerate(ids):
            if nth % 2:
                held, ended = await asyncio.gather(hold(recording_id), delete(recording_id))
            else:
                ended, held = await asyncio.gather(delete(recording_id), hold(recording_id))
            assert ended is (ItemState.KEPT if held else ItemState.DELETED), recording_id
        books = await archive.books()
        assert books.keys == books.kept
        assert books.gone == set(books.tombstones)


async def test_overdue_recordings_are_told_of(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        await archive.keep("late", 0, MONDAY - 95 * DAY)
        await archive.keep("held", 1, MONDAY - 95 * DAY)
        await storage.holds.place(NewHold(HoldScope.PERSON, "person-1", "a suit"), CLERK, MONDAY, node=NODE)
        at_work = keeper(storage, SetClock(), Shelf())
        await at_work.work()
        assert at_work.overdue == 1
        assert at_work._board.snapshot() == {f"retention/{NODE}": {"overdue": 1, "objects_without_key": 0}}


async def test_a_destroyed_key_is_in_no_file_of_the_database(database_url: str, tmp_path: Path) -> None:
    """Of PostgreSQL only that it is asked: what its pages held is overwritten later."""

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in sorted(tmp_path.glob("dialer.db*")))

    on_disk = database_url.startswith("sqlite")
    async with open_storage(database_url) as storage:
        archive = await Archive.open(storage)
        await archive.keep("old", 0, OLD)
        await archive.keep("young", 1, MONDAY)
        assert not on_disk or b"key of old" in await asyncio.to_thread(files)
        await decided(storage, "old")
        await keeper(storage, SetClock(), Shelf()).work()
        left = await asyncio.to_thread(files)
        assert b"key of old" not in left
        assert not on_disk or b"key of young" in left


async def test_holds_statuses_and_deletions_at_once_end_in_no_deadlock(postgres_url: str) -> None:
    """On several nodes, with redactions added meanwhile: whatever is held in the end was not deleted after it was."""
    async with open_storage(postgres_url) as storage, open_storage(postgres_url) as other:
        archive = await Archive.open(storage)
        made = [await archive.keep(f"old-{nth}", nth % 4, OLD) for nth in range(12)]
        deletion = await decided(storage, *(each.recording_id for each in made))
        judge = partial((await book(storage, SetClock())).judge, named=True)

        async def delete(node: str, at: Storage) -> None:
            for each in made:
                await at.deletions.execute(deletion.deletion_id, each.recording_id, judge, MONDAY, node=node)

        async def redact() -> None:
            for each in made:
                derived = new_recording(f"{each.recording_id}-r", each.attempt_id, OLD, parent_id=each.recording_id)
                with suppress(InputError):
                    await storage.recordings.add(derived, WrappedKey("kek", b"key"), MONDAY)

        async def complain() -> None:
            for nth in range(4):
                await other.cases.set_status(f"case-{nth}", CaseStatus.COMPLAINT, MONDAY, node="node2")

        await asyncio.gather(delete(NODE, storage), delete("node2", other), redact(), complain())
        books = await archive.books()
        assert books.keys == books.kept
        assert all(len(told) == 1 for told in books.tombstones.values())
        assert all((parent in books.gone) is (derived in books.gone) for derived, parent in books.parents.items())
        query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert await storage._database.read(lambda connection: connection.execute(query).scalar()) == 0


async def test_a_recording_waits_for_its_case_before_it_takes_its_attempt(postgres_url: str) -> None:
    """The end of a call and its wrap-up take the case first: in the other order they would wait in a circle."""
    holds_case = asyncio.Event()
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    def end_the_call(connection: Connection) -> None:
        lock(connection, CASE_LOCK, b"case-0")
        holds_case.set()
        while not connection.execute(waiting).scalar_one():
            connection.execute(text("SELECT pg_sleep(0.01)"))
        connection.execute(text("SELECT attempt_id FROM attempts FOR UPDATE NOWAIT"))

    async with open_storage(postgres_url) as storage:
        made = await (await Archive.open(storage)).keep("one", 0, OLD)
        again = new_recording("two", made.attempt_id, OLD)
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(storage._database.write(end_the_call))
            await holds_case.wait()
            group.create_task(storage.recordings.add(again, WrappedKey("kek", b"key"), MONDAY))
