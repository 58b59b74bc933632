"""What a scenario cannot be: the range of every figure, and what does not go together. Says what to write instead.

One place for scenarios from every source: read from a file, fitted from history, or made in code.
"""

import dataclasses
import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import time

from dialer.compliance.packs import load_pack, shipped_packs
from dialer.errors import ConfigError
from dialer.model.pacing_bounds import PACING_BOUNDS
from dialer.simulator.scenario import (
    Break,
    CallList,
    Change,
    Detection,
    Duration,
    Pace,
    Part,
    Scenario,
    Segment,
    Shift,
    Trunk,
    Wander,
)

MAX_COLLECTORS = 1000
MAX_NAME = 100
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_SUM_SLACK = 1e-6
_DAY_MIN = 24 * 60
_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Range:
    """What a figure may be: from `least` (more than it, where that end is open) to `most`; `why` says why not else."""

    least: float
    most: float
    open_below: bool = False
    why: str = ""

    def holds(self, value: float) -> bool:
        """False also for what is not a number."""
        return self.least <= value <= self.most and not (self.open_below and value == self.least)

    def __str__(self) -> str:
        low = f"above {self.least:,.10g}" if self.open_below else f"{self.least:,.10g}"
        return f"{low} to {self.most:,.10g}"


_SHARE = Range(0, 1)
_SOME_SHARE = Range(0, 1, open_below=True)
_LENGTH = Range(0, _DAY_S, open_below=True)
_MINUTES = Range(0, _DAY_MIN)

RANGES: Mapping[type, Mapping[str, Range]] = {
    Part: {
        "mean_s": _LENGTH,
        "sigma": Range(0, 3),
        "share": Range(0, 1000, open_below=True),
        "alpha": Range(1, 100, open_below=True, why="a tail with alpha of 1 or less has no mean"),
    },
    Duration: {"least_s": Range(0, _DAY_S), "most_s": _LENGTH},
    Segment: {
        "share": _SOME_SHARE,
        **dict.fromkeys(("answered", "machine", "busy", "powered_off", "bad_number"), _SHARE),
        **dict.fromkeys(("congestion", "promises"), _SHARE),
    },
    Change: {"answered": Range(0, 100), "talk": Range(0, 100, open_below=True), "over_min": _MINUTES},
    Wander: {"sigma": Range(0, 1), "minutes": Range(0, _DAY_MIN, open_below=True)},
    Shift: {"collectors": Range(1, MAX_COLLECTORS)},
    Break: {"spread_min": _MINUTES, "every_min": Range(1, _DAY_MIN), "share": _SOME_SHARE},
    Detection: {"people_called_machines": _SHARE, "machines_called_people": _SHARE},
    Trunk: {"channels": Range(1, 10_000), "cps": Range(0, 1000, open_below=True)},
    CallList: {
        "contacts": Range(1, 1_000_000),
        "numbers": Range(1, 3),
        "tries": Range(1, 20),
        "pause_min": _MINUTES,
    },
    Pace: {
        name: Range(bound.least, bound.most, why=bound.why)
        for name, bound in (
            ("ratio", PACING_BOUNDS["power_ratio"]),
            ("abandon_target", PACING_BOUNDS["abandon_target"]),
            ("ring_timeout_s", PACING_BOUNDS["ring_timeout_s"]),
            ("lines_per_agent", PACING_BOUNDS["max_lines_per_agent"]),
        )
    },
}
"""The range of every figure of a scenario, by the dataclass that holds it; `by_hour` and the days are checked below."""


def problems_of(scenario: Scenario) -> Iterator[str]:
    """Everything that is wrong, each as `key: what it is; what to write instead`. None: the scenario can be lived."""
    yield from _figures(scenario, "")
    yield from _of_name("name", scenario.name)
    yield from _of_packs(scenario.packs)
    yield from _of_day(scenario)
    yield from _of_workforce(scenario)
    yield from _of_segments(scenario)
    yield from _of_changes(scenario)


