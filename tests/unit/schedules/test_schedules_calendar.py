"""The work calendar: our file against two independent sources, its end, and broken files."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest

from schedules.calendar import (
    DayKind,
    WorkCalendar,
    calendar_from_json,
    load_calendar,
    parse_calendar,
    shipped_calendars,
)
from schedules.documents import DocumentError, parse_document

WORKED = (DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY)


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return load_calendar("cn-workdays")


def days_of(calendar: WorkCalendar) -> list[date]:
    n_days = (calendar.complete_through - calendar.complete_from).days + 1
    return [calendar.complete_from + timedelta(days=n) for n in range(n_days)]


def test_agrees_with_chinesecalendar_on_every_day(calendar: WorkCalendar) -> None:
    for day in days_of(calendar):
        assert (calendar.kind(day) in WORKED) == chinese_calendar.is_workday(day), day


@pytest.mark.parametrize(
    ("name", "country", "part"),
    [
        ("cn-workdays", "CN", None),
        ("us-federal", "US", None),
        ("uk-england-wales", "GB", "ENG"),
        ("uk-england-wales", "GB", "WLS"),
        ("in-gazetted", "IN", None),
    ],
)
def test_agrees_with_holidays_on_every_day(name: str, country: str, part: str | None) -> None:
    ours = load_calendar(name)
    years = range(ours.complete_from.year, ours.complete_through.year + 1)
    theirs = holidays.country_holidays(country, subdiv=part, years=years)
    for day in days_of(ours):
        assert (ours.kind(day) in WORKED) == theirs.is_working_day(day), day


def test_federal_holidays_follow_the_statute() -> None:
    """5 U.S.C. 6103: eleven a year, each observed on a week day; counted here by rule."""

    def nth(year: int, month: int, weekday: int, n: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))

    def observed(day: date) -> date:
        return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))

    expected = set()
    for year in range(2024, 2030):
        fixed = [date(year, month, day) for month, day in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
        moving = [nth(year, 1, 0, 3), nth(year, 2, 0, 3), nth(year, 6, 0, 1) - timedelta(days=7)]
        moving += [nth(year, 9, 0, 1), nth(year, 10, 0, 2), nth(year, 11, 3, 4)]
        expected |= {*map(observed, fixed), *moving}
    ours = load_calendar("us-federal")
    assert ours.holidays == {day for day in expected if ours.complete_from <= day <= ours.complete_through}


@pytest.mark.parametrize("name", shipped_calendars())
def test_every_calendar_of_ours_says_where_it_comes_from(name: str) -> None:
    ours = load_calendar(name)
    assert ours.name == name
    assert ours.region
    assert len(ours.notice) > 20
    assert ours.complete_from == date(2024, 1, 1)
    assert ours.complete_through >= date(2026, 12, 31)
    assert all(part.source for part in ours.complete)
    assert set(ours.names) == ours.holidays | ours.make_up_workdays
    stored = calendar_from_json(ours.document_json)
    assert stored.sha256 == ours.sha256 == hashlib.sha256(ours.document_json.encode()).hexdigest()
    assert [stored.kind(day) for day in days_of(ours)] == [ours.kind(day) for day in days_of(ours)]
    assert (stored.names, stored.weekend, stored.complete) == (ours.names, ours.weekend, ours.complete)


def test_make_up_workdays_are_the_worked_weekends(calendar: WorkCalendar) -> None:
    worked = {day for day in days_of(calendar) if calendar.kind(day) is DayKind.MAKE_UP_WORKDAY and day.year == 2026}
    expected = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]
    assert worked == {date(2026, month, day) for month, day in expected}
    assert calendar.names[date(2026, 10, 1)] == "国庆节"


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2023, 12, 31), DayKind.UNKNOWN),  # before the file begins
        (date(2024, 1, 1), DayKind.HOLIDAY),
        (date(2026, 11, 22), DayKind.WEEKEND),
        (date(2026, 12, 31), DayKind.WORKDAY),
        (date(2027, 1, 1), DayKind.UNKNOWN),  # a Friday after the file's end is not "probably a holiday"
        (date(2027, 1, 4), DayKind.UNKNOWN),
    ],
)
def test_kind_of_day(calendar: WorkCalendar, day: date, kind: DayKind) -> None:
    assert calendar.kind(day) is kind


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 10, 31), None),  # 61 days before the end
        (date(2026, 11, 22), "ends in 39 days"),
        (date(2026, 12, 31), "ends in 0 days"),
        (date(2027, 1, 1), "has ended"),
    ],
)
def test_warns_before_it_ends(calendar: WorkCalendar, today: date, words: str | None) -> None:
    warning = calendar.warning(today)
    assert warning is None if words is None else warning is not None and words in warning
    if warning is not None:
        assert "schedules/data/cn-workdays.yaml" in warning


GOOD = """\
calendar: mine
notice: a notice
complete_from: 2026-01-01
complete_through: 2026-12-31
holidays:
  - 2026-10-01
make_up_workdays:
  - 2026-10-10
