"""What somebody who may score no longer leaves undone: the house gives it up, on record, so that others can go on.

A draft keeps its recording from everybody else, and a review its dispute, until their owner ends them; of a blind pair
a draft keeps the other half hidden, too.
"""

from datetime import datetime

from sqlalchemy import Connection, and_, select, update

from dialer.model.quality_work import Purpose, WorkState
from dialer.storage import tables
from dialer.storage.evaluation_rows import HOUSE, after, change, value_of, withdraw_drafts
from dialer.storage.qa_work import unmark_recording
from dialer.storage.qa_work_reading import IS_PENDING
from recording.review.evaluation_state import EvaluationEvent, EvaluationState

evaluations = tables.evaluations
work = tables.qa_work


def leave_scoring(connection: Connection, account_id: int, now: datetime) -> None:
    """Withdraws this person's drafts, gives their reviews back, and their work to whoever comes first.

    A seat in a calibration stays theirs: whoever leads it closes it without them.
    """
    of_them = evaluations.c.scorer_id == account_id
    left = withdraw_drafts(connection, of_them, "its scorer left quality assurance", now)
    _give_back_reviews(connection, account_id, now)
    theirs = and_(work.c.assignee_id == account_id, IS_PENDING, work.c.purpose != Purpose.CALIBRATION.value)
    freed = {"assignee_id": None, "assigned_by": HOUSE.name, "state": WorkState.OPEN.value, "taken_at": None}
    connection.execute(update(work).where(theirs).values(freed))
    for draft in left:
        unmark_recording(connection, draft.recording_id)


def _give_back_reviews(connection: Connection, account_id: int, now: datetime) -> None:
    taken = and_(evaluations.c.reviewer_id == account_id, evaluations.c.state == EvaluationState.IN_REVIEW.value)
    ordered = select(evaluations).where(taken).order_by(evaluations.c.evaluation_id)
    event = EvaluationEvent.GIVE_BACK
    for row in connection.execute(ordered.with_for_update()).all():
        evaluation = value_of(row)
        said = {"state": after(evaluation, event).value, "reviewer_id": None, "reviewer": ""}
        change(connection, evaluation, event.value, HOUSE, now, said, "its reviewer left quality assurance")
