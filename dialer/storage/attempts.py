"""Attempts: reserved before their INVITE, settled once, recovered after a crash.

A reservation is one durable transaction: the facts are gathered, the gate decides, and either the attempt is there and
counts from then on, or the refusal is on record. Reservations that count the same thing come one after the other (on
PostgreSQL by advisory locks, `dialect.LOCK_ORDER`), so that no two of them can take the last slot of a cap. Whatever
ends an attempt is one transaction, too, with its link in the chain of proofs and, but for a release, its event.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select, update

from dialer.compliance.policy import Policy
from dialer.compliance.proof import Link, ProofKind
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState, Disposition, Settlement
from dialer.model.decision import Decision
from dialer.model.entry import EntryState, NextStep, PastAttempt, Reservation
from dialer.model.outcome import EventType
from dialer.outcomes import payloads
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import CASE_LOCK, lock
from dialer.storage.entries import LATER, READY, free
from dialer.storage.events import emit
from dialer.storage.proofs import prove_end
from dialer.storage.reserving import Remembered, reserve
from dialer.storage.statistics import live_and_abandoned
from dialer.storage.tables.base import AnyRow
from dialer.storage.tallies import Budgets

logger = logging.getLogger(__name__)

attempts = tables.attempts
entries = tables.entries

_IN_FLIGHT = attempts.c.in_flight_index.is_not(None)
_ENDED = (*values.ATTEMPT_COLUMNS, attempts.c.number_index)
"""What a statement that ends an attempt tells of it: enough for the event and the proof."""


def _new(name: str) -> ColumnElement[Any]:
    return bindparam(f"new_{name}", type_=attempts.c[name].type)


_SETTLE = (
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("of_attempt"), _IN_FLIGHT)
    .values(
        {
            "in_flight_index": None,
            **{
                name: _new(name)
                for name in (
                    "state",
                    "disposition",
                    "ended_at",
                    "greeting_end_at",
                    "verdict",
                    "verdict_confidence",
                    "hangup_side",
                    "cause",
                )
            },
            # Where the settlement is silent, what was stored before stays.
            **{
                name: func.coalesce(_new(name), attempts.c[name])
                for name in (
                    "trunk",
                    "caller_id",
                    "agent_id",
                    "ringing_at",
                    "answered_at",
                    "connected_at",
                    "recording_id",
                )
            },
        }
    )
    .returning(*_ENDED)
)
"""Built once: composing a statement costs more time than running it."""
_CASE = select(attempts.c.case_ref).where(attempts.c.attempt_id == bindparam("of_attempt"))
_ADVANCE = (
    update(entries)
    .where(entries.c.entry_id == bindparam("of_entry"), entries.c.queue == bindparam("expected"))
    .values(
        queue=bindparam("new_queue"),
        due_at=func.coalesce(bindparam("new_due_at", type_=entries.c.due_at.type), entries.c.due_at),
        next_phone_id=bindparam("new_phone", type_=entries.c.next_phone_id.type),
        reason=func.coalesce(bindparam("new_reason"), entries.c.reason),
        node=None,
        lease_until=None,
        callback_at=None,
        callback_agent_id=None,
    )
)

_INSTANT_OF_STATE: Mapping[AttemptState, str] = {
    AttemptState.ALERTING: "ringing_at",
    AttemptState.ANSWERED: "answered_at",
    AttemptState.CONNECTED: "connected_at",
}


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
        return await self._database.write(lambda connection: _release(connection, attempt_id, reason, now))

    async def settle(self, settlement: Settlement, step: NextStep | None, now: datetime) -> bool:
        """Writes how the attempt ended, what becomes of its entry, and the event, in one transaction.

        An UNKNOWN end leaves the attempt UNKNOWN, as a crash does, whatever `step` says: it waits for `reconcile`.
        `step` is None for a number dialed by hand. False, and nothing changed, when it was settled already.
        """
        self._marks.pop(settlement.attempt_id, None)
        settled = await self._database.write(lambda connection: _settle(connection, settlement, step, now))
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
        return await self._database.write(lambda connection: _recover(connection, node, now))

    async def reclaim(self, node: str, known_ids: Collection[int], older_than: datetime, now: datetime) -> int:
        """What nobody runs any more becomes UNKNOWN, as after a crash: reservations whose answer never arrived.

        Those are the node's attempts in flight that are not among `known_ids` and were reserved before `older_than`,
        or as long after `now` (the clock stepped back since). Returns how many there were.
        """
        return await self._database.write(
            lambda connection: _reclaim(connection, node, frozenset(known_ids), older_than, now)
        )

    async def reconcile(
        self, attempt_id: int, disposition: Disposition, actor: str, now: datetime, step: NextStep | None = None
    ) -> bool:
        """A person's word on how an UNKNOWN attempt ended; its entry goes on with `step` (None: due at once).

        False when the attempt is not UNKNOWN.
        """
        return await self._database.write(
            lambda connection: _reconcile(connection, attempt_id, disposition, actor, now, step)
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
        query = (
            select(attempts.c.phone_id, attempts.c.disposition, attempts.c.ended_at)
            .where(attempts.c.campaign_id == campaign_id, attempts.c.contact_id == contact_id)
            .where(attempts.c.disposition.is_not(None))
            .order_by(attempts.c.attempt_id)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(PastAttempt(row.phone_id, Disposition(row.disposition), row.ended_at) for row in rows)

    async def live_and_abandoned(self, campaign_id: int, since: datetime) -> tuple[int, int]:
        """Attempts of a campaign, on any node, that a person answered since then, and those abandoned among them."""
        return await self._database.read(lambda connection: live_and_abandoned(connection, campaign_id, since))


def load_attempt(connection: Connection, attempt_id: int) -> Attempt | None:
    """The attempt inside a transaction, or None."""
    query = select(*values.ATTEMPT_COLUMNS).where(attempts.c.attempt_id == attempt_id)
    row = connection.execute(query).first()
    return None if row is None else values.attempt(row)


def _write_marks(connection: Connection, marks: Mapping[int, _Mark]) -> None:
    for attempt_id, mark in marks.items():
        statement = update(attempts).where(attempts.c.attempt_id == attempt_id, _IN_FLIGHT)
        connection.execute(statement.values(state=mark.state.value, **mark.instants))


def _lock_case(connection: Connection, attempt_id: int) -> None:
    """The lock of the attempt's case, before any row is touched: events and wrap-ups of a case need it, too."""
    if connection.dialect.name == "postgresql":
        case_ref = connection.execute(_CASE, {"of_attempt": attempt_id}).scalar()
        if case_ref is not None:
            lock(connection, CASE_LOCK, case_ref.encode())


