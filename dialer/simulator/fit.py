"""A scenario fitted to a campaign's own history: who answers when, how long it takes, who works, what is left. Pure.

What each figure rests on is told with it (`Fit.comments`), and what the record does not hold is the scenario's default
and says so. Not fitted: segments (everybody is one), changes within a day beyond those by hour, breaks at a fixed time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from dialer.campaigns.retry import DEFAULT_RETRIES
from dialer.errors import InputError
from dialer.model.attempt import Disposition
from dialer.model.campaign import CampaignMode
from dialer.model.history import History, Outline
from dialer.model.pacing_bounds import sensible
from dialer.simulator.fit_people import ended_attempts, fit_people, is_answered, is_talk
from dialer.simulator.fit_work import fit_work
from dialer.simulator.scenario import CallList, Pace, Scenario, Trunk
from dialer.simulator.scenario_checks import MAX_NAME, problems_of

LEAST_ANSWERED = 200
LEAST_TALKS = 50
BY_HAND = "or write a scenario by hand: docs/simulating.md says how, examples/scenarios/ holds some"


@dataclass(frozen=True, slots=True)
class Fit:
    """A scenario, and for each of its keys that was fitted what it rests on (as `scenario_file.as_toml` takes them)."""

    scenario: Scenario
    comments: Mapping[str, str]


def fit(history: History, *, begins: datetime, ends: time, collectors: int | None = None) -> Fit:
    """The day from `begins` (aware) to `ends` as it is to be expected after this history, with so many collectors.

    `collectors` None: as many as there usually were. InputError: too little is on record, or nothing that makes a day.
    """
    outline = history.outline
    _check_enough(history)
    people = fit_people(history)
    work = fit_work(history, begins.time(), ends, collectors)
    call_list, list_said = call_list_of(outline, begins)
    scenario = Scenario(
        name=_printable(outline.campaign),
        begins=begins,
        ends=ends,
        workforce=work.workforce,
        segments=(people.segment,),
        wander=people.wander,
        detection=people.detection,
        trunk=trunk_of(outline),
        call_list=call_list,
        pace=pace_of(outline),
        packs=outline.packs,
    )
    problems = list(problems_of(scenario))
    if problems:
        raise InputError("the history makes no day that could be: " + "; ".join(problems))
    comments = {f"workforce.{key}": words for key, words in work.comments.items()}
    return Fit(scenario, {**people.comments, **comments, **list_said, "name": _covers(history)})


def _check_enough(history: History) -> None:
    if history.outline.settings.mode is CampaignMode.REMINDER:
        raise InputError("a campaign of reminders has no collectors to pace for; there is nothing to simulate")
    ended = ended_attempts(history)
    answered, talks = sum(map(is_answered, ended)), sum(map(is_talk, ended))
    if answered < LEAST_ANSWERED:
        raise InputError(f"only {answered} answered calls on record; {LEAST_ANSWERED} are needed, {BY_HAND}")
    if talks < LEAST_TALKS:
        raise InputError(f"only {talks} talks with a collector on record; {LEAST_TALKS} are needed, {BY_HAND}")


def call_list_of(outline: Outline, begins: datetime) -> tuple[CallList, dict[str, str]]:
    """The contacts that wait; those called already on the very day count for the tries they have left."""
    rule = {**DEFAULT_RETRIES, **outline.settings.retries}[Disposition.NO_ANSWER]
    tries, numbers = min(max(rule.max_attempts, 1), 20), round(min(max(outline.numbers, 1.0), 3.0), 3)
    contacts, said = float(outline.waiting), f"{outline.waiting:,} waited at the end of the history"
    if begins.astimezone(ZoneInfo(outline.zone)).date() == outline.ends.astimezone(ZoneInfo(outline.zone)).date():
        all_tries = tries * numbers
        used = sum(n * min(times / all_tries, 1.0) for times, n in outline.tried.items())
        contacts, said = contacts - used, f"{said}; tries of the same day taken off"
    if contacts < 1:
        raise InputError(f"nobody on the list waits to be called any more: there is nothing to simulate; {BY_HAND}")
    retry = f"of the campaign's rule after {Disposition.NO_ANSWER.value}"
    pause_min = min(rule.delay_s / 60, 1440.0)
    comments = {"contacts": said, "numbers": "of the lists", "tries": retry, "pause_min": retry}
    return (
        CallList(min(round(contacts), 1_000_000), numbers, tries, pause_min),
        {f"call_list.{key}": words for key, words in comments.items()},
    )


def trunk_of(outline: Outline) -> Trunk:
    """The campaign's trunks as one."""
    return Trunk(max(outline.channels, 1), outline.cps if outline.cps > 0 else Trunk().cps)


def pace_of(outline: Outline) -> Pace:
    """How the campaign is paced."""
    settings = sensible(outline.settings)
    return Pace(
        mode=settings.mode,
        ratio=settings.power_ratio,
        abandon_target=settings.abandon_target,
        ring_timeout_s=settings.ring_timeout_s,
        lines_per_agent=settings.max_lines_per_agent,
    )


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in name)[:MAX_NAME].strip() or "campaign"


def _covers(history: History) -> str:
    zone = ZoneInfo(history.outline.zone)
    begins, ends = (at.astimezone(zone) for at in (history.outline.begins, history.outline.ends))
    return f"fitted from {len(history.attempts):,} attempts from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M}"
