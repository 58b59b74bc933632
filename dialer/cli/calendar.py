"""`dialer calendar …`: look at work calendars, check them, and add a year from a package to a file."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dialer.cli.output import note, print_table, say
from dialer.clock import SystemClock
from dialer.errors import ConfigError, InputError
from schedules.calendar import WorkCalendar, load_calendar, parse_calendar, shipped_calendars
from schedules.documents import DocumentError, parse_document
from schedules.importing import Difference, ImportingError, Package, difference, import_year, merged, region_of

app = typer.Typer(no_args_is_help=True, help="Work calendars: the days on which calls may be made.")

DOUBTFUL = 1
"""Exit code of `check` when a calendar ends soon or has ended."""


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A calendar by name, or a file (with a slash or .yaml).")],
    year: Annotated[int | None, typer.Option("--year", help="Only this year.")] = None,
) -> None:
    """Lists the days off and the worked weekend days of a calendar."""
    calendar = _load(name)
    say(f"{calendar.name} ({calendar.source}), sha256 {calendar.sha256}")
    say(calendar.notice)
    ranges = [(part.first, part.last, part.source) for part in calendar.complete]
    print_table("Complete", ("from", "through", "source"), ranges)
    for title, days in (("Days off", calendar.holidays), ("Make-up workdays", calendar.make_up_workdays)):
        rows = [_row(day, calendar.names) for day in sorted(days) if year in (None, day.year)]
        print_table(title, ("day", "weekday", "name"), rows)
    _warn(calendar)


@app.command()
def check(
    files: Annotated[list[str] | None, typer.Argument(help="Calendars by name or file; all of ours when none.")] = None,
) -> None:
    """Reads calendars and says how long they last. Exit code 1: one ends soon; 2: one is wrong."""
    calendars = [_load(name) for name in files or shipped_calendars()]
    rows = [
        (each.name, each.complete_from, each.complete_through, len(each.holidays), len(each.make_up_workdays))
        for each in calendars
    ]
    print_table("Calendars", ("calendar", "complete from", "through", "days off", "make-up workdays"), rows)
    doubtful = [calendar for calendar in calendars if _warn(calendar)]
    if doubtful:
        raise typer.Exit(DOUBTFUL)


@app.command("import")
def import_years(
    country: Annotated[str, typer.Argument(help="ISO 3166: CN, US, IN, GB-ENG.")],
    years: Annotated[str, typer.Option("--years", help="2027, or 2027-2028, or 2027,2029.")],
    package: Annotated[
        Package | None, typer.Option("--from", help="The package to ask; chinesecalendar for CN, else holidays.")
    ] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="The file to write; without it only the difference is shown.")
    ] = None,
) -> None:
    """Adds years from a package to a calendar, and shows what changes. Compare it with the official notice."""
    country = country.upper()
    before = _calendar_to_change(country, into)
    try:
        imported = [import_year(country, year, package) for year in _years(years)]
        text = merged(before, imported, _head(into))
        after = parse_calendar(parse_document(text, str(into or country)))
    except (ImportingError, DocumentError) as error:
        raise InputError(str(error)) from error
    say(f"{after.name}: {', '.join(sorted({year.source for year in imported}))} against {_origin(before)}")
    _show_difference(difference(before, after))
    if into is None:
        note("nothing was written; --into FILE writes the calendar")
        return
    _write(into, text)
    say(f"wrote {into}: compare it with the official notice, then name it in the policy pack")


def _load(name: str) -> WorkCalendar:
    try:
        return load_calendar(name)
    except DocumentError as error:
        raise ConfigError(str(error)) from error


def _calendar_to_change(country: str, into: Path | None) -> WorkCalendar | None:
    """The file itself when it is there; else ours of that country, so that a new file holds the years before too."""
    if into is not None and into.exists():
        return _load(str(into.absolute()))
    ours = (load_calendar(name) for name in shipped_calendars())
    return next((each for each in ours if each.region == region_of(country)), None)


def _write(file: Path, text: str) -> None:
    """All of it or nothing: a running service may read the file at any time."""
    beside = file.with_name(f"{file.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise InputError(f"{file}: cannot write the file: {error.strerror}") from error


def _head(file: Path | None) -> str:
    """The comment a file begins with; it stays."""
    if file is None or not file.exists():
        return ""
    lines = file.read_text(encoding="utf-8").splitlines()
    n_lines = next((n for n, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join(lines[:n_lines])


def _years(text: str) -> list[int]:
    """The years of "2027", "2027-2029" or "2027,2029"; InputError for anything else."""
    years: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            raise InputError(f"--years {text}: write 2027, 2027-2028 or 2027,2029")
        years.update(range(int(first), int(last or first) + 1))
    if not years or not (min(years) >= 1900 and max(years) <= 2200):
        raise InputError(f"--years {text}: years from 1900 to 2200, the earlier first")
    return sorted(years)


def _show_difference(found: Difference) -> None:
    rows = [
        (change, *_row(day, days))
        for change, days in (
            ("+ day off", found.added_holidays),
            ("- day off", found.removed_holidays),
            ("+ make-up workday", found.added_make_up_workdays),
            ("- make-up workday", found.removed_make_up_workdays),
        )
        for day in days
    ]
    if found.changes_nothing:
        say("no day changes")
    else:
        print_table("Changes", ("change", "day", "weekday", "name"), rows)
    before, after = (_period(found.complete_before), _period(found.complete_after))
    say(f"complete: {after}" if before == after else f"complete: {before} becomes {after}")


def _period(period: tuple[date, date] | None) -> str:
    return f"{period[0]} to {period[1]}" if period else "nothing"


def _origin(before: WorkCalendar | None) -> str:
    return before.source if before else "no calendar of ours"


def _row(day: date, names: Mapping[date, str]) -> tuple[object, ...]:
    return (day, f"{day:%A}", names.get(day, ""))


def _warn(calendar: WorkCalendar) -> bool:
    """Says that a calendar ends soon; False when it does not."""
    warning = calendar.warning(SystemClock().utcnow().date())
    if warning is not None:
        note(warning)
    return warning is not None
