"""The proofs' chains: one per node, grown inside the transaction of what they prove.

Every answer of the gate is a link, and so is everything that ends an attempt: those name the attempt's first link by
its hash. A link holds no clear number and no name; caller IDs are the house's own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, Select, bindparam, select, update

from dialer.compliance.counters import Counter, counters, given_back
from dialer.compliance.facts import GateFacts
from dialer.compliance.policy import Policy
from dialer.compliance.proof import GENESIS, Link, ProofKind, make_link
from dialer.model.attempt import TRUNK_FAULTS, Attempt
from dialer.model.contact import mask_number
from dialer.model.decision import Decision
from dialer.model.entry import Reservation
from dialer.redaction import mask_numbers
from dialer.storage import tables
from dialer.storage.dialect import insert_missing, insert_row
from dialer.storage.history import Subject
from dialer.storage.tables.base import AnyRow

proofs = tables.proofs
heads = tables.proof_heads

# Built once: composing a statement costs more time than running it.
_HEAD = select(heads.c.sequence, heads.c.hash).where(heads.c.chain == bindparam("of_chain")).with_for_update(of=heads)
_OF_ATTEMPT = (proofs.c.attempt_id == bindparam("of_attempt"), proofs.c.kind == ProofKind.ALLOWED.value)
_FIRST_HASH = select(proofs.c.hash).where(*_OF_ATTEMPT).order_by(proofs.c.proof_id).limit(1).scalar_subquery()
_HEAD_AND_FIRST = _HEAD.add_columns(_FIRST_HASH.label("first"))
_FIRST_BODY = select(proofs.c.body).where(*_OF_ATTEMPT).order_by(proofs.c.proof_id).limit(1)
_GROW = (
    update(heads)
    .where(heads.c.chain == bindparam("of_chain"))
    .values(sequence=bindparam("new_sequence"), hash=bindparam("new_hash"))
)


class _Allowed(msgspec.Struct):
    counters: tuple[Counter, ...] = ()


_allowed_decoder = msgspec.json.Decoder(_Allowed)


@dataclass(frozen=True, slots=True)
class Proof:
    """A link as stored."""

    proof_id: int
    link: Link


@dataclass(frozen=True, slots=True)
class Question:
    """What the gate was asked, by which rules, and what it knew."""

    reservation: Reservation
    subject: Subject
    policy: Policy
    facts: GateFacts
    now: datetime


def append(
    connection: Connection,
    chain: str,
    kind: ProofKind,
    facts: Mapping[str, Any],
    *,
    at: datetime,
    attempt_id: int | None = None,
    campaign_id: int | None = None,
    case_ref: str = "",
    number_index: bytes | None = None,
    rule: str = "",
    head: AnyRow | None = None,
) -> Proof:
    """Adds a link to a chain, last in its transaction: the chain is locked until that ends.

    `head` is the chain's, where it was taken already.
    """
    head = head or _take_head(connection, _HEAD, {"of_chain": chain})
    link = make_link(chain, head.sequence + 1, head.hash, kind, facts)
    connection.execute(_GROW, {"of_chain": chain, "new_sequence": link.sequence, "new_hash": link.hash})
    row = {
        "chain": link.chain,
        "sequence": link.sequence,
        "at": at,
        "kind": kind.value,
        "attempt_id": attempt_id,
        "campaign_id": campaign_id,
        "case_ref": case_ref,
        "number_index": number_index,
        "rule": rule,
        "body": link.body,
        "hash": link.hash,
    }
    return Proof(insert_row(connection, proofs, row), link)


def _take_head(connection: Connection, query: Select[Any], asked: Mapping[str, Any]) -> AnyRow:
    """The chain's newest link, and the chain's lock; a chain begins with its first question."""
    head = connection.execute(query, asked).first()
    if head is None:
        insert_missing(connection, heads, [{"chain": asked["of_chain"], "sequence": 0, "hash": GENESIS}])
        head = connection.execute(query, asked).one()
    return head


def keep_packs(connection: Connection, policy: Policy, known: Collection[str], now: datetime) -> None:
    """Stores the content of the packs a proof is about to name, but for those `known` to be stored."""
    missing = sorted((pack for pack in policy.used_packs if pack.sha256 not in known), key=lambda pack: pack.sha256)
    rows = [
        {"sha256": pack.sha256, "name": pack.name, "content": pack.content.encode(), "added_at": now}
        for pack in missing
    ]
    insert_missing(connection, tables.policy_packs, rows)


def prove_answer(
    connection: Connection, question: Question, decision: Decision, attempt_id: int | None = None
) -> Proof:
    """The gate's answer with all it was given from; `attempt_id` is that of the attempt it allowed."""
    reservation, subject, policy = question.reservation, question.subject, question.policy
    said = {
        "at": question.now,
        "node": reservation.node,
        "attempt_id": attempt_id,
        "campaign_id": reservation.campaign_id,
        "entry_id": reservation.entry_id,
        "path": reservation.path,
        "agent_id": reservation.agent_id,
        "trunk": reservation.trunk,
        "case_ref": subject.case_ref,
        "person_ref": subject.person_ref,
        "number": mask_number(subject.number),
        "number_index": subject.number_index.hex(),
        "facts": question.facts,
        "decision": decision,
        "counters": counters(policy, question.facts, decision),
        "clock": _clock(policy, question.facts, question.now),
        "calendars": _calendars(policy),
        "packs": [pack.sha256 for pack in policy.used_packs],
    }
    return append(
        connection,
        reservation.node,
        ProofKind.ALLOWED if decision.allowed else ProofKind.REFUSED,
        said,
        at=question.now,
        attempt_id=attempt_id,
        campaign_id=reservation.campaign_id,
        case_ref=subject.case_ref,
        number_index=subject.number_index,
        rule=decision.rule,
    )


