"""Whole attempts through the node: gate, reservation, SIP, outcome, outbox; and the time from a verdict to the bridge.

The carrier runs in a process of its own; the CPU time is that of the node's process, its engine and database threads
included.
"""

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import uvloop

from bench.row import BenchRow
from dialer.agents.state import AgentEvent
from dialer.app import Application
from dialer.calls.floor import CallFloor
from dialer.calls.order import CallOrder
from dialer.calls.prompts import CallPrompts, render_prompts
from dialer.config import CallerIdConfig, Config, HttpConfig, MediaConfig, NodeConfig, SipConfig, TrunkConfig
from dialer.media.engine import MediaEngine
from dialer.media.interface import BrowserLeg, Leg, ListenMode, Sink
from dialer.model.agent import Agent
from dialer.model.attempt import Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import AmdMode, Campaign, CampaignSettings
from dialer.model.entry import Candidate
from dialer.sip.calls import SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, CallEvent, InviteRequest

CALLER_IDS = tuple(f"+86400123456{n}" for n in range(10))
"""As many as the pack's daily cap for each of them asks for."""
N_ATTEMPTS = 400
N_BRIDGES = 100
RUNS = 3
PARALLEL = 20
MONDAY = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
BRIDGE_LIMIT_S = 10.0
ATTEMPT_BUDGET_MS = 4.0
BRIDGE_BUDGET_MS = 20.0


@dataclass
class Stopwatch:
    """When an answer was heard, and how long after it the legs were bridged."""

    answered_at: float = 0.0
    spans_ms: list[float] = field(default_factory=list)


@dataclass
class TimedSip:
    """The endpoint, watched."""

    endpoint: SipEndpoint
    watch: Stopwatch

    def invite(self, request: InviteRequest, sink: Callable[[CallEvent], None]) -> SipCall:
        def hear(event: CallEvent) -> None:
            if isinstance(event, Answered):
                self.watch.answered_at = time.perf_counter()
            sink(event)

        return self.endpoint.invite(request, hear)


@dataclass
class TimedMedia:
    """The engine, watched."""

    engine: MediaEngine
    watch: Stopwatch

    def open_leg(self, *, sink: Sink) -> Leg:
        return self.engine.open_leg(sink=sink)

    def open_browser_leg(self, *, sink: Sink) -> BrowserLeg:
        return self.engine.open_browser_leg(sink=sink)

    def bridge(self, a: Leg, b: Leg) -> None:
        self.engine.bridge(a, b)
        self.watch.spans_ms.append((time.perf_counter() - self.watch.answered_at) * 1000)

    def unbridge(self, leg: Leg) -> None:
        self.engine.unbridge(leg)

    def listen_in(self, listener: Leg, agent: Leg, mode: ListenMode) -> None:
        self.engine.listen_in(listener, agent, mode)

    def stop_listening(self, listener: Leg) -> None:
        self.engine.stop_listening(listener)

    def dropped_audio_blocks(self) -> int:
        return self.engine.dropped_audio_blocks()


@dataclass
class OpenLine:
    """A collector's leg that is simply there."""

    leg: Leg

    def close(self, reason: str) -> None:
        self.leg.close()


