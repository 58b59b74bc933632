"""The collector's machine over the whole product of states and events, and what the table cannot say."""

import pytest

from dialer.agents.state import BUSY, PAUSED, TABLE, AgentEvent, AgentMachine, AgentStateError, Move, Transition
from dialer.model.agent import AgentState as S

PATHS: dict[S, list[AgentEvent]] = {
    S.OFFLINE: [],
    S.AUX: [AgentEvent.PHONE_UP],
    S.READY: [AgentEvent.PHONE_UP, AgentEvent.READY],
    S.RESERVED: [AgentEvent.PHONE_UP, AgentEvent.READY, AgentEvent.RESERVE],
    S.PREVIEW: [AgentEvent.PHONE_UP, AgentEvent.READY, AgentEvent.PREVIEW],
    S.TALKING: [AgentEvent.PHONE_UP, AgentEvent.READY, AgentEvent.RESERVE, AgentEvent.CONNECT],
    S.HOLD: [AgentEvent.PHONE_UP, AgentEvent.READY, AgentEvent.RESERVE, AgentEvent.CONNECT, AgentEvent.HOLD],
    S.WRAPUP: [AgentEvent.PHONE_UP, AgentEvent.READY, AgentEvent.RESERVE, AgentEvent.CONNECT, AgentEvent.TALK_ENDED],
}


def machine_in(state: S) -> AgentMachine:
    machine = AgentMachine(7, now=0.0)
    if state in (S.BREAK, S.TRAINING):
        machine.handle(AgentEvent.PHONE_UP, 0.0, cause="test")
        machine.handle(AgentEvent.PAUSE, 0.0, cause="test", chosen=state)
        return machine
    for event in PATHS[state]:
        machine.handle(event, 0.0, cause="test")
    return machine


@pytest.mark.parametrize("event", AgentEvent)
@pytest.mark.parametrize("state", S)
def test_every_pair_is_in_the_table_or_refused(state: S, event: AgentEvent) -> None:
    machine = machine_in(state)
    assert machine.state is state
    assert machine.allows(event) is ((state, event) in TABLE)
    if (state, event) not in TABLE:
        with pytest.raises(AgentStateError, match="cannot"):
            machine.handle(event, 1.0, cause="test")
        assert machine.state is state
        return
    transition = machine.handle(event, 1.0, cause="test", chosen=S.BREAK)
    target = TABLE[(state, event)]
    expected = (
        (state if target in (Move.STAY, Move.LATER) else S.READY if target is Move.NEXT else S.BREAK)
        if isinstance(target, Move)
        else target
    )
    assert machine.state is expected
    assert (transition is None) is (expected is state)
    assert transition is None or (transition.old, transition.new, transition.lasted_s) == (state, expected, 1.0)


def test_ready_needs_a_phone() -> None:
    with pytest.raises(AgentStateError, match="cannot ready while offline"):
        AgentMachine(1, 0.0).handle(AgentEvent.READY, 1.0, cause="button")


@pytest.mark.parametrize("state", BUSY)
def test_a_lost_phone_ends_every_state(state: S) -> None:
    machine = machine_in(state)
    machine.handle(AgentEvent.PAUSE, 1.0, cause="lunch", chosen=S.BREAK)
    transition = machine.handle(AgentEvent.PHONE_LOST, 2.0, cause="no RTP")
    assert transition is not None
    assert (transition.new, transition.cause) == (S.OFFLINE, "no RTP")
    assert machine.pending is None
    assert machine.next_deadline is None


def test_a_break_asked_for_while_talking_comes_after_the_wrap_up() -> None:
    machine = machine_in(S.TALKING)
    assert machine.handle(AgentEvent.PAUSE, 1.0, cause="lunch", chosen=S.BREAK) is None
    assert machine.pending is S.BREAK
    machine.handle(AgentEvent.TALK_ENDED, 2.0, cause="person hung up", limit_s=30.0)
    transition = machine.handle(AgentEvent.WRAPPED, 3.0, cause="form sent")
    assert transition is not None
    assert (transition.new, transition.cause) == (S.BREAK, "lunch")


