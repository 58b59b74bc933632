"""The attempt's machine: the whole product of phases and signals, and the ways of an attempt that matter most."""

import itertools

import pytest

from dialer.calls import signals as s
from dialer.calls.attempt import (
    CANCEL_LIMIT_S,
    DETECT_LIMIT_S,
    HOLD_ON_LIMIT_S,
    RING_MARGIN_S,
    TABLE,
    AttemptMachine,
    Phase,
)
from dialer.calls.facts import AttemptPlan
from dialer.calls.signals import ListenTarget, Order, PromptRole, Signal
from dialer.calls.signals import SignalKind as K
from dialer.model.attempt import AttemptState, Disposition, HangupSide, NetworkCause
from dialer.model.campaign import AmdMode, MachineAction

AGENT = Signal(K.COLLECTOR, agent_id=5)
HUMAN = Signal(K.HUMAN, greeting_end_at=3.5, confidence=0.9)
DETECT = AttemptPlan()
LEAVE = AttemptPlan(machine_action=MachineAction.LEAVE_MESSAGE)
REMIND = AttemptPlan(reminder=True, amd=AmdMode.OFF)

WAYS: dict[Phase, tuple[AttemptPlan, list[Signal]]] = {
    Phase.PLACING: (DETECT, []),
    Phase.DIALING: (DETECT, [Signal(K.INVITE_SENT)]),
    Phase.RINGING: (DETECT, [Signal(K.INVITE_SENT), Signal(K.RINGING)]),
    Phase.EARLY_MEDIA: (DETECT, [Signal(K.INVITE_SENT), Signal(K.EARLY_MEDIA)]),
    Phase.CANCELLING: (DETECT, [Signal(K.INVITE_SENT), Signal(K.RINGING), Signal(K.STOP, reason="paid")]),
    Phase.DETECTING: (DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED)]),
    Phase.WAITING: (DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED), HUMAN]),
    Phase.TALKING: (DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED), HUMAN, AGENT]),
    Phase.HOLDING_ON: (
        DETECT,
        [Signal(K.INVITE_SENT), Signal(K.ANSWERED), HUMAN, AGENT, Signal(K.COLLECTOR_LOST)],
    ),
    Phase.GOODBYE: (
        DETECT,
        [Signal(K.INVITE_SENT), Signal(K.ANSWERED), HUMAN, AGENT, Signal(K.COLLECTOR_LOST), Signal(K.TIMEOUT)],
    ),
    Phase.APOLOGY: (DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED), HUMAN, Signal(K.TIMEOUT)]),
    Phase.BEEP_WAIT: (LEAVE, [Signal(K.INVITE_SENT), Signal(K.ANSWERED), Signal(K.MACHINE)]),
    Phase.MESSAGE: (LEAVE, [Signal(K.INVITE_SENT), Signal(K.ANSWERED), Signal(K.MACHINE), Signal(K.BEEP)]),
    Phase.DIALOGUE: (REMIND, [Signal(K.INVITE_SENT), Signal(K.ANSWERED)]),
    Phase.ENDED: (DETECT, [Signal(K.INVITE_SENT), Signal(K.FAILED, disposition=Disposition.BUSY)]),
}


def walk(plan: AttemptPlan, signals: list[Signal], start: float = 1.0) -> tuple[AttemptMachine, list[Order]]:
    """Feeds one signal a second, from `start`."""
    machine = AttemptMachine(1, plan)
    orders: list[Order] = []
    for at, signal in enumerate(signals):
        orders += machine.handle_input(signal, start + at)
    return machine, orders


@pytest.mark.parametrize("kind", K)
@pytest.mark.parametrize("phase", Phase)
def test_every_pair(phase: Phase, kind: K) -> None:
    """Known pairs act, unknown pairs change nothing; an end orders exactly one Settle and nothing waits any more."""
    machine, before = walk(*WAYS[phase])
    assert machine.phase is phase
    orders = machine.handle_input(Signal(kind, agent_id=5, disposition=Disposition.BUSY, reason="r"), 10.0)
    if (phase, kind) not in TABLE:
        assert orders == []
        assert machine.phase is phase
    settles = [order for order in itertools.chain(before, orders) if isinstance(order, s.Settle)]
    assert len(settles) == (machine.phase is Phase.ENDED)
    if machine.phase is Phase.ENDED:
        assert machine.next_deadline is None


