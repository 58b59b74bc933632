"""Cuts a TCP or TLS byte stream into SIP messages (RFC 3261 §18.3, keep-alives of RFC 5626 §3.5.1).

Only lengths are looked at here; `dialer.sip.message.parse_message(…, stream=True)` reads what comes out and checks the
length once more. A framing error has no cure: where the next message begins is unknown, so the connection must be
closed.
"""

import re
from collections.abc import Iterator

from dialer.sip.errors import ParseError
from dialer.sip.lexical import parse_uint
from dialer.sip.message import MAX_MESSAGE_BYTES

PING = b"\r\n\r\n"
"""A keep-alive between messages; the server answers it with `PONG`."""
PONG = b"\r\n"

_LENGTHS = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)\r?$", re.IGNORECASE | re.MULTILINE)


class FramingError(ParseError):
    """The stream can no longer be cut into messages; close the connection."""


class StreamFramer:
    """Collects bytes of one connection and gives back whole messages."""

    __slots__ = ("_buffer", "_needed", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._needed = 0

    @property
    def pending_bytes(self) -> int:
        """How much of an unfinished message is held; never more than `MAX_MESSAGE_BYTES` and one chunk."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes what was received; gives the messages and `PING`s it completes, in order. To be exhausted.

        Raises:
            FramingError: headers without an end, no or contradictory Content-Length, or a message beyond the limit;
                raised after the messages before the broken one were given.
        """
        self._buffer += data
        while (frame := self._next_frame()) is not None:
            yield frame

    def _next_frame(self) -> bytes | None:
        if not self._needed:
            ping = self._skip_line_ends()
            if ping is not None or not self._find_head_end():
                return ping
        if len(self._buffer) < self._needed:
            return None
        frame = bytes(self._buffer[: self._needed])
        del self._buffer[: self._needed]
        self._needed = self._searched = 0
        return frame

    def _skip_line_ends(self) -> bytes | None:
        """Takes CRLFs between messages away; a pair of them is a PING."""
        while self._buffer.startswith(b"\r\n"):
            if self._buffer.startswith(PING):
                del self._buffer[: len(PING)]
                return PING
            if len(self._buffer) < len(PING) and PING.startswith(self._buffer):
                return None
            del self._buffer[:2]
        return None

    def _find_head_end(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", self._searched)
        if end < 0:
            if len(self._buffer) > MAX_MESSAGE_BYTES:
                raise FramingError("headers without an end", 513)
            self._searched = max(0, len(self._buffer) - 3)
            return False
        head = bytes(self._buffer[: end + 2])
        self._needed = end + 4 + _body_length(head)
        if self._needed > MAX_MESSAGE_BYTES:
            raise FramingError("message too large", 513)
        return True


def _body_length(head: bytes) -> int:
    lengths = {parse_uint(value.decode("latin-1")) for value in _LENGTHS.findall(head)}
    if len(lengths) != 1:
        raise FramingError("no Content-Length on a stream, or several different ones")
    (length,) = lengths
    if length is None:
        raise FramingError("malformed Content-Length")
    return length
