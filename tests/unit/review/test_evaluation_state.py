"""The evaluation's table over every state and event."""

import itertools

from recording.review.evaluation_state import (
    ENDINGS,
    TRANSITIONS,
    EvaluationEvent,
    EvaluationState,
    Refusal,
    step,
)


def test_every_pair_is_a_state_or_says_why_not() -> None:
    for state, event in itertools.product(EvaluationState, EvaluationEvent):
        after = step(state, event)
        if isinstance(after, Refusal):
            assert (state, event) not in TRANSITIONS
            assert after.reason.startswith(f"cannot {event.value.replace('_', ' ')}: the evaluation ")
        else:
            assert after is TRANSITIONS[state, event]


def test_what_is_final_stays_so_and_says_how_it_became_final() -> None:
    for state in (EvaluationState.FINAL, EvaluationState.WITHDRAWN):
        assert all(isinstance(step(state, event), Refusal) for event in EvaluationEvent)
    endings = {event for (_, event), after in TRANSITIONS.items() if after is EvaluationState.FINAL}
    assert endings == set(ENDINGS)
