"""What a collector asks about the own work: callbacks that were promised, and the figures of the day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, text, update

from dialer.model.campaign import CampaignState
from dialer.model.collecting import CollectorDay, PromisedCallback
from dialer.model.contact import mask_number
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import CALLBACK, LATER, TIMED

attempts = tables.attempts
campaigns = tables.campaigns
contacts = tables.contacts
entries = tables.entries
phones = tables.phones
wrap_ups = tables.wrap_ups

MAX_CALLBACKS = 500


class Collecting:
    """The `collecting` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def callbacks(self, agent_id: int) -> tuple[PromisedCallback, ...]:
        """The callbacks a collector promised and that are still to be made, the next one first."""
        query = _callbacks(agent_id)

        def work(connection: Connection) -> tuple[PromisedCallback, ...]:
            return tuple(_callback(self._cipher, row) for row in connection.execute(query))

        return await self._database.read(work)

    async def move_callback(self, agent_id: int, entry_id: int, to: datetime | None, reason: str) -> bool:
        """Gives an own callback another time; None: it is promised no more, and the campaign's own order applies.

        False, and nothing changed, where the collector has no such callback to make any more.
        """
        mine = update(entries).where(
            entries.c.entry_id == entry_id, entries.c.queue == CALLBACK, entries.c.callback_agent_id == agent_id
        )
        if to is None:
            statement = mine.values(queue=LATER, callback_at=None, callback_agent_id=None, reason=reason)
        else:
            statement = mine.values(due_at=to, callback_at=to, reason=reason)
        return await self._database.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def day(self, agent_id: int, since: datetime) -> CollectorDay:
        """A collector's own calls since then: an instant of the same day, or the queries read long."""
        return await self._database.read(lambda connection: _day(connection, agent_id, since))


def _callbacks(agent_id: int) -> Select[Any]:
    """By campaign, so that an index finds those that wait for their time."""
    live = select(campaigns.c.campaign_id).where(campaigns.c.state != CampaignState.FINISHED.value)
    return (
        select(entries, contacts.c.sealed, phones.c.sealed.label("sealed_number"))
        .join(contacts, contacts.c.contact_id == entries.c.contact_id)
        .outerjoin(phones, phones.c.phone_id == entries.c.next_phone_id)
        .where(entries.c.campaign_id.in_(live), text(TIMED), entries.c.queue == CALLBACK)
        .where(entries.c.callback_agent_id == agent_id)
        .order_by(entries.c.due_at)
        .limit(MAX_CALLBACKS)
    )


def _callback(cipher: Cipher, row: AnyRow) -> PromisedCallback:
    number = "" if row.sealed_number is None else cipher.open(row.sealed_number, values.PHONE_PURPOSE).decode()
    return PromisedCallback(
        entry_id=row.entry_id,
        campaign_id=row.campaign_id,
        phone_id=row.next_phone_id,
        person_name=values.open_private(cipher, row.sealed)[0],
        number_masked=mask_number(number) if number else "",
        callback_at=row.callback_at,
    )


def _day(connection: Connection, agent_id: int, since: datetime) -> CollectorDay:
    mine = (attempts.c.agent_id == agent_id, attempts.c.reserved_at >= since)
    calls = select(func.count()).where(*mine, attempts.c.connected_at.is_not(None))
    codes = (
        select(attempts.c.campaign_id, wrap_ups.c.code, wrap_ups.c.right_party, func.count().label("n"))
        .join(wrap_ups, wrap_ups.c.attempt_id == attempts.c.attempt_id)
        .where(*mine)
        .group_by(attempts.c.campaign_id, wrap_ups.c.code, wrap_ups.c.right_party)
    )
    rows = connection.execute(codes).all()
    promising = _promise_codes(connection, {row.campaign_id for row in rows})
    return CollectorDay(
        calls=int(connection.execute(calls).scalar_one()),
        right_party=sum(row.n for row in rows if row.right_party),
        promises=sum(row.n for row in rows if row.code in promising[row.campaign_id]),
    )


def _promise_codes(connection: Connection, campaign_ids: set[int]) -> Mapping[int, frozenset[str]]:
    query = select(campaigns.c.campaign_id, campaigns.c.settings).where(campaigns.c.campaign_id.in_(campaign_ids))
    return {
        row.campaign_id: frozenset(
            code.code for code in values.decode_settings(row.settings).form.codes if code.promise
        )
        for row in connection.execute(query)
    }
