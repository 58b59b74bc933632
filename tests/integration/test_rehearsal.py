"""Days lived through the production code on virtual time: what the record says, and what the people lived through.

Small floors and short days; what each is about stands in its scenario.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from dialer.calls.attempt import PULL_BACK_LIMIT_S
from dialer.campaigns.loop.running import pacer_config
from dialer.campaigns.pacing import Pacer, PacingDecision, PacingSnapshot
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.simulator.people import Behaviour
from dialer.simulator.rehearsal import live, rehearse
from dialer.simulator.rehearsal_carrier import LIKELY_OVER_S, Lived
from dialer.simulator.rehearsal_node import TICK_S
from dialer.simulator.scenario import (
    Break,
    CallList,
    Detection,
    Duration,
    Pace,
    Part,
    Scenario,
    Segment,
    Shift,
    Trunk,
    Workforce,
)

pytestmark = pytest.mark.allow_blocking  # a rehearsal has its loop for itself

ABANDON_WAIT_S = 2.0
RING_TIMEOUT_S = 20.0
SOON_S = 0.1
"""More than the network of a rehearsal needs."""
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""A workday inside the calling window of the shipped pack."""
SHORT_TALKS = Duration((Part(40.0, 0.6),))
WRAP_UP = Duration((Part(8.0, 0.4),))


def day_of(
    minutes: float,
    *,
    begins: datetime = MORNING,
    collectors: int = 5,
    mode: CampaignMode = CampaignMode.PREDICTIVE,
    amd: AmdMode = AmdMode.BEFORE_CONNECT,
    segment: Segment | None = None,
    call_list: CallList | None = None,
    breaks: tuple[Break, ...] = (),
    ratio: float = 1.5,
) -> Scenario:
    """A short day with half of the calls answered, unless said otherwise."""
    ends = (begins + timedelta(minutes=minutes)).time()
    return Scenario(
        "a short day",
        begins,
        ends,
        Workforce((Shift(collectors, begins.time(), ends),), breaks, WRAP_UP),
        (segment or Segment(answered=0.5, talk=SHORT_TALKS),),
        detection=Detection(mode=amd),
        call_list=call_list or CallList(contacts=300),
        pace=Pace(mode, ratio=ratio, ring_timeout_s=RING_TIMEOUT_S),
        trunk=Trunk(channels=40, cps=5.0),
    )


def not_in_time(lived: list[Lived], amd: AmdMode) -> int:
    """Who came up, was taken for a person, and was not with a collector within the permitted wait: by the people."""
    return sum(_was_abandoned(call, amd) for call in lived)


def _was_abandoned(call: Lived, amd: AmdMode) -> bool:
    fate = call.fate
    if call.answered_s is None or (amd is not AmdMode.OFF and fate.heard_as is not Behaviour.HUMAN):
        return False
    up_s = call.answered_s + (0.0 if amd is AmdMode.OFF else fate.greeting_s)
    asked_s = {
        AmdMode.OFF: up_s,
        AmdMode.PARALLEL: min(call.answered_s + fate.decided_s, up_s + LIKELY_OVER_S),
        AmdMode.BEFORE_CONNECT: call.answered_s + fate.decided_s,
    }[amd]
    is_there = call.ended_s >= asked_s  # else gone before anybody could be asked for
    return is_there and (call.connected_s is None or call.connected_s > up_s + ABANDON_WAIT_S + SOON_S)


def test_a_day_is_the_same_again_and_holds_together() -> None:
    """Breaks, retries and all: one seed, one day; and its figures agree with each other."""
    breaks = (Break(Duration((Part(90.0, 0.2),)), every_min=5.0),)
    scenario = day_of(15, breaks=breaks, call_list=CallList(contacts=80, numbers=1.4, tries=3, pause_min=2.0))
    day, again, other = rehearse(scenario, 7), rehearse(scenario, 7), rehearse(scenario, 8)
    assert replace(day, cpu_s=0.0) == replace(again, cpu_s=0.0)
    assert (day.placed, day.talk_s) != (other.placed, other.talk_s)
    assert day.talk_s + day.wrap_s < day.staffed_s < 5 * day.length_s
    assert sum(hour.staffed_s for hour in day.hours) == pytest.approx(day.staffed_s)
    assert sum(hour.live for hour in day.hours) == day.live > 20
    assert len(day.moments) == 15
    assert any(moment.paused for moment in day.moments)
    assert day.contacts_reached <= day.contacts_tried <= day.contacts
    assert day.contacts_tried < day.placed


