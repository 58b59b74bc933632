"""The audit log: who read or changed something sensitive. Entries are only ever added."""

from sqlalchemy import Connection, insert, select

from dialer.model.account import AuditEntry
from dialer.storage import tables
from dialer.storage.database import Database

audit = tables.audit


class Audit:
    """The `audit` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entry: AuditEntry) -> None:
        """Adds an entry; it is durable before what it reports goes on."""
        await self._database.write(lambda connection: add_entry(connection, entry))

    async def list(
        self, subject: str | None = None, before: int | None = None, limit: int = 100
    ) -> tuple[tuple[int, AuditEntry], ...]:
        """A page of (id, entry), newest first; the next page is that `before` the last id of this one."""
        query = select(audit).order_by(audit.c.audit_id.desc()).limit(limit)
        if subject is not None:
            query = query.where(audit.c.subject == subject)
        if before is not None:
            query = query.where(audit.c.audit_id < before)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(
            (row.audit_id, AuditEntry(row.at, row.actor, row.action, row.subject, row.detail, row.remote))
            for row in rows
        )


def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """The same within the transaction of what it reports."""
    row = {
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": entry.detail,
        "remote": entry.remote,
    }
    connection.execute(insert(audit), row)
