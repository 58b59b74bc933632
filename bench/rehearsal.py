"""The rehearsal: what an hour of a floor of fifty collectors costs, lived through the production code."""

import statistics
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bench.row import BenchRow
from dialer.simulator.day import Day
from dialer.simulator.rehearsal import rehearse
from dialer.simulator.scenario import CallList, Scenario, Shift, Workforce

COLLECTORS = 50
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
ENDS = time(11, 0)
SEEDS = (1, 2, 3)
TIMES_REAL_TIME = 300
HOUR_S = 3600.0


def run() -> list[BenchRow]:
    """Lives an hour of predictive dialing with 30 % of the calls answered, once for each seed."""
    days = [_day(seed) for seed in SEEDS]
    cpu_s = statistics.median(day.cpu_s for day in days)
    calls_ms = statistics.median(day.cpu_s / day.placed * 1000 for day in days)
    note = f"{HOUR_S / cpu_s:.0f} × real time; {days[0].placed} calls through loop, gate, calls and storage"
    name = f"an hour of {COLLECTORS} collectors rehearsed, CPU"
    return [
        BenchRow(name, cpu_s, "s", HOUR_S / TIMES_REAL_TIME, note=note),
        BenchRow("the same for each call", calls_ms, "ms"),
    ]


def _day(seed: int) -> Day:
    workforce = Workforce((Shift(COLLECTORS, MORNING.time(), ENDS),))
    return rehearse(Scenario("bench", MORNING, ENDS, workforce, call_list=CallList(contacts=10_000)), seed)
