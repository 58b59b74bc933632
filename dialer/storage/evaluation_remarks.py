"""Comments on evaluations, and what collectors are asked to do after them."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, select, update

from dialer.errors import InputError
from dialer.model.evaluation import (
    Coaching,
    Comment,
    Evaluation,
    EvaluationConflictError,
    NewCoaching,
    NewComment,
    Person,
    Viewer,
)
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.evaluation_rows import value_of, visible_to
from dialer.storage.scorecards import load_version
from dialer.storage.tables.base import AnyRow
from recording.review.evaluation_state import EvaluationState

evaluations = tables.evaluations
comments = tables.evaluation_comments
coaching = tables.coaching_items
recordings = tables.recordings


class EvaluationRemarks:
    """The `evaluation_remarks` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def comment(self, evaluation_id: int, comment: NewComment, author: Person, now: datetime) -> Comment:
        """Adds a comment. InputError: its place is not in the recording or the form. EvaluationConflictError: final."""
        return await self._database.write(lambda connection: _comment(connection, evaluation_id, comment, author, now))

    async def withdraw_comment(self, evaluation_id: int, comment_id: int, author: Person, now: datetime) -> bool:
        """Takes the author's own comment back, while nobody else has seen it; False: there is no such comment.

        EvaluationConflictError: the evaluation is no draft any more.
        """
        return await self._database.write(
            lambda connection: _withdraw(connection, evaluation_id, comment_id, author, now)
        )

    async def comments(self, evaluation_id: int, *, with_internal: bool) -> tuple[Comment, ...]:
        """The comments of an evaluation in the order of the recording, those without a place last."""
        query = select(comments).where(comments.c.evaluation_id == evaluation_id, comments.c.withdrawn_at.is_(None))
        if not with_internal:
            query = query.where(comments.c.internal.is_(False))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        placed = sorted(rows, key=lambda row: (row.from_ms is None, row.from_ms or 0, row.comment_id))
        return tuple(_comment_of(row) for row in placed)

    async def coach(self, evaluation_id: int, item: NewCoaching, actor: Person, now: datetime) -> Coaching:
        """Asks the evaluation's collector to do something. InputError: nobody was in that call, or no such comment."""
        return await self._database.write(lambda connection: _coach(connection, evaluation_id, item, actor, now))

    async def coaching(
        self,
        viewer: Viewer,
        *,
        evaluation_id: int | None = None,
        agent_id: int | None = None,
        done: bool | None = None,
        limit: int = 100,
        before: int | None = None,
    ) -> tuple[Coaching, ...]:
        """A page of items of evaluations that this person may see, newest first; the next is `before` its last."""
        wanted: list[ColumnElement[bool]] = [visible_to(viewer)]
        if evaluation_id is not None:
            wanted.append(coaching.c.evaluation_id == evaluation_id)
        if agent_id is not None:
            wanted.append(coaching.c.agent_id == agent_id)
        if done is not None:
            wanted.append(coaching.c.done_at.is_not(None) if done else coaching.c.done_at.is_(None))
        if before is not None:
            wanted.append(coaching.c.item_id < before)
        of_evaluation = coaching.join(evaluations, evaluations.c.evaluation_id == coaching.c.evaluation_id)
        query = select(coaching).select_from(of_evaluation).where(*wanted)
        query = query.order_by(coaching.c.item_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_coaching_of(row) for row in rows)

    async def coached(self, viewer: Viewer, item_id: int, words: str, now: datetime) -> Coaching | None:
        """The collector says that it is done, in words; the first time stands. None: no such item of this collector."""
        return await self._database.write(lambda connection: _coached(connection, viewer, item_id, words, now))


def _comment(connection: Connection, evaluation_id: int, comment: NewComment, author: Person, now: datetime) -> Comment:
    evaluation = _held(connection, evaluation_id)
    if evaluation.state in (EvaluationState.FINAL, EvaluationState.WITHDRAWN):
        raise EvaluationConflictError(f"the evaluation is {evaluation.state.value}: nothing is added to it any more")
    _refuse_elsewhere(connection, evaluation, comment)
    row = {**asdict(comment), "evaluation_id": evaluation_id, "author_id": author.account_id}
    comment_id = insert_row(connection, comments, row | {"author": author.name, "at": now})
    return _comment_of(connection.execute(select(comments).where(comments.c.comment_id == comment_id)).one())


