"""Drawing what quality assurance listens to, among a million recordings, and taking it item by item."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from bench._postgres import postgres_server
from bench.recording_search import BEGIN, CASES, RECORDINGS, fill_postgres, fill_sqlite
from bench.row import BenchRow
from dialer.clock import SystemClock
from dialer.model.account import NewAccount, Role
from dialer.model.quality_work import NewPlan, PlanKind
from dialer.quality.drawing import Drawer
from dialer.storage import Storage, tables
from recording.review.periods import Cadence, period_at
from recording.review.sampling import Risks, Rules

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = timedelta(days=7)
WEEKS = 3
PEOPLE = 10
CHANGES = 20_000
"""Changes of cases' statuses, two an hour of the recorded time at a million recordings."""
RISKS = Risks(
    longer_than_s=600,
    case_statuses=frozenset({"complaint", "dispute"}),
    promise_codes=frozenset({"promise"}),
    promise_field="pay_date",
)


def run() -> list[BenchRow]:
    """The rows of this module."""
    with tempfile.TemporaryDirectory(prefix="bench-sampling-") as directory:
        rows = asyncio.run(_on_sqlite(f"{directory}/dialer.db"))
    with postgres_server() as server:
        return rows + asyncio.run(_on_postgres(server.url))


async def _on_sqlite(path: str) -> list[BenchRow]:
    async with Storage.open(f"sqlite:///{path}", bytes(32), SystemClock()) as storage:
        await asyncio.to_thread(fill_sqlite, path)
        return await _measured(storage, "SQLite")


async def _on_postgres(url: str) -> list[BenchRow]:
    async with Storage.open(url, bytes(32), SystemClock()) as storage:
        await fill_postgres(url)
        return await _measured(storage, "PostgreSQL")


async def _measured(storage: Storage, engine: str) -> list[BenchRow]:
    apart = timedelta(seconds=30) * RECORDINGS / CHANGES
    changes = [
        {"case_ref": f"case-{n * 7 % CASES}", "status": "complaint", "at": BEGIN + n * apart, "source": ""}
        for n in range(CHANGES)
    ]
    await storage._database.write(lambda connection: connection.execute(insert(tables.case_changes), changes))
    people = [NewAccount(f"qa{n}", f"qa{n}", Role.QA, "none") for n in range(PEOPLE)]
    ids = [(await storage.accounts.create(person, BEGIN)).account_id for person in people]
    weekly = await _draws(storage, PlanKind.RANDOM, Cadence.WEEKLY, Rules(per_collector=2))
    daily = await _draws(storage, PlanKind.RISK, Cadence.DAILY, Rules(per_collector=5, quota=50, risks=RISKS))
    next_items = (storage.qa_work.next(ids[n % PEOPLE], BEGIN) for n in range(200))
    taken = [await _timed(one, time.perf_counter) for one in next_items]
    return [
        BenchRow(
            f"{engine}: a week at random, 20,160 recordings", statistics.median(weekly), "s CPU", note="of this process"
        ),
        BenchRow(
            f"{engine}: a day's risks, {RECORDINGS:,} on record",
            statistics.median(daily),
            "s CPU",
            note="of this process",
        ),
        BenchRow(f"{engine}: the next item", statistics.median(taken) * 1000, "ms"),
    ]


async def _draws(storage: Storage, kind: PlanKind, cadence: Cadence, rules: Rules) -> list[float]:
    new = NewPlan(name="bench", kind=kind, cadence=cadence, rules=rules, seed="seed")
    plan = await storage.qa_plans.create(new, "bench", BEGIN)
    drawer = Drawer(storage, ZONE)
    periods = [period_at(cadence, BEGIN + n * WEEK, ZONE) for n in range(1, 1 + WEEKS)]
    return [await _timed(drawer.draw(plan, one, "bench", one.ends), time.process_time) for one in periods]


async def _timed(work: Awaitable[object], clock: Callable[[], float]) -> float:
    started = clock()
    assert await work is not None
    return clock() - started
