"""Windows against brute force: what is open agrees with the wall clock, and nothing earlier than `next_open` is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schedules.calendar import DayKind, WorkCalendar, load_calendar
from schedules.windows import Days, Forbidden, Span, Window, is_open, next_open, next_permitted

CALENDAR = load_calendar("cn-workdays")
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia")
CLOCK_CHANGES = (
    datetime(2026, 3, 8, 5, tzinfo=UTC),  # New York, forward
    datetime(2026, 11, 1, 4, tzinfo=UTC),  # New York, back
    datetime(2026, 10, 25, 0, tzinfo=UTC),  # London, back
    datetime(2026, 10, 3, 14, tzinfo=UTC),  # Lord Howe, forward by half an hour
    datetime(2026, 4, 23, 21, tzinfo=UTC),  # Cairo, midnight skipped
    datetime(2026, 10, 29, 20, tzinfo=UTC),  # Cairo, 23:00 twice
)

instants = st.one_of(
    st.integers(0, 1100 * 86_400_000).map(lambda ms: FIRST + timedelta(milliseconds=ms)),
    st.builds(lambda t, s: t + timedelta(seconds=s), st.sampled_from(CLOCK_CHANGES), st.integers(-7200, 14400)),
)
windows = st.builds(
    lambda zone, bounds, days, make_up: Window.daily(zone, [Span(min(bounds), max(bounds))], days, make_up),
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 1440), min_size=2, max_size=2, unique=True),
    st.sampled_from(Days),
    st.booleans(),
)
OFFICE = Window.daily("Asia/Shanghai", [Span(540, 1080)], Days.WORKDAYS)
rings = st.sampled_from([0.0, 28.0, 90.0])


def called(window: Window, calendar: WorkCalendar, day: date) -> bool:
    kind = calendar.kind(day)
    if window.days is Days.WORKDAYS:
        return kind is DayKind.WORKDAY or (window.make_up_workdays and kind is DayKind.MAKE_UP_WORKDAY)
    return window.days is Days.EVERY_DAY or day.weekday() < 5


def wall_clock_says_open(window: Window, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(window.zone))
    minute = local.hour * 60 + local.minute
    return (
        called(window, CALENDAR, local.date()) and window.week[0][0].from_minute <= minute < window.week[0][0].to_minute
    )


def change_nearby(zone: str, at: datetime) -> bool:
    offsets = {(at + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-30, 31, 6)}
    return len(offsets) > 1


@given(windows, instants, rings)
@example(
    Window.daily("Asia/Shanghai", [Span(540, 1080)], Days.WORKDAYS), datetime(2026, 12, 31, 9, 59, 31, tzinfo=UTC), 28.0
)
def test_open_means_open_by_the_wall_clock(window: Window, at: datetime, ring_s: float) -> None:
    if is_open(window, CALENDAR, at, ring_s):
        for share in (0.0, 0.5, 1.0):
            assert wall_clock_says_open(window, at + timedelta(seconds=ring_s) * share)
    elif not change_nearby(window.zone, at):
        ringing = (at, at + timedelta(seconds=ring_s))
        assert not all(wall_clock_says_open(window, moment) for moment in ringing) or ring_s > 60


@given(windows, instants, rings)
def test_next_open_is_open_and_nothing_earlier_is(window: Window, at: datetime, ring_s: float) -> None:
    found = next_open(window, CALENDAR, at, ring_s)
    if found is None:
        end = at + timedelta(days=20)
    else:
        assert found >= at
        assert is_open(window, CALENDAR, found, ring_s)
        end = found
        if found > at:
            assert not is_open(window, CALENDAR, found - timedelta(microseconds=1), ring_s)
    moment = at
    while moment < min(end, at + timedelta(days=3)):
        assert not is_open(window, CALENDAR, moment, ring_s), moment
        moment += 17 * MINUTE


@given(st.sampled_from(ZONES), st.integers(0, 1439), st.integers(1, 1440), instants, rings)
def test_next_permitted_avoids_the_hours_and_misses_nothing(
    zone: str, start: int, end: int, at: datetime, ring_s: float
) -> None:
    assume(start != end)
    forbidden = Forbidden(zone, start, end)

    def rings_forbidden(moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        return start <= minute < end if start < end else minute >= start or minute < end

    found = next_permitted(forbidden, at, ring_s)
    if found is None:
        assert (start - end) % 1440 * 60 <= ring_s or change_nearby(zone, at)
        return
    for share in (0.0, 0.5, 1.0):
        assert not rings_forbidden(found + timedelta(seconds=ring_s) * share)
    if found > at:
        assert next_permitted(forbidden, found - timedelta(microseconds=1), ring_s) == found


@pytest.mark.parametrize("day", [date(2026, 11, 23), date(2026, 10, 10)])
def test_every_minute_of_a_day(day: date) -> None:
    """Brute force over a whole day, both kinds of Saturday rules included."""
    zone = ZoneInfo("Asia/Shanghai")
    for make_up in (False, True):
        window = Window.daily("Asia/Shanghai", [Span(540, 1080)], Days.WORKDAYS, make_up)
        for minute in range(1440):
            at = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
            assert is_open(window, CALENDAR, at) == wall_clock_says_open(window, at)