def _refuse_elsewhere(connection: Connection, evaluation: Evaluation, comment: NewComment) -> None:
    length = select(recordings.c.duration_s).where(recordings.c.recording_id == evaluation.recording_id)
    ends_ms = round(connection.execute(length).scalar_one() * 1000)
    latest = max(comment.from_ms or 0, comment.to_ms or 0)
    if latest > ends_ms:
        raise InputError(f"the recording ends at {ends_ms} ms")
    if comment.to_ms is not None and comment.to_ms < (comment.from_ms or 0):
        raise InputError("`to_ms` lies before `from_ms`")
    version = load_version(connection, evaluation.version_id)
    keys = set() if version is None else {question.key for question in version.content.questions}
    if comment.question and comment.question not in keys:
        raise InputError(f"{comment.question} is no question of this form")


def _withdraw(connection: Connection, evaluation_id: int, comment_id: int, author: Person, now: datetime) -> bool:
    mine = (
        comments.c.comment_id == comment_id,
        comments.c.evaluation_id == evaluation_id,
        comments.c.author_id == author.account_id,
        comments.c.withdrawn_at.is_(None),
    )
    if _held(connection, evaluation_id).state is not EvaluationState.DRAFT:
        raise EvaluationConflictError("others have seen the comment: add another one that says what is right")
    return connection.execute(update(comments).where(*mine).values(withdrawn_at=now)).rowcount == 1


def _coach(connection: Connection, evaluation_id: int, item: NewCoaching, actor: Person, now: datetime) -> Coaching:
    evaluation = _held(connection, evaluation_id)
    if evaluation.agent_id is None:
        raise InputError("there was no collector in this call; there is nobody to coach")
    about = select(comments.c.comment_id).where(
        comments.c.comment_id == item.comment_id,
        comments.c.evaluation_id == evaluation_id,
        comments.c.withdrawn_at.is_(None),
    )
    if item.comment_id is not None and connection.execute(about).first() is None:
        raise InputError("there is no such comment on this evaluation")
    row = {**asdict(item), "evaluation_id": evaluation_id, "agent_id": evaluation.agent_id}
    row |= {"created_by": actor.name, "created_at": now, "done_words": ""}
    return _one_coaching(connection, insert_row(connection, coaching, row))


def _coached(connection: Connection, viewer: Viewer, item_id: int, words: str, now: datetime) -> Coaching | None:
    is_seen = exists().where(evaluations.c.evaluation_id == coaching.c.evaluation_id, visible_to(viewer))
    mine = and_(coaching.c.item_id == item_id, coaching.c.agent_id == viewer.account_id, is_seen)
    still_open = update(coaching).where(mine, coaching.c.done_at.is_(None))
    connection.execute(still_open.values(done_at=now, done_words=words))
    is_theirs = connection.execute(select(coaching.c.item_id).where(mine)).first() is not None
    return _one_coaching(connection, item_id) if is_theirs else None


def _held(connection: Connection, evaluation_id: int) -> Evaluation:
    """The evaluation, whose state nobody changes now. EvaluationConflictError: there is none."""
    mine = evaluations.c.evaluation_id == evaluation_id
    row = connection.execute(select(evaluations).where(mine).with_for_update()).first()
    if row is None:
        raise EvaluationConflictError("there is no such evaluation")
    return value_of(row)


def _one_coaching(connection: Connection, item_id: int) -> Coaching:
    return _coaching_of(connection.execute(select(coaching).where(coaching.c.item_id == item_id)).one())


def _comment_of(row: AnyRow) -> Comment:
    return Comment(**{name: getattr(row, name) for name in (*NewComment.__slots__, *Comment.__slots__)})


def _coaching_of(row: AnyRow) -> Coaching:
    return Coaching(**{name: getattr(row, name) for name in (*NewCoaching.__slots__, *Coaching.__slots__)})
