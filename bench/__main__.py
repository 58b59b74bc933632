"""`make bench`: runs every benchmark module of this folder and prints one table, the machine named.

`python -m bench media storage` runs only those. Each module has `run() -> list[BenchRow]`. A figure over its budget is
shown, not punished: machines are shared and noisy, so the exit code only says whether every benchmark ran.
"""

import importlib
import os
import pkgutil
import platform
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench
from bench.row import BenchRow

NOT_BENCHMARKS = {"__main__", "row"}


def module_names(wanted: list[str]) -> list[str]:
    """The benchmark modules to run, in alphabetical order; unknown names end the program."""
    known = sorted(
        m.name for m in pkgutil.iter_modules(bench.__path__) if m.name not in NOT_BENCHMARKS and m.name[0] != "_"
    )
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"no benchmark named {unknown[0]!r}; there are: {', '.join(known)}")
    return wanted or known


def machine() -> str:
    """Processor, cores, kernel, interpreter and commit, in one line."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine()
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, timeout=10
    )
    python = platform.python_version()
    system = f"{os.cpu_count()} cores, Linux {platform.release()}, Python {python}"
    return f"{cpu}, {system}, commit {commit.stdout.strip() or '?'}"


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()


def run_module(name: str, console: Console) -> list[BenchRow] | None:
    """One module's rows; None when it failed (the traceback is printed)."""
    console.print(f"[dim]… {name}[/dim]")
    try:
        rows: list[BenchRow] = importlib.import_module(f"bench.{name}").run()
    except Exception:  # one failed benchmark must not hide the others
        console.print_exception()
        return None
    return rows


def table(rows: list[BenchRow]) -> Table:
    """The rows as a table; over budget in red."""
    result = Table(title="Budgets and today's numbers", caption=machine())
    for column in ("what", "today", "must reach", "others", "note"):
        result.add_column(column, justify="right" if column in ("today", "must reach") else "left", overflow="fold")
    for row in rows:
        over = row.budget is not None and row.value > row.budget
        value = f"[red]{row.value:,.3g} {row.unit}[/red]" if over else f"{row.value:,.3g} {row.unit}"
        budget = "–" if row.budget is None else f"≤ {row.budget:,.3g}"
        result.add_row(row.name, value, budget, row.anchor or "–", row.note)
    return result


def main() -> None:
    """Runs what was asked for and prints the table."""
    console = Console(width=None if sys.stdout.isatty() else 150)
    results = [run_module(name, console) for name in module_names(sys.argv[1:])]
    console.print(table([row for rows in results if rows for row in rows]))
    sys.exit(any(rows is None for rows in results))


if __name__ == "__main__":
    main()
