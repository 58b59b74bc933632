"""Deletions: asked for by one person, allowed by another, and then done recording by recording.

Each recording goes in a transaction of its own that looks at its rules and its holds once more, under the lock that
keeps holds from being placed meanwhile. With the transaction its key is gone, its personal fields are empty, and the
ledger holds a tombstone; what lies in the store is noise from then on, and is left on a list for the store's keeper.
What is not done when the program is killed is still on the request, and goes on at the next start.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from dialer.model.account import Role
from dialer.model.recording import RecordingState
from dialer.model.retention import (
    Deletion,
    DeletionItem,
    DeletionState,
    ItemState,
    Judged,
    Keepable,
    NewDeletion,
    NotDecided,
    Person,
)
from dialer.storage import ledger, tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing, insert_row
from dialer.storage.holds import lock_retention
from dialer.storage.keeping import keepable
from dialer.storage.tables.base import AnyRow
from recording.ledger import EntryKind
from recording.retention import Reason

table = tables.deletions
items = tables.deletion_items
recordings = tables.recordings
keys = tables.recording_keys
doomed = tables.doomed_objects

Judge = Callable[[str, Keepable | None], Judged]
"""What may be done with a recording of that id now."""

CLEARED: Mapping[str, Any] = {"number_index": b"", "number_masked": "", "marks": b"[]"}
"""What a deleted recording's row tells no more: whom the call was to, and what happened in it when."""


