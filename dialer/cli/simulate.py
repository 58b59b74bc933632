"""`dialer simulate`: a day lived before it comes, in one mode or in several side by side."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dialer.cli.client import DEFAULT_URL, Token, Url, configured_url, need_token
from dialer.cli.output import note

if TYPE_CHECKING:
    from dialer.simulator.fit import Fit
    from dialer.simulator.scenario import Scenario

MAX_SEEDS = 1000


ScenarioFile = Annotated[
    Path | None, typer.Argument(metavar="SCENARIO.toml", help="The day to live; examples/scenarios/ holds some.")
]
OfCampaign = Annotated[
    str | None,
    typer.Option("--campaign", help="Instead of a file a campaign's name or number: a day after its own history."),
]
Collectors = Annotated[
    int | None, typer.Option("--collectors", min=1, help="With --campaign: how many, if not as usual.")
]
OnDay = Annotated[
    datetime | None, typer.Option("--day", formats=["%Y-%m-%d"], help="With --campaign: which day, if not today.")
]
Modes = Annotated[
    list[str] | None,
    typer.Option("--mode", help="predictive, progressive, power, …, or a rule of --compare; may be repeated."),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, max=MAX_SEEDS, help="Runs of each mode, of different chance.")]
FirstSeed = Annotated[int, typer.Option("--seed", min=0, help="The first run's; the same seed, the same day.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, max=64, help="Processes; else one a CPU, at most 8.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="OUT.png", help="Draw the day.")]
Save = Annotated[
    Path | None, typer.Option("--save", metavar="FILE.toml", help="Write the scenario with every value, to change.")
]


def simulate(
    file: ScenarioFile = None,
    campaign: OfCampaign = None,
    collectors: Collectors = None,
    day: OnDay = None,
    modes: Modes = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside it one call per collector, fixed ratios, and VICIdial's rules.")
    ] = False,
    seeds: Seeds = 1,
    first_seed: FirstSeed = 1,
    jobs: Jobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a run and line, instead of tables.")] = False,
    plot: Plot = None,
    save: Save = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Lives a day before it comes: how much collectors talk, how many people are abandoned, when the list is done.

    Every run lives through the program's own pacing, gate and call handling
    with simulated people, without a telephone line. Runs of one seed meet
    the same people in every mode.
    """
    from dialer.cli.simulate_runs import Request, simulate_all

    scenario, comments = _scenario(file, campaign, collectors, day, url, token)
    seeds_of_runs = range(first_seed, first_seed + seeds)
    request = Request(scenario, tuple(modes or ()), compare, seeds_of_runs, jobs, comments)
    simulate_all(request, as_json=as_json, plot=plot, save=save)


def _scenario(
    file: Path | None, campaign: str | None, collectors: int | None, day: datetime | None, url: str, token: str
) -> "tuple[Scenario, Mapping[str, str]]":
    """The day, and what its figures rest on where they were fitted."""
    from dialer.simulator.scenario_file import read_scenario

    if file is not None:
        if campaign is not None or collectors is not None or day is not None:
            raise typer.BadParameter("--campaign, --collectors and --day do not go with a file")
        return read_scenario(file), {}
    if campaign is None:
        raise typer.BadParameter("give a scenario file, or --campaign")
    asked = _fitted(url or configured_url(), need_token(token), campaign, collectors, day and day.date())
    fit = asyncio.run(asked)
    note(f"{fit.comments['name']}; --save FILE.toml says what each figure rests on")
    return fit.scenario, fit.comments


async def _fitted(url: str, token: str, campaign: str, collectors: int | None, day: date | None) -> "Fit":
    from dialer.api.client import ApiClient
    from dialer.simulator.history_source import fitted

    async with ApiClient(url, token) as client:
        return await fitted(client, campaign, collectors=collectors, day=day)
