"""SIP messages as a supervisor may see them: one line each, numbers masked, nothing secret. Pure.

Headers are shown from a list of those that explain a call and hold nothing else; whatever has five digits in a row may
be a number and is masked, wherever it stands. Of a session description codecs, address and direction are told.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from dialer.model.contact import mask_number
from dialer.sip.errors import ParseError
from dialer.sip.lexical import decode, readable
from dialer.sip.sdp import SessionDescription

MAX_VALUE_CHARS = 200
SHOWN_HEADERS = (
    *("From", "To", "Contact", "P-Asserted-Identity", "Diversion", "CSeq", "Reason", "Warning", "Retry-After"),
    *("Allow", "Supported", "Require", "Session-Expires", "Min-SE", "RSeq", "RAck", "User-Agent", "Server"),
)
"""No credentials, no routes, no Via: those say nothing that a supervisor could use."""
_COMPACT = {"f": "From", "t": "To", "m": "Contact", "k": "Supported", "x": "Session-Expires"}  # RFC 3261 §7.3.3
_NAMES = {name.lower(): name for name in SHOWN_HEADERS} | _COMPACT
_ADDRESSES = frozenset({"From", "To", "Contact", "P-Asserted-Identity", "Diversion"})
_URI = re.compile(r"(?:sips?|tel):[^\s<>,;]+", re.IGNORECASE)
_NUMBER = re.compile(r"(?P<port>(?<=\d:)\d{5}(?!\d))|\+?\d{5,}|\+?\d{2,}(?:[- ]\d{2,}){2,}")
"""Five digits in a row but the port of an address, or as many in groups."""
_SEPARATORS = str.maketrans("", "", " -")
_USER = re.compile(r"(?<=:)[^@\s<>,;]*(?=@)|(?<=tel:)[^\s<>,;]+", re.IGNORECASE)
_FEWEST_DIGITS = 5
_CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE)
_CSEQ = re.compile(rb"\ncseq[ \t]*:[ \t]*(\d+)[ \t]+([A-Z]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as it passed: `at` monotonic seconds; `sent`: by us."""

    at: float
    sent: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class LadderLine:
    """One message. `after_ms`: since the first one of the call; `again`: the same was seen before (a retransmission).

    `status` None: a request of `method`. `audio` "": no session description.
    """

    after_ms: int
    sent: bool
    start_line: str
    method: str
    status: int | None
    again: bool
    headers: tuple[tuple[str, str], ...]
    audio: str = ""


def call_id_of(data: bytes) -> bytes | None:
    """The Call-ID of a message as it came, None without one."""
    found = _CALL_ID.search(data)
    return None if found is None else found[1].strip()


def hash_of(call_id: bytes) -> str:
    """Names a call without telling its Call-ID, which may hold addresses."""
    return hashlib.sha256(call_id).hexdigest()[:12]


def method_of(data: bytes) -> str:
    """The method of a request, or of the request a response is to; "" where none is said."""
    if not data.startswith(b"SIP/"):
        return decode(data.split(b" ", 1)[0])
    found = _CSEQ.search(data)
    return "" if found is None else decode(found[2])


def status_of(data: bytes) -> int | None:
    """The status of a response; None of a request."""
    digits = data[8:11]
    return int(digits) if data.startswith(b"SIP/2.0 ") and digits.isdigit() else None


def lines_of(messages: Sequence[Seen]) -> tuple[LadderLine, ...]:
    """The ladder of one call."""
    known: set[tuple[bool, bytes]] = set()
    found = []
    for message in messages:
        key = (message.sent, message.data)
        found.append(_line(message, messages[0].at, again=key in known))
        known.add(key)
    return tuple(found)


def _line(message: Seen, began_at: float, *, again: bool) -> LadderLine:
    head, _, body = readable(decode(message.data)).replace("\r\n", "\n").partition("\n\n")
    start_line, _, headers = head.partition("\n")
    return LadderLine(
        after_ms=round((message.at - began_at) * 1000),
        sent=message.sent,
        start_line=_masked(start_line),
        method=method_of(message.data),
        status=status_of(message.data),
        again=again,
        headers=tuple(_shown(headers)),
        audio=_audio(body) if body.strip() else "",
    )


def _shown(headers: str) -> Iterator[tuple[str, str]]:
    for line in headers.split("\n"):
        name, _, value = line.partition(":")
        shown = _NAMES.get(name.strip().lower())
        if shown is not None:
            uris = _URI.findall(value) if shown in _ADDRESSES else [value.strip()]
            yield shown, _masked(", ".join(map(_of_nobody, uris)))


def _audio(body: str) -> str:
    try:
        audio = SessionDescription.parse(body).audio
    except ParseError:
        return "unreadable"
    if audio is None:
        return "no audio"
    codecs = ", ".join(audio.encodings.values())
    return _masked(f"{codecs} {audio.direction}") + f" {audio.host}:{audio.port}"


def _of_nobody(uri: str) -> str:
    """A URI whose user is masked if that is a number, with whatever between its digits (RFC 3966 §5.1.1, escapes)."""
    return _USER.sub(_mask_user, uri)


def _mask_user(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", unquote(found[0]))
    return mask_number(f"+{digits}") if len(digits) >= _FEWEST_DIGITS else found[0]


def _masked(text: str) -> str:
    return _NUMBER.sub(_mask, text)[:MAX_VALUE_CHARS]


def _mask(found: re.Match[str]) -> str:
    return found["port"] or mask_number(found[0].translate(_SEPARATORS))
