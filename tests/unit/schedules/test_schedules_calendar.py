"""The work calendar: our file against two independent sources, its end, and broken files."""

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest

from schedules.calendar import DayKind, WorkCalendar, load_calendar, parse_calendar
from schedules.documents import DocumentError, parse_document

YEARS = (2024, 2025, 2026)


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return load_calendar("cn-workdays")


def days_of(years: tuple[int, ...]) -> list[date]:
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_agrees_with_two_other_calendars_on_every_day(calendar: WorkCalendar) -> None:
    national = holidays.country_holidays("CN", years=YEARS)
    for day in days_of(YEARS):
        ours = calendar.kind(day) in (DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY)
        assert ours == national.is_working_day(day), day
        assert ours == chinese_calendar.is_workday(day), day


def test_make_up_workdays_are_the_worked_weekends(calendar: WorkCalendar) -> None:
    worked = {day for day in days_of((2026,)) if calendar.kind(day) is DayKind.MAKE_UP_WORKDAY}
    expected = [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]
    assert worked == {date(2026, month, day) for month, day in expected}


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
    ],
)
def test_broken_file_says_where_and_why(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_calendar(parse_document(GOOD.replace(*change), "file.yaml"))
    assert str(caught.value).startswith(complaint)


def test_loads_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_calendar(str(path)).kind(date(2026, 10, 10)) is DayKind.MAKE_UP_WORKDAY


def test_unknown_calendar_names_the_file() -> None:
    with pytest.raises(DocumentError, match=r"schedules/data/xx-workdays\.yaml:1: cannot read"):
        load_calendar("xx-workdays")
