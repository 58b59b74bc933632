"""Lets a request in: whose token or session is it, may its holder do this, and did its address guess too often?"""

from http import HTTPStatus

from aiohttp import web

from dialer.api.limits import FailureLimiter
from dialer.api.principal import Principal
from dialer.api.problems import ApiError
from dialer.api.security import hash_token
from dialer.api.sessions import CSRF_HEADER, SAFE_METHODS, UNATTENDED_HEADER, SessionRules, check_csrf
from dialer.clock import Clock
from dialer.model.account import Role
from dialer.storage import Storage

BEARER = "Bearer "


class Gatekeeper:
    """Checks tokens and sessions against the storage. One per service: it remembers the failures."""

    def __init__(self, storage: Storage, clock: Clock, rules: SessionRules) -> None:
        self._storage = storage
        self._clock = clock
        self._failures = FailureLimiter()
        self.rules = rules

    async def admit(self, request: web.Request, roles: frozenset[Role] | None) -> Principal:
        """Who asks, if they may (ApiError 401, 403, 429). `roles` None: everyone, without a token."""
        if roles is None:
            return Principal(name="", role=None, remote=request.remote or "")
        header = request.headers.get("Authorization", "")
        secret = self.rules.secret_of(request)
        if secret and not header:
            if request.method not in SAFE_METHODS:
                check_csrf(request.headers.get(CSRF_HEADER, ""), secret)
            is_used = UNATTENDED_HEADER not in request.headers
            return _allowed(await self.resume(secret, request.remote or "", used=is_used), roles)
        token = header.removeprefix(BEARER) if header.startswith(BEARER) else ""
        return await self.identify(token, request.remote or "", roles)

    async def admit_socket(self, request: web.Request, token: str, csrf: str, roles: frozenset[Role]) -> Principal:
        """Who opened this WebSocket, if they may: it said its token, or the csrf value of its session.

        That is no use of the session: pages open sockets by themselves, again and again.
        """
        secret = self.rules.secret_of(request)
        if token or not secret:
            return await self.identify(token, request.remote or "", roles)
        check_csrf(csrf, secret)
        return _allowed(await self.resume(secret, request.remote or "", used=False), roles)

    async def identify(self, token: str, remote: str, roles: frozenset[Role]) -> Principal:
        """Who holds this token, if they may (ApiError 401, 403, 429).

        An address that sends wrong ones is slowed down; whoever shares it and sends a right one is let in.
        """
        known = await self._storage.accounts.token(hash_token(token), self._clock.utcnow()) if token else None
        if known is None:
            if token:
                self.check_guesses(f"secret:{remote}")
                self.guessed(f"secret:{remote}")
            detail = "send a valid token: Authorization: Bearer <token>; an administrator makes one"
            raise ApiError(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
        return _allowed(Principal(known.name, known.role, known.token_id, known.account_id, remote), roles)

    async def resume(self, secret: str, remote: str, *, used: bool) -> Principal:
        """Who is logged in with this cookie (ApiError 401); `used`: by the person, not by the page alone.

        A wrong one is no guess, as nobody guesses 256 bits of chance: it is a page whose session is over, and a whole
        floor behind one address may have such pages at once.
        """
        rules = self.rules
        known = await self._storage.sessions.get(
            hash_token(secret), self._clock.utcnow(), lasts=rules.lasts, idle=rules.idle, used=used
        )
        if known is None:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "the session is over; log in again at POST /v1/session")
        account = known.account
        return Principal(account.name, account.role, 0, account.account_id, remote, known.session_id)

    def check_guesses(self, *who: str) -> None:
        """ApiError 429 while an address, or whoever else is named, failed too often."""
        wait_s = max(self._failures.wait_s(name, self._clock.monotonic()) for name in who)
        if wait_s > 0:
            headers = {"Retry-After": str(int(wait_s) + 1)}
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too many wrong log-ins or tokens; wait", headers=headers)

    def guessed(self, *who: str) -> None:
        """One more failure of each."""
        for name in who:
            self._failures.failed(name, self._clock.monotonic())


GATEKEEPER: web.AppKey[Gatekeeper] = web.AppKey("gatekeeper", Gatekeeper)


def _allowed(principal: Principal, roles: frozenset[Role]) -> Principal:
    if principal.role not in roles:
        allowed = ", ".join(sorted(role.value for role in roles))
        mine = principal.role.value if principal.role else "nobody"
        raise ApiError(HTTPStatus.FORBIDDEN, f"the role {mine} may not do this; it takes one of: {allowed}")
    return principal
