"""Pacing over arbitrary floors and histories: never past a limit, never early with a cancel, always the same answer.

The promises bind our own pacer in every mode; those that are not about budgets and breaks bind the baselines, too.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    CallOutcome,
    CallStage,
    CallView,
    EventKind,
    Pacer,
    PacerConfig,
    PacingDecision,
    PacingEvent,
    PacingLimits,
    PacingMode,
    PacingSnapshot,
)
from dialer.model.campaign import CampaignSettings
from dialer.simulator.baselines import BASELINES, FixedRatio, Tally

NOW = 10_000.0
MIN_RING_S = 15.0
TARGETS = ("0.001", "0.01", "0.03", "0.2")
OURS = ("progressive 1:1",)
BUSY = (AgentState.TALKING, AgentState.WRAPUP)
FIGURE = re.compile(r"\d+(?:\.\d+)?%?")
NOT_A_NUMBER = re.compile(r"\b(nan|inf)\b", re.IGNORECASE)

ages = st.floats(-5, 3000)  # a clock that was set back makes things younger than nothing
agents = st.lists(st.tuples(st.sampled_from(AgentState), ages, st.booleans()), max_size=40).map(
    lambda drawn: tuple(
        AgentView(n, state, NOW - age, pending and state in BUSY) for n, (state, age, pending) in enumerate(drawn)
    )
)
calls = st.lists(st.tuples(st.sampled_from(CallStage), st.floats(-5, 60), st.floats(0, 1)), max_size=60).map(
    lambda drawn: tuple(CallView(n, stage, NOW - age, NOW - age * share) for n, (stage, age, share) in enumerate(drawn))
)
limits = st.builds(
    PacingLimits,
    max_channels=st.integers(0, 200),
    max_cps=st.floats(0.1, 100),
    tick_s=st.sampled_from([0.25, 0.5, 1.0]),
    abandon_target=st.sampled_from(TARGETS).map(float),
)
snapshots = st.builds(
    PacingSnapshot,
    now=st.just(NOW),
    agents=agents,
    calls=calls,
    limits=limits,
    period_live=st.integers(0, 5000),
    period_abandoned=st.integers(0, 200),
    period_ends_at=st.floats(NOW - 10, NOW + 30 * 86_400),
    leads_left=st.integers(0, 500),
)
events = st.lists(
    st.builds(
        PacingEvent,
        at=st.floats(0, NOW + 5),
        kind=st.sampled_from(EventKind),
        call_id=st.one_of(st.none(), st.integers(0, 20)),
        agent_id=st.one_of(st.none(), st.integers(0, 20)),
        outcome=st.one_of(st.none(), st.sampled_from(CallOutcome)),
        seconds=st.floats(-1, 100_000),
    ),
    max_size=60,
)
configs = st.builds(
    PacerConfig,
    mode=st.sampled_from(PacingMode),
    ratio=st.floats(0.1, 10),
    channels=st.integers(1, 50),
    max_lines_per_agent=st.floats(1, 10),
)
OTHERS: dict[str, Callable[[], Paces]] = {
    **{name: partial(build, CampaignSettings(), 33_000.0) for name, build in BASELINES.items()},
    "ratio 2 of all": partial(FixedRatio, 2.0, Tally.ACTIVE),
}
every_other = pytest.mark.parametrize("name", OTHERS)


def ordinary_hour() -> list[PacingEvent]:
    """What is enough to forecast from."""
    seen = []
    for n in range(120):
        call, at = 1000 + n, 50.0 * n
        seen.append(PacingEvent(at, EventKind.PLACED, call))
        if n % 3:
            seen.append(PacingEvent(at + 28.0, EventKind.FINISHED, call, None, CallOutcome.NO_ANSWER, 28.0))
            continue
        ring_s = 4.0 + n % 20
        seen.append(PacingEvent(at + ring_s, EventKind.ANSWERED, call, seconds=ring_s))
        seen.append(PacingEvent(at + ring_s + 1.5, EventKind.CONNECTED, call, 1))
        seen.append(PacingEvent(at + 40, EventKind.TALK_ENDED, call, 1, CallOutcome.LIVE, 30.0 + 5 * n))
        seen.append(PacingEvent(at + 45, EventKind.WRAP_ENDED, None, 1, None, 5.0 + n % 30))
    return seen


def taught(rule: Paces, more: list[PacingEvent]) -> Paces:
    """The rule after an ordinary hour and `more`, in whatever order."""
    for event in (*ORDINARY, *more):
        rule.observe(event)
    return rule


def state_of(config: PacerConfig) -> str:
    """What a pacer that knows the ordinary hour writes down."""
    return json.dumps(taught(Pacer(config), []).dump())


ORDINARY = ordinary_hour()
LEARNED = state_of(PacerConfig())


def pacer(config: PacerConfig, more: list[PacingEvent]) -> Pacer:
    """A pacer started anew with that hour's knowledge, and `more` since."""
    started = Pacer(config)
    started.load(json.loads(LEARNED))
    for event in more:
        started.observe(event)
    return started


