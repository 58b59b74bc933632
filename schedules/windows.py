"""When a call may leave: calling windows and forbidden hours in time, exact over clock changes and calendars that end.

Theory. Each span of a called day is one stretch of absolute time, [from, to): 18:00:00 is outside. A call that leaves
at an instant and may ring for `ring_s` fits when the instant lies in a stretch and the whole ringing, its last instant
included, lies in stretches that touch (23:59 into 00:00, 12:00 into 12:00), or before the window's
`must_end_by_minute` after the last span of a day.

Clock changes. A bound that a clock reads twice, or never because it skips it, has two readings: with the offset before
the change and with the one after. The stricter is taken: the later for `from`, the earlier for `to` and for the end of
ringing. Where two spans touch there is no bound, so nothing is lost there: open all day, every day, is always open.
Forbidden hours are read the other way round, as wide as the clock lets them be.

Speed. Nearly every question falls into the stretch of the question before, so each window keeps that stretch, and the
waits it last told of; both are exact, since an answer is right for every instant between the question and itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from schedules.calendar import DayKind, WorkCalendar
from schedules.hours import MINUTES_A_DAY, Days, Forbidden, Span, Window
from schedules.search import Opening

DAY = timedelta(days=1)
SEARCH_DAYS = 400
"""How far ahead an opening is looked for: more than any run of closed days in a year."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Calls may leave from `start` to before `end`, and ring until before `rings_until` (UTC, not before `end`)."""

    start: datetime
    end: datetime
    rings_until: datetime


