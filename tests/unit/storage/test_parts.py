"""The parts of storage that need no database."""

import sqlite3
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from dialer.errors import ConfigError, StorageError
from dialer.storage.database import connect_to
from dialer.storage.events import uuid7
from dialer.storage.failures import TransientStorageError, describe, translated
from dialer.storage.tables.base import Base, UtcDateTime, table_of

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_event_ids_are_uuids_of_version_7_in_order_of_time() -> None:
    ids = [uuid7(NOON + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(ids)
    for text in ids:
        parsed = uuid.UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)
    assert uuid.UUID(ids[0]).int >> 80 == int(NOON.timestamp() * 1000)
    assert len({uuid7(NOON) for _ in range(100)}) == 100


def test_instants_come_back_aware_from_both_engines() -> None:
    kind = UtcDateTime()
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    lite, post = sqlite.dialect(), postgresql.dialect()  # type: ignore[no-untyped-call]
    to_lite, to_post = (kind.dialect_impl(dialect).bind_processor(dialect) for dialect in (lite, post))
    assert to_lite is not None
    assert to_post is not None
    assert to_lite(shanghai) == "2026-11-23 12:00:00.000000"
    assert to_post(shanghai) == NOON
    assert to_lite(None) is to_post(None) is None
    assert kind.process_result_value(NOON.replace(tzinfo=None), lite) == NOON
    assert kind.process_result_value(shanghai, post) == NOON
    assert kind.process_result_value(None, lite) is None
    for process in (to_lite, to_post):
        with pytest.raises(ValueError, match="must be aware"):
            process(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
def test_urls_of_no_database(url: str) -> None:
    with pytest.raises(ConfigError, match="sqlite:///PATH or postgresql://"):
        connect_to(url)


def test_a_password_is_in_no_message() -> None:
    database = connect_to("postgresql://dialer:hunter2@db.example/dialer")
    assert database.where == "PostgreSQL dialer at db.example"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("database or disk is full", "the disk is full; free some space"),
        ("database is locked", "another process holds the database; end it"),
        ("attempt to write a readonly database", "read-only; give this user the right"),
        ("unable to open database file", "cannot be opened; check that its directory exists"),
        ("file is not a database", "not a database, or is damaged; restore"),
        ("something new", "refused a statement"),
    ],
)
def test_failures_of_sqlite_say_what_and_what_to_do(said: str, words: str) -> None:
    error = OperationalError("INSERT secret", {"number": "13800001234"}, sqlite3.OperationalError(said))
    described = describe(error, "/data/dialer.db")
    assert str(described).startswith("/data/dialer.db: ")
    assert words in str(described)
    assert "13800001234" not in str(described)
    assert "secret" not in str(described)


def test_a_lost_connection_may_be_tried_again() -> None:
    error = OperationalError("SELECT 1", {}, ConnectionError("gone"))
    assert describe(error, "PostgreSQL d at h").retryable
    assert not describe(ProgrammingError("SELECT 1", {}, Exception("syntax")), "x").retryable
    assert not describe(ArgumentError("wrong"), "x").retryable


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionRefusedError(111, "Connection refused"), OSError()])
def test_an_unreachable_server_is_a_storage_error(error: OSError) -> None:
    with pytest.raises(TransientStorageError, match="PostgreSQL d at h: the database"), translated("PostgreSQL d at h"):
        raise error


def test_only_tables_are_tables() -> None:
    with pytest.raises(TypeError, match="is not a table"):
        table_of(Base)
    with pytest.raises(StorageError):
        raise TransientStorageError
