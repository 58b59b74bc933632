"""Entries: which contacts of a campaign are to be dialed, made for it, counted and put back; `claiming` takes them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, update

from dialer.campaigns.priority import priority
from dialer.model.call_list import ListState
from dialer.model.campaign import PriorityTerm
from dialer.model.entry import Candidate, EntryCounts, EntryState
from dialer.storage import tables, values
from dialer.storage.campaigns import load_campaign
from dialer.storage.claiming import Claim, claim, free
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing, refresh_statistics
from dialer.storage.standing import why_stopped
from dialer.storage.tables.campaigns import CALLBACK, LATER, READY, TIMED, WAITING

LEASE_S = 600.0
"""How long a claim lasts, unless a preview may take longer. A node that dies gives its entries back when it is back."""
BUILD_CHUNK = 1000
NEW = "not dialed yet: its turn comes by its priority"
"""The reason of a new entry; as long as what a claim writes in its stead."""

entries = tables.entries

# Built once: composing a statement costs more time than running it.
_MINE = entries.c.campaign_id == bindparam("of_campaign")
_BY_QUEUE = select(entries.c.queue, func.count()).where(_MINE).group_by(entries.c.queue)
_N_DUE = select(func.count()).where(_MINE, text(TIMED), entries.c.due_at <= bindparam("now"))
_DUE_NEXT = {
    queue: select(func.min(entries.c.due_at)).where(
        _MINE, entries.c.queue == queue, text(TIMED), entries.c.due_at > bindparam("now")
    )
    for queue in (LATER, CALLBACK)
}


class Entries:
    """The `entries` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def build(self, campaign_id: int, now: datetime) -> int:
        """Makes the entries of a campaign's contacts that have none yet; returns how many there are now.

        May be repeated, after an interruption or when a list was added; entries that exist stay as they are.
        """
        n_entries, n_contacts = await self._database.read(lambda connection: _extent(connection, campaign_id))
        if n_entries == n_contacts:
            return n_entries
        after = 0
        while True:
            last = await self._database.write(
                partial(_build_some, cipher=self._cipher, campaign_id=campaign_id, after=after, now=now)
            )
            if last is None:
                break
            after = last
        filled = (entries, tables.contacts, tables.phones)
        await self._database.write(lambda connection: refresh_statistics(connection, *filled))
        return (await self._database.read(lambda connection: _extent(connection, campaign_id)))[0]

    async def reprioritize(self, campaign_id: int) -> None:
        """Recomputes the order of dialing of all waiting entries, after the priority terms were changed."""
        after = 0
        while True:
            last = await self._database.write(
                partial(_reorder_some, cipher=self._cipher, campaign_id=campaign_id, after=after)
            )
            if last is None:
                return
            after = last

    async def claim(
        self,
        campaign_id: int,
        node: str,
        limit: int,
        now: datetime,
        *,
        agents: Collection[int] | None = None,
        lease_s: float = LEASE_S,
    ) -> tuple[Candidate, ...]:
        """Leases due entries of a running campaign to a node, promised callbacks first, then by priority.

        `agents` are the collectors who could take a callback that was promised by them; None: do not ask. Half an hour
        after the promised time anyone may take it.
        """
        wanted = Claim(campaign_id, node, limit, now, now + timedelta(seconds=lease_s), agents)
        return await self._database.write(lambda connection: claim(connection, self._cipher, wanted))

    async def put_back(
        self, entry_id: int, not_before: datetime | None, reason: str, *, phone_id: int | None = None
    ) -> None:
        """Returns a leased entry of which nothing was dialed, to be tried not before then, with `phone_id` if given.

        `not_before` None: no passing of time helps this number (`Decision.retry_at` is None). The contact's next number
        is up then, at once; after the last one the entry is exhausted.
        """
        await self._database.write(lambda connection: _put_back(connection, entry_id, not_before, reason, phone_id))

    async def counts(self, campaign_id: int, now: datetime) -> EntryCounts:
        """How many entries stand where."""
        return await self._database.read(lambda connection: count_entries(connection, campaign_id, now))

    async def release_expired(self, now: datetime) -> int:
        """Frees entries whose lease ran out (their node went away and did not come back); returns how many."""
        return await self._database.write(
            lambda connection: free(connection, entries.c.lease_until <= now, "the lease ran out")
        )


def count_entries(connection: Connection, campaign_id: int, now: datetime) -> EntryCounts:
    """How many entries stand where, inside a transaction."""
    counts = {row[0]: row[1] for row in connection.execute(_BY_QUEUE, {"of_campaign": campaign_id})}
    due = connection.execute(_N_DUE, {"of_campaign": campaign_id, "now": now}).scalar_one()
    callable_now = counts.get(READY, 0) + due
    return EntryCounts(
        waiting=sum(counts.get(queue, 0) for queue in WAITING),
        callable_now=callable_now,
        leased=counts.get(EntryState.LEASED.value, 0),
        dialing=counts.get(EntryState.DIALING.value, 0),
        reconcile=counts.get(EntryState.RECONCILE.value, 0),
        exhausted=counts.get(EntryState.EXHAUSTED.value, 0),
        done=counts.get(EntryState.DONE.value, 0),
        stopped=counts.get(EntryState.STOPPED.value, 0),
        next_due_at=None if callable_now else _next_due_at(connection, campaign_id, now),
    )


