"""Whose an unfinished import is: the service's own, or another process's that may still be at work.

An import from the command line goes to the database beside the running service. It takes a node name of its own,
`NODE/import-ID`, and holds a lock on a file of that name for as long as it lives; the kernel frees the lock whatever
ends the process. So the start of a service removes what a kill left behind, and never an import that is under way.
"""

import asyncio
import fcntl
import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from dialer.storage import Storage

_SEPARATOR = "/import-"
IMPORTS_FOLDER = "imports"
"""Inside the node's data directory: a lock file per import that is under way."""


class ImportLease:
    """Used as `with`; blocks for a few file operations. `node` is the name to import under."""

    def __init__(self, node: str, folder: Path) -> None:
        """`folder` is the node's own, the same for the service and for imports beside it."""
        identity = uuid.uuid4().hex
        self.node = f"{node}{_SEPARATOR}{identity}"
        self._path = _lock_path(folder, identity)
        self._descriptor = -1

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_alive(name: str, folder: Path) -> bool:
    """Whether the process that imports under this name still runs; removes the lock file of one that does not."""
    _, separator, identity = name.partition(_SEPARATOR)
    if not separator:
        return False
    path = _lock_path(folder, identity)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)
    return False


def _lock_path(folder: Path, identity: str) -> Path:
    return folder / f"{identity}.lock"


async def clean_imports(storage: Storage, node: str, folder: Path) -> int:
    """At the node's start: removes what a kill left of its own imports and of those beside it; how many lists."""
    removed = await storage.lists.clean(node)
    for name in await storage.lists.importers(node + _SEPARATOR):
        if not await asyncio.to_thread(is_alive, name, folder):
            removed += await storage.lists.clean(name)
    return removed