class ClosedCode(str, Enum):
    """Why a window is closed."""

    CALENDAR_UNKNOWN = "calendar_unknown"
    """The calendar does not hold the day, or there is none."""
    HOLIDAY = "holiday"
    WEEKEND = "weekend"
    NOT_A_DAY = "not_a_day"
    """The window has no hours on that weekday, or does not count make-up workdays (then `kind` is one)."""
    OUTSIDE_HOURS = "outside_hours"
    RINGING_PASSES_END = "ringing_passes_end"


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a window is closed, for any language: `day` and `local_time` ("17:59:40") by the clock of `zone`.

    `kind` and `calendar` (its name) where a calendar was asked; `holiday` is the day's name if the file gives one;
    `hours` those of the weekday ("09:00-18:00"), empty when it has none.
    """

    code: ClosedCode
    zone: str
    day: date
    local_time: str
    hours: str
    kind: DayKind | None = None
    calendar: str = ""
    holiday: str = ""


def is_open(window: Window, calendar: WorkCalendar | None, at: datetime, ring_s: float = 0.0) -> bool:
    """Whether a call that leaves at `at` (aware) and rings for `ring_s` at most lies wholly inside the window."""
    instant = at.astimezone(UTC)
    return _window_answers(window, calendar).next_opening(instant, timedelta(seconds=ring_s)) == instant


def next_open(window: Window, calendar: WorkCalendar | None, at: datetime, ring_s: float = 0.0) -> datetime | None:
    """The earliest instant (UTC), `at` included, when `is_open`; None when the calendar ends before."""
    return _window_answers(window, calendar).next_opening(at.astimezone(UTC), timedelta(seconds=ring_s))


def opening_of(hours: Window | Forbidden, calendar: WorkCalendar | None, ring_s: float) -> Opening:
    """`next_open` of a window, or `next_permitted` of forbidden hours, for whoever asks often: of instants in UTC."""
    answers = _window_answers(hours, calendar) if isinstance(hours, Window) else _forbidden_answers(hours)
    return partial(answers.next_opening, ring=timedelta(seconds=ring_s))


def next_permitted(forbidden: Forbidden, at: datetime, ring_s: float = 0.0) -> datetime | None:
    """The earliest instant (UTC), `at` included, when no part of the ringing is forbidden; None if it never fits."""
    return _forbidden_answers(forbidden).next_opening(at.astimezone(UTC), timedelta(seconds=ring_s))


@lru_cache(maxsize=4096)
def day_start(day: date, zone: str) -> datetime:
    """The first instant (UTC) of a calendar day in a zone, also where the clock skips midnight."""
    return _reading(day, 0, zone, 0)


def closed_because(window: Window, calendar: WorkCalendar | None, at: datetime, ring_s: float = 0.0) -> Closed | None:
    """Why a call may not leave at `at`; None when it may."""
    if is_open(window, calendar, at, ring_s):
        return None
    local = at.astimezone(ZoneInfo(window.zone))
    day = local.date()
    asked = calendar if window.days is Days.WORKDAYS else None
    kind = None if window.days is not Days.WORKDAYS else DayKind.UNKNOWN if asked is None else asked.kind(day)
    spans = _spans(window, calendar, day)
    code = _closed_code(window, calendar, at, kind, bool(spans))
    if code is ClosedCode.RINGING_PASSES_END and not spans:
        spans = _spans(window, calendar, day - DAY)  # the night after the window's day
    return Closed(
        code=code,
        zone=window.zone,
        day=day,
        local_time=local.time().isoformat("seconds"),
        hours=_told(spans),
        kind=kind,
        calendar="" if asked is None else asked.name,
        holiday="" if asked is None else asked.names.get(day, ""),
    )


def _closed_code(
    window: Window, calendar: WorkCalendar | None, at: datetime, kind: DayKind | None, has_spans: bool
) -> ClosedCode:
    if is_open(window, calendar, at):
        return ClosedCode.RINGING_PASSES_END  # it would do with a shorter ringing
    if has_spans:
        return ClosedCode.OUTSIDE_HOURS
    return _CLOSED_DAYS.get(kind, ClosedCode.NOT_A_DAY)


_CLOSED_DAYS: dict[DayKind | None, ClosedCode] = {
    DayKind.UNKNOWN: ClosedCode.CALENDAR_UNKNOWN,
    DayKind.HOLIDAY: ClosedCode.HOLIDAY,
    DayKind.WEEKEND: ClosedCode.WEEKEND,
}


@lru_cache(maxsize=1024)
def _told(spans: tuple[Span, ...]) -> str:
    return ", ".join(map(str, spans))


class _Answers:
    """Finds openings among the stretches of days, and remembers around the latest answer.

    Both memories are replaced whole, so threads may share them.
    """

    __slots__ = ("_open", "_stretches", "_waits", "_zone")

    def __init__(self, zone: str, stretches: Callable[[date], tuple[_Stretch, ...] | None]) -> None:
        """`stretches`: those that begin on a day, in order; None from the day on after which there are none."""
        self._zone = zone
        self._stretches = stretches
        self._open: tuple[_Stretch, ...] = ()  # the latest two: a refusal asks about now and about its next time
        self._waits: tuple[tuple[timedelta, datetime, datetime], ...] = ()  # with the longest ringing, and with none

    def next_opening(self, at: datetime, ring: timedelta) -> datetime | None:
        """The earliest instant from `at` (UTC) on at which a ringing of that length fits."""
        for stretch in self._open:
            if stretch.start <= at < stretch.end and at + ring < stretch.rings_until:
                return at
        for asked_ring, asked_at, opening in self._waits:
            if asked_at <= at <= opening and asked_ring == ring:
                return opening
        found = self._search(at, ring)
        if found is not None and found > at:
            others = [wait for wait in self._waits if wait[0] != ring]
            self._waits = ((ring, at, found), *others[:1])
        return found

    def _search(self, at: datetime, ring: timedelta) -> datetime | None:
        """Goes through the stretches from yesterday's on: one over midnight may last until now."""
        day = at.astimezone(ZoneInfo(self._zone)).date() - DAY
        candidate, chained_until = None, at
        for _ in range(SEARCH_DAYS):
            stretches = self._stretches(day)
            if stretches is None:
                return None
            for stretch in stretches:
                if stretch.start > chained_until:
                    candidate, chained_until = None, stretch.rings_until
                chained_until = max(chained_until, stretch.rings_until)
                if candidate is None and at < stretch.end:
                    candidate = max(at, stretch.start)
                    self._open = (stretch, *self._open[:1])
                if candidate is not None and candidate + ring < chained_until:
                    return candidate
            day += DAY
        return None


