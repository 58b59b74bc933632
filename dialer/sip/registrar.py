"""The registrar for collectors' phones (RFC 3261 §10.3) and the check of who they are (digest, RFC 7616). Sans-IO.

One phone per account: the newest registration wins. The address a phone is called at is the one its REGISTER came from
(`received`/`rport`), not the one it believes to have, so that phones behind NAT are reached. Strangers hear nothing: a
challenge is given only for an account that exists.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from dialer.sip.challenge import Credentials
from dialer.sip.digest import AuthVerdict, DigestServer, secret_hash
from dialer.sip.errors import ParseError
from dialer.sip.events import Destination
from dialer.sip.headers import NameAddr
from dialer.sip.lexical import parse_uint
from dialer.sip.message import Request, Response, TokenFactory, make_response
from dialer.sip.uri import SipUri

logger = logging.getLogger(__name__)

MAX_EXPIRES_S = 120
"""Bindings live in memory: after a restart a collector can work again once the phone has refreshed, so that is soon."""
DEFAULT_EXPIRES_S = MAX_EXPIRES_S
MIN_EXPIRES_S = 60
"""Shorter registrations are refused (423): they cost more than they tell."""
GRACE_S = 5.0
"""A binding outlives its announced expiry by this, so that a refresh on the last second is in time."""
MAX_FAILURES = 10
"""Wrong passwords from one address within `FAILURE_WINDOW_S`; then it hears nothing until the window is over."""
FAILURE_WINDOW_S = 300.0
MAX_WATCHED_ADDRESSES = 10_000

SecretLookup = Callable[[str, str], str | None]
"""`(user, algorithm)` to `secret_hash(algorithm, user, realm, password)`; None when there is no such account."""


def secrets_from_passwords(realm: str, password: Callable[[str], str | None]) -> SecretLookup:
    """A `SecretLookup` over passwords in clear, for rehearsals and tests."""

    def lookup(user: str, algorithm: str) -> str | None:
        known = password(user)
        return secret_hash(algorithm, user, realm, known) if known is not None else None

    return lookup


class Silence(Enum):
    """The answer strangers get."""

    SILENCE = "silence"


@dataclass(slots=True)
class _Failures:
    count: int
    since: float


class Authenticator:
    """Says which account a request was signed by."""

    def __init__(self, server: DigestServer, secrets: SecretLookup, token: TokenFactory) -> None:
        self._server = server
        self._secrets = secrets
        self._token = token
        self._failures: dict[str, _Failures] = {}

    def check(self, request: Request, claimed: str, source: Destination, now: float) -> str | Response | Silence:
        """The authenticated user, or the response to give, or silence.

        Args:
            claimed: the account the request speaks for: the user part of To in a REGISTER, of From else.
        """
        if self._is_blocked(source.host, now) or not self._is_account(claimed):
            return Silence.SILENCE
        line = request.headers.get("Authorization")
        if line is None:
            return self._challenge(request, now, stale=False)
        try:
            credentials = Credentials.parse(line)
            right_uri = _same_target(SipUri.parse(credentials.get("uri")), request.uri)
        except ParseError:
            return make_response(request, 400, to_tag=self._token())
        if not right_uri or credentials.get("username") != claimed:
            return self._refuse(request, source, now)
        return self._verify(request, credentials, claimed, source, now)

    def _is_account(self, user: str) -> bool:
        return any(self._secrets(user, algorithm) is not None for algorithm in ("SHA-256", "MD5"))

    def _verify(
        self, request: Request, credentials: Credentials, claimed: str, source: Destination, now: float
    ) -> str | Response:
        verdict = self._server.verify(
            credentials, request.method, lambda algorithm: self._secrets(claimed, algorithm), now, request.body
        )
        match verdict:
            case AuthVerdict.ACCEPTED:
                self._failures.pop(source.host, None)
                return claimed
            case AuthVerdict.STALE | AuthVerdict.REPLAYED:
                return self._challenge(request, now, stale=True)
            case AuthVerdict.REFUSED:
                return self._refuse(request, source, now)

    def _challenge(self, request: Request, now: float, *, stale: bool) -> Response:
        response = make_response(request, 401, to_tag=self._token())
        for challenge in self._server.challenges(now, self._token(), stale=stale):
            response.headers.add("WWW-Authenticate", str(challenge))
        return response

    def _refuse(self, request: Request, source: Destination, now: float) -> Response:
        logger.warning("wrong credentials from a phone", extra={"action": "sip_auth_refused", "peer": str(source)})
        if source.host not in self._failures and len(self._failures) >= MAX_WATCHED_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        failures = self._failures.setdefault(source.host, _Failures(0, now))
        failures.count += 1
        return make_response(request, 403, to_tag=self._token())

    def _is_blocked(self, host: str, now: float) -> bool:
        failures = self._failures.get(host)
        if failures is None:
            return False
        if now - failures.since > FAILURE_WINDOW_S:
            del self._failures[host]
            return False
        return failures.count >= MAX_FAILURES


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a user's phone is. `target` is the Request-URI of calls to it, `destination` where they are sent."""

    user: str
    target: SipUri
    destination: Destination
    expires_at: float
    call_id: str
    cseq: int


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """A phone came, moved (`binding` is the new one) or went away (None)."""

    user: str
    binding: Binding | None


