"""Builds calendar files from the packages `holidays` and `chinesecalendar`, and says what would change.

Neither package is part of the product: they come with `pip install 'dialer[calendars]'`, are asked once a year by a
person, and what they say becomes a dated file that this person compares with the official notice. A year a package does
not really know is refused: `holidays` answers for any year, with days computed from old rules, marked "(estimated)"
where they hang on the moon, and without the working days China moves (调休).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from schedules.calendar import DAY, WEEKDAYS, Complete, WorkCalendar, parse_calendar
from schedules.documents import parse_document

Named = Mapping[date, str]
SAME_DAYS = {"GB-ENG": "GB-EAW", "GB-WLS": "GB-EAW"}
"""Regions that a calendar of ours holds under another code."""


class ImportingError(ValueError):
    """A package is missing or does not know what was asked; the message says which and why."""


class Package(str, Enum):
    """Where days come from."""

    HOLIDAYS = "holidays"
    CHINESECALENDAR = "chinesecalendar"


@dataclass(frozen=True, slots=True)
class ImportedYear:
    """What a package says of a year. `source` names package and release."""

    region: str
    year: int
    weekend: frozenset[int]
    holidays: Named
    make_up_workdays: Named
    source: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a new calendar has more and less than an old one, and the first and last day each is complete for."""

    added_holidays: Named
    removed_holidays: Named
    added_make_up_workdays: Named
    removed_make_up_workdays: Named
    complete_before: tuple[date, date] | None
    complete_after: tuple[date, date]

    @property
    def changes_nothing(self) -> bool:
        """Whether every day is what it was."""
        days = (self.added_holidays, self.removed_holidays, self.added_make_up_workdays, self.removed_make_up_workdays)
        return not any(days) and self.complete_before == self.complete_after


def region_of(country: str) -> str:
    """The region a calendar of `country` (ISO 3166, as `import_year` takes it) is kept under."""
    return SAME_DAYS.get(country, country)


def import_year(region: str, year: int, package: Package | None = None) -> ImportedYear:
    """What a package says of a year in a region (ISO 3166: "CN", "US", "GB-ENG"); the best one for it when not named.

    Raises:
        ImportingError: the package is not installed, does not know region or year, or only guesses.
    """
    package = package or (Package.CHINESECALENDAR if region == "CN" else Package.HOLIDAYS)
    found = _from_chinesecalendar(region, year) if package is Package.CHINESECALENDAR else _from_holidays(region, year)
    if not found.holidays:
        raise ImportingError(f"{found.source} has no holiday in {year} for {region}")
    if region == "CN" and not found.make_up_workdays:
        raise ImportingError(
            f"{found.source} has only the statutory days of {year} for CN, not the working days that were moved "
            "(调休): wait for a release that holds the State Council's notice"
        )
    return found


def merged(before: WorkCalendar | None, years: Sequence[ImportedYear], head: str = "") -> str:
    """A calendar file (YAML): `before` with the imported years in the place of its own; `head` is its leading comment.

    Raises:
        ImportingError: `before` is of another region.
        DocumentError: the years leave a gap.
    """
    region, weekend = years[0].region, years[0].weekend
    if before is not None and before.region not in ("", region):
        raise ImportingError(f"{before.source} is a calendar of {before.region}, not of {region}")
    name = before.name if before else f"{region.lower()}-workdays"
    notice = before.notice if before else f"Days off in {region}, from a package; compare with the official notice"
    holidays, make_up_workdays = _days_with(before, years)
    lines = [
        *head.splitlines(),
        f"calendar: {_scalar(name)}",
        f"region: {region}",
        f"notice: {_scalar(notice)}",
        f"weekend: [{', '.join(WEEKDAYS[day] for day in sorted(before.weekend if before else weekend))}]",
        "complete:",
        *(_range_line(part) for part in _complete_with(before, years)),
        *_day_lines("holidays", holidays, before),
        *_day_lines("make_up_workdays", make_up_workdays, before),
    ]
    text = "\n".join(lines) + "\n"
    parse_calendar(parse_document(text, name))
    return text


def difference(before: WorkCalendar | None, after: WorkCalendar) -> Difference:
    """What `after` has more and less than `before`; None for nothing at all."""
    old_holidays = before.holidays if before else frozenset[date]()
    old_make_up_workdays = before.make_up_workdays if before else frozenset[date]()
    return Difference(
        added_holidays=_named(after, after.holidays - old_holidays),
        removed_holidays=_named(before, old_holidays - after.holidays),
        added_make_up_workdays=_named(after, after.make_up_workdays - old_make_up_workdays),
        removed_make_up_workdays=_named(before, old_make_up_workdays - after.make_up_workdays),
        complete_before=(before.complete_from, before.complete_through) if before else None,
        complete_after=(after.complete_from, after.complete_through),
    )


