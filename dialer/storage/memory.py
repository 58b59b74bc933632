"""A database in memory, for rehearsals: nothing of it is ever on a disk, and it is gone with its object.

A work runs at once, in the loop's own thread: there is no disk to wait for, and with one connection nothing runs beside
it. So what a rehearsal does comes in the same order every time. Not for a node that answers calls: a long work would
hold up its audio.
"""

import sqlite3
from types import TracebackType
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from dialer.storage.database import STATEMENTS_KEPT, Work
from dialer.storage.failures import translated
from dialer.storage.prepared import PreparedConnection

T = TypeVar("T")

WIDE_INDEXES = {
    "ix_attempts_campaign_id_disposition_ended_at": "campaign_id, disposition, ended_at, conversation",
    "ix_attempts_caller_id_reserved_at": "caller_id, reserved_at, state, disposition, ringing_at",
}
"""Indexes of the attempts that hold all that is asked by them. On a node sums are read less often the longer they take;
on virtual time nothing takes any time, so a long day's sums would cost more than all its calls."""

IDLE_INDEXES = (
    *("ix_attempts_recording_id", "ix_attempts_agency_reserved_at", "ix_attempts_node_state"),
    *("ix_proofs_at", "ix_proofs_case_ref_at", "ix_proofs_number_index_at"),
    *("ix_events_case_ref_sequence", "ix_refusals_case_ref"),
    *("ix_agent_changes_agent_id_at", "ix_agent_changes_at"),
)
"""Indexes by which nothing is asked often while calls are made: without them the same is found, only slower."""


class MemoryDatabase:
    """SQLite in memory; the `Database` of a rehearsal."""

    def __init__(self) -> None:
        self.where = "memory"
        self._engine = create_engine("sqlite://", creator=_connect, poolclass=StaticPool, hide_parameters=True)
        self._connection: PreparedConnection | None = None

    async def __aenter__(self) -> "MemoryDatabase":
        self._connection = PreparedConnection(self._engine)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    async def fit_indexes(self) -> None:
        """Makes the indexes those of a day on virtual time, once the schema is there."""

        def work(connection: Connection) -> None:
            for name in (*WIDE_INDEXES, *IDLE_INDEXES):
                connection.exec_driver_sql(f"DROP INDEX {name}")
            for name, columns in WIDE_INDEXES.items():
                connection.exec_driver_sql(f"CREATE INDEX {name} ON attempts ({columns})")

        await self.write(work)

    async def read(self, work: Work[T]) -> T:
        with translated(self.where):
            return work(self._open())

    async def write(self, work: Work[T]) -> T:
        """The transaction is the driver's: SQLAlchemy, which thinks of one that never ends, would double its price."""
        connection = self._open()
        with translated(self.where):
            connection.driver.execute("BEGIN")
            try:
                value = work(connection)
            except BaseException:
                connection.driver.rollback()
                raise
            connection.driver.commit()
            return value

    async def scrub(self, table: str) -> bool:
        """There are no files."""
        return True

    def _open(self) -> PreparedConnection:
        if self._connection is None:
            raise RuntimeError("the database was not entered")
        return self._connection


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=STATEMENTS_KEPT)
    connection.execute("PRAGMA foreign_keys=ON")
    return connection