def prove_end(
    connection: Connection, attempt: Attempt, number_index: bytes, kind: ProofKind, now: datetime, why: str = ""
) -> Proof:
    """What became of an attempt, in the chain of the node that made it; `why` may be anybody's words.

    It names the attempt's first link by its hash; attempts from before there were proofs have none.
    """
    gives_back = kind is ProofKind.RELEASED or (attempt.disposition in TRUNK_FAULTS and attempt.ringing_at is None)
    asked = {"of_chain": attempt.node, "of_attempt": attempt.attempt_id}
    head = _take_head(connection, _HEAD_AND_FIRST, asked)
    said = {
        "at": now,
        "number_index": number_index.hex(),
        "first": None if head.first is None else head.first.hex(),
        "gives_back": gives_back,
        "counters": given_back(_taken(connection, attempt.attempt_id)) if gives_back else (),
        "why": mask_numbers(why),
        **_ended(attempt),
    }
    return append(
        connection,
        attempt.node,
        kind,
        said,
        at=now,
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        case_ref=attempt.case_ref,
        number_index=number_index,
        head=head,
    )


def _ended(attempt: Attempt) -> dict[str, Any]:
    """What a link says of the attempt itself."""
    return {
        "node": attempt.node,
        "attempt_id": attempt.attempt_id,
        "campaign_id": attempt.campaign_id,
        "case_ref": attempt.case_ref,
        "person_ref": attempt.person_ref,
        "number": attempt.number_masked,
        "state": attempt.state,
        "disposition": attempt.disposition,
        "trunk": attempt.trunk,
        "caller_id": attempt.caller_id,
        "agent_id": attempt.agent_id,
        "ringing_at": attempt.ringing_at,
        "answered_at": attempt.answered_at,
        "connected_at": attempt.connected_at,
        "notice_at": attempt.notice_at,
        "ended_at": attempt.ended_at,
        "sip_status": attempt.cause.sip_status,
        "q850": attempt.cause.q850,
        "recording_id": attempt.recording_id,
    }


def _taken(connection: Connection, attempt_id: int) -> tuple[Counter, ...]:
    """What an attempt's call took when it was allowed; of attempts from before there were proofs nobody knows."""
    body = connection.execute(_FIRST_BODY, {"of_attempt": attempt_id}).scalar()
    return () if body is None else _allowed_decoder.decode(body).counters


def _clock(policy: Policy, facts: GateFacts, now: datetime) -> dict[str, Any]:
    """The instant, and what the clocks showed by which rules were read."""
    zones = sorted({*facts.zones.zones, *(pack.zone for pack in policy.used_packs)})
    return {"utc": now, "local": {zone: now.astimezone(ZoneInfo(zone)) for zone in zones}}


def _calendars(policy: Policy) -> list[dict[str, Any]]:
    calendars = {pack.calendar.sha256: pack.calendar for pack in policy.used_packs if pack.calendar is not None}
    return [
        {"name": calendar.name, "sha256": calendar.sha256, "complete_through": calendar.complete_through}
        for calendar in calendars.values()
    ]
