"""Checking proofs: CPU time of a link of an export in a file, with its decision put to the gate again and without.

`BENCH_LINKS` sets how many links there are (2.5 kB each, which is also the memory they take).
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path

import msgspec

from bench._dialed import MONDAY, call, house_policy, running_campaign
from bench.row import BenchRow
from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.compliance.proof import GENESIS, Link, make_link
from dialer.compliance.proof_chain import verify_chain
from dialer.compliance.proof_export import (
    FORMAT,
    EndLine,
    ExportCheck,
    ExportLine,
    HeadLine,
    PackLine,
    encode_line,
    encode_link,
)
from dialer.storage import Storage
from dialer.storage.proof_reading import StoredLink

LINKS = int(os.environ.get("BENCH_LINKS", "10000"))
RUNS = 3
CALLS = 5
_PLACE = ("v", "chain", "sequence", "previous", "kind")


def run() -> list[BenchRow]:
    """The rows of this module."""
    policy = house_policy()
    links = _chained(asyncio.run(_recorded(policy)))
    pairs = [(link.hash.hex(), link.body) for link in links]
    size = sum(len(link.body) for link in links) / LINKS
    with tempfile.TemporaryDirectory(prefix="bench-proofs-") as directory:
        export = Path(directory) / "proofs.jsonl"
        with export.open("wb") as stream:
            stream.writelines(_export(policy, links))
        replayed_us = _per_link_us(lambda: _check(export))
    note = f"every other one of {LINKS:,} links is a decision; {size:,.0f} bytes a link"
    return [
        BenchRow("proofs put to the gate again, a link", replayed_us, "µs", note=note),
        BenchRow("chain of proofs alone, a link", _per_link_us(lambda: _check_chain(pairs)), "µs"),
    ]


async def _recorded(policy: Policy) -> tuple[StoredLink, ...]:
    """What some calls of one number left, each with more attempts behind it than the one before."""
    with tempfile.TemporaryDirectory(prefix="bench-proofs-") as directory:
        async with Storage.open(f"sqlite:///{directory}/dialer.db", bytes(32), SystemClock()) as storage:
            campaign_id = await running_campaign(storage, 1)
            (candidate,) = await storage.entries.claim(campaign_id, "bench", 1, MONDAY)
            found: list[StoredLink] = []
            for n in range(CALLS):
                attempt = await call(storage, policy, candidate, MONDAY + n * timedelta(hours=1))
                found += await storage.proof_reading.of_attempt(attempt.attempt_id)
            return tuple(found)


def _chained(recorded: Sequence[StoredLink]) -> list[Link]:
    """A long chain of them, over and over."""
    said = [(link.kind, msgspec.json.decode(link.body)) for link in recorded]
    links: list[Link] = []
    for kind, body in islice(cycle(said), LINKS):
        facts = {name: value for name, value in body.items() if name not in _PLACE}
        links.append(make_link("bench", len(links) + 1, links[-1].hash if links else GENESIS, kind, facts))
    return links


def _export(policy: Policy, links: Sequence[Link]) -> Iterator[bytes]:
    yield encode_line(ExportLine(FORMAT, MONDAY))
    for pack in policy.used_packs:
        yield encode_line(PackLine(pack.sha256, pack.name, pack.content))
    for link in links:
        yield encode_link(link.hash, link.body)
    yield encode_line(HeadLine("bench", LINKS, links[-1].hash.hex()))
    yield encode_line(EndLine(LINKS))


def _check(export: Path) -> None:
    check = ExportCheck()
    with export.open("rb") as lines:
        for line in lines:
            check.add(line)
    report = check.finish()
    if not (report.well and report.complete and report.decisions == LINKS // 2):
        raise RuntimeError(f"not the check to be measured: {report.report.faults[:1]}")


def _check_chain(pairs: Sequence[tuple[str, bytes]]) -> None:
    if not verify_chain(pairs).well:
        raise RuntimeError("the chain is broken")


def _per_link_us(check: Callable[[], None]) -> float:
    """Median of the runs."""
    figures = []
    for _ in range(RUNS):
        started = time.process_time()
        check()
        figures.append((time.process_time() - started) / LINKS * 1e6)
    return statistics.median(figures)
