"""Typed values of SIP headers: Via, addresses, CSeq, Reason, session timers. Frozen; `str()` writes them for the wire.

Challenges and credentials are in `dialer.sip.challenge`; the map that holds header lines is `dialer.sip.header_map`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dialer.sip.errors import ParseError
from dialer.sip.lexical import (
    MAX_ELEMENTS,
    Params,
    find_param,
    format_params,
    is_token,
    parse_params,
    parse_uint,
    quote,
    readable,
    skip_quoted,
    split_list,
    unquote,
    with_param,
)
from dialer.sip.uri import SipUri

_VIA = re.compile(
    r"([^\s/]+)\s*/\s*([^\s/]+)\s*/\s*([^\s/]+)\s+"
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?:\s*:\s*([0-9]{1,5}))?\s*(?:;(.*))?",
    re.DOTALL | re.ASCII,
)
_CSEQ = re.compile(r"([0-9]{1,10})\s+(\S+)", re.ASCII)
_RACK = re.compile(r"([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)", re.ASCII)
_DELTA = re.compile(r"\s*([0-9]{1,10})\s*(?:\([^)]*\)\s*)?(?:;(.*))?", re.DOTALL | re.ASCII)
_MAX_UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Via:
    """One hop of a Via header (RFC 3261 §20.42, RFC 3581). `host` of an IPv6 address has no brackets."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Reads one Via value. Raises ParseError."""
        match = _VIA.fullmatch(text.strip())
        if match is None:
            raise ParseError("malformed Via")
        _, _, transport, host, port_text, params = match.groups()
        port = int(port_text) if port_text else None
        if port is not None and port > 65535:
            raise ParseError("Via port beyond 65535")
        if host[0] == "[":
            host = host[1:-1]
        return cls(transport.upper(), host, port, parse_params(params) if params else ())

    @property
    def branch(self) -> str:
        """The branch parameter; "" when there is none (RFC 2543 peers)."""
        return find_param(self.params, "branch") or ""

    @property
    def received(self) -> str:
        """The received parameter (IPv6 without brackets); "" when there is none."""
        value = find_param(self.params, "received") or ""
        return value.removeprefix("[").removesuffix("]")

    @property
    def rport(self) -> int | None:
        """The port a server filled in (RFC 3581); None when there is none or it is still empty."""
        value = find_param(self.params, "rport")
        return parse_uint(value, 65535) if value else None

    @property
    def wants_rport(self) -> bool:
        """True when the client put an rport parameter here."""
        return find_param(self.params, "rport") is not None

    def with_source(self, host: str, port: int) -> "Via":
        """What a server makes of the top Via: `received` where the address differs, `rport` where asked for."""
        params = self.params
        if self.wants_rport:
            params = with_param(params, "rport", str(port))
        if self.wants_rport or host != self.host:
            params = with_param(params, "received", host)
        return replace(self, params=params)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        sent_by = host if self.port is None else f"{host}:{self.port}"
        return f"SIP/2.0/{self.transport} {sent_by}{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class NameAddr:
    """An address with an optional display name and header parameters: From, To, Contact, Route, P-Asserted-Identity…

    `display_name` is unquoted and may hold bytes that are not UTF-8 (`dialer.sip.lexical.readable` makes it printable).
    """

    uri: SipUri
    display_name: str = ""
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "NameAddr":
        """Reads `"Name" <uri>;params` or `uri;params`. Raises ParseError."""
        text = text.strip()
        if text.startswith('"'):
            end = skip_quoted(text, 0)
            name = unquote(text[:end])
            rest = text[end:].lstrip()
            if not rest.startswith("<"):
                raise ParseError("display name without <address>")
        else:
            bracket = text.find("<")
            if bracket < 0:
                return cls._parse_bare(text)
            name = text[:bracket].strip()
            rest = text[bracket:]
            if '"' in name:
                raise ParseError("unbalanced quote")
        uri, closed, params = rest[1:].partition(">")
        if not closed:
            raise ParseError("'<' without '>'")
        return cls(SipUri.parse(uri.strip()), name, _parse_tail(params))

    @classmethod
    def _parse_bare(cls, text: str) -> "NameAddr":
        uri_text, _, params = text.partition(";")
        uri = SipUri.parse(uri_text.strip())
        if uri.headers:  # RFC 3261 §20.10: a URI with `?` must stand in brackets
            raise ParseError("URI with headers outside <>")
        return cls(uri, "", parse_params(params) if params else ())

    @property
    def tag(self) -> str:
        """The tag parameter; "" when there is none."""
        return find_param(self.params, "tag") or ""

    def param(self, name: str) -> str | None:
        """A header parameter's value ("" without one), None when absent. `name` in lower case."""
        return find_param(self.params, name)

    def with_tag(self, tag: str) -> "NameAddr":
        """The same address with its tag set."""
        return replace(self, params=with_param(self.params, "tag", tag))

    def __str__(self) -> str:
        address = f"<{self.uri}>{format_params(self.params)}"
        return f"{quote(self.display_name)} {address}" if self.display_name else address


