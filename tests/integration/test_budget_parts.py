"""The nodes' parts in a campaign's abandonment budget, as they are written down: on both engines, and all at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from dialer.campaigns.loop.period import ANY_DAY, AbandonmentPeriod, Budget
from dialer.campaigns.loop.sharing import Here
from dialer.compliance.facts import BudgetUse
from dialer.compliance.policy import Policy
from dialer.model.attempt import Disposition
from dialer.model.budget import NodePart
from dialer.storage import Storage
from tests.support.rules import policy_of
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

TARGET = 0.5
BUDGETS = (Budget(ANY_DAY, TARGET),)
SOON = MONDAY + 2 * MINUTE


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def policy() -> Policy:
    return policy_of({"kind": "case_open"})


async def ended(storage: Storage, policy: Policy, *ends: Disposition) -> int:
    """A campaign with calls that ended so."""
    campaign_id = await run_campaign(storage, contacts(len(ends)))
    dialing = Dialing(storage, policy)
    for candidate, end in zip(await dialing.claim(campaign_id, len(ends)), ends, strict=True):
        await dialing.settle(await dialing.reserve(dialing.by_hand(candidate)), end, MONDAY + MINUTE)
    return campaign_id


async def test_three_nodes_have_their_parts_and_the_supervisor_sees_the_whole(storage: Storage, policy: Policy) -> None:
    campaign_id = await ended(storage, policy, *[Disposition.CONNECTED] * 9, Disposition.ABANDONED)
    periods = {
        "a": AbandonmentPeriod(campaign_id),
        "b": AbandonmentPeriod(campaign_id),
        "c": AbandonmentPeriod(campaign_id),
    }
    collectors = {"a": 2, "b": 1, "c": 1}
    paced = []
    for now in (100.0, 102.0):
        for node, period in periods.items():
            await period.share(storage.budget_parts, Here(node, collectors[node], 0, 0.0), BUDGETS, now, SOON)
            standing = period.standing([])
            assert (standing.live, standing.abandoned) == (10, 1)
            paced.append(period.paced_by(standing, []))
    left = [TARGET * live - abandoned for live, abandoned in paced]
    assert left == [4.0, 0.0, 0.0, 2.0, 1.0, 1.0]
    parts = await storage.budget_parts.of_campaign(campaign_id)
    assert [(part.node, part.collectors, part.people, part.beat) for part in parts] == [
        ("a", 2, 2.0, 2),
        ("b", 1, 1.0, 2),
        ("c", 1, 1.0, 2),
    ]
    said = "; this node's part of the budget, for 2 of the campaign's 4 collectors: 2.0 calls left"
    assert periods["a"].words.en == said
    periods["a"].ended(103.0, Disposition.ABANDONED)
    live, abandoned = periods["a"].paced_by(periods["a"].standing([]), [])
    assert TARGET * live - abandoned == 1.0
    assert await storage.budget_parts.of_campaign(campaign_id + 1) == ()
    periods["a"].took(1.0)  # counting was slow; others wait for word
    assert [periods["a"].is_due(BUDGETS, now) for now in (106.9, 107.0)] == [False, True]


async def test_nodes_that_look_at_the_same_time_give_nothing_away_twice(storage: Storage, policy: Policy) -> None:
    """Each takes all that is free: only the first finds anything."""
    campaign_id = await ended(storage, policy, *[Disposition.CONNECTED] * 10)

    class Greedy:
        void = frozenset[str]()

        def __init__(self, node: str, people: float) -> None:
            self.part = NodePart(node, 1, people)

    async def take(node: str) -> float:
        def decide(used: Sequence[BudgetUse], others: Sequence[NodePart]) -> Greedy:
            return Greedy(node, TARGET * used[0].live - sum(other.people for other in others))

        _, claim = await storage.budget_parts.take(campaign_id, node, [ANY_DAY], SOON, decide)
        return claim.part.people

    async with asyncio.TaskGroup() as nodes:
        taken = [nodes.create_task(take(f"node{n}")) for n in range(8)]
    assert sorted(task.result() for task in taken) == [0.0] * 7 + [5.0]


async def test_a_node_whose_part_is_void_is_forgotten(storage: Storage, policy: Policy) -> None:
    campaign_id = await ended(storage, policy, *[Disposition.CONNECTED] * 10)
    here, gone = AbandonmentPeriod(campaign_id), AbandonmentPeriod(campaign_id)
    await gone.share(storage.budget_parts, Here("b", 1, 0, 0.0), BUDGETS, 0.0, SOON)
    for now in (0.0, 300.0):
        await here.share(storage.budget_parts, Here("a", 1, 0, 0.0), BUDGETS, now, SOON)
    assert [part.node for part in await storage.budget_parts.of_campaign(campaign_id)] == ["a"]
    assert here.paced_by(here.standing([]), []) == (10, 0)
    assert not here.words
