"""Evaluations of recordings: found by who may see them, and moved along step by step, nothing overwritten unseen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, select

from dialer.model.evaluation import (
    Evaluation,
    EvaluationChange,
    EvaluationFilter,
    Person,
    Step,
    Viewer,
)
from dialer.storage import evaluation_steps as steps
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.evaluation_rows import value_of, visible_to
from dialer.storage.tables.base import AnyRow
from recording.review.evaluation_state import EvaluationState
from recording.review.scoring import Answers

evaluations = tables.evaluations
changes = tables.evaluation_changes

_answers = msgspec.json.Decoder(dict[str, str | None])


class Evaluations:
    """The `evaluations` part of the storage.

    A step raises EvaluationConflictError when the evaluation is not as the actor saw it, or the step does not fit its
    state; nothing has changed then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, viewer: Viewer, asked: EvaluationFilter, limit: int = 100, before: int | None = None
    ) -> tuple[Evaluation, ...]:
        """A page of what this person may see, newest first; the next page is that `before` the last of this one."""
        query = _matching(select(evaluations).where(visible_to(viewer)), asked)
        if before is not None:
            query = query.where(evaluations.c.evaluation_id < before)
        ordered = query.order_by(evaluations.c.evaluation_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(ordered).all())
        return tuple(value_of(row) for row in rows)

    async def get(self, viewer: Viewer, evaluation_id: int) -> Evaluation | None:
        """The evaluation if this person may see it, else None."""
        query = select(evaluations).where(evaluations.c.evaluation_id == evaluation_id, visible_to(viewer))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else value_of(row)

    async def history(self, evaluation_id: int) -> tuple[EvaluationChange, ...]:
        """Everything that happened to it, from the beginning."""
        query = select(changes).where(changes.c.evaluation_id == evaluation_id).order_by(changes.c.revision)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_change(row) for row in rows)

    async def begin(self, recording_id: str, version_id: int | None, actor: Person, now: datetime) -> Evaluation:
        """A draft (`evaluation_steps.begin`)."""
        return await self._database.write(
            lambda connection: steps.begin(connection, recording_id, version_id, actor, now)
        )

    async def save(self, step: Step, answers: Answers, summary: str, now: datetime) -> Evaluation:
        """Keeps a draft's answers so far. AnswersError: one does not fit the form."""
        return await self._database.write(lambda connection: steps.save(connection, step, answers, summary, now))

    async def submit(self, step: Step, now: datetime) -> Evaluation:
        """Ends the scorer's part. AnswersError: something asked is not answered."""
        return await self._database.write(lambda connection: steps.submit(connection, step, now))

    async def withdraw(self, step: Step, now: datetime) -> Evaluation:
        """Gives a draft up."""
        return await self._database.write(lambda connection: steps.withdraw(connection, step, now))

    async def acknowledge(self, step: Step, words: str, now: datetime) -> Evaluation:
        """The collector accepts it, or takes a dispute back: final."""
        return await self._database.write(lambda connection: steps.acknowledge(connection, step, words, now))

    async def dispute(self, step: Step, reason: str, questions: Sequence[str], now: datetime) -> Evaluation:
        """The collector objects. InputError: to a question that is none."""
        return await self._database.write(lambda connection: steps.dispute(connection, step, reason, questions, now))

    async def take(self, step: Step, now: datetime) -> Evaluation:
        """The actor reviews a dispute."""
        return await self._database.write(lambda connection: steps.take(connection, step, now))

    async def give_back(self, step: Step, now: datetime) -> Evaluation:
        """The dispute waits for another reviewer."""
        return await self._database.write(lambda connection: steps.give_back(connection, step, now))

    async def uphold(self, step: Step, words: str, now: datetime) -> Evaluation:
        """The reviewer leaves the score: final."""
        return await self._database.write(lambda connection: steps.uphold(connection, step, words, now))

    async def revise(self, step: Step, answers: Answers, words: str, now: datetime) -> Evaluation:
        """The reviewer answers anew: final. AnswersError: the answers are not whole, or do not fit."""
        return await self._database.write(lambda connection: steps.revise(connection, step, answers, words, now))

    async def close_unanswered(self, now: datetime, limit: int = 500) -> int:
        """Makes final what no collector answered in time, and reveals blind pairs of which nothing is left to do."""
        return await self._database.write(lambda connection: steps.close_unanswered(connection, now, limit))


def _matching(query: Select[Any], asked: EvaluationFilter) -> Select[Any]:
    wanted: list[ColumnElement[bool]] = []
    for name in ("recording_id", "agent_id", "scorer_id", "campaign_id", "scorecard_id"):
        value = getattr(asked, name)
        if value is not None:
            wanted.append(evaluations.c[name] == value)
    if asked.state is not None:
        wanted.append(evaluations.c.state == asked.state.value)
    if asked.since is not None:
        wanted.append(evaluations.c.submitted_at >= asked.since)
    if asked.until is not None:
        wanted.append(evaluations.c.submitted_at < asked.until)
    return query.where(*wanted)


def _change(row: AnyRow) -> EvaluationChange:
    return EvaluationChange(
        row.revision,
        row.at,
        row.actor,
        row.event,
        EvaluationState(row.state),
        row.words,
        _answers.decode(row.answers),
        row.score_bp,
        row.passed,
    )
