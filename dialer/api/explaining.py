"""Why is, or was, this number or case called, or not? What is on record, what the gate says, and what else stands in
the way: three answers side by side, because any one of them alone may mislead.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from dialer.api.decision_words import DecisionOut, LocalTime, Words, by_short_hash, decision_out, local_times
from dialer.api.obstacles import ObstacleOut, obstacles
from dialer.api.proof_words import UsedPackOut, load_packs
from dialer.api.services import Services
from dialer.calls.caller_ids import fitting_numbers
from dialer.calls.presentable import campaign_facts
from dialer.campaigns.caller_id import choose_caller_id
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_replay import Replay, read_question
from dialer.errors import ConfigError
from dialer.model.attempt import CallPath
from dialer.model.campaign import Campaign
from dialer.model.contact import CaseStatus, Contact, Phone, PhoneRole, mask_number
from dialer.model.entry import Reservation
from dialer.model.explanation import KnownContact
from dialer.storage import Storage
from dialer.storage.explaining import Answer
from dialer.storage.proof_reading import StoredLink

logger = logging.getLogger(__name__)

MAX_CONTACTS = 20
"""Contacts of one case or number that are explained; the newest."""
ENDS = frozenset({ProofKind.RELEASED, ProofKind.SETTLED, ProofKind.UNKNOWN, ProofKind.RECONCILED})
ALTERED = Words(en="ALTERED: its content does not give its hash", zh="已被篡改：内容与哈希不符")


class RecordOut(BaseModel):
    """One decision on record. `ended` is the kind and the disposition of what became of an attempt, when known."""

    chain: str
    sequence: int
    at: datetime
    local_times: list[LocalTime]
    allowed: bool
    rule: str
    reason: Words
    case_ref: str
    number_masked: str
    path: str
    campaign_id: int | None
    attempt_id: int | None
    ended: str


class AnswerOut(BaseModel):
    """What the gate says of one number in one campaign; without one as if it were dialed by hand."""

    campaign_id: int | None
    campaign: str
    path: CallPath
    decision: DecisionOut


class NumberOut(BaseModel):
    """One number of a contact."""

    phone_id: int
    number_masked: str
    role: PhoneRole
    answers: list[AnswerOut]


class ContactOut(BaseModel):
    """One contact: its numbers before the gate, and what keeps it from getting there."""

    contact_id: int
    case_ref: str
    person_ref: str
    case_status: CaseStatus
    list_name: str
    numbers: list[NumberOut]
    obstacles: list[ObstacleOut]


class WhyOut(BaseModel):
    """The whole answer. `at` is the instant it is about; the obstacles are always those of now.

    `packs` are those in force at `at`; empty where none are on record for it, and then no number has answers.
    """

    about: str
    is_known: bool
    at: datetime
    is_past: bool
    record: list[RecordOut]
    packs: list[UsedPackOut]
    contacts: list[ContactOut]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom it is about: a case, or a number (E.164)."""

    case_ref: str = ""
    number: str = ""

    @property
    def shown(self) -> str:
        """As people may see it."""
        return mask_number(self.number) if self.number else self.case_ref


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call put to the gate: this number, in this campaign."""

    phone_id: int
    campaign: Campaign | None
    reservation: Reservation


async def explain(services: Services, about: Subject, at: datetime | None, n_records: int) -> WhyOut:
    """The answer about now, or about another instant; the packs of a past one are those on record for it."""
    now = services.clock.utcnow()
    asked_at = now if at is None else at
    is_past = asked_at < now
    policy = await _policy_then(services, asked_at) if is_past else services.policy.current(now)
    record = await _record(services.storage, about, asked_at, n_records)
    known = await _contacts(services.storage, about)
    return WhyOut(
        about=about.shown,
        is_known=bool(record or known),
        at=asked_at,
        is_past=is_past,
        record=record,
        packs=[] if policy is None else [UsedPackOut.of(pack) for pack in policy.used_packs],
        contacts=[await _contact_out(services, about, one, policy, asked_at, now) for one in known],
    )


# ---- what is on record


async def _record(storage: Storage, about: Subject, until: datetime, limit: int) -> list[RecordOut]:
    proofs = storage.proof_reading
    if about.number:
        links = await proofs.of_number(about.number, until, limit)
    else:
        links = await proofs.of_case(about.case_ref, until, limit)
    ends = await _ends(storage, [link.attempt_id for link in links if link.attempt_id is not None])
    return [_record_out(link, ends.get(link.attempt_id or 0, "")) for link in links]


async def _ends(storage: Storage, attempt_ids: Sequence[int]) -> dict[int, str]:
    """What became of attempts, by the newest link that says so."""
    ends: dict[int, str] = {}
    for link in await storage.proof_reading.of_attempts(attempt_ids) if attempt_ids else ():
        if link.attempt_id is not None and link.kind in ENDS and link.intact:
            said: dict[str, Any] = msgspec.json.decode(link.body)
            parts = (link.kind.value, said.get("disposition"))
            ends[link.attempt_id] = ": ".join(part for part in parts if part)
    return ends


def _record_out(link: StoredLink, ended: str) -> RecordOut:
    said: dict[str, Any] = msgspec.json.decode(link.body) if link.intact else {}
    question = read_question(link.body) if link.intact else None
    zones = () if question is None else question.facts.zones.zones
    decision = None if question is None else decision_out(question.decision, zones, {})
    return RecordOut(
        chain=link.chain,
        sequence=link.sequence,
        at=link.at,
        local_times=local_times(link.at, zones),
        allowed=link.kind is ProofKind.ALLOWED,
        rule="" if decision is None else decision.rule,
        reason=ALTERED if decision is None else decision.reason,
        case_ref=said.get("case_ref", ""),
        number_masked=said.get("number", ""),
        path=said.get("path", ""),
        campaign_id=said.get("campaign_id"),
        attempt_id=link.attempt_id,
        ended=ended,
    )


# ---- what the gate says


async def _policy_then(services: Services, at: datetime) -> Policy | None:
    """The packs and registers that were in force on this node; None where that is not on record, or was altered."""
    proofs = services.storage.proof_reading
    try:
        found = await proofs.policy_at(services.config.node.name, at)
        if found is None:
            return None
        replay = Replay()
        for pack in await load_packs(proofs, found.packs.hashes):
            replay.add_pack(pack.sha256, pack.content)
        return replace(replay.policy(found.packs), registry=found.registry)
    except (ValueError, ConfigError):
        logger.exception("the packs of then cannot be read", extra={"action": "why"})
        return None


async def _contacts(storage: Storage, about: Subject) -> tuple[KnownContact, ...]:
    if about.number:
        return await storage.explaining.of_number(about.number, MAX_CONTACTS)
    return await storage.explaining.of_case(about.case_ref, MAX_CONTACTS)


async def _contact_out(
    services: Services, about: Subject, known: KnownContact, policy: Policy | None, at: datetime, now: datetime
) -> ContactOut:
    contact = known.contact
    shown = [phone for phone in contact.phones if not about.number or phone.number == about.number]
    answers: list[tuple[_Asked, Answer]] = []
    if policy is not None:
        asked = [one for phone in shown for one in await _calls(services, known, phone, policy, at)]
        as_of = at if at < now else None
        said = await services.storage.explaining.ask([one.reservation for one in asked], policy, at, as_of)
        answers = list(zip(asked, said, strict=True))
    return ContactOut(
        contact_id=contact.contact_id,
        case_ref=contact.case_ref,
        person_ref=contact.person_ref,
        case_status=contact.case_status,
        list_name=known.list_name,
        numbers=[_number_out(phone, policy, answers) for phone in shown],
        obstacles=obstacles(known, now),
    )


def _number_out(phone: Phone, policy: Policy | None, answers: Sequence[tuple[_Asked, Answer]]) -> NumberOut:
    packs = {} if policy is None else by_short_hash(policy.used_packs)
    mine = [(asked, answer) for asked, answer in answers if asked.phone_id == phone.phone_id]
    return NumberOut(
        phone_id=phone.phone_id,
        number_masked=mask_number(phone.number),
        role=phone.role,
        answers=[
            AnswerOut(
                campaign_id=None if asked.campaign is None else asked.campaign.campaign_id,
                campaign="" if asked.campaign is None else asked.campaign.name,
                path=asked.reservation.path,
                decision=decision_out(answer.decision, answer.zones, packs),
            )
            for asked, answer in mine
        ],
    )


async def _calls(services: Services, known: KnownContact, phone: Phone, policy: Policy, at: datetime) -> list[_Asked]:
    """The calls there could be: one for every campaign of the contact; by hand, when there is none."""
    if not known.standings:
        by_hand = Reservation(0, known.contact.contact_id, phone.phone_id, CallPath.MANUAL, "")
        return [_Asked(phone.phone_id, None, by_hand)]
    is_past = at < services.clock.utcnow()
    asked = []
    for standing in known.standings:
        is_promised = standing.callback_at is not None and not is_past  # of what was promised then nothing is known
        path = CallPath.CALLBACK if is_promised else standing.campaign.settings.mode.path
        reservation = await campaign_reservation(services, standing.campaign, known.contact, phone, path, policy, at)
        asked.append(_Asked(phone.phone_id, standing.campaign, reservation))
    return asked


async def campaign_reservation(
    services: Services,
    campaign: Campaign,
    contact: Contact,
    phone: Phone,
    path: CallPath,
    policy: Policy,
    at: datetime,
) -> Reservation:
    """What the campaign's loop would ask for."""
    pool, facts = campaign.settings.caller_ids, campaign_facts(campaign.settings, path, phone.role)
    fitting = await fitting_numbers(services.storage.policies, pool, facts, policy, at)
    caller_id = choose_caller_id(fitting or pool, contact.person_ref)
    return Reservation.of_campaign(campaign, contact.contact_id, phone.phone_id, path, "", caller_id=caller_id)
