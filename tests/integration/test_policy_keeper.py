"""Policies that change while the service runs: the strictest of old and new until midnight, on every node."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.calls import policy_keeper
from dialer.calls.policy_keeper import PolicyKeeper
from dialer.compliance.facts import GateFacts, ShownNumber
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_replay import PolicySet, Replay, read_policy
from dialer.config import Config, NodeConfig, PolicyConfig
from dialer.errors import ConfigError, StorageError
from dialer.storage import Storage
from dialer.storage.proof_reading import ChainRange
from schedules.zones import ZoneCandidates
from tests.support.policy import HOUSE_NUMBER, registered
from tests.support.storage import KEY

TEN = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
NOON = TEN.replace(hour=12)
EVENING = TEN.replace(hour=18, minute=30)
DAY = timedelta(days=1)
WAIT_S = 10.0
MIDNIGHT = datetime.fromisoformat("2026-11-24T00:00:00+08:00")
PACK = """
pack: own
title: a pack of the test
status: in force
source: the test
jurisdiction: CN
valid_from: 2026-01-01
zone: Asia/Shanghai
rules:
  - {{id: own.window, kind: calling_window, source: the test, zones: pack, days: every_day, hours: ["{hours}"]}}
"""
FACTS = GateFacts(ZoneCandidates(("Asia/Shanghai",)), 28.0, caller_id=ShownNumber())


@dataclass
class StandingClock:
    """Stands until it is set."""

    now: datetime = TEN
    seconds: float = field(default=0.0)

    def monotonic(self) -> float:
        return self.seconds

    def utcnow(self) -> datetime:
        return self.now


@dataclass
class Node:
    """A node's keeper over a database of its own or one that is shared, and its pack's file."""

    keeper: PolicyKeeper
    clock: StandingClock
    storage: Storage
    path: Path

    def write(self, hours: str) -> None:
        self.path.write_text(PACK.format(hours=hours), encoding="utf-8")

    async def reload(self, hours: str) -> Policy:
        await asyncio.to_thread(self.write, hours)
        return await self.keeper.reload("the test")

    def allows(self, at: datetime) -> bool:
        return evaluate(self.keeper.current(at), FACTS, at).allowed

    async def links(self) -> list[bytes]:
        """The links about the policy in the node's chain, oldest first."""
        (head,) = await self.storage.proof_reading.heads()
        found = await self.storage.proof_reading.page(ChainRange(head.chain, 1, head.sequence))
        return [link.body for link in found if link.kind is ProofKind.POLICY]


@asynccontextmanager
async def run_node(
    url: str, folder: Path, hours: str, name: str = "node1", clock: StandingClock | None = None
) -> AsyncIterator[Node]:
    """One run of a node; its pack lets calls through in these hours."""
    clock = clock or StandingClock()
    path = folder / f"{name}.yaml"
    await asyncio.to_thread(path.write_text, PACK.format(hours=hours), "utf-8")
    config = Config(node=NodeConfig(name=name, data_dir=folder), policy=PolicyConfig(packs=(str(path),)))
    async with Storage.open(url, KEY, clock) as storage, PolicyKeeper(storage.policies, clock, config) as keeper:
        yield Node(keeper, clock, storage, path)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'dialer.db'}"


async def test_a_looser_pack_waits_for_midnight(url: str, tmp_path: Path) -> None:
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        assert (node.allows(NOON), node.allows(EVENING)) == (True, False)
        policy = await node.reload("09:00-21:00")
        assert [until for _, until in policy.retiring] == [MIDNIGHT]
        assert (node.allows(NOON), node.allows(EVENING)) == (True, False)
        assert node.allows(EVENING + DAY)


async def test_a_stricter_pack_binds_at_once(url: str, tmp_path: Path) -> None:
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        await node.reload("09:00-11:00")
        assert not node.allows(NOON)
        assert node.allows(TEN)


async def test_every_pack_of_the_day_binds_until_midnight(url: str, tmp_path: Path) -> None:
    """The one in the middle, too; and the one that came back retires no more than it binds already."""
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        await node.reload("11:00-18:00")
        await node.reload("09:00-12:30")
        assert [node.allows(at) for at in (TEN, NOON, NOON.replace(hour=13))] == [False, True, False]
        policy = await node.reload("09:00-18:00")
        assert [node.allows(at) for at in (TEN, NOON, NOON.replace(hour=13))] == [False, True, False]
        assert len(policy.retiring) == 2
        assert node.allows(TEN + DAY)


async def test_a_restart_is_no_way_around(url: str, tmp_path: Path) -> None:
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        await node.reload("09:00-19:00")
    for _ in range(2):
        async with run_node(url, tmp_path, "09:00-21:00") as node:
            assert (node.allows(NOON), node.allows(EVENING)) == (True, False)
    tomorrow = StandingClock(TEN + DAY)
    async with run_node(url, tmp_path, "09:00-21:00", clock=tomorrow) as node:
        assert node.keeper.current(tomorrow.now).retiring == ()
        assert node.allows(EVENING + DAY)


