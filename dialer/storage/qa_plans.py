"""Sampling plans and what they drew. A draw, its items and who gets them are one transaction, once per period."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, update

from dialer.model.account import AuditEntry
from dialer.model.quality_work import (
    AnnouncementRules,
    NewDraw,
    NewPlan,
    NewWork,
    PlanKind,
    PlanRules,
    Purpose,
    QaDraw,
    QaPlan,
    VerdictRules,
    WorkItem,
)
from dialer.storage import tables
from dialer.storage.audit import add_entry
from dialer.storage.database import Database
from dialer.storage.dialect import QUALITY_LOCK, insert_row, lock
from dialer.storage.qa_work import open_work, shared_out
from dialer.storage.tables.base import AnyRow
from recording.review.periods import Cadence
from recording.review.sampling import Rules

plans = tables.qa_plans
draws = tables.qa_draws
work = tables.qa_work

ACTOR = "sampling"
"""Who draws, in the audit log."""
_RULES: dict[PlanKind, type[PlanRules]] = {
    PlanKind.RANDOM: Rules,
    PlanKind.RISK: Rules,
    PlanKind.VERDICTS: VerdictRules,
    PlanKind.ANNOUNCEMENTS: AnnouncementRules,
}


class QaPlans:
    """The `qa_plans` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, plan: NewPlan, actor: str, now: datetime) -> QaPlan:
        """Stores a plan; it draws of what happens from now on."""
        row = {name: getattr(plan, name) for name in NewPlan.__slots__}
        row |= {name: row[name].value for name in ("kind", "cadence", "purpose")}
        row |= {"rules": msgspec.json.encode(plan.rules), "created_at": now, "created_by": actor, "stopped_by": ""}
        plan_id = await self._database.write(lambda connection: insert_row(connection, plans, row))
        plain = {name: getattr(plan, name) for name in NewPlan.__slots__}
        return QaPlan(**plain, plan_id=plan_id, created_at=now, created_by=actor)

    async def stop(self, plan_id: int, actor: str, now: datetime) -> bool:
        """Lets a plan draw nothing more; what it opened stays. False: it was stopped, or there is none."""
        mine = update(plans).where(plans.c.plan_id == plan_id, plans.c.stopped_at.is_(None))
        change = mine.values(stopped_at=now, stopped_by=actor)
        return await self._database.write(lambda connection: connection.execute(change).rowcount == 1)

    async def get(self, plan_id: int) -> QaPlan | None:
        """The plan, or None."""
        query = select(plans).where(plans.c.plan_id == plan_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _plan(row)

    async def all(self, *, running: bool = False) -> tuple[QaPlan, ...]:
        """All plans, or those that still draw, in the order in which they were made."""
        query = select(plans).order_by(plans.c.plan_id)
        if running:
            query = query.where(plans.c.stopped_at.is_(None))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_plan(row) for row in rows)

    async def last_draw(self, plan_id: int) -> QaDraw | None:
        """Of the latest period that was drawn."""
        query = select(draws).where(draws.c.plan_id == plan_id).order_by(draws.c.ends.desc()).limit(1)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _draw(row)

    async def draws(self, plan_id: int, limit: int = 100, before_id: int | None = None) -> tuple[QaDraw, ...]:
        """A page of a plan's draws, newest first."""
        query = select(draws).where(draws.c.plan_id == plan_id).order_by(draws.c.draw_id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(draws.c.draw_id < before_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_draw(row) for row in rows)

    async def draw(self, draw_id: int) -> QaDraw | None:
        """One draw, or None."""
        query = select(draws).where(draws.c.draw_id == draw_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _draw(row)

    async def drawn(self, draw_id: int) -> tuple[str, ...]:
        """What a draw chose, in the order of its places."""
        query = select(work.c.subject).where(work.c.draw_id == draw_id, work.c.slot == 1).order_by(work.c.work_id)
        return tuple(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def record(self, draw: NewDraw, items: Sequence[NewWork], hands: int = 1) -> tuple[WorkItem, ...] | None:
        """Puts a draw on record, and opens its items, each for `hands` people; None: somebody drew this period before.

        What was given out since it was drawn is left out; `drawn` counts what is left.
        """
        return await self._database.write(lambda connection: _record(connection, draw, items, hands))


def was_drawn(connection: Connection, plan_id: int, period: str) -> bool:
    """Whether a plan's period was drawn; nobody else draws it until the end of this transaction."""
    lock(connection, QUALITY_LOCK, b"")
    query = select(draws.c.draw_id).where(draws.c.plan_id == plan_id, draws.c.period == period)
    return connection.execute(query).first() is not None


def record_draw(
    connection: Connection, draw: NewDraw, items: Sequence[NewWork], hands: int = 1
) -> tuple[WorkItem, ...]:
    """The same as `QaPlans.record`, within a transaction that asked `was_drawn`; with its entry in the audit log."""
    row = {name: getattr(draw, name) for name in NewDraw.__slots__}
    draw_id = insert_row(connection, draws, row)
    given = shared_out(connection, [replace(item, draw_id=draw_id) for item in items], hands)
    opened = open_work(connection, given, draw.drawn_at)
    n_drawn = len({item.subject for item in opened})
    connection.execute(update(draws).where(draws.c.draw_id == draw_id).values(drawn=n_drawn))
    said = f"{draw.period}: {n_drawn} of {draw.pool}"
    add_entry(connection, AuditEntry(draw.drawn_at, ACTOR, "qa_plan.draw", f"qa_plan/{draw.plan_id}", said))
    return opened


def _record(connection: Connection, draw: NewDraw, items: Sequence[NewWork], hands: int) -> tuple[WorkItem, ...] | None:
    if was_drawn(connection, draw.plan_id, draw.period):
        return None
    return record_draw(connection, draw, items, hands)


def _plan(row: AnyRow) -> QaPlan:
    plain = {name: getattr(row, name) for name in plans.c.keys()}  # noqa: SIM118  a column collection
    kind = PlanKind(row.kind)
    enums = {"kind": kind, "cadence": Cadence(row.cadence), "purpose": Purpose(row.purpose)}
    return QaPlan(**plain | enums | {"rules": msgspec.json.decode(row.rules, type=_RULES[kind])})


def _draw(row: AnyRow) -> QaDraw:
    return QaDraw(**{name: getattr(row, name) for name in draws.c.keys()})  # noqa: SIM118  a column collection