@dataclass(frozen=True, slots=True)
class CSeq:
    """Sequence number and method (RFC 3261 §20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Reads a CSeq value. Raises ParseError."""
        match = _CSEQ.fullmatch(text.strip())
        if match is None or int(match[1]) > _MAX_UINT32 or not is_token(match[2]):
            raise ParseError("malformed CSeq")
        return cls(int(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class RAck:
    """What a PRACK acknowledges (RFC 3262 §7.2)."""

    rseq: int
    cseq: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "RAck":
        """Reads a RAck value. Raises ParseError."""
        match = _RACK.fullmatch(text.strip())
        if match is None or max(int(match[1]), int(match[2])) > _MAX_UINT32:
            raise ParseError("malformed RAck")
        return cls(int(match[1]), int(match[2]), match[3])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


@dataclass(frozen=True, slots=True)
class ReasonValue:
    """Why a request or response was sent (RFC 3326): `Q.850;cause=17;text="User busy"`. `text` is printable."""

    protocol: str
    cause: int | None = None
    text: str = ""
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "ReasonValue":
        """Reads one Reason value. Raises ParseError."""
        protocol, _, rest = text.partition(";")
        params = parse_params(rest)
        if not is_token(protocol.strip()):
            raise ParseError("malformed Reason")
        cause = parse_uint(find_param(params, "cause") or "")
        return cls(protocol.strip(), cause, readable(find_param(params, "text") or ""), params)

    def __str__(self) -> str:
        params: Params = self.params
        if not params:
            params = (("cause", str(self.cause)),) if self.cause is not None else ()
            params += (("text", quote(self.text)),) if self.text else ()
        return f"{self.protocol}{format_params(params)}"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """Session timer (RFC 4028 §4). `refresher` is "uac", "uas" or "" when left open."""

    interval_s: int
    refresher: str = ""

    @classmethod
    def parse(cls, text: str) -> "SessionExpires":
        """Reads a Session-Expires value. Raises ParseError."""
        seconds, params = parse_delta(text)
        refresher = (find_param(params, "refresher") or "").lower()
        return cls(seconds, refresher if refresher in ("uac", "uas") else "")

    def __str__(self) -> str:
        return f"{self.interval_s};refresher={self.refresher}" if self.refresher else str(self.interval_s)


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type in lower case (RFC 3261 §20.15)."""

    media_type: str
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "ContentType":
        """Reads a Content-Type value. Raises ParseError."""
        media, _, params = text.partition(";")
        kind, slash, subtype = media.partition("/")
        if not (slash and is_token(kind.strip()) and is_token(subtype.strip())):
            raise ParseError("malformed Content-Type")
        return cls(f"{kind.strip()}/{subtype.strip()}".lower(), parse_params(params))

    def __str__(self) -> str:
        return f"{self.media_type}{format_params(self.params)}"


def parse_delta(text: str) -> tuple[int, Params]:
    """Seconds, an optional comment, parameters: Expires, Retry-After, Session-Expires, Min-SE. Raises ParseError."""
    match = _DELTA.fullmatch(text)
    if match is None or int(match[1]) > _MAX_UINT32:
        raise ParseError("not a number of seconds")
    return int(match[1]), parse_params(match[2]) if match[2] else ()


def parse_vias(lines: Iterable[str]) -> tuple[Via, ...]:
    """Every hop, topmost first. Raises ParseError."""
    return tuple(Via.parse(part) for line in lines for part in split_list(line))


def parse_addresses(lines: Iterable[str]) -> tuple[NameAddr, ...]:
    """The addresses of Contact, Route, Record-Route or P-Asserted-Identity lines. Raises ParseError."""
    return tuple(NameAddr.parse(part) for line in lines for part in split_list(line))


def parse_tokens(lines: Iterable[str]) -> tuple[str, ...]:
    """A list of option tags or methods, as written; tokens know no quotes, so every comma separates.

    The first `MAX_ELEMENTS` of a line; more options than that nobody has.
    """
    return tuple(part for line in lines for text in line.split(",")[:MAX_ELEMENTS] if (part := text.strip()))


def _parse_tail(text: str) -> Params:
    text = text.strip()
    if not text:
        return ()
    if text[0] != ";":
        raise ParseError("text after an address")
    return parse_params(text)
