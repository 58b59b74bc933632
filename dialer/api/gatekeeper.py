"""Lets a request in: whose token is it, may its holder do this, and did its address guess too often?"""

from http import HTTPStatus

from aiohttp import web

from dialer.api.limits import FailureLimiter
from dialer.api.principal import Principal
from dialer.api.problems import ApiError
from dialer.api.security import hash_token
from dialer.clock import Clock
from dialer.model.account import Role
from dialer.storage import Storage

BEARER = "Bearer "
NOBODY = Principal(name="", role=None)


class Gatekeeper:
    """Checks tokens against the storage. One per service: it remembers the failures."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._failures = FailureLimiter()

    async def admit(self, request: web.Request, roles: frozenset[Role] | None) -> Principal:
        """Who asks, if they may (ApiError 401, 403, 429). `roles` None: everyone, without a token."""
        if roles is None:
            return NOBODY
        header = request.headers.get("Authorization", "")
        token = header.removeprefix(BEARER) if header.startswith(BEARER) else ""
        return await self.identify(token, request.remote or "", roles)

    async def identify(self, token: str, remote: str, roles: frozenset[Role]) -> Principal:
        """Who holds this token, if they may (ApiError 401, 403, 429)."""
        wait_s = self._failures.wait_s(remote, self._clock.monotonic())
        if wait_s > 0:
            headers = {"Retry-After": str(int(wait_s) + 1)}
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong tokens from this address", headers=headers)
        known = await self._storage.accounts.token(hash_token(token), self._clock.utcnow()) if token else None
        if known is None:
            self._failures.failed(remote, self._clock.monotonic())
            detail = "send a valid token: Authorization: Bearer <token>; an administrator makes one"
            raise ApiError(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
        if known.role not in roles:
            allowed = ", ".join(sorted(role.value for role in roles))
            raise ApiError(
                HTTPStatus.FORBIDDEN, f"the role {known.role.value} may not do this; it takes one of: {allowed}"
            )
        return Principal(known.name, known.role, known.token_id, known.account_id, remote)
