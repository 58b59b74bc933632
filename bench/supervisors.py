"""A floor of three hundred collectors who all change twice a second, in front of a supervisor: what the page costs in
Debian's Chromium (the renderer's main thread) and the service beside it, of one core.

The collectors are accounts of a real node; their changes are published on its live board as a desk would. The service
costs its process's CPU time with a watcher less that without one.
"""

import asyncio
import itertools
import resource
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from playwright.async_api import CDPSession, Page

from bench.row import BenchRow
from dialer.model.account import NewAccount, Role
from dialer.model.agent import AgentState
from tests.support.browser import Seen, chromium, new_account, new_page
from tests.support.path_house import PathHouse, open_path_house

N_COLLECTORS = 300
UPDATES_PER_S = 2
RUN_S = 10.0
RUNS = 3
SETTLE_S = 3.0
MOST_BROWSER = 10.0
MOST_SERVICE = 3.0
STATES = (AgentState.READY, AgentState.TALKING, AgentState.WRAPUP)
NOTE = f"{N_COLLECTORS} collectors, each changed {UPDATES_PER_S} times a second"


def run() -> list[BenchRow]:
    """The rows of this module."""
    return asyncio.run(_run())


async def _run() -> list[BenchRow]:
    with tempfile.TemporaryDirectory(prefix="bench-floor-") as folder:
        async with open_path_house(Path(folder), ()) as house, chromium() as browser:
            await new_account(house, "sue", Role.SUPERVISOR)
            ids = [await _collector(house, number) for number in range(N_COLLECTORS)]
            alone = [await _service_share(house, ids) for _ in range(RUNS)]
            async with new_page(browser, house) as sue:
                await sue.log_in("sue")
                shares = [await _shares(house, sue, path, ids) for path in ("board", "collectors") for _ in range(RUNS)]
    board, grid = shares[:RUNS], shares[RUNS:]
    watched = statistics.median(service for _, service in shares) - statistics.median(alone)
    return [
        BenchRow("wallboard: browser", _median_browser(board), "% of a core", MOST_BROWSER, "", NOTE),
        BenchRow("collectors' grid: browser", _median_browser(grid), "% of a core", MOST_BROWSER, "", NOTE),
        BenchRow("a watcher of the floor: service", round(watched, 2), "% of a core", MOST_SERVICE, "", NOTE),
    ]


def _median_browser(shares: list[tuple[float, float]]) -> float:
    return round(statistics.median(browser for browser, _ in shares), 2)


async def _collector(house: PathHouse, number: int) -> int:
    account = NewAccount(f"c{number}", f"Collector {number}", Role.COLLECTOR, "no password")
    return (await house.app.storage.accounts.create(account, house.app.clock.utcnow())).account_id


async def _shares(house: PathHouse, sue: Seen, path: str, ids: list[int]) -> tuple[float, float]:
    """Of a core, in percent: the page's main thread, and the service with its watcher."""
    await sue.go(f"/supervisor/{path}")
    await sue.page.wait_for_selector("main h1")
    session = await _metrics_of(sue.page)
    await _change(house, ids, SETTLE_S)
    before, began = await _task_s(session), time.monotonic()
    service = await _service_share(house, ids)
    return 100 * (await _task_s(session) - before) / (time.monotonic() - began), service


async def _service_share(house: PathHouse, ids: list[int]) -> float:
    used_s, began = _cpu_s(), time.monotonic()
    await _change(house, ids, RUN_S)
    return 100 * (_cpu_s() - used_s) / (time.monotonic() - began)


async def _change(house: PathHouse, ids: list[int], seconds: float) -> None:
    """Everybody goes on to the next state, again and again."""
    for turn in itertools.count():
        began = time.monotonic()
        now = house.app.clock.utcnow()
        for place, agent_id in enumerate(ids):
            state = STATES[(turn + place) % len(STATES)]
            data = {"name": f"Collector {place}", "state": state.value, "since": now - timedelta(seconds=place)}
            house.app.board.publish(
                f"agent/{agent_id}", data | {"cause": "bench", "campaign_ids": [], "attempt_id": None}
            )
        if turn >= seconds * UPDATES_PER_S:
            return
        await asyncio.sleep(max(0.0, 1 / UPDATES_PER_S - (time.monotonic() - began)))


async def _metrics_of(page: Page) -> CDPSession:
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})  # its CPU, not how long it waited
    await session.send("Performance.enable")
    return session


async def _task_s(session: CDPSession) -> float:
    """Seconds of CPU the renderer's main thread has used since the page was opened."""
    found = await session.send("Performance.getMetrics")
    return float(next(one["value"] for one in found["metrics"] if one["name"] == "TaskDuration"))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
