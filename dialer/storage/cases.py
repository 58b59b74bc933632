"""Cases: what the case system says of them. Every status but open stops the case at once, some the whole person."""

from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from dialer.model.contact import PERSON_STOPS, CaseStatus
from dialer.model.suppression import CaseChange, CaseChanged, Stop
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing
from dialer.storage.holds import HOLDING, lock_retention, place_by_status
from dialer.storage.stops import lock_people, set_standing, tell_nodes

cases = tables.cases
changes = tables.case_changes
contacts = tables.contacts


class Cases:
    """The `cases` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_status(
        self, case_ref: str, status: CaseStatus, now: datetime, *, source: str = "", node: str = ""
    ) -> CaseChanged:
        """Puts a status on record, stops the entries it concerns, and frees those that nothing stops any more.

        A complaint or a bereavement concerns every case of every person of this one; a complaint or a dispute places
        legal holds (`storage.holds`). Attempts in flight are the caller's to cancel, as `stops` of the answer says;
        other nodes hear of them by themselves, and the gate refuses every later attempt. `source` says who said so,
        `node` which node was told.
        """
        return await self._database.write(
            lambda connection: _set_status(connection, case_ref, status, source, node, now)
        )

    async def status(self, case_ref: str) -> CaseStatus:
        """What is known of a case; OPEN when nothing is."""
        query = select(cases.c.status).where(cases.c.case_ref == case_ref)
        stored = await self._database.read(lambda connection: connection.execute(query).scalar())
        return CaseStatus(stored) if stored else CaseStatus.OPEN

    async def changes(self, case_ref: str) -> tuple[CaseChange, ...]:
        """How the status of a case changed, oldest first."""
        query = select(changes).where(changes.c.case_ref == case_ref).order_by(changes.c.change_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(CaseChange(CaseStatus(row.status), row.at, row.source) for row in rows)


def _set_status(
    connection: Connection, case_ref: str, status: CaseStatus, source: str, node: str, now: datetime
) -> CaseChanged:
    people = _people(connection, case_ref)
    lock_people(connection, people)
    if status in HOLDING:
        lock_retention(connection)
    before = _put(connection, case_ref, status, source, now)
    concerned = contacts.c.case_ref == case_ref
    if PERSON_STOPS & {before, status}:
        concerned = or_(concerned, contacts.c.person_ref.in_(people))
    entries = set_standing(connection, concerned)
    stops = _stops(case_ref, status, people)
    tell_nodes(connection, stops, node, now)
    if status in HOLDING and status is not before:
        place_by_status(connection, case_ref, people, status, node, now)
    return CaseChanged(entries, stops)


def _people(connection: Connection, case_ref: str) -> list[str]:
    query = select(contacts.c.person_ref).where(contacts.c.case_ref == case_ref, contacts.c.person_ref != "").distinct()
    return sorted(connection.execute(query).scalars())


def _put(connection: Connection, case_ref: str, status: CaseStatus, source: str, now: datetime) -> CaseStatus:
    """Writes the status and its change; returns the one before. The case's row is the lock of its history."""
    fresh = {"case_ref": case_ref, "status": CaseStatus.OPEN.value, "changed_at": now}
    insert_missing(connection, cases, [fresh])
    mine = cases.c.case_ref == case_ref
    before = CaseStatus(connection.execute(select(cases.c.status).where(mine).with_for_update()).scalar_one())
    if before is not status:
        connection.execute(update(cases).where(mine).values(status=status.value, changed_at=now))
        change = {"case_ref": case_ref, "status": status.value, "at": now, "source": source}
        connection.execute(insert(changes), change)
    return before


def _stops(case_ref: str, status: CaseStatus, people: list[str]) -> tuple[Stop, ...]:
    if status is CaseStatus.OPEN:
        return ()
    why = f"the case is {status.value}"
    of_people = people if status in PERSON_STOPS else ()
    return (Stop(why, case_ref=case_ref), *(Stop(why, person_ref=person_ref) for person_ref in of_people))
