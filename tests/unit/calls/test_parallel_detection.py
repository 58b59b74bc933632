"""Parallel mode: a person meets a collector at the probable end of the greeting; only a sure verdict undoes it."""

import itertools

import pytest

from dialer.calls import signals as s
from dialer.calls.attempt import DETECT_LIMIT_S, PULL_BACK_CONFIDENCE, PULL_BACK_LIMIT_S, TABLE, AttemptMachine, Phase
from dialer.calls.facts import AttemptPlan
from dialer.calls.signals import ListenTarget, Order, PromptRole, Signal
from dialer.calls.signals import SignalKind as K
from dialer.model.attempt import AttemptState, Disposition, HangupSide
from dialer.model.campaign import AmdMode, MachineAction
from dialer.progress.amd import AmdConfig

PARALLEL = AttemptPlan(amd=AmdMode.PARALLEL)
LEAVE = AttemptPlan(amd=AmdMode.PARALLEL, machine_action=MachineAction.LEAVE_MESSAGE)
REMIND = AttemptPlan(amd=AmdMode.PARALLEL, reminder=True)
OVER = Signal(K.GREETING_OVER, greeting_end_at=2.5)
AGENT = Signal(K.COLLECTOR, agent_id=5)
SURE = PULL_BACK_CONFIDENCE
ANSWERED = [Signal(K.INVITE_SENT), Signal(K.ANSWERED)]
WAYS = {
    Phase.DETECTING: ANSWERED,
    Phase.WAITING: [*ANSWERED, OVER],
    Phase.TALKING: [*ANSWERED, OVER, AGENT],
    Phase.HOLDING_ON: [*ANSWERED, OVER, AGENT, Signal(K.COLLECTOR_LOST)],
    Phase.APOLOGY: [*ANSWERED, OVER, Signal(K.TIMEOUT)],
}


def walk(plan: AttemptPlan, signals: list[Signal]) -> tuple[AttemptMachine, list[Order]]:
    """One signal a second: the INVITE at 1, the answer at 2, at 3 the probable end of a greeting that ended at 2.5."""
    machine = AttemptMachine(1, plan)
    orders: list[Order] = []
    for at, signal in enumerate(signals, start=1):
        orders = machine.handle_input(signal, float(at))
    return machine, orders


@pytest.mark.parametrize("plan", [PARALLEL, LEAVE])
@pytest.mark.parametrize("confidence", [0.5, SURE])
@pytest.mark.parametrize("kind", K)
@pytest.mark.parametrize("phase", WAYS)
def test_every_pair_while_listening(phase: Phase, kind: K, confidence: float, plan: AttemptPlan) -> None:
    """No pair breaks anything: an end settles once, whoever talked is let go, and nobody is let go twice."""
    machine, _ = walk(plan, WAYS[phase])
    assert machine.phase is phase
    signal = Signal(kind, agent_id=5, confidence=confidence, greeting_end_at=5.5, disposition=Disposition.BUSY)
    orders = machine.handle_input(signal, 6.0)
    assert orders == [] or (phase, kind) in TABLE
    assert sum(isinstance(order, s.Settle) for order in orders) == (machine.phase is Phase.ENDED)
    freed = sum(isinstance(order, s.EndTalk | s.TakeBack) for order in orders)
    vanished = kind is K.COLLECTOR_LOST
    assert freed == (phase is Phase.TALKING and machine.phase is not Phase.TALKING and not vanished)


def test_a_person_is_connected_before_the_verdict() -> None:
    machine, orders = walk(PARALLEL, [*ANSWERED, OVER])
    assert orders == [s.FindCollector()]
    assert machine.next_deadline == pytest.approx(2.5 + PARALLEL.abandon_wait_s)
    assert machine.handle_input(AGENT, 3.5) == [s.Bridge(5), s.Mark(AttemptState.CONNECTED)]
    assert machine.handle_input(Signal(K.HUMAN, confidence=0.8, greeting_end_at=2.5), 4.0) == [s.StopListening()]
    facts = machine.facts
    assert (facts.verdict, facts.verdict_confidence, facts.greeting_end_at) == ("human", 0.8, 2.5)
    assert machine.handle_input(Signal(K.HUMAN), 5.0) == []


