"""The socket of a browser's phone: who may open it, what is said on it, and what ends it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from dialer.api.phone_messages import MESSAGES_ALLOWED
from dialer.api.routes.phone import MAX_OF_ONE
from dialer.api.security import hash_token
from dialer.api.sockets import SOCKETS
from dialer.media.interface import FRAME_MS
from dialer.model.account import NewAccount, Role
from tests.support.house import House, open_house

OFFER = {"type": "offer", "sdp": "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8 0\r\n"}
VIDEO = {"type": "offer", "sdp": "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"}
TOKEN = "token-of-a-collector"


@asynccontextmanager
async def house_of_one(folder: Path) -> AsyncIterator[tuple[House, int]]:
    """A house with one collector who holds `TOKEN`."""
    async with open_house(folder) as house:
        now, accounts = house.services.clock.utcnow(), house.storage.accounts
        account = await accounts.create(NewAccount("li", "Li", Role.COLLECTOR, "no password"), now)
        await accounts.add_token(hash_token(TOKEN), "li", Role.COLLECTOR, now, account_id=account.account_id)
        yield house, account.account_id


@asynccontextmanager
async def opened(house: House, token: str = TOKEN) -> AsyncIterator[ClientWebSocketResponse]:
    """A socket after its hello."""
    async with house.api.ws_connect("/v1/phone") as socket:
        await socket.send_json({"token": token})
        yield socket


async def said(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message, which is to be of this kind."""
    message: dict[str, Any] = await socket.receive_json()
    assert message["type"] == kind, message
    return message


async def connected(house: House, socket: ClientWebSocketResponse) -> None:
    """Offers, is answered, and is heard."""
    await socket.send_json(OFFER)
    assert "m=audio" in (await said(socket, "answer"))["sdp"]
    pass_time(house)
    assert (await said(socket, "state"))["connected"]


def pass_time(house: House) -> None:
    house.media.advance(FRAME_MS / 1000)


async def test_a_phone_is_welcomed_answered_and_measured(tmp_path: Path) -> None:
    async with house_of_one(tmp_path) as (house, account_id), opened(house) as socket:
        welcome = await said(socket, "welcome")
        assert (welcome["account_id"], welcome["ice_servers"], welcome["reconnect_s"]) == (account_id, [], 20.0)
        await connected(house, socket)
        stats = await said(socket, "stats")
        assert stats["loss"] is None, "nothing was due"
        await socket.send_json({"type": "echo", "on": True})
        await socket.send_json(VIDEO)
        assert (await said(socket, "error"))["reason"] == "unusable_offer"
        phone = house.services.browser_phones.find(account_id)
        assert phone is not None
        assert phone.echoes


async def test_another_page_takes_the_phone(tmp_path: Path) -> None:
    async with house_of_one(tmp_path) as (house, _), opened(house) as first, opened(house) as second:
        for socket in (first, second):
            await said(socket, "welcome")
            await connected(house, socket)
        await said(first, "taken")
        assert (await first.receive()).type is WSMsgType.CLOSE
        assert not second.closed


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.INTEGRATION])
async def test_others_have_no_phone(tmp_path: Path, role: Role) -> None:
    async with open_house(tmp_path) as house, opened(house, house.tokens[role]) as socket:
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1008)


async def test_a_token_of_no_account_has_no_phone(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, opened(house, house.tokens[Role.SUPERVISOR]) as socket:
        message = await socket.receive()
        assert (message.data, message.extra) == (1008, "a phone belongs to an account")


async def test_one_person_does_not_take_all_sockets(tmp_path: Path) -> None:
    async with house_of_one(tmp_path) as (house, _), AsyncExitStack() as pages:
        for _ in range(MAX_OF_ONE):
            await said(await pages.enter_async_context(opened(house)), "welcome")
        async with opened(house) as socket:
            message = await socket.receive()
            assert (message.data, message.extra) == (1008, "too many of yours are open")
        await pages.aclose()
        async with asyncio.timeout(10):
            while house.api.app[SOCKETS].of_one:  # noqa: ASYNC110 - the service hears of it in its own time
                await asyncio.sleep(0.01)
        async with opened(house) as socket:
            await said(socket, "welcome")


async def test_nonsense_is_told_apart_and_too_much_ends_it(tmp_path: Path) -> None:
    async with house_of_one(tmp_path) as (house, _), opened(house) as socket:
        await said(socket, "welcome")
        for _ in range(MESSAGES_ALLOWED):
            await socket.send_str("{}")
            assert (await said(socket, "error"))["reason"] == "bad_message"
        await socket.send_bytes(b"{}")
        message = await socket.receive()
        assert (message.type, message.extra) == (WSMsgType.CLOSE, "too many messages")
