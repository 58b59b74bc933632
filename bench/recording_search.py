"""Finding recordings among a million on both engines: how long a page takes, for filters that fit much or little."""

import asyncio
import hashlib
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from bench._postgres import postgres_server
from bench.row import BenchRow
from dialer.clock import SystemClock
from dialer.model.recording_query import Between, Place, RecordingPage, RecordingQuery
from dialer.storage import Storage

RECORDINGS = int(os.environ.get("BENCH_RECORDINGS", "1000000"))
BUDGET_MS = 200.0
RUNS = 7
PAGE = 100
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(seconds=30)
END = BEGIN + RECORDINGS * APART
AGENTS, CAMPAIGNS, CASES = 200, 20, 250_000
OUTCOMES = ("promise", "refused", "callback", "wrong_person", "dispute", "complaint", "")
OUTCOME_WEIGHTS = (20, 25, 20, 10, 2, 0.01, 23)
HARDLY_ANY = 0.9999

SEARCHES: Mapping[str, RecordingQuery] = {
    "newest": RecordingQuery(),
    "a case": RecordingQuery(case_ref="case-77"),
    "a number": RecordingQuery(number_index=hashlib.sha256(b"77").digest()),
    "a collector's week": RecordingQuery(agent_id=7, since=END - timedelta(days=7)),
    "a campaign's long ones with overtalk": RecordingQuery(
        campaign_id=3, duration_s=Between(300, None), overtalk_share=Between(0.05, None)
    ),
    "a rare outcome": RecordingQuery(outcome="complaint"),
    "an outcome of a campaign": RecordingQuery(campaign_id=3, outcome="promise"),
    "a month of the past": RecordingQuery(since=BEGIN, until=BEGIN + timedelta(days=30), verdict="human"),
    "a share hardly any has": RecordingQuery(silence_share=Between(HARDLY_ANY, None)),
    "what is held, nothing is": RecordingQuery(held=True),
    "what was redacted, nothing was": RecordingQuery(redacted=True),
    "everything at once, nothing fits": RecordingQuery(
        campaign_id=3,
        outcome="promise",
        disposition="abandoned",
        verdict="machine",
        duration_s=Between(3000, None),
        overtalk_share=Between(0.9, None),
        truncated=True,
        redacted=True,
        held=True,
    ),
}


def run() -> list[BenchRow]:
    """The rows of this module."""
    with tempfile.TemporaryDirectory(prefix="bench-search-") as directory:
        rows = asyncio.run(_on_sqlite(f"{directory}/dialer.db"))
    with postgres_server() as server:
        return rows + asyncio.run(_on_postgres(server.url))


async def _on_sqlite(path: str) -> list[BenchRow]:
    async with Storage.open(f"sqlite:///{path}", bytes(32), SystemClock()) as storage:
        await asyncio.to_thread(fill_sqlite, path)
        return [*await _measured(storage, "SQLite"), await asyncio.to_thread(_insert_cost, path)]


async def _on_postgres(url: str) -> list[BenchRow]:
    async with Storage.open(url, bytes(32), SystemClock()) as storage:
        await fill_postgres(url)
        return await _measured(storage, "PostgreSQL")


async def _measured(storage: Storage, engine: str) -> list[BenchRow]:
    rows = []
    for name, asked in SEARCHES.items():
        firsts = [await _page(storage, asked) for _ in range(RUNS)]
        deep = [await _page(storage, asked, (BEGIN + n * APART, "")) for n in (RECORDINGS // 2, RECORDINGS // 10)]
        took_ms = [ms for ms, _ in (*firsts, *deep)]
        found = len(firsts[0][1].items)
        note = f"{found} found; the slowest of {len(took_ms)}, deep pages too: {max(took_ms):.0f} ms"
        rows.append(BenchRow(f"{engine}: {name}", statistics.median(took_ms), "ms", BUDGET_MS, note=note))
    return rows


async def _page(storage: Storage, asked: RecordingQuery, before: Place | None = None) -> tuple[float, RecordingPage]:
    started = time.perf_counter()
    page = await storage.recordings.find(asked, before, PAGE)
    return (time.perf_counter() - started) * 1000, page


def _rows() -> Iterator[dict[str, Any]]:
    chance = random.Random(7)
    outcomes = chance.choices(OUTCOMES, OUTCOME_WEIGHTS, k=RECORDINGS)
    for n in range(RECORDINGS):
        case = chance.randrange(CASES)
        speech = chance.random()
        yield {
            "recording_id": f"bench-{n}",
            "attempt_id": n,
            "node": "bench",
            "parent_id": "",
            "state": "kept",
            "started_at": BEGIN + n * APART,
            "duration_s": chance.expovariate(1 / 90),
            "path": f"2026/01/01/bench-{n}.flac.sealed",
            "peaks_path": f"2026/01/01/bench-{n}.peaks.sealed",
            "sha256": "ab" * 32,
            "size_bytes": 900_000,
            "sealed_sha256": "cd" * 32,
            "sealed_bytes": 900_100,
            "marks": b"[]",
            "lost_ms": 0,
            "truncated": n % 1000 == 0,
            "far_share": speech * 0.5,
            "near_share": speech * 0.6,
            "silence_share": 1 - speech,
            "overtalk_share": chance.betavariate(1, 30),
            "campaign_id": chance.randrange(CAMPAIGNS),
            "case_ref": f"case-{case}",
            "number_index": hashlib.sha256(str(case).encode()).digest(),
            "number_masked": "138****1234",
            "agent_id": chance.randrange(AGENTS),
            "disposition": chance.choice(("connected", "no_answer", "machine")),
            "verdict": chance.choice(("human", "human", "machine")),
            "outcome": outcomes[n],
            "qa_state": "" if n % 50 else "sampled",
        }


def fill_sqlite(path: str) -> None:
    """Fills the table of recordings of a new database; there are no attempts behind them."""
    connection = sqlite3.connect(path)
    rows = _rows()
    first = next(rows)
    connection.execute(_insert(tuple(first)), _plain(first))
    connection.executemany(_insert(tuple(first)), map(_plain, rows))
    connection.commit()
    connection.close()


def _insert(names: tuple[str, ...]) -> str:
    return f"INSERT INTO recordings ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """As the storage writes it: SQLite has no zones."""
    return row | {"started_at": row["started_at"].replace(tzinfo=None).isoformat(" ", "microseconds")}


def _insert_cost(path: str) -> BenchRow:
    """What one more row costs with all its indexes, in one transaction of a thousand."""
    connection = sqlite3.connect(path)
    row = _plain(next(_rows()))
    rows = [row | {"recording_id": f"late-{n}", "started_at": f"2027-01-0{n % 9 + 1}"} for n in range(1000)]
    started = time.process_time()
    connection.executemany(_insert(tuple(row)), rows)
    connection.commit()
    cost_us = (time.process_time() - started) * 1e6 / len(rows)
    size_mb = os.stat(path).st_size / 1e6
    connection.close()
    note = f"{size_mb:,.0f} MB of database for {RECORDINGS:,}"
    return BenchRow("a recording's row with its indexes", cost_us, "µs", note=note)


async def fill_postgres(url: str) -> None:
    """The same on PostgreSQL."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")  # there are no attempts behind these
        rows = _rows()
        first = next(rows)
        records = (tuple(row.values()) for row in (first, *rows))
        await connection.copy_records_to_table("recordings", records=records, columns=list(first))
        await connection.execute("VACUUM ANALYZE recordings")
    finally:
        await connection.close()
