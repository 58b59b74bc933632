"""Imports beside the running service: a start removes what a kill left, and nothing that is under way."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialer.campaigns.import_lease import ImportLease, clean_imports, is_alive
from dialer.storage import Storage
from tests.support.storage import MONDAY, contacts, open_storage

HOLDER = """
import sys
from pathlib import Path
from dialer.campaigns.import_lease import ImportLease
with ImportLease("node1", Path(sys.argv[1])) as lease:
    print(lease.node, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def _begin(storage: Storage, node: str) -> int:
    list_id = await storage.lists.begin("list", "list.csv", node, MONDAY)
    await storage.lists.add(list_id, contacts(2))
    return list_id


@pytest.mark.allow_blocking  # the lease blocks by design: the command takes it outside of its loop
async def test_an_import_under_way_survives_a_start_of_the_service(storage: Storage, tmp_path: Path) -> None:
    folder = tmp_path / "imports"
    with ImportLease("node1", folder) as lease:
        list_id = await _begin(storage, lease.node)
        await _begin(storage, "node1")
        await _begin(storage, "node10/import-x")
        assert await clean_imports(storage, "node1", folder) == 1
        assert (await storage.lists.finish(list_id)).contact_count == 2
    assert os.listdir(folder) == []
    assert await clean_imports(storage, "node1", folder) == 0
    assert await clean_imports(storage, "node10", folder) == 1


@pytest.fixture
def killed_import(tmp_path: Path) -> str:
    """The name of an import whose process was killed; while it ran it was known to be alive."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        name = holder.stdout.readline().strip()
        assert is_alive(name, tmp_path)
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    return name


async def test_a_killed_import_is_removed_by_the_next_start(
    storage: Storage, killed_import: str, tmp_path: Path
) -> None:
    await _begin(storage, killed_import)
    assert await clean_imports(storage, "node1", tmp_path) == 1
    assert await asyncio.to_thread(lambda: list(tmp_path.glob("*.lock"))) == []
