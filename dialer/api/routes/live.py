"""The WebSocket of live state: hello and goodbye are those of `dialer.api.sockets`.

After the hello frames come, at most four a second: `{"topic": value, …}` with what changed since the last one, a value
of null for what is gone. A collector hears of their own desk only, and of that at once. While nothing changes an empty
frame comes now and then: a watcher that hears nothing at all knows that the way here is dead, and comes back.
"""

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from dialer.api.principal import Principal
from dialer.api.routing import SERVICES
from dialer.api.sockets import SEND_TIMEOUT_S, Visit, visit
from dialer.live import Subscription, TopicSubscription
from dialer.model.account import Role

PATH = "/v1/live"
OPERATION = "live.watch"
MAX_HELLO_BYTES = 4096
MAX_WATCHERS = 500
MAX_OF_ONE = 50
"""A token may stand on many screens."""
QUIET_S = 5.0
NO_NEWS = b"{}"


async def watch(request: web.Request) -> web.StreamResponse:
    """One watcher, from its hello to its goodbye."""
    async with visit(
        request, OPERATION, max_open=MAX_WATCHERS, max_of_one=MAX_OF_ONE, max_message_bytes=MAX_HELLO_BYTES
    ) as watcher:
        if watcher.principal is not None:
            await _serve(watcher, watcher.principal)
    return watcher.socket


async def _serve(watcher: Visit, principal: Principal) -> None:
    socket = watcher.socket
    board = watcher.request.app[SERVICES].live
    is_own = principal.role is Role.COLLECTOR
    frames = board.subscribe_to(f"agent/{principal.account_id}") if is_own else board.subscribe()
    # Whoever ends first, the watcher by leaving or the sender by failing, ends the other.
    async with frames, asyncio.TaskGroup() as tasks:
        others = [tasks.create_task(_send(socket, frames)), tasks.create_task(watcher.keep_checking())]
        async for _ in socket:  # what a watcher says after the hello is not listened to
            pass
        for task in others:
            task.cancel()


async def _send(socket: web.WebSocketResponse, frames: Subscription | TopicSubscription) -> None:
    """Sends frames until the watcher is gone; one that takes none for `SEND_TIMEOUT_S` is cut off."""
    with contextlib.suppress(ConnectionError, TimeoutError):
        while True:
            try:
                async with asyncio.timeout(QUIET_S):
                    frame = await frames.next()
            except TimeoutError:
                frame = NO_NEWS
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.send_frame(frame, WSMsgType.TEXT)
    await socket.close()
