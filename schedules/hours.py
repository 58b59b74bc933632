"""Hours as values: the spans of a day, calling windows of a week, forbidden hours. What they mean in time: `windows`.

Minutes count from midnight on the wall clock of a zone, 0 to 1440 (24:00). A span that ends before it begins goes over
midnight; all of it belongs to the day it began on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from itertools import pairwise

MINUTES_A_DAY = 24 * 60
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Days(str, Enum):
    """Which days a window is open on; WEEKDAYS are Monday to Friday, WORKDAYS asks a calendar."""

    EVERY_DAY = "every_day"
    WEEKDAYS = "weekdays"
    WORKDAYS = "workdays"


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


@dataclass(frozen=True, slots=True)
class Span:
    """From `from_minute` to before `to_minute`; over midnight when `to` is before `from`."""

    from_minute: int
    to_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.from_minute < MINUTES_A_DAY and 0 < self.to_minute <= MINUTES_A_DAY):
            raise ValueError("hours lie between 00:00 and 24:00, and end at 24:00 where they end at midnight")
        if self.from_minute == self.to_minute:
            raise ValueError("hours that begin and end at the same minute are empty or everything: say which")

    @property
    def over_midnight(self) -> bool:
        """Whether it ends on the day after the one it began on."""
        return self.to_minute < self.from_minute

    @property
    def end_minute(self) -> int:
        """Its end in minutes since the midnight of the day it began on: above 1440 when it goes over midnight."""
        return self.to_minute + MINUTES_A_DAY if self.over_midnight else self.to_minute

    def __str__(self) -> str:
        return f"{clock(self.from_minute)}-{clock(self.to_minute)}"


Week = tuple[tuple[Span, ...], ...]
"""The spans of Monday to Sunday: seven tuples, each in the order of the day."""


@dataclass(frozen=True, slots=True)
class Window:
    """Calls may leave within the spans of the weekday, on the `days` of them, by the clock of `zone`.

    The whole ringing lies within the spans too, but from the last span of a day it may last until `must_end_by_minute`
    (on the clock of the day that span ends on). `make_up_workdays`: whether a worked day of a weekend counts as a
    workday; it has the spans of its own weekday, or those of the first of Monday to Friday that has any.

    Raises:
        ValueError: the week is not seven days, or is empty; spans overlap or are out of order; the ringing would have
            to end before the last span does. The message names day and spans.
    """

    zone: str
    week: Week
    days: Days = Days.EVERY_DAY
    make_up_workdays: bool = False
    must_end_by_minute: int | None = None
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != len(WEEKDAY_NAMES):
            raise ValueError("the week of a window has seven days, Monday first")
        if not any(self.week):
            raise ValueError("a window has at least one span")
        for weekday in range(len(WEEKDAY_NAMES)):
            self._check_order(weekday)
            self._check_ringing(weekday)
        content = (self.zone, self.week, self.days, self.make_up_workdays, self.must_end_by_minute)
        object.__setattr__(self, "_hash", hash(content))

    def __hash__(self) -> int:
        """Of the content, but only once: a window is looked up with every decision."""
        return self._hash

    @classmethod
    def daily(
        cls,
        zone: str,
        spans: Iterable[Span],
        days: Days = Days.EVERY_DAY,
        make_up_workdays: bool = False,
        must_end_by: int | None = None,
    ) -> "Window":
        """The window that has the same spans on each of its days (ValueError as for any window)."""
        return cls(zone, (tuple(spans),) * len(WEEKDAY_NAMES), days, make_up_workdays, must_end_by)

    def in_zone(self, zone: str) -> "Window":
        """The same hours by another clock."""
        return self if zone == self.zone else _moved(self, zone)

    def hours(self, weekday: int) -> str:
        """The spans of a weekday (0 is Monday) for people: "09:00-12:00, 14:00-18:00"; empty when there are none."""
        return ", ".join(map(str, self.week[weekday]))

    def _check_order(self, weekday: int) -> None:
        """Each span begins after the one before has ended, the last one of the day before included."""
        name, spans = WEEKDAY_NAMES[weekday], self.week[weekday]
        for earlier, later in pairwise(spans):
            if later.from_minute < earlier.end_minute:
                raise ValueError(f"{name}: {later} begins before {earlier} ends")
        day_before = self.week[weekday - 1]
        if spans and day_before and spans[0].from_minute < day_before[-1].end_minute - MINUTES_A_DAY:
            before = f"{WEEKDAY_NAMES[weekday - 1]}'s {day_before[-1]}"
            raise ValueError(f"{name}: {spans[0]} begins before {before} ends")

    def _check_ringing(self, weekday: int) -> None:
        limit = self.must_end_by_minute
        if limit is None or not self.week[weekday]:
            return
        last = self.week[weekday][-1]
        if not last.to_minute <= limit <= MINUTES_A_DAY:
            raise ValueError(f"{WEEKDAY_NAMES[weekday]}: ringing must end by {clock(limit)}, before {last} ends")


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No call may ring from `from_minute` to before `to_minute` in `zone`; over midnight when `to` is before `from`."""

    zone: str
    from_minute: int
    to_minute: int

    def __post_init__(self) -> None:
        try:
            Span(self.from_minute, self.to_minute)
        except ValueError as error:
            raise ValueError(f"forbidden {error}") from None

    @property
    def end_minute(self) -> int:
        """Its end in minutes since the midnight of the day it began on: above 1440 when it goes over midnight."""
        return Span(self.from_minute, self.to_minute).end_minute


@lru_cache(maxsize=4096)
def _moved(window: Window, zone: str) -> Window:
    return Window(zone, window.week, window.days, window.make_up_workdays, window.must_end_by_minute)
