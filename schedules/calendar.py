"""Work calendars: which days are worked, from dated files that say how far they are complete.

A weekday is not a workday: China moves working days to weekends (调休) by a notice of the State Council each autumn. A
day outside the file's completeness is `DayKind.UNKNOWN` and never counts as open. docs/calendars.md describes the
files.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any

from schedules.documents import Document, DocumentError, Place, read_document

DATA = Path(__file__).parent / "data"
DAY = timedelta(days=1)
WARN_BEFORE = timedelta(days=60)
"""How long before its end a calendar is reported as running out."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How a file names the days of its weekend."""
SATURDAY_AND_SUNDAY = frozenset({5, 6})
KNOWN_KEYS = {
    *("calendar", "region", "notice", "weekend", "complete", "complete_from", "complete_through"),
    *("holidays", "make_up_workdays"),
}


class DayKind(str, Enum):
    """What a calendar says of a day."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MAKE_UP_WORKDAY = "make_up_workday"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Complete:
    """From `first` through `last` every day is known, from `source`."""

    first: date
    last: date
    source: str


@dataclass(frozen=True, eq=False)
class WorkCalendar:
    """A calendar file. `holidays` are days off that would be weekdays, `make_up_workdays` worked days of a weekend.

    `complete` are the ranges behind `complete_from` and `complete_through`, without a gap.
    `region` is ISO 3166 ("CN", "GB-EAW"), empty when the file names none; `weekend` holds weekdays (0 is Monday);
    `names` those of the holidays that have one. `document_json` is the whole file as canonical JSON, from which
    `calendar_from_json` makes the same calendar again, and `sha256` is the hash of that text.
    """

    name: str
    source: str
    notice: str
    complete_from: date
    complete_through: date
    holidays: frozenset[date]
    make_up_workdays: frozenset[date]
    sha256: str
    document_json: str = field(repr=False)
    complete: tuple[Complete, ...]
    region: str = ""
    weekend: frozenset[int] = SATURDAY_AND_SUNDAY
    names: Mapping[date, str] = field(default_factory=dict, repr=False)

    def kind(self, day: date) -> DayKind:
        """What `day` is; UNKNOWN outside the file's completeness."""
        if not self.complete_from <= day <= self.complete_through:
            return DayKind.UNKNOWN
        if day in self.make_up_workdays:
            return DayKind.MAKE_UP_WORKDAY
        if day.weekday() in self.weekend:
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


def shipped_calendars() -> tuple[str, ...]:
    """The names of the calendars that come with the program."""
    return tuple(sorted(path.stem for path in DATA.glob("*.yaml")))


