"""Sessions: who is logged in. They end by themselves, unused for a while or after a shift, whatever happens."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from dialer.model.account import Session
from dialer.storage import tables
from dialer.storage.accounts import account_of
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row

sessions = tables.sessions
accounts = tables.accounts

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last use of a session is known: a write for every request would be too many."""


class Sessions:
    """The `sessions` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, secret_hash: str, account_id: int, now: datetime, *, lasts: timedelta) -> int:
        """Somebody logged in; returns the session's id. Sessions older than `lasts` are forgotten on the way."""

        def work(connection: Connection) -> int:
            connection.execute(delete(sessions).where(sessions.c.opened_at < now - lasts))
            row = {"secret_hash": secret_hash, "account_id": account_id, "opened_at": now, "seen_at": now}
            return insert_row(connection, sessions, row)

        return await self._database.write(work)

    async def get(
        self, secret_hash: str, now: datetime, *, lasts: timedelta, idle: timedelta, used: bool = True
    ) -> Session | None:
        """The session behind a hash; None: there is none, it is over, or its account is closed. `used` now, or not."""
        query = (
            select(accounts, sessions.c.session_id, sessions.c.opened_at, sessions.c.seen_at)
            .join(sessions, sessions.c.account_id == accounts.c.account_id)
            .where(sessions.c.secret_hash == secret_hash, accounts.c.active)
            .where(sessions.c.opened_at > now - lasts, sessions.c.seen_at > now - idle)
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        if used and now - row.seen_at >= SEEN_EVERY:
            seen = update(sessions).where(sessions.c.session_id == row.session_id).values(seen_at=now)
            await self._database.write(lambda connection: connection.execute(seen))
        return Session(row.session_id, account_of(row), row.opened_at, row.seen_at)

    async def close(self, session_id: int) -> None:
        """Somebody logged out."""
        statement = delete(sessions).where(sessions.c.session_id == session_id)
        await self._database.write(lambda connection: connection.execute(statement))
