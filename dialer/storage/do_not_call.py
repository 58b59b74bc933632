"""Who must not be called: numbers and persons, with where it was asked for and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from dialer.model.call_list import DoNotCall
from dialer.model.contact import mask_number
from dialer.model.outcome import EventType
from dialer.model.suppression import Stop
from dialer.outcomes import payloads
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import NUMBER_LOCK, insert_row, lock
from dialer.storage.events import emit
from dialer.storage.stops import lock_people, set_standing, tell_nodes
from dialer.storage.tables.base import AnyRow

table = tables.do_not_call

STOP_REASON = "asked not to be called"


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a request came from: the call or the case, as far as known, and the node that was told."""

    source: str
    reason: str
    case_ref: str = ""
    person_ref: str = ""
    attempt_id: int | None = None
    node: str = ""


class DoNotCallList:
    """The `do_not_call` part of the storage. It binds from the moment a call of it returns."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def add_number(self, number: str, listing: Listing, now: datetime) -> int:
        """Lists a number (E.164) and tells the case system; listing it again changes nothing. Returns the id."""
        return await self._database.write(
            lambda connection: list_number(connection, self._cipher, number, listing, now)
        )

    async def add_person(self, person_ref: str, listing: Listing, now: datetime) -> int:
        """Lists a person: none of the numbers of their contacts may be called, third parties' included.

        Their entries are stopped. Returns the id; listing again changes nothing.
        """
        return await self._database.write(lambda connection: list_person(connection, person_ref, listing, now))

    async def remove(self, do_not_call_id: int, actor: str, now: datetime) -> bool:
        """Takes an entry off the list; who did it and when stays on record. False when it was not on it.

        What nothing else stops of a person's entries may be called again.
        """
        return await self._database.write(lambda connection: _remove(connection, do_not_call_id, actor, now))

    async def of_number(self, number: str) -> tuple[DoNotCall, ...]:
        """What the list holds of a number, removed entries too."""
        index = self._cipher.number_index(number)
        return await self._select(select(table).where(table.c.number_index == index))

    async def of_person(self, person_ref: str) -> tuple[DoNotCall, ...]:
        """What the list holds of a person, removed entries too."""
        return await self._select(select(table).where(table.c.person_ref == person_ref))

    async def list(self, after: int = 0, limit: int = 100) -> tuple[DoNotCall, ...]:
        """A page of what is listed now, in the order of ids."""
        query = select(table).where(table.c.do_not_call_id > after, table.c.removed_at.is_(None)).limit(limit)
        return await self._select(query)

    async def _select(self, query: Any) -> tuple[DoNotCall, ...]:
        ordered = query.order_by(table.c.do_not_call_id)
        rows = await self._database.read(lambda connection: connection.execute(ordered).all())
        return tuple(_value(row) for row in rows)


def list_number(connection: Connection, cipher: Cipher, number: str, listing: Listing, now: datetime) -> int:
    """Lists a number inside a transaction, once, with its event; returns the id."""
    index = cipher.number_index(number)
    lock(connection, NUMBER_LOCK, index)
    known = _known(connection, table.c.number_index == index)
    if known is not None:
        return known
    row = {
        "number_index": index,
        "number_masked": mask_number(number),
        "source": listing.source,
        "reason": listing.reason,
        "added_at": now,
        "removed_by": "",
    }
    added = insert_row(connection, table, row)
    data = payloads.do_not_call(number, listing.case_ref, listing.person_ref, listing.reason, listing.attempt_id)
    emit(connection, EventType.DO_NOT_CALL, listing.case_ref, now, data)
    tell_nodes(connection, [Stop(STOP_REASON, number_index=index)], listing.node, now)
    return added


def list_person(connection: Connection, person_ref: str, listing: Listing, now: datetime) -> int:
    """Lists a person inside a transaction, once, and stops their entries; returns the id."""
    lock_people(connection, [person_ref])
    known = _known(connection, table.c.person_ref == person_ref)
    if known is not None:
        return known
    row = {"person_ref": person_ref, "source": listing.source, "reason": listing.reason, "added_at": now}
    added = insert_row(connection, table, {"number_masked": "", "removed_by": "", **row})
    set_standing(connection, tables.contacts.c.person_ref == person_ref)
    tell_nodes(connection, [Stop(STOP_REASON, person_ref=person_ref)], listing.node, now)
    return added


def _remove(connection: Connection, do_not_call_id: int, actor: str, now: datetime) -> bool:
    mine = (table.c.do_not_call_id == do_not_call_id) & table.c.removed_at.is_(None)
    row = connection.execute(select(table.c.person_ref).where(mine)).first()
    if row is None:
        return False
    if row.person_ref is not None:
        lock_people(connection, [row.person_ref])
    if connection.execute(update(table).where(mine).values(removed_at=now, removed_by=actor)).rowcount == 0:
        return False
    if row.person_ref is not None:
        set_standing(connection, tables.contacts.c.person_ref == row.person_ref)
    return True


def _known(connection: Connection, condition: Any) -> int | None:
    query = select(table.c.do_not_call_id).where(condition, table.c.removed_at.is_(None))
    return connection.execute(query).scalar()


def _value(row: AnyRow) -> DoNotCall:
    return DoNotCall(
        do_not_call_id=row.do_not_call_id,
        number_masked=row.number_masked,
        person_ref=row.person_ref,
        source=row.source,
        reason=row.reason,
        added_at=row.added_at,
        removed_at=row.removed_at,
    )
