"""Calling floors to judge a pacer on: small and large, steady and not, each long enough for a few hundred answers.

Other distributions than those of `examples/scenarios`, so that a pace is not tuned to the days it is shown on.
"""

from dataclasses import replace
from datetime import datetime, time, timedelta

from dialer.simulator.scenario import (
    Break,
    CallList,
    Change,
    Duration,
    Part,
    Scenario,
    Segment,
    Shift,
    Trunk,
    Wander,
    Workforce,
)

NINE = datetime.fromisoformat("2026-11-23T09:00:00+08:00")
ENDLESS = CallList(contacts=1_000_000)
WIDE = Trunk(channels=2000, cps=50.0)


def floor(
    name: str,
    collectors: int,
    minutes: float,
    segment: Segment | None = None,
    *,
    changes: tuple[Change, ...] = (),
    wander: Wander | None = None,
    breaks: tuple[Break, ...] = (),
    trunk: Trunk = WIDE,
    call_list: CallList = ENDLESS,
) -> Scenario:
    """One floor from nine o'clock on."""
    ends = (NINE + timedelta(minutes=minutes)).time()
    return Scenario(
        name,
        NINE,
        ends,
        Workforce((Shift(collectors, time(9), ends),), breaks),
        (segment or Segment(),),
        changes,
        wander or Wander(),
        trunk=trunk,
        call_list=call_list,
    )


def _mixed(*parts: Part) -> Duration:
    return Duration(parts)


def _jump(first: int, second: int) -> tuple[Change, ...]:
    """30 % answer, then 12 %, then 45 %, at two minutes after nine."""
    at = (datetime.combine(NINE, time(9)) + timedelta(minutes=first)).time()
    again = (datetime.combine(NINE, time(9)) + timedelta(minutes=second)).time()
    return Change(at, answered=0.4), Change(again, answered=3.75)


SHORT_BREAKS = (Break(_mixed(Part(420.0, 0.4)), every_min=40),)
LUNCH = (Break(_mixed(Part(900.0, 0.1)), at=time(9, 25), spread_min=15),)

WORLDS: tuple[Scenario, ...] = (
    floor("8 collectors", 8, 100),
    floor("12, few answer", 12, 75, Segment(answered=0.15)),
    floor("20 collectors", 20, 50),
    floor("20, most answer", 20, 45, Segment(answered=0.55)),
    floor("20, short talks", 20, 30, Segment(talk=_mixed(Part(15.0, 0.6, 0.6), Part(70.0, 0.8, 0.4)))),
    floor("20, heavy tails", 20, 50, Segment(talk=_mixed(Part(20.0, 0.5, 0.5), Part(240.0, share=0.5, alpha=1.5)))),
    floor("25, breaks and lunch", 25, 60, breaks=SHORT_BREAKS + LUNCH),
    floor("25, ups and downs", 25, 45, wander=Wander(0.5, 15.0)),
    floor("30, many machines", 30, 45, Segment(answered=0.45, machine=0.6)),
    floor("50 collectors", 50, 35),
    floor("50, few answer", 50, 35, Segment(answered=0.12)),
    floor("50, answers jump", 50, 45, changes=_jump(15, 22)),
    floor("50, long rings", 50, 35, Segment(ring=_mixed(Part(16.0, 0.35)))),
    floor("50, trunk-bound", 50, 35, trunk=Trunk(60, 2.0)),
    floor("50, end of list", 50, 35, call_list=CallList(contacts=1_800)),
    floor("120 collectors", 120, 25),
)


def longer(world: Scenario, factor: float) -> Scenario:
    """The same floor over a longer day; what happens at a time of day stays where it is."""
    ends = (NINE + timedelta(seconds=world.length_s * factor)).time()
    shifts = tuple(replace(shift, ends=ends) for shift in world.workforce.shifts)
    contacts = round(world.call_list.contacts * factor)
    return replace(
        world,
        ends=ends,
        workforce=replace(world.workforce, shifts=shifts),
        call_list=replace(world.call_list, contacts=contacts),
    )
