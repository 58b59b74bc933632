"""What simulated days came to: the table and its sentence for people, one object a run for programs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from statistics import fmean, median, quantiles
from typing import Any

from dialer.cli.output import print_table, say
from dialer.simulator.day import LEAST_LIVE_IN_HOUR, Day
from dialer.simulator.scenario import Scenario

ONE_TO_ONE = ("progressive 1:1", "progressive")
ENOUGH_LIVE = 200
"""With fewer live answers a run's abandonment is mostly chance."""
_MAX_RULES = 5


Cell = Callable[[Scenario, Sequence[Day]], str]


def _middle(waits_s: Sequence[float]) -> float | None:
    return median(waits_s) if waits_s else None


def nine_of_ten(waits_s: Sequence[float]) -> float | None:
    """The wait that nine of ten do not exceed."""
    if len(waits_s) < 2:
        return _middle(waits_s)
    return quantiles(waits_s, n=10, method="inclusive")[-1]


def _worst_hour(day: Day) -> float | None:
    return day.worst_hour if any(hour.live >= LEAST_LIVE_IN_HOUR for hour in day.hours) else None


FIGURES: Mapping[str, Callable[[Day], float | None]] = {
    "utilisation": lambda day: day.utilisation,
    "occupancy": lambda day: day.occupancy,
    "bound": lambda day: day.bound,
    "abandoned_share": lambda day: day.abandoned_share,
    "worst_hour": _worst_hour,
    "worst_share": lambda day: day.worst_share if day.live >= ENOUGH_LIVE else None,
    "person_wait_median_s": lambda day: _middle(day.person_waits_s),
    "person_wait_p90_s": lambda day: nine_of_ten(day.person_waits_s),
    "collector_wait_median_s": lambda day: _middle(day.collector_waits_s),
    "collector_wait_p90_s": lambda day: nine_of_ten(day.collector_waits_s),
    "contacts_per_hour": lambda day: day.contacts_reached / (day.staffed_s / 3600) if day.staffed_s else None,
    "attempts_per_contact": lambda day: day.placed / day.contacts_tried if day.contacts_tried else None,
}
"""What is computed from a day, by its key in `--json`; None where the day has too little for it."""

COUNTS = (
    *("placed", "answered", "live", "connected", "abandoned", "left", "lost", "machines_connected"),
    *("talk_s", "wrap_s", "staffed_s", "contacts", "contacts_tried", "contacts_reached", "length_s", "finished_s"),
)
"""What a record takes from the day as it is."""


def record(day: Day, scenario: Scenario) -> dict[str, Any]:
    """The object that `--json` prints for a run; docs/simulating.md describes it."""
    return {
        "name": day.name,
        "mode": day.mode,
        "seed": day.seed,
        "abandon_target": scenario.pace.abandon_target,
        **{name: _rounded(getattr(day, name)) for name in COUNTS},
        **{key: _rounded(of(day)) for key, of in FIGURES.items()},
        "refused": dict(day.refused),
        "hours": [
            {
                "hour": hour.hour,
                "placed": hour.placed,
                "live": hour.live,
                "abandoned": hour.abandoned,
                "talk_s": _rounded(hour.talk_s),
                "wrap_s": _rounded(hour.wrap_s),
                "staffed_s": _rounded(hour.staffed_s),
            }
            for hour in day.hours
        ],
        "cpu_s": _rounded(day.cpu_s),
    }


def print_report(scenario: Scenario, days: Sequence[Day]) -> None:
    """The tables, a row a mode; what the gate refused; and what it means for the decision."""
    modes = by_mode(days)
    n_runs = len(next(iter(modes.values())))
    say(
        f"{scenario.name}: {'one run' if n_runs == 1 else f'means of {n_runs} runs, the worst of all where it says so'}"
    )
    for title, columns in TABLES.items():
        rows = [(mode, *(cell(scenario, of_mode) for cell in columns.values())) for mode, of_mode in modes.items()]
        if any(cell for row in rows for cell in row[1:]):
            print_table(title, ("", *columns), rows)
    for sentence in meaning(scenario, modes):
        say(sentence)


def by_mode(days: Iterable[Day]) -> dict[str, list[Day]]:
    """The days of each mode, in their order."""
    modes: dict[str, list[Day]] = {}
    for day in days:
        modes.setdefault(day.mode, []).append(day)
    return modes


def meaning(scenario: Scenario, modes: Mapping[str, Sequence[Day]]) -> list[str]:
    """What the figures say for the decision, in sentences."""
    days = [day for of_mode in modes.values() for day in of_mode]
    if not any(day.placed for day in days):
        return ["not one call was placed: see what the gate refused, and whether anybody was logged in"]
    target = scenario.pace.abandon_target
    sentences = [_of_first(modes, target), *_against_another(modes), *_over_the_limit(modes, target)]
    if any(day.live < ENOUGH_LIVE for day in days):
        few = f"fewer than {ENOUGH_LIVE} live answers in a run say little about abandonment"
        sentences.append(f"{few}; more --seeds show how much of it is chance")
    return sentences


