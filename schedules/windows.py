"""Calling windows: half-open hours of certain days in one zone, exact over daylight saving and calendars that end.

Theory: on each called day of its zone a window is one interval of absolute time, [from, to). A call that may ring for
`ring_s` fits at an instant when the whole ringing lies inside one interval, its last instant included: 18:00:00 is
outside. Where a clock change makes a bound ambiguous or skips it, the stricter reading is taken: the later instant for
`from`, the earlier for `to`. Hours that are forbidden are the complement, with the same strictness the other way round.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from schedules.calendar import DayKind, WorkCalendar

DAY = timedelta(days=1)
SEARCH_DAYS = 400
"""How far ahead an opening is looked for: more than any run of closed days in a year."""
MINUTES_A_DAY = 24 * 60


class Days(str, Enum):
    """Which days a window is open on; WORKDAYS asks a calendar."""

    EVERY_DAY = "every_day"
    WEEKDAYS = "weekdays"
    WORKDAYS = "workdays"


@dataclass(frozen=True, slots=True)
class Window:
    """Calls may ring from `from_minute` to before `to_minute` (minutes since midnight, 0 to 1440) of `days` in `zone`.

    `make_up_workdays`: whether a worked Saturday or Sunday counts as a workday.
    """

    zone: str
    from_minute: int
    to_minute: int
    days: Days = Days.EVERY_DAY
    make_up_workdays: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.from_minute < self.to_minute <= MINUTES_A_DAY:
            raise ValueError("a window begins before it ends, within one day")


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No call may ring from `from_minute` to before `to_minute` in `zone`; over midnight when `to` is before `from`."""

    zone: str
    from_minute: int
    to_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.from_minute < MINUTES_A_DAY and 0 < self.to_minute <= MINUTES_A_DAY):
            raise ValueError("forbidden hours lie between 00:00 and 24:00")
        if self.from_minute == self.to_minute:
            raise ValueError("forbidden hours that begin and end at the same minute are empty or everything: say which")


def minute_of_day(text: str) -> int:
    """Minutes since midnight of "HH:MM", "24:00" included; ValueError for anything else."""
    hours, separator, minutes = text.partition(":")
    if not (
        separator and len(hours) == 2 == len(minutes) and (hours + minutes).isascii() and (hours + minutes).isdigit()
    ):
        raise ValueError(f"{text!r} is not a time like 09:00")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > MINUTES_A_DAY:
        raise ValueError(f"{text!r} is not a time of the day")
    return total


def clock(minute: int) -> str:
    """Minutes since midnight as "HH:MM"."""
    return f"{minute // 60:02}:{minute % 60:02}"


def is_open(window: Window, calendar: WorkCalendar | None, at: datetime, ring_s: float = 0.0) -> bool:
    """Whether a call that leaves at `at` (aware) and rings for `ring_s` at most lies wholly inside the window."""
    instant = at.astimezone(UTC)
    return _search(window, calendar, instant, ring_s, 2) == instant  # two days: the ringing may pass midnight


def next_open(window: Window, calendar: WorkCalendar | None, at: datetime, ring_s: float = 0.0) -> datetime | None:
    """The earliest instant (UTC), `at` included, when `is_open`; None when the calendar ends before."""
    return _search(window, calendar, at.astimezone(UTC), ring_s, SEARCH_DAYS)


def next_permitted(forbidden: Forbidden, at: datetime, ring_s: float = 0.0) -> datetime | None:
    """The earliest instant (UTC), `at` included, when no part of the ringing is forbidden; None if it never fits."""
    instant = at.astimezone(UTC)
    for _ in range(3):  # tonight, tomorrow's night: what does not fit between those fits nowhere
        blocking = _blocking(forbidden, instant, instant + timedelta(seconds=ring_s))
        if blocking is None:
            return instant
        instant = blocking
    return None


@lru_cache(maxsize=4096)
def day_start(day: date, zone: str) -> datetime:
    """The first instant (UTC) of a calendar day in a zone, also where the clock skips midnight."""
    return _reading(day, 0, zone, 0)


