"""Lists and their contacts. A list is written in pieces and seen by nobody until it is finished."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from dialer.errors import InputError
from dialer.model.call_list import CallList, ListState, NewContact, NewPhone
from dialer.model.contact import Contact
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row, take_ids
from dialer.storage.tables.base import AnyRow

DELETE_CHUNK = 2000
"""Contacts deleted per transaction: short enough that reservations hardly wait."""


class Lists:
    """The `lists` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def begin(self, name: str, source: str, node: str, now: datetime) -> int:
        """Opens a list for writing; until `finish` only the importer sees it. Returns its id."""
        row = {
            "name": name,
            "source": source,
            "node": node,
            "state": ListState.IMPORTING.value,
            "created_at": now,
            "contact_count": 0,
            "phone_count": 0,
        }
        return await self._database.write(lambda connection: insert_row(connection, tables.lists, row))

    async def add(self, list_id: int, contacts: Sequence[NewContact], more: Sequence[NewContact] = ()) -> None:
        """Writes contacts into a list that is being imported, as one transaction; numbers are E.164 already.

        `more` name contacts again that the list has (same person, same case): their further numbers are added.
        """
        await self._database.write(lambda connection: _add(connection, self._cipher, list_id, contacts, more))

    async def finish(self, list_id: int) -> CallList:
        """Makes the list visible, all at once, with its counts."""
        return await self._database.write(lambda connection: _finish(connection, list_id))

    async def delete(self, list_id: int) -> None:
        """Removes a list that no campaign uses, piece by piece; InputError names the campaign otherwise."""
        await self._database.write(lambda connection: _hide(connection, list_id))
        while await self._database.write(lambda connection: _delete_some(connection, list_id)):
            pass

    async def clean(self, node: str) -> int:
        """At start: removes what a kill left of this node's imports; returns how many lists."""
        query = select(tables.lists.c.list_id).where(
            tables.lists.c.state == ListState.IMPORTING.value, tables.lists.c.node == node
        )
        unfinished = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        for list_id in unfinished:
            await self.delete(list_id)
        return len(unfinished)

    async def importers(self, prefix: str) -> tuple[str, ...]:
        """The names that begin so and have an unfinished import."""
        nodes = select(tables.lists.c.node).distinct()
        query = nodes.where(
            tables.lists.c.state == ListState.IMPORTING.value, tables.lists.c.node.startswith(prefix, autoescape=True)
        )
        names = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return tuple(names)

    async def get(self, list_id: int) -> CallList | None:
        """A list that is ready, or None."""
        query = select(tables.lists).where(
            tables.lists.c.list_id == list_id, tables.lists.c.state == ListState.READY.value
        )
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _value(row)

    async def all(self) -> tuple[CallList, ...]:
        """All lists that are ready, newest first."""
        query = (
            select(tables.lists)
            .where(tables.lists.c.state == ListState.READY.value)
            .order_by(tables.lists.c.list_id.desc())
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)

    async def contact(self, contact_id: int) -> Contact | None:
        """A contact of a list that is ready, with its numbers in clear, or None."""
        found = await self._database.read(
            lambda connection: values.load_contacts(connection, self._cipher, [contact_id])
        )
        contact = found.get(contact_id)
        if contact is None or await self.get(contact.list_id) is None:
            return None
        return contact

    async def contact_of_phone(self, phone_id: int) -> Contact | None:
        """The contact a number belongs to, or None."""
        query = select(tables.phones.c.contact_id).where(tables.phones.c.phone_id == phone_id)
        contact_id = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if contact_id is None else await self.contact(contact_id)

    async def contacts(self, list_id: int, after: int = 0, limit: int = 100) -> tuple[Contact, ...]:
        """A page of a list's contacts in the order of their ids, those above `after`."""
        query = (
            select(tables.contacts.c.contact_id)
            .join(tables.lists, tables.lists.c.list_id == tables.contacts.c.list_id)
            .where(tables.contacts.c.list_id == list_id, tables.contacts.c.contact_id > after)
            .where(tables.lists.c.state == ListState.READY.value)
            .order_by(tables.contacts.c.contact_id)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[Contact, ...]:
            ids = connection.execute(query).scalars().all()
            found = values.load_contacts(connection, self._cipher, ids)
            return tuple(found[contact_id] for contact_id in ids)

        return await self._database.read(work)


def _value(row: AnyRow) -> CallList:
    return CallList(
        list_id=row.list_id,
        name=row.name,
        state=ListState(row.state),
        source=row.source,
        contact_count=row.contact_count,
        phone_count=row.phone_count,
        created_at=row.created_at,
    )


def _add(
    connection: Connection,
    cipher: Cipher,
    list_id: int,
    contacts: Sequence[NewContact],
    more: Sequence[NewContact],
) -> None:
    if contacts:
        _insert(connection, cipher, list_id, contacts)
    for contact in more:
        _add_phones(connection, cipher, list_id, contact)


def _insert(connection: Connection, cipher: Cipher, list_id: int, contacts: Sequence[NewContact]) -> None:
    ids = take_ids(connection, tables.contacts, len(contacts))
    contact_rows: list[dict[str, Any]] = []
    phone_rows: list[dict[str, Any]] = []
    for contact_id, contact in zip(ids, contacts, strict=True):
        contact_rows.append(
            {
                "contact_id": contact_id,
                "list_id": list_id,
                "person_ref": contact.person_ref,
                "case_ref": contact.case_ref,
                "zone": contact.zone,
                "regions": ",".join(contact.regions),
                "sealed": values.seal_private(cipher, contact.name, contact.fields),
            }
        )
        phone_rows.extend(_phone_row(cipher, contact_id, phone, rank) for rank, phone in enumerate(contact.phones))
    connection.execute(insert(tables.contacts), contact_rows)
    if phone_rows:
        connection.execute(insert(tables.phones), phone_rows)


def _phone_row(cipher: Cipher, contact_id: int, phone: NewPhone, rank: int) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "number_index": cipher.number_index(phone.number),
        "sealed": cipher.seal(phone.number.encode(), values.PHONE_PURPOSE),
        "role": phone.role.value,
        "rank": rank,
    }


