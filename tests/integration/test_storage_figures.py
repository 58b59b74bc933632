"""Figures by hour and by collector, as both engines count them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest

from dialer.model.account import NewAccount, Role
from dialer.model.agent import AgentState, AgentStateChange
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.entry import WrapUpEffects
from dialer.model.figures import BUSY, Contacts, Tally
from dialer.model.outcome import WrapUp
from dialer.storage import Storage
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

SECOND = timedelta(seconds=1)
BOUNDS = (MONDAY, MONDAY + 60 * MINUTE, MONDAY + 120 * MINUTE)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as storage:
        yield storage


@pytest.fixture
def dialing(storage: Storage) -> Dialing:
    return Dialing(storage, bank_policy())


async def test_attempts_by_hour_with_all_that_came_of_them(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(5))
    talked, unheard, abandoned, machine, late = [
        await dialing.reserve(dialing.reservation(candidate), MONDAY + n * 15 * MINUTE)
        for n, candidate in enumerate(await dialing.claim(campaign_id, 5))
    ]
    await _talk(storage, talked, waited_s=0.44, talk_s=90.0, code="promise")
    await _talk(storage, unheard, waited_s=2.0, talk_s=10.0, code="nobody")
    for attempt, end, verdict in (
        (abandoned, Disposition.ABANDONED, "human"),
        (machine, Disposition.MACHINE, "machine"),
    ):
        at = attempt.reserved_at
        settlement = Settlement(attempt.attempt_id, end, at, answered_at=at, greeting_end_at=at, verdict=verdict)
        await storage.attempts.settle(settlement, None, at)
    await storage.attempts.release(late.attempt_id, "no trunk", MONDAY)
    found = await storage.figures.hours(BOUNDS, {campaign_id: frozenset({"promise"})})
    assert [(hour.campaign_id, hour.hour) for hour in found] == [(campaign_id, 0)]
    tally = found[0].tally
    counts = (tally.dials, tally.answered, tally.live, tally.abandoned, tally.machines, tally.connected)
    assert counts == (4, 4, 2, 1, 1, 2), "a talk with nobody was no person, a released reservation no dial"
    assert (tally.right_party, tally.promises, round(tally.talk_s, 2)) == (1, 1, 100.0)
    assert tally.verdicts == {"human": 3, "machine": 1}
    assert [tally.wait_s(share) for share in (0.5, 0.9)] == pytest.approx([0.4, 2.0])
    assert await storage.figures.hours(BOUNDS, {}, campaign_id + 1) == ()
    called = {campaign_id: Contacts(tried=4, reached=2)}
    assert await storage.figures.contacts(BOUNDS[0], BOUNDS[-1]) == called
    assert await storage.figures.contacts(BOUNDS[0], BOUNDS[-1], campaign_id) == called


async def test_the_hour_is_that_of_the_dial(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(2))
    first, second = await dialing.claim(campaign_id, 2)
    await dialing.reserve(dialing.reservation(first), BOUNDS[1] - SECOND)
    await dialing.reserve(dialing.reservation(second), BOUNDS[1])
    found = await storage.figures.hours(BOUNDS, {}, campaign_id)
    assert [(hour.hour, hour.tally) for hour in found] == [(0, Tally(dials=1)), (1, Tally(dials=1))]


async def test_collectors_with_their_calls_and_time(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    agent_id = await _collector(storage)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await _talk(storage, attempt, waited_s=0.0, talk_s=60.0, code="promise", agent_id=agent_id)
    states = [AgentState.OFFLINE, AgentState.READY, AgentState.TALKING, AgentState.WRAPUP, AgentState.BREAK]
    for n, (old, new) in enumerate(pairwise(states)):
        await storage.agents.record_change(
            AgentStateChange(agent_id, MONDAY + n * MINUTE, old, new, "", campaign_id, attempt.attempt_id)
        )
    promises = {campaign_id: frozenset({"promise"})}
    (figures,) = await storage.figures.collectors(MONDAY, MONDAY + 10 * MINUTE, promises)
    assert (figures.agent_id, figures.state, figures.since) == (agent_id, AgentState.BREAK, MONDAY + 3 * MINUTE)
    assert {state: round(s) for state, s in figures.seconds.items()} == {
        AgentState.READY: 60,
        AgentState.TALKING: 60,
        AgentState.WRAPUP: 60,
        AgentState.BREAK: 420,
    }
    assert figures.seconds_in(BUSY) == pytest.approx(120, abs=0.01)
    (hour,) = await storage.figures.hours(BOUNDS, promises, campaign_id)
    assert hour.tally.wrap_s == pytest.approx(60, abs=0.01)
    tally = figures.tally
    assert (tally.connected, tally.right_party, tally.promises, round(tally.talk_s)) == (1, 1, 1, 60)
    assert await storage.figures.collectors(MONDAY + 60 * MINUTE, MONDAY + 61 * MINUTE, promises) == ()


async def _collector(storage: Storage) -> int:
    account = await storage.accounts.create(NewAccount("li", "Li", Role.COLLECTOR, ""), MONDAY)
    return account.account_id


async def _talk(
    storage: Storage, attempt: Attempt, *, waited_s: float, talk_s: float, code: str, agent_id: int = 7
) -> None:
    greeting_end_at = attempt.reserved_at + 8 * SECOND
    connected_at = greeting_end_at + waited_s * SECOND
    ended_at = connected_at + talk_s * SECOND
    settlement = Settlement(
        attempt.attempt_id,
        Disposition.CONNECTED,
        ended_at,
        agent_id=agent_id,
        answered_at=attempt.reserved_at + 7 * SECOND,
        greeting_end_at=greeting_end_at,
        connected_at=connected_at,
        verdict="human",
    )
    await storage.attempts.settle(settlement, None, ended_at)
    effects = WrapUpEffects(right_party=code == "promise", not_a_conversation=code == "nobody")
    await storage.wrap_ups.record(WrapUp(attempt.attempt_id, agent_id, code, ended_at, {}), effects, ended_at)