def same_figures(english: str, chinese: str) -> bool:
    """Whether both languages tell the same numbers."""
    return bool(chinese) and Counter(FIGURE.findall(english)) == Counter(FIGURE.findall(chinese))


def within_limits(decision: PacingDecision, snapshot: PacingSnapshot) -> bool:
    """Channels, the list, and calls to take back that may be taken back."""
    by_id = {call.call_id: call for call in snapshot.calls}
    ringing = [by_id[call_id] for call_id in decision.cancel]
    return (
        0 <= decision.dial <= snapshot.leads_left
        and (decision.dial == 0 or decision.dial + len(snapshot.calls) <= snapshot.limits.max_channels)
        and all(call.stage is CallStage.DIALING and NOW - call.placed_at >= MIN_RING_S for call in ringing)
        and len(set(decision.cancel)) == len(decision.cancel)
    )


@settings(max_examples=120, deadline=None)
@given(configs, events, snapshots)
def test_no_decision_passes_a_limit(config: PacerConfig, more: list[PacingEvent], snapshot: PacingSnapshot) -> None:
    decision = pacer(config, more).decide(snapshot)
    assert within_limits(decision, snapshot)
    assert decision.reason
    assert not NOT_A_NUMBER.search(decision.reason)
    assert same_figures(decision.reason, decision.reason_zh)
    able = [a for a in snapshot.agents if a.state is not AgentState.PAUSED and not a.pause_pending]
    if config.mode == PacingMode.PREVIEW or (not able and config.mode != PacingMode.REMINDER):
        assert decision.dial == 0
    if config.mode == PacingMode.PROGRESSIVE:
        assert decision.dial <= sum(agent.state is AgentState.READY for agent in able)
    if config.mode == PacingMode.REMINDER:
        assert decision.dial + len(snapshot.calls) <= max(config.channels, len(snapshot.calls))
    assert not (able and decision.cancel)


@every_other
@settings(max_examples=15, deadline=None)
@given(more=events, snapshot=snapshots)
def test_no_baseline_passes_a_limit(name: str, more: list[PacingEvent], snapshot: PacingSnapshot) -> None:
    rule = OTHERS[name]()
    for event in more:
        rule.observe(event)
    decision = rule.decide(snapshot)
    assert within_limits(decision, snapshot)
    assert not NOT_A_NUMBER.search(decision.reason)
    if not any(agent.state in (AgentState.READY, *BUSY) for agent in snapshot.agents):
        assert decision.dial == 0


@settings(max_examples=70, deadline=None)
@given(configs, events, snapshots)
def test_same_question_same_answer_also_after_a_restart(
    config: PacerConfig, more: list[PacingEvent], snapshot: PacingSnapshot
) -> None:
    asked, twin, restarted = pacer(config, more), pacer(config, more), Pacer(config)
    first = asked.decide(snapshot)
    assert asked.decide(replace(snapshot, now=NOW + 1)) == asked.decide(replace(snapshot, now=NOW + 1))
    assert asked.decide(snapshot) == first == twin.decide(snapshot)
    restarted.load(json.loads(json.dumps(asked.dump())))
    again = restarted.decide(snapshot)
    assert abs(again.dial - first.dial) <= 1  # weights are scaled on the way: the last bit may differ
    assert again.cancel == first.cancel


