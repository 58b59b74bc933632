"""A network between a peer's RTP and a leg of ours: packets are lost, late, and out of order as a seed says."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, cast

from tests.support.sip_peers import HOST


@dataclass(frozen=True, slots=True)
class Weather:
    """Each packet is lost with this chance, else delayed by anything up to `jitter_ms`, independently of the others."""

    loss: float = 0.0
    jitter_ms: float = 0.0


class RtpHop(asyncio.DatagramProtocol):
    """One UDP port: what reaches it goes on to the leg, as the weather is; what the leg sends back ends here."""

    def __init__(self, leg: tuple[str, int], weather: Weather, seed: int) -> None:
        self.n_lost = 0
        self.arrivals: list[float] = []
        """When each packet reached the hop, before anything happened to it; loop time in s."""
        self._leg = leg
        self._weather = weather
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