"""


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("2026-10-01", "2026-10-03"), "file.yaml:6: holidays.0: 2026-10-03 is a Saturday"),
        (("2026-10-10", "2026-10-09"), "file.yaml:8: make_up_workdays.0: 2026-10-09 is a Friday"),
        (("2026-10-10", "2027-01-02"), "file.yaml:8: make_up_workdays.0: 2027-01-02 is outside"),
        (("2026-10-01", "1 October"), "file.yaml:6: holidays.0: '1 October' is not a date"),
        (("notice: a notice", "notice: ''"), "file.yaml:2: notice: text is missing"),
        (("notice: a notice", "note: a notice"), "file.yaml:2: note: unknown key"),
        (("complete_from: 2026-01-01\n", ""), "file.yaml:1: complete_from: None is not a date"),
        (("holidays:\n  - 2026-10-01", "holidays: none"), "file.yaml:5: holidays: a list of dates"),
        ((GOOD, "- 2026-10-01"), "file.yaml:1: a calendar is a mapping"),
        (("2026-10-01", "2026-W40-4"), "file.yaml:6: holidays.0: '2026-W40-4' is not a date"),
        (
            ("  - 2026-10-01", "  - 2026-10-01\n  - 2026-10-01"),
            "file.yaml:7: holidays.1: 2026-10-01 stands here a second",
        ),
        (("2026-12-31", "2025-12-31"), "file.yaml:4: complete_through: 2025-12-31 is before complete_from"),
        (("2026-12-31", "2027-12-31"), "file.yaml:6: holidays: 2027 is said to be complete but has no holiday"),
        (("2026-01-01", "2025-01-01"), "file.yaml:6: holidays: 2025 is said to be complete but has no holiday"),
        (("- 2026-10-01", "- {date: 2026-10-01}"), "file.yaml:6: holidays.0: a day has the keys date and name"),
        (("- 2026-10-01", "- {date: 2026-10-01, name: ''}"), "file.yaml:6: holidays.0.name: text is missing"),
        (("- 2026-10-01", "- {date: October, name: x}"), "file.yaml:6: holidays.0.date: 'October' is not a date"),
        (("notice: a", "region: china\nnotice: a"), "file.yaml:2: region: 'china' is not an ISO 3166 code"),
        (("notice: a", "weekend: [saturday]\nnotice: a"), "file.yaml:2: weekend: a list of mon, tue"),
        (("notice: a", "complete: []\nnotice: a"), "file.yaml:2: complete: say either complete, or complete_from"),
    ],
)
def test_broken_file_says_where_and_why(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_calendar(parse_document(GOOD.replace(*change), "file.yaml"))
    assert str(caught.value).startswith(complaint)


RANGES = """\
calendar: mine
notice: a notice
complete:
  - {from: 2025-06-01, through: 2025-12-31, source: one notice}
  - {from: 2026-01-01, through: 2026-12-31, source: another}
holidays: [2026-10-01]
make_up_workdays: []
"""


def test_ranges_name_their_sources() -> None:
    found = parse_calendar(parse_document(RANGES, "f"))
    assert (found.complete_from, found.complete_through) == (date(2025, 6, 1), date(2026, 12, 31))
    assert [part.source for part in found.complete] == ["one notice", "another"]
    assert found.kind(date(2025, 5, 30)) is DayKind.UNKNOWN


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            ("from: 2026-01-01", "from: 2026-01-02"),
            "f:5: complete.1: begins on 2026-01-02 but the range before ends on",
        ),
        (
            ("from: 2026-01-01", "from: 2025-12-31"),
            "f:5: complete.1: begins on 2025-12-31 but the range before ends on",
        ),
        (("through: 2025-12-31", "through: 2025-05-31"), "f:4: complete.0.through: 2025-05-31 is before 2025-06-01"),
        ((", source: another", ""), "f:5: complete.1: a range has the keys from, through and source"),
        (("source: another", "source: ''"), "f:5: complete.1.source: text is missing"),
        (("from: 2026-01-01", "from: x"), "f:5: complete.1.from: 'x' is not a date"),
        (
            ("{from: 2025-06-01, through: 2025-12-31, source: one notice}", "one"),
            "f:4: complete.0: a range has the keys",
        ),
        ((RANGES[RANGES.index("complete") : RANGES.index("holidays")], "complete: []\n"), "f:3: complete: a list of"),
    ],
)
def test_a_hole_is_refused(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_calendar(parse_document(RANGES.replace(*change), "f"))
    assert str(caught.value).startswith(complaint)


def test_another_weekend() -> None:
    text = GOOD.replace("notice: a", "weekend: [fri, sat]\nnotice: a").replace("2026-10-10", "2026-10-09")
    found = parse_calendar(parse_document(text, "f"))
    assert found.kind(date(2026, 10, 2)) is DayKind.WEEKEND  # a Friday
    assert found.kind(date(2026, 10, 4)) is DayKind.WORKDAY  # a Sunday
    assert found.kind(date(2026, 10, 9)) is DayKind.MAKE_UP_WORKDAY


@pytest.mark.parametrize("text", ["", "{", "[]", '{"calendar": 1}'])
def test_a_stored_text_that_is_no_calendar(text: str) -> None:
    with pytest.raises(DocumentError, match="stored calendar:1: "):
        calendar_from_json(text)


def test_loads_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_calendar(str(path)).kind(date(2026, 10, 10)) is DayKind.MAKE_UP_WORKDAY


def test_unknown_calendar_names_the_file() -> None:
    with pytest.raises(DocumentError, match=r"schedules/data/xx-workdays\.yaml:1: cannot read"):
        load_calendar("xx-workdays")