@every_other
@settings(max_examples=10, deadline=None)
@given(more=events, snapshot=snapshots)
def test_baselines_answer_the_same_also_after_a_restart(
    name: str, more: list[PacingEvent], snapshot: PacingSnapshot
) -> None:
    asked, restarted = OTHERS[name](), OTHERS[name]()
    for event in more:
        asked.observe(event)
    first = asked.decide(snapshot)
    assert asked.decide(snapshot) == first
    restarted.load(json.loads(json.dumps(asked.dump())))
    later = replace(snapshot, now=NOW + 20, calls=())
    assert restarted.decide(later) == asked.decide(later)


@settings(max_examples=70, deadline=None)
@given(configs, events, snapshots)
def test_a_spent_budget_is_seen_to_the_person(
    config: PacerConfig, more: list[PacingEvent], snapshot: PacingSnapshot
) -> None:
    """Beyond the target, counted in exact fractions, no mode that leads is ahead of one to one."""
    target = Fraction(str(snapshot.limits.abandon_target))
    if target * snapshot.period_live - snapshot.period_abandoned >= 0:
        spent = snapshot.period_live * target // 1 + 1
        snapshot = replace(snapshot, period_abandoned=int(spent))
    progressive = pacer(replace(config, mode=PacingMode.PROGRESSIVE), more).decide(snapshot)
    for mode in (PacingMode.PREDICTIVE, PacingMode.POWER):
        held = pacer(replace(config, mode=mode), more).decide(snapshot)
        assert (held.dial, held.cancel) == (progressive.dial, progressive.cancel)
        if progressive.dial:
            assert f": {snapshot.period_abandoned} of " in held.reason
            assert f"of {snapshot.period_live} people" in held.reason


@settings(max_examples=60, deadline=None)
@given(configs, snapshots, st.integers(1, 40), st.integers(1, 400))
def test_an_abandoned_person_never_speeds_up_and_an_answer_never_slows_down(
    config: PacerConfig, snapshot: PacingSnapshot, abandoned: int, live: int
) -> None:
    asked = pacer(config, [])
    here = asked.decide(snapshot).dial
    assert asked.decide(replace(snapshot, period_abandoned=snapshot.period_abandoned + abandoned)).dial <= here
    assert asked.decide(replace(snapshot, period_live=snapshot.period_live + live)).dial >= here


def placed_by_tick(rule: Paces, max_cps: float, tick_s: float, lists: int) -> list[int]:
    """Twenty ready collectors, nobody ever answers, each call ends after two seconds: the calls placed in each tick."""
    agents = tuple(AgentView(n, AgentState.READY, 0.0) for n in range(20))
    limits = PacingLimits(1000, max_cps, tick_s=tick_s)
    placed: list[int] = []
    up: list[CallView] = []
    for tick in range(round(6 / tick_s)):
        now = NOW + tick * tick_s
        up = [call for call in up if now - call.placed_at < 2.0]
        decision = rule.decide(PacingSnapshot(now, agents, tuple(up), limits, 1000, 0, NOW + 3600, lists - sum(placed)))
        for n in range(decision.dial):
            call = CallView(100 * tick + n, CallStage.DIALING, now, now)
            up.append(call)
            rule.observe(PacingEvent(now, EventKind.PLACED, call.call_id))
        placed.append(decision.dial)
    return placed


@pytest.mark.parametrize("name", [*(mode.value for mode in PacingMode), *(name for name in OTHERS if name not in OURS)])
@settings(max_examples=10, deadline=None)
@given(max_cps=st.floats(0.2, 40), tick_s=st.sampled_from([0.25, 0.5, 1.0]), lists=st.integers(0, 200))
def test_the_ticks_of_a_second_together_keep_to_calls_per_second(
    name: str, max_cps: float, tick_s: float, lists: int
) -> None:
    rule = OTHERS[name]() if name in OTHERS else pacer(PacerConfig(mode=name, ratio=3.0), [])
    placed = placed_by_tick(rule, max_cps, tick_s, lists)
    ticks = max(round(1 / tick_s), 1)
    assert all(sum(placed[n : n + ticks]) <= max(int(max_cps), 1) for n in range(len(placed)))
    assert sum(placed) <= lists
