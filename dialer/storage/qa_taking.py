"""Taking work: one item for one person, whoever else asks at the same time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select, update

from dialer.model.quality_work import WorkItem, WorkKind, WorkState
from dialer.storage import tables
from dialer.storage.dialect import QUALITY_LOCK, lock
from dialer.storage.qa_work_reading import IS_PENDING, item_of

work = tables.qa_work


def take_next(connection: Connection, account_id: int, now: datetime) -> WorkItem | None:
    """This person's next item, which is theirs from now on; None: there is nothing to do."""
    lock(connection, QUALITY_LOCK, str(account_id).encode())
    for wanted in (work.c.assignee_id == account_id, _free_for(account_id)):
        work_id = connection.execute(_first(wanted)).scalar()
        if work_id is not None:
            taken = {"assignee_id": account_id, "state": WorkState.TAKEN.value}
            taken |= {"taken_at": func.coalesce(work.c.taken_at, now)}
            connection.execute(update(work).where(work.c.work_id == work_id).values(taken))
            return item_of(connection.execute(select(work).where(work.c.work_id == work_id)).one())
    return None


def _first(wanted: ColumnElement[bool]) -> Select[Any]:
    """What was taken first, then by due day; past what somebody else is changing."""
    begun_first = case((work.c.state == WorkState.TAKEN.value, 0), else_=1)
    query = select(work.c.work_id).where(wanted, IS_PENDING).order_by(begun_first, work.c.due_at, work.c.work_id)
    return query.limit(1).with_for_update(skip_locked=True, of=work)


def _free_for(account_id: int) -> ColumnElement[bool]:
    of_others = or_(work.c.collector_id.is_(None), work.c.collector_id != account_id)
    return and_(work.c.assignee_id.is_(None), of_others, ~twin_of(account_id))


def twin_of(account_id: int) -> ColumnElement[bool]:
    """Whether this person has, or had, the other half of a pair, or another part of a calibration."""
    twin = work.alias()
    of_recording = work.c.kind == WorkKind.RECORDING.value
    same = (twin.c[name] == work.c[name] for name in ("subject", "kind", "purpose", "calibration_id"))
    others = exists().where(*same, twin.c.work_id != work.c.work_id, twin.c.assignee_id == account_id).correlate(work)
    return and_(of_recording, others)
