"""Three nodes on one PostgreSQL dial one campaign: each paces by its part of the budget, each shows the whole."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialer.app import Application
from dialer.campaigns.loop import sharing
from dialer.model.attempt import Disposition
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings, CampaignState
from tests.support.call_lab import far_side, phones_of, until
from tests.support.nodes import node_config
from tests.support.policy import HOUSE_NUMBER
from tests.support.rules import policy_of
from tests.support.storage import Dialing, contacts

NODES = {"a": 2, "b": 1, "c": 0}
"""Collectors by node."""
N_LIVE = 24
SETTINGS = CampaignSettings(
    mode=CampaignMode.PROGRESSIVE, amd=AmdMode.OFF, abandon_target=0.125, caller_ids=(HOUSE_NUMBER,)
)
MEDIA = 49100


@dataclass
class House:
    """The nodes, by name, and the campaign they share."""

    nodes: dict[str, Application]
    campaign_id: int

    def limiting(self, node: str) -> str:
        """The sentence that the node's supervisor reads."""
        running = self.nodes[node].campaigns._running.get(self.campaign_id)
        return running.limiting if running else ""

    async def says(self, node: str, words: str) -> None:
        """Waits until the sentence ends so."""
        try:
            await until(lambda: self.limiting(node).endswith(words), words, 40.0)
        except AssertionError:
            raise AssertionError(f"{node} says {self.limiting(node)!r}, never {words!r}") from None


async def make_campaign(app: Application) -> int:
    """Running, with three people that may be abandoned and people left to call."""
    storage, now = app.storage, app.clock.utcnow()
    list_id = await storage.lists.begin("list", "lab", "a", now)
    await storage.lists.add(list_id, contacts(N_LIVE + 20))
    await storage.lists.finish(list_id)
    campaign_id = (await storage.campaigns.create("lab", [list_id], SETTINGS, now)).campaign_id
    await storage.entries.build(campaign_id, now)
    await storage.campaigns.set_state(campaign_id, CampaignState.DRAFT, CampaignState.RUNNING, "started", now)
    dialing = Dialing(storage, policy_of({"kind": "case_open"}), "a")
    for candidate in await dialing.claim(campaign_id, N_LIVE, now):
        await dialing.settle(await dialing.reserve(dialing.reservation(candidate), now), Disposition.CONNECTED, now)
    return campaign_id


@asynccontextmanager
async def open_house(folder: Path, database_url: str) -> AsyncIterator[House]:
    """Every node up, its collectors ready; the people who are called let it ring."""
    async with far_side(folder, MEDIA) as far, AsyncExitStack() as stack:
        nodes = {}
        for index, name in enumerate(NODES, 1):
            config = node_config(name, folder, database_url, MEDIA + 100 * index, far.port)
            nodes[name] = await stack.enter_async_context(Application(config))
        house = House(nodes, await make_campaign(nodes["a"]))
        first = 0
        for name, count in NODES.items():
            desk = nodes[name].desk
            _, agent_ids = await stack.enter_async_context(phones_of(nodes[name], far.media, count, first))
            first += count
            for agent_id in agent_ids:
                await desk.log_in(agent_id, [house.campaign_id])
                await desk.ready(agent_id)
        try:
            yield house
        finally:
            await nodes["a"].campaigns.stop_now(house.campaign_id, "test")
            for line in far.lines:
                if line.ended is None:
                    line.incoming.reject(486)


async def test_each_node_has_its_part_and_sees_the_whole(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path, postgres_url) as house:
        await house.says("a", "; this node's part of the budget, for 2 of the campaign's 3 collectors: 2.0 calls left")
        await house.says("b", "; this node's part of the budget, for 1 of the campaign's 3 collectors: 1.0 calls left")
        parts = await house.nodes["c"].storage.budget_parts.of_campaign(house.campaign_id)
        assert [(part.node, part.collectors, part.people) for part in parts] == [
            ("a", 2, 2.0),
            ("b", 1, 1.0),
            ("c", 0, 0),
        ]
        for app in house.nodes.values():
            shown = await app.campaigns.status(house.campaign_id)
            assert (shown.live, shown.abandoned) == (N_LIVE, 0)
        loop = house.nodes["b"].campaigns._loop
        assert loop is not None
        loop.cancel()  # b ticks no more, as if it had died; its calls may still end, so its part is not given away
        monkeypatch.setattr(sharing, "SILENT_S", 1.0)
        monkeypatch.setattr(sharing, "SILENT_READINGS", 0)
        await house.says("a", "; this node's part of the budget, for 2 of the campaign's 2 collectors: 2.0 calls left")
