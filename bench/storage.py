"""Storage: claiming from a million entries on both engines, and on SQLite what every attempt costs."""

import asyncio
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta

from bench._postgres import PostgresServer, postgres_server
from bench.row import BenchRow
from dialer.clock import SystemClock
from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.model.attempt import Attempt, AttemptState, Disposition, Settlement
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import CampaignSettings, CampaignState, PriorityTerm
from dialer.model.entry import Candidate, NextStep, Reservation
from dialer.storage import Storage

ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
CHUNK = 2000
BATCH = 50
CLAIMS = 50
ATTEMPTS = 600
PARALLEL = 60
CALLER_IDS = tuple(f"+86400123456{n:02d}" for n in range(16))
"""As many as such a day needs: a caller ID may be shown a thousand times."""
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a workday


def run() -> list[BenchRow]:
    """Builds a database on each engine and measures on it."""
    registry = Registry(tuple(RegisteredNumber(number, ("collection",)) for number in CALLER_IDS))
    policy = load_policy(("cn-bank-card",), (), registry)
    with tempfile.TemporaryDirectory(prefix="bench-storage-") as directory:
        rows = asyncio.run(_on_sqlite(f"sqlite:///{directory}/dialer.db", policy))
    with postgres_server() as server:
        return rows + asyncio.run(_on_postgres(server))


async def _on_sqlite(url: str, policy: Policy) -> list[BenchRow]:
    async with Storage.open(url, bytes(32), SystemClock()) as storage:
        await storage.outbox.register("hook")
        campaign_id, built_s = await _campaign(storage)
        rows = _claim_rows("SQLite", [await _claim(storage, campaign_id, n) for n in range(CLAIMS)])
        started = time.perf_counter()
        await storage.entries.counts(campaign_id, MONDAY)
        counted_ms = (time.perf_counter() - started) * 1000
        rows += [
            BenchRow(f"entries counted by state, of {ENTRIES:,}", counted_ms, "ms"),
            BenchRow("entries made for a campaign", built_s / ENTRIES * 1e6, "µs each"),
        ]
        return rows + await _attempts(storage, policy, campaign_id)


async def _on_postgres(server: PostgresServer) -> list[BenchRow]:
    async with Storage.open(server.url, bytes(32), SystemClock()) as storage:
        campaign_id, _built_s = await _campaign(storage)
        rows = _claim_rows("PostgreSQL", [await _claim(storage, campaign_id, n) for n in range(CLAIMS)])
        served = [await _served(storage, campaign_id, n, server) for n in range(CLAIMS, 2 * CLAIMS)]
        return [*rows, BenchRow("the same, CPU of the server", statistics.median(served), "ms")]


def _claim_rows(engine: str, claims: list[tuple[float, float]]) -> list[BenchRow]:
    cpu_ms, wall_ms = (statistics.median(figures) for figures in zip(*claims, strict=True))
    return [
        BenchRow(f"next {BATCH} claimed of {ENTRIES:,} entries, {engine}, CPU", cpu_ms, "ms", 5.0),
        BenchRow("the same by the wall clock, durable", wall_ms, "ms"),
    ]


async def _campaign(storage: Storage) -> tuple[int, float]:
    list_id = await storage.lists.begin("bench", "bench", "bench", MONDAY)
    for first in range(0, ENTRIES, CHUNK):
        people = range(first, min(first + CHUNK, ENTRIES))
        await storage.lists.add(list_id, [_contact(n) for n in people])
    await storage.lists.finish(list_id)
    settings = CampaignSettings(priority=(PriorityTerm("days_overdue", 1.0),))
    campaign = await storage.campaigns.create("bench", [list_id], settings, MONDAY)
    started = time.perf_counter()
    await storage.entries.build(campaign.campaign_id, MONDAY)
    built_s = time.perf_counter() - started
    await storage.campaigns.set_state(campaign.campaign_id, CampaignState.DRAFT, CampaignState.RUNNING, "", MONDAY)
    return campaign.campaign_id, built_s


def _contact(n: int) -> NewContact:
    number = f"+8613{n:09d}"
    return NewContact(f"P{n}", f"C{n}", (NewPhone(number),), "王五", fields={"days_overdue": n * 7919 % 900})


