"""The pace beside other dialers' rules: many floors over whole mornings, fresh seeds, every run told apart.

`BENCH_SEEDS` is how many seeds (20), `BENCH_FIRST_SEED` the first of them, `BENCH_HOURS` by what the floors of
`bench/_worlds.py` are lengthened (3). The table of the floors goes to the terminal; the rows are its sums.
"""

import os
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table

from bench._pacing_runs import OURS, Job, Summary, live_all, summaries
from bench._worlds import WORLDS, longer
from bench.row import BenchRow

SEEDS = int(os.environ.get("BENCH_SEEDS", "20"))
FIRST_SEED = int(os.environ.get("BENCH_FIRST_SEED", "81000"))
LENGTHEN = float(os.environ.get("BENCH_HOURS", "3"))
BASELINE_SEEDS = max(SEEDS // 5, 1)
"""The baselines are no promise of ours: fewer seeds tell enough of them."""
OTHERS = ("progressive 1:1", "ratio 2", "ratio 3", "hard limit", "adapt tapered")
TARGET = 0.03


def run() -> list[BenchRow]:
    """The rows of this module."""
    worlds = [longer(world, LENGTHEN) for world in WORLDS]
    jobs = [Job(world, OURS, FIRST_SEED + n) for world in worlds for n in range(SEEDS)]
    jobs += [Job(world, name, FIRST_SEED + n) for world in worlds for name in OTHERS for n in range(BASELINE_SEEDS)]
    summed = summaries(live_all(jobs, os.cpu_count() or 2), TARGET)
    _print(summed)
    return [
        _row(name, [summary for (_, pacer), summary in summed.items() if pacer == name]) for name in (OURS, *OTHERS)
    ]


def _row(name: str, floors: list[Summary]) -> BenchRow:
    utilisation = sum(floor.utilisation for floor in floors) / len(floors)
    gap = sum(floor.bound - floor.utilisation for floor in floors) / len(floors)
    abandoned = sum(floor.abandoned for floor in floors) / len(floors)
    over, runs = sum(floor.over_target for floor in floors), sum(floor.runs for floor in floors)
    note = f"{100 * gap:.1f} below the bound; {abandoned:.2%} abandoned, {over} of {runs} runs above {TARGET:.0%}"
    return BenchRow(f"talk share over {len(floors)} floors, {name}", 100 * utilisation, "%", note=note)


def _print(summed: Mapping[tuple[str, str], Summary]) -> None:
    table = Table(
        "floor", "pace", "runs", "live", "talk", "below bound", "abandoned", "worst run", "worst hour", "over"
    )
    for summary in _sorted(summed.values()):
        table.add_row(
            summary.floor,
            summary.pacer,
            str(summary.runs),
            f"{summary.live:.0f}",
            f"{summary.utilisation:.1%}",
            f"{100 * (summary.bound - summary.utilisation):.1f}",
            f"{summary.abandoned:.2%}",
            f"{summary.worst_run:.2%}",
            f"{summary.worst_hour:.2%}",
            f"{summary.over_target}",
        )
    Console(width=140).print(table)


def _sorted(floors: Iterable[Summary]) -> list[Summary]:
    order = {world.name: index for index, world in enumerate(WORLDS)}
    return sorted(floors, key=lambda summary: (order[summary.floor], summary.pacer != OURS, summary.pacer))
