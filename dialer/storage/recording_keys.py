"""The wrapped keys of all recordings, as far as they change together: under another key-encryption key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from dialer.model.recording import WrappedKey
from dialer.storage import tables
from dialer.storage.database import Database

keys = tables.recording_keys


@dataclass(frozen=True, slots=True)
class KeyChange:
    """The same key, wrapped by another key-encryption key."""

    recording_id: str
    old: WrappedKey
    new: WrappedKey


class RecordingKeys:
    """The `recording_keys` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self) -> Mapping[str, int]:
        """How many recordings' keys each key-encryption key wraps."""
        query = select(keys.c.kek_id, func.count().label("n_keys")).group_by(keys.c.kek_id).order_by(keys.c.kek_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.kek_id: row.n_keys for row in rows}

    async def wrapped_otherwise(self, kek_id: str, after: str, limit: int) -> Mapping[str, WrappedKey]:
        """The next keys that another one than `kek_id` wraps, by recording, in the order of their ids."""
        other = (keys.c.kek_id != kek_id) & (keys.c.recording_id > after)
        query = select(keys).where(other).order_by(keys.c.recording_id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.recording_id: WrappedKey(row.kek_id, row.wrapped) for row in rows}

    async def replace(self, changes: Sequence[KeyChange]) -> int:
        """Puts new wrapped keys in the place of the old ones; says of how many.

        Where there is another one by now, or none because the recording was deleted, it stays so.
        """
        return await self._database.write(lambda connection: _replace(connection, changes))


def _replace(connection: Connection, changes: Sequence[KeyChange]) -> int:
    n_changed = 0
    for change in changes:
        same = (keys.c.recording_id == change.recording_id) & (keys.c.wrapped == change.old.wrapped)
        new = {"kek_id": change.new.kek_id, "wrapped": change.new.wrapped}
        n_changed += connection.execute(update(keys).where(same).values(new)).rowcount
    return n_changed
