"""SIP messages: bytes in, values out, and back (RFC 3261 §7).

Lenient on reading, strict on writing. What is plain is understood even when it is not well-formed (folded lines, LF as
line end, `Name :`, compact forms, `#` in a user part, display names that are not UTF-8); a line that is no header is
passed over; malformed headers that nothing needs count as absent (RFC 3261 §8.2). What is ambiguous is refused: two
Content-Lengths, a body shorter than declared, a CSeq that names another method, two Call-IDs, mixed line ends.

Content-Length is checked while reading and then dropped, since it is `len(body)`; writing puts it last. Typed values
(`message.via`, `message.contacts`, …) are parsed when first asked for and kept until the headers change. Those that
routing depends on are parsed while reading, so none of the properties below raises for a message that came through
`parse_message`.
"""

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from dialer.errors import LocalProtocolError
from dialer.sip.challenge import parse_challenges
from dialer.sip.errors import ParseError
from dialer.sip.header_map import Headers, header_key
from dialer.sip.headers import (
    ContentType,
    CSeq,
    NameAddr,
    RAck,
    ReasonValue,
    SessionExpires,
    Via,
    parse_addresses,
    parse_delta,
    parse_tokens,
    parse_vias,
)
from dialer.sip.lexical import decode, encode, is_token, parse_uint, split_list
from dialer.sip.status import reason_phrase
from dialer.sip.uri import SipUri

MAX_MESSAGE_BYTES = 65535
MAX_HEADERS = 256
BRANCH_COOKIE = "z9hG4bK"  # RFC 3261 §8.1.1.7
TokenFactory = Callable[[], str]
"""Gives a fresh random token (at least 64 bits, only `token` characters): the source of tags, branches and Call-IDs."""

_FOLD = re.compile(r"\n[ \t]+")
_STATUS_LINE = re.compile(r"(SIP/[0-9]+\.[0-9]+) +([0-9]+)(?: (.*))?", re.IGNORECASE)
_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+", re.IGNORECASE)
_URI_SCHEMES = ("sip", "sips", "tel")
_REQUIRED = ("via", "from", "to", "call-id", "cseq")  # RFC 3261 §8.1.1; Max-Forwards is missing in RFC 2543 messages
_SINGLE = ("from", "to", "call-id", "cseq", "max-forwards", "content-type")

T = TypeVar("T")


class _Typed(Generic[T]):
    """A property read from the headers once and cached beside them."""

    __slots__ = ("_name", "_read")

    def __init__(self, read: Callable[[Headers], T]) -> None:
        self._read = read

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, message: "_Message", owner: "type[_Message] | None" = None) -> T:
        cache = message.headers.typed
        if self._name in cache:
            return cache[self._name]  # type: ignore[return-value]
        value = self._read(message.headers)
        cache[self._name] = value
        return value


def _required(headers: Headers, key: str) -> str:
    values = headers.filed(key)
    if not values or not values[0]:
        raise ParseError(f"no {key}")
    return values[0]


def _optional(key: str, read: Callable[[str], T]) -> Callable[[Headers], T | None]:
    """A header nothing depends upon: malformed is as good as absent (RFC 3261 §8.2)."""

    def read_optional(headers: Headers) -> T | None:
        values = headers.filed(key)
        if not values:
            return None
        try:
            return read(values[0])
        except ParseError:
            return None

    return read_optional


def _addresses(key: str) -> Callable[[Headers], tuple[NameAddr, ...]]:
    return lambda headers: parse_addresses(headers.filed(key))


def _tokens(key: str) -> Callable[[Headers], tuple[str, ...]]:
    return lambda headers: parse_tokens(headers.filed(key))


def _read_vias(headers: Headers) -> tuple[Via, ...]:
    vias = parse_vias(headers.filed("via"))
    if not vias:
        raise ParseError("no Via")
    return vias


def _read_contacts(headers: Headers) -> tuple[NameAddr, ...]:
    return () if _is_wildcard(headers) else parse_addresses(headers.filed("contact"))


def _is_wildcard(headers: Headers) -> bool:
    return list(headers.filed("contact")) == ["*"]


def _read_asserted(headers: Headers) -> tuple[NameAddr, ...]:
    try:
        return parse_addresses(headers.filed("p-asserted-identity"))
    except ParseError:
        return ()


def _read_reasons(headers: Headers) -> tuple[ReasonValue, ...]:
    reasons: list[ReasonValue] = []
    for line in headers.filed("reason"):
        try:
            reasons.extend(ReasonValue.parse(part) for part in split_list(line))
        except ParseError:
            continue
    return tuple(reasons)


def _read_seconds(value: str) -> int:
    return parse_delta(value)[0]


