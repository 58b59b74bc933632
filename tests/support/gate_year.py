"""A simulated year of a small call centre at the gate: real storage, random packs, people, crashes, races and clocks.

Everything that can change what may be dialed happens now and then: calls end in every way, cases are paid and opened,
people object, consent and name inconvenient hours, packs are changed in mid-day, the clock steps back, nodes are
killed. Each call the gate allows is put before the clerk of `naive_law`, who knows only the pack files and the calls so
far.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from dialer.compliance.packs import parse_pack
from dialer.compliance.policy import Pack, Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.errors import ConfigError
from dialer.model.attempt import Attempt, CallPath, Disposition, Settlement
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import CampaignSettings
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.entry import Reservation, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.model.suppression import NewConsent, NewInconvenience
from dialer.progress.verdict import Label
from dialer.storage import Listing, Storage
from dialer.storage.tallies import BUDGET_AGE
from schedules.calendar import load_calendar
from schedules.windows import day_start
from schedules.zones import candidates
from tests.support.gate_packs import CALENDARS, PATHS, random_pack
from tests.support.naive_law import Call, Clerk, Papers
from tests.support.verdicts import bare_verdict

logger = logging.getLogger(__name__)

FIRST_DAY = datetime(2025, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
NODE = "node1"
CALLER_IDS = ("+8640010001000", "+8640010001001", "+8640010009999")
"""The house's, the agency's, and one that nobody registered."""
NUMBERS = ("+861380000", "+1212555", "+44207946", "+8699112345")
DISPOSITIONS = (
    *[Disposition.NO_ANSWER] * 5,
    *[Disposition.CONNECTED] * 4,
    *(kind for kind in Disposition if kind is not Disposition.UNKNOWN),
)
LIVE = (Disposition.CONNECTED, Disposition.REMINDED, Disposition.ABANDONED)


@dataclass(frozen=True)
class Line:
    """A number of a contact, as it can be dialed."""

    contact_id: int
    phone_id: int
    number: str
    role: PhoneRole
    person: str
    case: str


@dataclass
class Busy:
    """A call that is up, and when it ends."""

    attempt_id: int
    call: Call
    ends_at: datetime


@dataclass
class Tally:
    """What happened in the year, so that a test can see that something did."""

    allowed: int = 0
    refused: int = 0
    rules: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)


class Year:
    """One year under one seed. The gate does not know the rules of the kind it is `blind_to`; the clerk does."""

    def __init__(self, storage: Storage, seed: int, blind_to: str = "") -> None:
        self.storage = storage
        self.blind_to = blind_to
        self.chance = random.Random(seed)
        self.now = FIRST_DAY + timedelta(hours=self.chance.random() * 24)
        self.papers = Papers()
        self.registry = Registry(
            (
                RegisteredNumber(CALLER_IDS[0], ("collection",)),
                RegisteredNumber(CALLER_IDS[1], ("collection",), "north"),
            ),
            frozenset({"north"}),
        )
        self.lines: list[Line] = []
        self.campaigns: list[int] = []
        self.busy: list[Busy] = []
        self.unknown: list[Busy] = []
        self.listed: dict[int, str] = {}
        self.judged: dict[int, tuple[Call, datetime]] = {}
        self.consents: list[tuple[int, dict[str, Any]]] = []
        self.tally = Tally()
        self.n_packs = 0
        self.packs: list[tuple[dict[str, Any], Pack]] = []
        self.retiring: list[tuple[dict[str, Any], Pack, datetime]] = []
        self.policy: Policy

    async def run(self, n_days: int) -> Tally:
        """Lives through so many working days of the year, with gaps between them."""
        await self._set_up()
        gap = YEAR / n_days
        for n in range(n_days):
            await self._day()
            await self._until(max(self.now, FIRST_DAY + gap * (n + 1)))
        return self.tally

    # ---- the world

    async def _set_up(self) -> None:
        self.papers.agencies = {"north"}
        for entry in self.registry.caller_ids:
            self.papers.registered[entry.number] = {"purposes": entry.purposes, "agency": entry.agency}
        await asyncio.to_thread(self._read_files)
        self._put_in_force()
        await self._import()

    def _read_files(self) -> None:
        for name in CALENDARS:
            calendar = load_calendar(name)
            self.papers.calendars[name] = {
                "complete_from": calendar.complete_from.isoformat(),
                "complete_through": calendar.complete_through.isoformat(),
                "holidays": {day.isoformat() for day in calendar.holidays},
                "make_up_workdays": {day.isoformat() for day in calendar.make_up_workdays},
            }
        for contact in self._people():
            self.papers.zones |= {phone.number: candidates(phone.number).zones for phone in contact.phones}
        self.packs = [self._new_pack() for _ in range(self.chance.choice([1, 1, 2]))]

    async def _import(self) -> None:
        list_id = await self.storage.lists.begin("people", "chance", NODE, self.now)
        await self.storage.lists.add(list_id, self._people())
        await self.storage.lists.finish(list_id)
        for contact in await self.storage.lists.contacts(list_id):
            self.papers.cases_of.setdefault(contact.person_ref, set()).add(contact.case_ref)
            for phone in contact.phones:
                self.lines.append(
                    Line(
                        contact.contact_id,
                        phone.phone_id,
                        phone.number,
                        phone.role,
                        contact.person_ref,
                        contact.case_ref,
                    )
                )
                if phone.role is PhoneRole.OWN:
                    self.papers.own_numbers.setdefault(contact.person_ref, set()).add(phone.number)
        for n in range(2):
            campaign = await self.storage.campaigns.create(f"campaign {n}", [list_id], CampaignSettings(), self.now)
            self.campaigns.append(campaign.campaign_id)

    def _people(self) -> list[NewContact]:
        return [self._contact(person, debt) for person in range(5) for debt in range(1 + person % 2)]

    def _contact(self, person: int, debt: int) -> NewContact:
        own = NUMBERS[person % len(NUMBERS)]
        own = own + "1234567890"[: {"+86138": 4, "+12125": 4, "+44207": 4, "+86991": 0}[own[:6]]]
        shared = "+8613800009999"  # a family's landlord, called about several people
        phones = [NewPhone(own), NewPhone(f"+86139000{person:02}{debt:03}")]
        phones.append(NewPhone(shared, PhoneRole.THIRD_PARTY))
        return NewContact(f"person-{person}", f"case-{person}-{debt}", tuple(phones))

    def _new_pack(self) -> tuple[dict[str, Any], Pack]:
        while True:
            self.n_packs += 1
            raw = random_pack(self.chance, f"chance-{self.n_packs}")
            known = raw | {"rules": [rule for rule in raw["rules"] if rule["kind"] != self.blind_to]}
            try:
                return raw, parse_pack(yaml.safe_dump(known, sort_keys=False), "chance.yaml")
            except ConfigError as contradiction:
                logger.info("chance contradicted itself: %s", contradiction)

    def _put_in_force(self) -> None:
        policy = Policy(tuple(pack for _, pack in self.packs), self.registry)
        self.policy = policy.with_retiring([(pack, until) for _, pack, until in self.retiring])

    # ---- time

    async def _day(self) -> None:
        hour = self.chance.choice([0, 1, 2, 3, 4, 6, 7, 8, 12, 13, 14, 15, 16])
        await self._until(self.now.replace(hour=hour, minute=self.chance.randrange(60)) + timedelta(days=1))
        for _ in range(self.chance.randint(8, 24)):
            await self._until(self.now + timedelta(seconds=self.chance.choice([0, 5, 40, 200, 900, 2400, 5000])))
            await self._dial()
            if self.chance.random() < 0.25:
                await self._something_happens()

    async def _until(self, instant: datetime) -> None:
        for busy in sorted(self.busy, key=lambda busy: busy.ends_at):
            if busy.ends_at <= instant:
                self.now = max(self.now, busy.ends_at)
                await self._end(busy)
        self.now = instant

    async def _something_happens(self) -> None:
        happenings = (
            *[self._change_case] * 5,
            *[self._consent] * 3,
            self._inconvenience,
            *[self._listen] * 2,
            *[self._object] * 2,
            self._change_packs,
            self._kill,
            self._reconcile,
            self._step_back,
        )
        await self.chance.choice(happenings)()

    # ---- calls

    async def _dial(self) -> None:
        """One call, or several that race for the same slot."""
        n = self.chance.choice([1, 1, 1, 2, 4])
        asked = [self._call() for _ in range(n)]
        answers = await asyncio.gather(
            *(self.storage.attempts.reserve(order, self.policy, self.now) for order, _ in asked)
        )
        allowed = [
            (answer, call)
            for answer, (_, call) in zip(answers, asked, strict=True)
            if isinstance(answer, Attempt) and answer.reserved_at == self.now
        ]
        self.tally.refused += n - len(allowed)
        self.tally.rules.update(answer.rule for answer in answers if not isinstance(answer, Attempt))
        for attempt, call in sorted(allowed, key=lambda one: one[0].attempt_id):
            self._judge(call)
            self.papers.calls.append(call)
            ends_at = self.now + timedelta(seconds=self.chance.choice([3, 20, 35, 90, 600, 4000]))
            self.busy.append(Busy(attempt.attempt_id, call, ends_at))

    def _call(self) -> tuple[Reservation, Call]:
        line, path = self.chance.choice(self.lines), self.chance.choice(PATHS)
        campaign, ring_s = self.chance.choice(self.campaigns), self.chance.choice([20.0, 38.0, 60.0])
        agent = None if path == "reminder" or self.chance.random() < 0.6 else self.chance.randint(1, 3)
        caller_id, agency = self.chance.choice(
            [(CALLER_IDS[0], "")] * 6 + [(CALLER_IDS[1], "north")] * 2 + [(CALLER_IDS[2], ""), (CALLER_IDS[0], "south")]
        )
        order = Reservation(
            campaign_id=campaign,
            contact_id=line.contact_id,
            phone_id=line.phone_id,
            path=CallPath(path),
            node=NODE,
            agent_id=agent,
            caller_id=caller_id,
            trunk="trunk",
            ring_timeout_s=ring_s,
            agency=agency,
        )
        call = Call(
            at=self.now,
            number=line.number,
            person=line.person,
            case=line.case,
            campaign=campaign,
            path=path,
            role=line.role.value,
            ring_s=ring_s,
            caller_id=caller_id,
            agent=agent,
            agency=agency,
            trunk="trunk",
        )
        return order, call

    def _judge(self, call: Call) -> None:
        self.tally.allowed += 1
        packs = [raw for raw, _ in self.packs] + [raw for raw, _, until in self.retiring if self.now < until]
        for raw in packs:
            for rule in Clerk(raw, self.papers).objections(call):
                self.tally.violations.append(f"{rule} broken by {call}")

    async def _end(self, busy: Busy) -> None:
        self.busy.remove(busy)
        call, disposition = busy.call, self.chance.choice(DISPOSITIONS)
        call.disposition, call.ended = disposition.value, self.now
        call.answered = disposition in LIVE or disposition in (Disposition.MACHINE, Disposition.MESSAGE_LEFT)
        call.rang = call.answered or self.chance.random() < 0.5
        settlement = Settlement(
            busy.attempt_id,
            disposition,
            self.now,
            trunk="trunk",
            ringing_at=self.now if call.rang else None,
            answered_at=self.now if call.answered else None,
            agent_id=call.agent,
        )
        assert await self.storage.attempts.settle(settlement, None, self.now)
        if disposition in (Disposition.MACHINE, Disposition.MESSAGE_LEFT):
            await self._keep_verdict(busy)
        if disposition is Disposition.CONNECTED and self.chance.random() < 0.8:
            await self._wrap_up(busy)

    async def _wrap_up(self, busy: Busy) -> None:
        call = busy.call
        call.right_party, call.conversation = self.chance.random() < 0.6, self.chance.random() < 0.8
        effects = WrapUpEffects(right_party=call.right_party, not_a_conversation=not call.conversation)
        said = WrapUp(busy.attempt_id, call.agent or 1, "code", self.now, {})
        assert await self.storage.wrap_ups.record(said, effects, self.now)

    async def _keep_verdict(self, busy: Busy) -> None:
        made = bare_verdict(busy.attempt_id, busy.call.campaign, self.now, Label.MACHINE)
        self.judged[await self.storage.verdict_samples.keep(made)] = busy.call, self.now

    async def _listen(self) -> None:
        """Somebody listens to what chance draws, and to one of their own choice, which does not count."""
        samples, campaign = self.storage.verdict_samples, self.chance.choice(self.campaigns)
        drawn = await samples.draw(campaign, Label.MACHINE, self.chance.choice([2, 9]), str(self.now), self.now)
        for sample in drawn:
            truth = self.chance.choice([Label.MACHINE] * 12 + [Label.HUMAN, Label.UNKNOWN])
            await samples.label(sample.sample_id, truth, "a listener", self.now)
            call, made_at = self.judged.pop(sample.sample_id)
            self.papers.heard.append((call, made_at, truth.value))
        if self.judged and self.chance.random() < 0.3:
            picked, _ = self.judged.popitem()
            await samples.label(picked, Label.HUMAN, "a listener", self.now)
        self.now += BUDGET_AGE + timedelta(seconds=1)  # until then the gate may go by what it read before

    # ---- what else happens

    async def _change_case(self) -> None:
        case, status = self.chance.choice(self.lines).case, self.chance.choice([CaseStatus.OPEN] * 5 + [*CaseStatus])
        await self.storage.cases.set_status(case, status, self.now)
        self.papers.case_status[case] = status.value
        for other, known in self.papers.case_status.items():
            if known != "open" and self.chance.random() < 0.7:
                await self.storage.cases.set_status(other, CaseStatus.OPEN, self.now)
                self.papers.case_status[other] = "open"

    async def _consent(self) -> None:
        if self.consents and self.chance.random() < 0.3:
            consent_id, paper = self.consents.pop()
            await self.storage.consents.withdraw(consent_id, "the person", self.now)
            paper["withdrawn"] = True
            return
        line, kind = self.chance.choice(self.lines), self.chance.choice(["night", "agreement", "contact"])
        case = self.chance.choice([None, line.case])
        expires = self.chance.choice([None, self.now + timedelta(hours=self.chance.randint(1, 200))])
        consent = NewConsent(line.person, kind, self.now, "a letter", expires, case_ref=case)
        consent_id = await self.storage.consents.record(consent, self.now)
        paper = {"person": line.person, "kind": kind, "case": case, "given": self.now, "expires": expires}
        self.papers.consents.append(paper | {"withdrawn": False})
        self.consents.append((consent_id, self.papers.consents[-1]))

    async def _inconvenience(self) -> None:
        line = self.chance.choice(self.lines)
        number = self.chance.choice([None, line.number])
        until = self.now + timedelta(days=self.chance.randint(1, 30))
        minutes = (12 * 60, 14 * 60) if number is None or self.chance.random() < 0.5 else (None, None)
        days = (0, 2, 4) if minutes[0] is not None and self.chance.random() < 0.5 else ()
        await self.storage.inconveniences.add(
            NewInconvenience(line.person, "the person", number, days, minutes[0], minutes[1], until), self.now
        )
        hours = ("12:00", "14:00") if minutes[0] is not None else (None, None)
        paper = {"person": line.person, "number": number, "weekdays": days, "from": hours[0], "to": hours[1]}
        self.papers.inconvenient.append(paper | {"until": until})

    async def _object(self) -> None:
        """Mostly somebody is taken off the list again, or the year would fall silent."""
        while self.listed and self.chance.random() < 0.8:
            do_not_call_id, who = self.listed.popitem()
            assert await self.storage.do_not_call.remove(do_not_call_id, "the person", self.now)
            self.papers.listed.discard(who)
        line, listing = self.chance.choice(self.lines), Listing("chance", "objects")
        if self.chance.random() < 0.5:
            listed, who = await self.storage.do_not_call.add_number(line.number, listing, self.now), line.number
        else:
            listed, who = await self.storage.do_not_call.add_person(line.person, listing, self.now), line.person
        self.listed[listed] = who
        self.papers.listed.add(who)

    async def _change_packs(self) -> None:
        """In mid-day: the old ones bind beside the new until the midnight of their zone."""
        if self.chance.random() < 0.6:
            return
        self.retiring = [(raw, pack, until) for raw, pack, until in self.retiring if self.now < until]
        for raw, pack in self.packs:
            today = self.now.astimezone(ZoneInfo(pack.zone)).date()
            self.retiring.append((raw, pack, day_start(today + timedelta(days=1), pack.zone)))
        self.packs = [await asyncio.to_thread(self._new_pack)]
        self._put_in_force()

    async def _kill(self) -> None:
        """The node dies with its calls; what it leaves in flight is unknown when it comes back."""
        n = await self.storage.attempts.recover(NODE, self.now)
        assert n == len(self.busy)
        for busy in self.busy:
            busy.call.disposition, busy.call.ended = "unknown", self.now
        self.unknown += self.busy
        self.busy = []

    async def _reconcile(self) -> None:
        while self.unknown:
            busy, disposition = self.unknown.pop(), self.chance.choice([Disposition.NO_ANSWER, Disposition.CONNECTED])
            assert await self.storage.attempts.reconcile(busy.attempt_id, disposition, "somebody", self.now)
            busy.call.disposition = disposition.value

    async def _step_back(self) -> None:
        self.now -= timedelta(seconds=self.chance.choice([1, 60, 3600, 7200, 90000]))
