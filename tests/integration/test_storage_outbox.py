"""The outbox: nothing lost, in order per case, for every destination by itself."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from dialer.model.attempt import Disposition
from dialer.model.campaign import CampaignState
from dialer.model.outcome import EventType, PendingEvent
from dialer.storage import Storage
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        await opened.outbox.register("hook", "mqtt")
        yield opened


async def _three_cases_twice(storage: Storage) -> int:
    """Two settled attempts of each of three cases, in turn."""
    campaign_id = await run_campaign(storage, contacts(3))
    dialing = Dialing(storage, bank_policy())
    candidates = await dialing.claim(campaign_id, 3)
    for n in range(2):
        for candidate in candidates:
            at = MONDAY + n * MINUTE
            await dialing.settle(await dialing.reserve(dialing.by_hand(candidate), at), Disposition.BUSY, at, None)
    return campaign_id


def _cases(pending: tuple[PendingEvent, ...]) -> list[str]:
    return [item.event.case_ref for item in pending]


@pytest.mark.allow_blocking  # the policy is read from its file inside the test
async def test_heads_of_cases_only_and_oldest_first(storage: Storage) -> None:
    await _three_cases_twice(storage)
    later = MONDAY + timedelta(hours=1)
    pending = await storage.outbox.pending("hook", 10, later)
    assert _cases(pending) == ["", "case-2", "case-1", "case-0"]
    sequences = [item.event.sequence for item in pending]
    assert sequences == sorted(sequences)
    await storage.outbox.delivered("hook", pending[1].event.sequence, later)
    assert _cases(await storage.outbox.pending("hook", 10, later)) == ["", "case-1", "case-0", "case-2"]
    assert _cases(await storage.outbox.pending("mqtt", 2, later)) == ["", "case-2"]
    assert await storage.outbox.undelivered() == {"hook": 6, "mqtt": 7}


@pytest.mark.allow_blocking
async def test_a_failed_event_holds_its_case_and_no_other(storage: Storage) -> None:
    await _three_cases_twice(storage)
    later = MONDAY + timedelta(hours=1)
    head = (await storage.outbox.pending("hook", 10, later))[1].event
    await storage.outbox.failed("hook", head.sequence, "HTTP 500", later + MINUTE, later)
    await storage.outbox.failed("hook", head.sequence, "HTTP 502", later + 2 * MINUTE, later + MINUTE)
    assert _cases(await storage.outbox.pending("hook", 10, later + MINUTE)) == ["", "case-1", "case-0"]
    again = (await storage.outbox.pending("hook", 10, later + 2 * MINUTE))[1]
    assert (again.event, again.failures, again.first_failed_at) == (head, 2, later)
    await storage.outbox.failed("hook", head.sequence, "HTTP 410", None, later + 3 * MINUTE)
    (dead,) = await storage.outbox.dead_letters("hook")
    assert (dead.event, dead.failures, dead.error, dead.at) == (head, 3, "HTTP 410", later + 3 * MINUTE)
    after = await storage.outbox.pending("hook", 10, later + 3 * MINUTE)
    assert _cases(after) == ["", "case-1", "case-0", "case-2"]  # the next event of that case goes on


@pytest.mark.allow_blocking
async def test_replay_offers_everything_again_from_there(storage: Storage) -> None:
    await _three_cases_twice(storage)
    events = await storage.outbox.events()
    assert len({event.event_id for event in events}) == 7
    for event in events:
        await storage.outbox.delivered("hook", event.sequence, MONDAY)
    assert await storage.outbox.pending("hook", 10, MONDAY + 60 * MINUTE) == ()
    assert await storage.outbox.replay("hook", events[4].sequence, MONDAY) == 3
    assert await storage.outbox.undelivered() == {"hook": 3, "mqtt": 7}
    assert [item.event for item in await storage.outbox.pending("hook", 10, MONDAY)] == list(events[4:])
    assert await storage.outbox.replay("new", events[0].sequence, MONDAY) == 7


async def test_only_registered_destinations_listen(storage: Storage) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    await storage.outbox.register("mqtt")
    await storage.campaigns.set_state(campaign_id, CampaignState.RUNNING, CampaignState.PAUSED, "", MONDAY)
    assert await storage.outbox.undelivered() == {"hook": 1, "mqtt": 2}
    assert [event.type for event in await storage.outbox.events(case_ref="")] == [EventType.CAMPAIGN_STATE] * 2


async def test_one_node_holds_a_destination(storage: Storage) -> None:
    assert await storage.outbox.hold("hook", "node1", MONDAY, 30.0)
    assert not await storage.outbox.hold("hook", "node2", MONDAY, 30.0)
    assert await storage.outbox.hold("hook", "node1", MONDAY, 30.0)
    assert await storage.outbox.hold("hook", "node2", MONDAY + MINUTE, 30.0)
    assert not await storage.outbox.hold("nobody", "node1", MONDAY)
