"""CPU time of a tick of a campaign's loop on a busy floor, the pacing's decision told apart.

A rehearsal lives some minutes on virtual time; what is measured are the steps of the tick itself, without what other
tasks do while it waits. Its database is in memory and works in the loop's own thread, so its work is included.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.row import BenchRow
from dialer.campaigns.loop.running import RunningCampaign, pacer_config
from dialer.campaigns.pacing import PacingDecision, PacingSnapshot
from dialer.campaigns.pacing.pacer import Pacer
from dialer.model.campaign import CampaignSettings
from dialer.simulator.rehearsal import rehearse
from dialer.simulator.scenario import CallList, Scenario, Shift, Trunk, Workforce

FLOORS = (20, 100, 300)
RUNS = 3
BEGINS = datetime.fromisoformat("2026-11-23T09:00:00+08:00")
WARM = timedelta(minutes=4)
LENGTH = timedelta(minutes=6)
TICKS_A_SECOND = 2


def run() -> list[BenchRow]:
    """The rows of this module."""
    return [_row(collectors) for collectors in FLOORS]


@dataclass
class _Meter:
    """What ticks and decisions took on the busy floor. `began` counts every tick from the first."""

    began: int = 0
    ticks: int = 0
    tick_s: float = 0.0
    decide_s: float = 0.0

    @property
    def is_warm(self) -> bool:
        return self.began > WARM.total_seconds() * TICKS_A_SECOND


class _Timed(Awaitable[None]):
    """A coroutine whose own steps are timed; what runs while it waits is not."""

    def __init__(self, work: Awaitable[None], meter: _Meter) -> None:
        self._work = work
        self._meter = meter

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._work.__await__()
        answer: Any = None
        while True:
            started = time.process_time()
            try:
                waits_for = steps.send(answer)
            except StopIteration:
                return
            finally:
                self._meter.tick_s += (time.process_time() - started) if self._meter.is_warm else 0.0
            answer = yield waits_for


class _TimedPacer(Pacer):
    """Adds up what its decisions cost."""

    meter: _Meter

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        started = time.process_time()
        decision = super().decide(snapshot)
        self.meter.decide_s += (time.process_time() - started) if self.meter.is_warm else 0.0
        return decision


def _row(collectors: int) -> BenchRow:
    meters = [_measured(collectors, seed) for seed in range(RUNS)]
    tick_ms = statistics.median(meter.tick_s / meter.ticks * 1000 for meter in meters)
    decide_ms = statistics.median(meter.decide_s / meter.ticks * 1000 for meter in meters)
    note = f"{decide_ms:.2f} ms of it the decision; two ticks a second, predictive; database in memory"
    return BenchRow(f"tick of a campaign, {collectors} collectors", tick_ms, "ms", note=note)


def _measured(collectors: int, seed: int) -> _Meter:
    meter = _Meter()
    tick = RunningCampaign.tick

    async def timed(running: RunningCampaign) -> None:
        meter.began += 1
        meter.ticks += meter.is_warm
        await _Timed(tick(running), meter)

    def pacer_of(settings: CampaignSettings) -> Pacer:
        pacer = _TimedPacer(pacer_config(settings))
        pacer.meter = meter
        return pacer

    _swap(timed)
    try:
        rehearse(_floor(collectors), seed, pacer_of)
    finally:
        _swap(tick)
    return meter


def _swap(tick: Callable[[RunningCampaign], Awaitable[None]]) -> None:
    setattr(RunningCampaign, "tick", tick)  # noqa: B010 - a method is not assigned to otherwise


def _floor(collectors: int) -> Scenario:
    ends = (BEGINS + LENGTH).time()
    return Scenario(
        name="bench",
        begins=BEGINS,
        ends=ends,
        workforce=Workforce((Shift(collectors, BEGINS.time(), ends),)),
        trunk=Trunk(channels=5 * collectors, cps=50.0),
        call_list=CallList(contacts=40 * collectors),
    )
