"""An evaluation's states: draft → submitted → (disputed → in review) → final, as a table. Pure.

What the table cannot say: who may do what is decided beside it. What was submitted is the scorer's alone until it is
revealed: at once, or in a blind round when all have submitted. FILE happens then to what nobody answers: a comparison
(a second scoring, a calibration), or a call without a collector. A dispute must be raised before the form's days are
over (TIME_UP), by the collector alone, and is reviewed by somebody other than the scorer. ACKNOWLEDGE also takes a
dispute back. A final evaluation never changes; `ENDINGS` says by which way it became final.
"""

from dataclasses import dataclass
from enum import Enum


class EvaluationState(str, Enum):
    """How far an evaluation has come. WITHDRAWN: a draft that was given up."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    DISPUTED = "disputed"
    IN_REVIEW = "in_review"
    FINAL = "final"
    WITHDRAWN = "withdrawn"


class EvaluationEvent(str, Enum):
    """What happens to an evaluation."""

    SAVE = "save"
    SUBMIT = "submit"
    FILE = "file"
    WITHDRAW = "withdraw"
    ACKNOWLEDGE = "acknowledge"
    DISPUTE = "dispute"
    TIME_UP = "time_up"
    TAKE = "take"
    GIVE_BACK = "give_back"
    UPHOLD = "uphold"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that the present state does not allow, and why."""

    state: EvaluationState
    event: EvaluationEvent
    reason: str


_S, _E = EvaluationState, EvaluationEvent

TRANSITIONS: dict[tuple[EvaluationState, EvaluationEvent], EvaluationState] = {
    (_S.DRAFT, _E.SAVE): _S.DRAFT,
    (_S.DRAFT, _E.SUBMIT): _S.SUBMITTED,
    (_S.DRAFT, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.SUBMITTED, _E.FILE): _S.FINAL,
    (_S.SUBMITTED, _E.ACKNOWLEDGE): _S.FINAL,
    (_S.SUBMITTED, _E.TIME_UP): _S.FINAL,
    (_S.SUBMITTED, _E.DISPUTE): _S.DISPUTED,
    (_S.DISPUTED, _E.ACKNOWLEDGE): _S.FINAL,
    (_S.DISPUTED, _E.TAKE): _S.IN_REVIEW,
    (_S.IN_REVIEW, _E.GIVE_BACK): _S.DISPUTED,
    (_S.IN_REVIEW, _E.UPHOLD): _S.FINAL,
    (_S.IN_REVIEW, _E.CHANGE): _S.FINAL,
}

ENDINGS: dict[EvaluationEvent, str] = {
    _E.FILE: "filed",
    _E.ACKNOWLEDGE: "acknowledged",
    _E.TIME_UP: "unanswered",
    _E.UPHOLD: "upheld",
    _E.CHANGE: "changed",
}
"""What a final evaluation says of how it became final."""

_WHY_NOT: dict[EvaluationState, str] = {
    _S.DRAFT: "the evaluation is a draft: submit it first",
    _S.SUBMITTED: "the evaluation is submitted: the collector may acknowledge or dispute it",
    _S.DISPUTED: "the evaluation is disputed: somebody other than the scorer takes it for review",
    _S.IN_REVIEW: "the evaluation is in review: the reviewer upholds or changes it",
    _S.FINAL: "the evaluation is final: nothing changes it any more",
    _S.WITHDRAWN: "the evaluation was withdrawn: begin a new one",
}


def step(state: EvaluationState, event: EvaluationEvent) -> EvaluationState | Refusal:
    """The state after an event, or why it cannot be."""
    after = TRANSITIONS.get((state, event))
    said = f"cannot {event.value.replace('_', ' ')}: {_WHY_NOT[state]}"
    return Refusal(state, event, said) if after is None else after
