"""The store in a directory, where a file system and S3 differ; what both must do is in the contract of stores."""

import hashlib
import os
from pathlib import Path

import pytest

from recording.errors import RecordingError, StoreAwayError
from recording.file_objects import ABANDONED_S, PARTS, FileObjects

CONTENT = b"sealed audio"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
pytestmark = pytest.mark.allow_blocking


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def store(tmp_path: Path) -> FileObjects:
    root = tmp_path / "store"
    root.mkdir()
    return FileObjects(root)


def test_files_are_read_only_and_no_part_is_left(store: FileObjects, source: Path) -> None:
    store.put("2026/11/22/R1.flac.sealed", source, SHA256)
    assert (store.root / "2026/11/22/R1.flac.sealed").stat().st_mode & 0o777 == 0o440
    assert list((store.root / PARTS).iterdir()) == []


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, source: Path) -> None:
    """A disk that is not mounted must not be replaced by a folder on the disk below it."""
    away = FileObjects(tmp_path / "unmounted")
    with pytest.raises(StoreAwayError, match="is the disk there"):
        away.put("a", source, SHA256)
    assert not away.root.exists()


def test_only_parts_nobody_writes_to_are_removed(store: FileObjects) -> None:
    parts = store.root / PARTS
    parts.mkdir()
    (parts / "young").touch()
    (parts / "old").touch()
    written = (parts / "old").stat().st_mtime - ABANDONED_S - 1
    os.utime(parts / "old", (written, written))
    assert store.remove_unfinished() == 1
    assert [part.name for part in parts.iterdir()] == ["young"]


def test_a_source_that_is_not_what_was_said_is_not_stored(store: FileObjects, source: Path) -> None:
    source.write_bytes(b"something else")
    with pytest.raises(RecordingError, match="its SHA-256 is not"):
        store.put("a", source, SHA256)
    assert list(store.names()) == []


def test_a_source_that_is_not_there_is_named(store: FileObjects, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nowhere: cannot be read"):
        store.put("a", tmp_path / "nowhere", SHA256)