def _next_due_at(connection: Connection, campaign_id: int, now: datetime) -> datetime | None:
    asked = {"of_campaign": campaign_id, "now": now}
    found = [connection.execute(query, asked).scalar() for query in _DUE_NEXT.values()]
    return min((at for at in found if at is not None), default=None)


def _put_back(
    connection: Connection, entry_id: int, not_before: datetime | None, reason: str, phone_id: int | None
) -> None:
    query = select(entries).where(entries.c.entry_id == entry_id, entries.c.queue == EntryState.LEASED.value)
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        return
    change: dict[str, Any] = {"node": None, "lease_until": None, "reason": reason}
    if not_before is not None:
        change |= {"queue": LATER if row.callback_at is None else CALLBACK, "due_at": not_before}
    elif _is_stopped(connection, row.contact_id):  # not for ever: it goes on when nothing stops it any more
        change |= {"queue": EntryState.STOPPED.value}
    else:
        phone_id = phone_id or _number_after(connection, row.contact_id, row.next_phone_id)
        change |= {"queue": READY if phone_id is not None else EntryState.EXHAUSTED.value}
        change |= {"callback_at": None, "callback_agent_id": None}
    if phone_id is not None:
        change["next_phone_id"] = phone_id
    connection.execute(update(entries).where(entries.c.entry_id == entry_id).values(**change))


def _is_stopped(connection: Connection, contact_id: int) -> bool:
    contacts = tables.contacts
    query = select(contacts.c.contact_id, contacts.c.case_ref, contacts.c.person_ref)
    rows = connection.execute(query.where(contacts.c.contact_id == contact_id)).all()
    return bool(why_stopped(connection, rows))


def _number_after(connection: Connection, contact_id: int, phone_id: int | None) -> int | None:
    """The contact's number that comes after this one (None: after the first); None after the last."""
    phones = tables.phones
    query = select(phones.c.phone_id).where(phones.c.contact_id == contact_id).order_by(phones.c.rank)
    numbers = list(connection.execute(query).scalars())
    position = numbers.index(phone_id) if phone_id in numbers else 0
    return numbers[position + 1] if position + 1 < len(numbers) else None


def _extent(connection: Connection, campaign_id: int) -> tuple[int, int]:
    """How many entries a campaign has, and how many contacts its lists hold."""
    of_lists = tables.campaign_lists.c
    contacts = (
        select(func.coalesce(func.sum(tables.lists.c.contact_count), 0))
        .join(tables.campaign_lists, of_lists.list_id == tables.lists.c.list_id)
        .where(of_lists.campaign_id == campaign_id, tables.lists.c.state == ListState.READY.value)
    )
    made = select(func.count()).where(entries.c.campaign_id == campaign_id)
    return int(connection.execute(made).scalar_one()), int(connection.execute(contacts).scalar_one())


def _build_some(connection: Connection, cipher: Cipher, campaign_id: int, after: int, now: datetime) -> int | None:
    """Makes the entries of the next contacts; the id of the last one looked at, None at the end."""
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        return None
    contacts = tables.contacts
    query = (
        select(contacts.c.contact_id, contacts.c.case_ref, contacts.c.person_ref, contacts.c.sealed)
        .join(tables.lists, tables.lists.c.list_id == contacts.c.list_id)
        .where(contacts.c.list_id.in_(campaign.list_ids), contacts.c.contact_id > after)
        .where(tables.lists.c.state == ListState.READY.value)
        .order_by(contacts.c.contact_id)
        .limit(BUILD_CHUNK)
    )
    rows = connection.execute(query).all()
    terms = campaign.settings.priority
    stopped = why_stopped(connection, rows)
    fresh = [
        _new_entry(campaign_id, row.contact_id, stopped.get(row.contact_id), _order(cipher, row.sealed, terms), now)
        for row in rows
    ]
    insert_missing(connection, entries, fresh)
    return rows[-1].contact_id if rows else None


def _new_entry(campaign_id: int, contact_id: int, stopped: str | None, order: float, now: datetime) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "contact_id": contact_id,
        "queue": READY if stopped is None else EntryState.STOPPED.value,
        "dial_order": order,
        "due_at": now,
        "reason": stopped or NEW,
    }


def _order(cipher: Cipher, sealed: bytes, terms: Sequence[PriorityTerm]) -> float:
    if not terms:
        return 0.0
    return -priority(terms, values.open_private(cipher, sealed)[1])


def _reorder_some(connection: Connection, cipher: Cipher, campaign_id: int, after: int) -> int | None:
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        return None
    query = (
        select(entries.c.entry_id, entries.c.contact_id, tables.contacts.c.sealed)
        .join(tables.contacts, tables.contacts.c.contact_id == entries.c.contact_id)
        .where(entries.c.campaign_id == campaign_id, entries.c.contact_id > after)
        .order_by(entries.c.contact_id)
        .limit(BUILD_CHUNK)
    )
    rows = connection.execute(query).all()
    for row in rows:
        order = _order(cipher, row.sealed, campaign.settings.priority)
        connection.execute(update(entries).where(entries.c.entry_id == row.entry_id).values(dial_order=order))
    return rows[-1].contact_id if rows else None
