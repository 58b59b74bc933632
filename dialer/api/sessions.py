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

from aiohttp import web

from dialer.api.problems import ApiError
from dialer.api.security import hash_token
from dialer.config import HttpConfig

SECRET_BYTES = 32
CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1


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

    @property
    def cookie(self) -> str:
        """Its name; with the prefix a browser takes it from nobody else (RFC 6265bis §4.1.3.2)."""
        return "__Host-dialer" if self.behind_tls else "dialer"

    def put(self, response: web.Response, secret: str) -> None:
        """Hands the session's secret to the browser."""
        response.set_cookie(
            self.cookie,
            secret,
            max_age=int(self.lasts.total_seconds()),
            path="/",
            secure=self.behind_tls,
            httponly=True,
            samesite="Strict",
        )

    def drop(self, response: web.Response) -> None:
        """Takes it back."""
        response.del_cookie(self.cookie, path="/", secure=self.behind_tls, httponly=True, samesite="Strict")


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
