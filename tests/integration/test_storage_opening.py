"""Opening a database: new, older, newer, with the wrong key, locked, full, gone."""

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.errors import ConfigError, InputError, SchemaVersionError, StorageError
from dialer.model.account import AuditEntry
from dialer.model.attempt import Attempt, CallPath, Disposition
from dialer.model.campaign import CampaignSettings
from dialer.model.contact import PhoneRole
from dialer.model.decision import Decision
from dialer.model.entry import Reservation
from dialer.storage import Storage, database
from dialer.storage.database import connect_to
from dialer.storage.history import gather, load_subject
from dialer.storage.tables import metadata
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.storage import KEY, MINUTE, MONDAY, Dialing, add_list, contacts, open_storage
from tests.support.storage_books import bodies
from tests.support.storage_first_schema import NODE, OWN, RELATIVE, write_first_schema

ENTRY = AuditEntry(MONDAY, "wang", "login", "account/1")


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """Here the schema is what is tested."""
    return empty_database_url


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


async def test_the_migrated_schema_is_the_schema_of_the_tables(database_url: str) -> None:
    async with open_storage(database_url):
        pass

    def compare(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with connect_to(database_url) as opened:
        assert await opened.read(compare) == []


async def test_opening_again_keeps_everything(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        list_id = await add_list(storage, contacts(2))
    async with open_storage(database_url) as storage:
        assert [contact.name for contact in await storage.lists.contacts(list_id)] == ["王0", "王1"]


async def test_nodes_that_start_together_make_one_schema(database_url: str) -> None:
    async def start() -> None:
        async with open_storage(database_url) as storage:
            await storage.audit.record(ENTRY)

    async with asyncio.TaskGroup() as nodes:
        for _ in range(3):
            nodes.create_task(start())
    async with open_storage(database_url) as storage:
        assert len(await storage.audit.list()) == 3


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """SQLite refuses at once who turns a new file into WAL mode while another does: a few in a hundred did not open."""
    for n in range(60):
        url, together = f"sqlite:///{tmp_path / f'{n}.db'}", Barrier(4)
        with ThreadPoolExecutor(4) as threads:
            opened = [threads.submit(_open_together, url, together) for _ in range(4)]
        assert [one.result() for one in opened] == [1] * 4


def _open_together(url: str, together: Barrier) -> int:
    async def read() -> int:
        async with connect_to(url) as opened:
            return await opened.read(lambda connection: int(connection.execute(text("SELECT 1")).scalar_one()))

    together.wait()
    return asyncio.run(read())


async def test_a_database_of_the_first_schema_goes_on(database_url: str, policy: Policy) -> None:
    """Its attempts count as before, its crashed call is recovered, and what ends has no first link to name."""
    async with connect_to(database_url) as opened:
        await opened.write(write_first_schema)
    async with open_storage(database_url) as storage:
        (contact,) = await storage.lists.contacts(1)
        campaign = await storage.campaigns.get(1)
        assert campaign is not None
        assert not campaign.settings.collecting.identity_check, "what runs goes on as it did"
        assert [phone.number for phone in contact.phones] == [OWN, RELATIVE]
        assert [refusal.rule for refusal in await storage.statistics.refusals()] == ["cn.window"]
        assert await storage.attempts.recover(NODE, MONDAY) == 1
        dialing = Dialing(storage, policy)
        asked = Reservation(1, 1, 1, CallPath.MANUAL, NODE, caller_id=HOUSE_NUMBER)
        facts = await storage._database.read(
            lambda connection: gather(connection, load_subject(connection, storage.cipher, 1, 1), asked, policy, MONDAY)
        )
        told = [(earlier.disposition, earlier.role, earlier.right_party) for earlier in facts.attempts]
        assert told == [
            (Disposition.NO_ANSWER, PhoneRole.OWN, None),
            (Disposition.CONNECTED, PhoneRole.OWN, False),
            (Disposition.CONNECTED, PhoneRole.THIRD_PARTY, None),
            (Disposition.UNKNOWN, PhoneRole.OWN, None),
            (Disposition.UNKNOWN, PhoneRole.OWN, None),
        ]
        assert isinstance(await dialing.ask(asked), Decision)
        for attempt_id in (4, 5):
            assert await storage.attempts.reconcile(attempt_id, Disposition.BUSY, "wang", MONDAY + MINUTE)
        assert {body["first"] for body in await bodies(storage, ProofKind.RECONCILED)} == {None}
        assert isinstance(await dialing.ask(asked, MONDAY + 180 * MINUTE), Attempt)


async def test_a_newer_database_is_left_alone(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        await storage.audit.record(ENTRY)
    async with connect_to(database_url) as opened:
        newer = text("UPDATE alembic_version SET version_num = '9999'")
        await opened.write(lambda connection: connection.execute(newer))
    with pytest.raises(SchemaVersionError, match=r"schema version 9999, this program knows .* start the newer program"):
        async with open_storage(database_url):
            pass
    async with connect_to(database_url) as opened:
        query = text("SELECT version_num FROM alembic_version")
        assert await opened.read(lambda connection: connection.execute(query).scalar()) == "9999"


async def test_another_key_is_refused_in_words(database_url: str) -> None:
    async with open_storage(database_url):
        pass
    with pytest.raises(ConfigError, match=r"database\.key is not the key this database was made with"):
        async with open_storage(database_url, KEY[::-1]):
            pass


async def test_numbers_and_names_are_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    async with open_storage(f"sqlite:///{path}") as storage:
        await add_list(storage, contacts(3))
    raw = b"".join(_bytes(file) for file in _files(tmp_path))
    assert "王1".encode() not in raw
    assert b"13800000001" not in raw
    assert b"case-1" in raw


def _files(directory: Path) -> Iterator[Path]:
    return directory.glob("dialer.db*")


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


async def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened; check that its directory exists"):
        async with open_storage(f"sqlite:///{tmp_path}/none/dialer.db"):
            pass


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    _write(path)
    with pytest.raises(StorageError, match="not a database, or is damaged; restore it from a backup"):
        async with open_storage(f"sqlite:///{path}"):
            pass


def _write(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)


async def test_a_locked_database_says_so_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "dialer.db"
    async with open_storage(f"sqlite:///{path}") as storage:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="another process holds the database") as caught:
            await storage.audit.record(ENTRY)
        assert caught.value.retryable
        other.execute("ROLLBACK")
        other.close()
        await storage.audit.record(ENTRY)
        assert len(await storage.audit.list()) == 1


async def test_a_full_disk_says_so_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "dialer.db"
    async with open_storage(f"sqlite:///{path}") as storage:
        await storage.audit.record(ENTRY)
    small = connect_to(f"sqlite:///{path}")
    async with Storage(small, storage.cipher, SystemClock()) as full:
        await small.write(_allow_no_more_pages)
        with pytest.raises(StorageError, match="the disk is full; free some space"):
            await add_list(full, contacts(3000))
        assert await full.lists.all() == ()
        assert len(await full.audit.list()) == 1


def _allow_no_more_pages(connection: Connection) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")


async def test_one_bad_work_of_a_group_takes_no_other_with_it(database_url: str) -> None:
    async with open_storage(database_url) as storage:
        good = [storage.audit.record(ENTRY) for _ in range(5)]
        bad = [storage.campaigns.create("none", [99], CampaignSettings(), MONDAY) for _ in range(2)]
        more = [storage.audit.record(ENTRY) for _ in range(5)]
        results = await asyncio.gather(*good, *bad, *more, return_exceptions=True)
        assert [type(result) for result in results if result is not None] == [InputError, InputError]
        assert len(await storage.audit.list()) == 10


@pytest.mark.allow_blocking  # asyncpg looks for certificates on the disk
async def test_a_server_that_is_not_there() -> None:
    with pytest.raises(StorageError, match=r"PostgreSQL d at 127\.0\.0\.1: the database cannot be reached"):
        async with open_storage("postgresql://u:p@127.0.0.1:1/d"):
            pass
