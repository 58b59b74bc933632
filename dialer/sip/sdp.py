"""Session descriptions (RFC 8866) and offer/answer for one audio stream (RFC 3264).

We speak PCMA, PCMU and telephone-event (RFC 4733) over RTP/AVP, and refuse every other stream of an offer with port 0.
Codecs are named "PCMA" and "PCMU". Text in, text out; lines we have no use for are passed over.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dialer.sip.errors import ParseError
from dialer.sip.lexical import parse_uint

STATIC_PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}  # RFC 3551 §6
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
DEFAULT_PTIME_MS = 20
_ANSWER_DIRECTION = {  # RFC 3264 §6.1: what we answer when we are willing to do both
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_MEDIA = re.compile(r"(\S+) +([0-9]{1,5})(?:/([0-9]{1,5}))? +(\S+)((?: +\S+)*) *")
_RTPMAP = re.compile(r"([0-9]{1,3}) +([^/\s]+)/([0-9]+)(?:/\S+)?\s*")
_ADDRESS = re.compile(r"[0-9A-Za-z:._-]+")
_MAX_LINES = 1000


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m-line with its attributes. `host` is its own c-line's address, or the session's."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    host: str = ""
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def direction(self) -> str:
        """sendrecv, sendonly, recvonly or inactive; seen from the describer."""
        return _last_direction(self.attributes) or "sendrecv"

    @property
    def ptime_ms(self) -> int | None:
        """The packet length the describer wants to receive."""
        for name, value in self.attributes:
            if name == "ptime":
                return parse_uint(value, 1000)
        return None

    @property
    def encodings(self) -> dict[int, str]:
        """Payload type → encoding in upper case at 8 kHz, in order of preference; static types need no rtpmap."""
        named = {number: name for name, number in STATIC_PAYLOAD_TYPES.items()}
        for name, value in self.attributes:
            if name == "rtpmap" and (match := _RTPMAP.fullmatch(value)):
                number = int(match[1])
                named[number] = match[2].upper() if match[3] == "8000" else ""
        offered = (int(text) for text in self.formats if text.isascii() and text.isdigit() and len(text) <= 3)
        return {number: named[number] for number in offered if named.get(number)}


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `address` comes from the session's c-line; the origin's id and version identify changes."""

    session_id: str
    version: str
    address: str
    media: tuple[MediaDescription, ...] = field(default=())
    origin_user: str = "-"

    @classmethod
    def parse(cls, text: str) -> "SessionDescription":
        """Reads a description. Raises ParseError (488 is the answer to such an offer)."""
        lines = text.replace("\r\n", "\n").split("\n")
        if len(lines) > _MAX_LINES or not lines[0].startswith("v=0"):
            raise ParseError("not a session description", 488)
        reader = _Reader()
        for line in lines[1:]:
            if line[1:2] == "=":
                reader.take(line[0], line[2:].strip())
        return reader.finish()

    @property
    def audio(self) -> MediaDescription | None:
        """The first audio stream that is not refused."""
        for media in self.media:
            if media.kind == "audio" and media.port:
                return media
        return None

    def __str__(self) -> str:
        lines = [
            "v=0",
            f"o={self.origin_user} {self.session_id} {self.version} IN {_family(self.address)} {self.address}",
            "s=-",
            f"c=IN {_family(self.address)} {self.address}",
            "t=0 0",
        ]
        for media in self.media:
            lines.append(f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}")
            if media.host and media.host != self.address:
                lines.append(f"c=IN {_family(media.host)} {media.host}")
            lines += [f"a={name}:{value}" if value else f"a={name}" for name, value in media.attributes]
        return "\r\n".join(lines) + "\r\n"


@dataclass(frozen=True, slots=True)
class NegotiatedAudio:
    """What both sides agreed upon, seen from us: where and what we send, and what may come.

    `direction` is ours: sendonly means that the far end only listens; `host` "0.0.0.0" is the old hold (RFC 2543);
    `dtmf_payload_type` None: no telephone-event, keys are heard in the audio only.
    """

    host: str
    port: int
    codec: str
    dtmf_payload_type: int | None
    direction: str = "sendrecv"
    ptime_ms: int = DEFAULT_PTIME_MS

    @property
    def on_hold(self) -> bool:
        """True when the far end does not listen."""
        return self.direction in ("recvonly", "inactive") or self.host in ("0.0.0.0", "::")  # noqa: S104 - not bound to


def build_offer(
    host: str,
    port: int,
    codecs: Sequence[str] = ("PCMA", "PCMU"),
    dtmf_pt: int | None = 101,
    session_id: int = 0,
    version: int = 0,
    direction: str = "sendrecv",
) -> str:
    """An offer of one audio stream, codecs in order of preference. Raises ValueError for an unknown codec."""
    media = _audio(host, port, codecs, dtmf_pt, direction)
    return str(SessionDescription(str(session_id), str(version), host, (media,)))


def negotiate(local_offer: str, answer: str) -> NegotiatedAudio | None:
    """Reads the answer to our offer: the first codec of the answer that we offered.

    None: the audio was refused, or nothing we offered was chosen. Raises ParseError for an unreadable answer.
    """
    ours = SessionDescription.parse(local_offer).audio
    theirs = SessionDescription.parse(answer).media
    if ours is None or not theirs or theirs[0].kind != "audio" or not theirs[0].port:
        return None
    offered = set(ours.encodings.values())
    agreed = _agree(theirs[0], [codec for codec in STATIC_PAYLOAD_TYPES if codec in offered], ours.direction)
    if agreed is not None and "TELEPHONE-EVENT" not in offered:
        return replace(agreed, dtmf_payload_type=None)
    return agreed


