"""The process that rehearses a day for the service: a request and a history on stdin, what came of it on stdout.

It runs behind everything else on the machine and within a limit of memory. It ends when nobody listens any more.
"""

import os
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

from dialer.api.history_lines import read_history
from dialer.campaigns.list_child import place_of
from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.loop.running import pacer_of
from dialer.campaigns.pacing import PacingDecision, PacingSnapshot
from dialer.cli.simulate_report import nine_of_ten, record
from dialer.errors import DialerError
from dialer.model.campaign import CampaignMode, CampaignSettings
from dialer.simulator.day import Day
from dialer.simulator.fit import Fit, call_list_of, fit, pace_of, trunk_of
from dialer.simulator.rehearsal import rehearse
from dialer.simulator.scenario import CallList, Scenario, Shift, Workforce
from dialer.simulator.scenario_checks import problems_of
from dialer.supervising.what_if_messages import (
    Basis,
    DayRequest,
    Failed,
    Lived,
    Message,
    Progress,
    Quarter,
    decode_request,
    encode,
)

NICENESS = 15
"""Below the service, and below the reading of lists."""
MAX_MEMORY_BYTES = 3 << 30
MOST_CALLED = 150
"""Contacts a collector and hour: of a longer list nobody would come to the end."""
QUARTER_S = 900.0
PROGRESS_STEP = 0.01


def main() -> None:
    """Rehearses what is asked for; whatever goes wrong is the last message."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    try:
        _answer(sys.stdin.buffer.readlines())
    except DialerError as error:
        _say(Failed(str(error)))
    except MemoryError:
        _say(Failed("the day needs too much memory; ask for fewer collectors or hours"))
    except BrokenPipeError:
        os._exit(1)  # the service has gone; an orderly end would try to flush once more
    except Exception as error:
        _say(Failed(f"a fault of the rehearsal: {place_of(error)}"))


def _say(message: Message) -> None:
    sys.stdout.buffer.write(encode(message))
    sys.stdout.buffer.flush()


def _answer(lines: list[bytes]) -> None:
    request = decode_request(lines[0])
    found, is_fitted = scenario_of(request, lines[1:])
    _say(Basis(found.comments, is_fitted))
    for n, mode in enumerate(request.modes):
        scenario = replace(found.scenario, pace=replace(found.scenario.pace, mode=CampaignMode(mode)))
        progress = _Progress(n, len(request.modes), scenario.length_s)
        day = rehearse(scenario, request.seed, partial(_watched, tell=progress))
        figures = {key: value for key, value in record(day, scenario).items() if _is_figure(value)}
        _say(Lived(mode, figures, quarters_of(day)))


class _Progress:
    """Says how much of all days is lived, a hundred times at most."""

    def __init__(self, n_before: int, n_days: int, length_s: float) -> None:
        self._done = n_before / n_days
        self._length_s = length_s * n_days
        self._begins_at: float | None = None
        self._told = self._done

    def __call__(self, now: float) -> None:
        """`now`: seconds on the day's own clock."""
        self._begins_at = now if self._begins_at is None else self._begins_at
        done = self._done + (now - self._begins_at) / self._length_s
        if done >= self._told + PROGRESS_STEP:
            self._told = done
            _say(Progress(round(done, 4)))


def _watched(settings: CampaignSettings, tell: Callable[[float], None]) -> Paces:
    return Watched(pacer_of(settings), tell)


class Watched:
    """A pacer whose every decision is told to somebody, by its instant."""

    def __init__(self, pacer: Paces, tell: Callable[[float], None]) -> None:
        self._pacer = pacer
        self._tell = tell
        self.observe, self.dump, self.load = pacer.observe, pacer.dump, pacer.load

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """As the pacer does."""
        self._tell(snapshot.now)
        return self._pacer.decide(snapshot)


def _is_figure(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def scenario_of(request: DayRequest, history: list[bytes]) -> tuple[Fit, bool]:
    """The day asked for, and whether its people are those of a history. Raises DialerError: it is none."""
    own, begins = request.own, request.begins
    ends = begins + timedelta(hours=request.hours)
    if ends.date() != begins.date():
        raise DialerError("the day must end before midnight")
    call_list, said = call_list_of(own, begins)
    changed: dict[str, Any] = dict(request.pace)
    pace = replace(pace_of(own), **changed)
    comments = dict(said)
    if request.source:
        fitted = fit(
            read_history(history, "the history"), begins=begins, ends=ends.time(), collectors=request.collectors
        )
        scenario, comments = fitted.scenario, {**fitted.comments, **said}
    else:
        workforce = Workforce((Shift(request.collectors, begins.time(), ends.time()),))
        scenario = Scenario(own.campaign, begins, ends.time(), workforce, packs=own.packs)
    scenario = replace(scenario, call_list=_enough(call_list, request), pace=pace, trunk=trunk_of(own), packs=own.packs)
    problems = list(problems_of(scenario))
    if problems:
        raise DialerError("such a day cannot be: " + "; ".join(problems))
    return Fit(scenario, comments), bool(request.source)


def _enough(call_list: CallList, request: DayRequest) -> CallList:
    most = max(round(request.collectors * request.hours * MOST_CALLED), 1)
    return replace(call_list, contacts=min(call_list.contacts, most))


def quarters_of(day: Day) -> tuple[Quarter, ...]:
    """The course of a day: the floor as it was looked at each minute, the people as they were reached."""
    return tuple(_quarter(day, n * QUARTER_S) for n in range(-(-int(day.length_s) // int(QUARTER_S))))


def _quarter(day: Day, at_s: float) -> Quarter:
    moments = [moment for moment in day.moments if at_s < moment.at_s <= at_s + QUARTER_S]
    staffed = sum(moment.ready + moment.talking + moment.wrapping for moment in moments) or 1
    calls = [call for call in day.course if at_s <= call.at_s < at_s + QUARTER_S]
    waits = [call.waited_s for call in calls if call.waited_s is not None]
    return Quarter(
        at_s=at_s,
        talking=round(sum(moment.talking for moment in moments) / staffed, 4),
        wrapping=round(sum(moment.wrapping for moment in moments) / staffed, 4),
        ready=round(sum(moment.ready for moment in moments) / staffed, 4),
        live=len(calls),
        abandoned=sum(call.abandoned for call in calls),
        wait_median_s=_rounded(median(waits) if waits else None),
        wait_p90_s=_rounded(nine_of_ten(waits)),
    )


def _rounded(wait_s: float | None) -> float | None:
    return None if wait_s is None else round(wait_s, 2)


if __name__ == "__main__":
    main()
