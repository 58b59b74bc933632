"""Calling windows at their edges: half-open, ringing over the end, daylight saving, midnight, a calendar that ends."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.calendar import load_calendar
from schedules.search import HORIZON, first_common
from schedules.windows import (
    Days,
    Forbidden,
    Span,
    Window,
    clock,
    day_start,
    is_open,
    minute_of_day,
    next_open,
    next_permitted,
)

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


@pytest.mark.parametrize("bounds", [(600, 600), (1440, 600), (600, 0), (-1, 5)])
def test_impossible_forbidden_hours(bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="forbidden hours"):
        Forbidden(SHANGHAI, *bounds)


@pytest.mark.parametrize(("text", "minutes"), [("00:00", 0), ("09:30", 570), ("24:00", 1440)])
def test_minute_of_day(text: str, minutes: int) -> None:
    assert minute_of_day(text) == minutes
    assert clock(minutes) == text


@pytest.mark.parametrize("text", ["", "9:00", "09.00", "09:60", "24:01", "ab:cd", "+1:00", "09:0", "٠٩:٠٠"])
def test_not_a_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        minute_of_day(text)


def test_day_begins_where_the_clock_skips_midnight() -> None:
    # Cairo, 2026-04-24: 00:00 does not exist, the day begins at 01:00.
    start = day_start(datetime(2026, 4, 24, tzinfo=UTC).date(), "Africa/Cairo")
    assert start.astimezone(ZoneInfo("Africa/Cairo")).isoformat() == "2026-04-24T01:00:00+03:00"


def test_conditions_that_never_meet() -> None:
    morning = daily(SHANGHAI, 0, 60)
    evening = daily(SHANGHAI, 1200, 1260)
    now = at(SHANGHAI, "2026-11-23 10:00").astimezone(UTC)
    assert first_common([lambda t: next_open(morning, None, t), lambda t: next_open(evening, None, t)], now) is None


def test_beyond_the_horizon_is_never() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert first_common([lambda _: now + HORIZON + timedelta(days=1)], now) is None
    assert first_common([], now) == now