class Registrar:
    """The bindings of all phones. `sink` hears changes, not refreshes, and returns at once."""

    def __init__(self, authenticator: Authenticator, sink: Callable[[RegistrationChanged], None]) -> None:
        self.authenticator = authenticator
        self._sink = sink
        self._bindings: dict[str, Binding] = {}
        self._users: dict[Destination, str] = {}

    def binding(self, user: str) -> Binding | None:
        """Where to call a user's phone; None when it is not registered."""
        return self._bindings.get(user)

    def user_at(self, source: Destination) -> str | None:
        """Whose registered phone sends from this address."""
        return self._users.get(source)

    @property
    def next_deadline(self) -> float | None:
        """When the next binding expires."""
        return min((binding.expires_at for binding in self._bindings.values()), default=None)

    def handle_timeout(self, now: float) -> None:
        """Removes expired bindings."""
        for binding in [b for b in self._bindings.values() if b.expires_at <= now]:
            logger.info("phone registration expired", extra={"action": "phone_expired", "sip_user": binding.user})
            self._remove(binding)

    def lost(self, destination: Destination) -> None:
        """The connection that phones registered over is gone: they cannot be reached before they register again."""
        for binding in [b for b in self._bindings.values() if b.destination == destination]:
            self._remove(binding)

    def handle(self, request: Request, source: Destination, now: float) -> Response | Silence:
        """Answers a REGISTER."""
        verdict = self.authenticator.check(request, request.to.uri.user_text, source, now)
        if not isinstance(verdict, str):
            return verdict
        if request.require:
            response = make_response(request, 420, to_tag="r")
            response.headers.add("Unsupported", ", ".join(request.require))
            return response
        return self._register(verdict, request, source, now)

    def _register(self, user: str, request: Request, source: Destination, now: float) -> Response:
        old = self._bindings.get(user)
        if old is not None and old.call_id == request.call_id and request.cseq.number <= old.cseq:
            return make_response(request, 500, to_tag="r")  # RFC 3261 §10.3 step 7: out of order
        if request.contact_is_wildcard:
            if request.expires != 0:
                return make_response(request, 400, to_tag="r")
            self._drop(old)
        for contact in request.contacts[:1]:
            expires_s = _expires_s(request, contact)
            if 0 < expires_s < MIN_EXPIRES_S:
                response = make_response(request, 423, to_tag="r")
                response.headers.add("Min-Expires", str(MIN_EXPIRES_S))
                return response
            if expires_s == 0:
                self._drop(old)
            else:
                self._bind(user, request, contact, source, now + min(expires_s, MAX_EXPIRES_S) + GRACE_S)
        return self._success(user, request, now)

    def _bind(self, user: str, request: Request, contact: NameAddr, source: Destination, expires_at: float) -> None:
        old = self._bindings.get(user)
        binding = Binding(user, contact.uri, source, expires_at, request.call_id, request.cseq.number)
        if old is not None and self._users.get(old.destination) == user:
            del self._users[old.destination]
        self._bindings[user] = binding
        self._users[source] = user
        if old is None or (old.destination, old.target) != (source, contact.uri):
            logger.info("phone registered", extra={"action": "phone_registered", "sip_user": user})
            self._sink(RegistrationChanged(user, binding))

    def _drop(self, binding: Binding | None) -> None:
        if binding is not None:
            logger.info("phone unregistered", extra={"action": "phone_unregistered", "sip_user": binding.user})
            self._remove(binding)

    def _remove(self, binding: Binding) -> None:
        self._bindings.pop(binding.user, None)
        if self._users.get(binding.destination) == binding.user:
            del self._users[binding.destination]
        self._sink(RegistrationChanged(binding.user, None))

    def _success(self, user: str, request: Request, now: float) -> Response:
        response = make_response(request, 200, to_tag="r")
        binding = self._bindings.get(user)
        if binding is not None:
            left_s = max(1, round(binding.expires_at - GRACE_S - now))
            response.headers.add("Contact", f"<{binding.target}>;expires={left_s}")
        return response


def _same_target(signed: SipUri, requested: SipUri) -> bool:
    """Whether credentials were made for this request (RFC 7616 §3.4.6); phones differ in ports and parameters."""
    return (signed.user_text, signed.host.lower()) == (requested.user_text, requested.host.lower())


def _expires_s(request: Request, contact: NameAddr) -> int:
    """The Contact's own expiry, else the message's, else the default (RFC 3261 §10.3 step 7)."""
    own = parse_uint(contact.param("expires") or "")
    if own is not None:
        return own
    return request.expires if request.expires is not None else DEFAULT_EXPIRES_S
