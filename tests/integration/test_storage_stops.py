"""Stops: whom they concern, what they leave behind, and what is called again when they are lifted.

Nothing promised is forgotten, nothing is dialed before its time. On both engines.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from dialer.campaigns.loop.stop_watch import SeenStops
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.model.attempt import Attempt, CallPath, Disposition, Settlement
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.contact import PERSON_STOPS, CaseStatus, PhoneRole
from dialer.model.decision import Decision
from dialer.model.entry import Candidate, NextStep, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.model.suppression import CaseChange, CaseChanged, Stop
from dialer.storage import Listing, Storage
from dialer.storage.do_not_call import STOP_REASON
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture
def dialing(storage: Storage, policy: Policy) -> Dialing:
    return Dialing(storage, policy)


async def stop_and_open(storage: Storage, candidate: Candidate) -> None:
    case_ref = candidate.contact.case_ref
    for status in (CaseStatus.HOLD, CaseStatus.OPEN):
        assert (await storage.cases.set_status(case_ref, status, MONDAY)).entries == 1


async def test_a_callback_keeps_its_time_and_its_collector(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await dialing.settle(attempt, Disposition.CONNECTED)
    promise = WrapUp(attempt.attempt_id, 7, "later", MONDAY, {}, callback_at=MONDAY + 3 * HOUR)
    effects = WrapUpEffects(callback_at=MONDAY + 3 * HOUR, callback_agent_id=7)
    await storage.wrap_ups.record(promise, effects, MONDAY)
    await stop_and_open(storage, candidate)
    assert await dialing.claim(campaign_id, now=MONDAY + HOUR) == ()
    assert await storage.entries.claim(campaign_id, "node1", 1, MONDAY + 3 * HOUR, agents=()) == ()
    (again,) = await storage.entries.claim(campaign_id, "node1", 1, MONDAY + 3 * HOUR, agents=(7,))
    assert (again.path, again.agent_id) == (CallPath.CALLBACK, 7)


async def test_a_retry_keeps_its_delay(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    step = NextStep(candidate.phone.phone_id, MONDAY + HOUR, exhausted=False, reason="after no_answer")
    await dialing.settle(attempt, Disposition.NO_ANSWER, step=step)
    await stop_and_open(storage, candidate)
    assert await dialing.claim(campaign_id, now=MONDAY + MINUTE) == ()
    assert len(await dialing.claim(campaign_id, now=MONDAY + HOUR)) == 1


async def test_what_a_call_led_to_holds_after_a_stop_during_it(storage: Storage, dialing: Dialing) -> None:
    """The case was on hold while the call was up: the retry it asked for is not due at once when the case opens."""
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    case_ref, other = candidate.contact.case_ref, candidate.contact.phones[1]
    await storage.cases.set_status(case_ref, CaseStatus.HOLD, MONDAY)
    step = NextStep(other.phone_id, MONDAY + HOUR, exhausted=False, reason="after busy")
    await dialing.settle(attempt, Disposition.BUSY, step=step)
    assert (await storage.entries.counts(campaign_id, MONDAY)).stopped == 1
    await storage.cases.set_status(case_ref, CaseStatus.OPEN, MONDAY)
    assert await dialing.claim(campaign_id, now=MONDAY + MINUTE) == ()
    (again,) = await dialing.claim(campaign_id, now=MONDAY + HOUR)
    assert again.phone == other


async def test_a_person_who_was_reached_is_not_called_again_after_a_hold(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await storage.cases.set_status(candidate.contact.case_ref, CaseStatus.HOLD, MONDAY)
    await dialing.settle(attempt, Disposition.CONNECTED)
    await storage.cases.set_status(candidate.contact.case_ref, CaseStatus.OPEN, MONDAY)
    assert await dialing.claim(campaign_id, now=MONDAY + HOUR) == ()
    assert (await storage.entries.counts(campaign_id, MONDAY)).done == 1


async def test_a_case_opened_during_its_call_waits_for_the_call(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await stop_and_open(storage, candidate)
    assert await dialing.claim(campaign_id, now=MONDAY + MINUTE) == ()
    await dialing.settle(attempt, Disposition.CONNECTED)
    assert (await storage.entries.counts(campaign_id, MONDAY)).done == 1


async def test_a_listed_person_is_called_on_no_number_and_for_no_case(storage: Storage, dialing: Dialing) -> None:
    person = contacts(1)[0]
    twin = replace(contacts(1, offset=5)[0], person_ref=person.person_ref)
    campaign_id = await run_campaign(storage, [person, twin])
    await storage.do_not_call.add_person(person.person_ref, Listing("call", "objection"), MONDAY)
    for candidate in await dialing.claim(campaign_id, 10):
        for phone in candidate.contact.phones:
            reservation = dialing.reservation(replace(candidate, phone=phone))
            refused = await dialing.ask(reservation)
            assert isinstance(refused, Decision)
            assert (refused.rule, refused.retry_at) == ("cn.do-not-call", None)


async def test_an_end_nobody_knows_is_no_reason_to_dial_again(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    await dialing.reserve(dialing.reservation(candidate))
    await storage.cases.set_status(candidate.contact.case_ref, CaseStatus.HOLD, MONDAY)
    assert await storage.attempts.recover("node1", MONDAY) == 1
    await storage.cases.set_status(candidate.contact.case_ref, CaseStatus.OPEN, MONDAY)
    assert await dialing.claim(campaign_id, now=MONDAY + HOUR) == ()
    assert (await storage.entries.counts(campaign_id, MONDAY)).reconcile == 1


# ---- whole persons


def family() -> list[NewContact]:
    """A debtor with two cases, the guarantor of the first with one of their own, and a stranger."""
    debtor, own, guaranteed, other, stranger = contacts(5)
    return [
        replace(debtor, person_ref="debtor", case_ref="shared"),
        replace(own, person_ref="debtor", case_ref="debtor's own"),
        replace(guaranteed, person_ref="guarantor", case_ref="shared"),
        replace(other, person_ref="guarantor", case_ref="guarantor's own"),
        stranger,
    ]


async def stopped(storage: Storage, campaign_id: int) -> int:
    return (await storage.entries.counts(campaign_id, MONDAY)).stopped


@pytest.mark.parametrize("status", sorted(PERSON_STOPS))
async def test_some_statuses_stop_every_case_of_every_person(
    storage: Storage, dialing: Dialing, status: CaseStatus
) -> None:
    campaign_id = await run_campaign(storage, family())
    claimed = await dialing.claim(campaign_id, 10)
    changed = await storage.cases.set_status("shared", status, MONDAY, source="letter", node="node1")
    why = f"the case is {status.value}"
    people = ("debtor", "guarantor")
    assert changed == CaseChanged(4, (Stop(why, case_ref="shared"), *(Stop(why, person_ref=name) for name in people)))
    assert await stopped(storage, campaign_id) == 4
    for candidate in claimed:
        answer = await dialing.ask(dialing.reservation(candidate))
        assert isinstance(answer, Attempt) == (candidate.contact.person_ref == "person-4")
    assert (await storage.cases.set_status("shared", CaseStatus.PAID, MONDAY)).entries == 2
    assert await stopped(storage, campaign_id) == 2, "what only the person's stop held back is free, the case is not"


@pytest.mark.parametrize("status", sorted(set(CaseStatus) - PERSON_STOPS - {CaseStatus.OPEN}))
async def test_other_statuses_stop_the_case_alone(storage: Storage, status: CaseStatus) -> None:
    campaign_id = await run_campaign(storage, family())
    changed = await storage.cases.set_status("shared", status, MONDAY)
    assert changed == CaseChanged(2, (Stop(f"the case is {status.value}", case_ref="shared"),))
    assert await storage.cases.set_status("shared", CaseStatus.OPEN, MONDAY) == CaseChanged(2)
    assert await stopped(storage, campaign_id) == 0


async def test_entries_are_free_when_the_last_stop_is_lifted(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, family())
    listed = await storage.do_not_call.add_person("debtor", Listing("letter", "asked"), MONDAY)
    assert await stopped(storage, campaign_id) == 2
    for case_ref in ("shared", "debtor's own"):
        await storage.cases.set_status(case_ref, CaseStatus.COMPLAINT, MONDAY)
    assert await stopped(storage, campaign_id) == 4
    await storage.cases.set_status("shared", CaseStatus.OPEN, MONDAY)
    assert await stopped(storage, campaign_id) == 2, "the debtor complains of the other case still"
    await storage.cases.set_status("debtor's own", CaseStatus.OPEN, MONDAY)
    assert await stopped(storage, campaign_id) == 2, "and is on the list"
    assert await storage.do_not_call.remove(listed, "admin", MONDAY)
    assert await stopped(storage, campaign_id) == 0
    assert len(await dialing.claim(campaign_id, 10)) == 5


async def test_who_is_stopped_already_is_stopped_in_the_next_campaign(storage: Storage, dialing: Dialing) -> None:
    await storage.cases.set_status("shared", CaseStatus.BEREAVEMENT, MONDAY)
    await storage.do_not_call.add_person("person-4", Listing("letter", "asked"), MONDAY)
    campaign_id = await run_campaign(storage, family())
    assert await stopped(storage, campaign_id) == 5
    assert await dialing.claim(campaign_id, 10) == ()
    assert (await storage.cases.set_status("shared", CaseStatus.OPEN, MONDAY)).entries == 4
    assert len(await dialing.claim(campaign_id, 10)) == 4


async def test_a_refused_entry_is_not_used_up_by_a_stop(storage: Storage, dialing: Dialing) -> None:
    """A list brings a person's stopped case in while another of theirs is claimed: it waits, it is not exhausted."""
    debtor, own = family()[:2]
    campaign_id = await run_campaign(storage, [own])
    (candidate,) = await dialing.claim(campaign_id)
    await storage.cases.set_status("shared", CaseStatus.BEREAVEMENT, MONDAY)
    await run_campaign(storage, [debtor])
    refused = await dialing.ask(dialing.reservation(candidate))
    assert isinstance(refused, Decision)
    assert refused.retry_at is None
    await storage.entries.put_back(candidate.entry_id, None, refused.reason)
    assert await stopped(storage, campaign_id) == 1
    await storage.cases.set_status("shared", CaseStatus.OPEN, MONDAY)
    assert len(await dialing.claim(campaign_id)) == 1