class Deletions:
    """The `deletions` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, new: NewDeletion, person: Person, now: datetime) -> Deletion:
        """Puts a request on record; nothing goes before another person allows it."""
        return await self._database.write(lambda connection: _ask(connection, new, person, now))

    async def allow(self, deletion_id: int, person: Person, now: datetime) -> Deletion | NotDecided | None:
        """Lets a request be carried out, if the person is another one than asked. None: there is no such request."""
        return await self._database.write(
            lambda connection: _decide(connection, deletion_id, DeletionState.ALLOWED, person, "", now)
        )

    async def refuse(
        self, deletion_id: int, person: Person, reason: str, now: datetime
    ) -> Deletion | NotDecided | None:
        """Ends a request that nobody has decided on; who asked may take it back so. None: there is no such request."""
        return await self._database.write(
            lambda connection: _decide(connection, deletion_id, DeletionState.REFUSED, person, reason, now)
        )

    async def get(self, deletion_id: int) -> Deletion | None:
        """The request, or None."""
        return await self._database.read(lambda connection: _load(connection, deletion_id))

    async def list(
        self, state: DeletionState | None = None, before: int | None = None, limit: int = 100
    ) -> tuple[Deletion, ...]:
        """A page, newest first; the next is that `before` the last id of this one."""
        query = select(table).order_by(table.c.deletion_id.desc()).limit(limit)
        if state is not None:
            query = query.where(table.c.state == state.value)
        if before is not None:
            query = query.where(table.c.deletion_id < before)
        return await self._database.read(lambda connection: _values(connection, connection.execute(query).all()))

    async def items(
        self, deletion_id: int, state: ItemState | None = None, after: str = "", limit: int = 500
    ) -> tuple[DeletionItem, ...]:
        """A page of a request's recordings by their ids; the next is `after` the last id of this one."""
        query = select(items).where(items.c.deletion_id == deletion_id, items.c.recording_id > after)
        if state is not None:
            query = query.where(items.c.state == state.value)
        query = query.order_by(items.c.recording_id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(
            DeletionItem(
                row.recording_id, ItemState(row.state), msgspec.json.decode(row.why, type=tuple[Reason, ...]), row.at
            )
            for row in rows
        )

    async def execute(
        self, deletion_id: int, recording_id: str, judge: Judge, now: datetime, *, node: str
    ) -> ItemState | None:
        """Deletes one recording of an allowed request, or says on record what keeps it; None: that was done before.

        `judge` is asked inside the transaction, with what holds the recording then.
        """
        return await self._database.write(
            lambda connection: _execute(connection, deletion_id, recording_id, judge, now, node)
        )

    async def finish(self, deletion_id: int, now: datetime) -> bool:
        """Marks an allowed request of which nothing is left to do as done."""
        return await self._database.write(lambda connection: _finish(connection, deletion_id, now))

    async def scrub(self) -> bool:
        """Takes destroyed keys out of the database's own files, as far as it can; False: not now, ask again."""
        return await self._database.scrub(keys.name)


def _ask(connection: Connection, new: NewDeletion, person: Person, now: datetime) -> Deletion:
    row = {
        "by": new.by,
        "reason": new.reason,
        "state": DeletionState.ASKED.value,
        "asked_by": person.name,
        "asked_role": person.role.value,
        "asked_account": person.account_id,
        "asked_at": now,
        "decided_by": "",
        "decided_role": "",
        "decision_reason": "",
    }
    deletion_id = insert_row(connection, table, row)
    named = [
        {"deletion_id": deletion_id, "recording_id": recording_id, "state": ItemState.PENDING.value, "why": b"[]"}
        for recording_id in dict.fromkeys(new.recording_ids)
    ]
    connection.execute(insert(items), named)
    asked = _load(connection, deletion_id)
    assert asked is not None  # noqa: S101 (it was just written)
    return asked


def _decide(
    connection: Connection, deletion_id: int, state: DeletionState, person: Person, reason: str, now: datetime
) -> Deletion | NotDecided | None:
    mine = table.c.deletion_id == deletion_id
    row = connection.execute(select(table).where(mine).with_for_update()).first()
    if row is None:
        return None
    if row.state != DeletionState.ASKED.value:
        return NotDecided(f"it is {row.state} already")
    if state is DeletionState.ALLOWED and row.asked_account == person.account_id:
        return NotDecided("who asked for a deletion cannot allow it: another person must", forbidden=True)
    decided = {
        "state": state.value,
        "decided_by": person.name,
        "decided_role": person.role.value,
        "decided_account": person.account_id,
        "decided_at": now,
        "decision_reason": reason,
    }
    connection.execute(update(table).where(mine).values(decided))
    return _load(connection, deletion_id)


def _execute(
    connection: Connection, deletion_id: int, recording_id: str, judge: Judge, now: datetime, node: str
) -> ItemState | None:
    lock_retention(connection)
    request = connection.execute(select(table).where(table.c.deletion_id == deletion_id)).one()
    mine = (items.c.deletion_id == deletion_id) & (items.c.recording_id == recording_id)
    state = connection.execute(select(items.c.state).where(mine)).scalar()
    if request.state != DeletionState.ALLOWED.value or state != ItemState.PENDING.value:
        return None
    _lock_attempt(connection, recording_id)
    judged = judge(recording_id, keepable(connection, recording_id))
    ended = ItemState.DELETED if judged.goes else ItemState.KEPT
    why = msgspec.json.encode(judged.reasons)
    connection.execute(update(items).where(mine).values(state=ended.value, why=why, at=now))
    if judged.goes:
        _delete(connection, request, recording_id, now, node)
    return ended


def _lock_attempt(connection: Connection, recording_id: str) -> None:
    """Whoever adds what is made of a recording holds its attempt: it is there by now, or is refused afterwards."""
    attempts = tables.attempts
    of = select(recordings.c.attempt_id).where(recordings.c.recording_id == recording_id).scalar_subquery()
    connection.execute(select(attempts.c.attempt_id).where(attempts.c.attempt_id == of).with_for_update())


def _delete(connection: Connection, request: AnyRow, recording_id: str, now: datetime, node: str) -> None:
    """The recording and all that was made of it, the original's tombstone last."""
    made = recordings.c.parent_id == recording_id
    rows = connection.execute(select(recordings).where(made).order_by(recordings.c.recording_id)).all()
    original = connection.execute(select(recordings).where(recordings.c.recording_id == recording_id)).one()
    gone = [row for row in (*rows, original) if row.state == RecordingState.KEPT.value]
    ids = [row.recording_id for row in gone]
    connection.execute(delete(keys).where(keys.c.recording_id.in_(ids)))
    cleared = {"state": RecordingState.DELETED.value, **CLEARED}
    connection.execute(update(recordings).where(recordings.c.recording_id.in_(ids)).values(cleared))
    insert_missing(connection, doomed, [found for row in gone for found in _doomed(row, now)])
    for row in gone:
        facts = _tombstone(row, request)
        ledger.append(connection, node, EntryKind.TOMBSTONE, row.recording_id, facts, now)


def _doomed(row: AnyRow, now: datetime) -> list[dict[str, Any]]:
    same = {"recording_id": row.recording_id, "node": row.node, "doomed_at": now, "try_at": now, "problem": ""}
    return [{"name": name, **same} for name in (row.path, row.peaks_path) if name]


def _tombstone(row: AnyRow, request: AnyRow) -> dict[str, Any]:
    """What can be proven of a recording that is gone: which it was, and who let it go, when and why. No name."""
    said = (
        "attempt_id",
        "case_ref",
        "parent_id",
        "sha256",
        "size_bytes",
        "sealed_sha256",
        "sealed_bytes",
        "duration_s",
    )
    return {
        **{name: getattr(row, name) for name in said},
        "started_at": row.started_at,
        "deletion_id": request.deletion_id,
        "reason": request.reason,
        "asked": {"account": request.asked_account, "role": request.asked_role, "at": request.asked_at},
        "allowed": {"account": request.decided_account, "role": request.decided_role, "at": request.decided_at},
    }


def _finish(connection: Connection, deletion_id: int, now: datetime) -> bool:
    left = select(items.c.recording_id).where(
        items.c.deletion_id == deletion_id, items.c.state == ItemState.PENDING.value
    )
    allowed = (table.c.deletion_id == deletion_id) & (table.c.state == DeletionState.ALLOWED.value)
    done = update(table).where(allowed, ~left.exists()).values(state=DeletionState.DONE.value, finished_at=now)
    return connection.execute(done).rowcount > 0


def _load(connection: Connection, deletion_id: int) -> Deletion | None:
    rows = connection.execute(select(table).where(table.c.deletion_id == deletion_id)).all()
    return _values(connection, rows)[0] if rows else None


def _values(connection: Connection, rows: Sequence[AnyRow]) -> tuple[Deletion, ...]:
    ids = [row.deletion_id for row in rows]
    by_state = select(items.c.deletion_id, items.c.state, func.count()).where(items.c.deletion_id.in_(ids))
    counts: dict[int, dict[ItemState, int]] = {}
    for deletion_id, state, n in connection.execute(by_state.group_by(items.c.deletion_id, items.c.state)):
        counts.setdefault(deletion_id, {})[ItemState(state)] = n
    return tuple(_value(row, counts.get(row.deletion_id, {})) for row in rows)


def _value(row: AnyRow, counts: Mapping[ItemState, int]) -> Deletion:
    decided = row.decided_account
    return Deletion(
        row.deletion_id,
        row.by,
        row.reason,
        DeletionState(row.state),
        Person(row.asked_account, row.asked_by, Role(row.asked_role)),
        row.asked_at,
        None if decided is None else Person(decided, row.decided_by, Role(row.decided_role)),
        row.decided_at,
        row.decision_reason,
        row.finished_at,
        counts,
    )
