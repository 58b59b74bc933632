"""What the pacing sees and hears of a call."""

import pytest

from dialer.calls.attempt import AttemptMachine, AttemptPlan
from dialer.calls.pace_story import PaceStory, call_view
from dialer.calls.signals import Signal
from dialer.calls.signals import SignalKind as K
from dialer.campaigns.pacing import (
    CallOutcome,
    CallStage,
    EventKind,
    Pacer,
    PacingEvent,
    PacingLimits,
    PacingSnapshot,
)
from dialer.model.attempt import Disposition

NOW = 5000.0


def test_a_call_that_waits_for_the_gate_has_not_been_ringing_since_the_clock_began() -> None:
    """Else it would be taken back as having rung long enough, the moment no collector is left."""
    view = call_view(-3, AttemptMachine(0, AttemptPlan(), NOW))
    assert (view.call_id, view.stage, view.placed_at) == (-3, CallStage.DIALING, NOW)
    snapshot = PacingSnapshot(NOW + 1, (), (view,), PacingLimits(10, 10.0), 0, 0, NOW + 1e5, 100)
    assert Pacer().decide(snapshot).cancel == ()


def walk(*signals: Signal) -> AttemptMachine:
    machine = AttemptMachine(7, AttemptPlan(), NOW)
    for after_s, signal in enumerate(signals):
        machine.handle_input(signal, NOW + after_s)
    return machine


ANSWERED = (Signal(K.INVITE_SENT), Signal(K.ANSWERED))
HUMAN = Signal(K.HUMAN, greeting_end_at=NOW + 1.5)


@pytest.mark.parametrize(
    ("signals", "stage", "since"),
    [
        ((Signal(K.INVITE_SENT),), CallStage.DIALING, NOW),
        ((Signal(K.INVITE_SENT), Signal(K.RINGING)), CallStage.DIALING, NOW + 1),
        (ANSWERED, CallStage.DETECTING, NOW + 1),
        ((*ANSWERED, HUMAN), CallStage.WAITING, NOW + 2),
        ((*ANSWERED, HUMAN, Signal(K.COLLECTOR, agent_id=1)), CallStage.CONNECTED, NOW + 3),
        ((*ANSWERED, HUMAN, Signal(K.TIMEOUT)), CallStage.DETECTING, NOW + 3),  # the apology needs no collector
    ],
)
def test_stages(signals: tuple[Signal, ...], stage: CallStage, since: float) -> None:
    view = call_view(7, walk(*signals))
    assert (view.stage, view.placed_at, view.stage_since) == (stage, NOW, since)


def test_a_talk_is_told_once_and_an_end_without_one_says_how() -> None:
    told: list[PacingEvent] = []
    story, machine = PaceStory(told.append), walk(*ANSWERED, HUMAN, Signal(K.COLLECTOR, agent_id=1))
    story.placed(7, NOW)
    story.answered(7, machine.facts, NOW + 1)
    story.connected(7, 1, machine.facts, NOW + 3)
    story.talk_ended(7, 1, NOW + 63)
    story.talk_ended(7, 1, NOW + 64)
    machine.handle_input(Signal(K.PERSON_HUNG_UP), NOW + 63)
    story.ended(7, machine.facts, NOW + 63)
    assert [event.kind for event in told] == [
        EventKind.PLACED,
        EventKind.ANSWERED,
        EventKind.CONNECTED,
        EventKind.TALK_ENDED,
    ]
    assert [event.seconds for event in told] == [0.0, 1.0, 1.5, 60.0]


@pytest.mark.parametrize(
    ("signals", "kind", "outcome", "seconds"),
    [
        (
            (Signal(K.INVITE_SENT), Signal(K.FAILED, disposition=Disposition.BUSY)),
            EventKind.FINISHED,
            CallOutcome.BUSY,
            9.0,
        ),
        ((*ANSWERED, Signal(K.MACHINE)), EventKind.FINISHED, CallOutcome.MACHINE, 9.0),
        ((*ANSWERED, HUMAN, Signal(K.PERSON_HUNG_UP)), EventKind.ABANDONED, None, 7.5),
    ],
)
def test_ends_without_a_talk(
    signals: tuple[Signal, ...], kind: EventKind, outcome: CallOutcome | None, seconds: float
) -> None:
    told: list[PacingEvent] = []
    PaceStory(told.append).ended(7, walk(*signals).facts, NOW + 9)
    assert told == [PacingEvent(NOW + 9, kind, 7, None, outcome, seconds)]


def test_what_was_never_dialed_is_not_told() -> None:
    told: list[PacingEvent] = []
    PaceStory(told.append).ended(0, walk(Signal(K.STOP)).facts, NOW)
    assert told == []
