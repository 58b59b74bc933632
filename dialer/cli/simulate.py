"""`dialer simulate`: a day lived before it comes, in one mode or in several side by side."""

from pathlib import Path
from typing import Annotated

import typer

MAX_SEEDS = 1000


def simulate(
    file: Annotated[
        Path, typer.Argument(metavar="SCENARIO.toml", help="The day to live; examples/scenarios/ holds some.")
    ],
    modes: Annotated[
        list[str] | None,
        typer.Option("--mode", help="predictive, progressive, power, …, or a rule of --compare; may be repeated."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside it one call per collector, fixed ratios, and VICIdial's rules.")
    ] = False,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, max=MAX_SEEDS, help="Runs of each mode, of different chance.")
    ] = 1,
    first_seed: Annotated[int, typer.Option("--seed", min=0, help="The first run's; the same seed, the same day.")] = 1,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, max=64, help="Processes; else one a CPU, at most 8.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a run and line, instead of tables.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="OUT.png", help="Draw the day.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE.toml", help="Write the scenario with every value, to change.")
    ] = None,
) -> None:
    """Lives a day before it comes: how much collectors talk, how many people are abandoned, when the list is done.

    Every run lives through the program's own pacing, gate and call handling
    with simulated people, without a telephone line. Runs of one seed meet
    the same people in every mode.
    """
    from dialer.cli.simulate_runs import Request, simulate_all
    from dialer.simulator.scenario_file import read_scenario

    seeds_of_runs = range(first_seed, first_seed + seeds)
    request = Request(read_scenario(file), tuple(modes or ()), compare, seeds_of_runs, jobs)
    simulate_all(request, as_json=as_json, plot=plot, save=save)
