"""Claiming: the next entries of a campaign are leased to a node, and what came due becomes ready before.

A claim first moves what came due into the ready queue (at most PROMOTE_CHUNK entries, so that a claim stays short when
a million entries come due at nine in the morning; the order of dialing holds among those that were moved), then takes
promised callbacks, oldest promise first, then ready entries by priority. However many entries there are, it reads those
it leases and little else.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    TextClause,
    Update,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from dialer.model.attempt import CallPath
from dialer.model.campaign import CampaignState
from dialer.model.contact import Contact, Phone
from dialer.model.entry import Candidate, EntryState
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import CALLBACK, LATER, READY, TIMED

PROMOTE_CHUNK = 500
CALLBACK_GRACE = timedelta(minutes=30)
"""So long after the promised time a callback waits for the collector who promised it; then anyone may keep it."""

entries = tables.entries

_Conditions = tuple[ColumnElement[bool] | TextClause, ...]
_Order = tuple[ColumnElement[Any], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What is asked for: the next `limit` entries, for this node until then.

    `agents` are the collectors who could take a callback that was promised by them; None: do not ask.
    """

    campaign_id: int
    node: str
    limit: int
    now: datetime
    until: datetime
    agents: Collection[int] | None


def _in_queue(queue: str) -> ColumnElement[bool]:
    """The queue's name stands in the statement: PostgreSQL plans for this queue then, and not for just any."""
    return entries.c.queue == literal_column(f"'{queue}'")


def _earliest(instant: ColumnElement[Any], of: _Conditions) -> ScalarSelect[Any]:
    """The earliest instant that has come, or NULL: one look into an index, where EXISTS might be planned as a scan."""
    return select(func.min(instant)).where(instant <= bindparam("now"), *of).scalar_subquery()


def _first(limit: ColumnElement[int], order: _Order, of: _Conditions) -> Update:
    """Changes the first entries in this order, past those that another claim is changing."""
    first = select(entries.c.entry_id).where(*of).order_by(*order).limit(limit)
    picked = first.with_for_update(skip_locked=True).cte("picked")
    return update(entries).where(entries.c.entry_id.in_(select(picked.c.entry_id)))


def _leasing(order: _Order, of: _Conditions) -> ReturningUpdate[Any]:
    """Leases the first entries in this order.

    The reason goes: SQLite packs rows densely, and one that grew would split its page; the lease takes that room.
    """
    lease = {"node": bindparam("of_node"), "lease_until": bindparam("until"), "reason": ""}
    leased = _first(bindparam("wanted"), order, of).values(queue=EntryState.LEASED.value, **lease)
    columns = entries.c
    return leased.returning(
        *(columns.entry_id, columns.contact_id, columns.dial_order, columns.due_at),
        *(columns.next_phone_id, columns.callback_at, columns.callback_agent_id),
    )


# Built once: composing a statement costs more time than running it.
_CAMPAIGN = entries.c.campaign_id == bindparam("campaign")
_DUE = entries.c.due_at <= bindparam("now")
_THEIRS = or_(
    entries.c.callback_agent_id.is_(None),
    entries.c.callback_agent_id.in_(bindparam("agents", expanding=True)),
    entries.c.callback_at <= bindparam("waited_since"),
)
_BY_TIME = (entries.c.due_at,)
_BY_PRIORITY = (entries.c.dial_order, entries.c.due_at, entries.c.entry_id)
_LATER = (_CAMPAIGN, _in_queue(LATER), text(TIMED))
_CALLBACKS = (_CAMPAIGN, _in_queue(CALLBACK), text(TIMED))

_STANDING = select(
    tables.campaigns.c.state,
    tables.campaigns.c.settings,
    _earliest(entries.c.lease_until, (_in_queue(EntryState.LEASED.value),)).label("expired"),
    _earliest(entries.c.due_at, _LATER).label("due"),
    _earliest(entries.c.due_at, _CALLBACKS).label("promised"),
).where(tables.campaigns.c.campaign_id == bindparam("campaign"))
"""The campaign, and whether there is more to do than to lease what is ready."""
_PROMOTE = _first(literal_column(str(PROMOTE_CHUNK)), _BY_TIME, (*_LATER, _DUE)).values(queue=READY)
_LEASE_CALLBACKS = _leasing(_BY_TIME, (*_CALLBACKS, _DUE))
_LEASE_THEIR_CALLBACKS = _leasing(_BY_TIME, (*_CALLBACKS, _DUE, _THEIRS))
_LEASE_READY = _leasing(_BY_PRIORITY, (_CAMPAIGN, _in_queue(READY)))


