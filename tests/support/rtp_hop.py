"""A network between a peer's RTP and a leg of ours: packets are lost, late, and out of order as a seed says.

It may also be a gateway that sends nothing while nobody speaks (RFC 3389): comfort noise, once, begins each pause.
"""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from dialer.media import g711
from dialer.media.interface import Codec
from tests.support.sip_peers import HOST

_HEADER = struct.Struct("!BBHII")  # RFC 3550 §5.1, without contributing sources
_COMFORT_NOISE = 13
_NOISE = bytes([70])  # -70 dBov, RFC 3389 §3.1
_QUIET = 64
"""A packet whose loudest sample is below this is a pause."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Each packet is lost with this chance, else delayed by anything up to `jitter_ms`, independently of the others."""

    loss: float = 0.0
    jitter_ms: float = 0.0
    sends_pauses: bool = True


class Suppressor:
    """Takes the pauses out of a stream of A-law: the sequence numbers of what is left follow each other."""

    def __init__(self) -> None:
        self._is_pausing = False
        self._n_left_out = 0

    def pass_on(self, packet: bytes) -> bytes | None:
        """What becomes of a packet: itself, comfort noise in its place, or nothing."""
        flags, kind, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
        was_pausing = self._is_pausing
        loudest = np.abs(g711.decode(packet[_HEADER.size :], Codec.PCMA).astype(np.int32)).max()
        self._is_pausing = bool(loudest < _QUIET)
        if was_pausing and self._is_pausing:
            self._n_left_out += 1
            return None
        payload = _NOISE if self._is_pausing else packet[_HEADER.size :]
        kind = _COMFORT_NOISE if self._is_pausing else kind
        return _HEADER.pack(flags, kind, (sequence - self._n_left_out) & 0xFFFF, timestamp, ssrc) + payload


class RtpHop(asyncio.DatagramProtocol):
    """One UDP port: what reaches it goes on to the leg, as the weather is; what the leg sends back ends here."""

    def __init__(self, leg: tuple[str, int], weather: Weather, seed: int) -> None:
        self.n_lost = 0
        self.arrivals: list[float] = []
        """When each packet reached the hop, before anything happened to it; loop time in s."""
        self._leg = leg
        self._weather = weather
        self._suppressor = Suppressor()
        self._chance = random.Random(seed)
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def before(cls, leg: tuple[str, int], weather: Weather, seed: int) -> AsyncIterator[Self]:
        """Opens the hop in front of a leg."""
        loop = asyncio.get_running_loop()
        transport, hop = await loop.create_datagram_endpoint(lambda: cls(leg, weather, seed), local_addr=(HOST, 0))
        try:
            yield hop
        finally:
            transport.close()

    @property
    def port(self) -> int:
        """Where the peer is to send."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by the loop."""
        if addr == self._leg:
            return
        loop = asyncio.get_running_loop()
        self.arrivals.append(loop.time())
        packet = data if self._weather.sends_pauses else self._suppressor.pass_on(data)
        if packet is not None:
            self._carry(packet, loop)

    def _carry(self, data: bytes, loop: asyncio.AbstractEventLoop) -> None:
        is_lost = self._chance.random() < self._weather.loss
        delay_s = self._chance.uniform(0.0, self._weather.jitter_ms / 1000)
        if is_lost:
            self.n_lost += 1
        elif self._weather.jitter_ms:
            loop.call_later(delay_s, self._send, data)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self._leg)
