"""Rules that read clocks: which hours they leave open, and until when they refuse."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dialer.compliance.facts import Inconvenient
from schedules.zones import ZoneCandidates
from tests.support.rulebook import FACTS, MONDAY_TEN, earlier, result, shanghai


@pytest.mark.parametrize(
    ("zones", "at", "opens"),
    [
        ("pack", "2026-11-23 10:00", "2026-11-23 10:00"),
        ("person", "2026-11-23 10:00", "2026-11-23 21:00"),  # 21:00 on Sunday in New York
        ("both", "2026-11-23 10:00", "2026-11-24 08:00"),
        ("both", "2026-11-24 08:30", "2026-11-24 08:30"),
    ],
)
def test_a_window_reads_every_clock_it_names(zones: str, at: str, opens: str) -> None:
    window = {"kind": "calling_window", "zones": zones, "days": "every_day", "hours": ["08:00-21:00"]}
    abroad = replace(FACTS, zones=ZoneCandidates(("America/New_York",)))
    said = result(window, abroad, shanghai(at))
    assert (said.retry_at or shanghai(at)) == shanghai(opens)
    assert said.allowed == (at == opens)


def test_a_week_may_have_hours_of_its_own_for_each_day() -> None:
    window = {"kind": "calling_window", "zones": "pack", "week": {"mon": ["09:00-12:00", "14:00-18:00"]}}
    assert result(window, FACTS, MONDAY_TEN).allowed
    assert result(window, FACTS, shanghai("2026-11-23 12:00")).retry_at == shanghai("2026-11-23 14:00")
    assert result(window, FACTS, shanghai("2026-11-23 18:00")).retry_at == shanghai("2026-11-30 09:00")


def test_make_up_workdays_are_called_where_the_pack_says_so() -> None:
    saturday = shanghai("2026-10-10 10:00")
    window = {"kind": "calling_window", "zones": "pack", "days": "workdays", "hours": ["09:00-18:00"]}
    assert not result(window, FACTS, saturday, calendar="cn-workdays").allowed
    assert result({**window, "make_up_workdays": True}, FACTS, saturday, calendar="cn-workdays").allowed


def test_ringing_may_last_longer_where_the_pack_says_so() -> None:
    last = shanghai("2026-11-23 17:59:50")
    window = {"kind": "calling_window", "zones": "pack", "days": "weekdays", "hours": ["09:00-18:00"]}
    assert not result(window, FACTS, last).allowed
    assert result({**window, "must_end_by": "18:01"}, FACTS, last).allowed


def test_forbidden_hours_are_those_of_every_clock() -> None:
    night = {"kind": "forbidden_hours", "zones": "both", "from": "22:00", "to": "08:00"}
    abroad = replace(FACTS, zones=ZoneCandidates(("Europe/London", "America/New_York")))
    assert result(night, FACTS, shanghai("2026-11-23 07:59")).retry_at == shanghai("2026-11-23 08:00")
    assert result(night, FACTS, shanghai("2026-11-23 21:59:31")).allowed
    said = result(night, abroad, shanghai("2026-11-23 10:00"))  # 02:00 in London
    assert said.retry_at == shanghai("2026-11-23 21:00")  # 08:00 in New York, 13:00 in London
    assert said.finding is not None
    assert said.finding.values["zone"] == "Europe/London"
    evening = result(night, abroad, shanghai("2026-11-23 18:00")).finding  # 10:00 in London
    assert evening is not None
    assert evening.values["zone"] == "America/New_York"


@pytest.mark.parametrize("kind", ["calling_window", "forbidden_hours", "cap", "cool_off", "convenience"])
def test_an_unknown_zone_refuses_where_the_persons_clock_is_read(kind: str) -> None:
    rules: dict[str, dict[str, Any]] = {
        "calling_window": {"zones": "person", "days": "every_day", "hours": ["00:00-24:00"]},
        "forbidden_hours": {"zones": "person", "from": "22:00", "to": "08:00"},
        "cap": {"zones": "both", "scope": "phone", "event": "placed", "span": {"inclusive_days": 1}, "limit": 5},
        "cool_off": {"zones": "both", "scope": "phone", "after": "placed", "span": {"inclusive_days": 1}},
        "convenience": {},
    }
    lunch = Inconvenient(from_minute=720, to_minute=780)
    doubtful = ZoneCandidates(("Asia/Shanghai",), ("a doubt",))
    facts = replace(FACTS, attempts=(earlier(MONDAY_TEN - timedelta(days=1)),), zones=doubtful)
    said = result({"kind": kind, **rules[kind]}, replace(facts, inconvenient=(lunch,)))
    assert not said.allowed
    assert said.retry_at is None
    assert said.finding is not None
    assert (said.finding.code, said.finding.values["doubts"]) == ("zone_unknown", "a doubt")


@pytest.mark.parametrize(
    ("entry", "opens"),
    [
        (Inconvenient(from_minute=540, to_minute=720), "2026-11-23 12:00"),
        (Inconvenient((0,), 540, 720), "2026-11-23 12:00"),
        (Inconvenient((1,), 540, 720), "2026-11-23 10:00"),
        (Inconvenient((0,), 540), "2026-11-24 00:00"),
        (Inconvenient(to_minute=720), "2026-11-23 12:00"),
        (Inconvenient((6,), 1320, 660), "2026-11-23 11:00"),  # Sunday's night lasts until Monday 11:00
        (Inconvenient((0,), 600, 600), "2026-11-24 10:00"),  # as long as a day
        (Inconvenient((0,), 600, 600, until=shanghai("2026-11-23 15:00")), "2026-11-23 15:00"),
        (Inconvenient((0,), 540, 720, until=shanghai("2026-11-23 15:00")), "2026-11-23 12:00"),
        (Inconvenient((0,), 540, 720, until=shanghai("2026-11-23 10:00")), "2026-11-23 10:00"),
        (Inconvenient(until=shanghai("2026-12-01 00:00")), "2026-12-01 00:00"),
        (Inconvenient(), None),
        (Inconvenient(from_minute=0, to_minute=1440), None),
    ],
)
def test_what_the_person_named_as_inconvenient(entry: Inconvenient, opens: str | None) -> None:
    said = result({"kind": "convenience"}, replace(FACTS, inconvenient=(entry,)))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == (None if opens is None else shanghai(opens))


def test_several_inconvenient_times_all_hold_by_every_clock() -> None:
    morning, noon = Inconvenient(from_minute=540, to_minute=720), Inconvenient(from_minute=720, to_minute=780)
    assert result({"kind": "convenience"}, FACTS).allowed
    both = replace(FACTS, inconvenient=(morning, noon))
    assert result({"kind": "convenience"}, both).retry_at == shanghai("2026-11-23 13:00")
    abroad = replace(both, zones=ZoneCandidates(("Asia/Shanghai", "Asia/Urumqi")))
    assert result({"kind": "convenience"}, abroad).retry_at == shanghai("2026-11-23 15:00")
