"""Windows and forbidden hours against naive twins that know nothing of the code: a wall clock, and a scan of minutes.

The twin reads each bound by trying the offsets around it, marks every minute of some days as open or not, and walks
them one by one. Away from clock changes the marks must be what a wall clock shows; near them, none it calls closed.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from schedules import windows as windows_module
from schedules.calendar import DayKind, WorkCalendar, load_calendar
from schedules.hours import Days, Forbidden, Span, Window
from schedules.windows import ClosedCode, closed_because, is_open, next_open, next_permitted

CALENDARS = (load_calendar("cn-workdays"), load_calendar("us-federal"))
CALENDAR = CALENDARS[0]
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
unhurried = settings(deadline=None)  # the machine may be busy
SCAN_DAYS = 9
ZONES = (
    *("Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kolkata"),
    *("America/Havana", "Pacific/Apia"),
)
CLOCK_CHANGES = (
    datetime(2026, 3, 8, 5, tzinfo=UTC),  # New York, forward; Havana skips midnight
    datetime(2026, 11, 1, 4, tzinfo=UTC),  # New York, back; Havana reads midnight twice
    datetime(2026, 3, 29, 0, tzinfo=UTC),  # London, forward
    datetime(2026, 10, 25, 0, tzinfo=UTC),  # London, back
    datetime(2026, 4, 4, 14, tzinfo=UTC),  # Lord Howe, back by half an hour
    datetime(2026, 10, 3, 14, tzinfo=UTC),  # Lord Howe, forward by half an hour
    datetime(2026, 4, 23, 21, tzinfo=UTC),  # Cairo, midnight skipped
    datetime(2026, 10, 29, 20, tzinfo=UTC),  # Cairo, 23:00 twice
)

instants = st.one_of(
    st.integers(0, 1096 * 86_400_000).map(lambda ms: FIRST + timedelta(milliseconds=ms)),
    st.builds(lambda t, s: t + timedelta(seconds=s), st.sampled_from(CLOCK_CHANGES), st.integers(-86400, 86400)),
)
rings = st.sampled_from([0.0, 28.0, 28.5, 90.0, 3600.0])
calendars = st.sampled_from(CALENDARS)
zones = st.sampled_from(ZONES)


@st.composite
def days_of_spans(draw: st.DrawFn, at_night: bool) -> tuple[Span, ...]:
    """Up to three spans, some of which touch; by night the last may go over midnight, and none begins before 05:00."""
    first = 300 if at_night else 0
    n_spans = draw(st.integers(0, 3))
    minutes = draw(st.lists(st.integers(first, 1440), min_size=2 * n_spans, max_size=2 * n_spans, unique=True))
    minutes.sort()
    if n_spans > 1 and draw(st.booleans()):
        minutes[2] = minutes[1]
    spans = [Span(start, end) for start, end in zip(minutes[::2], minutes[1::2], strict=True)]
    if at_night and spans and draw(st.booleans()):
        spans[-1] = Span(spans[-1].from_minute, draw(st.integers(1, 299)))
    return tuple(spans)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Any window: the same hours every day, or a week of different ones."""
    at_night = draw(st.booleans())
    days = draw(
        st.one_of(
            days_of_spans(at_night).map(lambda spans: [spans] * 7),
            st.lists(days_of_spans(at_night), min_size=7, max_size=7),
        )
    )
    assume(any(days))
    must_end_by = None
    if draw(st.booleans()):
        latest = max(spans[-1].to_minute for spans in days if spans)
        must_end_by = min(1440, latest + draw(st.integers(0, 400)))
    return Window(draw(zones), tuple(days), draw(st.sampled_from(Days)), draw(st.booleans()), must_end_by)


def spans_of(window: Window, calendar: WorkCalendar, day: date) -> tuple[Span, ...]:
    """The spans that begin on a day."""
    kind, own = calendar.kind(day), window.week[day.weekday()]
    if window.days is Days.WORKDAYS and kind is DayKind.MAKE_UP_WORKDAY:
        borrowed = [spans for spans in window.week[:5] if spans][:1] or [()]
        return (own or borrowed[0]) if window.make_up_workdays else ()
    workday = kind is DayKind.WORKDAY
    called = {Days.EVERY_DAY: True, Days.WEEKDAYS: day.weekday() < 5, Days.WORKDAYS: workday}[window.days]
    return own if called else ()


