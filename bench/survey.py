"""The launch check of a whole list: CPU time of an entry when all waiting ones are put to the gate, on SQLite."""

import asyncio
import os
import statistics
import tempfile
import time

from bench._dialed import MONDAY, call, house_policy, running_campaign
from bench.row import BenchRow
from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.storage import Storage

ENTRIES = int(os.environ.get("BENCH_SURVEYED", "100000"))
RUNS = 3
DIALED = 500
MILLION = 1_000_000


def run() -> list[BenchRow]:
    """The rows of this module."""
    with tempfile.TemporaryDirectory(prefix="bench-survey-") as directory:
        return asyncio.run(_rows(f"sqlite:///{directory}/dialer.db", house_policy()))


async def _rows(url: str, policy: Policy) -> list[BenchRow]:
    async with Storage.open(url, bytes(32), SystemClock()) as storage:
        campaign_id = await running_campaign(storage, ENTRIES)
        for candidate in await storage.entries.claim(campaign_id, "bench", DIALED, MONDAY):
            await call(storage, policy, candidate, MONDAY)
            await storage.entries.put_back(candidate.entry_id, MONDAY, "no answer")
        each_us = statistics.median([await _surveyed(storage, policy, campaign_id) for _ in range(RUNS)])
    takes = f"{MILLION:,} take {each_us * MILLION / 1e6:.0f} s; {DIALED} of {ENTRIES:,} had been dialed"
    return [BenchRow("launch check, an entry", each_us, "µs", note=takes)]


async def _surveyed(storage: Storage, policy: Policy, campaign_id: int) -> float:
    """CPU time (µs) of an entry."""
    started = time.process_time()
    found = await storage.survey.campaign(campaign_id, policy, MONDAY, examples=5)
    spent_s = time.process_time() - started
    if found.surveyed != ENTRIES:
        raise RuntimeError(f"{found.surveyed} of {ENTRIES} entries were surveyed")
    return spent_s / ENTRIES * 1e6
