"""What every WebSocket of ours begins and ends with.

The first message is the client's: `{"token": "…"}` (a token in the URL would land in logs), or `{"csrf": "…"}` from a
page of somebody who logged in. Whoever may do it no more, because token, session or account ended meanwhile, is sent
away within a minute; an open page does not keep its session alive, nor does one that comes back.

Only who was admitted takes a place. Anybody can open a socket and say nothing: of these the oldest make room for new
ones, so that whoever says hello at once gets in.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

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
MAX_SILENT = 1000
MAX_SILENT_OF_ONE = 100
"""Of one address; a whole house may have one, and come back at the same moment."""


class Silent:
    """Whoever has not said hello yet, in the order they came."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Timeout, str] = {}

    @contextlib.asynccontextmanager
    async def waiting(self, remote: str) -> AsyncIterator[None]:
        """While a hello is waited for. Raises TimeoutError: it did not come, or others wait whose turn it is."""
        self._make_room(remote)
        async with asyncio.timeout(HELLO_TIMEOUT_S) as patience:
            self._waiting[patience] = remote
            try:
                yield
            finally:
                self._waiting.pop(patience, None)

    def _make_room(self, remote: str) -> None:
        of_one = [patience for patience, address in self._waiting.items() if address == remote]
        if len(of_one) < MAX_SILENT_OF_ONE and len(self._waiting) < MAX_SILENT:
            return
        oldest = of_one[0] if len(of_one) >= MAX_SILENT_OF_ONE else next(iter(self._waiting))
        del self._waiting[oldest]
        if not oldest.expired():
            oldest.reschedule(asyncio.get_running_loop().time())


class Sockets:
    """The sockets that are open."""

    def __init__(self) -> None:
        self.open: set[web.WebSocketResponse] = set()
        self.silent = Silent()
        self.admitted: Counter[str] = Counter()
        """How many have a place, by operation."""
        self.of_one: Counter[tuple[str, int, int]] = Counter()
        """How many of these somebody has: by operation, token and account."""

    @contextlib.contextmanager
    def placed(self, operation: str, principal: Principal) -> Iterator[None]:
        """While somebody has a place."""
        who = _whose(operation, principal)
        self.admitted[operation] += 1
        self.of_one[who] += 1
        try:
            yield
        finally:
            self.admitted[operation] -= 1
            self.of_one[who] -= 1
            if not self.of_one[who]:
                del self.of_one[who]


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
                known = await _admitted(self.request, self._hello, self._operation)
                is_admitted = known is not None and known.role is role
        await refuse(self.socket)


@contextlib.asynccontextmanager
async def visit(
    request: web.Request, operation: str, *, max_open: int, max_of_one: int, max_message_bytes: int
) -> AsyncIterator[Visit]:
    """A socket, from its hello until it is left; `max_of_one`: of one token or account, so that nobody takes all."""
    sockets = request.app[SOCKETS]
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=max_message_bytes)
    await socket.prepare(request)
    sockets.open.add(socket)
    try:
        hello = await _read_hello(socket, sockets.silent, request.remote or "") or _Hello()
        principal = await _admitted(request, hello, operation)
        if principal is None:
            await refuse(socket)
        elif sockets.of_one[_whose(operation, principal)] >= max_of_one:
            principal = None
            await refuse(socket, b"too many of yours are open")
        elif sockets.admitted[operation] >= max_open:
            principal = None
            await _close(socket, WSCloseCode.TRY_AGAIN_LATER, b"too many are open")
        place = contextlib.nullcontext() if principal is None else sockets.placed(operation, principal)
        with place:
            yield Visit(request, socket, principal, hello, operation)
    finally:
        sockets.open.discard(socket)


def _whose(operation: str, principal: Principal) -> tuple[str, int, int]:
    return operation, principal.token_id, principal.account_id or 0


async def refuse(socket: web.WebSocketResponse, message: bytes = b"token refused") -> None:
    """Sends somebody away."""
    await _close(socket, WSCloseCode.POLICY_VIOLATION, message)


async def close_sockets(app: web.Application) -> None:
    """At shutdown: says goodbye, so that no connection holds the service up."""
    for socket in tuple(app[SOCKETS].open):
        await _close(socket, WSCloseCode.GOING_AWAY, b"")


async def _close(socket: web.WebSocketResponse, code: int, message: bytes) -> None:
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.close(code=code, message=message)


async def _read_hello(socket: web.WebSocketResponse, silent: Silent, remote: str) -> _Hello | None:
    try:
        async with silent.waiting(remote):
            message = await socket.receive()
        return msgspec.json.decode(message.data, type=_Hello) if message.type is WSMsgType.TEXT else None
    except (TimeoutError, msgspec.MsgspecError):
        return None


async def _admitted(request: web.Request, hello: _Hello, operation: str) -> Principal | None:
    keeper, roles = request.app[GATEKEEPER], PERMISSIONS[operation]
    try:
        return await keeper.admit_socket(request, hello.token, hello.csrf, roles)
    except ApiError:
        return None
