"""The WebSocket of live state.

The first message is the client's: `{"token": "…"}` (a token in the URL would land in logs), or `{"csrf": "…"}` from a
page of somebody who logged in. Then frames come, at most four a second: `{"topic": value, …}` with what changed since
the last one, a value of null for what is gone. A collector hears of their own desk only. Whoever may watch no more,
because token, session or account ended meanwhile, is sent away within a minute.
"""

import asyncio
import contextlib
from http import HTTPStatus

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from dialer.api.gatekeeper import Gatekeeper
from dialer.api.permissions import PERMISSIONS
from dialer.api.principal import Principal
from dialer.api.problems import ApiError
from dialer.api.routing import SERVICES
from dialer.errors import StorageError
from dialer.live import Subscription
from dialer.model.account import Role

PATH = "/v1/live"
OPERATION = "live.watch"
HELLO_TIMEOUT_S = 10.0
HEARTBEAT_S = 20.0
SEND_TIMEOUT_S = 10.0
CHECK_EVERY_S = 60.0
MAX_HELLO_BYTES = 4096
MAX_WATCHERS = 500

GATEKEEPER: web.AppKey[Gatekeeper] = web.AppKey("gatekeeper", Gatekeeper)


class Watchers(set[web.WebSocketResponse]):
    """The sockets that are open."""


WATCHERS: web.AppKey[Watchers] = web.AppKey("watchers", Watchers)


class _Hello(msgspec.Struct):
    token: str = ""
    csrf: str = ""


async def watch(request: web.Request) -> web.StreamResponse:
    """One watcher, from its hello to its goodbye."""
    watchers = request.app[WATCHERS]
    if len(watchers) >= MAX_WATCHERS:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_WATCHERS} watchers are connected already")
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_HELLO_BYTES)
    await socket.prepare(request)
    watchers.add(socket)
    try:
        await _serve(request, socket)
    finally:
        watchers.discard(socket)
    return socket


async def close_watchers(app: web.Application) -> None:
    """At shutdown: says goodbye, so that no connection holds the service up."""
    watchers = app[WATCHERS]
    for socket in tuple(watchers):
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.close(code=WSCloseCode.GOING_AWAY)


async def _serve(request: web.Request, socket: web.WebSocketResponse) -> None:
    hello = await _hello(socket)
    principal = None if hello is None else await _admitted(request, hello, used=True)
    if hello is None or principal is None:
        await _refuse(socket)
        return
    frames = request.app[SERVICES].live.subscribe(lambda topic: _may_see(principal, topic))
    # Whoever ends first, the watcher by leaving or the sender by failing, ends the other.
    async with frames, asyncio.TaskGroup() as tasks:
        others = [tasks.create_task(_send(socket, frames)), tasks.create_task(_check(request, socket, hello))]
        async for _ in socket:  # what a watcher says after the hello is not listened to
            pass
        for task in others:
            task.cancel()


async def _hello(socket: web.WebSocketResponse) -> _Hello | None:
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            message = await socket.receive()
        return msgspec.json.decode(message.data, type=_Hello) if message.type is WSMsgType.TEXT else None
    except (TimeoutError, msgspec.MsgspecError):
        return None


async def _admitted(request: web.Request, hello: _Hello, *, used: bool) -> Principal | None:
    keeper, roles = request.app[GATEKEEPER], PERMISSIONS[OPERATION]
    try:
        return await keeper.admit_socket(request, hello.token, hello.csrf, roles, used=used)
    except ApiError:
        return None


async def _check(request: web.Request, socket: web.WebSocketResponse, hello: _Hello) -> None:
    """Asks now and then whether the watcher still may; an open page does not keep its session alive."""
    is_admitted = True
    while is_admitted:
        await asyncio.sleep(CHECK_EVERY_S)
        with contextlib.suppress(StorageError):  # a database that is away sends nobody away
            is_admitted = await _admitted(request, hello, used=False) is not None
    await _refuse(socket)


async def _refuse(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"token refused")


async def _send(socket: web.WebSocketResponse, frames: Subscription) -> None:
    """Sends frames until the watcher is gone; one that takes none for `SEND_TIMEOUT_S` is cut off."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        while True:
            frame = await frames.next()
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.send_frame(frame, WSMsgType.TEXT)
    await socket.close()


def _may_see(principal: Principal, topic: str) -> bool:
    return principal.role is not Role.COLLECTOR or topic == f"agent/{principal.account_id}"
