"""The reservation's transaction: facts → gate → attempt, or the refusal on record."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, union_all, update

from dialer.compliance.facts import HISTORY, EarlierAttempt, GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.errors import InputError
from dialer.model.attempt import TRUNK_FAULTS, Attempt, AttemptState, Disposition
from dialer.model.contact import CaseStatus, Contact, Phone, PhoneRole, mask_number
from dialer.model.decision import Decision
from dialer.model.entry import EntryState, Reservation
from dialer.storage import tables, values
from dialer.storage.crypto import Cipher
from dialer.storage.dialect import NUMBER_LOCK, insert_row, lock
from dialer.storage.proofs import append
from dialer.storage.tables.base import AnyRow
from schedules.zones import candidates

NUMBER_IN_FLIGHT = "number.in_flight"
ENTRY_NOT_LEASED = "entry.not_leased"
IN_FLIGHT_RETRY = timedelta(seconds=60)
"""When a number that is being dialed is asked for again: a call rings and talks about this long."""

attempts = tables.attempts
entries = tables.entries
listed = tables.do_not_call

# Built once: composing a statement costs more time than running it.
_SUBJECT = (
    select(
        tables.contacts.c.case_ref,
        tables.contacts.c.person_ref,
        tables.contacts.c.zone,
        tables.cases.c.status,
        tables.phones.c.sealed,
        tables.phones.c.role,
        tables.phones.c.number_index,
    )
    .join(tables.phones, tables.phones.c.contact_id == tables.contacts.c.contact_id)
    .outerjoin(tables.cases, tables.cases.c.case_ref == tables.contacts.c.case_ref)
    .where(tables.contacts.c.contact_id == bindparam("contact_id"), tables.phones.c.phone_id == bindparam("phone_id"))
)
_OF_ATTEMPT = (attempts.c.reserved_at, attempts.c.disposition, attempts.c.ringing_at, attempts.c.ended_at)
_COUNTS = and_(
    attempts.c.state != AttemptState.RELEASED.value,
    or_(
        attempts.c.reserved_at >= bindparam("since"),
        attempts.c.in_flight_index.is_not(None),
        attempts.c.state == AttemptState.UNKNOWN.value,
    ),
)
_EARLIER = (
    select(*_OF_ATTEMPT)
    .where(attempts.c.number_index == bindparam("number_index"), _COUNTS)
    .order_by(attempts.c.reserved_at)
)
_EARLIER_OF_MANY = (
    select(attempts.c.number_index, *_OF_ATTEMPT)
    .where(attempts.c.number_index.in_(bindparam("numbers", expanding=True)), _COUNTS)
    .order_by(attempts.c.reserved_at)
)
_LISTED = union_all(
    select(listed.c.do_not_call_id).where(
        listed.c.number_index == bindparam("number_index"), listed.c.removed_at.is_(None)
    ),
    select(listed.c.do_not_call_id).where(
        listed.c.person_ref == bindparam("person_ref"), listed.c.removed_at.is_(None)
    ),
)
_LISTED_OF_MANY = union_all(
    select(listed.c.number_index, listed.c.person_ref).where(
        listed.c.number_index.in_(bindparam("numbers", expanding=True)), listed.c.removed_at.is_(None)
    ),
    select(listed.c.number_index, listed.c.person_ref).where(
        listed.c.person_ref.in_(bindparam("people", expanding=True)), listed.c.removed_at.is_(None)
    ),
)
_TAKE_ENTRY = (
    update(entries)
    .where(entries.c.entry_id == bindparam("of_entry"), entries.c.contact_id == bindparam("of_contact"))
    .where(entries.c.queue == EntryState.LEASED.value, entries.c.node == bindparam("of_node"))
    .values(queue=EntryState.DIALING.value)
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a reservation is about: one number of one contact, and the state of the case."""

    number: str
    number_index: bytes
    role: PhoneRole
    case_ref: str
    person_ref: str
    zone: str | None
    case_status: CaseStatus