async def _claim(storage: Storage, campaign_id: int, n: int) -> tuple[float, float]:
    """One claim's CPU and wall time in ms; what was claimed comes back then."""
    started, started_cpu = time.perf_counter(), time.process_time()
    claimed = await storage.entries.claim(campaign_id, "bench", BATCH, MONDAY + timedelta(seconds=n))
    used = (time.process_time() - started_cpu) * 1000, (time.perf_counter() - started) * 1000
    await _bring_back(storage, claimed, n)
    return used


async def _served(storage: Storage, campaign_id: int, n: int, server: PostgresServer) -> float:
    """The server's CPU time in ms for one claim."""
    started_cpu = server.cpu_s()
    claimed = await storage.entries.claim(campaign_id, "bench", BATCH, MONDAY + timedelta(seconds=n))
    used = (server.cpu_s() - started_cpu) * 1000
    await _bring_back(storage, claimed, n)
    return used


async def _bring_back(storage: Storage, claimed: tuple[Candidate, ...], n: int) -> None:
    """Half of them soon, half for later, as on a real day."""
    for position, candidate in enumerate(claimed):
        back_at = MONDAY + timedelta(seconds=n + 5, hours=2 * (position % 2))
        await storage.entries.put_back(candidate.entry_id, back_at, "no answer")


async def _attempts(storage: Storage, policy: Policy, campaign_id: int) -> list[BenchRow]:
    now = MONDAY + timedelta(minutes=5)
    candidates = await storage.entries.claim(campaign_id, "bench", 2 * ATTEMPTS, now)
    started_cpu = time.process_time()
    latencies_ms = [await _attempt(storage, policy, candidate, now) for candidate in candidates[:ATTEMPTS]]
    cpu_ms = (time.process_time() - started_cpu) * 1000 / ATTEMPTS
    slots = asyncio.Semaphore(PARALLEL)

    async def one(candidate: Candidate) -> None:
        async with slots:
            await _attempt(storage, policy, candidate, now)

    started, started_cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for candidate in candidates[ATTEMPTS:]:
            group.create_task(one(candidate))
    rate = ATTEMPTS / (time.perf_counter() - started)
    grouped_cpu_ms = (time.process_time() - started_cpu) * 1000 / ATTEMPTS
    note = f"gate, reservation, proof, marks, settlement, outbox; {PARALLEL} at a time share their commits"
    return [
        BenchRow("storage of an attempt, one after the other, CPU", cpu_ms, "ms", 4.0, note="whole attempt ≤ 4 ms"),
        BenchRow("reservation durable, one after the other", statistics.median(latencies_ms), "ms"),
        BenchRow(f"storage of an attempt, {PARALLEL} at a time, CPU", grouped_cpu_ms, "ms", 4.0, note=note),
        BenchRow(f"attempts a second, {PARALLEL} at a time", rate, "/s", note="wall clock; 200 are needed"),
    ]


async def _attempt(storage: Storage, policy: Policy, candidate: Candidate, now: datetime) -> float:
    """A whole attempt; returns how long the reservation took, in ms."""
    reservation = Reservation(
        campaign_id=candidate.campaign_id,
        contact_id=candidate.contact.contact_id,
        phone_id=candidate.phone.phone_id,
        path=candidate.path,
        node="bench",
        entry_id=candidate.entry_id,
        caller_id=CALLER_IDS[candidate.entry_id % len(CALLER_IDS)],
    )
    started = time.perf_counter()
    attempt = await storage.attempts.reserve(reservation, policy, now)
    elapsed_ms = (time.perf_counter() - started) * 1000
    if not isinstance(attempt, Attempt):
        raise RuntimeError(f"the gate refused: {attempt.reason}")
    await storage.attempts.mark(attempt.attempt_id, AttemptState.ALERTING, now)
    step = NextStep(candidate.phone.phone_id, now + timedelta(hours=2), exhausted=False, reason="no answer")
    settlement = Settlement(attempt.attempt_id, Disposition.NO_ANSWER, now, trunk="bench")
    await storage.attempts.settle(settlement, step, now)
    return elapsed_ms
