"""Calling windows at their edges: half-open, ringing over the end, daylight saving, midnight, a calendar that ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.calendar import DayKind, load_calendar
from schedules.hours import Days, Forbidden, Span, Window
from schedules.search import HORIZON, first_common
from schedules.windows import ClosedCode, closed_because, day_start, is_open, next_open, next_permitted

SHANGHAI, NEW_YORK = "Asia/Shanghai", "America/New_York"
CALENDAR = load_calendar("cn-workdays")


def daily(zone: str, start: int, end: int, days: Days = Days.EVERY_DAY, *, make_up_workdays: bool = False) -> Window:
    return Window.daily(zone, [Span(start, end)], days, make_up_workdays)


OFFICE = daily(SHANGHAI, 9 * 60, 18 * 60, Days.WORKDAYS)
NIGHT = Forbidden(SHANGHAI, 22 * 60, 8 * 60)


def at(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("text", "ring_s", "expected"),
    [
        ("2026-11-23 08:59:59.999999", 0, False),
        ("2026-11-23 09:00:00", 0, True),
        ("2026-11-23 17:59:59.999999", 0, True),
        ("2026-11-23 18:00:00", 0, False),  # half-open
        ("2026-11-23 17:59:31", 28, True),
        ("2026-11-23 17:59:32", 28, False),  # its last ring would be at 18:00:00
        ("2026-11-22 10:00:00", 0, False),  # Sunday
        ("2026-10-01 10:00:00", 0, False),  # holiday
        ("2026-10-10 10:00:00", 0, False),  # a worked Saturday is not Monday to Friday
        ("2026-12-31 10:00:00", 28, True),  # the calendar's last day
        ("2027-01-04 10:00:00", 28, False),  # a Monday after it
    ],
)
def test_office_hours(text: str, ring_s: float, expected: bool) -> None:
    assert is_open(OFFICE, CALENDAR, at(SHANGHAI, text), ring_s) is expected


def test_make_up_workdays_count_by_one_switch() -> None:
    window = daily(SHANGHAI, 9 * 60, 18 * 60, Days.WORKDAYS, make_up_workdays=True)
    assert is_open(window, CALENDAR, at(SHANGHAI, "2026-10-10 10:00"))
    assert not is_open(window, CALENDAR, at(SHANGHAI, "2026-10-11 10:00"))


def test_workdays_without_a_calendar_are_never_open() -> None:
    assert next_open(OFFICE, None, at(SHANGHAI, "2026-11-23 10:00")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20 17:59:40", "2026-11-23 09:00"),  # Friday evening, too late for a full ringing
        ("2026-09-30 18:00", "2026-10-08 09:00"),  # over the national holiday
        ("2026-11-23 09:00", "2026-11-23 09:00"),
        ("2026-12-31 17:59:40", None),  # nothing is known of what follows
    ],
)
def test_next_open(text: str, expected: str | None) -> None:
    found = next_open(OFFICE, CALENDAR, at(SHANGHAI, text), 28)
    assert found == (None if expected is None else at(SHANGHAI, expected))


def test_weekdays_need_no_calendar() -> None:
    window = daily(NEW_YORK, 8 * 60, 21 * 60, Days.WEEKDAYS)
    assert next_open(window, None, at(NEW_YORK, "2027-01-02 12:00")) == at(NEW_YORK, "2027-01-04 08:00")


def test_days_that_touch_at_midnight_are_one_interval() -> None:
    window = daily(SHANGHAI, 0, 24 * 60)
    late = at(SHANGHAI, "2026-11-23 23:59:50")
    assert is_open(window, None, late, 60)
    assert next_open(daily(SHANGHAI, 0, 24 * 60 - 1), None, late, 60) == at(SHANGHAI, "2026-11-24 00:00")


def test_a_ringing_longer_than_the_window_never_fits() -> None:
    assert next_open(daily(SHANGHAI, 0, 1), None, at(SHANGHAI, "2026-11-23 00:00"), 60) is None


@pytest.mark.parametrize(
    ("text", "fold", "expected"),
    [
        # 2026-11-01: clocks go from 02:00 back to 01:00. A window 01:30–02:30 opens at the later 01:30.
        ("2026-11-01 01:45", 0, False),
        ("2026-11-01 01:29", 1, False),
        ("2026-11-01 01:30", 1, True),
        ("2026-11-01 02:29", 0, True),
        # 2026-03-08: clocks skip from 02:00 to 03:00. There is no 02:30; read strictly, it is 01:30.
        ("2026-03-08 01:45", 0, False),
        ("2026-03-08 03:00", 0, False),
    ],
)
def test_clock_changes_take_the_stricter_reading(text: str, fold: int, expected: bool) -> None:
    window = daily(NEW_YORK, 90, 150)
    assert is_open(window, None, at(NEW_YORK, text, fold)) is expected


@pytest.mark.parametrize(
    ("text", "ring_s", "expected"),
    [
        ("2026-11-23 07:59:59", 0, "2026-11-23 08:00"),
        ("2026-11-23 08:00", 28, "2026-11-23 08:00"),
        ("2026-11-23 21:59:31", 28, "2026-11-23 21:59:31"),
        ("2026-11-23 21:59:32", 28, "2026-11-24 08:00"),
        ("2026-11-23 23:00", 28, "2026-11-24 08:00"),
        ("2026-11-24 02:00", 28, "2026-11-24 08:00"),
    ],
)
def test_night(text: str, ring_s: float, expected: str) -> None:
    assert next_permitted(NIGHT, at(SHANGHAI, text), ring_s) == at(SHANGHAI, expected)


def test_forbidden_hours_at_noon() -> None:
    lunch = Forbidden(SHANGHAI, 12 * 60, 14 * 60)
    assert next_permitted(lunch, at(SHANGHAI, "2026-11-23 12:00")) == at(SHANGHAI, "2026-11-23 14:00")


def test_forbidden_hours_that_leave_too_little_room() -> None:
    assert next_permitted(Forbidden(SHANGHAI, 1, 24 * 60), at(SHANGHAI, "2026-11-23 12:00"), 90) is None


@pytest.mark.parametrize(
    ("text", "ring_s", "expected"),
    [
        ("2026-11-23 11:59:31", 28, "2026-11-23 11:59:31"),
        ("2026-11-23 11:59:32", 28, "2026-11-23 14:00"),  # must_end_by is of the day's last span only
        ("2026-11-23 17:59:59", 28, "2026-11-23 17:59:59"),  # may ring on until 18:01
        ("2026-11-23 17:59:59", 61, "2026-11-24 09:00"),
        ("2026-11-23 18:00", 0, "2026-11-24 09:00"),  # but may not leave
        ("2026-11-27 20:00", 28, "2026-11-28 10:00"),  # Saturday has hours of its own
        ("2026-11-28 10:30", 28, "2026-11-30 09:00"),  # Sunday has none
    ],
)
def test_a_week_with_a_lunch_break(text: str, ring_s: float, expected: str) -> None:
    weekday = (Span(540, 720), Span(840, 1080))
    window = Window(SHANGHAI, ((weekday,) * 5) + ((Span(600, 630),), ()), must_end_by_minute=1081)
    assert next_open(window, None, at(SHANGHAI, text), ring_s) == at(SHANGHAI, expected)


@pytest.mark.parametrize(
    ("text", "ring_s", "expected"),
    [
        ("2026-11-27 20:00", 28, True),  # Friday
        ("2026-11-28 01:59", 28, True),  # belongs to Friday
        ("2026-11-28 01:59:40", 28, False),
        ("2026-11-28 02:00", 0, False),
        ("2026-11-28 20:00", 0, False),  # Saturday is no workday
        ("2026-11-30 01:00", 0, False),  # nor is Sunday, to which this would belong
    ],
)
def test_over_midnight_belongs_to_the_day_it_began_on(text: str, ring_s: float, expected: bool) -> None:
    window = daily(SHANGHAI, 1200, 120, Days.WORKDAYS)
    assert is_open(window, CALENDAR, at(SHANGHAI, text), ring_s) is expected


def test_ringing_over_midnight_may_have_its_own_end() -> None:
    window = Window.daily(SHANGHAI, [Span(1200, 120)], must_end_by=121)
    assert is_open(window, None, at(SHANGHAI, "2026-11-28 01:59:40"), 28)
    assert not is_open(window, None, at(SHANGHAI, "2026-11-28 01:59:40"), 80)


def test_a_make_up_workday_takes_hours() -> None:
    first, saturday, none = (Span(540, 600),), (Span(660, 720),), ()
    worked = at(SHANGHAI, "2026-10-10 00:00")  # a Saturday
    week: tuple[tuple[Span, ...], ...] = (none, first, none, none, none, none, none)
    borrowed = Window(SHANGHAI, week, Days.WORKDAYS, make_up_workdays=True)
    assert next_open(borrowed, CALENDAR, worked) == at(SHANGHAI, "2026-10-10 09:00")
    own = Window(SHANGHAI, (*week[:5], saturday, none), Days.WORKDAYS, make_up_workdays=True)
    assert next_open(own, CALENDAR, worked) == at(SHANGHAI, "2026-10-10 11:00")
    weekends_only = Window(SHANGHAI, (*[none] * 6, saturday), Days.WORKDAYS, make_up_workdays=True)
    assert not is_open(weekends_only, CALENDAR, at(SHANGHAI, "2026-10-10 11:00"))  # nothing to borrow
    assert is_open(weekends_only, CALENDAR, at(SHANGHAI, "2026-09-20 11:00"))  # a worked Sunday with its own


@pytest.mark.parametrize("text", ["2026-11-01 00:30", "2026-03-08 01:00"])  # Havana: midnight twice, and not at all
def test_open_all_day_every_day_is_always_open(text: str) -> None:
    always = daily("America/Havana", 0, 1440)
    moment = at("America/Havana", text) - timedelta(hours=2)
    for minute in range(240):
        assert is_open(always, None, moment + timedelta(minutes=minute), 90)


EARLY = daily(SHANGHAI, 0, 60, Days.WEEKDAYS)
SPLIT = Window(NEW_YORK, ((Span(540, 720), Span(840, 1080)), *[()] * 6))


@pytest.mark.parametrize(
    ("window", "text", "ring_s", "expected"),
    [
        (OFFICE, "2026-11-22 10:00", 0, (ClosedCode.WEEKEND, DayKind.WEEKEND, "", "")),
        (OFFICE, "2026-10-01 10:00", 0, (ClosedCode.HOLIDAY, DayKind.HOLIDAY, "", "国庆节")),
        (OFFICE, "2026-10-10 10:00", 0, (ClosedCode.NOT_A_DAY, DayKind.MAKE_UP_WORKDAY, "", "国庆节")),
        (OFFICE, "2027-01-04 10:00", 0, (ClosedCode.CALENDAR_UNKNOWN, DayKind.UNKNOWN, "", "")),
        (OFFICE, "2026-11-23 18:00", 0, (ClosedCode.OUTSIDE_HOURS, DayKind.WORKDAY, "09:00-18:00", "")),
        (OFFICE, "2026-11-23 17:59:40", 28, (ClosedCode.RINGING_PASSES_END, DayKind.WORKDAY, "09:00-18:00", "")),
        (EARLY, "2026-11-22 00:10", 0, (ClosedCode.NOT_A_DAY, None, "", "")),
        (EARLY, "2026-11-23 10:00", 0, (ClosedCode.OUTSIDE_HOURS, None, "00:00-01:00", "")),
        # Saturday, in Friday's night: the hours are Friday's.
        (
            *(daily(SHANGHAI, 1200, 120, Days.WEEKDAYS), "2026-11-28 01:59:50", 28),
            (ClosedCode.RINGING_PASSES_END, None, "20:00-02:00", ""),
        ),
        (SPLIT, "2026-11-23 13:00", 0, (ClosedCode.OUTSIDE_HOURS, None, "09:00-12:00, 14:00-18:00", "")),
        (SPLIT, "2026-11-24 13:00", 0, (ClosedCode.NOT_A_DAY, None, "", "")),
    ],
)
def test_closed_because(
    window: Window, text: str, ring_s: float, expected: tuple[ClosedCode, DayKind | None, str, str]
) -> None:
    moment = at(window.zone, text)
    closed = closed_because(window, CALENDAR, moment, ring_s)
    assert closed is not None
    assert (closed.code, closed.kind, closed.hours, closed.holiday) == expected
    assert (closed.zone, closed.day, closed.local_time) == (window.zone, moment.date(), f"{moment:%H:%M:%S}")
    assert closed.calendar == ("cn-workdays" if window.days is Days.WORKDAYS else "")


def test_open_is_not_closed() -> None:
    assert closed_because(OFFICE, CALENDAR, at(SHANGHAI, "2026-11-23 10:00"), 28) is None


def test_workdays_without_a_calendar_are_unknown() -> None:
    closed = closed_because(OFFICE, None, at(SHANGHAI, "2026-11-23 10:00"))
    assert closed is not None
    assert (closed.code, closed.kind, closed.calendar) == (ClosedCode.CALENDAR_UNKNOWN, DayKind.UNKNOWN, "")


def test_day_begins_where_the_clock_skips_midnight() -> None:
    # Cairo, 2026-04-24: 00:00 does not exist, the day begins at 01:00.
    start = day_start(datetime(2026, 4, 24, tzinfo=UTC).date(), "Africa/Cairo")
    assert start.astimezone(ZoneInfo("Africa/Cairo")).isoformat() == "2026-04-24T01:00:00+03:00"


def test_conditions_that_never_meet() -> None:
    morning = daily(SHANGHAI, 0, 60)
    evening = daily(SHANGHAI, 1200, 1260)
    now = at(SHANGHAI, "2026-11-23 10:00").astimezone(UTC)
    assert first_common([lambda t: next_open(morning, None, t), lambda t: next_open(evening, None, t)], now) is None


def test_a_condition_that_never_holds() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert first_common([lambda moment: moment, lambda _: None], now) is None


def test_beyond_the_horizon_is_never() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert first_common([lambda _: now + HORIZON + timedelta(days=1)], now) is None
    assert first_common([], now) == now
