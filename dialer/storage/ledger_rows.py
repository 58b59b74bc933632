"""Recordings as a check of the ledger reads them: their rows as they stand there, in the order of their ids.

Nothing is written, and nothing is made of a column that somebody may have put there but what it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, select, type_coerce

from dialer.model.recording import WrappedKey
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.ledger_reading import as_bytes, as_instant
from dialer.storage.tables.base import AnyRow
from recording.ledger import RECORDING_FACTS

PAGE = 200
"""Recordings read at a time: their objects are read before the next."""

recordings = tables.recordings
keys = tables.recording_keys

_PLAIN = tuple(recordings.c[name] for name in RECORDING_FACTS if name != "started_at")
_STARTED_AT = type_coerce(recordings.c.started_at, String).label("started_at")
_ROWS = (
    select(*_PLAIN, _STARTED_AT, recordings.c.marks, recordings.c.state, keys.c.kek_id, keys.c.wrapped)
    .select_from(recordings.outerjoin(keys, keys.c.recording_id == recordings.c.recording_id))
    .order_by(recordings.c.recording_id)
)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A recording's row: what the ledger says of it, too, by column; its state; and what opens it, if anything does."""

    recording_id: str
    said: Mapping[str, Any]
    state: str
    key: WrappedKey | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which recordings are looked at; nothing said: all."""

    since: datetime | None = None
    case_ref: str = ""
    recording_id: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether single recordings are meant, and not a time."""
        return bool(self.case_ref or self.recording_id)


ALL = Chosen()


class LedgerRows:
    """The `ledger_rows` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, after: str, chosen: Chosen = ALL, limit: int = PAGE) -> tuple[LedgerRow, ...]:
        """The first chosen recordings whose ids come after this one."""
        return await self._rows(_ROWS.where(recordings.c.recording_id > after, *_conditions(chosen)).limit(limit))

    async def get(self, recording_id: str) -> LedgerRow | None:
        """One recording's row, or None."""
        found = await self._rows(_ROWS.where(recordings.c.recording_id == recording_id))
        return found[0] if found else None

    async def names(self, recording_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Where the audio and the waveform of some hundreds of recordings at most lie; without those not on record."""
        columns = (recordings.c.recording_id, recordings.c.path, recordings.c.peaks_path)
        query = select(*columns).where(recordings.c.recording_id.in_(recording_ids))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {recording_id: (path, peaks_path) for recording_id, path, peaks_path in rows}

    async def stray_keys(self, limit: int) -> tuple[str, ...]:
        """Ids of wrapped keys that belong to no recording on record."""
        there = select(recordings.c.recording_id).where(recordings.c.recording_id == keys.c.recording_id)
        query = select(keys.c.recording_id).where(~there.exists()).order_by(keys.c.recording_id).limit(limit)
        return tuple(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def _rows(self, query: Select[Any]) -> tuple[LedgerRow, ...]:
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_row(row) for row in rows)


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    said = []
    if chosen.since is not None:
        said.append(recordings.c.started_at >= chosen.since)
    if chosen.case_ref:
        said.append(recordings.c.case_ref == chosen.case_ref)
    if chosen.recording_id:
        one = recordings.c.recording_id == chosen.recording_id
        said.append(one | ((recordings.c.parent_id == chosen.recording_id) & (recordings.c.parent_id != "")))
    return said


def _row(row: AnyRow) -> LedgerRow:
    said = {name: getattr(row, name) for name in RECORDING_FACTS}
    said |= {"started_at": as_instant(row.started_at), "marks": as_bytes(row.marks)}
    key = None if row.wrapped is None else WrappedKey(row.kek_id, as_bytes(row.wrapped))
    return LedgerRow(row.recording_id, said, row.state, key)