async def test_a_listed_persons_third_parties_are_left_alone_too(storage: Storage, dialing: Dialing) -> None:
    person = contacts(1)[0]
    relative = NewPhone("+8613700000000", PhoneRole.THIRD_PARTY)
    campaign_id = await run_campaign(storage, [replace(person, phones=(*person.phones, relative))])
    (candidate,) = await dialing.claim(campaign_id)
    await storage.do_not_call.add_person("person-0", Listing("letter", "asked"), MONDAY)
    theirs = candidate.contact.phones[-1]
    refused = await dialing.ask(dialing.by_hand(replace(candidate, phone=theirs)))
    assert theirs.role is PhoneRole.THIRD_PARTY
    assert isinstance(refused, Decision)
    assert not next(result for result in refused.evaluated if result.rule == "cn.do-not-call").allowed


async def test_every_change_of_a_case_is_on_record_once(storage: Storage) -> None:
    said = [(CaseStatus.HOLD, "api: crm"), (CaseStatus.HOLD, "api: crm"), (CaseStatus.OPEN, "api: li")]
    for minute, (status, source) in enumerate(said):
        await storage.cases.set_status("case-0", status, MONDAY + minute * MINUTE, source=source)
    await storage.cases.set_status("case-1", CaseStatus.OPEN, MONDAY)
    assert await storage.cases.changes("case-0") == (
        CaseChange(CaseStatus.HOLD, MONDAY, "api: crm"),
        CaseChange(CaseStatus.OPEN, MONDAY + 2 * MINUTE, "api: li"),
    )
    assert await storage.cases.changes("case-1") == ()
    assert await storage.cases.status("case-1") is CaseStatus.OPEN


