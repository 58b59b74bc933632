"""A collector's machine under any order of events: never READY without a phone, and always a way back."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.agents.state import BUSY, AgentEvent, AgentMachine, AgentStateError
from dialer.model.agent import AgentState

events = st.lists(
    st.tuples(
        st.sampled_from(AgentEvent),
        st.sampled_from([AgentState.BREAK, AgentState.TRAINING, AgentState.AUX]),
        st.floats(0, 50),
    ),
    max_size=60,
)


@given(events)
def test_offline_only_ends_with_a_phone(steps: list[tuple[AgentEvent, AgentState, float]]) -> None:
    machine, now, has_phone = AgentMachine(1, 0.0), 0.0, False
    for event, chosen, pause_s in steps:
        now += pause_s
        before = machine.state
        machine.handle_timeout(now)
        try:
            transition = machine.handle(event, now, cause="test", chosen=chosen, limit_s=10.0)
        except AgentStateError:
            continue
        if transition is not None:
            assert transition.new is machine.state
            assert transition.lasted_s >= 0
        has_phone = machine.state is not AgentState.OFFLINE
        if before is AgentState.OFFLINE and has_phone:
            assert event is AgentEvent.PHONE_UP
    assert machine.pending is None or machine.state in BUSY


@given(events)
def test_the_shift_can_always_end(steps: list[tuple[AgentEvent, AgentState, float]]) -> None:
    machine, now = AgentMachine(1, 0.0), 0.0
    for event, chosen, pause_s in steps:
        now += pause_s
        if machine.allows(event):
            machine.handle(event, now, cause="test", chosen=chosen, limit_s=10.0)
    if machine.state is not AgentState.OFFLINE:
        machine.handle(AgentEvent.PHONE_LOST, now, cause="gone")
    assert machine.state is AgentState.OFFLINE
    assert machine.next_deadline is None