class _Message(ABC):
    """What requests and responses share."""

    __slots__ = ()
    headers: Headers
    body: bytes

    vias = _Typed(_read_vias)
    """Every Via, topmost first; at least one."""
    from_ = _Typed(lambda headers: NameAddr.parse(_required(headers, "from")))
    to = _Typed(lambda headers: NameAddr.parse(_required(headers, "to")))
    cseq = _Typed(lambda headers: CSeq.parse(_required(headers, "cseq")))
    call_id = _Typed(lambda headers: _required(headers, "call-id"))
    contacts = _Typed(_read_contacts)
    """Every Contact address; empty for `Contact: *`."""
    contact_is_wildcard = _Typed(lambda headers: _is_wildcard(headers))
    """True for `Contact: *`, which only removes all bindings of a registration."""
    routes = _Typed(_addresses("route"))
    record_routes = _Typed(_addresses("record-route"))
    p_asserted_identity = _Typed(_read_asserted)
    content_type = _Typed(_optional("content-type", ContentType.parse))
    max_forwards = _Typed(_optional("max-forwards", lambda value: parse_uint(value, 255)))
    expires = _Typed(_optional("expires", _read_seconds))
    min_se = _Typed(_optional("min-se", _read_seconds))
    retry_after = _Typed(_optional("retry-after", _read_seconds))
    """Seconds."""
    session_expires = _Typed(_optional("session-expires", SessionExpires.parse))
    rseq = _Typed(_optional("rseq", parse_uint))
    rack = _Typed(_optional("rack", RAck.parse))
    reason = _Typed(_read_reasons)
    require = _Typed(_tokens("require"))
    supported = _Typed(_tokens("supported"))
    allow = _Typed(_tokens("allow"))
    www_authenticate = _Typed(lambda headers: parse_challenges(headers.filed("www-authenticate")))
    proxy_authenticate = _Typed(lambda headers: parse_challenges(headers.filed("proxy-authenticate")))

    @property
    def via(self) -> Via:
        """The topmost Via: whoever sent this to us, or our own when it is a response."""
        return self.vias[0]

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact address."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @property
    @abstractmethod
    def start_line(self) -> str:
        """The first line, without its line end."""

    def to_bytes(self) -> bytes:
        """The message for the wire, Content-Length last.

        Raises:
            LocalProtocolError: a header that every message needs is missing, or the start line cannot be written.
        """
        _check_headers(self.headers)
        self._check_start_line()
        lines = [self.start_line]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return encode("\r\n".join(lines)) + self.body

    @abstractmethod
    def _check_start_line(self) -> None:
        """Raises LocalProtocolError when the first line cannot be written."""


def _check_headers(headers: Headers) -> None:
    for key in _REQUIRED:
        if not headers.filed(key):
            raise LocalProtocolError(f"message without {key}")
    if headers.filed("content-length"):
        raise LocalProtocolError("Content-Length is written from the body; do not set it")


@dataclass(slots=True)
class Request(_Message):
    """A SIP request; its URI is sip, sips or tel."""

    method: str
    uri: SipUri
    headers: Headers
    body: bytes = b""

    @property
    def start_line(self) -> str:
        """The request line."""
        return f"{self.method} {self.uri} SIP/2.0"

    def _check_start_line(self) -> None:
        if self.cseq.method != self.method or not is_token(self.method):
            raise LocalProtocolError(f"CSeq {self.cseq} in a request {self.method!r}")
        if not self.uri.is_writable:
            raise LocalProtocolError("white space or brackets in the Request-URI")


@dataclass(slots=True)
class Response(_Message):
    """A SIP response. `phrase` may hold bytes that are not UTF-8 (`dialer.sip.lexical.readable`)."""

    status: int
    phrase: str
    headers: Headers
    body: bytes = b""

    @property
    def start_line(self) -> str:
        """The status line."""
        return f"SIP/2.0 {self.status} {self.phrase}"

    def _check_start_line(self) -> None:
        if not 100 <= self.status <= 699 or "\r" in self.phrase or "\n" in self.phrase:
            raise LocalProtocolError(f"not a status line: {self.status} {self.phrase!r}")


Message = Request | Response


class MessageError(ParseError):
    """A whole message that cannot be acted upon; keeps what is needed to answer a request statelessly.

    `method` is "" when the bytes were no request; `headers` hold what could be read.
    """

    def __init__(
        self, reason: str, status_hint: int = 400, *, method: str = "", headers: Headers | None = None
    ) -> None:
        super().__init__(reason, status_hint)
        self.method = method
        self.headers = headers if headers is not None else Headers()


def new_branch(token: TokenFactory) -> str:
    """A branch for a new client transaction."""
    return BRANCH_COOKIE + token()


def new_tag(token: TokenFactory) -> str:
    """A From or To tag."""
    return token()


def make_response(request: Request, status: int, phrase: str = "", *, to_tag: str = "") -> Response:
    """A response with the headers every one must repeat (RFC 3261 §8.2.6.2).

    `to_tag` goes to a To that has none; every status but 100 needs one.
    """
    headers = _repeat_headers(request.headers)
    if to_tag and not request.to.tag:
        headers.set("To", str(request.to.with_tag(to_tag)))
    return Response(status, phrase or reason_phrase(status), headers)


