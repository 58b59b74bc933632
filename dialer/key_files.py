"""Files that hold a key, or what must be as durable as one: whole or not there at all, after a crash at any moment."""

import os
from collections.abc import Callable
from pathlib import Path

from dialer.errors import ConfigError

OTHERS = 0o077


def read_or_make(path: Path, make: Callable[[], str], what: str) -> str:
    """The text of a key file, made once (mode 0600, flushed to disk before anything is done with it). Blocks.

    `what` names the key in messages. Raises ConfigError: the file cannot be read or written, or others may read it.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _put(path, make().encode("ascii"), 0o600, replace=False)
        others_mode = path.stat().st_mode & OTHERS
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot use the key file: {error}; check the directory and its rights") from error
    if others_mode:
        raise ConfigError(f"{path}: others may read the {what}; run chmod 600 on it")
    return text


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Puts a file there, instead of the one that may be there already; durable on return. Blocks; raises OSError."""
    _put(path, content, mode, replace=True)


def _put(path: Path, content: bytes, mode: int, *, replace: bool) -> None:
    """Writes beside `path` and moves it there, so that a crash or a second process leaves one whole file."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        if replace:
            fresh.replace(path)
        else:
            os.link(fresh, path)
    except FileExistsError:
        pass  # another process was faster: its key is the key
    finally:
        fresh.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