# ---- what the nodes tell each other


async def test_every_stop_leaves_word_for_the_other_nodes(storage: Storage) -> None:
    await run_campaign(storage, contacts(1))
    listing = Listing("letter", "asked", node="node1")
    for _ in range(2):  # who is listed already is told of once
        await storage.do_not_call.add_number("+8613800000000", listing, MONDAY)
        await storage.do_not_call.add_person("person-0", listing, MONDAY)
    await storage.cases.set_status("case-0", CaseStatus.PAID, MONDAY, node="node1")
    await storage.cases.set_status("case-0", CaseStatus.OPEN, MONDAY, node="node1")
    told = await storage.stops.unseen(0)
    assert [stop for _, stop in told] == [
        Stop(STOP_REASON, number_index=storage.number_index("+8613800000000")),
        Stop(STOP_REASON, person_ref="person-0"),
        Stop("the case is paid", case_ref="case-0"),
    ]
    assert await storage.stops.newest() == told[-1][0]
    assert await storage.stops.unseen(told[-1][0], [told[0][0]]) == told[:1]
    assert await storage.stops.remove_before(MONDAY) == 0
    assert await storage.stops.remove_before(MONDAY + MINUTE) == 3
    assert await storage.stops.newest() == 0


async def test_a_stop_that_commits_late_is_found_all_the_same(postgres_url: str) -> None:
    """Ids are given before transactions commit: the lower one may appear after the higher one."""
    address = make_url(postgres_url)
    late = "INSERT INTO stops (at, node, reason, case_ref) VALUES (now(), 'node2', 'late', 'case-1') RETURNING stop_id"
    async with open_storage(postgres_url) as storage:
        seen = SeenStops(await storage.stops.newest(), 0.0)
        other = await asyncpg.connect(user=address.username, host=address.query["host"], database=address.database)
        try:
            slow = other.transaction()
            await slow.start()
            late_id = await other.fetchval(late)
            await storage.cases.set_status("case-2", CaseStatus.PAID, MONDAY)
            found = await storage.stops.unseen(seen.after, seen.missing)
            for stop_id, _ in found:
                seen.take(stop_id, 1.0)
            assert [stop.case_ref for _, stop in found] == ["case-2"]
            await slow.commit()
        finally:
            await other.close()
        assert await storage.stops.unseen(seen.after, seen.missing) == ((late_id, Stop("late", case_ref="case-1")),)