@pytest.mark.parametrize(("kind", "end"), [(K.MACHINE, Disposition.MACHINE), (K.FAX, Disposition.FAX)])
def test_a_sure_verdict_takes_the_call_back(kind: K, end: Disposition) -> None:
    machine, _ = walk(PARALLEL, WAYS[Phase.TALKING])
    orders = machine.handle_input(Signal(kind, confidence=SURE), 4.0 + PULL_BACK_LIMIT_S)
    assert orders[0] == s.TakeBack(5, kind.value)
    assert orders[-2:] == [s.HangUp(kind.value), s.Settle(end, HangupSide.US)]
    assert machine.facts.verdict == kind.value
    assert machine.facts.greeting_end_at == 2.5  # the wait that was


def test_a_message_is_left_after_the_call_was_taken_back() -> None:
    machine, _ = walk(LEAVE, WAYS[Phase.TALKING])
    orders = machine.handle_input(Signal(K.MACHINE, confidence=SURE), 5.0)
    assert orders == [s.TakeBack(5, "machine"), s.Mark(AttemptState.CLASSIFIED), s.Listen(ListenTarget.BEEP)]
    assert machine.handle_input(Signal(K.BEEP), 8.0) == [s.StopListening(), s.Play(PromptRole.MACHINE_MESSAGE)]
    assert machine.handle_input(Signal(K.PROMPT_ENDED), 20.0)[-1] == s.Settle(Disposition.MESSAGE_LEFT, HangupSide.US)


@pytest.mark.parametrize(("confidence", "after_s"), [(SURE - 0.01, 1.0), (SURE, PULL_BACK_LIMIT_S + 0.1)])
def test_a_doubtful_or_late_verdict_leaves_the_talk_alone(confidence: float, after_s: float) -> None:
    machine, _ = walk(PARALLEL, WAYS[Phase.TALKING])
    assert machine.handle_input(Signal(K.MACHINE, confidence=confidence), 4.0 + after_s) == [s.StopListening()]
    assert machine.phase is Phase.TALKING
    assert machine.facts.verdict == "machine"


@pytest.mark.parametrize("kind", [K.MACHINE, K.FAX, K.SILENCE, K.DEAD_END, K.HUMAN, K.UNSURE])
def test_only_a_persons_greeting_has_an_end(kind: K) -> None:
    """What is on record of it starts the clock of abandonment; a machine may talk on when the verdict falls."""
    machine, _ = walk(AttemptPlan(), [*ANSWERED, Signal(kind, confidence=SURE, greeting_end_at=2.9)])
    assert machine.facts.greeting_end_at == (2.9 if kind in (K.HUMAN, K.UNSURE) else None)


def test_a_sure_verdict_before_a_collector_came_is_a_machine() -> None:
    machine, _ = walk(PARALLEL, WAYS[Phase.WAITING])
    orders = machine.handle_input(Signal(K.MACHINE, confidence=SURE), 3.5)
    assert orders[0] == s.ForgetCollector()
    assert orders[-1] == s.Settle(Disposition.MACHINE, HangupSide.US)


def test_a_doubtful_verdict_keeps_the_person_waiting_from_the_measured_end() -> None:
    machine, _ = walk(PARALLEL, WAYS[Phase.WAITING])
    orders = machine.handle_input(Signal(K.MACHINE, confidence=0.7, greeting_end_at=2.9), 3.4)
    assert orders == [s.Mark(AttemptState.CLASSIFIED), s.StopListening()]
    assert machine.phase is Phase.WAITING
    assert machine.next_deadline == pytest.approx(2.9 + PARALLEL.abandon_wait_s)
    assert machine.facts.waiting_since == 2.9


