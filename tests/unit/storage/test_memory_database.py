"""A database in memory: a work stands or falls as a whole, and a prepared statement answers as a composed one."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update

from dialer.clock import SystemClock
from dialer.errors import InputError
from dialer.model.account import NewAccount, Role
from dialer.storage import Storage, tables
from dialer.storage.crypto import KEY_BYTES, Cipher
from dialer.storage.dialect import insert_row
from dialer.storage.memory import MemoryDatabase

pytestmark = pytest.mark.allow_blocking  # in memory a statement runs in the loop's own thread
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
THREE_TIMES = 3
"""First as SQLAlchemy composes it, then prepared, then from what was prepared."""
accounts = tables.accounts
_BY_ID = select(accounts.c.login, accounts.c.active, accounts.c.created_at).where(
    accounts.c.account_id == bindparam("wanted")
)
_RENAME = (
    update(accounts)
    .where(accounts.c.account_id == bindparam("wanted"), accounts.c.role.in_(["collector", "qa"]))
    .values(name=bindparam("new_name"))
    .returning(accounts.c.name)
)
_SOME = select(accounts.c.login).where(accounts.c.login.in_(bindparam("logins", expanding=True)))


async def _create(storage: Storage, login: str) -> int:
    account = await storage.accounts.create(NewAccount(login, login, Role.COLLECTOR, "no password"), NOW)
    return account.account_id


async def test_a_prepared_statement_answers_as_a_composed_one() -> None:
    """Instants are aware, names and places name a column, and what changed is counted."""
    database = MemoryDatabase()
    async with Storage(database, Cipher(bytes(KEY_BYTES)), SystemClock()) as storage:
        ids = [await _create(storage, f"collector-{n}") for n in range(THREE_TIMES)]

        def work(connection: Connection) -> list[tuple[object, ...]]:
            seen: list[tuple[object, ...]] = []
            for account_id in ids:
                row = connection.execute(_BY_ID, {"wanted": account_id}).one()
                renamed = connection.execute(_RENAME, {"wanted": account_id, "new_name": "another"})
                nobody = connection.execute(_BY_ID, {"wanted": -1}).first()
                seen.append((row.login, row[1], row.created_at, renamed.scalar_one(), nobody))
            return seen

        found = await database.write(work)
        names = await database.read(lambda connection: [_logins(connection, n) for n in range(1, 4)])
    assert found == [(f"collector-{n}", True, NOW, "another", None) for n in range(THREE_TIMES)]
    assert names == [[f"collector-{n}" for n in range(length)] for length in range(1, 4)]


def _logins(connection: Connection, n: int) -> Sequence[str]:
    """A list of another length each time, so another statement."""
    return sorted(connection.execute(_SOME, {"logins": [f"collector-{m}" for m in range(n)]}).scalars().all())


async def test_what_raises_leaves_nothing() -> None:
    """Of the work that fails nothing stays; the next one begins anew."""
    database = MemoryDatabase()
    async with Storage(database, Cipher(bytes(KEY_BYTES)), SystemClock()) as storage:

        def fails(connection: Connection) -> None:
            row = {"name": "gone", "value": b"1"}
            connection.execute(insert(tables.properties), row)
            raise InputError("no")

        for _ in range(THREE_TIMES):
            with pytest.raises(InputError):
                await database.write(fails)
        query = select(tables.properties.c.name).where(tables.properties.c.name == "gone")
        assert await database.read(lambda connection: connection.execute(query).first()) is None
        await _create(storage, "collector")


async def test_a_refused_statement_is_told_as_ever() -> None:
    """A log-in that is taken: the storage knows the error by its kind, prepared or not."""
    async with Storage(MemoryDatabase(), Cipher(bytes(KEY_BYTES)), SystemClock()) as storage:
        for _ in range(THREE_TIMES):
            await _create(storage, f"collector-{_}")
        for _ in range(THREE_TIMES):
            with pytest.raises(InputError):
                await _create(storage, "collector-1")


async def test_an_insert_gives_its_key() -> None:
    database = MemoryDatabase()
    async with Storage(database, Cipher(bytes(KEY_BYTES)), SystemClock()):
        row = {"name": "a list", "source": "", "node": "", "state": "ready", "created_at": NOW}
        row |= {"contact_count": 0, "phone_count": 0}
        keys = [
            await database.write(lambda connection: insert_row(connection, tables.lists, row))
            for _ in range(THREE_TIMES)
        ]
    assert keys == [1, 2, 3]
