"""ID tokens of an OpenID provider (OpenID Connect Core 1.0 §3.1.3.7): signed by the provider, for us, now, and once.

Pure: keys, what is expected and the time come in. What a token says of a person is believed only when all of it fits.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dialer.errors import DialerError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""With a key pair only: "none" proves nothing, and a shared secret is one that we could have signed with ourselves."""
LEEWAY = timedelta(seconds=60)
"""How far the provider's clock may be off."""
MAX_AGE = timedelta(minutes=15)
"""Since it was issued: a token comes straight from the provider."""
MAX_SUBJECT = 255  # ASCII characters: OpenID Connect Core 1.0 §2

Claims = Mapping[str, object]


class Refusal(str, Enum):
    """Why somebody is not logged in, as the page tells them."""

    STALE = "stale"
    """The browser began no log-in, or too long ago, or its answer came before."""
    DENIED = "denied"
    """The provider said no, or the person did."""
    INVALID = "invalid"
    """What the provider answered does not prove who this is."""
    UNAVAILABLE = "unavailable"
    NO_ACCOUNT = "no_account"
    NO_ROLE = "no_role"
    CLOSED = "closed"


class OidcRefusedError(DialerError):
    """The log-in failed; `refusal` says how the page puts it, the message is for the log and names nobody."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    nonce: str


def read_id_token(token: str, keys: KeySet, expected: Expected, now: datetime) -> Claims:
    """What a token says, once everything about it fits (OidcRefusedError)."""
    try:
        claims: Claims = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError) as error:  # ValueError: of text that is no token, or a key of another kind
        raise _invalid(f"the ID token's signature: {type(error).__name__}") from error
    _check_parties(claims, expected)
    _check_times(claims, now)
    if not _is_equal(claims.get("nonce"), expected.nonce):
        raise _invalid("the ID token was made for another log-in (nonce)")
    return claims


def names_no_key(token: str, keys: KeySet) -> bool:
    """Whether a token names a key that is none of these: the provider may have new ones."""
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return False
    return kid is not None and all(key.kid != kid for key in keys)


def _check_parties(claims: Claims, expected: Expected) -> None:
    if not _is_equal(claims.get("iss"), expected.issuer):
        raise _invalid("the ID token is another provider's (iss)")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise _invalid("the ID token is for somebody else (aud)")
    party = claims.get("azp")
    if party != expected.client_id and (party is not None or len(audiences) > 1):
        raise _invalid("the ID token was given to somebody else (azp)")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not _is_plain(subject):
        raise _invalid("the ID token names nobody (sub)")


def _check_times(claims: Claims, now: datetime) -> None:
    at = now.timestamp()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not _is_number(expires) or not _is_number(issued):
        raise _invalid("the ID token has no times (exp, iat)")
    if not at < float(str(expires)) + LEEWAY.total_seconds():  # also where it is no number that can be compared
        raise _invalid("the ID token is over (exp)")
    age_s = at - float(str(issued))
    if not -LEEWAY.total_seconds() <= age_s <= MAX_AGE.total_seconds():
        raise _invalid("the ID token is not of now (iat): is one of the clocks wrong?")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_equal(said: object, expected: str) -> bool:
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, expected)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _invalid(message: str) -> OidcRefusedError:
    return OidcRefusedError(Refusal.INVALID, message)
