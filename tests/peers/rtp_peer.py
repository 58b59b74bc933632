"""A far end for the media engine's tests: a pair of UDP sockets that speaks and hears RTP as it is told."""

import socket
import struct
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from dialer.media import g711
from dialer.media.interface import FRAME_SAMPLES, Codec

HEADER = struct.Struct("!BBHII")
EVENT = struct.Struct("!BBH")
KEYS = "0123456789*#ABCD"
DTMF_TYPE = 101
END_BIT = 0x80


@dataclass(frozen=True, slots=True)
class Packet:
    """One RTP packet as received."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


@dataclass
class RtpPeer:
    """Even port RTP, odd port RTCP. `sequence` and `timestamp` are the next to be sent; tests may bend them."""

    codec: Codec = Codec.PCMA
    ssrc: int = 0x5EED
    sequence: int = 65_530  # wraps early
    timestamp: int = 0xFFFF_FF00
    target: tuple[str, int] = ("127.0.0.1", 0)
    host: str = "127.0.0.1"
    heard: list[Packet] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rtp, self.rtcp = _bind_pair()
        self.port = self.rtp.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rtp.close()
        self.rtcp.close()

    def connect(self, host: str, port: int) -> None:
        """Speaks to that address from now on."""
        self.target = (host, port)

    def send_codes(self, codes: bytes, *, payload_type: int | None = None, marker: bool = False) -> None:
        """One audio packet; sequence and timestamp go on."""
        kind = g711.PAYLOAD_TYPES[self.codec] if payload_type is None else payload_type
        self.send_raw(kind, self.sequence, self.timestamp, codes, marker=marker)
        self.skip(len(codes))

    def skip(self, n_samples: int = FRAME_SAMPLES) -> None:
        """A packet that is never sent."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + n_samples) & 0xFFFF_FFFF

    def send_raw(
        self, payload_type: int, sequence: int, timestamp: int, payload: bytes, *, marker: bool = False
    ) -> None:
        """One packet exactly so."""
        header = HEADER.pack(0x80, payload_type | marker << 7, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, self.ssrc)
        self.rtp.sendto(header + payload, self.target)

    def send_key(self, digit: str, durations: tuple[int, ...] = (160, 320, 480), ends: int = 3) -> None:
        """One key press in a burst: growing durations, then the end repeated (RFC 4733 §2.5)."""
        code, start = KEYS.index(digit), self.timestamp
        packets = [(0, duration) for duration in durations] + [(END_BIT, durations[-1])] * ends
        for index, (end, duration) in enumerate(packets):
            self.send_raw(DTMF_TYPE, self.sequence, start, EVENT.pack(code, end | 10, duration), marker=index == 0)
            self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (start + durations[-1]) & 0xFFFF_FFFF

    def drain(self) -> None:
        """Takes in what has arrived."""
        self.heard.extend(_parse(data) for data in _read_all(self.rtp))
        self.reports.extend(_read_all(self.rtcp))

    def heard_audio(self) -> bytes:
        """All audio heard so far, in order of arrival, as PCM."""
        types = {payload_type: codec for codec, payload_type in g711.PAYLOAD_TYPES.items()}
        frames = [g711.decode(p.payload, types[p.payload_type]) for p in self.heard if p.payload_type in types]
        return np.concatenate(frames).tobytes() if frames else b""

    def heard_keys(self) -> str:
        """The keys heard so far, one per timestamp."""
        seen = {p.timestamp: KEYS[p.payload[0]] for p in self.heard if p.payload_type == DTMF_TYPE}
        return "".join(seen.values())


def _bind_pair() -> tuple[socket.socket, socket.socket]:
    """The kernel chooses, so that tests running beside this one do not meet here; even and the odd one above."""
    for _ in range(100):
        pair = tuple(socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        try:
            pair[0].bind(("127.0.0.1", 0))
            port = pair[0].getsockname()[1]
            if port % 2 == 0:
                pair[1].bind(("127.0.0.1", port + 1))
                for sock in pair:
                    sock.setblocking(False)
                return pair[0], pair[1]
        except OSError:
            pass  # the odd one is taken: the next try
        for sock in pair:
            sock.close()
    raise RuntimeError("no free pair of ports for a test peer")


def _read_all(sock: socket.socket) -> list[bytes]:
    datagrams = []
    while True:
        try:
            datagrams.append(sock.recv(2048))
        except (BlockingIOError, ConnectionRefusedError):
            return datagrams


def _parse(data: bytes) -> Packet:
    _, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    return Packet(bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, data[HEADER.size :])
