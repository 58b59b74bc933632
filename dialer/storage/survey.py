"""What the gate would say of waiting entries, without reserving, recording or changing anything.

A survey walks through all waiting entries of a campaign in short reads; names and fields stay sealed. Of most people
nothing is known but the list's own word: the database says so at once, and their facts, being few, are put to the gate
once. Entries that are not due yet are asked about for the minute in which they will be.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, bindparam, exists, func, or_, select

from dialer.compliance.answer import answer
from dialer.compliance.facts import GateFacts
from dialer.compliance.policy import Policy
from dialer.compliance.words import say
from dialer.model.attempt import CallPath
from dialer.model.campaign import Campaign, CampaignMode
from dialer.model.contact import PhoneRole, mask_number
from dialer.model.decision import Decision, Finding, GateSurvey, OpeningDay, RefusedExample, RefusedRule
from dialer.model.entry import Reservation
from dialer.storage import tables
from dialer.storage.campaigns import load_campaign
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.history import Subject, common_facts, gather_many, plain_facts, subject_of
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import WAITING
from dialer.words.bilingual import SILENCE, Bilingual

CHUNK = 1000
"""Entries per transaction."""
MAX_REMEMBERED = 20_000
"""Different facts whose decisions are kept."""
NOT_DUE = "entry.not_due"
NOT_DUE_WORDS = Bilingual("its next attempt is due later", "下次呼叫时间未到")
MINUTE = timedelta(minutes=1)

entries = tables.entries
contacts = tables.contacts
phones = tables.phones

_WAITS = (entries.c.campaign_id == bindparam("campaign"), entries.c.queue.in_(WAITING))
_TOTAL = select(func.count()).where(*_WAITS)
_FIRST_NUMBER = (
    select(phones.c.phone_id)
    .where(phones.c.contact_id == entries.c.contact_id)
    .order_by(phones.c.rank)
    .limit(1)
    .correlate(entries)
    .scalar_subquery()
)


def _has(table: Table, *names: str) -> ColumnElement[bool]:
    """Whether the table has anything about the entry: by its number, its person or its case."""
    owner = {"number_index": phones, "person_ref": contacts, "case_ref": contacts}
    found = [exists().where(table.c[name] == owner[name].c[name]) for name in names]
    return or_(*found)


_ELSEWHERE = tables.contacts.alias("elsewhere")
_CASES_ELSEWHERE = tables.cases.alias("cases_elsewhere")
_OTHER_CASES = exists().where(
    _ELSEWHERE.c.person_ref == contacts.c.person_ref,
    _ELSEWHERE.c.case_ref != contacts.c.case_ref,
    _CASES_ELSEWHERE.c.case_ref == _ELSEWHERE.c.case_ref,
)
_KNOWN = or_(
    phones.c.role != PhoneRole.OWN.value,
    _has(tables.attempts, "number_index", "person_ref", "case_ref"),
    _has(tables.do_not_call, "number_index", "person_ref"),
    _has(tables.consents, "person_ref"),
    _has(tables.inconveniences, "person_ref"),
    _OTHER_CASES,
)
_NEXT = (
    select(
        entries.c.contact_id,
        entries.c.due_at,
        entries.c.callback_at,
        entries.c.callback_agent_id,
        contacts.c.case_ref,
        contacts.c.person_ref,
        contacts.c.zone,
        contacts.c.regions,
        phones.c.number_index,
        phones.c.sealed,
        phones.c.role,
        tables.cases.c.status,
        _KNOWN.label("is_known"),
    )
    .join(contacts, contacts.c.contact_id == entries.c.contact_id)
    .join(phones, phones.c.phone_id == func.coalesce(entries.c.next_phone_id, _FIRST_NUMBER))
    .outerjoin(tables.cases, tables.cases.c.case_ref == contacts.c.case_ref)
    .where(*_WAITS, entries.c.contact_id > bindparam("after"))
    .order_by(entries.c.contact_id)
    .limit(bindparam("n"))
)
"""The next entries with the number to dial, and whether anything is known of it but the list's own word."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One entry: whom it would call, when it is due at the earliest, and what the gate must know."""

    subject: Subject
    due_at: datetime
    facts: GateFacts


