"""Verifying: CPU time of an entry of the ledger, from memory and from SQLite, and of a megabyte of sealed audio.

`BENCH_ENTRIES` sets how many entries there are (some 900 bytes each); `BENCH_SEALED_MB` how much audio.
"""

import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, insert

from bench.row import BenchRow
from dialer.clock import SystemClock
from dialer.evidence.chain_walk import ChainWalk, Witnesses
from dialer.evidence.object_check import ObjectCheck
from dialer.model.recording import WrappedKey
from dialer.storage import Storage, tables
from dialer.storage.ledger_rows import LedgerRow
from recording.file_objects import FileObjects
from recording.heads import Head, SignedHead, by_id, key_id_of, sign_head
from recording.keys import KeyRing
from recording.ledger import GENESIS, Entry, EntryKind, make_entry, recording_facts, signing_key_facts
from recording.ledger_check import LedgerCheck, Trust
from recording.sealing import SealWriter

ENTRIES = int(os.environ.get("BENCH_ENTRIES", "100000"))
SEALED_MB = int(os.environ.get("BENCH_SEALED_MB", "64"))
SIGNED_EVERY = 100
"""Entries a minute of a node with a hundred collectors."""
RUNS = 3
MB = 1_000_000
T0 = datetime(2026, 11, 23, 2, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def run() -> list[BenchRow]:
    """The rows of this module."""
    entries = _entries()
    signed = _signed(entries)
    size = sum(len(entry.body) for entry in entries) / len(entries)
    note = f"{len(entries):,} entries of {size:,.0f} bytes, a signed head every {SIGNED_EVERY}"
    alone = _cpu_s(lambda: _check(entries, signed))
    with tempfile.TemporaryDirectory(prefix="bench-ledger-") as directory:
        stored = asyncio.run(_walked(Path(directory), entries, signed))
        audio = _audio_s(Path(directory))
    return [
        BenchRow("ledger checked, an entry", alone * 1e6 / len(entries), "µs", budget=10, note=note),
        BenchRow("the same from SQLite, with proofs and rows", stored * 1e6 / len(entries), "µs"),
        BenchRow("sealed audio read, opened, compared, a MB", audio * 1e3, "ms", note="objects of 4 MB"),
    ]


def _entries() -> list[Entry]:
    key = KEY.public_key()
    facts = signing_key_facts(key, "")
    made = [make_entry("bench", 1, GENESIS, EntryKind.SIGNING_KEY, key_id_of(key), T0, facts)]
    for n in range(2, ENTRIES + 1):
        at = T0 + timedelta(milliseconds=n)
        said = recording_facts(_row(f"bench-{n}", at)) | {"proof": None}
        made.append(make_entry("bench", n, made[-1].hash, EntryKind.RECORDING, f"bench-{n}", at, said))
    return made


def _row(recording_id: str, at: datetime) -> dict[str, object]:
    path = f"2026/11/23/{recording_id}.0123456789ab"
    return {
        "recording_id": recording_id,
        "attempt_id": 1,
        "campaign_id": 1,
        "case_ref": "case-1",
        "node": "bench",
        "parent_id": "",
        "started_at": at,
        "duration_s": 61.25,
        "path": f"{path}.flac.sealed",
        "peaks_path": f"{path}.peaks.sealed",
        "sha256": "ab" * 32,
        "size_bytes": 400_000,
        "sealed_sha256": "cd" * 32,
        "sealed_bytes": 400_136,
        "marks": b"[]",
        "lost_ms": 0,
        "truncated": False,
        "far_share": 0.25,
        "near_share": 0.5,
        "silence_share": 0.25,
        "overtalk_share": 0.0,
    }


def _signed(entries: list[Entry]) -> dict[int, SignedHead]:
    ends = [entry for entry in entries if entry.sequence % SIGNED_EVERY == 0 or entry is entries[-1]]
    return {entry.sequence: sign_head(KEY, Head("bench", entry.sequence, entry.hash.hex()), entry.at) for entry in ends}


def _trust() -> Trust:
    return Trust(by_id([KEY.public_key()]))


def _check(entries: list[Entry], signed: dict[int, SignedHead]) -> None:
    check = LedgerCheck(_trust())
    for entry in entries:
        if entry.sequence in signed:
            check.sign(signed[entry.sequence])
        check.add(entry)
    assert check.finish([Head("bench", len(entries), entries[-1].hash.hex())]).well


async def _walked(folder: Path, entries: list[Entry], signed: dict[int, SignedHead]) -> float:
    """CPU seconds of a walk over the chain in a database."""
    url = f"sqlite:///{folder}/dialer.db"
    async with Storage.open(url, bytes(32), SystemClock()) as storage:
        with create_engine(url).begin() as connection:  # which asks for no attempts behind the recordings
            _store(connection, entries, signed)
        witnesses = Witnesses(_trust())
        spent = []
        for _ in range(RUNS):
            started = time.process_time()
            walk = ChainWalk(storage.ledger_reading, storage.ledger_rows, witnesses, lambda n: None)
            report = await walk.run(None, T0)
            spent.append(time.process_time() - started)
            assert report.well, report.faults[:3]
        return statistics.median(spent)


def _store(connection: Connection, entries: list[Entry], signed: dict[int, SignedHead]) -> None:
    rows = [{name: getattr(entry, name) for name in Entry.__slots__} for entry in entries]
    connection.execute(insert(tables.ledger), rows)
    last = entries[-1]
    connection.execute(insert(tables.ledger_heads), {"chain": "bench", "sequence": last.sequence, "hash": last.hash})
    heads = [
        {"chain": "bench", "sequence": n, "statement": one.statement, "key_id": "", "signature": one.signature}
        for n, one in signed.items()
    ]
    connection.execute(insert(tables.ledger_signatures), heads)
    kept = [entry for entry in entries if entry.kind == EntryKind.RECORDING]
    connection.execute(insert(tables.recordings), [_row(entry.subject, entry.at) for entry in kept])


def _audio_s(folder: Path) -> float:
    """CPU seconds of a megabyte of sealed audio that is read, hashed, opened and hashed again."""
    (folder / "store").mkdir()
    store, ring = FileObjects(folder / "store"), KeyRing(bytes(32))
    rows = [_sealed(folder, store, ring, n) for n in range(SEALED_MB // 4)]
    objects = ObjectCheck(store, ring)

    def check() -> None:
        for row in rows:
            assert objects.check(row) == []

    return _cpu_s(check) * MB / sum(int(row.said["sealed_bytes"]) for row in rows)


def _sealed(folder: Path, store: FileObjects, ring: KeyRing, n: int) -> LedgerRow:
    content, key = os.urandom(4 * MB), ring.new_key()
    staged = folder / "staged"
    with staged.open("wb+") as stream:
        writer = SealWriter(stream, key, f"r{n}")
        writer.write(content)
        writer.finish()
    sealed = staged.read_bytes()
    said = {"path": f"r{n}.flac.sealed", "peaks_path": "", "sha256": hashlib.sha256(content).hexdigest()}
    said |= {"sealed_sha256": hashlib.sha256(sealed).hexdigest()}
    store.put(said["path"], staged, said["sealed_sha256"])
    sizes = {"size_bytes": len(content), "sealed_bytes": len(sealed)}
    wrapped = ring.wrap(key, f"r{n}")
    return LedgerRow(f"r{n}", said | sizes, "kept", WrappedKey(wrapped.kek_id, wrapped.wrapped))


def _cpu_s(work: Callable[[], None]) -> float:
    spent = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return statistics.median(spent)
