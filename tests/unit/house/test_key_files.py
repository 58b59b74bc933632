"""Key files on a real disk, and on one that is full."""

import errno
import os
from pathlib import Path

import pytest

from dialer.errors import ConfigError
from dialer.key_files import read_or_make, write_whole

WORDS = "0123456789abcdef\n"


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "some.key"
    assert read_or_make(path, lambda: WORDS, "key") == WORDS
    assert read_or_make(path, lambda: "another", "key") == WORDS
    assert [(each.name, each.stat().st_mode & 0o777) for each in path.parent.iterdir()] == [("some.key", 0o600)]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that says so when it is asked to keep what it took."""

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


@pytest.mark.usefixtures("full")
def test_a_full_disk_leaves_no_part_of_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No space left"):
        read_or_make(tmp_path / "some.key", lambda: WORDS, "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("full")
def test_what_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "some.pub"
    path.write_bytes(b"one")
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]
