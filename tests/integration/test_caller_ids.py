"""The number a person sees: always the same, until it has been shown as often as it may be today."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from dialer.calls.caller_ids import REFRESH_S, CallerIds
from dialer.calls.order import CallOrder
from dialer.compliance.policy import Policy
from dialer.compliance.registry import RegisteredNumber, Registry
from dialer.model.campaign import Campaign, CampaignSettings
from dialer.model.entry import Candidate
from tests.support.rulebook import pack
from tests.support.storage import MONDAY, Dialing, contacts, open_storage, run_campaign

POOL = ("95588", "95599", "95511")
PACK = pack(
    {"kind": "caller_id", "purpose": "collection"},
    {"kind": "cap", "scope": "caller_id", "event": "placed", "span": {"inclusive_days": 1}, "limit": 2},
)


class SteppedClock:
    """Its seconds are set by the test."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def utcnow(self) -> datetime:
        return MONDAY


def policy_with(*registered: str) -> Policy:
    numbers = tuple(RegisteredNumber(number, ("collection",)) for number in registered)
    return Policy((PACK,), Registry(numbers))


async def test_sticky_until_it_is_used_up(tmp_path: Path) -> None:
    policy = policy_with(*POOL)
    clock = SteppedClock()
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        dialing = Dialing(storage, policy)
        campaign_id = await run_campaign(storage, contacts(3))
        campaign = await storage.campaigns.get(campaign_id)
        assert campaign is not None
        candidates = await dialing.claim(campaign_id, 3)
        numbers = CallerIds(storage.policies, clock)
        order = order_for(campaign, candidates[0])
        first = await numbers.choose(order, policy, MONDAY)
        assert first in POOL
        assert await numbers.choose(order, policy, MONDAY) == first
        for candidate in candidates[1:]:
            reservation = order_for(campaign, candidate).reservation("node1", "main", first)
            await dialing.reserve(reservation)
        assert await numbers.choose(order, policy, MONDAY) == first  # what was read is seconds old
        clock.seconds += REFRESH_S
        second = await numbers.choose(order, policy, MONDAY)
        assert second in set(POOL) - {first}
        assert await numbers.usable(order, policy, MONDAY) == tuple(n for n in POOL if n != first)
        clock.seconds += REFRESH_S
        assert await numbers.choose(order, policy, MONDAY + timedelta(days=1)) == first


async def test_where_none_may_be_shown_the_gate_hears_of_one(tmp_path: Path) -> None:
    policy = policy_with()
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        dialing = Dialing(storage, policy)
        campaign_id = await run_campaign(storage, contacts(1))
        campaign = await storage.campaigns.get(campaign_id)
        assert campaign is not None
        (candidate,) = await dialing.claim(campaign_id)
        numbers = CallerIds(storage.policies, SteppedClock())
        order = order_for(campaign, candidate)
        assert await numbers.usable(order, policy, MONDAY) == ()
        assert await numbers.choose(order, policy, MONDAY) in POOL


def order_for(campaign: Campaign, candidate: Candidate) -> CallOrder:
    return CallOrder.of_candidate(replace(campaign, settings=CampaignSettings(caller_ids=POOL)), candidate)