def reserve(
    connection: Connection, cipher: Cipher, reservation: Reservation, policy: Policy, now: datetime
) -> Attempt | Decision:
    """The work of `Attempts.reserve`; InputError when there is no such number."""
    subject = load_subject(connection, cipher, reservation.contact_id, reservation.phone_id)
    lock(connection, NUMBER_LOCK, subject.number_index)
    facts = gather(connection, subject, reservation.ring_timeout_s, now)
    decision = evaluate(policy, facts, now)
    if decision.allowed:
        decision = _guarded(connection, reservation, facts, decision, now)
    elif decision.retry_at is None:
        decision = replace(decision, retry_at=_after_the_call(policy, facts, now))
    if not decision.allowed:
        _record_refusal(connection, reservation, subject, facts, decision, now)
        return decision
    attempt = _insert(connection, reservation, subject, now)
    _prove(connection, reservation, subject, facts, decision, now, attempt.attempt_id)
    return attempt


def load_subject(connection: Connection, cipher: Cipher, contact_id: int, phone_id: int) -> Subject:
    """What is stored of a number and its contact; InputError when there is no such number."""
    row = connection.execute(_SUBJECT, {"contact_id": contact_id, "phone_id": phone_id}).first()
    if row is None:
        raise InputError(f"contact {contact_id} has no number {phone_id}")
    return Subject(
        number=cipher.open(row.sealed, values.PHONE_PURPOSE).decode(),
        number_index=row.number_index,
        role=PhoneRole(row.role),
        case_ref=row.case_ref,
        person_ref=row.person_ref,
        zone=row.zone,
        case_status=CaseStatus(row.status or CaseStatus.OPEN.value),
    )


def subject_of(cipher: Cipher, contact: Contact, phone: Phone) -> Subject:
    """The same from a contact that was loaded already."""
    return Subject(
        number=phone.number,
        number_index=cipher.number_index(phone.number),
        role=phone.role,
        case_ref=contact.case_ref,
        person_ref=contact.person_ref,
        zone=contact.zone,
        case_status=contact.case_status,
    )


def gather(connection: Connection, subject: Subject, max_ring_s: float, now: datetime) -> GateFacts:
    """What the gate needs to know about a number, from all campaigns and nodes."""
    index = subject.number_index
    named = {"number_index": index, "person_ref": subject.person_ref}
    earlier = connection.execute(_EARLIER, {"number_index": index, "since": now - HISTORY}).all()
    is_listed = connection.execute(_LISTED, named).first() is not None
    return _facts(subject, max_ring_s, is_listed, earlier)


