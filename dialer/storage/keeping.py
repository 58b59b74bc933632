"""Recordings as retention sees them: what is kept since when, and which legal holds are on it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, tuple_

from dialer.errors import InputError
from dialer.model.recording import NewRecording, RecordingState
from dialer.model.retention import DoomedObject, Keepable
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.holds import holds_on
from dialer.storage.tables.base import AnyRow
from recording.retention import Hold

attempts = tables.attempts
recordings = tables.recordings
doomed = tables.doomed_objects

KEPT = recordings.c.state == RecordingState.KEPT.value
_DERIVED = recordings.alias("derived")
_N_DERIVED = (
    select(func.count())
    .where(_DERIVED.c.parent_id == recordings.c.recording_id, _DERIVED.c.parent_id != "")
    .scalar_subquery()
)
_SEEN = (
    select(
        *(
            recordings.c[name]
            for name in (
                "recording_id",
                "node",
                "attempt_id",
                "campaign_id",
                "case_ref",
                "started_at",
                "duration_s",
                "size_bytes",
                "state",
                "parent_id",
            )
        ),
        attempts.c.person_ref,
        _N_DERIVED.label("n_derived"),
    )
    .select_from(recordings)
    .join(attempts, attempts.c.attempt_id == recordings.c.attempt_id)
)


class Keeping:
    """The `keeping` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, recording_ids: Sequence[str]) -> tuple[Keepable, ...]:
        """Those of these recordings that there are, gone ones too."""
        query = _SEEN.where(recordings.c.recording_id.in_(recording_ids))
        return await self._database.read(lambda connection: keepables(connection, query))

    async def oldest(
        self, before: datetime, after: tuple[datetime, str] | None = None, limit: int = 500
    ) -> tuple[Keepable, ...]:
        """A page of originals that are kept, of calls begun before an instant, oldest first.

        The next is `after` the last (started_at, recording_id) of this one.
        """
        query = _SEEN.where(KEPT, recordings.c.parent_id == "", recordings.c.started_at < before)
        place = (recordings.c.started_at, recordings.c.recording_id)
        if after is not None:
            query = query.where(tuple_(*place) > after)
        query = query.order_by(*place).limit(limit)
        return await self._database.read(lambda connection: keepables(connection, query))

    async def doomed(self, node: str, now: datetime, limit: int) -> tuple[DoomedObject, ...]:
        """Objects of a node's store that are to be deleted now."""
        query = select(doomed).where(doomed.c.node == node, doomed.c.try_at <= now).order_by(doomed.c.try_at)
        rows = await self._database.read(lambda connection: connection.execute(query.limit(limit)).all())
        return tuple(DoomedObject(row.name, row.recording_id) for row in rows)

    async def object_gone(self, name: str) -> None:
        """The store has it no more."""
        statement = doomed.delete().where(doomed.c.name == name)
        await self._database.write(lambda connection: connection.execute(statement))

    async def object_stays(self, name: str, problem: str, try_at: datetime) -> None:
        """The store did not give it up; it is asked again."""
        statement = doomed.update().where(doomed.c.name == name).values(problem=problem, try_at=try_at)
        await self._database.write(lambda connection: connection.execute(statement))

    async def n_doomed(self, node: str) -> int:
        """How many objects of a node's store wait to be deleted."""
        query = select(func.count()).select_from(doomed).where(doomed.c.node == node)
        return await self._database.read(lambda connection: connection.execute(query).scalar_one())


def is_gone(connection: Connection, new: NewRecording) -> bool:
    """Whether a recording that is handed in was deleted before: its key must not come back.

    InputError: it was made of one that is deleted, or of one that goes with another. The caller holds the lock of the
    attempt, as a deletion does.
    """
    named = recordings.c.recording_id.in_((new.recording_id, new.parent_id))
    query = select(recordings.c.recording_id, recordings.c.state, recordings.c.parent_id).where(named)
    known = {row.recording_id: row for row in connection.execute(query)}
    gone = {name for name, row in known.items() if row.state != RecordingState.KEPT.value}
    if new.parent_id in gone:
        raise InputError(f"the recording {new.parent_id} was deleted, and with it all that is made of it")
    if new.parent_id in known and known[new.parent_id].parent_id:
        raise InputError(f"the recording {new.parent_id} is made of another one itself, and goes with that one")
    return new.recording_id in gone


def keepables(connection: Connection, query: Select[Any]) -> tuple[Keepable, ...]:
    """The recordings of a query over `_SEEN`, each with its holds."""
    rows = connection.execute(query).all()
    holds = holds_on(connection, rows)
    return tuple(_value(row, holds[row.recording_id]) for row in rows)


def keepable(connection: Connection, recording_id: str) -> Keepable | None:
    """One of them, or None."""
    found = keepables(connection, _SEEN.where(recordings.c.recording_id == recording_id))
    return found[0] if found else None


def _value(row: AnyRow, holds: tuple[Hold, ...]) -> Keepable:
    plain = {name: getattr(row, name) for name in Keepable.__slots__ if name not in ("is_kept", "holds")}
    return Keepable(**plain, is_kept=row.state == RecordingState.KEPT.value, holds=holds)