@lru_cache(maxsize=4096)
def _window_answers(window: Window, calendar: WorkCalendar | None) -> _Answers:
    return _Answers(window.zone, partial(_window_stretches, window, calendar))


@lru_cache(maxsize=4096)
def _forbidden_answers(forbidden: Forbidden) -> _Answers:
    return _Answers(forbidden.zone, partial(_permitted_stretches, forbidden))


@lru_cache(maxsize=16384)
def _window_stretches(window: Window, calendar: WorkCalendar | None, day: date) -> tuple[_Stretch, ...] | None:
    """The stretches that begin on `day`; None from the day on that the window's calendar does not hold."""
    if window.days is Days.WORKDAYS and (calendar is None or day > calendar.complete_through):
        return None
    spans, hours = _spans(window, calendar, day), _hours(window, calendar, day)
    before = _hours(window, calendar, day - DAY)
    found = []
    for index, (from_minute, end_minute) in enumerate(hours):
        start = _later(day, from_minute, window.zone)
        if index == 0 and before and before[-1][1] - MINUTES_A_DAY == from_minute:
            # Touches yesterday's hours: no bound, so this one begins where they end, but never before they began.
            start = max(_earlier(day, from_minute, window.zone), _later(day - DAY, before[-1][0], window.zone))
        end = rings_until = _earlier(day, end_minute, window.zone)
        if index == len(hours) - 1:
            rings_until = max(end, _ringing_limit(window, day, spans[-1]))
        if start < end:
            found.append(_Stretch(start, end, rings_until))
    return tuple(found)


def _spans(window: Window, calendar: WorkCalendar | None, day: date) -> tuple[Span, ...]:
    """The window's spans on a day, none on a day that is not one of its days."""
    own = window.week[day.weekday()]
    if window.days is Days.EVERY_DAY:
        return own
    if window.days is Days.WEEKDAYS:
        return own if day.weekday() < 5 else ()
    kind = DayKind.UNKNOWN if calendar is None else calendar.kind(day)
    if kind is DayKind.WORKDAY:
        return own
    if kind is DayKind.MAKE_UP_WORKDAY and window.make_up_workdays:
        return own or next(filter(None, window.week[:5]), ())
    return ()


def _hours(window: Window, calendar: WorkCalendar | None, day: date) -> list[tuple[int, int]]:
    """The spans of a day as minutes from its midnight, those that touch as one."""
    hours: list[tuple[int, int]] = []
    for span in _spans(window, calendar, day):
        touches = bool(hours) and hours[-1][1] == span.from_minute
        hours.append((hours.pop()[0] if touches else span.from_minute, span.end_minute))
    return hours


def _ringing_limit(window: Window, day: date, last: Span) -> datetime:
    """Until when the ringing of the day's last span may last: the end of the span or the window's own limit."""
    limit = last.to_minute if window.must_end_by_minute is None else window.must_end_by_minute
    return _earlier(day, limit + (last.end_minute - last.to_minute), window.zone)


@lru_cache(maxsize=16384)
def _permitted_stretches(forbidden: Forbidden, day: date) -> tuple[_Stretch, ...]:
    """From the end of the forbidden hours that begin on `day` to the start of the next ones."""
    start = _later(day, forbidden.end_minute, forbidden.zone)
    end = _earlier(day + DAY, forbidden.from_minute, forbidden.zone)
    return (_Stretch(start, end, end),) if start < end else ()


def _earlier(day: date, minute: int, zone: str) -> datetime:
    return min(_reading(day, minute, zone, fold) for fold in (0, 1))


def _later(day: date, minute: int, zone: str) -> datetime:
    return max(_reading(day, minute, zone, fold) for fold in (0, 1))


def _reading(day: date, minute: int, zone: str, fold: int) -> datetime:
    """The instant (UTC) at which a clock in `zone` reads `minute` of `day` (1440 and more: of the next day).

    `fold` as in `datetime`: 0 and 1 differ where the clock reads it twice or never.
    """
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 (gets its zone below)
    return naive.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
