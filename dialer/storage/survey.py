"""What the gate would say of waiting entries, without reserving, recording or changing anything."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, select

from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.model.contact import Contact, Phone, mask_number
from dialer.model.decision import Decision, GateSurvey, RefusedExample, RefusedRule
from dialer.storage import tables, values
from dialer.storage.campaigns import load_campaign
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.entries import WAITING
from dialer.storage.reserving import gather

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
        surveyed = 0
        while surveyed < limit:
            wanted = min(CHUNK, limit - surveyed)
            decided = await self._database.read(
                lambda connection, skip=surveyed, wanted=wanted: _decide(  # type: ignore[misc]
                    connection, self._cipher, campaign_id, policy, now, skip, wanted
                )
            )
            surveyed += len(decided)
            for contact, phone, decision in decided:
                if not decision.allowed:
                    refused[decision.rule].append((contact, phone, decision))
            if len(decided) < wanted:
                break
        rules = [_refused_rule(rule, found, examples) for rule, found in refused.items()]
        kept_back = sum(rule.count for rule in rules)
        return GateSurvey(surveyed, surveyed - kept_back, tuple(sorted(rules, key=lambda rule: -rule.count)))


def _decide(
    connection: Connection, cipher: Cipher, campaign_id: int, policy: Policy, now: datetime, skip: int, limit: int
) -> list[tuple[Contact, Phone, Decision]]:
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        return []
    query = (
        select(entries.c.contact_id, entries.c.next_phone_id)
        .where(entries.c.campaign_id == campaign_id, entries.c.queue.in_(WAITING))
        .order_by(entries.c.dial_order, entries.c.due_at, entries.c.entry_id)
        .offset(skip)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    contacts = values.load_contacts(connection, cipher, [row.contact_id for row in rows])
    ring_timeout_s = campaign.settings.ring_timeout_s
    decided = []
    for row in rows:
        contact = contacts[row.contact_id]
        phone = next((phone for phone in contact.phones if phone.phone_id == row.next_phone_id), contact.phones[0])
        index = cipher.number_index(phone.number)
        facts = gather(connection, contact, phone, index, ring_timeout_s, now)
        decided.append((contact, phone, evaluate(policy, facts, now)))
    return decided


def _refused_rule(rule: str, found: list[tuple[Contact, Phone, Decision]], examples: int) -> RefusedRule:
    opens = [decision.retry_at for _, _, decision in found if decision.retry_at is not None]
    shown = tuple(
        RefusedExample(contact.case_ref, mask_number(phone.number), decision.reason, decision.retry_at)
        for contact, phone, decision in found[:examples]
    )
    return RefusedRule(rule, len(found), found[0][2].reason, min(opens, default=None), shown)
