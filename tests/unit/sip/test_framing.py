"""Cutting a stream into messages."""

import pytest

from dialer.sip.framing import PING, PONG, FramingError, StreamFramer
from dialer.sip.message import MAX_MESSAGE_BYTES

ONE = b"OPTIONS sip:a@b SIP/2.0\r\nl : 3\r\n\r\nabc"
TWO = b"BYE sip:a@b SIP/2.0\r\nX: Content-Length: 9\r\nContent-Length:\r\n 0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_frames_come_out_whole(size: int) -> None:
    framer = StreamFramer()
    stream = ONE + PONG + TWO + PING + ONE
    got = [frame for start in range(0, len(stream), size) for frame in framer.feed(stream[start : start + size])]
    assert got == [ONE, TWO, PING, ONE]
    assert framer.pending_bytes == 0


def test_unfinished_message_waits() -> None:
    framer = StreamFramer()
    assert list(framer.feed(ONE[:-1])) == []
    assert framer.pending_bytes == len(ONE) - 1
    assert list(framer.feed(ONE[-1:])) == [ONE]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"BYE sip:a@b SIP/2.0\r\nX: 1\r\n\r\n", 400),
        (b"BYE sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"BYE sip:a@b SIP/2.0\r\nl: -1\r\n\r\n", 400),
        (b"BYE sip:a@b SIP/2.0\r\nl: %d\r\n\r\n" % MAX_MESSAGE_BYTES, 513),
        (b"x" * (MAX_MESSAGE_BYTES + 1), 513),
    ],
)
def test_stream_that_lost_its_frame(data: bytes, status: int) -> None:
    frames = StreamFramer().feed(ONE + data)
    assert next(frames) == ONE
    with pytest.raises(FramingError) as caught:
        next(frames)
    assert caught.value.status_hint == status
