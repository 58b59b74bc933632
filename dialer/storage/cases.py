"""Cases: what the case system says of them. Every status but open stops their entries at once."""

from datetime import datetime

from sqlalchemy import Connection, case, exists, select, update

from dialer.model.attempt import AttemptState
from dialer.model.contact import CaseStatus
from dialer.model.entry import EntryState
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import upsert
from dialer.storage.entries import CALLBACK, LATER, WAITING

attempts = tables.attempts
entries = tables.entries

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
"""Where an entry goes on when its case is open again.

A call that is still up ends first, one whose end nobody knows waits for a person's word, a promised callback keeps its
time and its collector, a retry its delay.
"""


class Cases:
    """The `cases` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_status(self, case_ref: str, status: CaseStatus, now: datetime) -> int:
        """Stops the entries of a case, or (OPEN) makes those callable again that were stopped; returns how many.

        An attempt in flight is the caller's to cancel; the gate refuses every later one.
        """
        return await self._database.write(lambda connection: _set_status(connection, case_ref, status, now))

    async def status(self, case_ref: str) -> CaseStatus:
        """What is known of a case; OPEN when nothing is."""
        query = select(tables.cases.c.status).where(tables.cases.c.case_ref == case_ref)
        stored = await self._database.read(lambda connection: connection.execute(query).scalar())
        return CaseStatus(stored) if stored else CaseStatus.OPEN


def _set_status(connection: Connection, case_ref: str, status: CaseStatus, now: datetime) -> int:
    upsert(connection, tables.cases, "case_ref", {"case_ref": case_ref, "status": status.value, "changed_at": now})
    contacts = select(tables.contacts.c.contact_id).where(tables.contacts.c.case_ref == case_ref)
    mine = update(entries).where(entries.c.contact_id.in_(contacts))
    if status is CaseStatus.OPEN:
        again = mine.where(entries.c.queue == EntryState.STOPPED.value)
        return connection.execute(again.values(queue=_WHERE_IT_WAS, reason="the case is open again")).rowcount
    stopped = mine.where(entries.c.queue.in_(STOPPABLE))
    change = {"queue": EntryState.STOPPED.value, "reason": f"the case is {status.value}", "node": None}
    return connection.execute(stopped.values(lease_until=None, **change)).rowcount