def unknown(what: str, word: str, known: Collection[str]) -> str:
    """`unknown key`, and the nearest known one, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"unknown {what}; " + (f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}")


def _figures(value: object, place: str) -> Iterator[str]:
    """The ranges of a dataclass and of all within it."""
    if not dataclasses.is_dataclass(value):
        return
    for field in dataclasses.fields(value):
        held, key = getattr(value, field.name), f"{place}{field.name}"
        limit = RANGES.get(type(value), {}).get(field.name)
        if limit is not None and held is not None and not limit.holds(held):
            yield f"{key}: is {held}{limit.why and ': '}{limit.why}; write {limit}"
        if isinstance(held, Duration):
            yield from _duration(held, key)
        elif isinstance(held, tuple):
            for index, one in enumerate(held):
                yield from _figures(one, f"{key}.{index}.")
        else:
            yield from _figures(held, f"{key}.")


def _duration(duration: Duration, key: str) -> Iterator[str]:
    yield from _figures(dataclasses.replace(duration, parts=()), f"{key}.")
    for index, part in enumerate(duration.parts):
        yield from _figures(part, f"{key}." if len(duration.parts) == 1 else f"{key}.{index}.")
    if not duration.parts:
        yield f"{key}: has no parts; write a number of seconds"
    if duration.least_s > duration.most_s:
        yield f"{key}.least_s: {duration.least_s:g} is above most_s, which is {duration.most_s:g}; write less"


def _of_name(key: str, name: str) -> Iterator[str]:
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        yield f"{key}: is {name[:MAX_NAME]!r}; write 1 to {MAX_NAME} characters that can be printed"


def _of_packs(packs: tuple[str, ...]) -> Iterator[str]:
    if not packs:
        yield "packs: is empty, and without rules no call is allowed; write e.g. ['cn-bank-card']"
    for name in packs:
        if name in shipped_packs():
            continue
        if "/" not in name and not name.endswith(".yaml"):
            yield f"packs: is {name!r}: {unknown('pack', name, shipped_packs())}"
            continue
        try:
            load_pack(name)
        except (ConfigError, ValueError) as error:  # ValueError: a path that cannot be one
            yield f"packs: is {name!r}: {error}"


def _of_day(scenario: Scenario) -> Iterator[str]:
    if scenario.begins.tzinfo is None:
        yield f"begins: {scenario.begins} has no zone; write its UTC offset, e.g. {scenario.begins.isoformat()}+08:00"
    if not _FIRST_YEAR <= scenario.begins.year <= _LAST_YEAR:
        yield f"begins: is in {scenario.begins.year}; write a day from {_FIRST_YEAR} to {_LAST_YEAR}"
    if scenario.ends <= scenario.begins.time():
        yield f"ends: {scenario.ends} is not after the day begins ({scenario.begins.time()}); write a later time"


def _of_workforce(scenario: Scenario) -> Iterator[str]:
    shifts = scenario.workforce.shifts
    if not shifts:
        yield "workforce.shifts: there is no collector; write e.g. shifts = [{ collectors = 30 }]"
    if sum(shift.collectors for shift in shifts) > MAX_COLLECTORS:
        yield f"workforce.shifts: more than {MAX_COLLECTORS} collectors; write fewer"
    for index, shift in enumerate(shifts):
        key = f"workforce.shifts.{index}"
        yield from _within(f"{key}.begins", shift.begins, scenario)
        yield from _within(f"{key}.ends", shift.ends, scenario)
        if shift.ends <= shift.begins:
            yield f"{key}.ends: {shift.ends} is not after the shift begins ({shift.begins}); write a later time"
    for index, one in enumerate(scenario.workforce.breaks):
        key = f"workforce.breaks.{index}"
        if (one.at is None) == (one.every_min is None):
            yield f"{key}: is once a day or again and again; write either `at` or `every_min`"
        if one.at is not None:
            yield from _within(f"{key}.at", one.at, scenario)


def _of_segments(scenario: Scenario) -> Iterator[str]:
    total = sum(segment.share for segment in scenario.segments)
    if not abs(total - 1) < 0.001:
        yield f"segments: their shares sum to {total:g}; write shares that sum to 1"
    for index, segment in enumerate(scenario.segments):
        key = f"segments.{index}"
        yield from _of_name(f"{key}.name", segment.name)
        others = segment.busy + segment.powered_off + segment.bad_number + segment.congestion
        if segment.answered + others > 1 + _SUM_SLACK:
            yield (
                f"{key}: answered, busy, powered_off, bad_number and congestion sum to {segment.answered + others:g}; "
                "they are shares of the same calls: write less, to sum to 1 at most"
            )
        yield from _of_hours(segment, key)


def _of_hours(segment: Segment, key: str) -> Iterator[str]:
    for hour, factor in segment.by_hour.items():
        if not 0 <= hour <= 23:
            yield f"{key}.by_hour.{hour}: is no hour of the day; write 0 to 23"
        if not 0 <= factor * segment.answered <= 1 + _SUM_SLACK or factor > 100:
            yield (
                f"{key}.by_hour.{hour}: {factor:g} times {segment.answered:g} answered is no share of calls; "
                "write a factor of at least 0 that leaves it at 1 or less"
            )


def _of_changes(scenario: Scenario) -> Iterator[str]:
    """Changes multiply one another: an outage is undone by the inverse factor."""
    most_answered = max((segment.answered for segment in scenario.segments), default=0.0)
    factor = 1.0
    for index, change in sorted(enumerate(scenario.changes), key=lambda item: item[1].at):
        yield from _within(f"changes.{index}.at", change.at, scenario)
        factor *= change.answered
        if factor * most_answered > 1 + _SUM_SLACK:
            yield (
                f"changes.{index}.answered: with the changes before it {factor:g} times {most_answered:g} answered "
                "is more than all calls; write less"
            )


def _within(key: str, moment: time, scenario: Scenario) -> Iterator[str]:
    begins = scenario.begins.time()
    if not begins <= moment <= scenario.ends:
        yield f"{key}: {moment} is outside the day; write a time from {begins} to {scenario.ends}"