class Survey:
    """The `survey` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def campaign(
        self,
        campaign_id: int,
        policy: Policy,
        now: datetime,
        *,
        examples: int,
        caller_id: str | None = None,
        on_progress: Callable[[GateSurvey], None] | None = None,
    ) -> GateSurvey:
        """The gate's word on all waiting entries; `on_progress` hears what is known after each thousand.

        `caller_id` is the number that would be shown; None: the campaign's first.
        """
        asked = {"campaign": campaign_id}
        total = await self._database.read(lambda connection: int(connection.execute(_TOTAL, asked).scalar_one()))
        tally, after = _Tally(policy, now, total, examples), 0
        while True:
            work = partial(
                _next_entries,
                cipher=self._cipher,
                campaign_id=campaign_id,
                policy=policy,
                now=now,
                after=after,
                caller_id=caller_id,
            )
            found, last = await self._database.read(work)
            if last is None:
                return tally.result()
            after = last
            await asyncio.to_thread(tally.add_all, found)
            if on_progress is not None:
                on_progress(tally.result())


class _Kept:
    """What is counted for one rule."""

    def __init__(self, words: Bilingual) -> None:
        self.words = words
        self.count = self.alone = 0
        self.retry_at: datetime | None = None
        self.examples: list[RefusedExample] = []


class _Tally:
    """Counts what the gate says."""

    def __init__(self, policy: Policy, now: datetime, total: int, examples: int) -> None:
        self._policy = policy
        self._now = now
        self._zone = policy.house_zone
        self._total = total
        self._examples = examples
        self._decisions: dict[tuple[GateFacts, datetime], Decision] = {}
        self._kept: dict[str, _Kept] = {}
        self._surveyed = self._allowed = self._never = 0
        self._days: Counter[date] = Counter()
        self._first: dict[date, datetime] = {}

    def add_all(self, asked: Iterable[_Asked]) -> None:
        for one in asked:
            self._add(one)

    def _add(self, asked: _Asked) -> None:
        self._surveyed += 1
        at = self._now if asked.due_at <= self._now else _minute_after(asked.due_at)
        decision = self._decide(asked.facts, at)
        if decision.allowed and at == self._now:
            self._allowed += 1
            return
        opens = at if decision.allowed else decision.retry_at
        if opens is None:
            self._never += 1
        else:
            day = opens.astimezone(self._zone).date()
            self._days[day] += 1
            self._first[day] = min(opens, self._first.get(day, opens))
        self._keep(asked, decision, opens)

    def _decide(self, facts: GateFacts, at: datetime) -> Decision:
        decision = self._decisions.get((facts, at))
        if decision is None:
            if len(self._decisions) >= MAX_REMEMBERED:
                self._decisions.clear()
            decision = self._decisions[facts, at] = answer(self._policy, facts, at)
        return decision

    def _keep(self, asked: _Asked, decision: Decision, opens: datetime | None) -> None:
        refused = decision.refusing
        if asked.due_at > self._now:
            self._note(asked, NOT_DUE, None, opens, alone=not refused)
        for result in refused:
            alone = len(refused) == 1 and asked.due_at <= self._now
            self._note(asked, result.rule, result.finding, opens, alone=alone)

    def _note(self, asked: _Asked, rule: str, finding: Finding | None, opens: datetime | None, *, alone: bool) -> None:
        kept = self._kept.get(rule)
        if kept is None:
            kept = self._kept[rule] = _Kept(_words(rule, finding))
        kept.count += 1
        kept.alone += alone
        if opens is not None and (kept.retry_at is None or opens < kept.retry_at):
            kept.retry_at = opens
        if len(kept.examples) < self._examples:
            subject = asked.subject
            words, number = _words(rule, finding), mask_number(subject.number)
            kept.examples.append(RefusedExample(subject.case_ref, number, words.en, opens, words.zh))

    def result(self) -> GateSurvey:
        """What was counted so far; rules by how many entries they keep back."""
        kept = sorted(self._kept.items(), key=lambda item: -item[1].count)
        return GateSurvey(
            self._total,
            self._surveyed,
            self._allowed,
            tuple(
                RefusedRule(rule, one.count, one.alone, one.words.en, one.retry_at, tuple(one.examples), one.words.zh)
                for rule, one in kept
            ),
            tuple(OpeningDay(day, self._first[day], self._days[day]) for day in sorted(self._days)),
            self._never,
        )


def _minute_after(instant: datetime) -> datetime:
    whole = instant.replace(second=0, microsecond=0)
    return whole if whole == instant else whole + MINUTE


def _words(rule: str, finding: Finding | None) -> Bilingual:
    if finding is None:
        return NOT_DUE_WORDS if rule == NOT_DUE else SILENCE
    return Bilingual(say(finding, "en"), say(finding, "zh"))


def _next_entries(
    connection: Connection,
    *,
    cipher: Cipher,
    campaign_id: int,
    policy: Policy,
    now: datetime,
    after: int,
    caller_id: str | None,
) -> tuple[list[_Asked], int | None]:
    """The next chunk with what the gate needs to know, and where it ended; None at the end."""
    campaign = load_campaign(connection, campaign_id)
    rows = connection.execute(_NEXT, {"campaign": campaign_id, "after": after, "n": CHUNK}).all()
    if campaign is None or not rows:
        return [], None
    reservation = _asked_for(campaign, caller_id)
    common = common_facts(connection, reservation, policy, now)
    subjects = [subject_of(cipher, row) for row in rows]
    known = [subject for subject, row in zip(subjects, rows, strict=True) if row.is_known]
    facts = iter(gather_many(connection, known, reservation, policy, now) if known else ())
    mode = campaign.settings.mode
    asked = [
        _Asked(
            subject, row.due_at, _as_placed(next(facts) if row.is_known else plain_facts(common, subject), row, mode)
        )
        for subject, row in zip(subjects, rows, strict=True)
    ]
    return asked, rows[-1].contact_id


def _as_placed(facts: GateFacts, row: AnyRow, mode: CampaignMode) -> GateFacts:
    """A promised callback goes its own way, a preview is dialed by the collector who looks at it."""
    is_callback, has_collector = row.callback_at is not None, row.callback_agent_id is not None
    if not is_callback and mode is not CampaignMode.PREVIEW:
        return facts
    path = CallPath.CALLBACK if is_callback else facts.path
    return replace(facts, path=path, dedicated_agent=has_collector or mode is CampaignMode.PREVIEW)


def _asked_for(campaign: Campaign, caller_id: str | None) -> Reservation:
    """What the campaign's loop would ask for, with the first of its caller IDs where none is named."""
    settings = campaign.settings
    if caller_id is None:
        caller_id = settings.caller_ids[0] if settings.caller_ids else ""
    return Reservation.of_campaign(campaign, 0, 0, settings.mode.path, "", caller_id=caller_id)
