"""A small OpenID provider on loopback: real keys, real codes, PKCE checked; a test says what it gets wrong."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus, urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from dialer.clock import Clock
from dialer.config_access import OidcConfig

CLIENT, SECRET = "dialer", "a secret: with / and %"
CALLBACK = "http://127.0.0.1/v1/session/oidc/callback"
TOKEN_LASTS_S = 300


@dataclass
class Granted:
    """What a code stands for."""

    nonce: str
    challenge: str
    redirect_uri: str


@dataclass
class Provider:
    """Whoever is sent here is `person` (claims); `wrong` replaces claims of the next ID tokens, `extra` their key."""

    clock: Clock
    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "s-1"})
    wrong: dict[str, Any] = field(default_factory=dict)
    key: RSAKey | ECKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    published: list[RSAKey | ECKey] = field(default_factory=list)
    codes: dict[str, Granted] = field(default_factory=dict)
    callback: str = CALLBACK
    is_away: bool = False
    asked_for_keys: int = 0

    @property
    def now(self) -> datetime:
        return self.clock.utcnow()

    def config(self, **changes: Any) -> OidcConfig:
        """How the service is told of this provider."""
        known = {"issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET, "redirect_url": self.callback}
        return OidcConfig.model_validate(known | changes)

    def rotate(self, key: RSAKey | ECKey) -> None:
        """Signs with another key from now on, and publishes it alone."""
        self.key, self.published = key, [key]

    async def discovery(self, request: web.Request) -> web.Response:
        if self.is_away:
            raise web.HTTPServiceUnavailable
        pages = {"authorization": "authorize", "token": "token", "end_session": "log-out"}
        document = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in pages.items()}
        return web.json_response({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **document})

    async def keys(self, request: web.Request) -> web.Response:
        self.asked_for_keys += 1
        return web.json_response(KeySet(list(self.published)).as_dict(private=False))

    async def authorize(self, request: web.Request) -> web.Response:
        asked = request.query
        assert (asked["response_type"], asked["client_id"], asked["redirect_uri"]) == ("code", CLIENT, self.callback)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = Granted(asked["nonce"], asked["code_challenge"], asked["redirect_uri"])
        back = {"state": asked["state"], "code": code, "iss": self.issuer, "session_state": "is not read"}
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def log_out(self, request: web.Request) -> web.Response:
        assert request.query["client_id"] == CLIENT
        return web.Response(text="You are logged out everywhere.")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        granted = self.codes.pop(str(form["code"]), None)
        hashed = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        said = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        known = [unquote_plus(part) for part in said.split(":")] == [CLIENT, SECRET]
        if granted is None or not known or not hmac.compare_digest(challenge, granted.challenge):
            return web.json_response({"error": "invalid_grant", "error_description": "no"}, status=400)
        assert form["redirect_uri"] == granted.redirect_uri
        return web.json_response({"access_token": "x", "token_type": "Bearer", "id_token": self._signed(granted.nonce)})

    def _signed(self, nonce: str) -> str:
        at = int(self.now.timestamp())
        times = {"iat": at, "exp": at + TOKEN_LASTS_S}
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, **times, **self.person, **self.wrong}
        algorithm = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": self.key.kid}
        said: Mapping[str, Any] = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(header, dict(said), self.key)


@asynccontextmanager
async def open_provider(clock: Clock) -> AsyncIterator[Provider]:
    """The provider, listening."""
    provider = Provider(clock)
    provider.published = [provider.key]
    app = web.Application()
    app.router.add_get("/realm/.well-known/openid-configuration", provider.discovery)
    app.router.add_get("/realm/keys", provider.keys)
    app.router.add_get("/realm/authorize", provider.authorize)
    app.router.add_post("/realm/token", provider.token)
    app.router.add_get("/realm/log-out", provider.log_out)
    async with TestServer(app) as server:
        provider.issuer = str(server.make_url("/realm"))
        yield provider
