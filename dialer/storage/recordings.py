"""Recordings: which file belongs to which attempt."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from dialer.errors import InputError
from dialer.model.outcome import EventType
from dialer.model.recording import RecordingInfo
from dialer.outcomes import payloads
from dialer.storage import tables
from dialer.storage.attempts import load_attempt
from dialer.storage.database import Database
from dialer.storage.events import emit
from dialer.storage.tables.base import AnyRow

recordings = tables.recordings


class Recordings:
    """The `recordings` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, recording: RecordingInfo, now: datetime) -> bool:
        """Stores a finalised recording and tells the case system; False when it was stored already.

        InputError: the attempt does not exist.
        """
        return await self._database.write(lambda connection: _add(connection, recording, now))

    async def get(self, recording_id: str) -> RecordingInfo | None:
        """The recording, or None."""
        query = select(recordings).where(recordings.c.recording_id == recording_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _value(row)

    async def list(
        self, attempt_id: int | None = None, before: tuple[datetime, str] | None = None, limit: int = 100
    ) -> tuple[RecordingInfo, ...]:
        """A page, newest first, of one attempt if given; the next is `before` the last (started_at, id) of this."""
        query = select(recordings).order_by(recordings.c.started_at.desc(), recordings.c.recording_id.desc())
        if attempt_id is not None:
            query = query.where(recordings.c.attempt_id == attempt_id)
        if before is not None:
            started_at, recording_id = before
            same = (recordings.c.started_at == started_at) & (recordings.c.recording_id < recording_id)
            query = query.where((recordings.c.started_at < started_at) | same)
        rows = await self._database.read(lambda connection: connection.execute(query.limit(limit)).all())
        return tuple(_value(row) for row in rows)


def _add(connection: Connection, recording: RecordingInfo, now: datetime) -> bool:
    attempt = load_attempt(connection, recording.attempt_id)
    if attempt is None:
        raise InputError(f"recording {recording.recording_id}: there is no attempt {recording.attempt_id}")
    known = select(recordings.c.recording_id).where(recordings.c.recording_id == recording.recording_id)
    if connection.execute(known).first() is not None:
        return False
    row = {name: getattr(recording, name) for name in recordings.c.keys()}  # noqa: SIM118  a column collection
    connection.execute(insert(recordings), row)
    mine = update(tables.attempts).where(tables.attempts.c.attempt_id == recording.attempt_id)
    connection.execute(mine.values(recording_id=recording.recording_id))
    emit(connection, EventType.RECORDING_READY, attempt.case_ref, now, payloads.recording_ready(recording, attempt))
    return True


def _value(row: AnyRow) -> RecordingInfo:
    return RecordingInfo(
        recording_id=row.recording_id,
        attempt_id=row.attempt_id,
        started_at=row.started_at,
        duration_s=row.duration_s,
        path=row.path,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        lost_ms=row.lost_ms,
        truncated=row.truncated,
    )
