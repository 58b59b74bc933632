"""S3 when it locks, dies, lies or is misconfigured: a real server, whose process is killed, and a hop that cheats."""

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recording.errors import ObjectMissingError, RecordingError, StoreAwayError, StoreFaultyError
from recording.objects import StoreSettings, open_store
from recording.s3_objects import PART_BYTES, S3Objects
from recording.s3_requests import N_TRIES
from recording.stored import Deletion
from tests.support.s3_service import REGION, S3Service
from tests.support.tcp_hop import TcpHop, unchanged

pytestmark = pytest.mark.allow_blocking  # stores block, and say so
LOCKED_S = 8.0
NAME = "2026/11/22/R1.flac.sealed"
CONTENT = b"sealed audio that must not change"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOW = datetime.now(UTC)
Open = Callable[..., S3Objects]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Service]:
    with S3Service() as service:
        service.make_bucket("recordings")
        service.make_bucket("locked", locking=True)
        yield service


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def open_bucket(s3: S3Service, tmp_path: Path) -> Open:
    def opened(bucket: str, **said: str) -> S3Objects:
        settings = {"endpoint": s3.url, "access_key": s3.access_key, "secret_key": s3.secret_key} | said
        store = open_store(StoreSettings(f"s3://{bucket}/{tmp_path.name}", **settings))  # type: ignore[arg-type]
        assert isinstance(store, S3Objects)
        return store

    return opened


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_a_locked_object_stays_until_its_date(open_bucket: Open, source: Path, mode: str) -> None:
    store = open_bucket("locked", object_lock=mode)
    until = NOW + timedelta(days=1, microseconds=1)
    whole_second = until.replace(microsecond=0) + timedelta(seconds=1)
    assert store.put(NAME, source, SHA256, until).retain_until == whole_second
    assert store.delete(NAME) == Deletion(gone=False, kept_until=whole_second)
    assert store.read(NAME, 0, 100) == CONTENT
    assert [*store.names()] == [NAME]


def test_a_lock_is_made_longer_and_never_shorter(open_bucket: Open, source: Path) -> None:
    store = open_bucket("locked", object_lock="governance")
    days = [NOW.replace(microsecond=0) + timedelta(days=n) for n in (2, 1, 3)]
    assert [store.put(NAME, source, SHA256, day).retain_until for day in days] == [days[0], days[0], days[2]]
    strict = open_bucket("locked", object_lock="compliance")
    assert strict.put(NAME, source, SHA256, days[1]).retain_until == days[2], "stricter, and as long as it was"


def test_when_the_lock_is_over_all_versions_go(open_bucket: Open, source: Path, s3: S3Service) -> None:
    store = open_bucket("locked", object_lock="compliance")
    until = datetime.now(UTC) + timedelta(seconds=LOCKED_S)
    store.put(NAME, source, SHA256, until)
    assert not store.delete(NAME).gone
    s3.client().delete_object(Bucket="locked", Key=store.place.prefix + NAME)  # without a version: only a mark on top
    assert store.stat(NAME) is None
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1.1)  # a lock ends with a whole second
    assert store.delete(NAME).gone
    assert "Versions" not in s3.client().list_object_versions(Bucket="locked", Prefix=store.place.prefix)


def test_a_hold_of_the_service_keeps_an_object(open_bucket: Open, source: Path, s3: S3Service) -> None:
    store = open_bucket("locked")
    store.put(NAME, source, SHA256)
    hold = {"Bucket": "locked", "Key": store.place.prefix + NAME}
    s3.client().put_object_legal_hold(**hold, LegalHold={"Status": "ON"})
    assert store.delete(NAME) == Deletion(gone=False)
    stored = store.stat(NAME)
    assert stored is not None
    assert stored.held
    s3.client().put_object_legal_hold(**hold, LegalHold={"Status": "OFF"})
    assert store.delete(NAME).gone


def test_a_bucket_that_cannot_lock_is_said_to_be_one(open_bucket: Open, source: Path) -> None:
    store = open_bucket("recordings", object_lock="governance")
    with pytest.raises(StoreFaultyError, match="a bucket that was made with Object Lock"):
        store.put(NAME, source, SHA256, NOW + timedelta(days=1))


def test_a_service_that_forgets_the_lock_is_found_out(open_bucket: Open, s3: S3Service, source: Path) -> None:
    with TcpHop(s3.port) as hop:
        store = open_bucket("locked", object_lock="governance", endpoint=f"http://127.0.0.1:{hop.port}")
        hop.down = lambda chunk: chunk.replace(b"x-amz-object-lock-mode", b"x-amz-nothing-of-that-")
        with pytest.raises(StoreFaultyError, match=r"was to be locked until .*, and is not"):
            store.put(NAME, source, SHA256, NOW + timedelta(days=1))


def test_a_date_that_is_over_locks_nothing(open_bucket: Open, source: Path) -> None:
    store = open_bucket("locked", object_lock="governance")
    assert store.put(NAME, source, SHA256, NOW - timedelta(days=1)).retain_until is None


