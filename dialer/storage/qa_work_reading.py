"""Reading the work of quality assurance: by filters, by person, and what may be known of a call."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, case, func, or_, select

from dialer.model.quality_work import (
    PENDING,
    CallFacts,
    Purpose,
    WorkFilter,
    WorkItem,
    WorkKind,
    WorkLoad,
    WorkState,
)
from dialer.storage import tables
from dialer.storage.tables.base import AnyRow
from recording.review.sampling import Reason

work = tables.qa_work
accounts = tables.accounts
recordings = tables.recordings

IS_PENDING = work.c.state.in_(sorted(state.value for state in PENDING))
_reasons = msgspec.json.Decoder(tuple[Reason, ...])


def matching(query: Select[Any], asked: WorkFilter) -> Select[Any]:
    """The query, of those items alone that are asked for."""
    for name in ("assignee_id", "collector_id", "plan_id"):
        value = getattr(asked, name)
        if value is not None:
            query = query.where(work.c[name] == value)
    if asked.unassigned:
        query = query.where(work.c.assignee_id.is_(None))
    if asked.kind is not None:
        query = query.where(work.c.kind == asked.kind.value)
    if asked.states is not None:
        query = query.where(work.c.state.in_(sorted(state.value for state in asked.states)))
    if asked.late_at is not None:
        query = query.where(IS_PENDING, work.c.due_at < asked.late_at)
    return query


def calls_of(connection: Connection, recording_ids: Sequence[str]) -> dict[str, CallFacts]:
    """What may be known of the calls of these recordings."""
    columns = (recordings.c[name] for name in CallFacts.__slots__ if name != "collector")
    query = (
        select(recordings.c.recording_id, *columns, func.coalesce(accounts.c.name, "").label("collector"))
        .outerjoin(accounts, accounts.c.account_id == recordings.c.agent_id)
        .where(recordings.c.recording_id.in_(recording_ids))
    )
    rows = connection.execute(query).all() if recording_ids else ()
    return {row.recording_id: CallFacts(*(getattr(row, name) for name in CallFacts.__slots__)) for row in rows}


def loads_at(connection: Connection, now: datetime, since: datetime) -> tuple[WorkLoad, ...]:
    """What everybody has to do and did, the most first."""
    late = case((and_(IS_PENDING, work.c.due_at < now), 1), else_=0)
    of_state = {state: case((work.c.state == state.value, 1), else_=0) for state in WorkState}
    query = (
        select(
            work.c.assignee_id,
            func.sum(of_state[WorkState.OPEN] + of_state[WorkState.TAKEN]).label("pending"),
            func.sum(late).label("late"),
            func.sum(of_state[WorkState.DONE]).label("done"),
            func.sum(of_state[WorkState.SKIPPED]).label("skipped"),
        )
        .where(or_(IS_PENDING, work.c.created_at >= since))
        .group_by(work.c.assignee_id)
    )
    loads = [
        WorkLoad(row.assignee_id, int(row.pending), int(row.late), int(row.done), int(row.skipped))
        for row in connection.execute(query)
    ]
    return tuple(sorted(loads, key=lambda load: (-load.pending, load.assignee_id or 0)))


def item_of(row: AnyRow) -> WorkItem:
    """The item in a row of the table."""
    plain = {name: getattr(row, name) for name in work.c.keys()}  # noqa: SIM118  a column collection
    enums = {"kind": WorkKind(row.kind), "purpose": Purpose(row.purpose), "state": WorkState(row.state)}
    return WorkItem(**plain | enums | {"reasons": _reasons.decode(row.reasons)})
