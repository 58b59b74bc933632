"""Answers "why?": who is behind a case or a number, where they stand, and what the gate says, or would have said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from dialer.compliance.answer import answer
from dialer.compliance.policy import Policy
from dialer.model.call_list import ListState
from dialer.model.decision import Decision
from dialer.model.entry import EntryState, Reservation
from dialer.model.explanation import KnownContact, Standing
from dialer.storage import tables, values
from dialer.storage.campaigns import load_campaign
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.history import gather, load_subject
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import WAITING

contacts = tables.contacts
phones = tables.phones
entries = tables.entries
lists = tables.lists


@dataclass(frozen=True, slots=True)
class Answer:
    """The gate's word on a call that nobody reserves; `zones` are those the person may be in."""

    zones: tuple[str, ...]
    decision: Decision


class Explaining:
    """The `explaining` part of the storage. It changes nothing and leaves no proof: nobody asked to call."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def of_case(self, case_ref: str, limit: int) -> tuple[KnownContact, ...]:
        """The contacts with a case, newest first, at most `limit`."""
        return await self._known(select(contacts.c.contact_id).where(contacts.c.case_ref == case_ref), limit)

    async def of_number(self, number: str, limit: int) -> tuple[KnownContact, ...]:
        """The contacts with a number (E.164), newest first, at most `limit`."""
        index = self._cipher.number_index(number)
        return await self._known(select(phones.c.contact_id).where(phones.c.number_index == index).distinct(), limit)

    async def ask(
        self, asked: Sequence[Reservation], policy: Policy, at: datetime, as_of: datetime | None
    ) -> tuple[Answer, ...]:
        """What the gate says of each call at `at`, on the facts as they are, or as they were known at `as_of`."""
        return await self._database.read(
            lambda connection: tuple(self._answer(connection, reservation, policy, at, as_of) for reservation in asked)
        )

    def _answer(
        self, connection: Connection, reservation: Reservation, policy: Policy, at: datetime, as_of: datetime | None
    ) -> Answer:
        subject = load_subject(connection, self._cipher, reservation.contact_id, reservation.phone_id)
        facts = gather(connection, subject, reservation, policy, at, as_of)
        return Answer(facts.zones.zones, answer(policy, facts, at))

    async def _known(self, wanted: Select[Any], limit: int) -> tuple[KnownContact, ...]:
        (key,) = wanted.selected_columns
        query = wanted.order_by(key.desc()).limit(limit)
        return await self._database.read(lambda connection: self._load(connection, query))

    def _load(self, connection: Connection, query: Select[Any]) -> tuple[KnownContact, ...]:
        ids = list(connection.execute(query).scalars())
        found = values.load_contacts(connection, self._cipher, ids)
        known = []
        for contact in (found[contact_id] for contact_id in ids if contact_id in found):
            row = connection.execute(
                select(lists.c.name, lists.c.state).where(lists.c.list_id == contact.list_id)
            ).one()
            standings = _standings(connection, contact.contact_id, contact.list_id)
            known.append(KnownContact(contact, row.name, row.state == ListState.READY.value, standings))
        return tuple(known)


def _standings(connection: Connection, contact_id: int, list_id: int) -> tuple[Standing, ...]:
    """In every campaign that has an entry of the contact, and in those that dial its list and have none."""
    rows = connection.execute(select(entries).where(entries.c.contact_id == contact_id)).all()
    by_campaign = {row.campaign_id: row for row in rows}
    of_list = select(tables.campaign_lists.c.campaign_id).where(tables.campaign_lists.c.list_id == list_id)
    ids = sorted({*by_campaign, *connection.execute(of_list).scalars()})
    standings = (_standing(connection, campaign_id, by_campaign.get(campaign_id)) for campaign_id in ids)
    return tuple(standing for standing in standings if standing is not None)


def _standing(connection: Connection, campaign_id: int, entry: AnyRow | None) -> Standing | None:
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        return None
    if entry is None:
        return Standing(campaign, None)
    state = EntryState.WAITING if entry.queue in WAITING else EntryState(entry.queue)
    return Standing(
        campaign, state, entry.reason, entry.due_at, entry.callback_at, entry.lease_until, entry.next_phone_id
    )