@pytest.mark.parametrize(
    ("bucket", "said", "words"),
    [
        ("nowhere", {}, "there is no such bucket"),
        ("recordings", {"secret_key": "wrong"}, "the secret key does not belong to the access key"),
        ("recordings", {"access_key": "AKIANOBODY"}, "the access key is not known there"),
    ],
)
def test_what_is_set_wrong_is_said_in_words(
    open_bucket: Open, source: Path, bucket: str, said: dict[str, str], words: str
) -> None:
    with pytest.raises(StoreAwayError, match=words):
        open_bucket(bucket, **said).put(NAME, source, SHA256)
    with pytest.raises(StoreAwayError, match=words):
        [*open_bucket(bucket, **said).names()]


def test_an_upload_in_parts_that_nobody_ends_is_aborted(open_bucket: Open, s3: S3Service) -> None:
    store = open_bucket("recordings")
    key = store.place.prefix + NAME
    s3.client().create_multipart_upload(Bucket="recordings", Key=key)
    assert store._locks.abort_uploads(datetime(2010, 1, 1, tzinfo=UTC)) == 0, "younger: it may still be going on"
    assert store.remove_unfinished() == 1, "this server says of every upload that it was begun in 2010"
    assert "Uploads" not in s3.client().list_multipart_uploads(Bucket="recordings", Prefix=key)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_changed_byte_is_found_and_what_has_it_goes(open_bucket: Open, s3: S3Service, source: Path, way: str) -> None:
    with TcpHop(s3.port) as hop:
        store = open_bucket("recordings", endpoint=f"http://127.0.0.1:{hop.port}")
        setattr(hop, way, lambda chunk: chunk.replace(b"must not", b"may well"))
        with pytest.raises(StoreFaultyError):
            store.put(NAME, source, SHA256)
        assert store.stat(NAME) is None
        setattr(hop, way, unchanged)
        store.put(NAME, source, SHA256)
        assert store.read(NAME, 0, 100) == CONTENT


def test_cut_connections_are_tried_again(open_bucket: Open, s3: S3Service, source: Path) -> None:
    with TcpHop(s3.port) as hop:
        store = open_bucket("recordings", endpoint=f"http://127.0.0.1:{hop.port}")
        hop.down = _cut_first(N_TRIES - 1)
        assert store.stat(NAME) is None
        hop.down = _cut_first(1)
        store.put(NAME, source, SHA256)
        hop.down = _cut_first(N_TRIES)
        with pytest.raises(StoreAwayError, match=f"failed {N_TRIES} times"):
            store.stat(NAME)
        assert store.read(NAME, 0, 100) == CONTENT


def test_a_server_that_dies_during_an_upload_and_comes_back(tmp_path: Path) -> None:
    content = hashlib.shake_256(b"long").digest(PART_BYTES * 2)
    source = tmp_path / "source"
    source.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    with S3Service() as first, TcpHop(first.port) as hop:
        first.make_bucket("recordings")
        settings = StoreSettings("s3://recordings/", f"http://127.0.0.1:{hop.port}", REGION)
        hop.up = _kill_after(PART_BYTES, first)
        with pytest.raises(StoreAwayError):
            _opened(settings, first).put(NAME, source, sha256)
        hop.up = unchanged
        with S3Service(first.port) as second:
            second.make_bucket("recordings")
            store = _opened(settings, second)
            assert store.stat(NAME) is None
            with pytest.raises(ObjectMissingError):
                store.read(NAME, 0, 1)
            assert store.put(NAME, source, sha256).size == len(content)
            assert store.read(NAME, PART_BYTES, 10) == content[PART_BYTES : PART_BYTES + 10]


@pytest.mark.parametrize("location", ["s3://", "s3:///x", "gs://bucket/x"])
def test_a_store_that_cannot_be_meant_is_refused(location: str) -> None:
    with pytest.raises(RecordingError, match=r"recordings\.store"):
        open_store(StoreSettings(location, access_key="a", secret_key="b"))


def test_without_credentials_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(RecordingError, match="no credentials"):
        open_store(StoreSettings("s3://recordings"))


def _opened(settings: StoreSettings, service: S3Service) -> S3Objects:
    store = open_store(
        StoreSettings(settings.location, settings.endpoint, settings.region, service.access_key, service.secret_key)
    )
    assert isinstance(store, S3Objects)
    return store


def _cut_first(n_answers: int) -> Callable[[bytes], bytes]:
    """Cuts the connection instead of the first answers."""
    left = [n_answers]

    def alter(chunk: bytes) -> bytes:
        if left[0]:
            left[0] -= 1
            raise ConnectionResetError
        return chunk

    return alter


def _kill_after(n_bytes: int, service: S3Service) -> Callable[[bytes], bytes]:
    passed = [0]

    def alter(chunk: bytes) -> bytes:
        passed[0] += len(chunk)
        if passed[0] > n_bytes:
            service.kill()
            raise ConnectionResetError
        return chunk

    return alter