def answer(
    offer: str, host: str, port: int, codecs: Sequence[str] = ("PCMA", "PCMU"), session_id: int = 0, version: int = 0
) -> tuple[str, NegotiatedAudio] | None:
    """Our answer to an offer: its first usable audio stream, the codec it prefers among `codecs`, all else refused.

    None: no audio we can do (488). Raises ParseError for an unreadable offer.
    """
    description = SessionDescription.parse(offer)
    lines: list[MediaDescription] = []
    agreed: NegotiatedAudio | None = None
    for media in description.media:
        candidate = (
            _agree(media, codecs, "sendrecv") if agreed is None and media.kind == "audio" and media.port else None
        )
        if candidate is None:
            lines.append(MediaDescription(media.kind, 0, media.protocol, media.formats))
            continue
        agreed = candidate
        lines.append(_answer_line(media, candidate, host, port))
    if agreed is None:
        return None
    return str(SessionDescription(str(session_id), str(version), host, tuple(lines))), agreed


def _agree(theirs: MediaDescription, codecs: Sequence[str], our_wish: str) -> NegotiatedAudio | None:
    """What their m-line and our codecs have in common; their order counts (RFC 3264 §6.1, §7)."""
    if theirs.protocol.upper() != "RTP/AVP" or not theirs.host:
        return None
    encodings = theirs.encodings
    # G.711 under a dynamic number is passed over: legs send it under its static one.
    codec = next(
        (name for number, name in encodings.items() if name in codecs and STATIC_PAYLOAD_TYPES[name] == number), ""
    )
    if not codec:
        return None
    dtmf = next((number for number, name in encodings.items() if name == "TELEPHONE-EVENT"), None)
    direction = _narrow(our_wish, _ANSWER_DIRECTION[theirs.direction])
    return NegotiatedAudio(theirs.host, theirs.port, codec, dtmf, direction, theirs.ptime_ms or DEFAULT_PTIME_MS)


def _narrow(wish: str, allowed: str) -> str:
    send = all(direction in ("sendrecv", "sendonly") for direction in (wish, allowed))
    receive = all(direction in ("sendrecv", "recvonly") for direction in (wish, allowed))
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (send, receive), "inactive"
    )


def _audio(host: str, port: int, codecs: Sequence[str], dtmf_pt: int | None, direction: str) -> MediaDescription:
    unknown = [codec for codec in codecs if codec not in STATIC_PAYLOAD_TYPES]
    if unknown or not codecs or direction not in DIRECTIONS:
        raise ValueError(f"cannot offer {unknown or codecs or direction}")
    numbers = [STATIC_PAYLOAD_TYPES[codec] for codec in codecs]
    attributes = [("rtpmap", f"{number} {codec}/8000") for number, codec in zip(numbers, codecs, strict=True)]
    if dtmf_pt is not None:
        numbers.append(dtmf_pt)
        attributes += [("rtpmap", f"{dtmf_pt} telephone-event/8000"), ("fmtp", f"{dtmf_pt} 0-16")]
    attributes += [("ptime", str(DEFAULT_PTIME_MS)), (direction, "")]
    return MediaDescription("audio", port, "RTP/AVP", tuple(map(str, numbers)), host, tuple(attributes))


def _answer_line(offered: MediaDescription, agreed: NegotiatedAudio, host: str, port: int) -> MediaDescription:
    line = _audio(host, port, (agreed.codec,), agreed.dtmf_payload_type, agreed.direction)
    return MediaDescription(offered.kind, port, offered.protocol, line.formats, host, line.attributes)


def _family(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def _last_direction(attributes: Sequence[tuple[str, str]]) -> str:
    return next((name for name, _ in reversed(attributes) if name in DIRECTIONS), "")


class _Reader:
    """Collects lines: those before the first m-line belong to the session, the others to the last m-line."""

    def __init__(self) -> None:
        self._origin: list[str] = []
        self._address = ""
        self._session_direction = ""
        self._media: list[MediaDescription] = []
        self._host = ""
        self._attributes: list[tuple[str, str]] = []
        self._pending: MediaDescription | None = None

    def take(self, kind: str, value: str) -> None:
        """One line, `kind=value` (RFC 8866 §5); kinds that a call does not need are passed over."""
        if kind == "o":
            self._origin = value.split()
        elif kind == "c":
            self._take_connection(value)
        elif kind == "a":
            name, _, content = value.partition(":")
            self._attributes.append((name.strip().lower(), content.strip()))
        elif kind == "m":
            self._close()
            self._open(value)

    def finish(self) -> SessionDescription:
        self._close()
        user, session_id, version = self._origin[:3] if len(self._origin) >= 3 else ("-", "0", "0")
        return SessionDescription(session_id, version, self._address, tuple(self._media), user)

    def _take_connection(self, value: str) -> None:
        parts = value.split()
        address = parts[2].partition("/")[0] if len(parts) == 3 else ""
        if not _ADDRESS.fullmatch(address):
            raise ParseError("malformed c-line", 488)
        if self._pending is None:
            self._address = address
        else:
            self._host = address

    def _open(self, value: str) -> None:
        match = _MEDIA.fullmatch(value)
        if match is None or int(match[2]) > 65535:
            raise ParseError("malformed m-line", 488)
        self._pending = MediaDescription(match[1].lower(), int(match[2]), match[4], tuple(match[5].split()))

    def _close(self) -> None:
        """Ends the session part, or the last m-line."""
        attributes, self._attributes = self._attributes, []
        opened, self._pending = self._pending, None
        host, self._host = self._host, ""
        if opened is None:
            self._session_direction = _last_direction(attributes)
            return
        if self._session_direction and not _last_direction(attributes):
            attributes.append((self._session_direction, ""))
        self._media.append(
            MediaDescription(
                opened.kind, opened.port, opened.protocol, opened.formats, host or self._address, tuple(attributes)
            )
        )
