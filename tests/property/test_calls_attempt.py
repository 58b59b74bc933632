"""Whatever happens in whatever order: an attempt is settled once, its leg, trunk and collector are given back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.calls import signals as s
from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.facts import AttemptPlan
from dialer.calls.signals import Order, Signal
from dialer.calls.signals import SignalKind as K
from dialer.model.attempt import REACHED_A_PERSON, Disposition
from dialer.model.campaign import AmdMode, MachineAction

plans = st.builds(
    AttemptPlan,
    ring_timeout_s=st.floats(1, 60),
    abandon_wait_s=st.floats(0, 5),
    amd=st.sampled_from(AmdMode),
    machine_action=st.sampled_from(MachineAction),
    reminder=st.booleans(),
    dedicated_agent=st.none() | st.just(9),
)
signals = st.builds(
    Signal,
    st.sampled_from([kind for kind in K if kind is not K.TIMEOUT]),
    agent_id=st.sampled_from([3, 4]),
    disposition=st.none() | st.sampled_from([Disposition.BUSY, Disposition.TRUNK_CONGESTION]),
    confidence=st.sampled_from([0.5, 0.99]),
    greeting_end_at=st.none() | st.floats(0, 100),
    crossed=st.booleans(),
)
steps = st.lists(st.tuples(signals, st.floats(0, 20)), max_size=40)


def live(plan: AttemptPlan, events: list[tuple[Signal, float]]) -> tuple[AttemptMachine, list[Order]]:
    """Plays the events with their pauses, deadlines in between, then only time until the machine rests."""
    machine, orders, now = AttemptMachine(1, plan), [], 0.0
    for signal, pause_s in events:
        until = now + pause_s
        while machine.next_deadline is not None and machine.next_deadline <= until:
            now = max(now, machine.next_deadline)
            orders += machine.handle_timeout(now)
        now = until
        orders += machine.handle_input(signal, now)
    while machine.next_deadline is not None:
        now = max(now, machine.next_deadline)
        orders += machine.handle_timeout(now)
    return machine, orders


@given(plans, steps)
@settings(max_examples=400, deadline=None)
def test_an_attempt_never_hangs_and_is_settled_at_most_once(
    plan: AttemptPlan, events: list[tuple[Signal, float]]
) -> None:
    machine, orders = live(plan, events)
    settled = [order for order in orders if isinstance(order, s.Settle)]
    assert machine.phase in (Phase.ENDED, Phase.PLACING)
    assert len(settled) == (machine.phase is Phase.ENDED)
    if not settled:  # only the shell leaves PLACING: it sends an INVITE or says that there is no trunk
        assert machine.handle_input(Signal(K.NO_TRUNK), 1e6)[-1:] != []


@given(plans, steps)
@settings(max_examples=400, deadline=None)
def test_what_was_begun_is_ended(plan: AttemptPlan, events: list[tuple[Signal, float]]) -> None:
    """A bridge is followed by the end of the talk or by the collector's own loss; nobody is asked for in vain."""
    machine, orders = live(plan, events)
    bridged = sum(isinstance(order, s.Bridge) for order in orders)
    parted = sum(isinstance(order, s.EndTalk | s.TakeBack) for order in orders)
    lost = sum(isinstance(order, s.Play) and order.prompt is s.PromptRole.HOLD_ON for order in orders)
    if machine.phase is Phase.ENDED:
        assert bridged == parted + lost
    asked = [index for index, order in enumerate(orders) if isinstance(order, s.FindCollector)]
    if asked and machine.phase is Phase.ENDED:
        after = orders[asked[-1] :]
        assert any(isinstance(order, s.Bridge | s.ForgetCollector) for order in after)


@given(plans, steps)
@settings(max_examples=400, deadline=None)
def test_nobody_is_called_twice(plan: AttemptPlan, events: list[tuple[Signal, float]]) -> None:
    """After the first sign of life no trunk is asked for again; a person was reached only where one answered."""
    machine, now, alerted = AttemptMachine(1, plan), 0.0, False
    for signal, pause_s in events:
        now += pause_s
        orders = machine.handle_timeout(now) + machine.handle_input(signal, now)
        alerted = alerted or machine.facts.ringing_at is not None or machine.facts.answered_at is not None
        assert not (alerted and any(isinstance(order, s.NextTrunk) for order in orders))
    if machine.facts.disposition in REACHED_A_PERSON and machine.phase is Phase.ENDED:
        assert machine.facts.answered_at is not None
