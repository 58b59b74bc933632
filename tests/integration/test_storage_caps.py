"""What the gate is told of a call: every scope, event and sum, now and as of an earlier instant, on both engines."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, update

from dialer.compliance.counting import Counted
from dialer.compliance.demand import BudgetDemand, TallyDemand
from dialer.compliance.facts import BudgetUse, Consent, Event, GateFacts, Inconvenient, OwnNumber, Scope, Tally
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.compliance.spans import Ever, Rolling
from dialer.model.attempt import Attempt, CallPath, Disposition, Settlement
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.decision import Decision
from dialer.model.entry import Candidate, Reservation, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.model.suppression import NewConsent, NewInconvenience
from dialer.storage import Listing, Storage, tables
from dialer.storage.history import gather, gather_many, load_subject
from dialer.storage.tallies import Budgets, budget_use, tally
from tests.support.policy import HOUSE_NUMBER
from tests.support.rules import cap, policy_of
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

HOUR = 60 * MINUTE
EVERYTHING = (
    cap("phone", 9, span={"ever": True}),
    cap("person", 9, span={"ever": True}),
    cap("case", 9, span={"ever": True}),
    {"kind": "third_party", "permitted": "when_lost"},
)


@pytest.fixture(scope="module")
def everything() -> Policy:
    """Asks for all there is."""
    return policy_of(*EVERYTHING)


@pytest.fixture(scope="module")
def nothing() -> Policy:
    """Asks for no history at all."""
    return policy_of({"kind": "case_open"})


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def facts_of(
    dialing: Dialing, wanted: Reservation, now: datetime = MONDAY, as_of: datetime | None = None
) -> GateFacts:
    """What a reservation would be decided on; of many at a time the same."""
    storage = dialing.storage

    def work(connection: Connection) -> GateFacts:
        subject = load_subject(connection, storage.cipher, wanted.contact_id, wanted.phone_id)
        facts = gather(connection, subject, wanted, dialing.policy, now, as_of)
        if as_of is None:
            assert gather_many(connection, [subject], wanted, dialing.policy, now) == [facts]
        return facts

    return await storage._database.read(work)


async def settled(
    dialing: Dialing, wanted: Reservation, disposition: Disposition, at: datetime = MONDAY, **told: object
) -> Attempt:
    attempt = await dialing.reserve(wanted, at)
    settlement = Settlement(attempt.attempt_id, disposition, at + MINUTE, **told)  # type: ignore[arg-type]
    await dialing.storage.attempts.settle(settlement, None, at + MINUTE)
    return attempt


def on(wanted: Reservation, candidate: Candidate, nth: int) -> Reservation:
    """The same for another number of the contact."""
    return replace(wanted, phone_id=candidate.contact.phones[nth].phone_id)


async def test_attempts_come_once_and_say_what_they_share(
    storage: Storage, everything: Policy, nothing: Policy
) -> None:
    """A number of two persons, a person of two cases, a case of two: all that touches the call, oldest first."""
    shared = NewPhone("+8613800000000")
    listed = [
        NewContact("p1", "c1", (shared, NewPhone("+8613800000001"))),
        NewContact("p1", "c2", (NewPhone("+8613800000002"),)),
        NewContact("p2", "c1", (NewPhone("+8613800000003", PhoneRole.THIRD_PARTY),)),
        NewContact("p3", "c3", (shared, NewPhone("+8613800000004"))),
    ]
    campaign_id = await run_campaign(storage, listed)
    other = await run_campaign(storage, contacts(1, offset=50))
    dialing = Dialing(storage, nothing)
    by_case = {(c.contact.person_ref, c.contact.case_ref): c for c in await dialing.claim(campaign_id, 9)}
    mine, case2, of_p2, of_p3 = (by_case[key] for key in (("p1", "c1"), ("p1", "c2"), ("p2", "c1"), ("p3", "c3")))
    asked = [
        dialing.by_hand(mine),
        on(dialing.by_hand(mine), mine, 1),
        dialing.by_hand(case2),
        dialing.by_hand(of_p2),
        replace(dialing.by_hand(of_p3), campaign_id=other),
        on(dialing.by_hand(of_p3), of_p3, 1),  # nothing in common
    ]
    for n, wanted in enumerate(asked):
        await settled(dialing, wanted, Disposition.NO_ANSWER, MONDAY + n * MINUTE)
    facts = await facts_of(Dialing(storage, everything), asked[0], MONDAY + HOUR)
    told = [
        (earlier.same_phone, earlier.same_person, earlier.same_case, earlier.same_campaign, earlier.role)
        for earlier in facts.attempts
    ]
    assert told == [
        (True, True, True, True, PhoneRole.OWN),
        (False, True, True, True, PhoneRole.OWN),
        (False, True, False, True, PhoneRole.OWN),
        (False, False, True, True, PhoneRole.THIRD_PARTY),
        (True, False, False, False, PhoneRole.OWN),
    ]
    assert [earlier.placed_at for earlier in facts.attempts] == [MONDAY + n * MINUTE for n in range(5)]


async def test_what_is_open_counts_however_old_it_is(storage: Storage, nothing: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, nothing)
    (candidate,) = await dialing.claim(campaign_id)
    wanted = dialing.by_hand(candidate)
    long_ago = MONDAY - timedelta(days=400)
    await dialing.reserve(wanted, long_ago)
    await storage.attempts.recover("node1", long_ago)
    await dialing.reserve(on(wanted, candidate, 1), long_ago)
    await settled(dialing, wanted, Disposition.NO_ANSWER, MONDAY - MINUTE)
    facts = await facts_of(dialing, wanted)
    assert [(earlier.unknown, earlier.in_flight) for earlier in facts.attempts] == [(True, False), (False, True)]
    released = await dialing.reserve(wanted, MONDAY)
    await storage.attempts.release(released.attempt_id, "no trunk", MONDAY)
    assert len((await facts_of(dialing, wanted)).attempts) == 2


@pytest.mark.parametrize(
    ("scope", "mine", "others"),
    [
        (Scope.CALLER_ID, {"caller_id": "95588"}, {"caller_id": "95599"}),
        (Scope.COLLECTOR, {"agent_id": 7}, {"agent_id": 8}),
        (Scope.AGENCY, {"agency": "north"}, {"agency": "south"}),
        (Scope.CAMPAIGN, {"campaign_id": 1}, {"campaign_id": 2}),
        (Scope.CAMPAIGN_TRUNK, {"trunk": "a"}, {"trunk": "b"}),
    ],
)
async def test_wide_scopes_count_their_own_key(
    storage: Storage, nothing: Policy, scope: Scope, mine: dict[str, object], others: dict[str, object]
) -> None:
    campaign_id = await run_campaign(storage, contacts(8))
    await run_campaign(storage, contacts(1, offset=50))
    dialing = Dialing(storage, nothing)
    wanted = [dialing.by_hand(candidate) for candidate in await dialing.claim(campaign_id, 8)]
    for n, one in enumerate(wanted[:6]):
        asked = replace(one, **(others if n == 2 else mine))  # type: ignore[arg-type]
        await settled(dialing, asked, Disposition.NO_ANSWER, MONDAY + n * MINUTE)
    demand = TallyDemand("k", scope, Event.PLACED, False, Rolling(1800), "Asia/Shanghai", 4)
    this = replace(wanted[7], **mine)  # type: ignore[arg-type]

    async def count(now: datetime, limit: int = 4, as_of: datetime | None = None) -> Tally:
        wanted_now = replace(demand, limit=limit)
        return await storage._database.read(lambda connection: tally(connection, wanted_now, this, now, as_of))

    at = MONDAY + 10 * MINUTE
    assert await count(at) == Tally("k", 4, MONDAY + MINUTE), "the four newest; the limiting one leaves first"
    assert await count(at, 5) == Tally("k", 5, MONDAY)
    assert await count(at, 6) == Tally("k", 5)
    assert await count(MONDAY + 30 * MINUTE, 5) == Tally("k", 4), "half an hour after the first it has left"
    assert await count(at, as_of=MONDAY + 3 * MINUTE) == Tally("k", 3), "what was not known then does not count"
    assert await count(MONDAY - HOUR) == Tally("k", 4, MONDAY + MINUTE), "the clock stepped back: they count"


async def test_nobody_is_no_scope(storage: Storage) -> None:
    """Without a collector, and for the house itself, there is nobody whose calls could be counted."""
    for scope in (Scope.COLLECTOR, Scope.AGENCY):
        demand = TallyDemand("k", scope, Event.PLACED, False, Ever(), "Asia/Shanghai", 1)
        asked = Reservation(1, 1, 1, "manual", "node1")  # type: ignore[arg-type]
        assert await storage._database.read(
            lambda connection, demand=demand, asked=asked: tally(connection, demand, asked, MONDAY)  # type: ignore[misc]
        ) == Tally("k", 0)


async def test_a_tally_counts_what_the_rules_would(storage: Storage, nothing: Policy, everything: Policy) -> None:
    """The events in the words of the database are those of the rules, whatever became of an attempt."""
    rang, answered = {"ringing_at": MONDAY}, {"ringing_at": MONDAY, "answered_at": MONDAY}
    ends = [(disposition, told) for disposition, told in product(Disposition, ({}, rang, answered))]
    listed = [replace(contact, person_ref="one") for contact in contacts(2 * len(ends) + 2)]
    campaign_id = await run_campaign(storage, listed)
    dialing = Dialing(storage, nothing)
    wanted = [dialing.by_hand(candidate) for candidate in await dialing.claim(campaign_id, len(listed))]
    words = [(right_party, conversation) for right_party in (None, True, False) for conversation in (None, True, False)]
    made = [await settled(dialing, one, *end[:1], **end[1]) for one, end in zip(wanted, ends * 2, strict=False)]  # type: ignore[arg-type]
    await storage._database.write(lambda connection: _say(connection, made, words))
    await dialing.reserve(wanted[-2])
    asked = wanted[-1]
    facts = await facts_of(Dialing(storage, everything), asked, MONDAY + HOUR)
    assert len(facts.attempts) == len(made) + 1
    for happened, unreached_only in product(Event, (False, True)):
        demand = TallyDemand("k", Scope.CAMPAIGN, happened, unreached_only, Ever(), "Asia/Shanghai", 1000)
        counted = await storage._database.read(
            lambda connection, demand=demand: tally(connection, demand, asked, MONDAY + HOUR)  # type: ignore[misc]
        )
        by_rules = Counted(Scope.PERSON, happened, unreached_only).of(facts.attempts)
        assert counted.used == len(by_rules), (happened, unreached_only)


def _say(connection: Connection, made: Sequence[Attempt], words: Sequence[tuple[bool | None, bool | None]]) -> None:
    for n, attempt in enumerate(made):
        right_party, conversation = words[n % len(words)]
        mine = update(tables.attempts).where(tables.attempts.c.attempt_id == attempt.attempt_id)
        connection.execute(mine.values(right_party=right_party, conversation=conversation))


async def test_a_trunk_fault_that_rang_was_noticed(storage: Storage, nothing: Policy, everything: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, nothing)
    (candidate,) = await dialing.claim(campaign_id)
    wanted = dialing.by_hand(candidate)
    await settled(dialing, wanted, Disposition.TRUNK_CONGESTION)
    await settled(dialing, wanted, Disposition.TRUNK_CONGESTION, MONDAY + MINUTE, ringing_at=MONDAY + MINUTE)
    facts = await facts_of(Dialing(storage, everything), wanted, MONDAY + HOUR)
    assert [earlier.placed for earlier in facts.attempts] == [False, True]
    assert facts.attempts[1].disposition is Disposition.NO_ANSWER


async def test_all_that_is_on_record_of_a_person(storage: Storage, nothing: Policy) -> None:
    listed = [
        replace(contacts(1)[0], regions=("US-MA",), case_ref="c1", person_ref="p"),
        replace(contacts(2)[1], case_ref="c2", person_ref="p"),
    ]
    campaign_id = await run_campaign(storage, listed)
    registry = Registry((RegisteredNumber(HOUSE_NUMBER, ("collection",), "north"),), frozenset({"north"}))
    dialing = Dialing(storage, replace(nothing, registry=registry))
    by_case = {candidate.contact.case_ref: candidate for candidate in await dialing.claim(campaign_id, 2)}
    candidate = by_case["c1"]
    number = candidate.phone.number
    wanted = replace(dialing.by_hand(candidate), agency="north", creditor="bank", product="card", agent_id=7)
    bare = await facts_of(dialing, wanted)
    assert (bare.agency, bare.agency_listed, bare.creditor, bare.product) == ("north", True, "bank", "card")
    assert (bare.dedicated_agent, bare.regions, bare.own_numbers) == (True, ("US-MA", "CN"), None)
    assert bare.zones.zones == ("America/New_York", "Asia/Shanghai")
    assert (bare.caller_id.purposes, bare.caller_id.agency) == (("collection",), "north")
    assert not (await facts_of(dialing, replace(wanted, agency="south"))).agency_listed
    stated = [NewConsent("p", "night", MONDAY, "letter"), NewConsent("p", "contact", MONDAY, "call", case_ref="c1")]
    foreign = NewConsent("p", "agreement", MONDAY, "call", case_ref="c2")
    ids = [await storage.consents.record(given, MONDAY) for given in (*stated, foreign)]
    morning = NewInconvenience("p", "call", weekdays=(0, 2), from_minute=480, to_minute=600)
    for said in (morning, NewInconvenience("p", "call", number), NewInconvenience("p", "call", "+8613999999999")):
        await storage.inconveniences.add(said, MONDAY)
    await storage.cases.set_status("c2", CaseStatus.COMPLAINT, MONDAY)
    facts = await facts_of(dialing, wanted)
    assert facts.consents == (Consent("night", MONDAY), Consent("contact", MONDAY))
    assert facts.inconvenient == (Inconvenient((0, 2), 480, 600), Inconvenient())
    assert (facts.case_status, facts.person_stop, facts.do_not_call) == (CaseStatus.OPEN, CaseStatus.COMPLAINT, False)
    await storage.consents.withdraw(ids[0], "wang", MONDAY + MINUTE)
    await storage.cases.set_status("c1", CaseStatus.PAID, MONDAY + MINUTE)
    await storage.cases.set_status("c2", CaseStatus.OPEN, MONDAY + MINUTE)
    await storage.do_not_call.add_number(number, Listing("letter", "wants it"), MONDAY + MINUTE)
    later = await facts_of(dialing, wanted)
    assert later.consents == (Consent("contact", MONDAY),)
    assert (later.case_status, later.person_stop, later.do_not_call) == (CaseStatus.PAID, None, True)
    assert await facts_of(dialing, wanted, as_of=MONDAY) == facts, "what was known then is known for ever"
    assert await facts_of(dialing, wanted, as_of=MONDAY - MINUTE) == bare


async def test_the_past_as_it_was_known(storage: Storage, everything: Policy, nothing: Policy) -> None:
    """In flight, unknown, reconciled, wrapped up: each seen from every instant between."""
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, nothing)
    (candidate,) = await dialing.claim(campaign_id)
    wanted = dialing.by_hand(candidate)
    lost = await dialing.reserve(wanted, MONDAY)
    await storage.attempts.recover("node1", MONDAY + 10 * MINUTE)
    await storage.attempts.reconcile(lost.attempt_id, Disposition.NO_ANSWER, "wang", MONDAY + 20 * MINUTE)
    at = MONDAY + 30 * MINUTE
    talked = await dialing.reserve(wanted, at)
    settlement = Settlement(
        talked.attempt_id,
        Disposition.CONNECTED,
        at + 5 * MINUTE,
        ringing_at=at + MINUTE,
        answered_at=at + 2 * MINUTE,
        connected_at=at + 3 * MINUTE,
    )
    await storage.attempts.settle(settlement, None, at + 5 * MINUTE)
    wrapped_at = at + 8 * MINUTE
    await storage.wrap_ups.record(
        WrapUp(talked.attempt_id, 7, "ptp", wrapped_at, {}), WrapUpEffects(right_party=True), wrapped_at
    )
    released = await dialing.reserve(wanted, at + 10 * MINUTE)
    await storage.attempts.release(released.attempt_id, "no trunk", at + 11 * MINUTE)

    async def known(as_of: datetime) -> list[tuple[object, ...]]:
        facts = await facts_of(Dialing(storage, everything), wanted, MONDAY + HOUR, as_of)
        return [(a.disposition, a.alerted, a.answered, a.right_party, a.conversation) for a in facts.attempts]

    silent = (None, False, False, None, None)
    unknown, reconciled = ((end, False, False, None, None) for end in (Disposition.UNKNOWN, Disposition.NO_ANSWER))
    assert await known(MONDAY - MINUTE) == []
    assert await known(MONDAY + MINUTE) == [silent]
    assert await known(MONDAY + 15 * MINUTE) == [unknown]
    assert await known(MONDAY + 25 * MINUTE) == [reconciled]
    assert await known(at + MINUTE) == [reconciled, (None, True, False, None, None)]
    assert await known(at + 4 * MINUTE) == [reconciled, (None, True, True, None, None)]
    assert await known(at + 6 * MINUTE) == [reconciled, (Disposition.CONNECTED, True, True, None, None)]
    wrapped = (Disposition.CONNECTED, True, True, True, True)
    assert await known(at + 9 * MINUTE) == [reconciled, wrapped]
    assert await known(at + 10 * MINUTE) == [reconciled, wrapped, silent]
    assert await known(at + 12 * MINUTE) == [reconciled, wrapped]
    now = await facts_of(Dialing(storage, everything), wanted, MONDAY + HOUR)
    assert now == await facts_of(Dialing(storage, everything), wanted, MONDAY + HOUR, MONDAY + HOUR)


async def test_how_the_own_numbers_fared(storage: Storage, nothing: Policy, everything: Policy) -> None:
    """Over all contacts of the person; a stranger who answers is a failure, a call that reached them starts anew."""
    third = NewPhone("+8613700000000", PhoneRole.THIRD_PARTY)
    own = [NewPhone(f"+861360000000{n}") for n in range(3)]
    listed = [NewContact("p", "c1", (own[0], third)), NewContact("p", "c2", (own[0], own[1], own[2]))]
    campaign_id = await run_campaign(storage, listed)
    dialing = Dialing(storage, nothing)
    by_case = {candidate.contact.case_ref: candidate for candidate in await dialing.claim(campaign_id, 2)}
    first, second = by_case["c1"], by_case["c2"]
    ends = [
        (first, 0, Disposition.NO_ANSWER, None),
        (second, 0, Disposition.CONNECTED, True),
        (first, 0, Disposition.BUSY, None),
        (second, 0, Disposition.CONNECTED, False),
        (second, 0, Disposition.TRUNK_CONGESTION, None),
        (second, 0, Disposition.CANCELLED, None),
        (second, 1, Disposition.BAD_NUMBER, None),
        (second, 1, Disposition.BAD_NUMBER, None),
        (first, 1, Disposition.CONNECTED, None),  # the third party
    ]
    for n, (candidate, nth, disposition, right_party) in enumerate(ends):
        wanted = on(dialing.by_hand(candidate), candidate, nth)
        attempt = await settled(dialing, wanted, disposition, MONDAY + n * MINUTE)
        await storage._database.write(
            lambda connection, attempt=attempt, word=right_party: _say(connection, [attempt], [(word, None)])  # type: ignore[misc]
        )
    asked = on(dialing.by_hand(first), first, 1)
    facts = await facts_of(Dialing(storage, everything), asked, MONDAY + HOUR)
    assert facts.own_numbers is not None
    assert sorted(facts.own_numbers, key=lambda fared: (fared.failures_in_a_row, fared.times_invalid)) == [
        OwnNumber(0, 0),
        OwnNumber(2, 0),
        OwnNumber(2, 2),
    ]
    before = await facts_of(Dialing(storage, everything), asked, MONDAY + HOUR, MONDAY + 90 * timedelta(seconds=1))
    assert before.own_numbers is not None
    assert sorted(fared.failures_in_a_row for fared in before.own_numbers) == [0, 0, 1]


async def test_the_abandonment_budget(storage: Storage, nothing: Policy) -> None:
    """Who talked to nobody was no live call; the counts are at most two seconds old."""
    campaign_id = await run_campaign(storage, contacts(12))
    dialing = Dialing(storage, nothing)
    wanted = [dialing.by_hand(candidate) for candidate in await dialing.claim(campaign_id, 12)]
    ends = (*(Disposition.CONNECTED,) * 3, Disposition.REMINDED, Disposition.ABANDONED, Disposition.MACHINE)
    made = [
        await settled(dialing, one, end, MONDAY + n * MINUTE)
        for n, (one, end) in enumerate(zip(wanted, (*ends, Disposition.MESSAGE_LEFT, Disposition.BUSY), strict=False))
    ]
    await storage._database.write(lambda connection: _say(connection, made[:2], [(False, False), (True, True)]))
    day = BudgetDemand("k", Rolling(86400), "Asia/Shanghai")
    budgets = Budgets()

    async def used(now: datetime, demand: BudgetDemand = day, as_of: datetime | None = None) -> BudgetUse:
        if as_of is None:
            return await storage._database.read(lambda connection: budgets.use(connection, demand, campaign_id, now))
        return await storage._database.read(lambda connection: budget_use(connection, demand, campaign_id, now, as_of))

    at = MONDAY + HOUR
    assert await used(at) == BudgetUse("k", 4, 1, 2, MONDAY + 5 * MINUTE, MONDAY + 7 * MINUTE)
    await settled(dialing, wanted[8], Disposition.ABANDONED, at)
    assert (await used(at + timedelta(seconds=1))).abandoned == 1
    assert await used(at + timedelta(seconds=2)) == BudgetUse("k", 5, 2, 2, at + MINUTE, MONDAY + 7 * MINUTE)
    budgets.forget()
    assert (await used(at, as_of=MONDAY + 3 * MINUTE)).live == 2
    assert await used(at + timedelta(days=1, minutes=2)) == BudgetUse("k", 0, 0, 0)
    assert (await used(at + timedelta(days=9), replace(day, span=Ever()))).live == 5


CAPS = {
    "calendar day": (policy_of(cap("person", 2)), MONDAY + 14 * HOUR),
    "rolling hour": (policy_of(cap("person", 2, span={"rolling_hours": 1})), MONDAY + HOUR),
    "for ever": (policy_of(cap("person", 2, span={"ever": True})), None),
}


@pytest.mark.parametrize("span", CAPS)
async def test_a_cap_of_each_span_refuses_and_says_until_when(storage: Storage, span: str) -> None:
    policy, until = CAPS[span]
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, policy)
    (candidate,) = await dialing.claim(campaign_id)
    for nth in range(2):
        await settled(dialing, on(dialing.by_hand(candidate), candidate, nth), Disposition.BUSY, MONDAY + nth * MINUTE)
    refused = await dialing.ask(dialing.by_hand(candidate), MONDAY + 30 * MINUTE)
    assert isinstance(refused, Decision)
    assert (refused.rule, refused.retry_at) == ("test.0", until)


SCOPES = ("phone", "person", "case", "caller_id", "collector", "campaign", "campaign_trunk", "agency")
BUDGET = {"kind": "abandonment", "span": {"rolling_hours": 24}, "limit": 0.03, "effect": "dedicated_agent"}
ALL_RULES = policy_of(*(cap(scope, 3) for scope in SCOPES), {"kind": "third_party", "permitted": "when_lost"}, BUDGET)


async def test_every_question_is_answered_by_an_index(tmp_path: Path) -> None:
    """However long the history of a house grows, a reservation reads only what concerns it."""
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        campaign_id = await run_campaign(storage, contacts(1))
        asked = Reservation(campaign_id, 1, 1, CallPath.MANUAL, "node1", None, 7, HOUSE_NUMBER, "trunk", agency="north")

        def work(connection: Connection) -> list[str]:
            asked_for: list[tuple[str, Any]] = []
            event.listen(connection, "after_cursor_execute", lambda *told: asked_for.append((told[2], told[3])))
            subject = replace(load_subject(connection, storage.cipher, 1, 1), role=PhoneRole.THIRD_PARTY)
            gather(connection, subject, asked, ALL_RULES, MONDAY)
            gather_many(connection, [subject], asked, ALL_RULES, MONDAY)
            gather(connection, subject, asked, ALL_RULES, MONDAY, MONDAY)
            explained = [(f"EXPLAIN QUERY PLAN {statement}", parameters) for statement, parameters in asked_for]
            return [row[3] for said in explained for row in connection.exec_driver_sql(*said)]

        plan = await storage._database.read(work)
    scans = {step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step and "anon_" not in step}
    assert not scans
    for key in ("number", "person", "case"):
        assert sum(f"ix_attempts_open_{key}" in step for step in plan) == 2, "what is open has an index of its own"
