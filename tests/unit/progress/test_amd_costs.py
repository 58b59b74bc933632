"""What is done with a probability follows from what mistakes cost, and more cost never makes a call bolder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.progress.amd import (
    BEYOND_DOUBT,
    COLLECTOR_S,
    HANG_UP_SHARES,
    LONG_GREETING_MS,
    SHORT_GREETING_MS,
    AmdConfig,
)
from dialer.progress.classifier import HORIZONS_MS, LONGEST_PAUSE_MS, Judgement

costs_s = st.floats(1, 100_000)
chances = st.floats(0, 1)
judgements = st.builds(Judgement, chances, st.tuples(*(chances for _ in HORIZONS_MS)))
spans_ms = st.integers(80, 10_000)
pauses_ms = st.integers(200, LONGEST_PAUSE_MS - 20)


def waits(judgement: Judgement, cost_s: float, span_ms: int, pause_ms: int) -> bool:
    return AmdConfig(lost_person_cost_s=cost_s).worth_waiting(judgement, span_ms, pause_ms)


@given(costs_s, costs_s, st.booleans())
def test_the_dearer_a_person_the_surer_of_a_machine(one_s: float, other_s: float, patient: bool) -> None:
    cheap, dear = (
        AmdConfig(lost_person_cost_s=cost_s, patient=patient).machine_from for cost_s in sorted((one_s, other_s))
    )
    assert 0 < cheap <= dear < 1


@given(judgements, costs_s, costs_s, spans_ms, pauses_ms)
def test_the_dearer_a_person_the_shorter_the_wait(
    judgement: Judgement, one_s: float, other_s: float, span_ms: int, pause_ms: int
) -> None:
    cheap_s, dear_s = sorted((one_s, other_s))
    if waits(judgement, dear_s, span_ms, pause_ms):
        assert waits(judgement, cheap_s, span_ms, pause_ms)


@given(spans_ms, spans_ms)
def test_the_longer_the_greeting_the_more_patient_the_person(one_ms: int, other_ms: int) -> None:
    config = AmdConfig()
    short, long = HANG_UP_SHARES
    brief_ms, lengthy_ms = sorted((one_ms, other_ms))
    assert short >= config.hang_up_share(brief_ms) >= config.hang_up_share(lengthy_ms) >= long


def test_between_short_and_long_greetings_the_share_goes_down_evenly() -> None:
    config = AmdConfig()
    assert config.hang_up_share(SHORT_GREETING_MS) == HANG_UP_SHARES[0]
    assert config.hang_up_share(LONG_GREETING_MS) == pytest.approx(HANG_UP_SHARES[1])
    middle_ms = (SHORT_GREETING_MS + LONG_GREETING_MS) // 2
    assert config.hang_up_share(middle_ms) == pytest.approx(sum(HANG_UP_SHARES) / 2)


def test_at_the_threshold_both_mistakes_cost_the_same() -> None:
    config = AmdConfig(lost_person_cost_s=300.0)
    assert (1 - config.machine_from) * 300.0 == pytest.approx(config.machine_from * COLLECTOR_S)


@given(judgements, costs_s, spans_ms, pauses_ms)
def test_with_a_collector_there_already_waiting_costs_nothing(
    judgement: Judgement, cost_s: float, span_ms: int, pause_ms: int
) -> None:
    config = AmdConfig(lost_person_cost_s=cost_s, patient=True)
    assert config.hang_up_share(span_ms) == 0
    assert config.worth_waiting(judgement, span_ms, pause_ms) is any(judgement.revealed)
    assert config.machine_from >= BEYOND_DOUBT


def test_nobody_waits_for_what_will_not_come() -> None:
    assert not waits(Judgement(0.5, (0.0, 0.0, 0.0)), 600.0, 500, 200)
    assert not waits(Judgement(0.0, (0.001, 0.001, 0.001)), 600.0, 500, 200)
    assert waits(Judgement(0.99, (0.0, 0.0, 0.9)), 600.0, 500, 200), "the machine is to be heard out"


@given(judgements, costs_s, pauses_ms)
def test_after_a_long_greeting_there_is_more_time(judgement: Judgement, cost_s: float, pause_ms: int) -> None:
    if waits(judgement, cost_s, SHORT_GREETING_MS, pause_ms):
        assert waits(judgement, cost_s, LONG_GREETING_MS, pause_ms)
