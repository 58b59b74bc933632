"""What the pacing may count as abandoned: never less than what will be on record."""

from types import SimpleNamespace
from typing import cast

import pytest

from dialer.calls.attempt import AttemptMachine, AttemptPlan, Phase
from dialer.calls.runner import AttemptRunner
from dialer.calls.signals import Signal
from dialer.calls.signals import SignalKind as K
from dialer.campaigns.loop.period import AbandonmentPeriod

WAITING = (K.INVITE_SENT, K.RINGING, K.ANSWERED)


def call_after(*kinds: K) -> AttemptRunner:
    machine = AttemptMachine(1, AttemptPlan(detect=False))
    for kind in kinds:
        machine.handle_input(Signal(kind, agent_id=7), 1.0)
    return cast("AttemptRunner", SimpleNamespace(machine=machine))


@pytest.mark.parametrize(
    ("kinds", "counts"),
    [
        (WAITING[:2], (0, 0)),
        (WAITING, (0, 0)),  # may still go either way
        ((*WAITING, K.COLLECTOR), (1, 0)),
        ((*WAITING, K.COLLECTOR, K.PERSON_HUNG_UP), (1, 0)),
        ((*WAITING, K.TIMEOUT), (1, 1)),
        ((*WAITING, K.TIMEOUT, K.PROMPT_ENDED), (1, 1)),  # over, its end not on record yet
        ((*WAITING, K.PERSON_HUNG_UP), (1, 1)),
        ((*WAITING[:2], K.STOP, K.FAILED), (0, 0)),
    ],
)
def test_calls_that_are_not_on_record_yet(kinds: tuple[K, ...], counts: tuple[int, int]) -> None:
    standing = AbandonmentPeriod(1).standing([call_after(*kinds)])
    assert (standing.live, standing.abandoned) == counts


def test_the_machine_is_walked_as_far_as_meant() -> None:
    assert call_after(*WAITING, K.TIMEOUT).machine.phase is Phase.APOLOGY
    assert call_after(*WAITING, K.TIMEOUT, K.PROMPT_ENDED).machine.phase is Phase.ENDED
