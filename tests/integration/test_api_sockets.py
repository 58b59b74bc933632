"""Who has a place among the WebSockets: those who were let in, not those who came and say nothing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType

from dialer.api import sockets
from dialer.api.routes import live
from dialer.model.account import Role
from tests.support.house import House, open_house

NEWS = {"campaign/1": {"name": "Autumn"}}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        opened.live.publish("campaign/1", NEWS["campaign/1"])
        yield opened


async def come(house: House, stack: AsyncExitStack) -> ClientWebSocketResponse:
    """Opens a socket and says nothing."""
    return await stack.enter_async_context(house.api.ws_connect("/v1/live"))


async def watch(house: House, stack: AsyncExitStack) -> ClientWebSocketResponse:
    socket = await come(house, stack)
    await socket.send_json({"token": house.tokens[Role.SUPERVISOR]})
    return socket


async def test_who_says_nothing_takes_nobodys_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_WATCHERS", 2)
    async with AsyncExitStack() as open_ones:
        for _ in range(3):
            await come(house, open_ones)
        for _ in range(2):
            assert await (await watch(house, open_ones)).receive_json(timeout=30) == NEWS
        refused = await (await watch(house, open_ones)).receive(timeout=30)
        assert (refused.type, refused.data) == (WSMsgType.CLOSE, WSCloseCode.TRY_AGAIN_LATER)
        assert refused.extra == "too many are open"


@pytest.mark.parametrize("bound", ["MAX_SILENT_OF_ONE", "MAX_SILENT"])
async def test_the_oldest_who_says_nothing_makes_room(
    house: House, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(sockets, bound, 2)
    async with AsyncExitStack() as open_ones:
        first, second = [await come(house, open_ones) for _ in range(2)]
        assert await (await watch(house, open_ones)).receive_json(timeout=30) == NEWS
        assert (await first.receive(timeout=30)).data == WSCloseCode.POLICY_VIOLATION
        await second.send_json({"token": house.tokens[Role.SUPERVISOR]})
        assert await second.receive_json(timeout=30) == NEWS
