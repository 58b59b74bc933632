"""The figures of quality assurance: evaluations and their answers by call, and how many calls there were."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from dialer.errors import InputError
from dialer.model.quality_figures import Answered, Coverage, DrawnBy, FiguresFilter, Scored
from dialer.model.quality_work import PENDING, PlanKind, Purpose, WorkKind, WorkState
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.tables.base import AnyRow
from recording.review.evaluation_state import ENDINGS, EvaluationEvent, EvaluationState

MAX_ROWS = 200_000
"""Evaluations or answers of one report at most."""

evaluations = tables.evaluations
answers = tables.evaluation_answers
recordings = tables.recordings
members = tables.team_members
work = tables.qa_work
plans = tables.qa_plans

_TEAM = func.coalesce(members.c.team, "").label("team")
_IN_TEAM = and_(
    members.c.account_id == recordings.c.agent_id,
    members.c.since <= recordings.c.started_at,
    or_(members.c.until.is_(None), members.c.until > recordings.c.started_at),
)
_ITEM = and_(
    work.c.kind == WorkKind.RECORDING.value,
    work.c.subject == evaluations.c.recording_id,
    work.c.evaluation_id == evaluations.c.evaluation_id,
)
_DRAWN = {PlanKind.RANDOM.value: DrawnBy.RANDOM, PlanKind.RISK.value: DrawnBy.RISK}
_CHANGED = ENDINGS[EvaluationEvent.CHANGE]
_SAME = ("evaluation_id", "campaign_id", "scorer_id", "scorecard_id", "counts", "score_bp", "passed")
_COUNTS = ("given_out", "done", "skipped", "late")


class QaFigures:
    """The `qa_figures` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def scored(self, asked: FiguresFilter) -> tuple[Scored, ...]:
        """Evaluations of the calls of a span, as far as they are seen by anybody but their scorers."""
        return tuple(_scored(row) for row in await self._read(_evaluations(asked)))

    async def answered(self, asked: FiguresFilter) -> tuple[Answered, ...]:
        """The same, question by question, of those that count."""
        query = _evaluations(asked).add_columns(
            answers.c.question, answers.c.share_bp, answers.c.fatal.label("is_fatal")
        )
        of_evaluation = answers.c.evaluation_id == evaluations.c.evaluation_id
        rows = await self._read(query.join(answers, of_evaluation).where(evaluations.c.counts))
        return tuple(Answered(_scored(row), row.question, row.share_bp, row.is_fatal) for row in rows)

    async def coverage(self, asked: FiguresFilter, now: datetime) -> tuple[Coverage, ...]:
        """How many recorded calls each collector had, by team and campaign, and what was given out of them."""
        calls = await self._read(_calls(asked))
        given = {_whose(row): row for row in await self._read(_given_out(asked, now))}
        found = []
        for row in calls:
            more = given.get(_whose(row))
            counts = {} if more is None else {name: int(getattr(more, name)) for name in _COUNTS}
            collector_id, team, campaign_id = _whose(row)
            found.append(
                Coverage(collector_id=collector_id, team=team, campaign_id=campaign_id, calls=int(row.calls), **counts)
            )
        return tuple(found)

    async def _read(self, query: Select[Any]) -> Sequence[AnyRow]:
        """All rows. InputError: they are too many; figures of a part of them would pass for figures of all."""
        rows = await self._database.read(lambda connection: connection.execute(query.limit(MAX_ROWS + 1)).all())
        if len(rows) > MAX_ROWS:
            raise InputError(f"the report is of more than {MAX_ROWS:,} lines: ask for a shorter span, or one campaign")
        return rows


def _evaluations(asked: FiguresFilter) -> Select[Any]:
    """Those that were submitted and are seen by others than their scorers, with their call's time and team."""
    query = (
        select(
            *(evaluations.c[name] for name in _SAME),
            *(evaluations.c.agent_id, evaluations.c.disputed_at, evaluations.c.ending, evaluations.c.fatal),
            *(recordings.c.started_at, _TEAM, plans.c.kind.label("plan_kind")),
        )
        .join(recordings, recordings.c.recording_id == evaluations.c.recording_id)
        .outerjoin(members, _IN_TEAM)
        .outerjoin(work, _ITEM)
        .outerjoin(plans, plans.c.plan_id == work.c.plan_id)
        .where(evaluations.c.submitted_at.is_not(None), evaluations.c.revealed_at.is_not(None))
        .where(evaluations.c.state != EvaluationState.WITHDRAWN.value, *_of_span(asked))
        .order_by(evaluations.c.evaluation_id)
    )
    if asked.scorecard_id is not None:
        query = query.where(evaluations.c.scorecard_id == asked.scorecard_id)
    return query


def _calls(asked: FiguresFilter) -> Select[Any]:
    return _by_whose(select(func.count().label("calls")).select_from(recordings), asked)


def _given_out(asked: FiguresFilter, now: datetime) -> Select[Any]:
    """Each recording once, the first half of a pair for both."""
    counted = {
        "given_out": work.c.slot == 1,
        "done": work.c.state == WorkState.DONE.value,
        "skipped": work.c.state == WorkState.SKIPPED.value,
        "late": and_(work.c.state.in_(sorted(state.value for state in PENDING)), work.c.due_at < now),
    }
    sums = (func.sum(case((which, 1), else_=0)).label(name) for name, which in counted.items())
    to_score = work.c.purpose.in_((Purpose.SCORE.value, Purpose.BLIND.value))
    of_recording = and_(work.c.kind == WorkKind.RECORDING.value, work.c.subject == recordings.c.recording_id)
    query = select(*sums).select_from(recordings).join(work, of_recording)
    return _by_whose(query.where(to_score, work.c.slot == 1), asked)


def _by_whose(query: Select[Any], asked: FiguresFilter) -> Select[Any]:
    whose = (recordings.c.agent_id, members.c.team, recordings.c.campaign_id)
    of_collectors = and_(recordings.c.parent_id == "", recordings.c.agent_id.is_not(None))
    shown = query.add_columns(recordings.c.agent_id, _TEAM, recordings.c.campaign_id)
    return shown.outerjoin(members, _IN_TEAM).where(of_collectors, *_of_span(asked)).group_by(*whose)


def _of_span(asked: FiguresFilter) -> list[ColumnElement[bool]]:
    started = recordings.c.started_at
    conditions = [started >= asked.span.begins, started < asked.span.ends]
    if asked.collector_id is not None:
        conditions.append(recordings.c.agent_id == asked.collector_id)
    if asked.campaign_id is not None:
        conditions.append(recordings.c.campaign_id == asked.campaign_id)
    return conditions


def _whose(row: AnyRow) -> tuple[int, str, int]:
    return row.agent_id, row.team, row.campaign_id


def _scored(row: AnyRow) -> Scored:
    return Scored(
        **{name: getattr(row, name) for name in _SAME},
        called_at=row.started_at,
        collector_id=row.agent_id,
        team=row.team,
        fatal=bool(row.fatal),
        disputed=row.disputed_at is not None,
        changed=row.ending == _CHANGED,
        drawn=_DRAWN.get(row.plan_kind, DrawnBy.CHOICE),
    )