def test_the_backstop_is_behind_the_detectors_own_limit() -> None:
    """Its verdict comes with the audio it was made from."""
    assert AmdConfig().give_up_after_ms / 1000 < DETECT_LIMIT_S


def test_who_speaks_on_is_still_greeting() -> None:
    """No clock runs and nobody is asked for; the next end of the greeting is the one that counts."""
    machine, _ = walk(PARALLEL, WAYS[Phase.WAITING])
    assert machine.handle_input(Signal(K.GREETING_RESUMED), 3.4) == [s.ForgetCollector()]
    assert (machine.phase, machine.facts.greeting_end_at) == (Phase.DETECTING, None)
    assert machine.next_deadline == pytest.approx(2.0 + DETECT_LIMIT_S)
    assert machine.handle_input(Signal(K.GREETING_OVER, greeting_end_at=5.0), 5.2) == [s.FindCollector()]
    assert machine.next_deadline == pytest.approx(5.0 + PARALLEL.abandon_wait_s)


def test_a_vanished_collector_ends_the_listening() -> None:
    machine, orders = walk(PARALLEL, WAYS[Phase.HOLDING_ON])
    assert orders == [s.StopListening(), s.Play(PromptRole.HOLD_ON), s.FindCollector()]
    machine.handle_input(Signal(K.COLLECTOR, agent_id=6), 5.0)
    assert machine.handle_input(Signal(K.MACHINE, confidence=1.0), 5.1) == []


def test_a_reminder_waits_for_the_verdict() -> None:
    machine, orders = walk(REMIND, [*ANSWERED, OVER])
    assert (orders, REMIND.connects_early, PARALLEL.connects_early) == ([], False, True)
    assert machine.phase is Phase.DETECTING


@pytest.mark.parametrize("plan", [PARALLEL, AttemptPlan()])
def test_an_announcement_instead_of_a_person_ends_the_call(plan: AttemptPlan) -> None:
    dead_end = Signal(K.DEAD_END, reason="a", disposition=Disposition.POWERED_OFF, confidence=0.99)
    settled = s.Settle(Disposition.POWERED_OFF, HangupSide.US)
    for signals in (ANSWERED, WAYS[Phase.TALKING]) if plan is PARALLEL else (ANSWERED,):
        machine, _ = walk(plan, signals)
        assert machine.handle_input(dead_end, 6.0)[-1] == settled


def test_before_connect_the_probable_end_only_starts_the_clock_of_the_undecided() -> None:
    machine, orders = walk(AttemptPlan(), [*ANSWERED, OVER])
    assert (orders, machine.phase) == ([], Phase.DETECTING)
    machine.handle_timeout(2.0 + DETECT_LIMIT_S)
    assert machine.facts.greeting_end_at == 2.5
    machine, _ = walk(AttemptPlan(), [*ANSWERED, OVER, Signal(K.GREETING_RESUMED)])
    machine.handle_timeout(2.0 + DETECT_LIMIT_S)
    assert machine.facts.greeting_end_at == 2.0 + DETECT_LIMIT_S


@pytest.mark.parametrize("early", list(itertools.product([K.RINGING, None], [Disposition.BAD_NUMBER, None])))
def test_a_dead_end_before_the_answer_is_cancelled_at_once(early: tuple[K | None, Disposition | None]) -> None:
    """An announcement is no ringing phone: the least time of ringing protects nobody here."""
    ringing, disposition = early
    signals = [Signal(K.INVITE_SENT), *([Signal(ringing)] if ringing else []), Signal(K.EARLY_MEDIA)]
    machine, _ = walk(PARALLEL, signals)
    dead_end = Signal(K.DEAD_END, reason="announcement: not in use", disposition=disposition)
    assert machine.handle_input(dead_end, 4.0) == [s.Cancel("announcement: not in use")]
    orders = machine.handle_input(Signal(K.FAILED), 4.2)
    assert orders == [s.Settle(disposition or Disposition.NO_ANSWER, HangupSide.US)]
