"""What every WebSocket of ours begins and ends with.

The first message is the client's: `{"token": "…"}` (a token in the URL would land in logs), or `{"csrf": "…"}` from a
page of somebody who logged in. Whoever may do it no more, because token, session or account ended meanwhile, is sent
away within a minute; an open page does not keep its session alive.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from dialer.api.gatekeeper import GATEKEEPER
from dialer.api.permissions import PERMISSIONS
from dialer.api.principal import Principal
from dialer.api.problems import ApiError
from dialer.errors import StorageError

HELLO_TIMEOUT_S = 10.0
HEARTBEAT_S = 20.0
SEND_TIMEOUT_S = 10.0
CHECK_EVERY_S = 60.0


class Sockets(defaultdict[str, set[web.WebSocketResponse]]):
    """The sockets that are open, by operation."""

    def __init__(self) -> None:
        super().__init__(set)
        self.of_one: Counter[tuple[str, int, int]] = Counter()
        """How many somebody has: by operation, token and account."""


SOCKETS: web.AppKey[Sockets] = web.AppKey("sockets", Sockets)


class _Hello(msgspec.Struct):
    token: str = ""
    csrf: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One open socket, and who is there; None: they were refused, and there is nothing to serve."""

    request: web.Request
    socket: web.WebSocketResponse
    principal: Principal | None
    _hello: _Hello
    _operation: str

    async def keep_checking(self) -> None:
        """Asks now and then whether the visitor still may, and sends away whoever may not, or is in another role."""
        role = None if self.principal is None else self.principal.role
        is_admitted = True
        while is_admitted:
            await asyncio.sleep(CHECK_EVERY_S)
            with contextlib.suppress(StorageError):  # a database that is away sends nobody away
                known = await _admitted(self.request, self._hello, self._operation, used=False)
                is_admitted = known is not None and known.role is role
        await refuse(self.socket)


@contextlib.asynccontextmanager
async def visit(
    request: web.Request, operation: str, *, max_open: int, max_of_one: int, max_message_bytes: int
) -> AsyncIterator[Visit]:
    """A socket, from its hello until it is left; `max_of_one`: of one token or account, so that nobody takes all.

    Raises ApiError: too many are open.
    """
    sockets = request.app[SOCKETS]
    others = sockets[operation]
    if len(others) >= max_open:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, f"{max_open} of these are open already")
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=max_message_bytes)
    await socket.prepare(request)
    others.add(socket)
    try:
        hello = await _read_hello(socket)
        principal = None if hello is None else await _admitted(request, hello, operation, used=True)
        if principal is None:
            await refuse(socket)
        with _counted(sockets.of_one, operation, principal) as n_own:
            if n_own > max_of_one:
                principal = None
                await refuse(socket, b"too many of yours are open")
            yield Visit(request, socket, principal, hello or _Hello(), operation)
    finally:
        others.discard(socket)


@contextlib.contextmanager
def _counted(of_one: Counter[tuple[str, int, int]], operation: str, principal: Principal | None) -> Iterator[int]:
    """How many of these its visitor has, this one with them; 0: nobody's."""
    if principal is None:
        yield 0
        return
    who = (operation, principal.token_id, principal.account_id or 0)
    of_one[who] += 1
    try:
        yield of_one[who]
    finally:
        of_one[who] -= 1
        if not of_one[who]:
            del of_one[who]


async def refuse(socket: web.WebSocketResponse, message: bytes = b"token refused") -> None:
    """Sends somebody away."""
    await _close(socket, WSCloseCode.POLICY_VIOLATION, message)


async def close_sockets(app: web.Application) -> None:
    """At shutdown: says goodbye, so that no connection holds the service up."""
    for sockets in app[SOCKETS].values():
        for socket in tuple(sockets):
            await _close(socket, WSCloseCode.GOING_AWAY, b"")


async def _close(socket: web.WebSocketResponse, code: int, message: bytes) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.close(code=code, message=message)


async def _read_hello(socket: web.WebSocketResponse) -> _Hello | None:
    try:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            message = await socket.receive()
        return msgspec.json.decode(message.data, type=_Hello) if message.type is WSMsgType.TEXT else None
    except (TimeoutError, msgspec.MsgspecError):
        return None


async def _admitted(request: web.Request, hello: _Hello, operation: str, *, used: bool) -> Principal | None:
    keeper, roles = request.app[GATEKEEPER], PERMISSIONS[operation]
    try:
        return await keeper.admit_socket(request, hello.token, hello.csrf, roles, used=used)
    except ApiError:
        return None
