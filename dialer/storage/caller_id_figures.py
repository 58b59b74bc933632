"""How caller IDs fare, from the attempts that showed them, by the index over caller ID and time."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, case, func, select

from dialer.model.attempt import AttemptState, Disposition
from dialer.model.caller_id_figures import SHORT_S, CallerIdTally, CallerIdUse
from dialer.model.contact import CaseStatus
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import seconds_between

attempts = tables.attempts
changes = tables.case_changes

_REFUSED = (Disposition.UNWANTED.value, Disposition.NETWORK_BLOCKED.value)


class CallerIdFigures:
    """The `caller_id_figures` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def uses(
        self, numbers: Collection[str], before: datetime, today: datetime, until: datetime
    ) -> tuple[CallerIdUse, ...]:
        """Each number's calls in [before, today) and [today, until), and complaints about it since `before`."""

        def work(connection: Connection) -> tuple[CallerIdUse, ...]:
            now, then = _tallies(connection, numbers, today, until), _tallies(connection, numbers, before, today)
            complained = _complaints(connection, numbers, before, until)
            none = CallerIdTally()
            return tuple(
                CallerIdUse(number, now.get(number, none), then.get(number, none), complained.get(number, 0))
                for number in numbers
            )

        return await self._database.read(work)


def _tallies(
    connection: Connection, numbers: Collection[str], begins: datetime, ends: datetime
) -> Mapping[str, CallerIdTally]:
    lasted = seconds_between(connection.dialect.name, attempts.c.answered_at, attempts.c.ended_at)
    counted = {
        "answered": attempts.c.answered_at.is_not(None),
        "short": and_(attempts.c.answered_at.is_not(None), lasted <= SHORT_S),
        "refused": attempts.c.disposition.in_(_REFUSED),
    }
    sums = (func.sum(case((which, 1), else_=0)).label(name) for name, which in counted.items())
    persons = func.count(attempts.c.person_ref.distinct()).label("persons")
    query = select(attempts.c.caller_id, func.count().label("dials"), persons, *sums).where(
        attempts.c.caller_id.in_(bindparam("numbers", expanding=True)),
        attempts.c.reserved_at >= begins,
        attempts.c.reserved_at < ends,
        attempts.c.state != AttemptState.RELEASED.value,
    )
    rows = connection.execute(query.group_by(attempts.c.caller_id), {"numbers": list(numbers)})
    return {
        row.caller_id: CallerIdTally(row.dials, int(row.answered), int(row.short), int(row.refused), row.persons)
        for row in rows
    }


def _complaints(
    connection: Connection, numbers: Collection[str], begins: datetime, ends: datetime
) -> Mapping[str, int]:
    """Complaints of cases that were called from the number before, within the span."""
    query = (
        select(attempts.c.caller_id, func.count(changes.c.change_id.distinct()).label("n"))
        .join(changes, and_(changes.c.case_ref == attempts.c.case_ref, changes.c.at >= attempts.c.reserved_at))
        .where(changes.c.status == CaseStatus.COMPLAINT.value, changes.c.at >= begins, changes.c.at < ends)
        .where(attempts.c.reserved_at >= begins, attempts.c.caller_id.in_(bindparam("numbers", expanding=True)))
        .group_by(attempts.c.caller_id)
    )
    return {row.caller_id: row.n for row in connection.execute(query, {"numbers": list(numbers)})}
