"""Log-ins by an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636).

What the browser must bring back is sealed in a cookie of its own; nothing is kept here until an answer comes, so that
nobody fills the storage by beginning log-ins. The answer is used up in the database: it counts once on all nodes.
"""

import asyncio
import base64
import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dialer.api.oidc_tokens import Claims, Expected, OidcRefusedError, Refusal, names_no_key, read_id_token
from dialer.clock import Clock
from dialer.config_access import OidcConfig, is_loopback
from dialer.errors import StorageError
from dialer.storage.crypto import Cipher

logger = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 8.0
"""Longest wait for any answer of the provider."""
MAX_ANSWER_BYTES = 1 << 20
LOG_IN_LASTS = timedelta(minutes=10)
"""How long somebody may take at the provider's page."""
KNOWN_FOR_S = 3600.0
"""How long the provider's configuration and keys are believed without asking again."""
NEW_KEYS_AFTER_S = 30.0
"""Keys are asked for again when a token names another, but not more often than this: anybody can name one."""
FAILED_FOR_S = 3.0
"""After a failure nobody waits for the provider again for this long: they would queue up behind each other."""
DISCOVERY_PATH = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0 §4
PURPOSE = b"oidc log-in"
SECRET_BYTES = 32

T = TypeVar("T")


class Begun(msgspec.Struct, frozen=True):
    """A log-in under way, as its browser carries it, sealed."""

    state: str
    nonce: str
    verifier: str
    at: datetime

    @classmethod
    def now(cls, now: datetime) -> "Begun":
        """A new one."""
        state, nonce, verifier = (secrets.token_urlsafe(SECRET_BYTES) for _ in range(3))
        return cls(state, nonce, verifier, now)

    @property
    def expires_at(self) -> datetime:
        """When its answer comes too late."""
        return self.at + LOG_IN_LASTS

    def seal(self, cipher: Cipher) -> str:
        """As a cookie's value; only nodes of this database can read it."""
        return base64.urlsafe_b64encode(cipher.seal(msgspec.json.encode(self), PURPOSE)).decode()


def opened(sealed: str, cipher: Cipher, now: datetime) -> Begun:
    """The log-in a cookie holds (OidcRefusedError: none, or one that is over)."""
    try:
        begun = msgspec.json.decode(cipher.open(base64.urlsafe_b64decode(sealed), PURPOSE), type=Begun)
    except (StorageError, ValueError, msgspec.MsgspecError) as error:
        raise OidcRefusedError(Refusal.STALE, "this browser began no log-in") from error
    if now >= begun.expires_at:
        raise OidcRefusedError(Refusal.STALE, "the log-in took too long")
    return begun


class _Discovered(msgspec.Struct):
    """What is read of a provider's configuration document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct):
    id_token: str


class _Error(msgspec.Struct):
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider said, and when."""

    discovered: _Discovered
    keys: KeySet
    at: float


