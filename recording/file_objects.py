"""A store in a directory: an object's name is its path below it.

An object appears whole, verified and synchronised to disk, or not at all: it is written under `.parts`, read back from
the disk itself (the page cache is told to forget it first) and then renamed. Files are read-only; a file system has no
lock beyond that, so that what may go, and when, is for the retention rules alone to say.
"""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from recording.errors import (
    ObjectMissingError,
    ObjectTakenError,
    RecordingError,
    StoreAwayError,
    StoreFaultyError,
    StoreFullError,
)
from recording.stored import Deletion, StoredObject, checked_name

PARTS = ".parts"
"""The folder for what is being written."""
ABANDONED_S = 3600.0
"""A part that nobody wrote to for so long belongs to a writer that was killed."""
_BLOCK_BYTES = 1 << 20
_READ_ONLY = 0o440
_FULL_BELOW_BYTES = 1 << 20
FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FileObjects:
    """See `recording.objects.ObjectStore`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(
        self, name: str, source: Path, sha256: str, retain_until: datetime | None = None, *, replace: bool = False
    ) -> StoredObject:
        """Stores a file; `retain_until` is not for a file system to keep."""
        target = self.root / checked_name(name)
        part = self.root / PARTS / f"{target.name}.{os.getpid()}.{time.monotonic_ns()}"
        try:
            if target.exists() and sha256_on_disk(target) == sha256:
                return _described(name, target)
            if target.exists() and not replace:
                raise ObjectTakenError(f"{target} holds something else; nothing was overwritten")
            self._write(source, part, sha256)
            self._make_folders(target.parent)
            part.replace(target)
            _sync_folder(target.parent)
            return _described(name, target)
        except OSError as error:
            raise self._explained(error, name) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def read(self, name: str, offset: int, n: int) -> bytes:
        """`n` bytes, fewer where the file ends."""
        try:
            with (self.root / checked_name(name)).open("rb") as stream:
                stream.seek(offset)
                return stream.read(n)
        except OSError as error:
            raise self._explained(error, name) from error

    def stat(self, name: str) -> StoredObject | None:
        """What the file system says of a file."""
        try:
            return _described(name, self.root / checked_name(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._explained(error, name) from error

    def delete(self, name: str) -> Deletion:
        """Removes a file, and the fact that it was there from the disk's directory."""
        target = self.root / checked_name(name)
        try:
            target.unlink(missing_ok=True)
            if target.parent.is_dir():
                _sync_folder(target.parent)
        except OSError as error:
            raise self._explained(error, name) from error
        return Deletion(gone=True)

    def names(self, prefix: str = "") -> Iterator[str]:
        """Walks the folders in order; only those that can hold a match are opened."""
        folder = prefix.rpartition("/")[0]
        return self._names_below(self.root / checked_name(folder) if folder else self.root, prefix)

    def remove_unfinished(self) -> int:
        """Removes abandoned parts."""
        last = time.time() - ABANDONED_S
        try:
            parts = [part for part in (self.root / PARTS).glob("*") if part.stat().st_mtime < last]
            for part in parts:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise self._explained(error, PARTS) from error
        return len(parts)

    def _write(self, source: Path, part: Path, sha256: str) -> None:
        self._make_folders(part.parent)
        with _opened(source) as stream, open(part, "xb", opener=_open_read_only) as out:
            shutil.copyfileobj(stream, out, _BLOCK_BYTES)
            out.flush()
            os.fsync(out.fileno())
        found = sha256_on_disk(part)
        if found == sha256:
            return
        if sha256_on_disk(source) != sha256:
            raise RecordingError(f"{source}: its SHA-256 is not {sha256}; it was not stored")
        raise StoreFaultyError(f"{self.root}: what was read back is not what was written; check the disk")

    def _make_folders(self, folder: Path) -> None:
        """Makes what is missing below the root, lastingly; the root itself is not made: its disk may not be mounted."""
        if folder == self.root or folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)

    def _names_below(self, folder: Path, prefix: str) -> Iterator[str]:
        for path in self._listed(folder):
            name = path.relative_to(self.root).as_posix()
            if path.name.startswith("."):
                continue
            if path.is_dir() and (f"{name}/".startswith(prefix) or prefix.startswith(f"{name}/")):
                yield from self._names_below(path, prefix)
            elif name.startswith(prefix) and path.is_file():
                yield name

    def _listed(self, folder: Path) -> list[Path]:
        """What a folder holds, in the order of the names it leads to."""
        try:
            return sorted(folder.iterdir(), key=lambda path: f"{path.name}/" if path.is_dir() else path.name)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._explained(error, folder.name) from error

    def _explained(self, error: OSError, name: str) -> RecordingError:
        if isinstance(error, FileNotFoundError) and self.root.is_dir():
            return ObjectMissingError(f"{self.root / name}: there is no such object")
        with suppress(OSError):
            free_bytes = shutil.disk_usage(self.root).free
            if error.errno in FULL_ERRNOS or free_bytes < _FULL_BELOW_BYTES:
                free = f"{free_bytes // 1_000_000} MB free"
                return StoreFullError(f"{self.root}: no room for {name} ({free}); make room there, it is tried again")
        return StoreAwayError(f"{self.root}: cannot work on {name}: {error.strerror}; is the disk there and writable?")


def _described(name: str, path: Path) -> StoredObject:
    found = path.stat()
    return StoredObject(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def sha256_on_disk(path: Path) -> str:
    """Of the bytes as they lie on the disk, in hex, as far as the page cache can be told to forget them."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        raise RecordingError(f"{source}: cannot be read: {error.strerror}; it was not stored") from error


def _open_read_only(path: str, flags: int) -> int:
    return os.open(path, flags, _READ_ONLY)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
