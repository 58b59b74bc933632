"""The runs of `dialer simulate`: which modes, each seed of each in a process, and what is made of the days."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import typer

from dialer.campaigns.loop.paces import PacerOf
from dialer.cli.output import note
from dialer.cli.simulate_report import print_report, record
from dialer.cli.work import in_processes, watched
from dialer.errors import DialerError, InputError, system_reason
from dialer.model.campaign import CampaignMode
from dialer.simulator.baselines import BASELINES
from dialer.simulator.day import Day
from dialer.simulator.rehearsal import rehearse
from dialer.simulator.scenario import Scenario
from dialer.simulator.scenario_checks import unknown
from dialer.simulator.scenario_file import as_toml
from dialer.simulator.virtual_time import BEGINS_AT_S

MODES = tuple(mode.value for mode in CampaignMode)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: no `modes`, the scenario's own; `compare` adds the rules of other dialers.

    `comments` go behind the scenario's values where it is written.
    """

    scenario: Scenario
    modes: tuple[str, ...]
    compare: bool
    seeds: range
    n_jobs: int | None = None
    comments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One day to live: `mode` is a campaign's, or the name of another dialer's rule."""

    scenario: Scenario
    mode: str
    seed: int


def simulate_all(request: Request, *, as_json: bool, plot: Path | None, save: Path | None) -> None:
    """Lives all runs and prints what they came to. Raises InputError before the first when anything asked is wrong."""
    draw = _drawer() if plot is not None else None
    runs = [Run(request.scenario, mode, seed) for mode in chosen_modes(request) for seed in request.seeds]
    if save is not None:
        _write(save, as_toml(request.scenario, request.comments))
    days = []
    for day in _lived(runs, request.n_jobs):
        if as_json:
            typer.echo(json.dumps(record(day, request.scenario), ensure_ascii=False))
        days.append(day)
    if not as_json:
        print_report(request.scenario, days)
    if draw is not None and plot is not None:
        draw(request.scenario, days, plot)
        note(f"drawn: {plot}")


def chosen_modes(request: Request) -> tuple[str, ...]:
    """Every mode once, in the order asked for. Raises InputError naming one that there is not."""
    known = (*MODES, *BASELINES)
    for mode in request.modes:
        if mode not in known:
            raise InputError(f"--mode {mode!r}: {unknown('mode', mode, known)}")
    modes = request.modes or (request.scenario.pace.mode.value,)
    if request.compare:
        modes += tuple(BASELINES)
    return tuple(dict.fromkeys(modes))


def live(run: Run) -> Day:
    """The day of one run, under its mode's name."""
    if run.mode in MODES:
        pace = replace(run.scenario.pace, mode=CampaignMode(run.mode))
        return rehearse(replace(run.scenario, pace=pace), run.seed)
    pace = replace(run.scenario.pace, mode=CampaignMode.PREDICTIVE)
    day = rehearse(replace(run.scenario, pace=pace), run.seed, _pacer_of(run))
    return replace(day, mode=run.mode)


def _pacer_of(run: Run) -> PacerOf:
    begins = run.scenario.begins
    midnight = begins.replace(hour=0, minute=0, second=0, microsecond=0)
    starts_at_s = (begins - midnight).total_seconds() - BEGINS_AT_S
    build = BASELINES[run.mode]
    return lambda settings: build(settings, starts_at_s)


def _lived(runs: list[Run], n_jobs: int | None) -> Iterator[Day]:
    return watched(in_processes(live, runs, n_jobs, chunk=1), len(runs), "simulating")


def _drawer() -> Callable[[Scenario, list[Day], Path], None]:
    try:
        from dialer.cli.simulate_plot import draw
    except ImportError as error:
        raise DialerError(f"{error}; what --plot draws with is installed by: pip install 'dialer[plots]'") from error
    return draw


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {system_reason(error)}") from error
    note(f"scenario written: {path}")
