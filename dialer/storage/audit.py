"""The audit log: who read or changed something sensitive. Entries are only ever added."""

import re

from sqlalchemy import Connection, Select, func, insert, or_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from dialer.model.account import AuditEntry, AuditFilter
from dialer.storage import tables
from dialer.storage.database import Database

audit = tables.audit

WHO = re.compile(r"(?:account|token)/[0-9]{1,18}")
"""An actor by the id, under whatever name and in whatever role."""


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
        """`find`, of what was done to one subject, or of all."""
        return await self.find(AuditFilter(subject), before, limit)

    async def find(
        self, wanted: AuditFilter, before: int | None = None, limit: int = 100
    ) -> tuple[tuple[int, AuditEntry], ...]:
        """A page of (id, entry), newest first; the next page is that `before` the last id of this one."""
        query = select(audit).where(*_conditions(wanted)).limit(limit)
        query = query.order_by(audit.c.at.desc(), audit.c.audit_id.desc())
        if before is not None:
            last = select(audit.c.at, audit.c.audit_id).where(audit.c.audit_id == before)
            query = query.where(tuple_(audit.c.at, audit.c.audit_id) < last.scalar_subquery())
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(
            (row.audit_id, AuditEntry(row.at, row.actor, row.action, row.subject, row.detail, row.remote))
            for row in rows
        )

    async def actions(self) -> tuple[str, ...]:
        """Every action there is an entry of, by name; found by an index, one step per action."""
        query = _distinct_actions()
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(row.action for row in rows)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    equal = {audit.c.subject: wanted.subject, audit.c.action: wanted.action}
    conditions = [column == value for column, value in equal.items() if value is not None]
    if wanted.actor is not None:
        conditions.append(_by(wanted.actor))
    if wanted.since is not None:
        conditions.append(audit.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(audit.c.at < wanted.until)
    return conditions


def _by(actor: str) -> ColumnElement[bool]:
    if not WHO.fullmatch(actor):
        return audit.c.actor == actor
    return or_(audit.c.actor.like(f"%, {actor})"), audit.c.actor.like(f"%, {actor}, token/%)"))


def _distinct_actions() -> Select[tuple[str]]:
    """A DISTINCT would read the whole log; each step of this recursion asks the index for the next action."""
    seen = select(func.min(audit.c.action).label("action")).cte("seen", recursive=True)
    following = select(func.min(audit.c.action)).where(audit.c.action > seen.c.action).scalar_subquery()
    seen = seen.union_all(select(following).where(seen.c.action.is_not(None)))
    return select(seen.c.action).where(seen.c.action.is_not(None)).order_by(seen.c.action)


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