def naive_time(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day) + minute * MINUTE  # noqa: DTZ001 (what a clock on the wall reads)


@lru_cache(maxsize=100_000)
def readings(naive: datetime, zone: str) -> tuple[datetime, ...]:
    """When a clock reads `naive`; for a time it skips, the readings by the offset before and the one after."""
    tz, about = ZoneInfo(zone), naive.replace(tzinfo=UTC)
    offsets = {(about + hours).astimezone(tz).utcoffset() for hours in (-DAY - 2 * 60 * MINUTE, DAY + 2 * 60 * MINUTE)}
    found = [about - offset for offset in offsets if offset is not None]
    exact = [instant for instant in found if instant.astimezone(tz).replace(tzinfo=None) == naive]
    return tuple(exact or found)


@dataclass
class Scan:
    """Every minute from `start` on: may a call leave in it, may it ring in it."""

    start: datetime
    leaves: bytearray
    rings: bytearray

    def mark(self, marks: bytearray, start: datetime, end: datetime) -> None:
        first, last = ((instant - self.start) // MINUTE for instant in (start, end))
        first, last = max(0, first), min(len(marks), last)
        if first < last:
            marks[first:last] = b"\1" * (last - first)

    def fits(self, at: datetime, ring_s: float) -> bool:
        """Whether a call may leave in the minute of `at` and ring in every one until its end."""
        return self.fit((at - self.start) // MINUTE, (at + timedelta(seconds=ring_s) - self.start) // MINUTE)

    def fit(self, first: int, last: int) -> bool:
        """The same by the first and the last minute."""
        return bool(self.leaves[first]) and all(self.rings[first : last + 1])

    def next(self, at: datetime, ring_s: float) -> datetime | None:
        """The instant itself, or else the first whole minute; None when it lies beyond the scan."""
        if self.fits(at, ring_s):
            return at
        first = -((self.start - at) // MINUTE)  # the next whole minute
        last = len(self.leaves) - int(ring_s // 60) - 2
        fitting = (minute for minute in range(first, last) if self.fits(self.start + minute * MINUTE, ring_s))
        return next((self.start + minute * MINUTE for minute in fitting), None)


def scan_window(window: Window, calendar: WorkCalendar, start: datetime, n_days: int) -> Scan:
    """Spans as a clock on the wall has them, those that touch joined, each bound read strictly."""
    scan = Scan(start, bytearray(n_days * 1440), bytearray(n_days * 1440))
    joined: list[list[datetime]] = []  # from, to, and until when calls of its parts may ring
    for offset in range(-3, n_days + 3):
        day = start.date() + timedelta(days=offset)
        spans = spans_of(window, calendar, day)
        for index, span in enumerate(spans):
            next_day = 1440 if span.to_minute < span.from_minute else 0
            limit = span.to_minute
            if index == len(spans) - 1 and window.must_end_by_minute is not None:
                limit = window.must_end_by_minute
            bounds = [naive_time(day, minute) for minute in (span.from_minute, span.to_minute + next_day)]
            if joined and joined[-1][1] == bounds[0]:
                joined[-1][1] = bounds[1]
            else:
                joined.append(bounds)
            joined[-1].append(naive_time(day, limit + next_day))
    for first, end, *limits in joined:
        opens, closes = max(readings(first, window.zone)), min(readings(end, window.zone))
        if opens < closes:
            scan.mark(scan.leaves, opens, closes)
            for limit_time in (end, *limits):
                scan.mark(scan.rings, opens, min(readings(limit_time, window.zone)))
    return scan


def scan_forbidden(forbidden: Forbidden, start: datetime, n_days: int) -> Scan:
    """Everything is allowed but the forbidden hours, each read as wide as it can be."""
    scan = Scan(start, bytearray(b"\1" * n_days * 1440), bytearray(b"\1" * n_days * 1440))
    for offset in range(-3, n_days + 3):
        day = start.date() + timedelta(days=offset)
        next_day = 1440 if forbidden.to_minute < forbidden.from_minute else 0
        begins = min(readings(naive_time(day, forbidden.from_minute), forbidden.zone))
        ends = max(readings(naive_time(day, forbidden.to_minute + next_day), forbidden.zone))
        for minute in range(max(0, (begins - start) // MINUTE), min(n_days * 1440, (ends - start) // MINUTE)):
            scan.leaves[minute] = scan.rings[minute] = 0
    return scan


def midnight_before(at: datetime, days: int) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)


def wall_clock_says_open(window: Window, calendar: WorkCalendar, at: datetime) -> bool:
    """What a person sees who looks at the clock and the calendar on the wall."""
    local = at.astimezone(ZoneInfo(window.zone)).replace(tzinfo=None)
    for day in (local.date() - DAY, local.date()):
        for span in spans_of(window, calendar, day):
            end = span.to_minute + (1440 if span.to_minute < span.from_minute else 0)
            if naive_time(day, span.from_minute) <= local < naive_time(day, end):
                return True
    return False


def change_nearby(zone: str, at: datetime) -> bool:
    offsets = {(at + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(-30, 31, 6)}
    return len(offsets) > 1


OFFICE = Window.daily("Asia/Shanghai", [Span(540, 1080)], Days.WORKDAYS)
ALWAYS = Window.daily("America/Havana", [Span(0, 1440)])
NIGHTS = Window.daily("Africa/Cairo", [Span(1200, 120)], must_end_by=150)
LONG_RINGING = Window.daily("Asia/Kolkata", [Span(120, 180), Span(1200, 60)], must_end_by=720)
ROUND_MIDNIGHT = Window.daily("Africa/Cairo", [Span(0, 60), Span(1410, 1440)])
TOUCHING = Window.daily("America/New_York", [Span(60, 90), Span(90, 1440)])
BEFORE_A_GAP = Window.daily("America/New_York", [Span(60, 119)], must_end_by=150)


@unhurried
@given(windows(), calendars, instants, rings)
@example(OFFICE, CALENDAR, datetime(2026, 12, 31, 9, 59, 31, tzinfo=UTC), 28.0)
@example(ALWAYS, CALENDAR, datetime(2026, 11, 1, 3, 59, 50, tzinfo=UTC), 3600.0)
@example(NIGHTS, CALENDAR, datetime(2026, 4, 23, 21, 29, 50, tzinfo=UTC), 90.0)
@example(LONG_RINGING, CALENDAR, datetime(2026, 11, 23, 20, 50, tzinfo=UTC), 3600.0)
@example(ROUND_MIDNIGHT, CALENDAR, datetime(2026, 4, 23, 20, 50, tzinfo=UTC), 0.0)
@example(TOUCHING, CALENDAR, datetime(2026, 11, 1, 5, 30, tzinfo=UTC), 0.0)
@example(BEFORE_A_GAP, CALENDAR, datetime(2026, 3, 8, 6, 45, tzinfo=UTC), 0.0)
def test_next_open_is_what_a_minute_scan_finds(
    window: Window, calendar: WorkCalendar, at: datetime, ring_s: float
) -> None:
    start = midnight_before(at, 1)
    expected = scan_window(window, calendar, start, SCAN_DAYS + 2).next(at, ring_s)
    found = next_open(window, calendar, at, ring_s)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found > start + SCAN_DAYS * DAY
    assert is_open(window, calendar, at, ring_s) == (found == at)


@unhurried
@given(windows(), calendars, instants, rings)
def test_open_is_what_the_wall_clock_says(window: Window, calendar: WorkCalendar, at: datetime, ring_s: float) -> None:
    if is_open(window, calendar, at):
        assert wall_clock_says_open(window, calendar, at)
    elif not change_nearby(window.zone, at):
        assert not wall_clock_says_open(window, calendar, at)
    if is_open(window, calendar, at, ring_s) and window.must_end_by_minute is None:
        for share in (0.0, 0.5, 1.0):
            assert wall_clock_says_open(window, calendar, at + timedelta(seconds=ring_s) * share)


@unhurried
@given(windows(), calendars, instants, rings)
def test_closed_has_a_reason_and_open_none(window: Window, calendar: WorkCalendar, at: datetime, ring_s: float) -> None:
    closed = closed_because(window, calendar, at, ring_s)
    assert (closed is None) == is_open(window, calendar, at, ring_s)
    if closed is None:
        return
    assert (closed.code is ClosedCode.RINGING_PASSES_END) == is_open(window, calendar, at)
    assert closed.day == at.astimezone(ZoneInfo(window.zone)).date()
    kind = calendar.kind(closed.day) if window.days is Days.WORKDAYS else None
    assert closed.kind is kind
    if closed.code in (ClosedCode.HOLIDAY, ClosedCode.WEEKEND):
        assert kind is not None
        assert closed.code.value == kind.value
        assert closed.hours == ""


@unhurried
@given(zones, st.integers(0, 1439), st.integers(1, 1440), instants, rings)
@example("Africa/Cairo", 1320, 480, datetime(2026, 4, 23, 21, 30, tzinfo=UTC), 28.0)
def test_next_permitted_is_what_a_minute_scan_finds(
    zone: str, first: int, end: int, at: datetime, ring_s: float
) -> None:
    assume(first != end)
    forbidden = Forbidden(zone, first, end)
    start = midnight_before(at, 1)
    expected = scan_forbidden(forbidden, start, 5).next(at, ring_s)
    found = next_permitted(forbidden, at, ring_s)
    if expected is not None:
        assert found == expected
    else:
        assert found is None or found > start + 3 * DAY


@unhurried
@given(windows(), calendars, st.lists(st.tuples(instants, rings), min_size=2, max_size=12))
def test_what_was_asked_before_changes_no_answer(
    window: Window, calendar: WorkCalendar, questions: list[tuple[datetime, float]]
) -> None:
    """Each question also a moment before and after itself, to meet what is remembered of the last answer."""
    for at, ring_s in questions:
        for moved in (timedelta(0), -MINUTE, timedelta(seconds=1), timedelta(hours=13)):
            fresh = windows_module._window_answers.__wrapped__(window, calendar)
            expected = fresh.next_opening(at + moved, timedelta(seconds=ring_s))
            assert next_open(window, calendar, at + moved, ring_s) == expected


YEARS = [
    (Window.daily("Asia/Shanghai", [Span(540, 720), Span(840, 1080)], Days.WORKDAYS, True), 2026, 28.0),
    (Window.daily("Europe/London", [Span(480, 1260)], Days.WEEKDAYS, must_end_by=1320), 2024, 90.0),
    (Window.daily("America/New_York", [Span(60, 150), Span(150, 1440)]), 2025, 28.0),
    (Window.daily("Asia/Kolkata", [Span(480, 1140)]), 2025, 0.0),
    (Window("Australia/Lord_Howe", (*[(Span(90, 135), Span(1320, 60))] * 5, (), ()), Days.EVERY_DAY), 2026, 28.0),
    (Window.daily("Africa/Cairo", [Span(1380, 30)], must_end_by=31), 2026, 90.0),
    (Window.daily("America/Havana", [Span(0, 1440)], Days.WEEKDAYS), 2026, 28.0),
]


@pytest.mark.parametrize(("window", "year", "ring_s"), YEARS, ids=[window.zone for window, _, _ in YEARS])
def test_a_whole_year(window: Window, year: int, ring_s: float) -> None:
    """From the end of a year to its start: the next opening, and what the wall clock shows, at minutes of all kinds."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    scan = scan_window(window, CALENDAR, start, 366)
    following: int | None = None
    for minute in range(365 * 1440 - 1, -1, -1):
        if scan.fit(minute, minute + int(ring_s // 60)):
            following = minute
        at = start + minute * MINUTE
        if minute % 37 == 0 and following is not None:
            assert next_open(window, CALENDAR, at, ring_s) == start + following * MINUTE
        if minute % 31 == 0:
            open_now, on_the_wall = bool(scan.leaves[minute]), wall_clock_says_open(window, CALENDAR, at)
            assert on_the_wall or not open_now
            assert open_now == on_the_wall or change_nearby(window.zone, at)


@settings(max_examples=30, deadline=None)
@given(zones, instants, rings)
def test_a_window_and_its_night_share_a_day(zone: str, at: datetime, ring_s: float) -> None:
    """Away from clock changes, hours that are forbidden from 21:00 to 08:00 are a window from 08:00 to 21:00."""
    found = next_permitted(Forbidden(zone, 1260, 480), at, ring_s)
    if not change_nearby(zone, at):
        assert found == next_open(Window.daily(zone, [Span(480, 1260)]), None, at, ring_s)
