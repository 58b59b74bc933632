"""SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966), and the shell of any other.

Parsing is lenient where the meaning is plain: trunks put `#` and `*` into user parts and `_` into host names. A URI
keeps its parts as they stood on the wire, so that writing gives back what was read; ours are built by `SipUri.build`,
which escapes.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import quote as percent_encode
from urllib.parse import unquote as percent_decode

from dialer.sip.errors import ParseError
from dialer.sip.lexical import Params, find_param, format_params, parse_params

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_SIP = re.compile(
    r"(?:([^@<>\s\"\x00-\x1f\x7f]*)@)?"  # userinfo
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"  # host: IPv6 reference, IPv4 or name
    r"(?::([0-9]{1,5}))?"
    r"(;[^@?<>\s\"\x00-\x1f\x7f]*)?"
    r"(?:\?([^@<>\s\"\x00-\x1f\x7f]*))?",
    re.ASCII,
)
_HOST = re.compile(r"\[?[0-9A-Za-z:._-]+\]?")
_FORBIDDEN = re.compile(r"[<>\s\"\x00-\x1f\x7f]", re.ASCII)
_USER_SAFE = "-_.!~*'()&=+$,;?/"  # RFC 3261 §25.1: unreserved and user-unreserved
_COMPARED_PARAMS = ("user", "ttl", "method", "maddr")  # RFC 3261 §19.1.4: must match when either URI has one
_DEFAULT_PORTS = {"sip": 5060, "sips": 5061}


@dataclass(frozen=True, slots=True)
class SipUri:
    """One URI. For `tel:` the number is in `user`; for schemes we know nothing about all is in `opaque`.

    `user`, `params` and `headers` are as on the wire (percent-escapes kept); an IPv6 `host` has no brackets.
    """

    scheme: str = "sip"
    user: str = ""
    host: str = ""
    port: int | None = None
    params: Params = ()
    headers: str = ""
    password: str | None = None
    opaque: str = ""

    @classmethod
    def parse(cls, text: str) -> "SipUri":
        """Reads a URI. Raises ParseError."""
        match = _SCHEME.match(text)
        if match is None:
            raise ParseError("URI without a scheme")
        scheme = match[1].lower()
        rest = text[match.end() :]
        if scheme in ("sip", "sips"):
            return _parse_sip(scheme, rest)
        if not rest or _FORBIDDEN.search(rest):
            raise ParseError(f"malformed {scheme} URI")
        if scheme == "tel":
            number, _, params = rest.partition(";")
            return cls(scheme="tel", user=number, params=parse_params(params))
        return cls(scheme=scheme, opaque=rest)

    @classmethod
    def build(
        cls,
        user: str,
        host: str,
        port: int | None = None,
        *,
        scheme: str = "sip",
        transport: str = "",
        params: Iterable[tuple[str, str | None]] = (),
    ) -> "SipUri":
        """Our own URI: the user is escaped as RFC 3261 §25.1 wants it. Raises ValueError for an impossible host."""
        bare_host = host.removeprefix("[").removesuffix("]")
        if not _HOST.fullmatch(host):
            raise ValueError(f"not a host name or address: {host!r}")
        all_params = (*params, ("transport", transport.lower())) if transport else tuple(params)
        return cls(scheme, percent_encode(user, safe=_USER_SAFE, errors="surrogateescape"), bare_host, port, all_params)

    @property
    def is_sip(self) -> bool:
        """True for sip and sips: a URI that a request can be sent to."""
        return self.scheme in ("sip", "sips")

    @property
    def is_writable(self) -> bool:
        """False when the text would break out of a request line or of `<>`; never for a URI that was parsed."""
        return _FORBIDDEN.search(str(self)) is None

    @property
    def user_text(self) -> str:
        """The user part with its percent-escapes resolved."""
        return percent_decode(self.user, errors="surrogateescape") if "%" in self.user else self.user

    @property
    def transport(self) -> str:
        """The transport parameter in lower case; "" when there is none."""
        return (self.param("transport") or "").lower()

    @property
    def host_port(self) -> str:
        """`host[:port]` as on the wire, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def param(self, name: str) -> str | None:
        """A URI parameter's value ("" without one), None when absent. `name` in lower case."""
        return find_param(self.params, name)

    def bare(self) -> "SipUri":
        """The address of record: no parameters, headers or password."""
        return replace(self, params=(), headers="", password=None)

    def matches(self, other: "SipUri") -> bool:
        """The comparison of RFC 3261 §19.1.4 (URI headers must be literally equal)."""
        if (self.scheme, self.user_text, self.password, self.opaque) != (
            other.scheme,
            other.user_text,
            other.password,
            other.opaque,
        ):
            return False
        if (self.host.lower(), self.port, self.headers) != (other.host.lower(), other.port, other.headers):
            return False
        return _params_match(dict(self.params), dict(other.params))

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        if self.scheme == "tel":
            return f"tel:{self.user}{format_params(self.params)}"
        user = self.user if self.password is None else f"{self.user}:{self.password}"
        text = f"{self.scheme}:{user}@{self.host_port}" if user else f"{self.scheme}:{self.host_port}"
        if self.params:
            text += format_params(self.params)
        return f"{text}?{self.headers}" if self.headers else text


def default_port(scheme: str) -> int:
    """5060, or 5061 for sips (RFC 3261 §19.1.2)."""
    return _DEFAULT_PORTS[scheme]


def _parse_sip(scheme: str, rest: str) -> SipUri:
    match = _SIP.fullmatch(rest)
    if match is None:
        raise ParseError(f"malformed {scheme} URI")
    userinfo, host, port_text, params, headers = match.groups()
    port = int(port_text) if port_text else None
    if port is not None and port > 65535:
        raise ParseError("port beyond 65535")
    if host[0] == "[":
        host = host[1:-1]
    user, separator, password = userinfo.partition(":") if userinfo else ("", "", "")
    return SipUri(
        scheme,
        user,
        host,
        port,
        parse_params(params) if params else (),
        headers or "",
        password if separator else None,
    )


def _params_match(mine: dict[str, str | None], theirs: dict[str, str | None]) -> bool:
    for name in _COMPARED_PARAMS:
        if (name in mine) != (name in theirs):
            return False
    return all((mine[name] or "").lower() == (theirs[name] or "").lower() for name in mine.keys() & theirs.keys())
