"""The reservation's transaction: facts → gate → attempt, or the refusal on record."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, insert, select, update

from dialer.compliance.facts import HISTORY, EarlierAttempt, GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.errors import InputError
from dialer.model.attempt import TRUNK_FAULTS, Attempt, AttemptState, Disposition
from dialer.model.contact import Contact, Phone, mask_number
from dialer.model.decision import Decision
from dialer.model.entry import EntryState, Reservation
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.dialect import NUMBER_LOCK, insert_row, lock
from dialer.storage.tables.base import AnyRow
from schedules.zones import candidates

NUMBER_IN_FLIGHT = "number.in_flight"
ENTRY_NOT_LEASED = "entry.not_leased"
IN_FLIGHT_RETRY = timedelta(seconds=60)
"""When a number that is being dialed is asked for again: a call rings and talks about this long."""

attempts = tables.attempts
entries = tables.entries


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a reservation is about."""

    contact: Contact
    phone: Phone
    number_index: bytes


def reserve(
    connection: Connection, cipher: Cipher, reservation: Reservation, policy: Policy, now: datetime
) -> Attempt | Decision:
    """The work of `Attempts.reserve`; InputError when the contact or the number does not exist."""
    subject = _subject(connection, cipher, reservation)
    lock(connection, NUMBER_LOCK, subject.number_index)
    facts = gather(connection, subject.contact, subject.phone, subject.number_index, reservation.ring_timeout_s, now)
    decision = evaluate(policy, facts, now)
    if decision.allowed:
        decision = _guarded(connection, reservation, facts, decision, now)
    elif decision.retry_at is None:
        decision = replace(decision, retry_at=_after_the_call(policy, facts, now))
    if not decision.allowed:
        _record_refusal(connection, reservation, subject, decision, now)
        return decision
    return _insert(connection, reservation, subject, decision, now)


def gather(
    connection: Connection,
    contact: Contact,
    phone: Phone,
    number_index: bytes,
    max_ring_s: float,
    now: datetime,
) -> GateFacts:
    """What the gate needs to know about a number, from all campaigns and nodes."""
    return GateFacts(
        zones=candidates(phone.number, stated_zone=contact.zone),
        max_ring_s=max_ring_s,
        role=phone.role,
        case_status=contact.case_status,
        do_not_call=_is_listed(connection, number_index, contact.person_ref),
        attempts=_earlier(connection, number_index, now),
    )


def _subject(connection: Connection, cipher: Cipher, reservation: Reservation) -> _Subject:
    contact = values.load_contacts(connection, cipher, [reservation.contact_id]).get(reservation.contact_id)
    if contact is None:
        raise InputError(f"there is no contact {reservation.contact_id}")
    for phone in contact.phones:
        if phone.phone_id == reservation.phone_id:
            return _Subject(contact, phone, cipher.number_index(phone.number))
    raise InputError(f"contact {reservation.contact_id} has no number {reservation.phone_id}")


def _earlier(connection: Connection, number_index: bytes, now: datetime) -> tuple[EarlierAttempt, ...]:
    open_ended = attempts.c.state.in_((*values.IN_FLIGHT_NAMES, AttemptState.UNKNOWN.value))
    recent = attempts.c.reserved_at >= now - HISTORY
    query = (
        select(attempts.c.reserved_at, attempts.c.disposition, attempts.c.ringing_at, attempts.c.ended_at)
        .where(attempts.c.number_index == number_index, attempts.c.state != AttemptState.RELEASED.value)
        .where(recent | open_ended)
        .order_by(attempts.c.reserved_at)
    )
    return tuple(_earlier_attempt(row) for row in connection.execute(query))


def _earlier_attempt(row: AnyRow) -> EarlierAttempt:
    disposition = Disposition(row.disposition) if row.disposition else None
    if disposition in TRUNK_FAULTS and row.ringing_at is not None:
        disposition = Disposition.NO_ANSWER  # it rang: the person noticed, so it counts
    return EarlierAttempt(row.reserved_at, disposition, row.ended_at)


def _is_listed(connection: Connection, number_index: bytes, person_ref: str) -> bool:
    listed = tables.do_not_call
    by_number = select(listed.c.do_not_call_id).where(
        listed.c.number_index == number_index, listed.c.removed_at.is_(None)
    )
    by_person = select(listed.c.do_not_call_id).where(listed.c.person_ref == person_ref, listed.c.removed_at.is_(None))
    return connection.execute(by_number.union_all(by_person).limit(1)).first() is not None


