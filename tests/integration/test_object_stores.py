"""What every store of recordings must do, in a directory and in S3."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recording.errors import ObjectMissingError, ObjectTakenError, RecordingError
from recording.file_objects import PARTS, FileObjects
from recording.objects import ObjectStore, StoreSettings, open_store
from recording.s3_objects import PART_BYTES
from tests.support.s3_service import S3Service

pytestmark = pytest.mark.allow_blocking  # stores block, and say so
NAME = "2026/11/22/R1.flac.sealed"
SHORT = b"sealed audio"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Service]:
    with S3Service() as service:
        service.make_bucket("recordings")
        service.make_bucket("locked", locking=True)
        yield service


@pytest.fixture(params=["directory", "bucket", "bucket with versions"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "directory":
        (tmp_path / "store").mkdir()
        return open_store(StoreSettings(str(tmp_path / "store")))
    service: S3Service = request.getfixturevalue("s3")
    bucket = "locked" if "versions" in request.param else "recordings"
    return open_store(
        StoreSettings(
            f"s3://{bucket}/{tmp_path.name}/",
            endpoint=service.url,
            access_key=service.access_key,
            secret_key=service.secret_key,
            object_lock="governance" if bucket == "locked" else "off",
        )
    )


def make_file(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "source"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def test_what_is_put_is_found_read_and_deleted(store: ObjectStore, tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    stored = store.put(NAME, *make_file(tmp_path, SHORT))
    assert (stored.name, stored.size, stored.retain_until, stored.held) == (NAME, len(SHORT), None, False)
    assert stored.modified >= before
    assert store.stat(NAME) == stored
    assert store.read(NAME, 0, 100) == SHORT
    assert store.delete(NAME).gone
    assert store.stat(NAME) is None
    assert store.delete(NAME).gone
    with pytest.raises(ObjectMissingError):
        store.read(NAME, 0, 1)


@pytest.mark.parametrize(
    ("offset", "n"),
    [(0, 1), (3, 5), (0, 0), (len(SHORT) - 1, 10), (len(SHORT), 10), (len(SHORT) + 5, 1)],  # the last two: behind it
)
def test_ranges_are_those_of_the_bytes(store: ObjectStore, tmp_path: Path, offset: int, n: int) -> None:
    store.put(NAME, *make_file(tmp_path, SHORT))
    assert store.read(NAME, offset, n) == SHORT[offset : offset + n]


def test_an_object_of_several_parts_is_whole(store: ObjectStore, tmp_path: Path) -> None:
    content = hashlib.shake_256(b"hours").digest(2 * PART_BYTES + 77)
    assert store.put(NAME, *make_file(tmp_path, content)).size == len(content)
    assert store.read(NAME, PART_BYTES - 5, 10) == content[PART_BYTES - 5 : PART_BYTES + 5]


def test_nothing_and_no_bytes_are_objects_too(store: ObjectStore, tmp_path: Path) -> None:
    assert store.put(NAME, *make_file(tmp_path, b"")).size == 0
    assert store.read(NAME, 0, 10) == b""


def test_putting_again_changes_nothing(store: ObjectStore, tmp_path: Path) -> None:
    stored = store.put(NAME, *make_file(tmp_path, SHORT))
    assert store.put(NAME, *make_file(tmp_path, SHORT)) == stored


def test_other_content_is_not_overwritten_unless_told(store: ObjectStore, tmp_path: Path) -> None:
    store.put(NAME, *make_file(tmp_path, SHORT))
    with pytest.raises(ObjectTakenError, match="nothing was overwritten"):
        store.put(NAME, *make_file(tmp_path, b"other"))
    assert store.read(NAME, 0, 100) == SHORT
    store.put(NAME, *make_file(tmp_path, b"other"), replace=True)
    assert store.read(NAME, 0, 100) == b"other"
    assert store.delete(NAME).gone
    assert store.stat(NAME) is None, "an older version shows again"


def test_a_source_with_another_hash_is_not_stored(store: ObjectStore, tmp_path: Path) -> None:
    source, _ = make_file(tmp_path, SHORT)
    with pytest.raises(RecordingError, match="its SHA-256 is not"):
        store.put(NAME, source, "ab" * 32)
    assert store.stat(NAME) is None


def test_names_come_in_order_by_any_prefix(store: ObjectStore, tmp_path: Path) -> None:
    made = ["2026/11/21/B", "2026/11/22/A.x", "2026/11/22/A/1", "2026/11/22/A-1", "2026/11/22/AB", "other"]
    for name in made:
        store.put(name, *make_file(tmp_path, SHORT))
    assert list(store.names()) == sorted(made)
    for prefix in ("2026/11/22", "2026/11/22/", "2026/11/22/A", "2026/11/22/A/", "2026/1", "o", "nowhere/x"):
        assert list(store.names(prefix)) == sorted(name for name in made if name.startswith(prefix))


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", "a/../b", ".parts/a", "a//b", "a b", "ä", "a\n", "x" * 129])
def test_names_that_lead_elsewhere_are_refused(store: ObjectStore, name: str) -> None:
    with pytest.raises(RecordingError, match="is not the name of an object"):
        store.stat(name)


def test_what_was_never_finished_is_removed_only_when_it_is_old(store: ObjectStore, tmp_path: Path) -> None:
    store.put(NAME, *make_file(tmp_path, SHORT))
    assert store.remove_unfinished() == 0
    assert list(store.names()) == [NAME]


_PUT_WITH_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from recording.errors import StoreFullError
from recording.file_objects import FileObjects
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    FileObjects(Path(sys.argv[1])).put(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
except StoreFullError as error:
    print(error)
"""


def test_a_full_disk_leaves_nothing_and_is_said(tmp_path: Path) -> None:
    """The kernel refuses what is more than there is room for; the source is as it was, and goes in when there is."""
    source, sha256 = make_file(tmp_path, bytes(5000))
    store = FileObjects(tmp_path / "store")
    store.root.mkdir()
    child = [sys.executable, "-c", _PUT_WITH_LITTLE_ROOM, str(store.root), NAME, str(source), sha256]
    said = subprocess.run(child, capture_output=True, text=True, check=True, timeout=60)
    assert f"{store.root}: no room for {NAME}" in said.stdout
    assert [*store.names()] == []
    assert [*(store.root / PARTS).iterdir()] == []
    assert store.put(NAME, source, sha256).size == 5000
