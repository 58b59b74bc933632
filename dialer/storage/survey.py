"""What the gate would say of waiting entries, without reserving, recording or changing anything."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, select

from dialer.compliance.facts import GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.model.attempt import CallPath
from dialer.model.campaign import Campaign
from dialer.model.contact import Contact, Phone, mask_number
from dialer.model.decision import Decision, GateSurvey, RefusedExample, RefusedRule
from dialer.model.entry import Reservation
from dialer.storage import tables, values
from dialer.storage.campaigns import load_campaign
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.entries import WAITING, phone_of
from dialer.storage.history import gather_many, subject_of

CHUNK = 250
"""Entries per transaction."""
MAX_REMEMBERED = 10_000
"""Different facts whose decisions are kept; most entries have no history and share theirs."""
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
        waiting = await self._database.read(lambda connection: _waiting(connection, campaign_id, limit))
        tally = _Tally(policy, now, examples)
        for first in range(0, len(waiting), CHUNK):
            chunk = waiting[first : first + CHUNK]
            work = partial(_facts_of, cipher=self._cipher, campaign_id=campaign_id, policy=policy, now=now, chunk=chunk)
            for contact, phone, facts in await self._database.read(work):
                tally.add(contact, phone, facts)
            await asyncio.sleep(0)  # a survey of thousands lets others have their turn
        return tally.result()


class _Tally:
    """Counts what the gate says; entries with the same facts are put to it once."""

    def __init__(self, policy: Policy, now: datetime, examples: int) -> None:
        self._policy = policy
        self._now = now
        self._examples = examples
        self._decisions: dict[GateFacts, Decision] = {}
        self._rules: dict[str, RefusedRule] = {}
        self._surveyed = 0

    def add(self, contact: Contact, phone: Phone, facts: GateFacts) -> None:
        self._surveyed += 1
        decision = self._decisions.get(facts)
        if decision is None:
            if len(self._decisions) >= MAX_REMEMBERED:
                self._decisions.clear()
            decision = self._decisions[facts] = evaluate(self._policy, facts, self._now)
        if not decision.allowed:
            self._refuse(contact, phone, decision)

    def _refuse(self, contact: Contact, phone: Phone, decision: Decision) -> None:
        known = self._rules.get(decision.rule) or RefusedRule(decision.rule, 0, decision.reason, None)
        opens = [at for at in (known.retry_at, decision.retry_at) if at is not None]
        shown = known.examples
        if len(shown) < self._examples:
            number = mask_number(phone.number)
            shown = (*shown, RefusedExample(contact.case_ref, number, decision.reason, decision.retry_at))
        self._rules[decision.rule] = RefusedRule(
            decision.rule, known.count + 1, known.reason, min(opens, default=None), shown
        )

    def result(self) -> GateSurvey:
        rules = sorted(self._rules.values(), key=lambda rule: -rule.count)
        return GateSurvey(self._surveyed, self._surveyed - sum(rule.count for rule in rules), tuple(rules))


def _waiting(connection: Connection, campaign_id: int, limit: int) -> list[tuple[int, int | None]]:
    """Contact and next number of the first waiting entries."""
    query = (
        select(entries.c.contact_id, entries.c.next_phone_id)
        .where(entries.c.campaign_id == campaign_id, entries.c.queue.in_(WAITING))
        .order_by(entries.c.dial_order, entries.c.due_at, entries.c.entry_id)
        .limit(limit)
    )
    return [(row.contact_id, row.next_phone_id) for row in connection.execute(query)]


def _facts_of(
    connection: Connection,
    *,
    cipher: Cipher,
    campaign_id: int,
    policy: Policy,
    now: datetime,
    chunk: Sequence[tuple[int, int | None]],
) -> list[tuple[Contact, Phone, GateFacts]]:
    """What the gate needs to know about the entries of a chunk; a contact that has gone meanwhile is left out."""
    campaign = load_campaign(connection, campaign_id)
    if campaign is None:
        return []
    contacts = values.load_contacts(connection, cipher, [contact_id for contact_id, _phone_id in chunk])
    asked = [(contacts[contact], phone_of(contacts[contact], phone)) for contact, phone in chunk if contact in contacts]
    subjects = [subject_of(cipher, contact, phone) for contact, phone in asked]
    facts = gather_many(connection, subjects, _asked_for(campaign), policy, now)
    return [(contact, phone, known) for (contact, phone), known in zip(asked, facts, strict=True)]


def _asked_for(campaign: Campaign) -> Reservation:
    """What the campaign's loop would ask for: each call by its own path, with the first of its caller IDs."""
    settings = campaign.settings
    return Reservation(
        campaign_id=campaign.campaign_id,
        contact_id=0,
        phone_id=0,
        path=CallPath(settings.mode.value),
        node="",
        caller_id=settings.caller_ids[0] if settings.caller_ids else "",
        ring_timeout_s=settings.ring_timeout_s,
        agency=settings.agency,
        creditor=settings.creditor,
        product=settings.product,
    )
