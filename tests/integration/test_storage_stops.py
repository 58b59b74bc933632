"""A case that is stopped and opened again: nothing promised is forgotten, nothing is dialed before its time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.model.attempt import CallPath, Disposition
from dialer.model.contact import CaseStatus
from dialer.model.decision import Decision
from dialer.model.entry import Candidate, NextStep, WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.storage import Listing, Storage
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(("cn-bank-card",))


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
