"""The day a rehearsal lives: whose people, whose list and pace, and its course by quarters of an hour."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bench._day import FloorDay
from dialer.api.history_lines import write_history
from dialer.campaigns.pacing import Pacer, PacerConfig
from dialer.cli.what_if_child import MOST_CALLED, quarters_of, scenario_of
from dialer.errors import DialerError
from dialer.model.campaign import CampaignMode
from dialer.simulator.day import Day, LiveCall, Moment
from dialer.simulator.fates import Fates
from dialer.simulator.scenario import CallList, Pace, Scenario, Segment, Shift, Trunk, Workforce
from dialer.supervising.what_if_messages import DayRequest, Quarter
from tests.support.histories import Recorder, outline_of, with_fates

ZONE = ZoneInfo("Asia/Shanghai")
BEGINS = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
KNOWN = Scenario(
    name="known",
    begins=BEGINS,
    ends=time(11),
    workforce=Workforce((Shift(12, time(9), time(11)),)),
    segments=(Segment(answered=0.60, machine=0.10),),
)
OTHER = Scenario(
    name="other",
    begins=BEGINS,
    ends=time(17),
    workforce=Workforce((Shift(1, time(9), time(17)),)),
    trunk=Trunk(44, 3.0),
    call_list=CallList(contacts=500_000),
    pace=Pace(abandon_target=0.01),
)


def asked(**more: object) -> DayRequest:
    plain: dict[str, object] = {
        "own": outline_of(OTHER),
        "source": "",
        "begins": BEGINS + timedelta(days=1),
        "hours": 2.0,
        "collectors": 5,
        "modes": ("predictive",),
    }
    return DayRequest(**plain | more)  # type: ignore[arg-type]


def test_people_are_those_of_a_history_list_and_pace_ones_own() -> None:
    recorder = Recorder(Pacer(PacerConfig(mode="progressive")))
    FloorDay(KNOWN, recorder, 7, tick_s=4.0).live()
    history = with_fates(recorder.history(outline_of(KNOWN, tick_s=4.0)), Fates(KNOWN, 7))
    lines = write_history(history).splitlines(keepends=True)
    found, is_fitted = scenario_of(asked(source="known", pace={"lines_per_agent": 2.0}), lines)
    assert is_fitted
    (segment,) = found.scenario.segments
    assert segment.answered == pytest.approx(0.60, abs=0.06)
    assert found.scenario.workforce.shifts == (Shift(5, time(9), time(11)),)
    assert found.scenario.trunk == Trunk(44, 3.0)
    assert (found.scenario.pace.abandon_target, found.scenario.pace.lines_per_agent) == (0.01, 2.0)
    assert found.scenario.call_list.contacts == 5 * 2 * MOST_CALLED, "nobody comes to the end of the list"
    assert found.comments["call_list.contacts"].startswith("500,000 waited")


def test_without_a_history_it_is_an_ordinary_day() -> None:
    found, is_fitted = scenario_of(asked(), [])
    assert not is_fitted
    assert found.scenario.segments == (Segment(),)
    assert (found.scenario.begins, found.scenario.ends) == (BEGINS + timedelta(days=1), time(11))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"own": outline_of(OTHER, waiting=0)}, "nobody on the list waits"),
        ({"hours": 15.5}, "before midnight"),
        ({"pace": {"ratio": 99.0}}, "such a day cannot be"),
    ],
)
def test_what_is_no_day_is_refused_in_words(more: dict[str, object], words: str) -> None:
    with pytest.raises(DialerError, match=words):
        scenario_of(asked(**more), [])


def test_quarters_tell_the_course() -> None:
    moments = tuple(Moment(60.0 * n, 1, 2, 1, 3, 0, 0, 0, 0) for n in range(1, 21))
    calls = (LiveCall(10.0, False, 0.2), LiveCall(899.0, True, None), LiveCall(900.0, False, 1.0))
    day = Day("d", CampaignMode.PREDICTIVE.value, 1, length_s=1200.0, moments=moments, course=calls)
    assert quarters_of(day) == (
        Quarter(0.0, 0.5, 0.25, 0.25, 2, 1, 0.2, 0.2),
        Quarter(900.0, 0.5, 0.25, 0.25, 1, 0, 1.0, 1.0),
    )
    assert quarters_of(replace(day, length_s=0.0)) == ()
