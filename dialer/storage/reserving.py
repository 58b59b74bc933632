"""The reservation's transaction: locks → facts → gate → attempt, or the refusal on record; its proof in either case."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, update

from dialer.compliance.answer import ENTRY_NOT_LEASED, NUMBER_IN_FLIGHT, answer, guarded, is_dialed
from dialer.compliance.demand import Demand
from dialer.compliance.facts import Scope
from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, AttemptState
from dialer.model.contact import mask_number
from dialer.model.decision import Decision
from dialer.model.entry import EntryState, Reservation
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.dialect import (
    AGENCY_LOCK,
    CALLER_ID_LOCK,
    CAMPAIGN_LOCK,
    CAMPAIGN_TRUNK_LOCK,
    CASE_LOCK,
    COLLECTOR_LOCK,
    NUMBER_LOCK,
    PERSON_LOCK,
    insert_row,
    lock_all,
)
from dialer.storage.history import Subject, gather, load_subject
from dialer.storage.proofs import Question, keep_packs, prove_answer
from dialer.storage.tallies import Budgets, scope_key

attempts = tables.attempts
entries = tables.entries

# Built once: composing a statement costs more time than running it.
_TAKE_ENTRY = (
    update(entries)
    .where(entries.c.entry_id == bindparam("of_entry"), entries.c.contact_id == bindparam("of_contact"))
    .where(entries.c.queue == EntryState.LEASED.value, entries.c.node == bindparam("of_node"))
    .values(queue=EntryState.DIALING.value)
)
_WIDE_LOCKS = {
    Scope.CALLER_ID: CALLER_ID_LOCK,
    Scope.COLLECTOR: COLLECTOR_LOCK,
    Scope.CAMPAIGN: CAMPAIGN_LOCK,
    Scope.CAMPAIGN_TRUNK: CAMPAIGN_TRUNK_LOCK,
    Scope.AGENCY: AGENCY_LOCK,
}
"""In the order in which they are taken."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What this process knows without asking the database: packs it has seen stored, budgets it has just read."""

    packs: Collection[str]
    budgets: Budgets


def reserve(
    connection: Connection,
    cipher: Cipher,
    reservation: Reservation,
    policy: Policy,
    now: datetime,
    remembered: Remembered,
) -> Attempt | Decision:
    """The work of `Attempts.reserve`; InputError when there is no such number."""
    subject = load_subject(connection, cipher, reservation.contact_id, reservation.phone_id)
    lock_all(connection, locks_of(policy.demand, subject, reservation))
    facts = gather(connection, subject, reservation, policy, now, budgets=remembered.budgets)
    question = Question(reservation, subject, policy, facts, now)
    decision = answer(policy, facts, now)
    if decision.allowed:
        decision = _guarded(connection, question, decision)
    keep_packs(connection, policy, remembered.packs, now)
    if not decision.allowed:
        _record_refusal(connection, question, decision)
        return decision
    attempt = _insert(connection, reservation, subject, now)
    prove_answer(connection, question, decision, attempt.attempt_id)
    return attempt


def locks_of(demand: Demand, subject: Subject, reservation: Reservation) -> list[tuple[bytes, bytes]]:
    """The locks of a reservation in their order: over everything that is counted, so that no two take the last slot.

    The person's is always among them: it keeps out stops, too, until the answer stands.
    """
    locks = [(NUMBER_LOCK, subject.number_index)]
    if subject.person_ref:
        locks.append((PERSON_LOCK, subject.person_ref.encode()))
    if subject.case_ref and demand.case_s > 0:
        locks.append((CASE_LOCK, subject.case_ref.encode()))
    counted = {tally.scope for tally in demand.tallies}
    for scope, kind in _WIDE_LOCKS.items():
        key = scope_key(scope, reservation)
        if scope in counted and key is not None:
            locks.append((kind, str(key).encode()))
    return locks


def _guarded(connection: Connection, question: Question, allowed: Decision) -> Decision:
    """What holds under every policy: one call to a number at a time, and nothing from an entry that others hold."""
    if is_dialed(question.facts):
        return guarded(allowed, NUMBER_IN_FLIGHT)
    if question.reservation.entry_id is not None and not _take_entry(connection, question.reservation):
        return guarded(allowed, ENTRY_NOT_LEASED)
    return allowed


def _take_entry(connection: Connection, reservation: Reservation) -> bool:
    wanted = {
        "of_entry": reservation.entry_id,
        "of_contact": reservation.contact_id,
        "of_node": reservation.node,
    }
    return connection.execute(_TAKE_ENTRY, wanted).rowcount == 1


def _record_refusal(connection: Connection, question: Question, decision: Decision) -> None:
    reservation, subject = question.reservation, question.subject
    proof = prove_answer(connection, question, decision)
    row = {
        "at": question.now,
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
        "proof_id": proof.proof_id,
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