def test_ready_takes_a_pending_break_back() -> None:
    machine = machine_in(S.TALKING)
    machine.handle(AgentEvent.PAUSE, 1.0, cause="lunch", chosen=S.BREAK)
    machine.handle(AgentEvent.READY, 1.5, cause="changed mind")
    assert machine.pending is None


def test_a_log_out_asked_for_is_not_replaced_by_a_break() -> None:
    machine = machine_in(S.WRAPUP)
    machine.handle(AgentEvent.LOG_OUT, 1.0, cause="shift over")
    machine.handle(AgentEvent.PAUSE, 1.5, cause="lunch", chosen=S.BREAK)
    transition = machine.handle(AgentEvent.WRAPPED, 2.0, cause="form sent")
    assert transition is not None
    assert (transition.new, transition.cause) == (S.OFFLINE, "shift over")


def test_another_break_is_a_change_and_the_same_is_none() -> None:
    machine = machine_in(S.READY)
    machine.handle(AgentEvent.PAUSE, 1.0, cause="lunch", chosen=S.BREAK)
    assert machine.handle(AgentEvent.PAUSE, 2.0, cause="lunch", chosen=S.BREAK) is None
    transition = machine.handle(AgentEvent.PAUSE, 5.0, cause="meeting", chosen=S.BREAK)
    assert transition == Transition(S.BREAK, S.BREAK, "meeting", 4.0)
    assert (machine.cause, machine.since) == ("meeting", 5.0)


def test_the_cause_of_what_is_pending_goes_with_it() -> None:
    machine = machine_in(S.TALKING)
    machine.handle(AgentEvent.PAUSE, 1.0, cause="lunch", chosen=S.BREAK)
    assert machine.pending_cause == "lunch"
    machine.handle(AgentEvent.READY, 1.5, cause="changed mind")
    assert (machine.pending, machine.pending_cause) == (None, "")


def test_the_wrap_up_limit_makes_ready() -> None:
    machine = machine_in(S.TALKING)
    machine.handle(AgentEvent.TALK_ENDED, 10.0, cause="person hung up", limit_s=30.0)
    assert machine.next_deadline == 40.0
    assert machine.handle_timeout(39.9) is None
    transition = machine.handle_timeout(40.0)
    assert transition is not None
    assert (transition.new, transition.cause, transition.lasted_s) == (S.READY, "wrap-up limit", 30.0)


def test_an_unanswered_preview_is_a_break() -> None:
    machine = machine_in(S.READY)
    machine.handle(AgentEvent.PREVIEW, 5.0, cause="next case", limit_s=120.0)
    transition = machine.handle_timeout(125.0)
    assert transition is not None
    assert transition.new is S.BREAK


def test_a_hand_dial_from_aux_returns_to_aux() -> None:
    machine = machine_in(S.AUX)
    machine.handle(AgentEvent.DIAL, 1.0, cause="by hand")
    machine.handle(AgentEvent.RELEASE, 2.0, cause="busy")
    assert machine.state is S.AUX


def test_without_a_deadline_a_timeout_changes_nothing() -> None:
    assert machine_in(S.READY).handle_timeout(1e9) is None


def test_busy_and_paused_do_not_overlap() -> None:
    assert not set(BUSY) & set(PAUSED)


@pytest.mark.parametrize(("asked", "then"), [(AgentEvent.LOG_OUT, S.OFFLINE), (AgentEvent.PAUSE, S.TRAINING)])
def test_what_was_asked_for_in_a_preview_comes_at_its_limit(asked: AgentEvent, then: S) -> None:
    """And only then: nothing is left pending that would end the collector's next call."""
    machine = machine_in(S.READY)
    machine.handle(AgentEvent.PREVIEW, 1.0, cause="preview", limit_s=10.0)
    machine.handle(asked, 2.0, cause="asked", chosen=S.TRAINING)
    transition = machine.handle_timeout(11.0)
    assert transition is not None
    assert (transition.new, transition.cause, machine.pending) == (then, "asked", None)