def calendar_from_json(text: str) -> WorkCalendar:
    """The calendar of a `document_json` kept earlier, with the same `sha256` (DocumentError: it is none)."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise DocumentError("stored calendar:1: not JSON") from error
    return parse_calendar(Document("stored calendar", data, {}))


def parse_calendar(document: Document) -> WorkCalendar:
    """Checks a calendar document (DocumentError as in `load_calendar`)."""
    data = document.data
    if not isinstance(data, dict):
        raise document.error((), "a calendar is a mapping of keys")
    for key in data:
        if key not in KNOWN_KEYS:
            raise document.error((key,), f"unknown key; known are {', '.join(sorted(KNOWN_KEYS))}")
    complete = _completeness(document)
    holidays = list(_days(document, "holidays"))
    make_up_workdays = list(_days(document, "make_up_workdays"))
    calendar = WorkCalendar(
        name=_text(document, ("calendar",), data.get("calendar")),
        source=document.source,
        notice=_text(document, ("notice",), data.get("notice")),
        complete_from=complete[0].first,
        complete_through=complete[-1].last,
        holidays=frozenset(day for day, _ in holidays),
        make_up_workdays=frozenset(day for day, _ in make_up_workdays),
        sha256=document.sha256,
        document_json=document.canonical_json,
        complete=complete,
        region=_region(document),
        weekend=_weekend(document),
        names={day: name for day, name in (*holidays, *make_up_workdays) if name},
    )
    _check_days(document, calendar)
    _check_years(document, calendar)
    return calendar


def _check_days(document: Document, calendar: WorkCalendar) -> None:
    """Each listed day stands once, on a day of its kind, within the completeness."""
    for key, weekend in (("holidays", False), ("make_up_workdays", True)):
        seen: set[date] = set()
        for index, (day, _) in enumerate(_days(document, key)):
            if day in seen:
                raise document.error((key, index), f"{day} stands here a second time")
            seen.add(day)
            if (day.weekday() in calendar.weekend) != weekend:
                raise document.error(
                    (key, index), f"{day} is a {day:%A}: {'only weekend' if weekend else 'only week'} days"
                )
            if calendar.kind(day) is DayKind.UNKNOWN:
                raise document.error((key, index), f"{day} is outside complete_from … complete_through")


def _check_years(document: Document, calendar: WorkCalendar) -> None:
    """No country works a whole year through: a year without a holiday was forgotten."""
    for year in range(calendar.complete_from.year, calendar.complete_through.year + 1):
        whole = calendar.complete_from <= date(year, 1, 1) and date(year, 12, 31) <= calendar.complete_through
        if whole and not any(day.year == year for day in calendar.holidays):
            raise document.error(("holidays",), f"{year} is said to be complete but has no holiday: a hole")


def _completeness(document: Document) -> tuple[Complete, ...]:
    """The ranges of `complete`, which leave no gap, or the one from `complete_from` through `complete_through`."""
    data = document.data
    if "complete" not in data:
        first, last = (_date(document, (key,), data.get(key)) for key in ("complete_from", "complete_through"))
        if last < first:
            raise document.error(("complete_through",), f"{last} is before complete_from {first}")
        return (Complete(first, last, _text(document, ("notice",), data.get("notice"))),)
    if "complete_from" in data or "complete_through" in data:
        raise document.error(("complete",), "say either complete, or complete_from and complete_through")
    if not isinstance(data["complete"], list) or not data["complete"]:
        raise document.error(("complete",), "a list of ranges is missing here")
    ranges = tuple(_range(document, ("complete", index), value) for index, value in enumerate(data["complete"]))
    for index, (before, after) in enumerate(pairwise(ranges), start=1):
        if after.first != before.last + DAY:
            reason = f"begins on {after.first} but the range before ends on {before.last}: neither gap nor overlap"
            raise document.error(("complete", index), reason)
    return ranges


def _range(document: Document, place: Place, value: Any) -> Complete:
    """A range with the text that makes it known: `{from: …, through: …, source: …}`."""
    if not isinstance(value, dict) or set(value) != {"from", "through", "source"}:
        raise document.error(place, "a range has the keys from, through and source")
    source = _text(document, (*place, "source"), value["source"])
    first, last = (_date(document, (*place, key), value[key]) for key in ("from", "through"))
    if last < first:
        raise document.error((*place, "through"), f"{last} is before {first}")
    return Complete(first, last, source)


def _region(document: Document) -> str:
    region = document.data.get("region", "")
    if not isinstance(region, str) or not re.fullmatch(r"([A-Z]{2}(-[A-Z0-9]{1,3})?)?", region):
        raise document.error(("region",), f"{region!r} is not an ISO 3166 code like CN or GB-EAW")
    return region


def _weekend(document: Document) -> frozenset[int]:
    names = document.data.get("weekend", ["sat", "sun"])
    if not isinstance(names, list) or not all(name in WEEKDAYS for name in names):
        raise document.error(("weekend",), f"a list of {', '.join(WEEKDAYS)} is missing here")
    return frozenset(map(WEEKDAYS.index, names))


def _days(document: Document, key: str) -> Iterator[tuple[date, str]]:
    """The days of a list with their names: plain dates, or `{date: …, name: …}`."""
    values = document.data.get(key)
    if not isinstance(values, list):
        raise document.error((key,), "a list of dates is missing here")
    for index, value in enumerate(values):
        if not isinstance(value, dict):
            yield _date(document, (key, index), value), ""
            continue
        if set(value) != {"date", "name"}:
            raise document.error((key, index), "a day has the keys date and name, or is a plain date")
        name = _text(document, (key, index, "name"), value["name"])
        yield _date(document, (key, index, "date"), value["date"]), name


def _text(document: Document, place: Place, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise document.error(place, "text is missing here")
    return value.strip()


def _date(document: Document, place: Place, value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise document.error(place, f"{value!r} is not a date like 2026-10-01") from None
    if day.isoformat() != value:  # other forms of ISO 8601 would give one day two hashes
        raise document.error(place, f"{value!r} is not a date like 2026-10-01")
    return day
