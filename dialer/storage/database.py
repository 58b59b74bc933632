"""How work reaches the database. A *work* is a plain function of one connection, run inside one transaction.

The same work runs on both engines. On SQLite it runs in a thread: one writer thread commits whatever has queued up as
one group (each work under its own savepoint), so that many callers share one flush to disk; a few reader threads serve
queries beside it. On PostgreSQL it runs over asyncpg, each write in a transaction of its own. A write is durable when
`write` returns. A work may be run a second time after a failure, so it must have no effect outside its connection.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from dialer.errors import ConfigError
from dialer.storage.failures import translated

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 30.0
"""Longest wait for one work, from asking to its answer."""
BUSY_TIMEOUT_S = 10.0
"""Longest wait of SQLite for another process that writes."""
SCRUB_TIMEOUT_S = 0.5
"""Longest wait of scrubbing for readers: writes wait as long."""
WAL_RETRY_S = 0.02
MAX_GROUP = 128
"""Works committed together at most."""
MAX_QUEUED = 2048
"""Works that may wait for the writer; beyond it callers wait until there is room, at most ANSWER_TIMEOUT_S."""
READERS = 4
WRITER_CACHE_KB = 64 * 1024
"""Pages the writer keeps in memory: indexes over a million entries are written to all over the place."""
READER_CACHE_KB = 8 * 1024
STATEMENTS_KEPT = 512
"""Prepared statements a connection to SQLite keeps: more than there are."""
POOL_SIZE = 10
DEADLOCK_TRIES = 3
REPEATABLE = frozenset({"40001", "40P01"})  # PostgreSQL: serialization_failure, deadlock_detected

T = TypeVar("T")
Work = Callable[[Connection], T]


class Database(Protocol):
    """What the parts of the storage need of an engine."""

    where: str
    """The database in words for messages: a path, or host and name; never a password."""

    async def __aenter__(self) -> "Database": ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def read(self, work: Work[T]) -> T:
        """Runs a work that only reads; raises StorageError."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Runs a work in a transaction that is durable on return; raises StorageError and what the work raises."""
        ...

    async def scrub(self, table: str) -> bool:
        """Takes deleted rows of a table out of the engine's files, as far as it can; False: not now. StorageError."""
        ...


def connect_to(url: str) -> Database:
    """The database behind `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; ConfigError for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("database.url: not a URL; write sqlite:///PATH or postgresql://USER@HOST/NAME") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return SqliteDatabase(parsed.database)
    if backend == "postgresql":
        where = f"PostgreSQL {parsed.database} at {parsed.host or parsed.query.get('host', 'the local socket')}"
        return PostgresDatabase(parsed.set(drivername="postgresql+asyncpg").render_as_string(False), where)
    raise ConfigError(f"database.url: {backend} is not supported; write sqlite:///PATH or postgresql://USER@HOST/NAME")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    work: Work[Any]
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any = None
    error: Exception | None = None


class SqliteDatabase:
    """SQLite in WAL mode, `synchronous=FULL`: a committed reservation survives a power cut."""

    def __init__(self, path: str) -> None:
        self.where = path
        self._writing = _sqlite_engine(path, connections=1, cache_kb=WRITER_CACHE_KB)
        self._reading = _sqlite_engine(path, connections=READERS, cache_kb=READER_CACHE_KB)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="storage-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="storage-reader")
        self._queue: asyncio.Queue[_Job | None] = asyncio.Queue(MAX_QUEUED)
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> "SqliteDatabase":
        await self._tasks.__aenter__()
        self._tasks.create_task(self._run_writer(), name="storage writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._queue.put(None)
        # The body's own error is not the writer's: handing it to the group would wrap it and cut the writer short.
        await self._tasks.__aexit__(None, None, None)
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    async def read(self, work: Work[T]) -> T:
        loop = asyncio.get_running_loop()
        with translated(self.where):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await loop.run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        with self._reading.connect() as connection:
            return work(connection)

    async def write(self, work: Work[T]) -> T:
        """Queues the work for the writer's thread, which commits what has queued up as one group."""
        job = _Job(work, asyncio.get_running_loop().create_future())
        with translated(self.where):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._queue.put(job)
                answer: T = await job.answer
                return answer

    async def scrub(self, table: str) -> bool:
        """Empties the file of writes to come (WAL): what was there before a deletion still stands in it."""
        loop = asyncio.get_running_loop()
        with translated(self.where):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await loop.run_in_executor(self._writer, self._checkpoint)

    def _checkpoint(self) -> bool:
        with closing(sqlite3.connect(self.where, timeout=SCRUB_TIMEOUT_S, isolation_level=None)) as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy

    async def _run_writer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            group, closing = await self._next_group()
            if group:
                works = [job.work for job in group]
                outcomes = await loop.run_in_executor(self._writer, self._commit_group, works)
                for job, outcome in zip(group, outcomes, strict=True):
                    _answer(job, outcome)
            if closing:
                return

    async def _next_group(self) -> tuple[list[_Job], bool]:
        """What waits now, at most MAX_GROUP; a caller that went away before its turn is left out."""
        group: list[_Job] = []
        item = await self._queue.get()
        while item is not None:
            if not item.answer.done():
                group.append(item)
            if self._queue.empty() or len(group) >= MAX_GROUP:
                return group, False
            item = self._queue.get_nowait()
        return group, True

    def _commit_group(self, works: list[Work[Any]]) -> list[_Outcome]:
        """Runs the works in one transaction. When the database itself fails, nothing stays and each runs alone."""
        try:
            with self._writing.connect() as connection, connection.begin():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return [_run_guarded(connection, work) for work in works]
        except Exception as error:
            if len(works) == 1:
                return [_Outcome(error=error)]
            logger.warning("a group of writes failed, each is tried alone", extra={"action": "commit", "n": len(works)})
            return [outcome for work in works for outcome in self._commit_group([work])]