# ---- what a wrap-up says


@pytest.mark.parametrize(
    ("effects", "connected", "conversation"),
    [
        (WrapUpEffects(right_party=True), True, True),
        (WrapUpEffects(), True, True),
        (WrapUpEffects(not_a_conversation=True), True, False),
        (WrapUpEffects(not_a_conversation=True), False, False),
        (WrapUpEffects(right_party=True), False, None),
    ],
)
async def test_a_wrap_up_says_what_counts_and_proves_it(
    storage: Storage, dialing: Dialing, effects: WrapUpEffects, connected: bool, conversation: bool | None
) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    at = MONDAY if connected else None
    end = Settlement(attempt.attempt_id, Disposition.CONNECTED, MONDAY, answered_at=at, connected_at=at)
    await storage.attempts.settle(end, None, MONDAY)
    wrap_up = WrapUp(attempt.attempt_id, 7, "talked", MONDAY, {})
    assert await storage.wrap_ups.record(wrap_up, effects, MONDAY)
    assert not await storage.wrap_ups.record(wrap_up, effects, MONDAY), "and is proved once"
    links = [json.loads(link.body) for link in await storage.proof_reading.of_attempt(attempt.attempt_id)]
    (link,) = [link for link in links if link["kind"] == ProofKind.WRAP_UP.value]
    assert (link["code"], link["agent_id"], link["number"]) == ("talked", 7, "138****0000")
    assert (link["right_party"], link["conversation"]) == (effects.right_party, conversation)


@pytest.mark.parametrize(("right_party", "people"), [(True, 1), (False, 0)])
async def test_an_objection_lists_the_person_only_if_it_was_the_person(
    storage: Storage, dialing: Dialing, right_party: bool, people: int
) -> None:
    """Whoever else answers speaks for that number and for nobody else."""
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await dialing.settle(attempt, Disposition.CONNECTED)
    effects = WrapUpEffects(right_party=right_party, do_not_call=True)
    await storage.wrap_ups.record(WrapUp(attempt.attempt_id, 7, "never", MONDAY, {}), effects, MONDAY)
    assert len(await storage.do_not_call.of_number(candidate.phone.number)) == 1
    assert len(await storage.do_not_call.of_person("person-0")) == people


async def test_a_reservation_given_back_after_a_stop_leaves_no_entry_behind(storage: Storage, dialing: Dialing) -> None:
    """The stop took the lease away; where nobody puts the entry back then, it must run out as any lease does."""
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await stop_and_open(storage, candidate)
    assert await storage.attempts.release(attempt.attempt_id, "no INVITE left", MONDAY)
    assert await dialing.claim(campaign_id, now=MONDAY + MINUTE) == ()
    assert len(await dialing.claim(campaign_id, now=MONDAY + HOUR)) == 1
