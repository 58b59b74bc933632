"""The steps of an evaluation's life, each one transaction: begun, saved, submitted, answered, reviewed, final.

Who may take which step is decided before; here it is made sure that the step fits the state and that nobody overwrites
what they did not see. Locks come in one order: of scoring a recording, then rows of round, evaluation, work, recording.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from dialer.errors import InputError
from dialer.model.evaluation import (
    AnswersError,
    Evaluation,
    EvaluationConflictError,
    Person,
    RoundKind,
    Step,
)
from dialer.model.quality_work import Purpose, WorkKind
from dialer.model.recording import RecordingState
from dialer.model.scorecard import ScorecardVersion
from dialer.storage import tables
from dialer.storage.dialect import QUALITY_LOCK, insert_row, lock
from dialer.storage.evaluation_rows import (
    HOUSE,
    after,
    change,
    locked,
    mark_recording,
    only_asked,
    remember,
    scored,
    value_of,
    write_answers,
)
from dialer.storage.qa_work import complete, unmark_recording
from dialer.storage.qa_work_reading import IS_PENDING
from dialer.storage.scorecards import load_version, usable_version
from dialer.storage.scoring_rounds import Seat, hold_round, reveal, reveal_finished, reveal_if_done, seat_of, take_seat
from dialer.storage.tables.base import AnyRow
from recording.review.evaluation_state import ENDINGS, EvaluationEvent, EvaluationState
from recording.review.scoring import Answers, problems_of

evaluations = tables.evaluations
recordings = tables.recordings
work = tables.qa_work

_E = EvaluationEvent


def begin(
    connection: Connection, recording_id: str, version_id: int | None, actor: Person, now: datetime
) -> Evaluation:
    """A draft of this scorer on this recording. A blind round that waits for the scorer is joined by itself.

    `version_id` None: what the round, or the scorer's work, says. InputError: there is no such recording or version.
    EvaluationConflictError: the call is the scorer's own, was begun already, or is not free.
    """
    recording = _recording(connection, recording_id)
    if recording.agent_id == actor.account_id:
        raise EvaluationConflictError("nobody scores a call of their own")
    task = _task(connection, recording_id, actor)
    seat = seat_of(connection, recording_id, actor.account_id, task)
    wanted = version_id if seat is None else seat.version_id or version_id
    given_out = None if task is None else task.scorecard_id
    version = usable_version(connection, wanted, given_out)
    if given_out not in (None, version.scorecard_id):
        raise EvaluationConflictError("this recording was given out to be scored by another scorecard")
    _refuse_second(connection, recording_id, version, actor, seat)
    round_id = None if seat is None else take_seat(connection, seat, recording_id, version.version_id, actor, now)
    is_compared = seat is not None and seat.kind is RoundKind.CALIBRATION
    counts = not is_compared and _counting(connection, recording_id, version.scorecard_id) is None
    row = _new_row(recording, version, actor, now) | {"round_id": round_id, "counts": counts}
    evaluation_id = insert_row(connection, evaluations, row)
    stored = connection.execute(select(evaluations).where(evaluations.c.evaluation_id == evaluation_id)).one()
    remember(connection, stored, "begin", actor, now)
    begun = value_of(stored)
    if not recording.qa_state:
        mark_recording(connection, begun, "assigned")
    return begun


def save(connection: Connection, step: Step, answers: Answers, summary: str, now: datetime) -> Evaluation:
    """Keeps a draft's answers so far. AnswersError: one of them does not fit the form."""
    evaluation = locked(connection, step)
    state = after(evaluation, _E.SAVE)
    content = _version(connection, evaluation).content
    _refuse_problems(problems_of(content, answers, whole=False))
    said = scored(content, answers) | {"state": state.value, "summary": summary}
    return change(connection, evaluation, _E.SAVE.value, step.actor, now, said)


def submit(connection: Connection, step: Step, now: datetime) -> Evaluation:
    """Ends the scorer's part, and reveals it where nobody scores blind beside it. AnswersError: it is not whole."""
    kind = hold_round(connection, step.evaluation_id)
    evaluation = locked(connection, step)
    state = after(evaluation, _E.SUBMIT)
    content = _version(connection, evaluation).content
    _refuse_problems(problems_of(content, evaluation.answers, whole=True))
    answers = only_asked(content, evaluation.answers)
    said = scored(content, answers) | {"state": state.value, "submitted_at": now}
    submitted = change(connection, evaluation, _E.SUBMIT.value, step.actor, now, said)
    write_answers(connection, submitted.evaluation_id, content, answers)
    complete(connection, submitted, kind, now)
    if submitted.round_id is None:
        return reveal(connection, submitted, now)
    return reveal_if_done(connection, submitted.round_id, now).get(submitted.evaluation_id, submitted)