def _of_first(modes: Mapping[str, Sequence[Day]], target: float) -> str:
    mode, days = next(iter(modes.items()))
    talks, bound, abandoned = _mean(days, "utilisation"), _mean(days, "bound"), _mean(days, "abandoned_share")
    worst = f", {max(day.abandoned_share for day in days):.2%} in the worst run" if len(days) > 1 else ""
    return (
        f"{mode}: collectors talk {talks:.1%} of their time, of {bound:.1%} if nobody ever waited; "
        f"{abandoned:.2%} of live answers are abandoned{worst} (limit {target:.2%})"
    )


def _against_another(modes: Mapping[str, Sequence[Day]]) -> list[str]:
    """The first mode beside one call for each collector, or beside the second where that was not asked for."""
    first, *others = modes
    if not others:
        return []
    other = next((mode for mode in others if mode in ONE_TO_ONE), others[0])
    points = 100 * (_mean(modes[first], "utilisation") - _mean(modes[other], "utilisation"))
    reached = _mean(modes[first], "contacts_reached") - _mean(modes[other], "contacts_reached")
    return [
        f"that is {abs(points):.1f} points {'more' if points >= 0 else 'less'} talk than {other}, "
        f"and {abs(reached):,.0f} {'more' if reached >= 0 else 'fewer'} contacts reached"
    ]


def _over_the_limit(modes: Mapping[str, Sequence[Day]], target: float) -> list[str]:
    over = {mode: sum(day.abandoned_share > target for day in days) for mode, days in modes.items()}
    named = [f"{mode} in {n} of {len(modes[mode])}" if len(modes[mode]) > 1 else mode for mode, n in over.items() if n]
    return [f"over the limit of {target:.2%}: {', '.join(named)}"] if named else []


def _mean(days: Sequence[Day], name: str) -> float:
    return fmean(getattr(day, name) for day in days)


def _refused(_: Scenario, days: Sequence[Day]) -> str:
    """The rules that refused most, and how often a run."""
    refused = sum((Counter(day.refused) for day in days), Counter[str]())
    return ", ".join(f"{rule} {count / len(days):,.0f}" for rule, count in refused.most_common(_MAX_RULES))


def _done_at(scenario: Scenario, days: Sequence[Day]) -> str:
    """The mean of the runs in which the list was used up, and in how many it was."""
    ends = [day.finished_s for day in days if day.finished_s is not None]
    if not ends:
        return ""
    at = f"{scenario.begins + timedelta(seconds=fmean(ends)):%H:%M}"
    return at if len(ends) == len(days) else f"{at} ({len(ends)} of {len(days)})"


def _gathered(key: str, show: str, gather: Callable[[Iterable[float]], float] = fmean) -> Cell:
    """A figure of all runs that have it, or one of the day's own counts, in the form of `show`."""

    def cell(_: Scenario, days: Sequence[Day]) -> str:
        of = FIGURES.get(key) or attrgetter(key)
        values = [value for day in days if (value := of(day)) is not None]
        return format(gather(values), show) if values else ""

    return cell


def _both(first: Cell, second: Cell) -> Cell:
    return lambda scenario, days: f"{first(scenario, days) or '–'} / {second(scenario, days) or '–'}"


def _waits(whose: str) -> Cell:
    return _both(_gathered(f"{whose}_wait_median_s", ".1f"), _gathered(f"{whose}_wait_p90_s", ".1f"))


def _rounded(value: float | None) -> float | None:
    """To a hundredth of a per mille, or of a second: what lies beyond is of no use."""
    return round(value, 5) if isinstance(value, float) else value


TABLES: Mapping[str, Mapping[str, Cell]] = {
    "Collectors: shares of the time logged in, without breaks": {
        "talking": _gathered("utilisation", ".1%"),
        "talking or wrap-up": _gathered("occupancy", ".1%"),
        "talking, if nobody ever waited": _gathered("bound", ".1%"),
        "wait (s): half / nine of ten": _waits("collector"),
        "people lost / machines put through": _both(_gathered("lost", ",.0f"), _gathered("machines_connected", ",.0f")),
    },
    "Abandoned: shares of the live answers": {
        "day": _gathered("abandoned_share", ".2%"),
        "worst run": _gathered("abandoned_share", ".2%", max),
        "worst hour": _gathered("worst_hour", ".2%", max),
        "worst moment": _gathered("worst_share", ".2%", max),
        "people wait (s): half / nine of ten": _waits("person"),
    },
    "The list": {
        "calls": _gathered("placed", ",.0f"),
        "live answers": _gathered("live", ",.0f"),
        "contacts reached / per collector-hour": _both(
            _gathered("contacts_reached", ",.0f"), _gathered("contacts_per_hour", ".1f")
        ),
        "calls per contact": _gathered("attempts_per_contact", ".2f"),
        "done at": _done_at,
    },
    "Refused by the gate": {"rule, and how often a run": _refused},
}
"""By title; of each column, what stands in it for a mode."""