def _add_phones(connection: Connection, cipher: Cipher, list_id: int, contact: NewContact) -> None:
    """Adds to a contact of the list those numbers, and regions, that it does not have yet."""
    query = select(tables.contacts.c.contact_id, tables.contacts.c.regions).where(
        tables.contacts.c.list_id == list_id,
        tables.contacts.c.case_ref == contact.case_ref,
        tables.contacts.c.person_ref == contact.person_ref,
    )
    contact_id, regions = connection.execute(query).one()
    fresh = [region for region in contact.regions if region not in regions.split(",")]
    if fresh:
        joined = ",".join(filter(None, (regions, *fresh)))
        mine = update(tables.contacts).where(tables.contacts.c.contact_id == contact_id)
        connection.execute(mine.values(regions=joined))
    owned = select(tables.phones.c.number_index, tables.phones.c.rank).where(tables.phones.c.contact_id == contact_id)
    known = {row.number_index: row.rank for row in connection.execute(owned)}
    rank = max(known.values(), default=-1)
    for phone in contact.phones:
        row = _phone_row(cipher, contact_id, phone, rank + 1)
        if row["number_index"] not in known:
            rank += 1
            known[row["number_index"]] = rank
            connection.execute(insert(tables.phones), row)


def _finish(connection: Connection, list_id: int) -> CallList:
    contacts = select(func.count()).select_from(tables.contacts).where(tables.contacts.c.list_id == list_id)
    phones = (
        select(func.count())
        .select_from(tables.phones.join(tables.contacts, tables.contacts.c.contact_id == tables.phones.c.contact_id))
        .where(tables.contacts.c.list_id == list_id)
    )
    statement = (
        update(tables.lists)
        .where(tables.lists.c.list_id == list_id)
        .values(
            state=ListState.READY.value,
            contact_count=connection.execute(contacts).scalar_one(),
            phone_count=connection.execute(phones).scalar_one(),
        )
        .returning(*tables.lists.c)
    )
    return _value(connection.execute(statement).one())


def _hide(connection: Connection, list_id: int) -> None:
    query = (
        select(tables.campaigns.c.name)
        .join(tables.campaign_lists, tables.campaign_lists.c.campaign_id == tables.campaigns.c.campaign_id)
        .where(tables.campaign_lists.c.list_id == list_id)
    )
    user = connection.execute(query).scalar()
    if user is not None:
        raise InputError(f"list {list_id} is used by the campaign {user!r}; it cannot be deleted")
    hidden = update(tables.lists).where(tables.lists.c.list_id == list_id).values(state=ListState.IMPORTING.value)
    connection.execute(hidden)


def _delete_some(connection: Connection, list_id: int) -> bool:
    """Deletes a piece of a list; False when the list itself is gone too."""
    query = select(tables.contacts.c.contact_id).where(tables.contacts.c.list_id == list_id).limit(DELETE_CHUNK)
    ids = connection.execute(query).scalars().all()
    if not ids:
        connection.execute(delete(tables.lists).where(tables.lists.c.list_id == list_id))
        return False
    connection.execute(delete(tables.phones).where(tables.phones.c.contact_id.in_(ids)))
    connection.execute(delete(tables.contacts).where(tables.contacts.c.contact_id.in_(ids)))
    return True
