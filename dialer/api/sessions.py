"""Browser sessions: a secret in a cookie that no script can read, and a second one that only our own pages know.

The cookie alone changes nothing: whoever changes something with it sends the page's token as well (`X-CSRF-Token`),
which another site can neither read nor guess (OWASP, signed double submit without a second cookie). Session and token
end together.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from dialer.api.problems import ApiError
from dialer.api.security import hash_token
from dialer.config import HttpConfig

SECRET_BYTES = 32
CSRF_HEADER = "X-CSRF-Token"
UNATTENDED_HEADER = "X-Unattended"
"""Pages send it with what they ask by themselves, without their person: that is no use of the session."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1


@dataclass(frozen=True, slots=True)
class HostCookie:
    """A cookie that no script can read and no other host gets."""

    stem: str
    over_tls: bool
    same_site: Literal["Strict", "Lax"]

    @property
    def name(self) -> str:
        """With the prefix a browser takes it from nobody else (RFC 6265bis §4.1.3.2)."""
        return f"__Host-{self.stem}" if self.over_tls else self.stem

    def put(self, response: web.Response, value: str, lasts: timedelta) -> None:
        """Hands it to the browser."""
        seconds = int(lasts.total_seconds())
        response.set_cookie(
            self.name,
            value,
            max_age=seconds,
            path="/",
            secure=self.over_tls,
            httponly=True,
            samesite=self.same_site,
        )

    def drop(self, response: web.Response) -> None:
        """Takes it back."""
        response.del_cookie(self.name, path="/", secure=self.over_tls, httponly=True, samesite=self.same_site)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last, and how their cookie is sent."""

    lasts: timedelta
    idle: timedelta
    behind_tls: bool

    @classmethod
    def of(cls, http: HttpConfig) -> "SessionRules":
        """As configured."""
        return cls(timedelta(hours=http.session_hours), timedelta(minutes=http.session_idle_minutes), http.behind_tls)

    def secret_of(self, request: web.Request) -> str:
        """The session's secret as the browser sent it; empty: none."""
        return request.cookies.get(self._cookie(request).name, "")

    def put(self, request: web.Request, response: web.Response, secret: str) -> None:
        """Hands the session's secret to the browser that asks."""
        self._cookie(request).put(response, secret, self.lasts)

    def drop(self, request: web.Request, response: web.Response) -> None:
        """Takes it back."""
        self._cookie(request).drop(response)

    def _cookie(self, request: web.Request) -> HostCookie:
        return HostCookie("dialer", self.over_tls(request), "Strict")

    def over_tls(self, request: web.Request) -> bool:
        """Whether the browser speaks TLS: as configured, or by the word of a trusted proxy."""
        return self.behind_tls or request.secure


def new_secret() -> str:
    """A session's secret: in the browser's cookie and, hashed, in the storage."""
    return secrets.token_urlsafe(SECRET_BYTES)


def csrf_token(secret: str) -> str:
    """What a page of ours sends along; it tells nothing about the secret."""
    return hash_token(f"csrf:{secret}")


def check_csrf(sent: str, secret: str) -> None:
    """Refuses what no page of ours asked for (ApiError 403)."""
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), csrf_token(secret).encode()):
        raise ApiError(HTTPStatus.FORBIDDEN, f"send the csrf value of GET /v1/session as {CSRF_HEADER}")
