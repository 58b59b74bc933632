"""What the gate would say of waiting entries, without reserving, recording or changing anything."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select

from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.model.contact import Contact, Phone, mask_number
from dialer.model.decision import Decision, GateSurvey, RefusedExample, RefusedRule
from dialer.storage import tables, values
from dialer.storage.campaigns import load_campaign
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.entries import WAITING, phone_of
from dialer.storage.reserving import Subject, gather, subject_of

CHUNK = 500
entries = tables.entries


class Survey:
    """The `survey` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def campaign(
        self, campaign_id: int, policy: Policy, now: datetime, *, limit: int, examples: int
    ) -> GateSurvey:
        """The gate's word on the first `limit` waiting entries, in the order of dialing, read in short transactions."""
        refused: dict[str, list[tuple[Contact, Phone, Decision]]] = defaultdict(list)
        waiting = await self._database.read(lambda connection: _waiting(connection, campaign_id, limit))
        for first in range(0, len(waiting), CHUNK):
            chunk = waiting[first : first + CHUNK]
            work = partial(_decide, cipher=self._cipher, campaign_id=campaign_id, policy=policy, now=now, chunk=chunk)
            for contact, phone, decision in await self._database.read(work):
                if not decision.allowed:
                    refused[decision.rule].append((contact, phone, decision))
        surveyed = len(waiting)
        rules = [_refused_rule(rule, found, examples) for rule, found in refused.items()]
        kept_back = sum(rule.count for rule in rules)
        return GateSurvey(surveyed, surveyed - kept_back, tuple(sorted(rules, key=lambda rule: -rule.count)))


def _waiting(connection: Connection, campaign_id: int, limit: int) -> list[tuple[int, int | None]]:
    """Contact and next number of the first waiting entries."""
    query = (
        select(entries.c.contact_id, entries.c.next_phone_id)
        .where(entries.c.campaign_id == campaign_id, entries.c.queue.in_(WAITING))
        .order_by(entries.c.dial_order, entries.c.due_at, entries.c.entry_id)
        .limit(limit)
    )
    return [(row.contact_id, row.next_phone_id) for row in connection.execute(query)]


def _decide(
    connection: Connection,
    *,
    cipher: Cipher,
    campaign_id: int,
    policy: Policy,
    now: datetime,
    chunk: Sequence[tuple[int, int | None]],
) -> list[tuple[Contact, Phone, Decision]]:
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        return []
    contacts = values.load_contacts(connection, cipher, [contact_id for contact_id, _phone_id in chunk])
    decided = []
    for contact_id, phone_id in chunk:
        contact = contacts[contact_id]
        phone = phone_of(contact, phone_id)
        facts = gather(connection, subject_of(cipher, contact, phone), campaign.settings.ring_timeout_s, now)
        decided.append((contact, phone, evaluate(policy, facts, now)))
    return decided


def _subject(cipher: Cipher, contact: Contact, phone: Phone) -> Subject:
    return Subject(
        number=phone.number,
        number_index=cipher.number_index(phone.number),
        role=phone.role,
        case_ref=contact.case_ref,
        person_ref=contact.person_ref,
        zone=contact.zone,
        case_status=contact.case_status,
    )


def _refused_rule(rule: str, found: list[tuple[Contact, Phone, Decision]], examples: int) -> RefusedRule:
    opens = [decision.retry_at for _, _, decision in found if decision.retry_at is not None]
    shown = tuple(
        RefusedExample(contact.case_ref, mask_number(phone.number), decision.reason, decision.retry_at)
        for contact, phone, decision in found[:examples]
    )
    return RefusedRule(rule, len(found), found[0][2].reason, min(opens, default=None), shown)
