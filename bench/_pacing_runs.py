"""Many floors, many seeds, several pacers: lived in worker processes, summed up for tables and tests."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from bench._day import FloorDay
from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import Pacer, PacerConfig
from dialer.model.campaign import CampaignSettings
from dialer.simulator.baselines import BASELINES
from dialer.simulator.day import LEAST_LIVE, Day
from dialer.simulator.scenario import Scenario

OURS = "predictive"


def pacer_named(name: str, scenario: Scenario) -> Paces:
    """Our own by mode, or a baseline."""
    if name in BASELINES:
        settings = CampaignSettings(abandon_target=scenario.pace.abandon_target)
        return BASELINES[name](settings, float(scenario.begins.hour * 3600 + scenario.begins.minute * 60))
    return Pacer(PacerConfig(mode=name))


@dataclass(frozen=True, slots=True)
class Job:
    """One floor lived once."""

    scenario: Scenario
    pacer: str
    seed: int


def live(job: Job) -> Day:
    """Lives it; lists of single waits stay behind."""
    return FloorDay(job.scenario, pacer_named(job.pacer, job.scenario), job.seed, name=job.pacer).live()


def live_all(jobs: Sequence[Job], processes: int = 2) -> list[Day]:
    """Lives all, in order."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(live, jobs, chunksize=4))


@dataclass(frozen=True, slots=True)
class Summary:
    """A floor under one pacer over its seeds. Shares are fractions; `worst_run` of runs with enough live answers."""

    floor: str
    pacer: str
    runs: int
    live: float
    utilisation: float
    bound: float
    abandoned: float
    worst_run: float
    worst_hour: float
    over_target: int


def summaries(days: Iterable[Day], target: float = 0.03) -> Mapping[tuple[str, str], Summary]:
    """By floor and pacer."""
    grouped: dict[tuple[str, str], list[Day]] = {}
    for day in days:
        grouped.setdefault((day.name, day.mode), []).append(day)
    return {key: _summary(*key, group, target) for key, group in grouped.items()}


def _summary(floor: str, pacer: str, days: Sequence[Day], target: float) -> Summary:
    def mean(figure: Callable[[Day], float]) -> float:
        return sum(figure(day) for day in days) / len(days)

    telling = [day for day in days if day.live >= LEAST_LIVE]
    return Summary(
        floor,
        pacer,
        len(days),
        mean(lambda day: day.live),
        mean(lambda day: day.utilisation),
        mean(lambda day: day.bound),
        mean(lambda day: day.abandoned_share),
        max((day.abandoned_share for day in telling), default=0.0),
        max(day.worst_hour for day in days),
        sum(day.abandoned_share > target for day in telling),
    )