def test_every_way_out_of_an_answered_phase_says_goodbye_to_the_leg() -> None:
    """Where we end an answered call a BYE is ordered; where the person ended it, none."""
    answered = [p for p in Phase if p not in (Phase.PLACING, Phase.CANCELLING, Phase.ENDED) and WAYS[p][1]]
    for phase, kind in itertools.product(answered, K):
        machine, _ = walk(*WAYS[phase])
        orders = machine.handle_input(Signal(kind, agent_id=5), 10.0)
        if machine.phase is Phase.ENDED and machine.facts.answered_at is not None:
            assert any(isinstance(order, s.HangUp) for order in orders) is (kind is not K.PERSON_HUNG_UP)


def test_a_person_meets_a_collector() -> None:
    machine, orders = walk(
        DETECT, [Signal(K.INVITE_SENT), Signal(K.RINGING), Signal(K.ANSWERED), HUMAN, AGENT, Signal(K.PERSON_HUNG_UP)]
    )
    assert orders == [
        s.Mark(AttemptState.INVITE_SENT),
        s.Mark(AttemptState.ALERTING),
        s.Mark(AttemptState.ANSWERED),
        s.Listen(ListenTarget.GREETING),
        s.Mark(AttemptState.CLASSIFIED),
        s.StopListening(),
        s.FindCollector(),
        s.Bridge(5),
        s.Mark(AttemptState.CONNECTED),
        s.EndTalk(5),
        s.Settle(Disposition.CONNECTED, HangupSide.PERSON),
    ]
    facts = machine.facts
    assert (facts.ringing_at, facts.answered_at, facts.greeting_end_at, facts.connected_at) == (2.0, 3.0, 3.5, 5.0)
    assert (facts.verdict, facts.verdict_confidence, facts.agent_id) == ("human", 0.9, 5)


def test_the_abandon_clock_starts_at_the_end_of_the_greeting() -> None:
    machine, _ = walk(DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED), HUMAN])  # verdict at 3.0, greeting to 3.5
    assert machine.next_deadline == pytest.approx(5.5)
    assert machine.handle_timeout(5.4) == []
    assert machine.handle_timeout(5.5) == [s.ForgetCollector(), s.Play(PromptRole.SAFE_HARBOUR)]
    orders = machine.handle_input(Signal(K.PROMPT_ENDED), 9.0)
    assert orders == [
        s.StopListening(),
        s.HangUp("no collector"),
        s.Settle(Disposition.ABANDONED, HangupSide.US),
    ]


def test_a_late_verdict_leaves_only_the_rest_of_the_wait() -> None:
    machine, _ = walk(DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED)])
    machine.handle_input(Signal(K.HUMAN, greeting_end_at=3.0), 6.0)  # three seconds late: no wait left
    assert machine.next_deadline == 6.0


def test_no_verdict_in_time_goes_to_a_collector() -> None:
    machine, _ = walk(DETECT, [Signal(K.INVITE_SENT), Signal(K.ANSWERED)])
    orders = machine.handle_timeout(2.0 + DETECT_LIMIT_S)
    assert orders[-1] == s.FindCollector()
    assert machine.facts.verdict == "unsure"


def test_without_detection_the_answer_asks_for_a_collector() -> None:
    machine, orders = walk(AttemptPlan(amd=AmdMode.OFF), [Signal(K.INVITE_SENT), Signal(K.ANSWERED)])
    assert orders[-1] == s.FindCollector()
    assert machine.next_deadline == pytest.approx(2.0 + machine.plan.abandon_wait_s)


def test_a_dedicated_collector_is_connected_at_the_answer() -> None:
    _, orders = walk(AttemptPlan(dedicated_agent=9), [Signal(K.INVITE_SENT), Signal(K.ANSWERED)])
    assert orders[-2:] == [s.Bridge(9), s.Mark(AttemptState.CONNECTED)]


def test_a_machine_gets_a_message_after_the_beep() -> None:
    _, orders = walk(
        LEAVE,
        [Signal(K.INVITE_SENT), Signal(K.ANSWERED), Signal(K.MACHINE), Signal(K.BEEP), Signal(K.PROMPT_ENDED)],
    )
    assert s.Listen(ListenTarget.BEEP) in orders
    assert orders[-4:] == [
        s.Play(PromptRole.MACHINE_MESSAGE),
        s.StopListening(),
        s.HangUp("message left"),
        s.Settle(Disposition.MESSAGE_LEFT, HangupSide.US),
    ]


def test_a_trunk_fault_tries_the_next_trunk_and_ringing_does_not() -> None:
    fault = Signal(K.TRUNK_FAULT, reason="503", disposition=Disposition.TRUNK_CONGESTION)
    machine, orders = walk(DETECT, [Signal(K.INVITE_SENT), fault, Signal(K.INVITE_SENT), Signal(K.RINGING), fault])
    assert orders == [
        s.Mark(AttemptState.INVITE_SENT),
        s.NextTrunk("503"),
        s.Mark(AttemptState.ALERTING),
        s.Settle(Disposition.TRUNK_CONGESTION, HangupSide.NETWORK),
    ]
    assert machine.facts.invites == 2


