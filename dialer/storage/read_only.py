"""The database for whoever checks it: beside a running service or without one, and nothing is written.

The schema must be this program's: it is not upgraded here. The database's key is not needed: what is sealed with it
(numbers, names) is nothing a check opens.
"""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from dialer.config import Config
from dialer.errors import SchemaVersionError, StorageError
from dialer.storage.database import connect_to
from dialer.storage.ledger_reading import LedgerReading
from dialer.storage.ledger_rows import LedgerRows
from dialer.storage.migrate import scripts
from dialer.storage.opening import local_database


class ReadOnlyStorage:
    """`async with` object. Entering raises StorageError (it cannot be reached) and SchemaVersionError."""

    def __init__(self, url: str) -> None:
        self._database = connect_to(url)
        self._file = Path(make_url(url).database or "") if url.startswith("sqlite") else None
        self.ledger_reading = LedgerReading(self._database)
        self.ledger_rows = LedgerRows(self._database)

    async def __aenter__(self) -> Self:
        head = await asyncio.to_thread(self._prepare)
        await self._database.__aenter__()
        try:
            await self._database.read(lambda connection: _check_schema(connection, self._database.where, head))
        except BaseException:
            await self._database.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.__aexit__(None, None, None)

    def _prepare(self) -> str:
        """The schema version of this program. SQLite would make a file that is missing."""
        if self._file is not None and not self._file.is_file():
            raise StorageError(f"{self._file}: there is no such database; name the configuration of the node")
        return scripts().get_current_head() or ""


def read_only_storage(config: Config) -> ReadOnlyStorage:
    """The database of this configuration, not yet entered (ConfigError: its URL cannot be one)."""
    return ReadOnlyStorage(config.database.url or f"sqlite:///{local_database(config)}")


def _check_schema(connection: Connection, where: str, head: str) -> None:
    found = MigrationContext.configure(connection).get_current_heads()
    if found != (head,):
        raise SchemaVersionError(
            f"{where}: the database has schema version {', '.join(found) or 'none'}, this program reads {head}; "
            "check with the program that runs on it, or start the service once, which upgrades it"
        )
