"""CPU time of the media engine per call-second: one second of one two-leg G.711 call with 20 ms packets.

Only this process is counted (`getrusage`), so the traffic comes from another one. Four kinds of call: bridged; bridged
and recorded on the trunk leg; bridged and the trunk leg tapped in 20 ms blocks into Python; bridged and monitored from
a third leg, which is part of the cost.
"""

import asyncio
import json
import resource
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.row import BenchRow
from dialer.config import MediaConfig
from dialer.media.engine import MediaEngine
from dialer.media.interface import Codec, Leg, LegEvent, ListenMode, MediaPort

CALLS = 60
DURATION_S = 5.0
RUNS = 3
WORKERS = 1
PORTS = (21000, 24999)
START_TIMEOUT_S = 20.0
END_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of call."""

    name: str
    budget_ms: float | None
    anchor: str
    record: bool = False
    tap: bool = False
    listen: bool = False

    @property
    def legs(self) -> int:
        """How many legs a call has."""
        return 3 if self.listen else 2


LOADS = (
    Load("media: bridged call", 1.1, "Asterisk 22 3.5 ms; uvloop raw sockets 1.43; bare C relay 0.87"),
    Load("media: bridged and recorded call", 1.5, "Asterisk 22 + MixMonitor 6.5 ms", record=True),
    Load("media: bridged and tapped call", None, "", tap=True),
    Load("media: bridged and monitored call", None, "", listen=True),
)


@dataclass(frozen=True, slots=True)
class Result:
    """One run: CPU ms per call-second, and what the far ends saw."""

    cpu_ms: float
    lost: int
    late: int
    delay_median_ms: float
    delay_p99_ms: float


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _ignore(_: LegEvent) -> None:
    """The tap's blocks arrive here, as cheaply as a sink can be."""


def _open_calls(media: MediaPort, load: Load, ports: list[int]) -> list[Leg]:
    legs = []
    for port in ports:
        leg = media.open_leg(sink=_ignore)
        leg.set_remote("127.0.0.1", port, codec=Codec.PCMA, dtmf_payload_type=101)
        legs.append(leg)
    calls = len(legs) // load.legs
    for index, (trunk, agent) in enumerate(zip(legs[:calls], legs[calls : 2 * calls], strict=True)):
        media.bridge(trunk, agent)
        if load.record:
            trunk.start_recording(f"bench-{index}")
        if load.tap:
            trunk.start_tap()
        if load.listen:
            media.listen_in(legs[2 * calls + index], agent, ListenMode.MONITOR)
    return legs


async def _measure(load: Load, calls: int, duration_s: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="bench-media-") as directory:
        config = MediaConfig(port_min=PORTS[0], port_max=PORTS[1], workers=WORKERS)
        async with MediaEngine(config, Path(directory)) as media:
            return await _drive(media, load, calls, duration_s)


async def _drive(media: MediaPort, load: Load, calls: int, duration_s: float) -> Result:
    traffic = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench._media_traffic",
        str(duration_s),
        str(load.legs * calls),
        str(2 * calls),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert traffic.stdin is not None
    assert traffic.stdout is not None
    async with asyncio.timeout(START_TIMEOUT_S):
        ports = json.loads(await traffic.stdout.readline())
    legs = _open_calls(media, load, ports)
    traffic.stdin.write(json.dumps([leg.local_port for leg in legs]).encode() + b"\n")
    before = _cpu_s()
    async with asyncio.timeout(duration_s + END_TIMEOUT_S):
        seen = json.loads(await traffic.stdout.readline())
        await traffic.wait()
    cpu_ms = (_cpu_s() - before) * 1000
    for leg in legs:
        leg.close()
    return Result(
        cpu_ms=cpu_ms / (calls * seen["duration_s"]),
        lost=seen["sent"] - seen["received"],
        late=seen["late"],
        delay_median_ms=seen["delay_median_ms"],
        delay_p99_ms=seen["delay_p99_ms"],
    )


def _row(load: Load, results: list[Result], calls: int) -> BenchRow:
    middle = statistics.median(result.cpu_ms for result in results)
    delay = statistics.median(result.delay_median_ms for result in results)
    p99 = max(result.delay_p99_ms for result in results)
    lost, late = sum(result.lost for result in results), sum(result.late for result in results)
    note = (
        f"{calls} calls, {WORKERS} worker; lost {lost}, late (> 20 ms) {late} of {len(results)} runs; "
        f"delay median {delay:.1f}, p99 {p99:.1f} ms"
    )
    return BenchRow(load.name, round(middle, 3), "ms CPU per call-second", load.budget_ms, load.anchor, note)


def run() -> list[BenchRow]:
    """Measures all loads; takes about a minute."""
    rows = []
    for load in LOADS:
        results = [asyncio.run(_measure(load, CALLS, DURATION_S)) for _ in range(RUNS)]
        rows.append(_row(load, results, CALLS))
    return rows
