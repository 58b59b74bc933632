"""What commands print: tables for people, one clear line for an error."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

console = Console()
errors = Console(stderr=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; cells are shown as they are, never as markup."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    if table.row_count:
        console.print(table, markup=False)
    else:
        console.print(f"{title}: none", markup=False)


def say(text: str) -> None:
    """One line on standard output."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """One line for people, on standard error: what a script reads stays clean."""
    errors.print(text, style="dim", markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """One error on standard error."""
    errors.print(f"error: {text}", style="red", markup=False, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "–"
    return str(value).replace("[", "\\[")
