"""Sessions: who is logged in. They end by themselves, unused for a while or after a shift, whatever happens."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from dialer.model.account import LogInWay, Session
from dialer.storage import tables
from dialer.storage.accounts import account_of
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.tables.base import AnyRow

sessions = tables.sessions
accounts = tables.accounts

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is known: a write for every request would be too many."""


class Sessions:
    """The `sessions` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(
        self,
        secret_hash: str,
        account_id: int,
        now: datetime,
        *,
        lasts: timedelta,
        remote: str = "",
        log_in: LogInWay = LogInWay.PASSWORD,
    ) -> int:
        """Somebody logged in; returns the session's id. Sessions older than `lasts` are forgotten on the way."""
        row = {"secret_hash": secret_hash, "account_id": account_id, "opened_at": now, "seen_at": now}
        row |= {"remote": remote, "log_in": log_in.value}

        def work(connection: Connection) -> int:
            connection.execute(delete(sessions).where(sessions.c.opened_at < now - lasts))
            return insert_row(connection, sessions, row)

        return await self._database.write(work)

    async def get(
        self, secret_hash: str, now: datetime, *, lasts: timedelta, idle: timedelta, used: bool = True
    ) -> Session | None:
        """The session behind a hash; None: there is none, it is over, or its account is closed. `used` now, or not."""
        query = _open_at(now, lasts, idle).where(sessions.c.secret_hash == secret_hash)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        if used and now - row.seen_at >= SEEN_EVERY:
            seen = update(sessions).where(sessions.c.session_id == row.session_id).values(seen_at=now)
            await self._database.write(lambda connection: connection.execute(seen))
        return _session(row)

    async def all(
        self, now: datetime, *, lasts: timedelta, idle: timedelta, account_id: int | None = None
    ) -> tuple[Session, ...]:
        """Who is logged in, the last to log in first; of one account, or of all."""
        query = _open_at(now, lasts, idle).order_by(sessions.c.session_id.desc())
        if account_id is not None:
            query = query.where(sessions.c.account_id == account_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_session(row) for row in rows)

    async def close(self, session_id: int) -> int | None:
        """Somebody logged out, or is logged out: whose session it was; None: there is no such session."""
        ended = delete(sessions).where(sessions.c.session_id == session_id).returning(sessions.c.account_id)
        return await self._database.write(lambda connection: connection.execute(ended).scalar())

    async def close_all(self, account_id: int) -> int:
        """Logs somebody out everywhere: how many sessions that ended."""
        statement = delete(sessions).where(sessions.c.account_id == account_id)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


def _open_at(now: datetime, lasts: timedelta, idle: timedelta) -> Select[Any]:
    """Sessions that are not over, with their open accounts."""
    own = [column for column in sessions.c if column not in (sessions.c.account_id, sessions.c.secret_hash)]
    return (
        select(accounts, *own)
        .join(sessions, sessions.c.account_id == accounts.c.account_id)
        .where(accounts.c.active, sessions.c.opened_at > now - lasts, sessions.c.seen_at > now - idle)
    )


def _session(row: AnyRow) -> Session:
    way = LogInWay(row.log_in)
    return Session(row.session_id, account_of(row), row.opened_at, row.seen_at, row.remote, way)