@pytest.mark.parametrize("amd", AmdMode)
def test_who_was_abandoned_is_counted_as_the_people_lived_it(amd: AmdMode) -> None:
    """A pace that asks for trouble: the record and the people agree on everybody who waited too long."""
    day, lived = live(day_of(15, mode=CampaignMode.POWER, ratio=3.0, amd=amd), 3)
    assert day.abandoned == not_in_time(lived, amd) > 0
    assert all(wait_s <= ABANDON_WAIT_S + SOON_S for wait_s in day.person_waits_s)
    assert day.machines_connected > 0  # nobody is perfect, least of all without detection


def test_parallel_detection_takes_machines_back() -> None:
    """Machines reach collectors for a moment only, people sooner than with detection before the connection."""
    segment = Segment(answered=0.6, machine=0.5, talk=SHORT_TALKS)
    before = rehearse(day_of(8, mode=CampaignMode.PROGRESSIVE, segment=segment), 5)
    parallel, lived = live(day_of(8, mode=CampaignMode.PROGRESSIVE, segment=segment, amd=AmdMode.PARALLEL), 5)
    recognised = [call for call in lived if call.fate.behaviour is call.fate.heard_as is Behaviour.MACHINE]
    met = [call.ended_s - call.connected_s for call in recognised if call.connected_s is not None]
    assert parallel.machines_connected > before.machines_connected
    assert median(met) < PULL_BACK_LIMIT_S
    assert median(parallel.person_waits_s) < median(before.person_waits_s)


def test_nothing_leaves_that_would_ring_after_the_window() -> None:
    """The pack's window closes at 18:00; the day goes on to 18:04."""
    begins = MORNING.replace(hour=17, minute=54)
    day, lived = live(day_of(10, begins=begins, mode=CampaignMode.PROGRESSIVE), 1)
    last_s = max(call.placed_s for call in lived)
    assert 4 * 60 < last_s <= 6 * 60 - RING_TIMEOUT_S
    assert day.refused["cn.window"] > 0
    assert day.finished_s is None


def test_caps_hold_however_eager_the_retries() -> None:
    """Nobody answers, and the campaign would try each number nine times: the pack lets six leave."""
    segment = Segment(answered=0.0, busy=0.5, powered_off=0.0, bad_number=0.0)
    eager = CallList(contacts=4, tries=9, pause_min=1.0)
    day, lived = live(day_of(68, collectors=2, mode=CampaignMode.PROGRESSIVE, segment=segment, call_list=eager), 1)
    assert set(Counter(call.person for call in lived).values()) == {6}
    assert day.refused["cn.unreached"] > 0


def test_a_list_that_ends_is_finished() -> None:
    """Everybody is tried once; then there is nothing left to dial, and the day says when."""
    day = rehearse(day_of(20, mode=CampaignMode.PREVIEW, call_list=CallList(contacts=25, tries=1)), 2)
    assert day.contacts_tried == 25
    assert day.finished_s is not None
    assert 60 < day.finished_s < day.length_s


def test_reminders_need_nobody() -> None:
    """No collector is at work; the people hear the reminder to its end."""
    scenario = day_of(10, mode=CampaignMode.REMINDER, call_list=CallList(contacts=40, tries=1))
    day = rehearse(replace(scenario, workforce=Workforce(())), 4)
    assert day.staffed_s == day.connected == day.abandoned == 0
    assert day.contacts_reached == day.live > 8


def test_another_pacer_drives_the_same_loop() -> None:
    """One that never dials, though the floor is idle."""
    seen: list[PacingSnapshot] = []

    class Idle(Pacer):
        def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
            seen.append(snapshot)
            return PacingDecision(0, (), "on strike")

    def idle(settings: CampaignSettings) -> Pacer:
        return Idle(pacer_config(settings))

    day = rehearse(day_of(2), 1, idle)
    assert day.placed == 0
    assert len(seen) == 120 / TICK_S + 1
    assert day.moments[-1].reason.startswith("on strike")