def why_closed(window: Window, calendar: WorkCalendar | None, at: datetime) -> str:
    """In words, why a window that is not open at `at` is closed."""
    local = at.astimezone(ZoneInfo(window.zone))
    hours = f"{clock(window.from_minute)}–{clock(window.to_minute)} {window.zone}"
    if window.days is Days.WORKDAYS and calendar is not None:
        kind = calendar.kind(local.date())
        if kind is DayKind.UNKNOWN:
            through = f"complete from {calendar.complete_from} through {calendar.complete_through}"
            return f"{local:%Y-%m-%d} is not in the calendar {calendar.name} ({calendar.source}, {through})"
        if not _called(window, calendar, local.date()):
            return f"{local:%A %Y-%m-%d} is a {kind.value.replace('_', '-')} in the calendar {calendar.name}"
    elif not _called(window, calendar, local.date()):
        return f"{local:%A %Y-%m-%d} is not a day of the window"
    return f"{local:%H:%M:%S} plus the longest ringing is not inside {hours}"


def _search(
    window: Window, calendar: WorkCalendar | None, instant: datetime, ring_s: float, n_days: int
) -> datetime | None:
    """The earliest fitting instant of the next days; days that touch at midnight are one interval."""
    ring = timedelta(seconds=ring_s)
    day = instant.astimezone(ZoneInfo(window.zone)).date()
    start = end = instant
    for offset in range(n_days):
        found = _interval(window, calendar, day + timedelta(days=offset))
        if found is None:
            continue
        start = start if offset and found[0] <= end else found[0]
        end = found[1]
        candidate = max(instant, start)
        if candidate + ring < end:
            return candidate
    return None


def _blocking(forbidden: Forbidden, start: datetime, end: datetime) -> datetime | None:
    """When the forbidden interval ends that [start, end] touches, None when it touches none."""
    today = start.astimezone(ZoneInfo(forbidden.zone)).date()
    for day in (today - DAY, today, today + DAY):  # last night may last until now, the ringing may reach tomorrow
        forbidden_from, forbidden_until = _forbidden_interval(forbidden, day)
        if forbidden_from <= end and start < forbidden_until:
            return forbidden_until
    return None


@lru_cache(maxsize=4096)
def _interval(window: Window, calendar: WorkCalendar | None, day: date) -> tuple[datetime, datetime] | None:
    if not _called(window, calendar, day):
        return None
    start = max(_reading(day, window.from_minute, window.zone, fold) for fold in (0, 1))
    end = min(_reading(day, window.to_minute, window.zone, fold) for fold in (0, 1))
    return (start, end) if start < end else None


def _called(window: Window, calendar: WorkCalendar | None, day: date) -> bool:
    if window.days is Days.EVERY_DAY:
        return True
    if window.days is Days.WEEKDAYS:
        return day.weekday() < 5
    kind = DayKind.UNKNOWN if calendar is None else calendar.kind(day)
    return kind is DayKind.WORKDAY or (kind is DayKind.MAKE_UP_WORKDAY and window.make_up_workdays)


@lru_cache(maxsize=4096)
def _forbidden_interval(forbidden: Forbidden, day: date) -> tuple[datetime, datetime]:
    """The forbidden interval that begins on `day`, as wide as an ambiguous clock lets it be."""
    last_day = day if forbidden.to_minute > forbidden.from_minute else day + DAY
    start = min(_reading(day, forbidden.from_minute, forbidden.zone, fold) for fold in (0, 1))
    end = max(_reading(last_day, forbidden.to_minute, forbidden.zone, fold) for fold in (0, 1))
    return start, end


def _reading(day: date, minute: int, zone: str, fold: int) -> datetime:
    """The instant (UTC) at which a clock in `zone` reads `minute` of `day`; `fold` as in `datetime`."""
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 (gets its zone below)
    return naive.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
