"""Pacing decision by decision: modes, limits, the stop when nobody is left, what is learned and what is said."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    CallOutcome,
    CallStage,
    CallView,
    EventKind,
    Pacer,
    PacerConfig,
    PacingEvent,
    PacingLimits,
    PacingMode,
    PacingSnapshot,
)
from dialer.campaigns.pacing.forecast import HORIZONS, Chances, _exact, _normal

NOW = 1000.0
LIMITS = PacingLimits(max_channels=100, max_cps=50.0)


def snapshot(
    agents: tuple[AgentView, ...] = (),
    calls: tuple[CallView, ...] = (),
    limits: PacingLimits = LIMITS,
    live: int = 0,
    abandoned: int = 0,
    leads: int = 1000,
) -> PacingSnapshot:
    return PacingSnapshot(NOW, agents, calls, limits, live, abandoned, NOW + 3600, leads)


def team(state: AgentState, count: int, age: float = 60.0, pending: bool = False) -> tuple[AgentView, ...]:
    return tuple(AgentView(100 * len(state.value) + n, state, NOW - age, pending) for n in range(count))


def lines(stage: CallStage, count: int, age: float = 5.0, first: int = 0) -> tuple[CallView, ...]:
    return tuple(CallView(first + n, stage, NOW - age, NOW - age) for n in range(count))


READY_4 = team(AgentState.READY, 4)


@pytest.mark.parametrize(
    ("calls", "dial"),
    [
        ((), 4),
        (lines(CallStage.DIALING, 3), 1),
        (lines(CallStage.DETECTING, 2) + lines(CallStage.WAITING, 1, first=10), 1),
        (lines(CallStage.CONNECTED, 9), 4),  # with a collector already
        (lines(CallStage.DIALING, 6), 0),
    ],
)
def test_progressive_is_one_line_per_ready_collector(calls: tuple[CallView, ...], dial: int) -> None:
    assert Pacer(PacerConfig(mode="progressive")).decide(snapshot(READY_4, calls)).dial == dial


def test_who_wants_a_break_is_not_counted_on() -> None:
    agents = team(AgentState.READY, 2) + team(AgentState.TALKING, 3, pending=True)
    leaving = tuple(AgentView(7 + n, AgentState.READY, NOW, True) for n in range(3))
    assert Pacer(PacerConfig(mode="progressive")).decide(snapshot(agents + leaving)).dial == 2


@pytest.mark.parametrize("mode", ["progressive", "predictive", "power"])
def test_nobody_left_stops_at_once_and_takes_back_only_long_rings(mode: str) -> None:
    calls = (
        *lines(CallStage.DIALING, 2, age=14.9),
        *lines(CallStage.DIALING, 2, age=15.0, first=10),
        *lines(CallStage.DETECTING, 1, age=20.0, first=20),
        *lines(CallStage.CONNECTED, 1, age=90.0, first=30),
    )
    decision = Pacer(PacerConfig(mode=mode)).decide(snapshot(team(AgentState.PAUSED, 5), calls))
    assert (decision.dial, decision.cancel) == (0, (10, 11))
    assert decision.reason == "no collector is available: 2 calls taken back, 2 ring on until 15 s"
    assert Pacer(PacerConfig(mode=mode)).decide(snapshot()).reason == "no collector is available: no call is ringing"


def test_preview_never_dials() -> None:
    decision = Pacer(PacerConfig(mode="preview")).decide(snapshot(READY_4))
    assert (decision.dial, decision.cancel) == (0, ())


def test_reminder_fills_its_channels_without_collectors() -> None:
    pacer = Pacer(PacerConfig(mode=PacingMode.REMINDER, channels=6))
    assert pacer.decide(snapshot(calls=lines(CallStage.DIALING, 4))).dial == 2
    assert pacer.decide(snapshot(calls=lines(CallStage.DIALING, 9))).dial == 0


def test_power_is_a_ratio_until_the_budget_is_spent() -> None:
    pacer = Pacer(PacerConfig(mode="power", ratio=2.5))
    assert pacer.decide(snapshot(READY_4, lines(CallStage.DIALING, 3))).dial == 7
    held = pacer.decide(snapshot(READY_4, lines(CallStage.DIALING, 3), live=50, abandoned=1))
    assert held.dial == 1
    assert held.reason.startswith(
        "power, held at 1:1 by the abandonment budget of the period: 1 of 1.5 calls spent (2.00% of 50 people,"
    )


@pytest.mark.parametrize(
    ("limits", "leads", "dial", "words"),
    [
        (PacingLimits(max_channels=5, max_cps=50.0), 1000, 3, "limited by channels (5): 3 of 4"),
        (PacingLimits(max_channels=100, max_cps=4.0, tick_s=0.5), 1000, 2, "limited by calls per second (4)"),
        (PacingLimits(max_channels=100, max_cps=0.1, tick_s=0.5), 1000, 1, "limited by calls per second (0.1)"),
        (LIMITS, 2, 2, "limited by the list (2 left)"),
        (LIMITS, 4, 4, "progressive: 4 ready"),
    ],
)
def test_says_what_limits(limits: PacingLimits, leads: int, dial: int, words: str) -> None:
    floor = snapshot(READY_4, lines(CallStage.CONNECTED, 2), limits, leads=leads)
    decision = Pacer(PacerConfig(mode="progressive")).decide(floor)
    assert decision.dial == dial
    assert decision.reason.startswith(words)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"mode": "fast"}, "is not a valid PacingMode"),
        ({"ratio": -1.0}, "ratio -1: lines for each ready collector, write a number above 0"),
        ({"ratio": math.nan}, "ratio nan"),
        ({"channels": 0}, "channels 0: lines of a reminder campaign, write 1 or more"),
        ({"max_lines_per_agent": 0.5}, "max_lines_per_agent 0.5: write a number from 1 on"),
        ({"max_lines_per_agent": math.inf}, "max_lines_per_agent inf"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PacerConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"max_channels": -1}, "0 or more"),
        ({"max_cps": -0.5}, "0 or more"),
        ({"max_cps": math.nan}, "0 or more"),
        ({"ring_timeout_s": 14.9}, "ring_timeout_s 14.9: a phone rings for 15 s at least"),
        ({"abandon_target": 0.0}, "abandon_target 0: a share of live answers above 0 and below 1"),
        ({"abandon_target": -0.03}, "abandon_target -0.03"),
        ({"abandon_target": math.nan}, "abandon_target nan"),
        ({"abandon_wait_s": -1.0}, "abandon_wait_s"),
        ({"tick_s": 0.0}, "tick_s"),
    ],
)
def test_limits_that_cannot_be(limits: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PacingLimits(**{"max_channels": 10, "max_cps": 5.0, **limits})  # type: ignore[arg-type]


def teach(pacer: Pacer, calls: int, answered_every: int = 3, talk_s: float = 120.0) -> None:
    """An ordinary stretch: one call in `answered_every` is answered after 10 s by a person."""
    for n in range(calls):
        at = 10.0 * n
        if n % answered_every:
            pacer.observe(PacingEvent(at, EventKind.FINISHED, n, None, CallOutcome.NO_ANSWER, 28.0))
            continue
        pacer.observe(PacingEvent(at, EventKind.ANSWERED, n, seconds=10.0))
        pacer.observe(PacingEvent(at + 2, EventKind.CONNECTED, n, 1, seconds=0.5))
        length = talk_s * (0.5 + (n % 10) / 10)
        pacer.observe(PacingEvent(at + 90, EventKind.TALK_ENDED, n, 1, CallOutcome.LIVE, length))
        pacer.observe(PacingEvent(at + 99, EventKind.WRAP_ENDED, None, 1, None, 9.0))


def test_predictive_begins_close_to_one_to_one() -> None:
    pacer = Pacer()
    assert pacer.decide(snapshot(READY_4)).dial in (4, 5)
    assert pacer.decide(snapshot(team(AgentState.TALKING, 20, age=300.0), live=1000)).dial == 0


def test_predictive_dials_ahead_with_a_budget_and_not_without() -> None:
    pacer = Pacer()
    teach(pacer, 120)
    ahead = pacer.decide(snapshot(team(AgentState.READY, 12), live=1000, abandoned=27))
    assert ahead.dial > 12
    words = "limited by the abandonment budget of the period: 27 of 30.0 calls spent (2.70% of 1000 people"
    assert words in ahead.reason
    assert "one call more could cost all that is left" in ahead.reason
    rich = pacer.decide(snapshot(team(AgentState.READY, 12), live=1000, abandoned=2))
    assert rich.dial > ahead.dial
    assert "finds nobody free with" in rich.reason
    spare = pacer.decide(snapshot(team(AgentState.READY, 12), live=1000, abandoned=29))
    assert 12 <= spare.dial < ahead.dial
    held = pacer.decide(snapshot(team(AgentState.READY, 12), live=1000, abandoned=31))
    assert held.dial == 12
    assert "held at 1:1" in held.reason


def test_an_hour_cannot_spend_what_a_period_saved() -> None:
    """A thousand people were served without a loss before; in the last hour, five of eighty were abandoned."""
    pacer = Pacer()
    teach(pacer, 120)
    floor = snapshot(team(AgentState.READY, 12), live=2000, abandoned=5)
    free = pacer.decide(floor)
    for n in range(80):
        kind = EventKind.ABANDONED if n % 16 == 0 else EventKind.CONNECTED
        pacer.observe(PacingEvent(NOW - 900 + 10 * n, kind, 5000 + n, seconds=1.0))
    after = pacer.decide(floor)
    assert after.dial < free.dial
    assert "of the last hour: 5 of" in after.reason


def test_more_lines_for_more_unanswered_calls() -> None:
    often, seldom = Pacer(), Pacer()
    teach(often, 120, answered_every=2)
    teach(seldom, 300, answered_every=6)
    floor = snapshot(team(AgentState.READY, 12), live=1000)
    assert seldom.decide(floor).dial > often.decide(floor).dial > 12


def test_a_waiting_person_takes_the_next_collector() -> None:
    pacer = Pacer()
    teach(pacer, 120)
    free = pacer.decide(snapshot(team(AgentState.READY, 12), live=1000))
    taken = pacer.decide(snapshot(team(AgentState.READY, 12), lines(CallStage.WAITING, 6), live=1000))
    assert taken.dial < free.dial - 6


def test_a_long_talk_is_not_nearly_over() -> None:
    """Talks of this floor last up to three minutes; one of an hour is something else and promises nobody."""
    pacer = Pacer()
    teach(pacer, 120)
    soon = pacer.decide(snapshot(team(AgentState.TALKING, 12, age=155.0), live=1000))
    never = pacer.decide(snapshot(team(AgentState.TALKING, 12, age=3600.0), live=1000))
    assert soon.dial > 0
    assert never.dial == 0


def test_lines_per_collector_are_bounded() -> None:
    pacer = Pacer(PacerConfig(max_lines_per_agent=2.0))
    teach(pacer, 400, answered_every=20)
    assert pacer.decide(snapshot(team(AgentState.READY, 12), live=1000)).dial <= 24
    full = pacer.decide(snapshot(team(AgentState.READY, 12), lines(CallStage.DIALING, 24), live=1000))
    assert full.dial == 0
    assert full.reason == "predictive: 24 lines open, at most 2 a collector"


def test_the_normal_form_agrees_with_the_exact_one() -> None:
    rng = np.random.default_rng(7)
    calls = np.sort(rng.uniform(0.0, 0.6, (60, HORIZONS.size)), axis=1)
    busy = np.sort(rng.uniform(0.0, 0.7, (40, HORIZONS.size)), axis=1)
    new_call = np.linspace(0.02, 0.3, HORIZONS.size)
    chances = Chances(waiting=1, ready=8, calls=calls, new_call=new_call, busy=busy, spread=0.0)
    for exact, normal in zip(_exact(chances, 20, 5.0), _normal(chances, 20, 5.0), strict=True):
        assert exact.n_new == normal.n_new
        assert exact.next_finds_nobody == pytest.approx(normal.next_finds_nobody, abs=0.01)
        assert exact.ruin == pytest.approx(normal.ruin, abs=0.01)


def test_the_exact_form_by_hand() -> None:
    """One collector ready, none busy: two calls that each bring a person with chance one half."""
    half = np.full(HORIZONS.size, 0.5)
    nothing = np.zeros((0, HORIZONS.size))
    found = list(_exact(Chances(0, 1, nothing, half, nothing, 0.0), 3, 1.5))
    assert [risk.next_finds_nobody for risk in found] == [0.0, 0.5, 0.75, 0.875]
    assert [risk.ruin for risk in found] == [0.0, 0.0, 0.0, 0.125]


def test_large_floors_are_forecast_by_the_normal_form() -> None:
    pacer = Pacer()
    teach(pacer, 120)
    agents = team(AgentState.READY, 30) + team(AgentState.WRAPUP, 60, 1.0)
    calls = lines(CallStage.DIALING, 120) + lines(CallStage.CONNECTED, 5, first=500)
    limits = PacingLimits(max_channels=1000, max_cps=1000.0)
    decision = pacer.decide(snapshot(agents, calls, limits, live=9000))
    assert 0 < decision.dial < 150
    assert "finds nobody free with" in decision.reason


def test_learned_state_survives_a_restart_and_refuses_another_version() -> None:
    pacer, restarted = Pacer(), Pacer()
    teach(pacer, 120)
    floor = snapshot(team(AgentState.READY, 12), live=1000)
    restarted.load(pacer.dump())
    assert restarted.decide(floor).dial == pacer.decide(floor).dial
    other = {**pacer.dump(), "talk": {"ends": [[1.0]], "censored": [0.0]}}
    states: list[dict[str, object]] = [{}, {"ring": {}}, other]
    for broken in states:
        with pytest.raises(ValueError, match="another version"):
            restarted.load(broken)
    assert restarted.decide(floor).dial == pacer.decide(floor).dial


def test_a_restart_in_mid_call_does_not_mistake_rings_for_silence() -> None:
    """Thirty lines have rung for a while; who was just started has not heard that nobody answered them."""
    pacer, restarted = Pacer(), Pacer()
    teach(pacer, 300)
    restarted.load(pacer.dump())
    ringing = tuple(CallView(7000 + n, CallStage.DIALING, 2998.0 - n, 2998.0 - n) for n in range(12))
    floor = replace(snapshot(team(AgentState.READY, 12), ringing, live=1000, abandoned=20), now=3000.0)
    at_once = restarted.decide(floor)
    restarted.observe(PacingEvent(3000.0, EventKind.AGENT_READY, None, 1))
    assert at_once == restarted.decide(floor)


def test_old_days_fade() -> None:
    """After a thousand calls of another kind, nothing of the first hundred is left to see."""
    changed, fresh = Pacer(), Pacer()
    teach(changed, 120, answered_every=2, talk_s=20.0)
    teach(changed, 3000, answered_every=6)
    teach(fresh, 3000, answered_every=6)
    floor = snapshot(team(AgentState.READY, 12), live=1000)
    assert changed.decide(floor).dial == pytest.approx(fresh.decide(floor).dial, abs=1)


def test_weights_stay_finite_over_a_year() -> None:
    pacer = Pacer()
    teach(pacer, 20_000)
    state = pacer.dump()
    assert state["ring"]["ends"][0][10] < 1000
    assert pacer.decide(snapshot(team(AgentState.READY, 12), live=1000)).dial > 12


def test_taken_back_calls_and_machines_are_no_ring_ends_and_no_people() -> None:
    pacer = Pacer()
    pacer.observe(PacingEvent(1.0, EventKind.FINISHED, 1, None, CallOutcome.CANCELLED, 20.0))
    pacer.observe(PacingEvent(2.0, EventKind.ANSWERED, 2, seconds=8.0))
    pacer.observe(PacingEvent(5.0, EventKind.FINISHED, 2, None, CallOutcome.MACHINE, 11.0))
    pacer.observe(PacingEvent(6.0, EventKind.CONNECTED, 9, 1))  # never answered here: a preview
    pacer.observe(PacingEvent(6.5, EventKind.ANSWERED, None, seconds=3.0))
    pacer.observe(PacingEvent(6.6, EventKind.FINISHED, None, None, CallOutcome.FAILED, 3.0))
    pacer.observe(PacingEvent(7.0, EventKind.ABANDONED, None))
    pacer.observe(PacingEvent(8.0, EventKind.AGENT_IN, None, 1))
    state = pacer.dump()
    assert sum(state["ring"]["ends"][0]) == pytest.approx(2, rel=0.05)
    assert sum(state["ring"]["censored"]) == pytest.approx(1, rel=0.05)
    assert state["live"]["yes"] == 0
    assert state["live"]["no"] == pytest.approx(1)
