"""Databases whose schema is there already: upgrading each test's own from nothing takes longer than most tests."""

import asyncio
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from dialer.storage.database import connect_to
from dialer.storage.migrate import upgrade


async def bring_up(url: str) -> None:
    """Upgrades a database to the schema of today, as opening it would, and writes nothing else."""
    async with connect_to(url) as database:
        await database.write(lambda connection: upgrade(connection, database.where))


def in_thread(work: Coroutine[object, object, None]) -> None:
    """Runs it in a loop of its own, whether one is running here or not."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, work).result()


def make_sqlite(path: Path) -> None:
    """A new SQLite file with the schema of today."""
    path.write_bytes(_schema())


@cache
def _schema() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dialer.db"
        in_thread(bring_up(f"sqlite:///{path}"))
        return path.read_bytes()