def withdraw(connection: Connection, step: Step, now: datetime) -> Evaluation:
    """Gives a draft up; the recording may be begun again."""
    evaluation = locked(connection, step)
    state = after(evaluation, _E.WITHDRAW)
    withdrawn = change(connection, evaluation, _E.WITHDRAW.value, step.actor, now, {"state": state.value})
    unmark_recording(connection, withdrawn.recording_id)
    return withdrawn


def acknowledge(connection: Connection, step: Step, words: str, now: datetime) -> Evaluation:
    """The collector accepts it, or takes a dispute back: it is final."""
    evaluation = locked(connection, step)
    if evaluation.revealed_at is None:
        raise EvaluationConflictError("the evaluation is not revealed yet: nobody has seen what there is to accept")
    return _end(connection, evaluation, _E.ACKNOWLEDGE, step.actor, now, words)


def dispute(connection: Connection, step: Step, reason: str, questions: Sequence[str], now: datetime) -> Evaluation:
    """The collector objects, to certain questions or to the whole. EvaluationConflictError: the time for it is over."""
    evaluation = locked(connection, step)
    state = after(evaluation, _E.DISPUTE)
    content = _version(connection, evaluation).content
    unknown = set(questions) - {question.key for question in content.questions}
    if unknown:
        raise InputError(f"{', '.join(sorted(unknown))}: no question of this form")
    if evaluation.dispute_until is None or now > evaluation.dispute_until:
        raise EvaluationConflictError("the days in which this evaluation could be disputed are over")
    said = {
        "state": state.value,
        "dispute_reason": reason,
        "dispute_questions": " ".join(questions),
        "disputed_at": now,
        "review_until": now + timedelta(days=content.review_days),
    }
    disputed = change(connection, evaluation, _E.DISPUTE.value, step.actor, now, said, reason)
    mark_recording(connection, disputed, "disputed")
    return disputed


def take(connection: Connection, step: Step, now: datetime) -> Evaluation:
    """The actor reviews the dispute from now on."""
    evaluation = locked(connection, step)
    said = {"state": after(evaluation, _E.TAKE).value, "reviewer_id": step.actor.account_id}
    return change(connection, evaluation, _E.TAKE.value, step.actor, now, said | {"reviewer": step.actor.name})


def give_back(connection: Connection, step: Step, now: datetime) -> Evaluation:
    """The dispute waits for another reviewer."""
    evaluation = locked(connection, step)
    said = {"state": after(evaluation, _E.GIVE_BACK).value, "reviewer_id": None, "reviewer": ""}
    return change(connection, evaluation, _E.GIVE_BACK.value, step.actor, now, said)


def uphold(connection: Connection, step: Step, words: str, now: datetime) -> Evaluation:
    """The reviewer leaves everything as it was scored: final."""
    return _end(connection, locked(connection, step), _E.UPHOLD, step.actor, now, words, {"decision": words})


def revise(connection: Connection, step: Step, answers: Answers, words: str, now: datetime) -> Evaluation:
    """The reviewer answers in the scorer's place: final. AnswersError: the answers are not whole, or do not fit."""
    evaluation = locked(connection, step)
    after(evaluation, _E.CHANGE)
    content = _version(connection, evaluation).content
    _refuse_problems(problems_of(content, answers, whole=True))
    kept = only_asked(content, answers)
    write_answers(connection, evaluation.evaluation_id, content, kept)
    return _end(connection, evaluation, _E.CHANGE, step.actor, now, words, scored(content, kept) | {"decision": words})


def close_unanswered(connection: Connection, now: datetime, limit: int) -> int:
    """Makes final what the collector neither acknowledged nor disputed in time; how many, `limit` at most.

    Blind pairs of which nothing is left to do are revealed, too.
    """
    reveal_finished(connection, now)
    over = and_(evaluations.c.state == EvaluationState.SUBMITTED.value, evaluations.c.dispute_until < now)
    query = select(evaluations).where(over).order_by(evaluations.c.dispute_until).limit(limit)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        _end(connection, value_of(row), _E.TIME_UP, HOUSE, now)
    return len(rows)