def gather_many(
    connection: Connection, subjects: Sequence[Subject], max_ring_s: float, now: datetime
) -> list[GateFacts]:
    """The same for many numbers with two queries; a few hundred at most."""
    numbers = [subject.number_index for subject in subjects]
    people = [subject.person_ref for subject in subjects]
    earlier: dict[bytes, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(_EARLIER_OF_MANY, {"numbers": numbers, "since": now - HISTORY}):
        earlier[row.number_index].append(row)
    found = connection.execute(_LISTED_OF_MANY, {"numbers": numbers, "people": people}).all()
    listed_numbers, listed_people = {row.number_index for row in found}, {row.person_ref for row in found}
    return [
        _facts(
            subject,
            max_ring_s,
            subject.number_index in listed_numbers or subject.person_ref in listed_people,
            earlier[subject.number_index],
        )
        for subject in subjects
    ]


def _facts(subject: Subject, max_ring_s: float, is_listed: bool, earlier: Sequence[AnyRow]) -> GateFacts:
    return GateFacts(
        zones=candidates(subject.number, stated_zone=subject.zone),
        max_ring_s=max_ring_s,
        role=subject.role,
        case_status=subject.case_status,
        do_not_call=is_listed,
        attempts=tuple(_earlier_attempt(row) for row in earlier),
    )


def _earlier_attempt(row: AnyRow) -> EarlierAttempt:
    disposition = Disposition(row.disposition) if row.disposition else None
    if disposition in TRUNK_FAULTS and row.ringing_at is not None:
        disposition = Disposition.NO_ANSWER  # it rang: the person noticed, so it counts
    return EarlierAttempt(row.reserved_at, disposition, row.ended_at)


def _guarded(
    connection: Connection, reservation: Reservation, facts: GateFacts, allowed: Decision, now: datetime
) -> Decision:
    """What holds under every policy: one call to a number at a time, and nothing from an entry that others hold."""
    if any(earlier.in_flight for earlier in facts.attempts):
        return _refusal(NUMBER_IN_FLIGHT, "the number is being dialed right now", now + IN_FLIGHT_RETRY, allowed)
    if reservation.entry_id is not None and not _take_entry(connection, reservation):
        reason = "the entry was stopped, or its lease ran out"
        return _refusal(ENTRY_NOT_LEASED, reason, now + IN_FLIGHT_RETRY, allowed)
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


def _refusal(rule: str, reason: str, retry_at: datetime, allowed: Decision) -> Decision:
    return Decision(False, rule, reason, retry_at, allowed.pack_hash, allowed.decided_at, allowed.evaluated)


def _take_entry(connection: Connection, reservation: Reservation) -> bool:
    wanted = {
        "of_entry": reservation.entry_id,
        "of_contact": reservation.contact_id,
        "of_node": reservation.node,
    }
    return connection.execute(_TAKE_ENTRY, wanted).rowcount == 1


def _prove(
    connection: Connection,
    reservation: Reservation,
    subject: Subject,
    facts: GateFacts,
    decision: Decision,
    now: datetime,
    attempt_id: int | None = None,
) -> int:
    said = {
        "at": now,
        "node": reservation.node,
        "attempt_id": attempt_id,
        "campaign_id": reservation.campaign_id,
        "path": reservation.path,
        "case_ref": subject.case_ref,
        "person_ref": subject.person_ref,
        "number": mask_number(subject.number),
        "number_index": subject.number_index.hex(),
        "facts": facts,
        "decision": decision,
    }
    return append(
        connection,
        reservation.node,
        ProofKind.ALLOWED if decision.allowed else ProofKind.REFUSED,
        said,
        at=now,
        attempt_id=attempt_id,
        campaign_id=reservation.campaign_id,
        case_ref=subject.case_ref,
        number_index=subject.number_index,
        rule=decision.rule,
    )


def _record_refusal(
    connection: Connection,
    reservation: Reservation,
    subject: Subject,
    facts: GateFacts,
    decision: Decision,
    now: datetime,
) -> None:
    row = {
        "at": now,
        "campaign_id": reservation.campaign_id,
        "contact_id": reservation.contact_id,
        "phone_id": reservation.phone_id,
        "entry_id": reservation.entry_id,
        "case_ref": subject.case_ref,
        "number_masked": mask_number(subject.number),
        "path": reservation.path.value,
        "node": reservation.node,
        "rule": decision.rule,
        "reason": decision.reason,
        "retry_at": decision.retry_at,
        "proof_id": _prove(connection, reservation, subject, facts, decision, now),
    }
    connection.execute(insert(tables.refusals), row)


def _insert(connection: Connection, reservation: Reservation, subject: Subject, now: datetime) -> Attempt:
    attempt_id = insert_row(connection, attempts, _new_row(reservation, subject, now))
    return Attempt(
        attempt_id=attempt_id,
        campaign_id=reservation.campaign_id,
        contact_id=reservation.contact_id,
        phone_id=reservation.phone_id,
        path=reservation.path,
        state=AttemptState.RESERVED,
        number_masked=mask_number(subject.number),
        reserved_at=now,
        case_ref=subject.case_ref,
        person_ref=subject.person_ref,
        trunk=reservation.trunk,
        caller_id=reservation.caller_id,
        agent_id=reservation.agent_id,
        node=reservation.node,
    )


def _new_row(reservation: Reservation, subject: Subject, now: datetime) -> dict[str, object]:
    return {
        "campaign_id": reservation.campaign_id,
        "contact_id": reservation.contact_id,
        "phone_id": reservation.phone_id,
        "entry_id": reservation.entry_id,
        "path": reservation.path.value,
        "state": AttemptState.RESERVED.value,
        "number_index": subject.number_index,
        "in_flight_index": subject.number_index,
        "number_masked": mask_number(subject.number),
        "case_ref": subject.case_ref,
        "person_ref": subject.person_ref,
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
        "role": subject.role.value,
        "agency": reservation.agency,
    }