def test_no_trunk_left_settles() -> None:
    cause = NetworkCause(sip_status=503)
    fault = Signal(K.TRUNK_FAULT, cause=cause)
    machine, orders = walk(DETECT, [Signal(K.INVITE_SENT), fault, Signal(K.NO_TRUNK)])
    assert orders[-1] == s.Settle(Disposition.TRUNK_CONGESTION, HangupSide.NETWORK)
    assert machine.facts.cause == cause


def test_the_ring_backstop_cancels_and_a_crossing_answer_is_noted() -> None:
    machine, _ = walk(DETECT, [Signal(K.INVITE_SENT), Signal(K.RINGING)])
    deadline = 1.0 + machine.plan.ring_timeout_s + RING_MARGIN_S
    assert machine.next_deadline == deadline
    assert machine.handle_timeout(deadline) == [s.Cancel("ring timeout")]
    orders = machine.handle_input(Signal(K.FAILED, crossed=True), deadline + 0.1)
    assert orders == [s.Settle(Disposition.NO_ANSWER, HangupSide.US)]
    assert machine.facts.crossed


def test_a_request_terminated_is_the_end_of_our_own_cancel() -> None:
    """The SIP layer cancels at the ring timeout by itself; only we cancel (RFC 3261 §21.4.25)."""
    cause = NetworkCause(sip_status=487)
    terminated = Signal(K.FAILED, cause=cause, disposition=Disposition.NO_ANSWER)
    _, orders = walk(DETECT, [Signal(K.INVITE_SENT), Signal(K.RINGING), terminated])
    assert orders[-1] == s.Settle(Disposition.NO_ANSWER, HangupSide.US)


def test_an_answer_forgets_the_refusal_of_an_earlier_trunk() -> None:
    """The cause on record is the last trunk's, or none."""
    fault = Signal(K.TRUNK_FAULT, cause=NetworkCause(sip_status=503))
    ways = [Signal(K.INVITE_SENT), fault, Signal(K.INVITE_SENT), Signal(K.ANSWERED)]
    assert walk(DETECT, ways)[0].facts.cause == NetworkCause()


def test_a_stop_cancels_what_rings_and_spares_what_was_answered() -> None:
    machine, orders = walk(DETECT, [Signal(K.INVITE_SENT), Signal(K.RINGING), Signal(K.STOP, reason="case paid")])
    assert orders[-1] == s.Cancel("case paid")
    assert machine.handle_timeout(3.0 + CANCEL_LIMIT_S) == [s.Settle(Disposition.CANCELLED, HangupSide.US)]
    machine, _ = walk(*WAYS[Phase.TALKING])
    assert machine.handle_input(Signal(K.STOP, reason="case paid"), 10.0) == []


def test_a_vanished_collector_is_replaced_or_apologised_for() -> None:
    machine, _ = walk(*WAYS[Phase.TALKING])
    assert machine.handle_input(Signal(K.COLLECTOR_LOST), 10.0) == [s.Play(PromptRole.HOLD_ON), s.FindCollector()]
    assert machine.handle_input(Signal(K.COLLECTOR, agent_id=6), 11.0)[0] == s.Bridge(6)
    machine.handle_input(Signal(K.COLLECTOR_LOST), 20.0)
    orders = machine.handle_timeout(20.0 + HOLD_ON_LIMIT_S)
    assert orders == [s.ForgetCollector(), s.Play(PromptRole.GOODBYE)]
    orders = machine.handle_input(Signal(K.PROMPT_ENDED), 40.0)
    assert orders == [s.HangUp("collector lost"), s.Settle(Disposition.CONNECTED, HangupSide.US)]
    assert machine.facts.connected_at == 4.0


def test_an_answer_that_crossed_a_stop_inside_the_node_ends_with_our_bye() -> None:
    """The answer was on its way through the mailbox: the SIP layer hangs up instead, and says so by `Ended`."""
    machine = AttemptMachine(1, DETECT)
    for signal in WAYS[Phase.CANCELLING][1]:
        machine.handle_input(signal, 1.0)
    assert machine.handle_input(Signal(K.ANSWERED), 1.0) == []
    orders = machine.handle_input(Signal(K.MEDIA_LOST), 1.1)
    assert orders == [s.Settle(Disposition.CANCELLED, HangupSide.US)]
