"""The keeper of alarms over a real database: one that hangs, a page that asks anew, a pack that goes on."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from dialer.clock import SystemClock
from dialer.compliance.policy import Policy
from dialer.live import LiveBoard
from dialer.storage import Storage
from dialer.storage.database import READERS
from dialer.supervising import alarm_keeper
from dialer.supervising.alarm_keeper import AlarmKeeper
from tests.support.rulebook import ANY_HOUR, pack
from tests.support.storage import open_storage

CLOCK = SystemClock()
HOLD_LIMIT_S = 30.0
FOR_EVER = Policy((pack(ANY_HOUR),))


class Node:
    """A keeper that looks when it is told to, and its board."""

    def __init__(self, storage: Storage, policy: Policy) -> None:
        self.board = LiveBoard(CLOCK)
        self.keeper = AlarmKeeper(storage, self.board, CLOCK, lambda now: policy, "n")

    async def look(self) -> dict[str, Any]:
        """What the board tells after a look, by key."""
        await self.keeper.look()
        told: Any = self.board.snapshot()["alarms"]
        return {item["key"]: item for item in told["items"]}


@asynccontextmanager
async def hanging(storage: Storage) -> AsyncIterator[None]:
    """Every reader of the database is held."""
    let_go, held = threading.Event(), threading.Semaphore(0)

    def hold(_: Connection) -> None:
        held.release()
        assert let_go.wait(HOLD_LIMIT_S)

    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(storage._database.read(hold))
        for _ in range(READERS):
            assert await asyncio.to_thread(held.acquire, timeout=HOLD_LIMIT_S)
        try:
            yield
        finally:
            let_go.set()


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as opened:
        yield opened


async def test_a_database_that_hangs_is_an_alarm_and_hides_no_other(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_keeper, "READ_LIMIT_S", 0.05)
    node = Node(storage, FOR_EVER)
    node.board.publish("trunk/main", {"group": "default", "is_up": False})
    async with hanging(storage):
        told = await node.look()
    assert told.keys() == {"database_down/n", "trunk_down/main"}
    assert told["database_down/n"]["words"] == {
        "en": "the database does not answer: nothing within 0.05 s",
        "zh": "数据库无响应：0.05 秒内无回应",
    }
    monkeypatch.undo()
    assert (await node.look()).keys() == {"trunk_down/main"}


async def test_the_first_look_is_told_though_nothing_is_wrong(storage: Storage) -> None:
    assert await Node(storage, FOR_EVER).look() == {}


@pytest.mark.parametrize(("following", "alarms"), [(False, {"pack_ends/test"}), (True, set())])
async def test_a_pack_that_goes_on_does_not_end(storage: Storage, following: bool, alarms: set[str]) -> None:
    today = CLOCK.utcnow().date()
    last, next_day = today + timedelta(days=3), today + timedelta(days=4)
    versions = (pack(ANY_HOUR, valid_through=str(last)), pack(ANY_HOUR, valid_from=str(next_day)))
    policy = Policy(versions if following else versions[:1])
    assert (await Node(storage, policy).look()).keys() == alarms
    assert len(policy.warnings(today)) == len(alarms)