def _end(
    connection: Connection,
    evaluation: Evaluation,
    event: EvaluationEvent,
    actor: Person,
    now: datetime,
    words: str = "",
    more: dict[str, Any] | None = None,
) -> Evaluation:
    said = {"state": after(evaluation, event).value, "final_at": now, "ending": ENDINGS[event]} | (more or {})
    final = change(connection, evaluation, event.value, actor, now, said, words)
    mark_recording(connection, final, "final")
    return final


def _recording(connection: Connection, recording_id: str) -> AnyRow:
    """The recording, which nobody else begins to score now."""
    lock(connection, QUALITY_LOCK, f"recording {recording_id}".encode())
    row = connection.execute(select(recordings).where(recordings.c.recording_id == recording_id)).first()
    if row is None or row.parent_id:
        raise InputError("there is no such recording; what is scored are originals")
    if row.state != RecordingState.KEPT.value:
        raise EvaluationConflictError("the recording was deleted: there is nothing to hear any more")
    return row


def _task(connection: Connection, recording_id: str, actor: Person) -> AnyRow | None:
    """What this person is to do with the recording, a part of a round before anything else."""
    mine = and_(_pending_of(recording_id), work.c.assignee_id == actor.account_id)
    in_round = work.c.purpose != Purpose.SCORE.value
    return connection.execute(select(work).where(mine).order_by(in_round.desc(), work.c.work_id)).first()


def _pending_of(recording_id: str) -> ColumnElement[bool]:
    return and_(work.c.kind == WorkKind.RECORDING.value, work.c.subject == recording_id, IS_PENDING)


def _refuse_second(
    connection: Connection, recording_id: str, version: ScorecardVersion, actor: Person, seat: Seat | None
) -> None:
    """What somebody else does with the recording is not said: it may be a blind round."""
    own = and_(
        evaluations.c.recording_id == recording_id,
        evaluations.c.scorer_id == actor.account_id,
        evaluations.c.state != EvaluationState.WITHDRAWN.value,
    )
    if seat is None or seat.round_id is None:
        same = evaluations.c.scorecard_id == version.scorecard_id
    else:
        same = evaluations.c.round_id == seat.round_id
    begun = connection.execute(select(evaluations.c.evaluation_id).where(own, same)).scalar()
    if begun is not None:
        raise EvaluationConflictError(f"you have scored it, or begun to: evaluation {begun}")
    blind = and_(_pending_of(recording_id), work.c.purpose == Purpose.BLIND.value)
    of_card = or_(work.c.scorecard_id.is_(None), work.c.scorecard_id == version.scorecard_id)
    is_kept = connection.execute(select(work.c.work_id).where(blind, of_card).limit(1)).first() is not None
    if seat is None and (is_kept or _counting(connection, recording_id, version.scorecard_id) is not None):
        raise EvaluationConflictError("this recording is not free to be scored by this form")


def _counting(connection: Connection, recording_id: str, scorecard_id: int) -> int | None:
    """The evaluation of the recording that is the collector's own, by this form."""
    query = select(evaluations.c.evaluation_id).where(
        evaluations.c.recording_id == recording_id,
        evaluations.c.scorecard_id == scorecard_id,
        evaluations.c.counts,
        evaluations.c.state != EvaluationState.WITHDRAWN.value,
    )
    found: int | None = connection.execute(query).scalar()
    return found


def _new_row(recording: AnyRow, version: ScorecardVersion, actor: Person, now: datetime) -> dict[str, Any]:
    of_call = ("recording_id", "attempt_id", "campaign_id", "agent_id")
    texts = ("summary", "fatal", "ending", "dispute_reason", "dispute_questions", "reviewer", "decision")
    return {
        **{name: getattr(recording, name) for name in of_call},
        **dict.fromkeys(texts, ""),
        "scorecard_id": version.scorecard_id,
        "version_id": version.version_id,
        "scorer_id": actor.account_id,
        "scorer": actor.name,
        "state": EvaluationState.DRAFT.value,
        "revision": 1,
        "answers": b"{}",
        "created_at": now,
    }


def _version(connection: Connection, evaluation: Evaluation) -> ScorecardVersion:
    version = load_version(connection, evaluation.version_id)
    if version is None:
        raise LookupError(f"evaluation {evaluation.evaluation_id} has no version {evaluation.version_id}")
    return version


def _refuse_problems(problems: Sequence[str]) -> None:
    if problems:
        raise AnswersError(problems)
