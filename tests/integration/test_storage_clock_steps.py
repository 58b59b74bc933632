"""The wall clock is stepped by an hour in the middle of a campaign: nothing is dialed twice or kept for ever."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from dialer.compliance.policy import Policy
from dialer.model.attempt import Disposition
from dialer.model.decision import Decision
from dialer.model.entry import NextStep
from dialer.storage import Storage
from tests.support.policy import bank_policy
from tests.support.rules import cap, policy_of
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign
from tests.support.storage_books import check_books

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture(scope="module")
def once() -> Policy:
    return policy_of(*(cap(scope, 1) for scope in ("phone", "person", "case", "caller_id")))


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture
def dialing(storage: Storage, policy: Policy) -> Dialing:
    return Dialing(storage, policy)


async def test_forward_between_claim_and_reservation(storage: Storage, dialing: Dialing) -> None:
    """The lease is over at once and the entry is claimed again: one of the two claims dials."""
    campaign_id = await run_campaign(storage, contacts(1))
    (first,) = await dialing.claim(campaign_id)
    (second,) = await dialing.claim(campaign_id, now=MONDAY + HOUR)
    assert first.entry_id == second.entry_id
    await dialing.reserve(dialing.reservation(second), MONDAY + HOUR)
    refused = await dialing.ask(dialing.reservation(first), MONDAY + HOUR)
    assert isinstance(refused, Decision)
    await storage.entries.put_back(first.entry_id, refused.retry_at, refused.reason)  # what its caller does then
    assert (await storage.entries.counts(campaign_id, MONDAY + HOUR)).dialing == 1


async def test_back_during_a_call(storage: Storage, dialing: Dialing) -> None:
    """The attempt lies in the future then, and counts all the same."""
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id, now=MONDAY + HOUR)
    attempt = await dialing.reserve(dialing.reservation(candidate), MONDAY + HOUR)
    again = NextStep(candidate.phone.phone_id, MONDAY, exhausted=False, reason="again")
    refused = await dialing.ask(dialing.by_hand(candidate), MONDAY)
    assert isinstance(refused, Decision)
    assert refused.rule == "cn.one-call"
    await dialing.settle(attempt, Disposition.NO_ANSWER, MONDAY, again)
    n_placed = 0
    for _ in range(20):
        for candidate in await dialing.claim(campaign_id, now=MONDAY):
            outcome = await dialing.ask(dialing.reservation(candidate), MONDAY)
            if isinstance(outcome, Decision):
                await storage.entries.put_back(candidate.entry_id, outcome.retry_at, outcome.reason)
            else:
                n_placed += 1
                await dialing.settle(outcome, Disposition.NO_ANSWER, MONDAY, again)
    fresh = await run_campaign(storage, contacts(1, offset=1))
    n_allowed = 0
    (other,) = await dialing.claim(fresh)
    while not isinstance(outcome := await dialing.ask(dialing.by_hand(other)), Decision):
        await dialing.settle(outcome, Disposition.NO_ANSWER, step=None)
        n_allowed += 1
    assert n_placed + 1 <= n_allowed, "the attempt of before the step counts against the cap"


async def test_back_makes_a_lease_longer_not_endless(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    await dialing.claim(campaign_id, now=MONDAY + HOUR)
    assert await dialing.claim(campaign_id, now=MONDAY) == ()
    assert len(await dialing.claim(campaign_id, now=MONDAY + HOUR + 11 * MINUTE)) == 1


async def test_back_forgives_no_cap_of_any_scope(storage: Storage, once: Policy) -> None:
    """What was placed lies in the future then, and is counted by the number, the person, the case and the caller ID."""
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, once)
    (candidate,) = await dialing.claim(campaign_id, now=MONDAY + HOUR)
    attempt = await dialing.reserve(dialing.by_hand(candidate), MONDAY + HOUR)
    await dialing.settle(attempt, Disposition.NO_ANSWER, MONDAY + HOUR, None)
    for back in (MONDAY, MONDAY - HOUR):
        refused = await dialing.ask(dialing.by_hand(candidate), back)
        assert isinstance(refused, Decision)
        assert {result.rule for result in refused.evaluated if not result.allowed} == {f"test.{n}" for n in range(4)}
        assert refused.retry_at == MONDAY + 14 * HOUR, "midnight after the day on which it was placed"


async def test_back_after_a_crash(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id, now=MONDAY + HOUR)
    await dialing.reserve(dialing.reservation(candidate), MONDAY + HOUR)
    await storage.attempts.recover("node1", MONDAY)
    refused = await dialing.ask(dialing.by_hand(candidate), MONDAY + MINUTE)
    assert isinstance(refused, Decision)
    assert (await check_books(storage))["unknown"] == 1