def claim(connection: Connection, cipher: Cipher, wanted: Claim) -> tuple[Candidate, ...]:
    """Leases due entries of a running campaign; () when it is not running or nothing is due."""
    named = {"campaign": wanted.campaign_id, "now": wanted.now}
    standing = connection.execute(_STANDING, named).first()
    if standing is None or standing.state != CampaignState.RUNNING.value or wanted.limit <= 0:
        return ()
    if standing.expired is not None:
        free(connection, entries.c.lease_until <= wanted.now, "the lease ran out")
    if standing.due is not None:
        connection.execute(_PROMOTE, named)
    rows = _lease(connection, wanted, callbacks=standing.promised is not None)
    if not rows:
        return ()
    contacts = values.load_contacts(connection, cipher, {row.contact_id for row in rows})
    usual = values.decode_settings(standing.settings).mode.path
    return tuple(_candidate(wanted, row, contacts[row.contact_id], usual) for row in rows)


def _lease(connection: Connection, wanted: Claim, *, callbacks: bool) -> list[AnyRow]:
    """The leased entries in the order of dialing: callbacks by the promised time, then the others by priority."""
    named = {"campaign": wanted.campaign_id, "now": wanted.now, "of_node": wanted.node, "until": wanted.until}
    rows: list[AnyRow] = []
    if callbacks:
        rows = _lease_callbacks(connection, named | {"wanted": wanted.limit}, wanted.agents)
    if len(rows) < wanted.limit:
        ready = connection.execute(_LEASE_READY, named | {"wanted": wanted.limit - len(rows)}).all()
        rows += sorted(ready, key=attrgetter("dial_order", "due_at", "entry_id"))
    return rows


def _lease_callbacks(connection: Connection, named: Mapping[str, Any], agents: Collection[int] | None) -> list[AnyRow]:
    if agents is None:
        rows = connection.execute(_LEASE_CALLBACKS, named).all()
    else:
        theirs = {"agents": list(agents), "waited_since": named["now"] - CALLBACK_GRACE}
        rows = connection.execute(_LEASE_THEIR_CALLBACKS, {**named, **theirs}).all()
    return sorted(rows, key=attrgetter("due_at", "entry_id"))


def _candidate(wanted: Claim, row: AnyRow, contact: Contact, usual: CallPath) -> Candidate:
    """A callback whose collector did not come is anyone's."""
    agent_id = row.callback_agent_id
    if wanted.agents is not None and agent_id not in wanted.agents:
        agent_id = None
    return Candidate(
        entry_id=row.entry_id,
        campaign_id=wanted.campaign_id,
        contact=contact,
        phone=_phone_of(contact, row.next_phone_id),
        priority=-row.dial_order,
        path=usual if row.callback_at is None else CallPath.CALLBACK,
        agent_id=agent_id,
    )


def _phone_of(contact: Contact, phone_id: int | None) -> Phone:
    """The number that is next; the first one where nothing was said."""
    for phone in contact.phones:
        if phone.phone_id == phone_id:
            return phone
    return contact.phones[0]


def free(connection: Connection, condition: Any, reason: str) -> int:
    """Puts leased entries back into the queue they came from; returns how many."""
    leased = entries.c.queue == EntryState.LEASED.value
    kept = {"node": None, "lease_until": None, "reason": reason}
    promised = update(entries).where(leased, condition, entries.c.callback_at.is_not(None))
    ordinary = update(entries).where(leased, condition, entries.c.callback_at.is_(None))
    n_promised = connection.execute(promised.values(queue=CALLBACK, **kept)).rowcount
    return n_promised + connection.execute(ordinary.values(queue=READY, **kept)).rowcount