def _release(connection: Connection, attempt_id: int, reason: str, now: datetime) -> bool:
    statement = (
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, _IN_FLIGHT)
        .values(state=AttemptState.RELEASED.value, in_flight_index=None, ended_at=now, settled_by=reason)
        .returning(*_ENDED)
    )
    row = connection.execute(statement).first()
    if row is None:
        return False
    dialing = entries.c.queue == EntryState.DIALING.value
    again = update(entries).where(entries.c.entry_id == row.entry_id, dialing)
    connection.execute(again.values(queue=EntryState.LEASED.value, reason=reason))
    prove_end(connection, values.attempt(row), row.number_index, ProofKind.RELEASED, now, reason)
    return True


def _settle(connection: Connection, settlement: Settlement, step: NextStep | None, now: datetime) -> bool:
    lost = settlement.disposition is Disposition.UNKNOWN
    said = {
        "of_attempt": settlement.attempt_id,
        "new_state": (AttemptState.UNKNOWN if lost else AttemptState.SETTLED).value,
        "new_disposition": settlement.disposition.value,
        "new_ended_at": settlement.ended_at,
        "new_greeting_end_at": settlement.greeting_end_at,
        "new_verdict": settlement.verdict,
        "new_verdict_confidence": settlement.verdict_confidence,
        "new_hangup_side": settlement.hangup_side.value if settlement.hangup_side else None,
        "new_cause": values.encode_cause(settlement.cause),
        "new_trunk": settlement.trunk or None,
        "new_caller_id": settlement.caller_id or None,
        "new_agent_id": settlement.agent_id,
        "new_ringing_at": settlement.ringing_at,
        "new_answered_at": settlement.answered_at,
        "new_connected_at": settlement.connected_at,
        "new_recording_id": settlement.recording_id or None,
    }
    _lock_case(connection, settlement.attempt_id)
    row = connection.execute(_SETTLE, said).first()
    if row is None:
        return False
    if lost:
        _report_lost(connection, row, "its end was not learned", now)
    else:
        link = prove_end(connection, values.attempt(row), row.number_index, ProofKind.SETTLED, now).link
        _report_settled(connection, row, EntryState.DIALING, step, link, now)
    return True