def _from_chinesecalendar(region: str, year: int) -> ImportedYear:
    package, source = _package("chinese_calendar", "chinesecalendar")
    if region != "CN":
        raise ImportingError(f"{source} knows only CN, not {region}")
    days = _days_of(year)
    try:
        details = [(day, package.is_workday(day), package.get_holiday_detail(day)[1]) for day in days]
    except NotImplementedError as error:
        raise ImportingError(f"{source} does not know {year} yet") from error
    names = {day: package.Holiday(name).chinese if name else "" for day, _, name in details}
    return ImportedYear(
        region=region_of(region),
        year=year,
        weekend=frozenset({5, 6}),
        holidays={day: names[day] for day, works, _ in details if day.weekday() < 5 and not works},
        make_up_workdays={day: names[day] for day, works, _ in details if day.weekday() >= 5 and works},
        source=source,
    )


def _from_holidays(region: str, year: int) -> ImportedYear:
    package, source = _package("holidays", "holidays")
    country, _, part = region.partition("-")
    try:
        in_english = package.country_holidays(country, subdiv=part or None, years=year, language="en_US")
        language = in_english.default_language
        days_off = package.country_holidays(country, subdiv=part or None, years=year, language=language)
    except NotImplementedError as error:
        raise ImportingError(f"{source} does not know {region}") from error
    estimated = sorted(f"{day} {name}" for day, name in in_english.items() if "estimated" in name)
    if estimated:
        raise ImportingError(f"{source} only estimates days of {year} for {region}: {', '.join(estimated)}")
    weekend = frozenset(days_off.weekend)
    days = _days_of(year)
    return ImportedYear(
        region=region_of(region),
        year=year,
        weekend=weekend,
        holidays={day: days_off[day] for day in days if day in days_off and day.weekday() not in weekend},
        make_up_workdays={day: "" for day in days if day in days_off.weekend_workdays},
        source=source,
    )


def _package(module: str, distribution: str) -> tuple[ModuleType, str]:
    """An optional package and what it calls itself, with its release."""
    try:
        return import_module(module), f"{distribution} {version(distribution)}"
    except ImportError as error:
        raise ImportingError(f"the package {distribution} is missing: pip install 'dialer[calendars]'") from error


def _days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


def _days_with(before: WorkCalendar | None, years: Sequence[ImportedYear]) -> tuple[Named, Named]:
    """Holidays and make-up workdays: of the imported years theirs, of the others those from before."""
    replaced = {imported.year for imported in years}
    holidays = _named(before, {day for day in before.holidays if day.year not in replaced} if before else ())
    make_up = _named(before, {day for day in before.make_up_workdays if day.year not in replaced} if before else ())
    for imported in years:
        holidays = {**holidays, **imported.holidays}
        make_up = {**make_up, **imported.make_up_workdays}
    return holidays, make_up


def _complete_with(before: WorkCalendar | None, years: Sequence[ImportedYear]) -> list[Complete]:
    """The ranges from before without the imported years, and one for each of these."""
    ranges = [Complete(date(part.year, 1, 1), date(part.year, 12, 31), part.source) for part in years]
    for part in before.complete if before else ():
        ranges.extend(_without_years(part, {imported.year for imported in years}))
    return sorted(ranges, key=lambda part: part.first)


def _without_years(part: Complete, years: set[int]) -> Iterator[Complete]:
    """What is left of a range when whole years are cut out of it."""
    first = part.first
    for year in sorted(years):
        if first <= part.last and first <= date(year, 12, 31) and date(year, 1, 1) <= part.last:
            if first < date(year, 1, 1):
                yield Complete(first, date(year, 1, 1) - DAY, part.source)
            first = date(year, 12, 31) + DAY
    if first <= part.last:
        yield Complete(first, part.last, part.source)


def _named(calendar: WorkCalendar | None, days: Sequence[date] | set[date] | frozenset[date]) -> Named:
    names = calendar.names if calendar else {}
    return {day: names.get(day, "") for day in sorted(days)}


def _range_line(part: Complete) -> str:
    return f"  - {{from: {part.first}, through: {part.last}, source: {_scalar(part.source)}}}"


def _day_lines(key: str, days: Named, before: WorkCalendar | None) -> Iterator[str]:
    """A list of days, each year under its number."""
    yield f"{key}:" if days else f"{key}: []"
    year = 0
    for day in sorted(days):
        if day.year != year:
            year = day.year
            yield f"  # {year}"
        name = days[day] or (before.names.get(day, "") if before else "")
        yield f"  - {{date: {day}, name: {_scalar(name)}}}" if name else f"  - {day}"


def _scalar(text: str) -> str:
    """Text as YAML: plain where that is safe anywhere, else quoted as in JSON."""
    return text if re.fullmatch(r"[^\W\d_][\w. -]*\w", text) else json.dumps(text, ensure_ascii=False)
