"""Every way to tamper with recordings and their ledger, done for real, is found and named; a clean node is well."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from dialer.cli.main import app
from dialer.clock import SystemClock
from dialer.evidence.chain_walk import Witnesses
from dialer.evidence.object_check import ObjectCheck
from dialer.evidence.signing_key import own_keys
from dialer.evidence.verification import Verification, Verified
from dialer.storage.ledger_rows import ALL
from dialer.storage.read_only import read_only_storage
from recording.faults import Trouble
from recording.heads import Head, public_pem, sign_head
from recording.ledger import Entry, EntryKind, signing_key_facts
from recording.ledger_check import Trust
from tests.support.evidence import Evidence, open_evidence, write_config
from tests.support.ledgers import OTHER_KEY, altered, rehash
from tests.support.schema import make_sqlite
from tests.support.storage import MINUTE

T0 = datetime(2026, 1, 5, 2, tzinfo=UTC)
FIRST, SECOND, REDACTED, GONE = "node1-a-1", "node1-a-2", "node1-a-1-r", "node1-a-3"


async def _fill(node: Evidence) -> None:
    """Three recordings, a redaction of the first, and the last one deleted; signed twice, long before any check."""
    node.clock.now = T0
    await node.record(FIRST, n_bytes=100_000)
    await node.record(SECOND, attempt=1)
    await node.sign()
    node.clock.now += MINUTE
    await node.record(REDACTED, parent_id=FIRST)
    await node.record(GONE, attempt=2)
    await node.delete(GONE)
    await node.sign()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a node that was ended in order."""
    folder = tmp_path_factory.mktemp("node")
    make_sqlite(folder / "dialer.db")

    async def make() -> None:
        async with open_evidence(folder, f"sqlite:///{folder / 'dialer.db'}") as node:
            await _fill(node)

    asyncio.run(make())
    for path in (folder / "recordings").rglob("*.sealed"):
        os.utime(path, (T0.timestamp(), T0.timestamp()))
    with closing(sqlite3.connect(folder / "dialer.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@pytest.fixture
def files(clean: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    folder = tmp_path / "node"
    shutil.copytree(clean, folder)
    write_config(folder)
    return folder


def _verify(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    arguments = ["recordings", "verify", "--config", str(folder / "dialer.toml"), "--json", *words]
    result = CliRunner().invoke(app, arguments)
    assert result.stdout, (result.stderr, result.exception)
    return result.exit_code, json.loads(result.stdout)


def _troubles(report: dict[str, Any]) -> set[str]:
    return {fault["trouble"] for fault in report["faults"]}


def _sql(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "dialer.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def _object(folder: Path, recording_id: str, kind: str = "flac") -> Path:
    (found,) = (folder / "recordings").rglob(f"{recording_id}.*.{kind}.sealed")
    return found


def test_a_clean_node_has_no_fault(files: Path) -> None:
    code, report = _verify(files)
    assert (code, report["faults"]) == (0, [])
    assert (report["recordings"], report["deleted"], report["vouched"]) == (4, 1, True)
    (chain,) = report["chains"]
    assert chain["signed"] == chain["last"] == report["walked"]["entries"]
    for words in (
        ("--sealed-only",),
        ("--case", "case-1"),
        ("--recording", FIRST),
        ("--since", "2026-01-05T00:00:00Z"),
    ):
        assert _verify(files, *words)[0] == 0
    assert _verify(files, "--recording", FIRST)[1]["recordings"] == 2
    assert _verify(files, "--since", "2027-01-01T00:00:00Z")[1]["walked"]["entries"] == 0
    before = sorted((path, path.stat().st_mtime_ns) for path in files.rglob("*") if path.suffix not in ("", ".db-shm"))
    _verify(files)
    after = sorted((path, path.stat().st_mtime_ns) for path in files.rglob("*") if path.suffix not in ("", ".db-shm"))
    assert after == before


def _flip(folder: Path) -> None:
    path = _object(folder, FIRST)
    sealed = bytearray(path.read_bytes())
    sealed[70_000] ^= 1
    path.chmod(0o644)
    path.write_bytes(sealed)


def _swap(folder: Path) -> None:
    one, other = _object(folder, FIRST), _object(folder, SECOND)
    one.rename(folder / "held")
    other.rename(one)
    (folder / "held").rename(other)


def _swap_peaks(folder: Path) -> None:
    shutil.copyfile(_object(folder, FIRST, "peaks"), folder / "held")
    _object(folder, SECOND, "peaks").unlink()
    (folder / "held").rename(_object(folder, FIRST, "peaks").with_name(f"{SECOND}.0123456789ab.peaks.sealed"))


def _stray(folder: Path) -> None:
    path = _object(folder, FIRST)
    stray = path.with_name("node1-a-9.0123456789ab.flac.sealed")
    shutil.copyfile(path, stray)
    assert _verify(folder)[0] == 0  # it may be a recording of just now
    os.utime(stray, (0, 0))


def _renumbered(folder: Path) -> None:
    """An entry once more, in front of others."""
    _sql(
        folder,
        "UPDATE ledger SET sequence = -sequence - 1 WHERE sequence > 2",
        "UPDATE ledger SET sequence = -sequence WHERE sequence < 0",
        "INSERT INTO ledger (chain, sequence, at, kind, subject, body, hash) "
        "SELECT chain, 3, at, kind, subject, body, hash FROM ledger WHERE sequence = 2",
        "UPDATE ledger_heads SET sequence = sequence + 1",
    )


def _swapped_rows(folder: Path) -> None:
    _sql(
        folder,
        "UPDATE ledger SET sequence = -1 WHERE sequence = 1",
        "UPDATE ledger SET sequence = 1 WHERE sequence = 2",
        "UPDATE ledger SET sequence = 2 WHERE sequence = -1",
    )


def _by_sql(*statements: str) -> Callable[[Path], None]:
    return lambda folder: _sql(folder, *statements)


KEPT = f"recording_id = '{FIRST}'"


@pytest.mark.parametrize(
    ("tamper", "troubles"),
    [
        (_flip, {Trouble.AUDIO_ALTERED}),
        (_swap, {Trouble.AUDIO_ALTERED}),
        (_swap_peaks, {Trouble.AUDIO_ALTERED}),
        (lambda folder: _object(folder, FIRST).unlink(), {Trouble.AUDIO_MISSING}),
        (lambda folder: _object(folder, FIRST, "peaks").unlink(), {Trouble.AUDIO_MISSING}),
        (_stray, {Trouble.AUDIO_UNKNOWN}),
        (_by_sql(f"UPDATE recordings SET sha256 = 'ab' WHERE {KEPT}"), {Trouble.ROW_DIFFERS, Trouble.AUDIO_ALTERED}),
        (_by_sql(f"UPDATE recordings SET case_ref = 'case-9' WHERE {KEPT}"), {Trouble.ROW_DIFFERS}),
        (_by_sql(f"UPDATE recordings SET started_at = 'then' WHERE {KEPT}"), {Trouble.ROW_DIFFERS}),
        (_by_sql(f"UPDATE recordings SET marks = '[1]' WHERE {KEPT}"), {Trouble.ROW_DIFFERS}),
        (
            _by_sql(f"UPDATE recordings SET path = '../x' WHERE {KEPT}"),
            {Trouble.ROW_DIFFERS, Trouble.AUDIO_MISSING, Trouble.AUDIO_UNKNOWN},
        ),
        (
            _by_sql(f"DELETE FROM recordings WHERE {KEPT}"),
            {Trouble.ROW_MISSING, Trouble.KEY_NOT_DESTROYED, Trouble.AUDIO_UNKNOWN},
        ),
        (_by_sql(f"DELETE FROM recording_keys WHERE {KEPT}"), {Trouble.KEY_MISSING}),
        (_by_sql(f"UPDATE recording_keys SET kek_id = 'x' WHERE {KEPT}"), {Trouble.KEY_MISSING}),
        (
            _by_sql(f"INSERT INTO recording_keys SELECT '{GONE}', kek_id, wrapped FROM recording_keys WHERE {KEPT}"),
            {Trouble.KEY_NOT_DESTROYED},
        ),
        (
            _by_sql(f"UPDATE recordings SET state = 'deleted' WHERE {KEPT}"),
            {Trouble.DELETION_DIFFERS, Trouble.KEY_NOT_DESTROYED},
        ),
        (
            _by_sql(f"UPDATE recordings SET state = 'kept' WHERE recording_id = '{GONE}'"),
            {Trouble.DELETION_DIFFERS, Trouble.KEY_MISSING},
        ),
        (_by_sql("DELETE FROM ledger WHERE kind = 'tombstone'"), {Trouble.MISSING, Trouble.DELETION_DIFFERS}),
        (_by_sql("DELETE FROM ledger WHERE sequence = 1"), {Trouble.MISSING, Trouble.NO_ENTRY}),
        (_by_sql("UPDATE ledger SET body = replace(body, 'case-1', 'case-2') WHERE sequence = 2"), {Trouble.ALTERED}),
        (_by_sql("UPDATE ledger SET at = '2020-01-01 00:00:00.000000' WHERE sequence = 2"), {Trouble.ALTERED}),
        (_by_sql("UPDATE ledger SET at = 'then' WHERE sequence = 2"), {Trouble.ALTERED}),
        (_by_sql("UPDATE ledger SET hash = 'x' WHERE sequence = 2"), {Trouble.ALTERED}),
        (_renumbered, {Trouble.REORDERED}),
        (_swapped_rows, {Trouble.REORDERED}),
        (
            _by_sql("DELETE FROM ledger WHERE sequence > 5", "DELETE FROM ledger_signatures WHERE sequence > 5"),
            {Trouble.CUT_OFF},
        ),
        (_by_sql("DELETE FROM ledger", "DELETE FROM ledger_heads"), {Trouble.CUT_OFF, Trouble.NO_ENTRY}),
        (_by_sql("DELETE FROM ledger_signatures"), {Trouble.UNSIGNED}),
        (_by_sql("UPDATE ledger_signatures SET signature = x'00'"), {Trouble.BAD_SIGNATURE, Trouble.UNSIGNED}),
        (
            _by_sql(
                "UPDATE ledger_signatures SET statement = (SELECT statement FROM ledger_signatures ORDER BY sequence "
                "LIMIT 1), signature = (SELECT signature FROM ledger_signatures ORDER BY sequence LIMIT 1)"
            ),
            {Trouble.BAD_SIGNATURE, Trouble.UNSIGNED},
        ),
        (_by_sql("UPDATE ledger_signatures SET chain = 'node2'"), {Trouble.BAD_SIGNATURE}),
        (_by_sql("UPDATE ledger_heads SET sequence = sequence - 1"), {Trouble.INSERTED}),
        (_by_sql("UPDATE proofs SET hash = x'00' WHERE sequence = 2"), {Trouble.PROOFS_DIFFER}),
        (_by_sql("DELETE FROM proofs"), {Trouble.PROOFS_DIFFER}),
    ],
)
def test_every_tampering_is_found_and_named(
    files: Path, tamper: Callable[[Path], None], troubles: set[Trouble]
) -> None:
    tamper(files)
    code, report = _verify(files)
    assert code == 1
    assert {trouble.value for trouble in troubles} <= _troubles(report), report["faults"]
    assert all(fault["words"] and fault["meaning"] and fault["action"] for fault in report["faults"])


# ---- whoever has more than the database's password


def _entries(folder: Path) -> list[Entry]:
    with closing(sqlite3.connect(folder / "dialer.db")) as database:
        rows = database.execute("SELECT chain, sequence, at, kind, subject, body, hash FROM ledger ORDER BY sequence")
        return [Entry(row[0], row[1], datetime.fromisoformat(row[2]).replace(tzinfo=UTC), *row[3:]) for row in rows]


def _rewrite(folder: Path, key: Ed25519PrivateKey | None) -> Head:
    """The second recording never was: its row, key, objects and entry go, and the chain is made anew and signed."""
    with closing(sqlite3.connect(folder / "dialer.db")) as database, database:
        for table in ("recordings", "recording_keys"):
            database.execute(f"DELETE FROM {table} WHERE recording_id = ?", (SECOND,))
        left = [entry for entry in _entries(folder) if entry.subject != SECOND]
        if key is not None:
            facts = signing_key_facts(key.public_key(), "")
            named = (
                altered(entry, facts=facts, subject=facts["key_id"])
                for entry in left
                if entry.kind == EntryKind.SIGNING_KEY
            )
            left = [next(named) if entry.kind == EntryKind.SIGNING_KEY else entry for entry in left]
        made = rehash(left)
        database.execute("DELETE FROM ledger")
        database.execute("DELETE FROM ledger_signatures")
        for entry in made:
            at = entry.at.replace(tzinfo=None).isoformat(" ", "microseconds")
            row = (entry.chain, entry.sequence, at, entry.kind, entry.subject, entry.body, entry.hash)
            names = "chain, sequence, at, kind, subject, body, hash"
            database.execute(f"INSERT INTO ledger ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        head = Head("node1", made[-1].sequence, made[-1].hash.hex())
        database.execute("UPDATE ledger_heads SET sequence = ?, hash = ?", (head.sequence, made[-1].hash))
        if key is not None:
            signed = sign_head(key, head, made[-1].at)
            stored = ("node1", head.sequence, signed.statement, "", signed.signature)
            names = "chain, sequence, statement, key_id, signature"
            database.execute(f"INSERT INTO ledger_signatures ({names}) VALUES (?, ?, ?, ?, ?)", stored)
    for path in (folder / "recordings").rglob(f"{SECOND}.*"):
        path.unlink()
    return head


def test_a_chain_made_anew_is_found_by_what_the_node_noted(files: Path) -> None:
    _rewrite(files, None)
    assert {"cut_off", "unsigned"} <= _troubles(_verify(files)[1])


def test_a_chain_signed_anew_by_another_key_is_found_by_the_pinned_one(files: Path, tmp_path: Path) -> None:
    pinned = tmp_path / "pinned.pub"
    shutil.copyfile(files / "ledger.pub", pinned)
    head = _rewrite(files, OTHER_KEY)
    # The node is theirs, too: its own files deny nothing any more.
    (files / "ledger.pub").write_bytes(public_pem(OTHER_KEY.public_key()))
    (files / "ledger.head").write_text(f"{head}\n")
    assert _verify(files) == (0, _verify(files)[1])
    code, report = _verify(files, "--key", str(pinned))
    assert (code, _troubles(report)) == (1, {"other_key"})
    for path in (files / "ledger.pub", files / "ledger.head"):
        path.unlink()
    code, report = _verify(files)
    assert (code, report["vouched"]) == (3, False)


def test_a_chain_signed_anew_by_the_stolen_key_contradicts_a_note(files: Path) -> None:
    noted = CliRunner().invoke(app, ["recordings", "head", "--config", str(files / "dialer.toml")]).stdout.strip()
    key = load_pem_private_key((files / "ledger.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    head = _rewrite(files, key)
    (files / "ledger.head").write_text(f"{head}\n")
    assert _verify(files)[0] == 0
    code, report = _verify(files, "--head", noted)
    assert (code, _troubles(report)) == (1, {"cut_off"})


def test_what_cannot_be_checked_is_said(files: Path) -> None:
    def said(*words: str) -> str:
        result = CliRunner().invoke(app, ["recordings", "verify", "--config", str(files / "dialer.toml"), *words])
        assert result.exit_code != 0
        return str(result.exception)

    assert "add the UTC offset" in said("--since", "2026-11-23T00:00:00")
    assert "CHAIN:SEQUENCE:HASH" in said("--head", "node1:7")
    assert "cannot read it" in said("--key", str(files / "nowhere.pub"))
    assert "no recording of case-99 is on record" in said("--case", "case-99")
    (files / "dialer.toml").write_text(f'[node]\ndata_dir = "{files}"\n')
    assert "--sealed-only" in said()
    _sql(files, "UPDATE alembic_version SET version_num = '9999'")
    assert "schema version 9999" in said("--sealed-only")
    (files / "dialer.db").unlink()
    assert "no such database" in said("--sealed-only")


async def test_both_databases_are_checked_alike(tmp_path: Path, database_url: str) -> None:
    async with open_evidence(tmp_path, database_url) as node:
        await _fill(node)
        found = await _check(node)
        assert (found.faults, found.vouched, found.recordings, found.deleted) == ((), True, 4, 1)
        await node.sql(lambda connection: connection.exec_driver_sql("UPDATE recordings SET duration_s = 11.5"))
        await node.sql(
            lambda connection: connection.exec_driver_sql("UPDATE ledger SET subject = 'x' WHERE sequence = 4")
        )
        found = await _check(node)
        assert {fault.trouble for fault in found.faults} == {Trouble.ROW_DIFFERS, Trouble.ALTERED}


async def _check(node: Evidence) -> Verified:
    keys = await asyncio.to_thread(own_keys, node.config)
    objects = ObjectCheck(node.store, node.ring)
    async with read_only_storage(node.config) as beside:
        check = Verification(beside, node.store, objects, Witnesses(Trust(keys)), lambda what, n: None)
        return await check.run(ALL, SystemClock().utcnow(), timedelta(minutes=10))