async def test_a_new_name_is_no_way_around(url: str, tmp_path: Path) -> None:
    async with run_node(url, tmp_path, "09:00-18:00"):
        pass
    async with run_node(url, tmp_path, "09:00-21:00", name="node2") as node:
        assert not node.allows(EVENING)


async def test_other_nodes_hear_of_a_change(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_keeper, "POLL_S", 0.05)
    async with (
        run_node(database_url, tmp_path, "09:00-18:00") as first,
        run_node(database_url, tmp_path, "09:00-18:00", name="node2") as second,
    ):
        await first.reload("09:00-11:00")
        async with asyncio.timeout(WAIT_S):
            while second.allows(NOON):  # noqa: ASYNC110 - the keeper is asked, as calls do
                await asyncio.sleep(0.02)
        assert second.allows(TEN)
        assert second.allows(NOON + DAY)  # its own configuration was not changed
        first.clock.now = second.clock.now = TEN + DAY
        async with asyncio.timeout(WAIT_S):
            while any(node.keeper.current(TEN + DAY).retiring for node in (first, second)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hours: [", ":1: not valid YAML"),
        (PACK.format(hours="09:00-18:00").replace("calling_window", "moon_phase"), ":10: .*moon_phase"),
    ],
)
async def test_what_cannot_be_loaded_changes_nothing(url: str, tmp_path: Path, text: str, reason: str) -> None:
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        before = node.keeper.current(TEN)
        await asyncio.to_thread(node.path.write_text, text, "utf-8")
        with pytest.raises(ConfigError, match=f"{node.path}{reason}"):
            await node.keeper.reload("the test")
        assert node.keeper.current(TEN) is before
        assert len(await node.links()) == 1


async def test_every_change_is_proved_and_can_be_replayed(url: str, tmp_path: Path) -> None:
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        policies = [node.keeper.current(TEN), await node.reload("09:00-21:00"), await node.keeper.reload("again")]
        said = [read_policy(link) for link in await node.links()]
        assert said == [PolicySet.of(policy) for policy in policies]
        replay = Replay()
        for sha256 in await node.storage.proof_reading.packs():
            stored = await node.storage.proof_reading.pack(sha256)
            assert stored is not None
            replay.add_pack(sha256, stored.content)
        for packs in await node.storage.proof_reading.pack_sets():
            replay.add_set(packs)
        for policy in policies:
            again = evaluate(replay.policy(PolicySet.of(policy)), FACTS, EVENING)
            assert again == evaluate(policy, FACTS, EVENING)


async def test_registrations_count_at_once(url: str, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    await asyncio.to_thread(path.write_text, PACK.format(hours="09:00-18:00"), "utf-8")
    clock = StandingClock()
    config = Config(node=NodeConfig(data_dir=tmp_path), policy=PolicyConfig(packs=(str(path),)))
    changed = config.model_copy(
        update={"caller_ids": registered(), "policy": PolicyConfig(packs=(str(path),), agencies=("north",))}
    )
    async with (
        Storage.open(url, KEY, clock) as storage,
        PolicyKeeper(storage.policies, clock, config, lambda: changed) as keeper,
    ):
        assert not keeper.current(TEN).registry.is_listed("north")
        registry = (await keeper.reload("the test")).registry
        assert registry.is_listed("north")
        assert registry.shown(HOUSE_NUMBER, TEN.date()).purposes == ("collection",)
        assert keeper.current(TEN).retiring == ()


def alter(database: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement, values)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{}", "text"])
async def test_a_pack_altered_in_the_database_stops_the_start(url: str, tmp_path: Path, content: object) -> None:
    async with run_node(url, tmp_path, "09:00-18:00"):
        pass
    statement = "UPDATE policy_packs SET content = ?"
    await asyncio.to_thread(alter, tmp_path / "dialer.db", statement, content)
    with pytest.raises(ConfigError, match="was changed after it was hashed"):
        async with run_node(url, tmp_path, "09:00-21:00", name="node2"):
            pass


async def test_a_change_that_cannot_be_read_ends_no_service(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is in force stays so, the log says why, and the next reading takes over what is there then."""
    monkeypatch.setattr(policy_keeper, "POLL_S", 0.05)
    async with run_node(url, tmp_path, "09:00-18:00") as node:
        before = node.keeper.current(TEN)
        database = tmp_path / "dialer.db"
        row = "INSERT INTO policy_changes (node, at, packs) SELECT 'node2', at, 'x@yesterday' FROM policy_changes"
        await asyncio.to_thread(alter, database, row)
        async with asyncio.timeout(WAIT_S):
            while "changes of the policy not read" not in caplog.text:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.02)
        with pytest.raises(StorageError, match="policy change 2 cannot be read"):
            await node.keeper.reload("the test")
        assert node.keeper.current(TEN) is before
        await asyncio.to_thread(alter, database, "DELETE FROM policy_changes WHERE node = 'node2'")
        await node.reload("09:00-11:00")
        assert not node.allows(NOON)
