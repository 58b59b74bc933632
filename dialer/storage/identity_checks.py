"""Who was on the line, as collectors found it out: added to, never changed; evidence of whom the debt was told."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select

from dialer.model.collecting import IdentityCheck, IdentityResult
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.tables.base import AnyRow

table = tables.identity_checks

# Built once: composing a statement costs more time than running it.
_LATEST = select(table).where(table.c.attempt_id == bindparam("of_attempt")).order_by(table.c.check_id.desc()).limit(1)


class IdentityChecks:
    """The `identity_checks` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, check: IdentityCheck) -> None:
        """Keeps what a collector found out; durable when it returns."""
        row = {
            "attempt_id": check.attempt_id,
            "agent_id": check.agent_id,
            "result": check.result.value,
            "at": check.at,
        }
        await self._database.write(lambda connection: insert_row(connection, table, row))

    async def latest(self, attempt_id: int) -> IdentityCheck | None:
        """What counts for an attempt; None: nobody recorded anything."""
        return await self._database.read(lambda connection: latest_check(connection, attempt_id))

    async def of_attempts(self, attempt_ids: Collection[int]) -> Mapping[int, tuple[IdentityCheck, ...]]:
        """All that was recorded of these attempts, oldest first; those without are left out."""
        query = select(table).where(table.c.attempt_id.in_(sorted(attempt_ids))).order_by(table.c.check_id)
        found: dict[int, tuple[IdentityCheck, ...]] = {}
        for row in await self._database.read(lambda connection: connection.execute(query).all()):
            found[row.attempt_id] = (*found.get(row.attempt_id, ()), _value(row))
        return found


def latest_check(connection: Connection, attempt_id: int) -> IdentityCheck | None:
    """The same as `latest`, inside a transaction."""
    row = connection.execute(_LATEST, {"of_attempt": attempt_id}).first()
    return None if row is None else _value(row)


def _value(row: AnyRow) -> IdentityCheck:
    return IdentityCheck(row.attempt_id, row.agent_id, IdentityResult(row.result), row.at)
