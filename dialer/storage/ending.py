"""How attempts end: each end is one transaction with the entry's next step, the link in the chain and the event.

The lock of the case comes before any row is touched, the chain's head last (`dialect.LOCK_ORDER`).
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from dialer.compliance.proof import Link, ProofKind
from dialer.model.attempt import Attempt, AttemptState, Disposition, Settlement
from dialer.model.entry import EntryState, NextStep
from dialer.model.outcome import EventType
from dialer.outcomes import payloads
from dialer.storage import tables, values
from dialer.storage.claiming import free
from dialer.storage.dialect import CASE_LOCK, lock
from dialer.storage.entries import LEASE_S
from dialer.storage.events import emit
from dialer.storage.proofs import prove_end
from dialer.storage.recording_copies import note_end
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import LATER, READY

attempts = tables.attempts
entries = tables.entries

IN_FLIGHT = attempts.c.in_flight_index.is_not(None)
"""A call may be up."""
_ENDED = (*values.ATTEMPT_COLUMNS, attempts.c.number_index)
"""What a statement that ends an attempt tells of it: enough for the event and the proof."""


def _new(name: str) -> ColumnElement[Any]:
    return bindparam(f"new_{name}", type_=attempts.c[name].type)


_SETTLE = (
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("of_attempt"), IN_FLIGHT)
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
                    "notice_at",
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


def lock_case(connection: Connection, attempt_id: int) -> None:
    """The lock of the attempt's case, before any row is touched: events and wrap-ups of a case need it, too."""
    if connection.dialect.name == "postgresql":
        case_ref = connection.execute(_CASE, {"of_attempt": attempt_id}).scalar()
        if case_ref is not None:
            lock(connection, CASE_LOCK, case_ref.encode())


def release(connection: Connection, attempt_id: int, reason: str, now: datetime) -> bool:
    """The work of `Attempts.release`."""
    statement = (
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, IN_FLIGHT)
        .values(state=AttemptState.RELEASED.value, in_flight_index=None, ended_at=now, settled_by=reason)
        .returning(*_ENDED)
    )
    row = connection.execute(statement).first()
    if row is None:
        return False
    dialing = entries.c.queue == EntryState.DIALING.value
    again = update(entries).where(entries.c.entry_id == row.entry_id, dialing)
    # A stop that was lifted meanwhile left no lease behind: without an end nothing would ever free the entry.
    until = func.coalesce(entries.c.lease_until, now + timedelta(seconds=LEASE_S))
    node = func.coalesce(entries.c.node, row.node)
    connection.execute(again.values(queue=EntryState.LEASED.value, node=node, lease_until=until, reason=reason))
    prove_end(connection, values.attempt(row), row.number_index, ProofKind.RELEASED, now, reason)
    return True


def settle(connection: Connection, settlement: Settlement, step: NextStep | None, now: datetime) -> bool:
    """The work of `Attempts.settle`."""
    lost = settlement.disposition is Disposition.UNKNOWN
    said = {
        "of_attempt": settlement.attempt_id,
        "new_state": (AttemptState.UNKNOWN if lost else AttemptState.SETTLED).value,
        "new_disposition": settlement.disposition.value,
        "new_ended_at": settlement.ended_at,
        "new_greeting_end_at": settlement.greeting_end_at,
        "new_notice_at": settlement.notice_at,
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
    lock_case(connection, settlement.attempt_id)
    row = connection.execute(_SETTLE, said).first()
    if row is None:
        return False
    if lost:
        _report_lost(connection, row, "its end was not learned", now)
    else:
        attempt = values.attempt(row)
        note_end(connection, attempt)
        link = prove_end(connection, attempt, row.number_index, ProofKind.SETTLED, now).link
        _report_settled(connection, attempt, row.entry_id, EntryState.DIALING, step, link, now)
    return True


def _report_lost(connection: Connection, row: AnyRow, why: str, now: datetime) -> None:
    """An attempt became UNKNOWN: its entry waits for a person's word, and the case system is told."""
    attempt = values.attempt(row)
    note_end(connection, attempt)
    waiting = update(entries).where(entries.c.entry_id == row.entry_id, entries.c.queue == EntryState.DIALING.value)
    reason = f"attempt {attempt.attempt_id}: {why}"
    connection.execute(waiting.values(queue=EntryState.RECONCILE.value, reason=reason))
    emit(connection, EventType.ATTEMPT_UNKNOWN, attempt.case_ref, now, payloads.attempt_unknown(attempt))
    prove_end(connection, attempt, row.number_index, ProofKind.UNKNOWN, now, why)


def _report_settled(
    connection: Connection,
    attempt: Attempt,
    entry_id: int | None,
    expected: EntryState,
    step: NextStep | None,
    link: Link,
    now: datetime,
) -> None:
    if entry_id is not None and step is not None:
        _advance(connection, entry_id, expected, step, attempt.disposition, now)
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


def recover(connection: Connection, node: str, now: datetime) -> int:
    """The work of `Attempts.recover`."""
    n_lost = _lose(connection, (attempts.c.node == node) & IN_FLIGHT, "lost in a crash", now)
    free(connection, entries.c.node == node, "the node was restarted")
    return n_lost


def reclaim(connection: Connection, node: str, known_ids: frozenset[int], older_than: datetime, now: datetime) -> int:
    """The work of `Attempts.reclaim`."""
    left = or_(attempts.c.reserved_at < older_than, attempts.c.reserved_at > now + (now - older_than))
    query = select(attempts.c.attempt_id).where(attempts.c.node == node, IN_FLIGHT, left)
    left_ids = set(connection.execute(query).scalars()) - known_ids
    if not left_ids:
        return 0
    condition = attempts.c.attempt_id.in_(sorted(left_ids)) & IN_FLIGHT
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


def reconcile(
    connection: Connection,
    attempt_id: int,
    disposition: Disposition,
    actor: str,
    now: datetime,
    step: NextStep | None,
) -> bool:
    """The work of `Attempts.reconcile`."""
    statement = (
        update(attempts)
        .where(attempts.c.attempt_id == attempt_id, attempts.c.state == AttemptState.UNKNOWN.value)
        .values(state=AttemptState.SETTLED.value, disposition=disposition.value, settled_by=actor)
        .returning(*_ENDED)
    )
    lock_case(connection, attempt_id)
    row = connection.execute(statement).first()
    if row is None:
        return False
    attempt = values.attempt(row)
    note_end(connection, attempt)
    link = prove_end(connection, attempt, row.number_index, ProofKind.RECONCILED, now, actor).link
    going_on = step or NextStep(row.phone_id, None, exhausted=False, reason="reconciled")
    step = going_on if row.entry_id is not None else None
    _report_settled(connection, attempt, row.entry_id, EntryState.RECONCILE, step, link, now)
    return True