def run() -> list[BenchRow]:
    """The rows of the table."""
    carrier = subprocess.Popen(
        [sys.executable, "-m", "bench._carrier"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert carrier.stdout is not None
        port = int(carrier.stdout.readline())
        with tempfile.TemporaryDirectory() as directory:
            attempt_ms, spans_ms = uvloop.run(_measure(Path(directory), port))
    finally:
        carrier.communicate(timeout=10)
    ordered = sorted(spans_ms)
    p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return [
        BenchRow(
            "whole attempt, busy",
            round(statistics.median(attempt_ms), 2),
            "ms CPU",
            ATTEMPT_BUDGET_MS,
            note=f"claim, gate, reservation, SIP, settlement, event; {N_ATTEMPTS} attempts, SQLite",
        ),
        BenchRow(
            "answer or verdict to bridge, p99",
            round(p99, 2),
            "ms",
            BRIDGE_BUDGET_MS,
            "Asterisk 22: 19 ms median",
            f"median {statistics.median(spans_ms):.2f} ms; the engine acts up to 5 ms later",
        ),
    ]


async def _measure(directory: Path, carrier_port: int) -> tuple[list[float], list[float]]:
    config = Config(
        node=NodeConfig(data_dir=directory, rehearsal_starts_at=MONDAY),
        sip=SipConfig(host="127.0.0.1", port=0, transports=("udp",)),
        media=MediaConfig(port_min=38000, port_max=39000, workers=1, spool_min_free_mb=1),
        http=HttpConfig(port=0),
        caller_ids=tuple(CallerIdConfig(number=number) for number in CALLER_IDS),
        trunks=(TrunkConfig(name="bench", host="127.0.0.1", port=carrier_port, channels=200, cps=10_000.0),),
    )
    async with Application(config) as app:
        busy = [await _busy_round(app, number) for number in range(RUNS)]
        return busy, await _bridges(app)


async def _busy_round(app: Application, number: int) -> float:
    numbers = [f"+86138{number:02d}{index:05d}1" for index in range(N_ATTEMPTS)]
    campaign, prompts = await _campaign(app, numbers)
    gc.collect()
    before = time.process_time()
    left = N_ATTEMPTS
    while left:
        claimed = await _claim(app, campaign, PARALLEL)
        for candidate in claimed:
            app.floor.place(CallOrder.of_candidate(campaign, candidate), prompts, _ignore)
        await app.floor.wait_idle(30.0)
        left -= len(claimed)
    spent_ms = (time.process_time() - before) * 1000 / N_ATTEMPTS
    counted = await app.storage.statistics.campaign(campaign.campaign_id, app.clock.utcnow())
    if counted.dispositions.get(Disposition.BUSY) != N_ATTEMPTS:
        raise RuntimeError(
            f"not every attempt was busy: {dict(counted.dispositions)}, refused: {dict(counted.refusals)}"
        )
    return spent_ms


async def _claim(app: Application, campaign: Campaign, limit: int) -> tuple[Candidate, ...]:
    """Nobody is logged in yet, so that the campaign's own loop places no call. RuntimeError: nothing can be claimed."""
    claimed = await app.storage.entries.claim(campaign.campaign_id, "node1", limit, app.clock.utcnow())
    if not claimed:
        raise RuntimeError("the benchmark's campaign gives no entries")
    return claimed


async def _bridges(app: Application) -> list[float]:
    campaign, prompts = await _campaign(app, [f"+86139{index:07d}0" for index in range(N_BRIDGES)])
    claimed = await _claim(app, campaign, N_BRIDGES)
    await app.campaigns.pause(campaign.campaign_id, "bench")
    watch = Stopwatch()
    services = replace(app.floor.services, sip=TimedSip(app.sip, watch), media=TimedMedia(app.media, watch))
    line = OpenLine(app.media.open_leg(sink=_ignore))
    session = app.sessions.open(Agent(1, "bench", "bench"), line, [campaign.campaign_id], "bench")
    async with CallFloor(services) as floor:
        for candidate in claimed:
            await app.desk.ready(session.agent_id)
            runner = floor.place(CallOrder.of_candidate(campaign, candidate), prompts, _ignore)
            bridged = len(watch.spans_ms)
            async with asyncio.timeout(BRIDGE_LIMIT_S):
                while len(watch.spans_ms) == bridged:  # noqa: ASYNC110 - the bench only looks
                    await asyncio.sleep(0.005)
            runner.collector_hung_up()
            await floor.wait_idle(10.0)
            app.sessions.apply(session, AgentEvent.WRAPPED, "bench")
    app.sessions.lose(session.agent_id, "bench over")
    return watch.spans_ms


async def _campaign(app: Application, numbers: list[str]) -> tuple[Campaign, CallPrompts]:
    now = app.clock.utcnow()
    settings = CampaignSettings(amd=AmdMode.OFF, caller_ids=CALLER_IDS)
    list_id = await app.storage.lists.begin("bench", "bench", "node1", now)
    contacts = [NewContact(f"p{number}", f"c{number}", (NewPhone(number),)) for number in numbers]
    await app.storage.lists.add(list_id, contacts)
    await app.storage.lists.finish(list_id)
    campaign = await app.storage.campaigns.create("bench", [list_id], settings, now)
    check = await app.campaigns.check(campaign.campaign_id)
    if check.problems:
        raise RuntimeError("; ".join(check.problems))
    await app.campaigns.start(campaign.campaign_id, "bench")
    return campaign, await render_prompts(app.floor.services.prompts, settings)


def _ignore(_: object) -> None:
    """The bench looks elsewhere."""