class PostgresDatabase:
    """PostgreSQL over asyncpg; several nodes may share it."""

    def __init__(self, url: str, where: str) -> None:
        self.where = where
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=ANSWER_TIMEOUT_S,
            pool_pre_ping=True,
            hide_parameters=True,
        )

    async def __aenter__(self) -> "PostgresDatabase":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def read(self, work: Work[T]) -> T:
        return await self.write(work)

    async def write(self, work: Work[T]) -> T:
        """Runs the work again, as a whole, where the engine broke a deadlock by giving it up."""
        with translated(self.where):
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                for _ in range(DEADLOCK_TRIES - 1):
                    try:
                        return await self._run(work)
                    except DBAPIError as error:
                        if getattr(error.orig, "sqlstate", None) not in REPEATABLE:
                            raise
                return await self._run(work)

    async def scrub(self, table: str) -> bool:
        """Lets the pages be used again; what they held is overwritten by the rows that come."""
        with translated(self.where):
            async with asyncio.timeout(ANSWER_TIMEOUT_S), self._engine.connect() as connection:
                alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await alone.execute(text(f"VACUUM {table}"))
        return True

    async def _run(self, work: Work[T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)


def _run_guarded(connection: Connection, work: Work[Any]) -> _Outcome:
    """One work under its savepoint: what it raises undoes it alone, unless the database itself failed."""
    connection.exec_driver_sql("SAVEPOINT work")
    try:
        value = work(connection)
    except OperationalError:
        raise
    except Exception as error:
        connection.exec_driver_sql("ROLLBACK TO work")
        connection.exec_driver_sql("RELEASE work")
        return _Outcome(error=error)
    connection.exec_driver_sql("RELEASE work")
    return _Outcome(value)


def _answer(job: _Job, outcome: _Outcome) -> None:
    if job.answer.done():
        return
    if outcome.error is None:
        job.answer.set_result(outcome.value)
    else:
        job.answer.set_exception(outcome.error)


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Into WAL mode, where a new database is not in it yet; blocking.

    SQLite does not wait for another process that is doing the same, whatever its busy timeout, so this does.
    """
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(WAL_RETRY_S)
        else:
            return


def _sqlite_engine(path: str, connections: int, cache_kb: int) -> Engine:
    def connect() -> sqlite3.Connection:
        # Transactions begin where we say so: the driver's own habit leaves DDL outside of them.
        connection = sqlite3.connect(
            path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS_KEPT,
        )
        _enter_wal(connection)
        # secure_delete: a destroyed key must not be found in the file's free pages.
        pragmas = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
        for pragma in (*pragmas, f"cache_size=-{cache_kb}"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # they would stand in tracebacks, and could be personal data
    )
