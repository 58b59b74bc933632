"""An evaluation's row: read under its lock, changed with a line of its history, and who may see it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, update

from dialer.model.evaluation import (
    Dispute,
    Evaluation,
    EvaluationConflictError,
    Person,
    Sees,
    Step,
    Viewer,
)
from dialer.storage import tables
from dialer.storage.tables.base import AnyRow
from recording.review.evaluation_state import EvaluationEvent, EvaluationState, Refusal, step
from recording.review.scorecard import Scorecard
from recording.review.scoring import Answers, asked, score

evaluations = tables.evaluations
answered = tables.evaluation_answers
changes = tables.evaluation_changes
rounds = tables.scoring_rounds
members = tables.scoring_round_members
round_recordings = tables.scoring_round_recordings
recordings = tables.recordings

HOUSE = Person(0, "the house")
"""What happens by itself, as records name it."""
_answers = msgspec.json.Decoder(dict[str, str | None])


def load(connection: Connection, evaluation_id: int) -> Evaluation | None:
    """The evaluation, or None."""
    row = connection.execute(select(evaluations).where(evaluations.c.evaluation_id == evaluation_id)).first()
    return None if row is None else value_of(row)


def locked(connection: Connection, asked_for: Step) -> Evaluation:
    """The evaluation as this person saw it, and nobody else changes it now. EvaluationConflictError: it is another."""
    mine = evaluations.c.evaluation_id == asked_for.evaluation_id
    row = connection.execute(select(evaluations).where(mine).with_for_update()).first()
    if row is None or row.revision != asked_for.revision:
        now_at = "gone" if row is None else f"at revision {row.revision}"
        raise EvaluationConflictError(f"the evaluation is {now_at}, not at {asked_for.revision}: read it again")
    return value_of(row)


def after(evaluation: Evaluation, event: EvaluationEvent) -> EvaluationState:
    """The state after an event. EvaluationConflictError: it cannot be."""
    state = step(evaluation.state, event)
    if isinstance(state, Refusal):
        raise EvaluationConflictError(state.reason)
    return state


def change(
    connection: Connection,
    evaluation: Evaluation,
    event: str,
    actor: Person,
    now: datetime,
    said: Mapping[str, Any],
    words: str = "",
) -> Evaluation:
    """Changes the row of an evaluation that is locked, and adds the line to its history."""
    mine = evaluations.c.evaluation_id == evaluation.evaluation_id
    connection.execute(update(evaluations).where(mine).values({**said, "revision": evaluation.revision + 1}))
    row = connection.execute(select(evaluations).where(mine)).one()
    remember(connection, row, event, actor, now, words)
    return value_of(row)


def withdraw_drafts(
    connection: Connection, which: ColumnElement[bool], words: str, now: datetime
) -> tuple[Evaluation, ...]:
    """Gives up, as the house, the drafts among these evaluations; which they were. `words` say why."""
    drafts = select(evaluations).where(which, evaluations.c.state == EvaluationState.DRAFT.value)
    rows = connection.execute(drafts.order_by(evaluations.c.evaluation_id).with_for_update()).all()
    said = {"state": EvaluationState.WITHDRAWN.value}
    event = EvaluationEvent.WITHDRAW.value
    return tuple(change(connection, value_of(row), event, HOUSE, now, said, words) for row in rows)


def remember(connection: Connection, row: AnyRow, event: str, actor: Person, now: datetime, words: str = "") -> None:
    """The line of an evaluation's history for the state it is in now."""
    same = {
        name: getattr(row, name) for name in ("evaluation_id", "revision", "state", "answers", "score_bp", "passed")
    }
    said = {"at": now, "actor_id": actor.account_id, "actor": actor.name, "event": event, "words": words}
    connection.execute(insert(changes), same | said)


def scored(card: Scorecard, answers: Answers) -> dict[str, Any]:
    """The columns that answers come to."""
    result = score(card, answers)
    return {
        "answers": msgspec.json.encode(answers, order="deterministic"),
        "score_bp": result.basis_points,
        "passed": result.passed,
        "fatal": " ".join(result.fatal),
    }


def write_answers(connection: Connection, evaluation_id: int, card: Scorecard, answers: Answers) -> None:
    """What reports read, instead of what was there before."""
    connection.execute(delete(answered).where(answered.c.evaluation_id == evaluation_id))
    rows = [
        {
            "evaluation_id": evaluation_id,
            "question": one.key,
            "value": one.value,
            "weight": one.weight,
            "share_bp": one.share_bp,
            "fatal": one.fatal,
        }
        for one in score(card, answers).questions
    ]
    if rows:
        connection.execute(insert(answered), rows)


def only_asked(card: Scorecard, answers: Answers) -> Answers:
    """What was answered without being asked is left out."""
    keys = asked(card, answers)
    return {key: value for key, value in answers.items() if key in keys}


def mark_recording(connection: Connection, evaluation: Evaluation, state: str) -> None:
    """How far quality assurance has come with the recording, where the evaluation is the collector's own."""
    if evaluation.counts:
        mine = recordings.c.recording_id == evaluation.recording_id
        connection.execute(update(recordings).where(mine).values(qa_state=state))


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """What this person may see.

    Until an evaluation is revealed it is its scorer's alone; and who is in a round that is not revealed yet sees no
    other evaluation of what is scored in it, from whenever it is.
    """
    if viewer.sees is Sees.ALL:
        return evaluations.c.evaluation_id > 0
    revealed = evaluations.c.revealed_at.is_not(None)
    if viewer.sees is Sees.OWN_CALLS:
        return and_(revealed, evaluations.c.counts, evaluations.c.agent_id == viewer.account_id)
    still_blind = exists().where(
        members.c.account_id == viewer.account_id,
        members.c.round_id == rounds.c.round_id,
        rounds.c.revealed_at.is_(None),
        round_recordings.c.round_id == rounds.c.round_id,
        round_recordings.c.recording_id == evaluations.c.recording_id,
    )
    return or_(evaluations.c.scorer_id == viewer.account_id, and_(revealed, ~still_blind))


def value_of(row: AnyRow) -> Evaluation:
    """The evaluation of a row."""
    plain = {name: getattr(row, name) for name in Evaluation.__slots__ if name != "dispute"}
    decoded = {
        "state": EvaluationState(row.state),
        "answers": _answers.decode(row.answers),
        "fatal": tuple(row.fatal.split()),
        "dispute": _dispute(row),
    }
    return Evaluation(**plain | decoded)


def _dispute(row: AnyRow) -> Dispute | None:
    if row.disputed_at is None:
        return None
    questions = tuple(row.dispute_questions.split())
    return Dispute(
        row.dispute_reason,
        questions,
        row.disputed_at,
        row.review_until,
        row.reviewer_id,
        row.reviewer,
        row.decision,
    )
