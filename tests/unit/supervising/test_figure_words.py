"""Figures: each ratio is what its definition says, hours follow the clock, promises are found in the form."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from dialer.campaigns.loop.occupancy import Occupancy
from dialer.campaigns.pacing import AgentState, AgentView
from dialer.model.caller_id_figures import CallerIdTally, CallerIdUse, Suspicion, suspicion_of
from dialer.model.campaign import CampaignSettings, DispositionCode, DispositionForm, FormField, FormFieldKind
from dialer.model.figures import Tally, total
from dialer.supervising.definitions import DEFINITIONS, Unit, figures_of
from dialer.supervising.figure_book import hour_bounds, promise_codes


def test_ratios_are_what_their_definitions_say() -> None:
    tally = Tally(dials=200, answered=50, live=20, abandoned=1, machines=25, connected=19, right_party=10, promises=4)
    figures = figures_of(tally)
    for definition in DEFINITIONS:
        if definition.numerator and definition.key in figures and definition.unit is Unit.SHARE:
            above, below = figures[definition.numerator], figures[definition.denominator]
            assert above is not None
            assert below is not None
            assert figures[definition.key] == pytest.approx(above / below)
    assert figures["promise_rate"] == 0.4
    assert figures_of(Tally())["promise_rate"] is None


def test_every_definition_names_others_that_there_are() -> None:
    keys = [definition.key for definition in DEFINITIONS]
    assert len(keys) == len(set(keys))
    for definition in DEFINITIONS:
        assert {definition.numerator, definition.denominator} <= {"", *keys}
        assert definition.name.en
        assert definition.name.zh


def test_tallies_add_up() -> None:
    one = Tally(dials=1, talk_s=2.0, waits={0: 3}, verdicts={"human": 1})
    both = total([one, Tally(dials=2, waits={0: 1, 5: 4}, verdicts={"machine": 2})])
    assert (both.dials, both.talk_s) == (3, 2.0)
    assert both.waits == {0: 4, 5: 4}
    assert both.verdicts == {"human": 1, "machine": 2}
    assert (both.wait_s(0.5), both.wait_s(0.9)) == (0.0, 0.5)
    assert Tally().wait_s(0.5) is None


@pytest.mark.parametrize(
    ("zone", "day", "n_hours"),
    [
        ("Asia/Shanghai", date(2026, 11, 23), 24),
        ("America/New_York", date(2026, 3, 8), 23),  # the clock is put forward
        ("America/New_York", date(2026, 11, 1), 25),  # and back
    ],
)
def test_a_day_has_the_hours_of_its_clock(zone: str, day: date, n_hours: int) -> None:
    bounds = hour_bounds(day, ZoneInfo(zone))
    assert len(bounds) == n_hours + 1
    assert all(after - before == timedelta(hours=1) for before, after in pairwise(bounds))
    assert bounds[0] == datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


def test_a_promise_is_called_so_or_asks_for_amount_and_date() -> None:
    codes = tuple(DispositionCode(code, code, promise=code == "told") for code in ("told", "asked", "half", "none"))
    amount = FormField("amount", FormFieldKind.AMOUNT, "", required_for=("asked", "half"))
    day = FormField("pay_date", FormFieldKind.DATE, "", required_for=("asked",))
    assert promise_codes(CampaignSettings(form=DispositionForm(codes, (amount, day)))) == {"told", "asked"}


def test_occupancy_is_of_the_last_hour() -> None:
    occupancy = Occupancy()
    busy, ready = AgentView(1, AgentState.TALKING, 0.0), AgentView(2, AgentState.READY, 0.0)
    paused = AgentView(3, AgentState.PAUSED, 0.0)
    for n in range(3):
        occupancy.look([busy, ready, paused], n * 0.5)
    assert occupancy.share == 0.5
    occupancy.look([ready], 100.0)  # what was in between is not known
    assert occupancy.share == 0.5
    for n in range(2 * 3600):
        occupancy.look([ready], 100.5 + n * 0.5)
    assert occupancy.share == 0.0
    assert Occupancy().share is None


@pytest.mark.parametrize(
    ("today", "before", "expected"),
    [
        (CallerIdTally(500, 100), CallerIdTally(3500, 1050), None),  # 20 % after 30 % may be a bad day
        (CallerIdTally(500, 50), CallerIdTally(3500, 1050), Suspicion.ANSWERED_LESS),
        (CallerIdTally(49, 0), CallerIdTally(3500, 1050), None),  # too few to say
        (CallerIdTally(500, 150, refused=10), CallerIdTally(3500, 1050), Suspicion.REFUSED),
        (CallerIdTally(20, 5, refused=4), CallerIdTally(), None),
        (CallerIdTally(), CallerIdTally(), None),
    ],
)
def test_a_number_that_is_answered_less_is_suspicious(
    today: CallerIdTally, before: CallerIdTally, expected: Suspicion | None
) -> None:
    assert suspicion_of(CallerIdUse("+861", today, before)) is expected