def _guarded(
    connection: Connection, reservation: Reservation, facts: GateFacts, allowed: Decision, now: datetime
) -> Decision:
    """What holds under every policy: one call to a number at a time, and nothing from an entry that others hold."""
    if any(earlier.in_flight for earlier in facts.attempts):
        return _refusal(NUMBER_IN_FLIGHT, "the number is being dialed right now", now + IN_FLIGHT_RETRY, allowed)
    if reservation.entry_id is not None and not _take_entry(connection, reservation):
        return _refusal(ENTRY_NOT_LEASED, "the entry was stopped, or its lease ran out", None, allowed)
    return allowed


def _after_the_call(policy: Policy, facts: GateFacts, now: datetime) -> datetime | None:
    """When to ask again where a call in flight is what refuses: rules cannot know when it ends, only that it will."""
    if not any(earlier.in_flight for earlier in facts.attempts):
        return None
    over = tuple(
        replace(earlier, disposition=Disposition.NO_ANSWER, ended_at=now) if earlier.in_flight else earlier
        for earlier in facts.attempts
    )
    then = evaluate(policy, replace(facts, attempts=over), now + IN_FLIGHT_RETRY)
    return now + IN_FLIGHT_RETRY if then.allowed else then.retry_at


def _refusal(rule: str, reason: str, retry_at: datetime | None, allowed: Decision) -> Decision:
    return Decision(False, rule, reason, retry_at, allowed.pack_hash, allowed.decided_at, allowed.evaluated)


def _take_entry(connection: Connection, reservation: Reservation) -> bool:
    statement = (
        update(entries)
        .where(entries.c.entry_id == reservation.entry_id, entries.c.contact_id == reservation.contact_id)
        .where(entries.c.queue == EntryState.LEASED.value, entries.c.node == reservation.node)
        .values(queue=EntryState.DIALING.value)
    )
    return connection.execute(statement).rowcount == 1


def _record_refusal(
    connection: Connection, reservation: Reservation, subject: _Subject, decision: Decision, now: datetime
) -> None:
    row = {
        "at": now,
        "campaign_id": reservation.campaign_id,
        "contact_id": reservation.contact_id,
        "phone_id": reservation.phone_id,
        "entry_id": reservation.entry_id,
        "case_ref": subject.contact.case_ref,
        "number_masked": mask_number(subject.phone.number),
        "path": reservation.path.value,
        "node": reservation.node,
        "rule": decision.rule,
        "reason": decision.reason,
        "retry_at": decision.retry_at,
        "decision": msgspec.json.encode(decision),
    }
    connection.execute(insert(tables.refusals), row)


def _insert(
    connection: Connection, reservation: Reservation, subject: _Subject, decision: Decision, now: datetime
) -> Attempt:
    row = {
        "campaign_id": reservation.campaign_id,
        "contact_id": reservation.contact_id,
        "phone_id": reservation.phone_id,
        "entry_id": reservation.entry_id,
        "path": reservation.path.value,
        "state": AttemptState.RESERVED.value,
        "number_index": subject.number_index,
        "in_flight_index": subject.number_index,
        "number_masked": mask_number(subject.phone.number),
        "case_ref": subject.contact.case_ref,
        "person_ref": subject.contact.person_ref,
        "trunk": reservation.trunk,
        "caller_id": reservation.caller_id,
        "agent_id": reservation.agent_id,
        "node": reservation.node,
        "reserved_at": now,
        "verdict": "",
        "verdict_confidence": 0.0,
        "cause": b"",
        "recording_id": "",
        "settled_by": "",
        "decision": msgspec.json.encode(decision),
    }
    attempt_id = insert_row(connection, attempts, row)
    return Attempt(
        attempt_id=attempt_id,
        campaign_id=reservation.campaign_id,
        contact_id=reservation.contact_id,
        phone_id=reservation.phone_id,
        path=reservation.path,
        state=AttemptState.RESERVED,
        number_masked=mask_number(subject.phone.number),
        reserved_at=now,
        case_ref=subject.contact.case_ref,
        person_ref=subject.contact.person_ref,
        trunk=reservation.trunk,
        caller_id=reservation.caller_id,
        agent_id=reservation.agent_id,
        node=reservation.node,
    )