def stateless_answer(error: MessageError, *, to_tag: str) -> Response | None:
    """The response to a request that could not be read; None when none may or can be sent (RFC 3261 §16.11, §17.1.1.3).

    An ACK is never answered, neither is anything without a readable Via, nor what lacks the headers of a response.
    """
    if not error.method or error.method == "ACK":
        return None
    if not all(error.headers.filed(key) for key in _REQUIRED):
        return None
    answer = Response(error.status_hint, reason_phrase(error.status_hint), _repeat_headers(error.headers))
    try:
        _ = answer.via
    except ParseError:
        return None
    with contextlib.suppress(ParseError):  # an unreadable To goes back as it came
        if not answer.to.tag:
            answer.headers.set("To", str(answer.to.with_tag(to_tag)))
    return answer


def _repeat_headers(source: Headers) -> Headers:
    """Every Via, and one of each of the others even where a broken request has several."""
    repeated = Headers()
    for name, value in source:
        key = header_key(name)
        if key == "via" or (key in _REQUIRED and not repeated.filed(key)):
            repeated.add(name, value)
    return repeated


def parse_message(data: bytes, *, stream: bool = False) -> Message:
    """Reads one whole message.

    `stream`: the bytes were cut out of a stream, so Content-Length must be there and exact; in a datagram it may be
    missing, and bytes after the declared body are ignored (RFC 3261 §18.3).

    Raises:
        MessageError: (a ParseError) with the response a server may give.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageError("message too large", 513)
    head, rest = _split_head(data.lstrip(b"\r\n"))  # RFC 3261 §7.5
    start_line, headers, lengths = _parse_head(head)
    try:
        _check_single(headers)
        body = _take_body(lengths, rest, stream)
        message = _build(start_line, headers, body)
        _check_routing(message)
    except ParseError as error:
        raise MessageError(error.reason, error.status_hint, method=_method_of(start_line), headers=headers) from error
    return message


def _split_head(data: bytes) -> tuple[str, bytes]:
    """The start line and headers with LF as line end, and what follows the empty line.

    The first line says which line end the peer uses; a mixture is refused, since others may read other lines.
    """
    line_end = b"\r\n" if data[: data.find(b"\n") + 1].endswith(b"\r\n") else b"\n"
    head, end, rest = data.partition(line_end * 2)
    if not end:
        raise MessageError("headers without an end")
    text = decode(head)
    if line_end == b"\r\n":
        if text.count("\n") != text.count("\r\n"):
            raise MessageError("LF without CR")
        text = text.replace("\r\n", "\n")
    if "\r" in text:
        raise MessageError("CR without LF")
    return text, rest


def _parse_head(text: str) -> tuple[str, Headers, list[str]]:
    """The start line, the headers without Content-Length, and the values of that."""
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    start_line, *lines = text.split("\n")
    if len(lines) > MAX_HEADERS:
        raise MessageError("too many headers", 513)
    headers = Headers.from_lines(lines)
    return start_line.rstrip(" \t"), headers, headers.remove("Content-Length")


def _method_of(start_line: str) -> str:
    """The method of a request line that may be broken behind it; "" for anything else."""
    word = start_line.partition(" ")[0]
    return word if is_token(word) else ""


def _check_single(headers: Headers) -> None:
    for key in _SINGLE:
        values = headers.filed(key)
        if len(values) > 1 and any(value != values[0] for value in values):
            raise ParseError(f"several different {key}")


def _take_body(lengths: list[str], rest: bytes, stream: bool) -> bytes:
    if not lengths:
        if stream:
            raise ParseError("no Content-Length on a stream")
        return rest
    length = parse_uint(lengths[0])
    if length is None or any(parse_uint(other) != length for other in lengths):
        raise ParseError("malformed or contradictory Content-Length")
    if length > len(rest):
        raise ParseError("body shorter than Content-Length")
    if stream and length < len(rest):
        raise ParseError("body longer than Content-Length")
    return rest[:length]


def _build(start_line: str, headers: Headers, body: bytes) -> Message:
    status_line = _STATUS_LINE.fullmatch(start_line)
    if status_line is not None:
        version, status, phrase = status_line.groups()
        if version.upper() != "SIP/2.0":
            raise ParseError("unknown SIP version", 505)
        if len(status) != 3 or not "1" <= status[0] <= "6":
            raise ParseError("impossible status code")
        return Response(int(status), phrase or "", headers, body)
    parts = start_line.split(" ")
    if len(parts) != 3 or not is_token(parts[0]) or not _VERSION.fullmatch(parts[2]):
        raise ParseError("malformed request line")
    method, uri_text, version = parts
    if version.upper() != "SIP/2.0":
        raise ParseError("unknown SIP version", 505)
    uri = SipUri.parse(uri_text)
    if uri.scheme not in _URI_SCHEMES:
        raise ParseError("unknown URI scheme", 416)
    return Request(method, uri, headers, body)


def _check_routing(message: Message) -> None:
    """Parses what routing and transactions depend upon. Raises ParseError."""
    _ = message.vias, message.from_, message.to, message.call_id, message.cseq, message.record_routes
    if isinstance(message, Request):
        _ = message.routes, message.contacts
        if message.cseq.method != message.method:
            raise ParseError("CSeq names another method")
        return
    for name, values in (("Contact", "contacts"), ("Route", "routes")):
        try:
            getattr(message, values)
        except ParseError:  # a final response with an unusable Contact is still the end of its transaction
            message.headers.remove(name)
