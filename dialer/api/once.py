"""Requests with an `Idempotency-Key`: the same key from the same holder gets the same answer, nothing is made twice."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from dialer.api.principal import Principal
from dialer.api.problems import ApiError, conflict
from dialer.api.routing import SERVICES, Operation
from dialer.errors import DialerError, StorageError
from dialer.model.idempotency import KeyState, KnownRequest, RequestKey

MAX_KEY_LENGTH = 200

Handle = Callable[[Operation, web.Request, Principal], Awaitable[web.StreamResponse]]


async def handle_once(
    operation: Operation, request: web.Request, actor: Principal, key: str, handle: Handle
) -> web.StreamResponse:
    """Carries the request out, or answers as it was answered before (ApiError 400, 409)."""
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        raise ApiError(HTTPStatus.BAD_REQUEST, f"Idempotency-Key: 1 to {MAX_KEY_LENGTH} characters")
    services = request.app[SERVICES]
    keys, taken = services.storage.idempotency, RequestKey(actor.holder, operation.name, key)
    content = await _content(operation, request)
    known = await keys.begin(taken, content, services.config.node.name, services.clock.utcnow())
    if known is not None:
        return _again(known)
    try:
        response = await handle(operation, request, actor)
    except BaseException as error:
        # A refusal creates nothing. After a fault nobody knows, and the key must not open the way to a second one.
        with suppress(StorageError):  # then it stays under way until the next start, which interrupts it
            await (keys.forget(taken) if _is_refusal(error) else keys.interrupt(taken))
        raise
    await keys.finish(taken, response.status, None if operation.answers_secret else _body(response))
    return response


async def _content(operation: Operation, request: web.Request) -> bytes:
    """What makes a request the same. A file is told apart by its length: reading it here would hold it in memory."""
    content = str(request.content_length).encode() if operation.consumes else await request.read()
    return b"\0".join((request.path.encode(), request.query_string.encode(), content))


def _again(known: KnownRequest) -> web.Response:
    if not known.same_content:
        raise conflict("this Idempotency-Key was used with another body or path; use a new key")
    if known.state is KeyState.UNDER_WAY:
        raise conflict("the first request with this Idempotency-Key is still under way; try again")
    if known.state is KeyState.INTERRUPTED:
        raise conflict(
            "the first request with this Idempotency-Key was interrupted on our side and may have taken effect; "
            "look whether it did, and use a new key if not"
        )
    if known.body is None:
        raise conflict(
            "this Idempotency-Key was used before, and its answer held what is shown once and never stored; "
            "if it was lost, read what was made, or revoke it, and make another with a new key"
        )
    return web.Response(status=known.status, body=known.body, content_type="application/json")


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, ApiError | web.HTTPException | DialerError) and not isinstance(error, StorageError)


def _body(response: web.StreamResponse) -> bytes:
    return response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