class OidcProvider:
    """The configured provider. One per service: it remembers where to ask, and with which keys it signs."""

    def __init__(self, config: OidcConfig, clock: Clock) -> None:
        self.config = config
        self._clock = clock
        self._known: _Known | None = None
        self._failed_at = -FAILED_FOR_S
        self._asking = asyncio.Lock()

    async def page(self, begun: Begun) -> str:
        """Where the browser goes to log in (OidcRefusedError: the provider does not answer)."""
        known = await self._current()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(begun.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": self.config.redirect_url,
            "scope": " ".join(self.config.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self.config.prompt:
            query["prompt"] = self.config.prompt
        return _with_query(known.discovered.authorization_endpoint, query)

    async def log_out_page(self) -> str:
        """Where the browser logs out at the provider, too; empty: it has no such page, or does not answer."""
        try:
            known = await self._current()
        except OidcRefusedError:
            return ""
        endpoint = known.discovered.end_session_endpoint
        home = "{0.scheme}://{0.netloc}/login".format(urlsplit(self.config.redirect_url))
        query = {"client_id": self.config.client_id, "post_logout_redirect_uri": home}
        return _with_query(endpoint, query) if endpoint else ""

    async def claims(self, begun: Begun, code: str, issuer: str | None) -> Claims:
        """Who came back with this code (OidcRefusedError). `issuer`: as the answer names it (RFC 9207)."""
        known = await self._current()
        if issuer != self.config.issuer and (
            issuer is not None or known.discovered.authorization_response_iss_parameter_supported
        ):
            raise OidcRefusedError(Refusal.INVALID, "the answer is another provider's (iss)")
        token = await self._exchange(known.discovered, begun, code)
        keys = known.keys
        if names_no_key(token, keys):
            keys = (await self._current(NEW_KEYS_AFTER_S)).keys
        expected = Expected(self.config.issuer, self.config.client_id, begun.nonce)
        return read_id_token(token, keys, expected, self._clock.utcnow())

    # ---- what the provider says

    async def _current(self, known_for_s: float = KNOWN_FOR_S) -> _Known:
        """Its configuration and keys, asked for again when they are older than this."""
        async with self._asking:
            now = self._clock.monotonic()
            if self._known is not None and now - self._known.at <= known_for_s:
                return self._known
            if now - self._failed_at < FAILED_FOR_S:
                raise _unavailable("it did not answer a moment ago")
            try:
                self._known = await self._ask()
            except OidcRefusedError:
                self._failed_at = self._clock.monotonic()
                raise
            return self._known

    async def _ask(self) -> _Known:
        address = self.config.issuer.rstrip("/") + DISCOVERY_PATH
        async with _client() as client:
            discovered = _decoded(await _read(client.get(address, allow_redirects=False)), _Discovered)
            if discovered.issuer != self.config.issuer:
                raise _unavailable("its configuration document names another issuer")
            for endpoint in (discovered.authorization_endpoint, discovered.token_endpoint, discovered.jwks_uri):
                _check_safe(endpoint)
            document = _decoded(await _read(client.get(discovered.jwks_uri, allow_redirects=False)), dict)
        try:
            keys = KeySet.import_key_set(document)  # type: ignore[arg-type]  # anything else is refused below
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise _unavailable("its keys cannot be read") from error
        return _Known(discovered, keys, self._clock.monotonic())

    async def _exchange(self, discovered: _Discovered, begun: Begun, code: str) -> str:
        """The ID token for a code; the code is good once, and only with the verifier (RFC 7636 §4.5)."""
        config = self.config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": config.redirect_url,
            "code_verifier": begun.verifier,
            "client_id": config.client_id,
        }
        headers = {}
        if config.client_secret and "client_secret_basic" in discovered.token_endpoint_auth_methods_supported:
            # RFC 6749 §2.3.1: both are form-encoded first
            basic = aiohttp.encode_basic_auth(quote_plus(config.client_id), quote_plus(config.client_secret))
            headers["Authorization"] = basic
        elif config.client_secret:
            form["client_secret"] = config.client_secret
        async with _client() as client:
            request = client.post(discovered.token_endpoint, data=form, headers=headers, allow_redirects=False)
            return _decoded(await _read(request), _Tokens).id_token


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S), cookie_jar=aiohttp.DummyCookieJar()
    )


async def _read(request: "aiohttp.client._RequestContextManager") -> bytes:
    """The body of a good answer (OidcRefusedError: another, too long a one, or none)."""
    try:
        async with request as answer:
            body = b""
            async for piece in answer.content.iter_chunked(MAX_ANSWER_BYTES):
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    raise _unavailable("its answer is too long")
            status = answer.status
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise _unavailable(f"it does not answer: {type(error).__name__}") from error
    if status == 200:
        return body
    if 400 <= status < 500:  # RFC 6749 §5.2; the words of the provider may hold anything
        raise OidcRefusedError(Refusal.INVALID, f"the provider refused the code: {_error_code(body)}")
    raise _unavailable(f"it answered with HTTP {status}")


def _error_code(body: bytes) -> str:
    try:
        said = msgspec.json.decode(body, type=_Error).error
    except msgspec.MsgspecError:
        return "no reason given"
    return said if said.isascii() and said.replace("_", "").isalnum() and len(said) <= 40 else "no reason given"


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unavailable(f"its answer is not what it should be: {error}") from error


def _check_safe(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise _unavailable("an address in its configuration document is not https://")


def _with_query(endpoint: str, query: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _unavailable(message: str) -> OidcRefusedError:
    return OidcRefusedError(Refusal.UNAVAILABLE, f"the OpenID provider: {message}")
