"""A day made from known figures is fitted back to them; what is too little, or nothing to pace, is refused in words."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from bench._day import FloorDay
from dialer.campaigns.pacing import Pacer, PacerConfig
from dialer.errors import InputError
from dialer.model.agent import AgentState
from dialer.model.attempt import CallPath, Disposition
from dialer.model.campaign import CampaignMode, CampaignSettings
from dialer.model.history import History, RecordedAttempt, RecordedChange
from dialer.simulator.fates import Fates
from dialer.simulator.fit import Fit, fit
from dialer.simulator.fit_durations import fit_duration
from dialer.simulator.fit_people import fit_people
from dialer.simulator.fit_work import fit_work, working_hours
from dialer.simulator.people import Behaviour
from dialer.simulator.scenario import Break, CallList, Duration, Part, Scenario, Segment, Shift, Wander, Workforce
from dialer.simulator.scenario_checks import problems_of
from dialer.simulator.scenario_file import as_toml
from tests.support.histories import Recorder, outline_of, with_fates

ZONE = ZoneInfo("Asia/Shanghai")
BEGINS = datetime(2026, 11, 23, 9, 0, tzinfo=ZONE)
TOMORROW = BEGINS + timedelta(days=1)
SEED = 7
KNOWN = Scenario(
    name="known",
    begins=BEGINS,
    ends=time(15),
    workforce=Workforce(
        (Shift(30, time(9), time(15)),),
        (Break(Duration((Part(500.0, 0.3),)), every_min=80.0),),
        Duration((Part(25.0, 0.6),)),
    ),
    segments=(Segment(answered=0.30, machine=0.25, busy=0.12, by_hour={9: 0.6, 10: 1.0, 12: 1.4, 14: 0.8}),),
    call_list=CallList(contacts=40_000),
)
BLANK = RecordedAttempt(attempt=1, contact=1, number=1, placed_s=0.0, path=CallPath.PREDICTIVE)


def lived(scenario: Scenario) -> History:
    """A day of one call per ready collector, as it would be on record."""
    recorder = Recorder(Pacer(PacerConfig(mode="progressive")))
    FloorDay(scenario, recorder, SEED, tick_s=4.0).live()
    return with_fates(recorder.history(outline_of(scenario, tick_s=4.0)), Fates(scenario, SEED))


@pytest.fixture(scope="module")
def history() -> History:
    return lived(KNOWN)


@pytest.fixture(scope="module")
def fitted(history: History) -> Fit:
    return fit(history, begins=TOMORROW, ends=time(15))


def mean_s(duration: Duration) -> float:
    return sum(part.share * part.mean_s for part in duration.parts) / sum(part.share for part in duration.parts)


def test_people_are_fitted_back(fitted: Fit) -> None:
    """Tolerances: three standard errors of some 8,000 attempts, of which some 2,300 are answered."""
    (found,), (known,) = fitted.scenario.segments, KNOWN.segments
    assert found.machine == pytest.approx(known.machine, abs=0.035)
    assert found.busy == pytest.approx(known.busy, abs=0.015)
    assert found.promises == pytest.approx(known.promises, abs=0.04)
    for hour in (9, 10, 12, 14):
        expected = known.answered * known.by_hour[hour]
        assert found.answered * found.by_hour[hour] == pytest.approx(expected, abs=0.045), hour
    assert mean_s(found.ring) == pytest.approx(10.6, rel=0.05), "of those that were answered before the ring timeout"
    assert mean_s(found.greeting) == pytest.approx(1.4, rel=0.05)


def test_chance_is_not_taken_for_ups_and_downs(fitted: Fit) -> None:
    assert fitted.scenario.wander.sigma == 0.0
    assert fitted.comments["wander.sigma"].startswith("no more than chance in ")


def test_ups_and_downs_are_fitted_back() -> None:
    """Two days of a call every five seconds; a third is what the draws of the walk itself leave open."""
    wandering = replace(KNOWN, wander=Wander(0.3, 20.0))
    attempts = []
    for day in (0, 1):
        fates = Fates(wandering, day)
        for n in range(4320):
            fate, placed_s = fates.of_call(n, 0, n * 5.0), day * 86_400.0 + n * 5.0
            answered_s = placed_s if fate.behaviour in (Behaviour.HUMAN, Behaviour.MACHINE) else None
            end = Disposition.NO_ANSWER if answered_s is None else Disposition.MACHINE
            attempt = msgspec.structs.replace(BLANK, placed_s=placed_s, answered_s=answered_s, disposition=end)
            attempts.append(attempt)
    found = fit_people(History(outline_of(wandering), tuple(attempts), ())).wander
    assert found.sigma == pytest.approx(0.3, rel=0.35)


def test_talks_keep_both_kinds_and_their_mean(fitted: Fit) -> None:
    short, long = fitted.scenario.segments[0].talk.parts
    assert short.mean_s == pytest.approx(25.0, rel=0.25)
    assert short.share == pytest.approx(0.35, abs=0.08)
    assert long.mean_s == pytest.approx(200.0, rel=0.15)
    assert long.sigma == pytest.approx(0.8, abs=0.12)


def test_errors_of_detection_are_fitted_back(fitted: Fit) -> None:
    found, known = fitted.scenario.detection, KNOWN.detection
    assert found.people_called_machines == pytest.approx(known.people_called_machines, abs=0.008)
    assert found.machines_called_people == pytest.approx(known.machines_called_people, abs=0.06)
    assert mean_s(found.person_s) == pytest.approx(0.35, rel=0.05)
    assert mean_s(found.machine_s) == pytest.approx(3.0, rel=0.08)


def test_the_workforce_is_fitted_back(fitted: Fit) -> None:
    work = fitted.scenario.workforce
    assert work.shifts == KNOWN.workforce.shifts
    assert mean_s(work.wrap_up) == pytest.approx(25.0, rel=0.12), "machines that were put through take 3 s"
    (found,) = work.breaks
    assert mean_s(found.length) == pytest.approx(500.0, rel=0.1)
    assert found.every_min == pytest.approx(90.0, rel=0.2), "a break that is wanted during a break is none"


def test_a_fit_says_what_it_rests_on_and_is_a_scenario_that_can_be_lived(fitted: Fit, history: History) -> None:
    assert list(problems_of(fitted.scenario)) == []
    text = as_toml(fitted.scenario, fitted.comments)
    assert f"# fitted from {len(history.attempts):,} attempts from 2026-11-23 09:00 to 2026-11-23 15:00" in text
    assert "patience = { mean_s = 6.0, sigma = 0.5 }  # default: " in text
    assert " verdicts checked by listening" in text
    assert fitted.scenario.call_list.contacts == KNOWN.call_list.contacts
    assert fit(history, begins=TOMORROW, ends=time(15), collectors=4).scenario.workforce.shifts[0].collectors == 4


def test_tries_of_the_same_day_are_taken_off_the_list(history: History) -> None:
    outline = msgspec.structs.replace(history.outline, waiting=100, tried={0: 60, 1: 40}, numbers=2.0)
    same_day = History(outline, history.attempts, history.changes)
    assert fit(same_day, begins=BEGINS, ends=time(18)).scenario.call_list.contacts == 96, "40 have one of 10 tries less"
    assert fit(same_day, begins=TOMORROW, ends=time(18)).scenario.call_list.contacts == 100


def test_too_little_is_refused_in_words(history: History) -> None:
    few = History(history.outline, history.attempts[:40], history.changes)
    with pytest.raises(InputError, match=r"only \d+ answered calls on record; 200 are needed, or write a scenario by"):
        fit(few, begins=TOMORROW, ends=time(15))
    untalked = tuple(msgspec.structs.replace(each, connected_s=None) for each in history.attempts)
    with pytest.raises(InputError, match="only 0 talks with a collector on record; 50 are needed"):
        fit(History(history.outline, untalked, history.changes), begins=TOMORROW, ends=time(15))
    by_hand = tuple(msgspec.structs.replace(each, path=CallPath.MANUAL) for each in history.attempts)
    with pytest.raises(InputError, match="only 0 answered calls"):
        fit(History(history.outline, by_hand, history.changes), begins=TOMORROW, ends=time(15))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"waiting": 0}, "nobody on the list waits"),
        ({"settings": CampaignSettings(mode=CampaignMode.REMINDER)}, "no collectors to pace for"),
        ({"packs": ("no-such-pack",)}, "the history makes no day that could be: packs"),
    ],
)
def test_what_makes_no_day_is_refused(history: History, change: dict[str, object], words: str) -> None:
    outline = msgspec.structs.replace(history.outline, **change)
    with pytest.raises(InputError, match=words):
        fit(History(outline, history.attempts, history.changes), begins=TOMORROW, ends=time(15))


def test_without_labels_and_codes_the_default_errors_stand(history: History) -> None:
    bare = tuple(
        msgspec.structs.replace(each, truth="", conversation=None, final=None, decided_s=None)
        for each in history.attempts
    )
    found = fit(History(history.outline, bare, history.changes), begins=TOMORROW, ends=time(15))
    assert found.scenario.detection.people_called_machines == pytest.approx(0.01, abs=0.002)
    assert found.scenario.detection.machines_called_people == pytest.approx(0.20, abs=0.002)
    assert found.comments["detection.people_called_machines"].startswith("default")
    assert found.comments["segments.0.promises"].startswith("default")


def test_a_collector_of_another_campaign_is_not_counted(history: History) -> None:
    lent = RecordedChange(agent=99, at_s=0.0, state=AgentState.TALKING, here=False)
    found = fit(History(history.outline, history.attempts, (lent, *history.changes)), begins=TOMORROW, ends=time(15))
    assert found.scenario.workforce.shifts[0].collectors == 30


def test_shifts_are_seen_as_steps_by_the_hour() -> None:
    """Six collectors all day, four more in the morning; and a break changes nothing."""
    changes = [RecordedChange(agent=agent, at_s=0.0, state=AgentState.READY) for agent in range(10)]
    changes += [RecordedChange(agent=1, at_s=7200.0 + 600 * n, state=AgentState.BREAK) for n in (0, 1)]
    changes += [RecordedChange(agent=agent, at_s=3 * 3600.0, state=AgentState.OFFLINE) for agent in range(6, 10)]
    history = History(outline_of(KNOWN), (BLANK,), tuple(changes))
    found = fit_work(history, time(9), time(15), None)
    assert found.workforce.shifts == (Shift(6, time(9), time(15)), Shift(4, time(9), time(12)))
    assert "11:00: 10.0, 12:00: 6.0" in found.comments["shifts.0.collectors"]
    assert fit_work(history, time(9), time(15), 4).workforce.shifts == (Shift(4, time(9), time(15)),)


def test_working_hours_are_those_of_a_usual_day(history: History) -> None:
    assert working_hours(history) == (time(9), time(15))
    odd = [msgspec.structs.replace(history.attempts[0], placed_s=86_400.0 + 3600 * hour) for hour in (1, 5)]
    two_days = History(history.outline, (*history.attempts, *odd), history.changes)
    assert working_hours(two_days) == (time(9, 30), time(14, 30)), "half way between two days"
    assert working_hours(replace(history, attempts=())) is None


def test_one_kind_of_length_is_not_taken_for_two_and_a_heavy_tail_keeps_its_mean() -> None:
    chance = np.random.default_rng(1)
    one = fit_duration(chance.lognormal(3.0, 0.5, 2000).tolist())
    assert len(one.parts) == 1
    assert one.parts[0].sigma == pytest.approx(0.5, rel=0.05)
    tail = (60.0 * (chance.pareto(1.7, 4000) + 1.0)).tolist()
    assert mean_s(fit_duration(tail)) == pytest.approx(sum(tail) / len(tail), rel=0.01)
    assert mean_s(fit_duration([5.0])) == pytest.approx(5.0)
    assert mean_s(fit_duration([0.0, 0.0])) > 0.0
