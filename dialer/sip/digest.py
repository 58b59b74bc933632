"""Digest authentication, both sides (RFC 7616, RFC 8760, RFC 3261 §22).

The client answers the strongest challenge it knows. The server's nonces carry their own issue time under a keyed hash,
so nothing is stored for a nonce nobody used; a nonce count must grow, so a captured request cannot be played again. A
client that leaves qop out (old phones do) may use each nonce once. Chance and time come in as arguments.
"""

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from dialer.sip.challenge import Challenge, Credentials

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_STRENGTH = {  # RFC 8760 §2.3: the strongest that both sides know
    "MD5": 1,
    "MD5-sess": 2,
    "SHA-256": 3,
    "SHA-256-sess": 4,
    "SHA-512-256": 5,
    "SHA-512-256-sess": 6,
}
NONCE_LIFETIME_S = 300.0
MAX_TRACKED_NONCES = 20_000
"""Nonces in use whose counts are remembered; beyond it the oldest become stale, never replayable."""

_NONCE_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


def _digest(algorithm: str, text: str) -> str:
    name = _HASHES[algorithm.removesuffix("-sess")]
    return hashlib.new(name, text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def secret_hash(algorithm: str, username: str, realm: str, password: str) -> str:
    """`H(username:realm:password)`: what a registrar may store instead of the password."""
    return _digest(algorithm, f"{username}:{realm}:{password}")


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All that goes into a response (RFC 7616 §3.4.1)."""

    algorithm: str
    secret: str
    nonce: str
    method: str
    uri: str
    qop: str = ""
    cnonce: str = ""
    nc: str = ""
    body: bytes = b""

    def response(self) -> str:
        """The `response` parameter (RFC 7616 §3.4.1), in hex."""
        a1 = self.secret
        if self.algorithm.endswith("-sess"):
            a1 = _digest(self.algorithm, f"{self.secret}:{self.nonce}:{self.cnonce}")
        a2 = f"{self.method}:{self.uri}"
        if self.qop == "auth-int":
            a2 += ":" + _digest(self.algorithm, self.body.decode("utf-8", "surrogateescape"))
        ha2 = _digest(self.algorithm, a2)
        if not self.qop:  # RFC 2069, kept by RFC 7616 §3.4.1 for servers that offer no qop
            return _digest(self.algorithm, f"{a1}:{self.nonce}:{ha2}")
        return _digest(self.algorithm, f"{a1}:{self.nonce}:{self.nc}:{self.cnonce}:{self.qop}:{ha2}")


def choose_challenge(challenges: Iterable[Challenge]) -> Challenge | None:
    """The strongest Digest challenge that can be answered, the first of equals; None when there is none."""
    usable = [challenge for challenge in challenges if _is_usable(challenge)]
    return max(usable, key=lambda challenge: _STRENGTH[challenge.algorithm], default=None)


def _is_usable(challenge: Challenge) -> bool:
    if challenge.scheme.lower() != "digest" or not challenge.nonce or "realm" not in challenge.params:
        return False
    if challenge.algorithm not in _STRENGTH:
        return False
    return not challenge.qop or "auth" in challenge.qop or "auth-int" in challenge.qop


class DigestClient:
    """Answers challenges for one account; counts the uses of each nonce so that it can be used again.

    Args:
        token: gives a fresh random client nonce.
    """

    def __init__(self, username: str, password: str, token: Callable[[], str]) -> None:
        self._username = username
        self._password = password
        self._token = token
        self._nonce = ""
        self._count = 0

    def answer(self, challenges: Iterable[Challenge], method: str, uri: str, body: bytes = b"") -> Credentials | None:
        """Credentials for the strongest challenge, for the Authorization or Proxy-Authorization header.

        `uri` is the Request-URI as it stands in the request. None: no challenge we can answer.
        """
        challenge = choose_challenge(challenges)
        if challenge is None:
            return None
        self._count = self._count + 1 if challenge.nonce == self._nonce else 1
        self._nonce = challenge.nonce
        qop = ""
        if challenge.qop:
            qop = "auth" if "auth" in challenge.qop else "auth-int"
        secret = secret_hash(challenge.algorithm, self._username, challenge.realm, self._password)
        cnonce = self._token()
        nc = f"{self._count:08x}"
        inputs = _Inputs(challenge.algorithm, secret, challenge.nonce, method, uri, qop, cnonce, nc, body)
        params = {
            "username": self._username,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": uri,
            "response": inputs.response(),
        }
        if "algorithm" in challenge.params:
            params["algorithm"] = challenge.params["algorithm"]
        if qop or challenge.algorithm.endswith("-sess"):
            params["cnonce"] = cnonce
        if qop:
            params |= {"qop": qop, "nc": nc}
        if challenge.opaque is not None:
            params["opaque"] = challenge.opaque
        return Credentials("Digest", params)


class AuthVerdict(Enum):
    """What a server makes of credentials. Everything but ACCEPTED is answered with a fresh challenge or a 403."""

    ACCEPTED = "accepted"
    STALE = "stale"
    """The password is right but the nonce is too old or not ours: challenge again with `stale=true`."""
    REPLAYED = "replayed"
    """The password is right but the nonce count was used before: challenge again with `stale=true`."""
    REFUSED = "refused"
    """Wrong password, unknown user, or not well-formed."""


class DigestServer:
    """Challenges and checks one realm. Instants are float seconds of one clock that the caller reads.

    Args:
        key: secret of at least 16 bytes; nonces of another key or of before a restart are stale.
        algorithms: offered in this order, strongest first (RFC 8760 §2.4).
    """

    def __init__(self, realm: str, key: bytes, algorithms: tuple[str, ...] = ("SHA-256", "MD5")) -> None:
        if len(key) < 16:
            raise ValueError("the nonce key needs at least 16 bytes")
        unknown = [name for name in algorithms if name not in _HASHES]
        if unknown:
            raise ValueError(f"unknown digest algorithm {unknown[0]!r}")
        self.realm = realm
        self._key = key
        self._algorithms = algorithms
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._forgotten_before = float("-inf")

    def challenges(self, now: float, salt: str, *, stale: bool = False) -> list[Challenge]:
        """One challenge per algorithm for WWW-Authenticate or Proxy-Authenticate. `salt`: a fresh random token."""
        nonce = self._make_nonce(now, salt)
        extra = {"stale": "true"} if stale else {}
        return [
            Challenge("Digest", {"realm": self.realm, "nonce": nonce, "algorithm": algorithm, "qop": "auth"} | extra)
            for algorithm in self._algorithms
        ]

    def verify(
        self, credentials: Credentials, method: str, secret: Callable[[str], str | None], now: float, body: bytes = b""
    ) -> AuthVerdict:
        """Checks credentials that came with a request.

        Args:
            secret: gives the user's `secret_hash` for an algorithm; None for an unknown user.
        """
        algorithm = (credentials.get("algorithm") or "MD5").upper()
        if not self._well_formed(credentials, algorithm):
            return AuthVerdict.REFUSED
        known = secret(algorithm)
        inputs = _Inputs(
            algorithm,
            known if known is not None else "",
            credentials.get("nonce"),
            method,
            credentials.get("uri"),
            credentials.get("qop").lower(),
            credentials.get("cnonce"),
            credentials.get("nc"),
            body,
        )
        right = hmac.compare_digest(
            inputs.response().encode(), credentials.get("response").lower().encode(errors="replace")
        )
        if not right or known is None:
            return AuthVerdict.REFUSED
        return self._check_use(credentials.get("nonce"), int(credentials.get("nc") or "1", 16), now)

    def _well_formed(self, credentials: Credentials, algorithm: str) -> bool:
        if credentials.scheme.lower() != "digest" or credentials.get("realm") != self.realm:
            return False
        if algorithm not in self._algorithms:
            return False
        if not credentials.get("qop"):
            return not credentials.get("nc")
        return (
            credentials.get("qop").lower() == "auth"
            and bool(credentials.get("cnonce"))
            and _NONCE_COUNT.fullmatch(credentials.get("nc")) is not None
        )

    def _check_use(self, nonce: str, count: int, now: float) -> AuthVerdict:
        issued_at = self._issued_at(nonce)
        if issued_at is None or not 0 <= now - issued_at <= NONCE_LIFETIME_S or issued_at <= self._forgotten_before:
            return AuthVerdict.STALE
        if count <= self._counts.get(nonce, 0):
            return AuthVerdict.REPLAYED
        self._counts[nonce] = count
        self._counts.move_to_end(nonce)
        self._forget(now)
        return AuthVerdict.ACCEPTED

    def _forget(self, now: float) -> None:
        """Drops counts of nonces that are stale anyway; when there are too many, makes the oldest ones stale."""
        while self._counts:
            oldest = next(iter(self._counts))
            issued_at = self._issued_at(oldest) or 0.0
            if now - issued_at <= NONCE_LIFETIME_S and len(self._counts) <= MAX_TRACKED_NONCES:
                return
            del self._counts[oldest]
            self._forgotten_before = max(self._forgotten_before, issued_at)

    def _make_nonce(self, now: float, salt: str) -> str:
        stamp = f"{int(now * 1000):x}.{salt}"
        return f"{stamp}.{self._seal(stamp)}"

    def _issued_at(self, nonce: str) -> float | None:
        stamp, _, seal = nonce.rpartition(".")
        if not stamp or not hmac.compare_digest(seal.encode(errors="replace"), self._seal(stamp).encode()):
            return None
        return int(stamp.partition(".")[0], 16) / 1000

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._key, stamp.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:32]
