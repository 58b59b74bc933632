"""`dialer import`: a list into the database, with a progress bar and a report of every broken row."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from dialer.cli.house import DEFAULT_CONFIG, ConfigFile, open_storage, read_config
from dialer.cli.output import errors, note, print_table, say
from dialer.errors import InputError

if TYPE_CHECKING:
    from dialer.campaigns.importing import ImportOptions, ImportProgress, ImportReport
    from dialer.config import Config


def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV or XLSX file with a header row.")],
    name: Annotated[str, typer.Option("--list", help="What the list is called.")],
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="header=meaning, e.g. 手机=phone; may be repeated. Else guessed.")
    ] = None,
    accept_valid: Annotated[bool, typer.Option("--accept-valid", help="Import good rows though others break.")] = False,
    region: Annotated[str, typer.Option("--region", help="Where numbers without a country code are.")] = "CN",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Imports a list: all of it or, by default, nothing when a row is broken. Exit code 1: nothing was imported."""
    from dialer.campaigns.import_lease import IMPORTS_FOLDER, ImportLease
    from dialer.campaigns.importing import ImportOptions

    mapping = _mapping(columns)
    settings = read_config(config)
    with ImportLease(settings.node.name, settings.node.data_dir / IMPORTS_FOLDER) as lease:
        options = ImportOptions(name, lease.node, accept_valid, region)
        report = asyncio.run(_import(settings, file, mapping, options))
    _print_report(report)
    if report.call_list is None:
        raise typer.Exit(1)


async def _import(
    config: "Config", file: Path, mapping: dict[str, str] | None, options: "ImportOptions"
) -> "ImportReport":
    from dialer.campaigns.importing import import_list

    shown = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    async with open_storage(config) as storage:
        with Progress(*shown, console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task("reading", total=None)

            def update(state: "ImportProgress") -> None:
                words = f"{state.rows:,} rows, {state.contacts:,} contacts, {state.problems:,} problems"
                total = 1.0 if state.fraction > 0 else None
                progress.update(task, description=words, completed=state.fraction, total=total)

            return await import_list(storage, file, mapping, options, update)


def _mapping(columns: list[str] | None) -> dict[str, str] | None:
    if not columns:
        return None
    mapping = {}
    for column in columns:
        header, separator, meaning = column.rpartition("=")
        if not separator or not header or not meaning:
            raise InputError(f"--map {column!r}: write header=meaning, e.g. 手机=phone")
        mapping[header] = meaning
    return mapping


def _print_report(report: "ImportReport") -> None:
    rows = [(problem.row, problem.column, problem.value_masked, problem.reason) for problem in report.problems]
    if rows:
        print_table("Broken rows", ("row", "column", "value", "why"), rows)
    if report.problems_path is not None:
        say(f"all of them: {report.problems_path}")
    if report.call_list is None:
        say(f"nothing imported: {report.broken_rows} of {report.rows} rows are broken; --accept-valid takes the others")
        return
    made = report.call_list
    say(
        f"list {made.list_id} {made.name!r}: {made.contact_count} contacts with {made.phone_count} numbers "
        f"from {report.rows} rows ({report.merged_rows} merged, {report.broken_rows} broken)"
    )
    note(f"next: dialer campaign create NAME --list {made.list_id} --settings examples/campaign.json")
