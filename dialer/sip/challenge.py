"""Digest challenges and credentials as they stand in headers (RFC 3261 §20.44, §20.7; RFC 7616, RFC 8760)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dialer.sip.errors import ParseError
from dialer.sip.lexical import is_token, quote, skip_quoted, unquote

_QUOTED_IN_CHALLENGE = frozenset({"realm", "domain", "nonce", "opaque", "qop"})
_QUOTED_IN_CREDENTIALS = frozenset({"username", "realm", "nonce", "uri", "response", "cnonce", "opaque"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """One WWW-Authenticate or Proxy-Authenticate line. Parameter names in lower case, values unquoted."""

    scheme: str
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Challenge":
        """Reads one challenge. Raises ParseError."""
        scheme, params = _parse_auth(text)
        return cls(scheme, params)

    @property
    def realm(self) -> str:
        """The protection space; "" when missing."""
        return self.params.get("realm", "")

    @property
    def nonce(self) -> str:
        """The server's nonce; "" when missing."""
        return self.params.get("nonce", "")

    @property
    def opaque(self) -> str | None:
        """To be sent back unchanged when present."""
        return self.params.get("opaque")

    @property
    def algorithm(self) -> str:
        """The hash algorithm in upper case but for a `-sess` suffix; MD5 when none is named (RFC 7616 §3.3)."""
        name = self.params.get("algorithm", "MD5").upper()
        return name.replace("-SESS", "-sess")

    @property
    def qop(self) -> tuple[str, ...]:
        """The qualities of protection offered, in lower case."""
        return tuple(part.strip().lower() for part in self.params.get("qop", "").split(",") if part.strip())

    @property
    def stale(self) -> bool:
        """True when only the nonce was too old: try again with the same password."""
        return self.params.get("stale", "").lower() == "true"

    def __str__(self) -> str:
        return _format(self.scheme, self.params, _QUOTED_IN_CHALLENGE)


@dataclass(frozen=True, slots=True)
class Credentials:
    """One Authorization or Proxy-Authorization line. Parameter names in lower case, values unquoted."""

    scheme: str
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """Reads credentials. Raises ParseError."""
        scheme, params = _parse_auth(text)
        return cls(scheme, params)

    def get(self, name: str) -> str:
        """A parameter's value; "" when missing. `name` in lower case."""
        return self.params.get(name, "")

    def __str__(self) -> str:
        return _format(self.scheme, self.params, _QUOTED_IN_CREDENTIALS)


def parse_challenges(lines: Iterable[str]) -> list[Challenge]:
    """Every readable challenge, one per header line (RFC 3261 §7.3.1 forbids joining); broken ones are passed over."""
    challenges = []
    for line in lines:
        try:
            challenges.append(Challenge.parse(line))
        except ParseError:
            continue
    return challenges


def _parse_auth(text: str) -> tuple[str, dict[str, str]]:
    scheme, _, rest = text.strip().partition(" ")
    if not is_token(scheme):
        raise ParseError("malformed authentication header")
    params: dict[str, str] = {}
    for part in _split_commas(rest):
        name, separator, value = part.partition("=")
        name = name.strip().lower()
        if not separator or not is_token(name) or name in params:
            raise ParseError("malformed authentication parameter")
        params[name] = unquote(value.strip())
    return scheme, params


def _split_commas(text: str) -> list[str]:
    """Splits at commas outside quotes; unlike address lists, `<` has no meaning here."""
    parts = []
    start = position = 0
    while position < len(text):
        if text[position] == '"':
            position = skip_quoted(text, position)
            continue
        if text[position] == ",":
            parts.append(text[start:position])
            start = position + 1
        position += 1
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def _format(scheme: str, params: dict[str, str], quoted: frozenset[str]) -> str:
    written = (f"{name}={quote(value) if name in quoted else value}" for name, value in params.items())
    return f"{scheme} {', '.join(written)}"
