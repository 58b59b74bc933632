"""Stops: who must not be called any more, from the moment it is said, on every node.

What stops is written in one transaction with three things: the entries of everybody it concerns leave the queues, or
return to where they were when nothing stops them any more; and a row tells the other nodes whose calls to end
(`dialer.campaigns.loop.stop_watch` reads them). On PostgreSQL the locks of the persons come first: of two changes that
concern one person, the later one sees what the earlier one left.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, exists, func, insert, or_, select, update

from dialer.model.attempt import AttemptState
from dialer.model.entry import EntryState
from dialer.model.suppression import Stop
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import PERSON_LOCK, lock
from dialer.storage.standing import why_stopped
from dialer.storage.tables.campaigns import CALLBACK, LATER, WAITING

attempts = tables.attempts
contacts = tables.contacts
entries = tables.entries
table = tables.stops

STOPPABLE = (*WAITING, EntryState.LEASED.value, EntryState.DIALING.value)
"""Queues out of which a stop takes an entry; one that waits for a reconciliation goes on waiting."""

_OWN_ATTEMPT = exists().where(
    attempts.c.campaign_id == entries.c.campaign_id,
    attempts.c.contact_id == entries.c.contact_id,
    attempts.c.entry_id == entries.c.entry_id,
)
_WHERE_IT_WAS = case(
    (_OWN_ATTEMPT.where(attempts.c.in_flight_index.is_not(None)), EntryState.DIALING.value),
    (_OWN_ATTEMPT.where(attempts.c.state == AttemptState.UNKNOWN.value), EntryState.RECONCILE.value),
    (entries.c.callback_at.is_not(None), CALLBACK),
    else_=LATER,
)
"""Where an entry goes on when nothing stops it any more.

A call that is still up ends first, one whose end nobody knows waits for a person's word, a promised callback keeps its
time and its collector, a retry its delay.
"""
_THEIRS = entries.c.contact_id.in_(bindparam("of_contacts", expanding=True))
_STOP = (
    update(entries)
    .where(_THEIRS, entries.c.queue.in_(STOPPABLE))
    .values(queue=EntryState.STOPPED.value, node=None, lease_until=None, reason=bindparam("why"))
)
_FREE = (
    update(entries)
    .where(_THEIRS, entries.c.queue == EntryState.STOPPED.value)
    .values(queue=_WHERE_IT_WAS, reason="nothing stops it any more")
)


class Stops:
    """The `stops` part of the storage: what the nodes tell each other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> int:
        """The highest id so far, 0 when there is none."""
        query = select(func.max(table.c.stop_id))
        return await self._database.read(lambda connection: connection.execute(query).scalar()) or 0

    async def unseen(self, after: int, missing: Collection[int] = ()) -> tuple[tuple[int, Stop], ...]:
        """The stops with higher ids than `after`, and those of the `missing` ids that are there now; by id."""
        wanted = table.c.stop_id > after
        if missing:
            wanted = or_(wanted, table.c.stop_id.in_(missing))
        query = select(table).where(wanted).order_by(table.c.stop_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple((row.stop_id, Stop(row.reason, row.person_ref, row.case_ref, row.number_index)) for row in rows)

    async def remove_before(self, at: datetime) -> int:
        """Removes those that every node has heard of long since; returns how many."""
        statement = delete(table).where(table.c.at < at)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount)


def lock_people(connection: Connection, people: Iterable[str]) -> None:
    """The persons' locks, in one order on all nodes."""
    for person_ref in sorted(set(people)):
        lock(connection, PERSON_LOCK, person_ref.encode())


def tell_nodes(connection: Connection, stops: Iterable[Stop], node: str, now: datetime) -> None:
    """Leaves word for every node; `node` is where it was heard."""
    rows = [
        {
            "at": now,
            "node": node,
            "reason": stop.reason,
            "person_ref": stop.person_ref,
            "case_ref": stop.case_ref,
            "number_index": stop.number_index,
        }
        for stop in stops
    ]
    if rows:
        connection.execute(insert(table), rows)


def set_standing(connection: Connection, whom: ColumnElement[bool]) -> int:
    """Stops the entries of those contacts that something stops now, frees those of the others; returns how many.

    `whom` is a condition on `contacts`.
    """
    rows = connection.execute(select(contacts.c.contact_id, contacts.c.case_ref, contacts.c.person_ref).where(whom))
    concerned = rows.all()
    stopped = why_stopped(connection, concerned)
    free = [row.contact_id for row in concerned if row.contact_id not in stopped]
    changed = connection.execute(_FREE, {"of_contacts": free}).rowcount
    for why in sorted(set(stopped.values())):
        mine = [contact_id for contact_id, reason in stopped.items() if reason == why]
        changed += connection.execute(_STOP, {"of_contacts": mine, "why": why}).rowcount
    return changed
