"""Attempts: reserved before their INVITE, settled once, recovered after a crash.

A reservation is one durable transaction: the facts are gathered, the gate decides, and either the attempt is there and
counts from then on, or the refusal is on record. Reservations that count the same thing come one after the other (on
PostgreSQL by advisory locks, `dialect.LOCK_ORDER`), so that no two of them can take the last slot of a cap. Whatever
ends an attempt is one transaction, too (`ending`), with its link in the chain of proofs.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, update

from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState, Disposition, Settlement
from dialer.model.decision import Decision
from dialer.model.entry import NextStep, PastAttempt, Reservation
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.ending import IN_FLIGHT, reclaim, reconcile, recover, release, settle
from dialer.storage.reserving import Remembered, reserve
from dialer.storage.tallies import Budgets

logger = logging.getLogger(__name__)

attempts = tables.attempts

_INSTANT_OF_STATE: Mapping[AttemptState, str] = {
    AttemptState.ALERTING: "ringing_at",
    AttemptState.ANSWERED: "answered_at",
    AttemptState.CONNECTED: "connected_at",
}

_INSTANTS = tuple(_INSTANT_OF_STATE.values())
# Built once: composing a statement costs more time than running it.
_MARK = (
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("of_attempt"), IN_FLIGHT)
    .values(
        {
            "state": bindparam("new_state"),
            **{
                name: func.coalesce(bindparam(f"new_{name}", type_=attempts.c[name].type), attempts.c[name])
                for name in _INSTANTS
            },
        }
    )
)
_ONE = select(*values.ATTEMPT_COLUMNS).where(attempts.c.attempt_id == bindparam("wanted"))
_HISTORY = (
    select(attempts.c.phone_id, attempts.c.disposition, attempts.c.ended_at, attempts.c.verdict)
    .where(attempts.c.campaign_id == bindparam("of_campaign"), attempts.c.contact_id == bindparam("of_contact"))
    .where(attempts.c.disposition.is_not(None))
    .order_by(attempts.c.attempt_id)
)


@dataclass(slots=True)
class _Mark:
    """Progress of one attempt that is not in the database yet."""

    state: AttemptState
    instants: dict[str, datetime]


class Attempts:
    """The `attempts` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher
        self._marks: dict[int, _Mark] = {}
        self._budgets = Budgets()
        self._packs: set[str] = set()

    async def reserve(self, reservation: Reservation, policy: Policy, now: datetime) -> Attempt | Decision:
        """Lets the gate decide and reserves the attempt, durably, or records the refusal and returns it.

        Whoever cancels this cannot know whether the slot was taken; the attempt then counts, and becomes UNKNOWN at the
        node's next start. Raises StorageError: nothing was reserved, unless the answer timed out.
        """
        remembered = Remembered(self._packs, self._budgets)
        answer = await self._database.write(
            lambda connection: reserve(connection, self._cipher, reservation, policy, now, remembered)
        )
        self._packs.update(pack.sha256 for pack in policy.used_packs)  # durable now: the next proof need not store them
        return answer

    async def mark(self, attempt_id: int, state: AttemptState, at: datetime) -> None:
        """Notes an attempt's progress; written within a quarter of a second, or together with what settles it."""
        mark = self._marks.setdefault(attempt_id, _Mark(state, {}))
        mark.state = state
        if state in _INSTANT_OF_STATE:
            mark.instants.setdefault(_INSTANT_OF_STATE[state], at)

    async def flush_marks(self) -> None:
        """Writes what `mark` noted; the storage calls it by itself."""
        if self._marks:
            marks, self._marks = self._marks, {}
            await self._database.write(lambda connection: _write_marks(connection, marks))

    async def release(self, attempt_id: int, reason: str, now: datetime) -> bool:
        """Gives a reservation back because no INVITE left the host: it does not count. The entry stays leased.

        False when the attempt was not in flight any more.
        """
        self._marks.pop(attempt_id, None)
        return await self._database.write(lambda connection: release(connection, attempt_id, reason, now))

    async def settle(self, settlement: Settlement, step: NextStep | None, now: datetime) -> bool:
        """Writes how the attempt ended, what becomes of its entry, and the event, in one transaction.

        An UNKNOWN end leaves the attempt UNKNOWN, as a crash does, whatever `step` says: it waits for `reconcile`.
        `step` is None for a number dialed by hand. False, and nothing changed, when it was settled already.
        """
        self._marks.pop(settlement.attempt_id, None)
        settled = await self._database.write(lambda connection: settle(connection, settlement, step, now))
        if not settled:
            facts = {"action": "settle", "attempt_id": settlement.attempt_id}
            logger.warning("an attempt was settled again; the first settlement stands", extra=facts)
        elif settlement.disposition is Disposition.ABANDONED:
            self._budgets.forget()
        return settled

    async def recover(self, node: str, now: datetime) -> int:
        """At the start of a node: what its last run left in flight becomes UNKNOWN, and the case system is told.

        The attempts keep counting; their entries wait for `reconcile`. Entries that were only leased are freed.
        Returns how many attempts there were.
        """
        return await self._database.write(lambda connection: recover(connection, node, now))

    async def reclaim(self, node: str, known_ids: Collection[int], older_than: datetime, now: datetime) -> int:
        """What nobody runs any more becomes UNKNOWN, as after a crash: reservations whose answer never arrived.

        Those are the node's attempts in flight that are not among `known_ids` and were reserved before `older_than`,
        or as long after `now` (the clock stepped back since). Returns how many there were.
        """
        return await self._database.write(
            lambda connection: reclaim(connection, node, frozenset(known_ids), older_than, now)
        )

    async def reconcile(
        self, attempt_id: int, disposition: Disposition, actor: str, now: datetime, step: NextStep | None = None
    ) -> bool:
        """A person's word on how an UNKNOWN attempt ended; its entry goes on with `step` (None: due at once).

        False when the attempt is not UNKNOWN.
        """
        return await self._database.write(
            lambda connection: reconcile(connection, attempt_id, disposition, actor, now, step)
        )

    async def get(self, attempt_id: int) -> Attempt | None:
        """The attempt, or None."""
        return await self._database.read(lambda connection: load_attempt(connection, attempt_id))

    async def list(self, wanted: AttemptFilter, before: int | None = None, limit: int = 100) -> tuple[Attempt, ...]:
        """A page of attempts, newest first; the next page is that `before` the last id of this one."""
        query = _filtered(wanted)
        if before is not None:
            query = query.where(attempts.c.attempt_id < before)
        query = query.order_by(attempts.c.attempt_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(values.attempt(row) for row in rows)

    async def history(self, campaign_id: int, contact_id: int) -> tuple[PastAttempt, ...]:
        """The settled attempts to reach a contact in a campaign, oldest first."""
        asked = {"of_campaign": campaign_id, "of_contact": contact_id}
        rows = await self._database.read(lambda connection: connection.execute(_HISTORY, asked).all())
        return tuple(
            PastAttempt(row.phone_id, Disposition(row.disposition), row.ended_at, row.verdict or "") for row in rows
        )


def load_attempt(connection: Connection, attempt_id: int) -> Attempt | None:
    """The attempt inside a transaction, or None."""
    row = connection.execute(_ONE, {"wanted": attempt_id}).first()
    return None if row is None else values.attempt(row)


def _write_marks(connection: Connection, marks: Mapping[int, _Mark]) -> None:
    for attempt_id, mark in marks.items():
        said: dict[str, Any] = {"of_attempt": attempt_id, "new_state": mark.state.value}
        said |= {f"new_{name}": mark.instants.get(name) for name in _INSTANTS}
        connection.execute(_MARK, said)


def _filtered(wanted: AttemptFilter) -> Select[Any]:
    query = select(*values.ATTEMPT_COLUMNS)
    equal = {
        attempts.c.campaign_id: wanted.campaign_id,
        attempts.c.contact_id: wanted.contact_id,
        attempts.c.case_ref: wanted.case_ref,
        attempts.c.person_ref: wanted.person_ref,
        attempts.c.agent_id: wanted.agent_id,
    }
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.states:
        query = query.where(attempts.c.state.in_([state.value for state in wanted.states]))
    if wanted.dispositions:
        query = query.where(attempts.c.disposition.in_([disposition.value for disposition in wanted.dispositions]))
    if wanted.since is not None:
        query = query.where(attempts.c.reserved_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(attempts.c.reserved_at < wanted.until)
    return query
