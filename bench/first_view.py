"""The first view of each area: what comes over the wire, and when a person can begin, in Debian's Chromium."""

import asyncio
import statistics
import tempfile
from pathlib import Path

from playwright.async_api import Browser, StorageState

from bench.row import BenchRow
from dialer.model.account import Role
from tests.support.browser import Seen, chromium, new_account, new_page
from tests.support.path_house import PathHouse, open_path_house

RUNS = 3
LARGEST_KB = 300
SLOWEST_S = 1.5
AREAS = {Role.COLLECTOR: "collector", Role.SUPERVISOR: "supervisor/board", Role.QA: "qa/recordings"}
GZIPPED, LOGGED_IN = "gzip, nothing cached", "wall clock, logged in"
_SIZE_JS = "performance.getEntries().reduce((sum, one) => sum + (one.transferSize ?? 0), 0)"


def run() -> list[BenchRow]:
    """The rows of this module."""
    return asyncio.run(_run())


async def _run() -> list[BenchRow]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        async with open_path_house(Path(folder), ()) as house, chromium() as browser:
            for role, path in AREAS.items():
                await new_account(house, role.value, role)
                async with new_page(browser, house) as first:
                    await first.log_in(role.value)
                    state = await first.context.storage_state()
                seen = [await _view(browser, house, path, state) for _ in range(RUNS)]
                size_kb = max(size for size, _ in seen)
                ready_s = statistics.median(ready for _, ready in seen)
                rows.append(BenchRow(f"first view, {path}: bytes", size_kb, "kB", LARGEST_KB, "", GZIPPED))
                rows.append(BenchRow(f"first view, {path}: usable", ready_s, "s", SLOWEST_S, "", LOGGED_IN))
    return rows


async def _view(browser: Browser, house: PathHouse, path: str, state: StorageState) -> tuple[float, float]:
    """Kilobytes transferred, and seconds from the address to the page's heading with its data asked for."""
    async with new_page(browser, house, storage_state=state) as seen:
        return await _measured(seen, path)


async def _measured(seen: Seen, path: str) -> tuple[float, float]:
    await seen.go(f"/{path}")
    await seen.page.wait_for_selector("main h1")
    ready_ms = await seen.page.evaluate("performance.now()")
    await seen.page.wait_for_load_state("networkidle")
    size = await seen.page.evaluate(_SIZE_JS)
    return size / 1000, ready_ms / 1000