def _report_lost(connection: Connection, row: AnyRow, why: str, now: datetime) -> None:
    """An attempt became UNKNOWN: its entry waits for a person's word, and the case system is told."""
    attempt = values.attempt(row)
    waiting = update(entries).where(entries.c.entry_id == row.entry_id, entries.c.queue == EntryState.DIALING.value)
    reason = f"attempt {attempt.attempt_id}: {why}"
    connection.execute(waiting.values(queue=EntryState.RECONCILE.value, reason=reason))
    emit(connection, EventType.ATTEMPT_UNKNOWN, attempt.case_ref, now, payloads.attempt_unknown(attempt))
    prove_end(connection, attempt, row.number_index, ProofKind.UNKNOWN, now, why)


def _report_settled(
    connection: Connection, row: AnyRow, expected: EntryState, step: NextStep | None, link: Link, now: datetime
) -> None:
    attempt = values.attempt(row)
    if row.entry_id is not None and step is not None:
        _advance(connection, row.entry_id, expected, step, attempt.disposition, now)
    data = payloads.attempt_settled(attempt, link, step)
    emit(connection, EventType.ATTEMPT_SETTLED, attempt.case_ref, now, data)


def _advance(
    connection: Connection,
    entry_id: int,
    expected: EntryState,
    step: NextStep,
    disposition: Disposition | None,
    now: datetime,
) -> None:
    """Moves an entry on, unless a wrap-up has decided otherwise meanwhile.

    The entry of a case that was stopped during the call stays stopped; it goes on from here when the case opens again.
    """
    queue, due_at = LATER, step.not_before
    if step.exhausted:
        reached = disposition in (Disposition.CONNECTED, Disposition.REMINDED)
        queue, due_at = (EntryState.DONE if reached else EntryState.EXHAUSTED).value, None
    elif due_at is None or due_at <= now:
        queue, due_at = READY, now
    change = {
        "of_entry": entry_id,
        "expected": expected.value,
        "new_queue": queue,
        "new_due_at": due_at,
        "new_phone": step.phone_id,
        "new_reason": step.reason,
    }
    if connection.execute(_ADVANCE, change).rowcount == 0:
        change["expected"] = EntryState.STOPPED.value
        if not step.exhausted:
            change |= {"new_queue": EntryState.STOPPED.value, "new_reason": None}
        connection.execute(_ADVANCE, change)


def _recover(connection: Connection, node: str, now: datetime) -> int:
    n_lost = _lose(connection, (attempts.c.node == node) & _IN_FLIGHT, "lost in a crash", now)
    free(connection, entries.c.node == node, "the node was restarted")
    return n_lost


def _reclaim(connection: Connection, node: str, known_ids: frozenset[int], older_than: datetime, now: datetime) -> int:
    left = or_(attempts.c.reserved_at < older_than, attempts.c.reserved_at > now + (now - older_than))
    query = select(attempts.c.attempt_id).where(attempts.c.node == node, _IN_FLIGHT, left)
    left_ids = set(connection.execute(query).scalars()) - known_ids
    if not left_ids:
        return 0
    condition = attempts.c.attempt_id.in_(sorted(left_ids)) & _IN_FLIGHT
    return _lose(connection, condition, "its reservation was never answered", now)


def _lose(connection: Connection, condition: ColumnElement[bool], why: str, now: datetime) -> int:
    """The attempts become UNKNOWN; returns how many."""
    if connection.dialect.name == "postgresql":
        cases = connection.execute(select(attempts.c.case_ref).where(condition).distinct()).scalars()
        for case_ref in sorted(cases):  # one order on all nodes
            lock(connection, CASE_LOCK, case_ref.encode())
    statement = (
        update(attempts)
        .where(condition)
        .values(
            state=AttemptState.UNKNOWN.value,
            disposition=Disposition.UNKNOWN.value,
            in_flight_index=None,
            ended_at=now,
        )
        .returning(*_ENDED)
    )
    rows = connection.execute(statement).all()
    for row in sorted(rows, key=lambda row: (row.case_ref, row.attempt_id)):
        _report_lost(connection, row, why, now)
    return len(rows)


def _reconcile(
    connection: Connection,
    attempt_id: int,
    disposition: Disposition,
    actor: str,
    now: datetime,
    step: NextStep | None,
) -> bool:
    statement = (
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, attempts.c.state == AttemptState.UNKNOWN.value)
        .values(state=AttemptState.SETTLED.value, disposition=disposition.value, settled_by=actor)
        .returning(*_ENDED)
    )
    _lock_case(connection, attempt_id)
    row = connection.execute(statement).first()
    if row is None:
        return False
    link = prove_end(connection, values.attempt(row), row.number_index, ProofKind.RECONCILED, now, actor).link
    going_on = step or NextStep(row.phone_id, None, exhausted=False, reason="reconciled")
    step = going_on if row.entry_id is not None else None
    _report_settled(connection, row, EntryState.RECONCILE, step, link, now)
    return True


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
