"""Work calendars: which days are worked, from dated files that say how far they are complete.

A weekday is not a workday: China moves working days to weekends (调休) by a notice of the State Council each autumn. A
day outside the file's completeness is `DayKind.UNKNOWN` and never counts as open.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from schedules.documents import Document, read_document

DATA = Path(__file__).parent / "data"
WARN_BEFORE = timedelta(days=60)
"""How long before its end a calendar is reported as running out."""


class DayKind(str, Enum):
    """What a calendar says of a day."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP_WORKDAY = "make_up_workday"
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class WorkCalendar:
    """A calendar file. `holidays` are days off that would be weekdays, `make_up_workdays` worked days of a weekend."""

    name: str
    source: str
    notice: str
    complete_from: date
    complete_through: date
    holidays: frozenset[date]
    make_up_workdays: frozenset[date]
    sha256: str

    def kind(self, day: date) -> DayKind:
        """What `day` is; UNKNOWN outside the file's completeness."""
        if not self.complete_from <= day <= self.complete_through:
            return DayKind.UNKNOWN
        if day in self.make_up_workdays:
            return DayKind.MAKE_UP_WORKDAY
        if day.weekday() >= 5:
            return DayKind.WEEKEND
        return DayKind.HOLIDAY if day in self.holidays else DayKind.WORKDAY

    def warning(self, today: date) -> str | None:
        """A sentence for the supervisor when the file ends soon or has ended, else None."""
        left = (self.complete_through - today).days
        if left > WARN_BEFORE.days:
            return None
        state = f"ends in {left} days" if left >= 0 else "has ended"
        return (
            f"the calendar {self.name} {state} ({self.source}, complete through {self.complete_through}); "
            "no call is allowed after that day: add the next year's days to the file"
        )


def load_calendar(name_or_path: str) -> WorkCalendar:
    """A calendar of ours by name ("cn-workdays"), or any file by its path (with a slash or ".yaml").

    Raises:
        DocumentError: there is no such calendar, or the file is wrong; it names file, line and reason.
    """
    is_path = "/" in name_or_path or name_or_path.endswith(".yaml")
    if is_path:
        return parse_calendar(read_document(Path(name_or_path)))
    file_name = f"{name_or_path}.yaml"
    return parse_calendar(read_document(DATA / file_name, f"schedules/data/{file_name}"))


def parse_calendar(document: Document) -> WorkCalendar:
    """Checks a calendar document (DocumentError as in `load_calendar`)."""
    data = document.data
    if not isinstance(data, dict):
        raise document.error((), "a calendar is a mapping of keys")
    known = {"calendar", "notice", "complete_from", "complete_through", "holidays", "make_up_workdays"}
    for key in data:
        if key not in known:
            raise document.error((key,), f"unknown key; known are {', '.join(sorted(known))}")
    calendar = WorkCalendar(
        name=_text(document, "calendar"),
        source=document.source,
        notice=_text(document, "notice"),
        complete_from=_date(document, ("complete_from",), data.get("complete_from")),
        complete_through=_date(document, ("complete_through",), data.get("complete_through")),
        holidays=_dates(document, "holidays"),
        make_up_workdays=_dates(document, "make_up_workdays"),
        sha256=document.sha256,
    )
    _check(document, calendar)
    return calendar


def _check(document: Document, calendar: WorkCalendar) -> None:
    for key, weekend in (("holidays", False), ("make_up_workdays", True)):
        for index, text in enumerate(document.data[key]):
            day = date.fromisoformat(text)
            if (day.weekday() >= 5) != weekend:
                raise document.error(
                    (key, index), f"{day} is a {day:%A}: {'only weekend' if weekend else 'only week'} days"
                )
            if calendar.kind(day) is DayKind.UNKNOWN:
                raise document.error((key, index), f"{day} is outside complete_from … complete_through")


def _text(document: Document, key: str) -> str:
    value = document.data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise document.error((key,), "text is missing here")
    return value.strip()


def _date(document: Document, place: tuple[str | int, ...], value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise document.error(place, f"{value!r} is not a date like 2026-10-01") from None


def _dates(document: Document, key: str) -> frozenset[date]:
    values = document.data.get(key)
    if not isinstance(values, list):
        raise document.error((key,), "a list of dates is missing here")
    return frozenset(_date(document, (key, index), value) for index, value in enumerate(values))
