"""What a page's microphone sends and its line brings, taken inside the page; and a network between page and node.

A script of ours runs in the page before its own: it copies every microphone and every line of a connection, and sends
what a connection is told of the node's address through a hop of ours.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np
from playwright.async_api import BrowserContext, Page

from dialer.media.interface import RATE_HZ
from tests.support.path_audio import Samples
from tests.support.sip_peers import HOST

Address = tuple[str, int]


class UdpHop(asyncio.DatagramProtocol):
    """One port in front of a node's: carries packets both ways, for one browser at a time, unless it is cut."""

    def __init__(self, node: Address) -> None:
        self.is_cut = False
        self._node = node
        self._browser: Address | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def port(self) -> int:
        """Where the browser is to send."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Called by the loop."""
        if self.is_cut or self._transport is None:
            return
        if addr == self._node:
            if self._browser is not None:
                self._transport.sendto(data, self._browser)
        else:
            self._browser = addr
            self._transport.sendto(data, self._node)


@dataclass
class Network:
    """Every hop that pages of one context go through, by the port behind it."""

    _hops: dict[int, UdpHop] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def between(cls, context: BrowserContext) -> AsyncIterator[Self]:
        """Stands between the pages of this context, made from now on, and the node."""
        network = cls()
        async with network._stack:
            await context.expose_function("hopTo", network._port)
            await context.add_init_script(_SCRIPT)
            yield network

    def cut(self, is_cut: bool) -> None:
        """Loses every packet, or none."""
        for hop in self._hops.values():
            hop.is_cut = is_cut

    @property
    def is_used(self) -> bool:
        """Whether a page was sent through it since it is what it is."""
        return bool(self._hops)

    def change(self) -> None:
        """Another network from the next connection on; nothing comes through the one of now any more."""
        self.cut(True)
        self._hops.clear()

    async def _port(self, port: int) -> int:
        if port not in self._hops:
            loop = asyncio.get_running_loop()
            opening = loop.create_datagram_endpoint(lambda: UdpHop((HOST, port)), local_addr=(HOST, 0))
            transport, self._hops[port] = await opening
            self._stack.callback(transport.close)
        return self._hops[port].port


@dataclass(frozen=True)
class Sound:
    """Samples at 8 kHz, and when the first was there, in seconds by the page's clock."""

    samples: Samples
    began_at: float


async def carried(page: Page) -> dict[str, tuple[int, float]]:
    """Which `microphone` and `line` the page has now, counted from its beginning, and how many seconds each carried."""
    state: dict[str, tuple[int, float]] = await page.evaluate("window.carriedSounds()")
    return state


async def last_sounds(page: Page, seconds: float) -> dict[str, Sound]:
    """The end of what the page's microphone and line have carried."""
    taken: dict[str, Any] = await page.evaluate("(seconds) => window.lastSounds(seconds)", seconds)
    return {name: await asyncio.to_thread(_sound, one) for name, one in taken.items()}


def _sound(taken: dict[str, Any]) -> Sound:
    """Mean of so many samples as make one at 8 kHz."""
    samples = np.frombuffer(base64.b64decode(taken["pcm"]), dtype="<i2").astype(np.float64)
    step, rest = divmod(int(taken["rate"]), RATE_HZ)
    assert rest == 0, taken["rate"]
    whole = len(samples) // step * step
    return Sound(samples[:whole].reshape(-1, step).mean(axis=1), float(taken["beganAt"]))


_SCRIPT = """
(() => {
  const kept = {};
  let count = 0;
  async function keep(name, track) {
    const sound = { id: ++count, rate: 0, length: 0, blocks: [] };
    kept[name] = sound;
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 3000 }).readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const block = new Float32Array(value.numberOfFrames);
      value.copyTo(block, { planeIndex: 0, format: "f32-planar" });
      if (sound.rate !== value.sampleRate) Object.assign(sound, { rate: value.sampleRate, length: 0, blocks: [] });
      sound.length += block.length;
      sound.blocks.push({ block, at: performance.timeOrigin / 1000 + value.timestamp / 1e6 });
      value.close();
    }
  }
  function packed(sound, seconds) {
    const wanted = Math.min(seconds * sound.rate, sound.length);
    let [first, length] = [sound.blocks.length, 0];
    while (length < wanted) length += sound.blocks[--first].block.length;
    const pcm = new Int16Array(length);
    let [n, beganAt] = [0, Infinity];
    for (const { block, at } of sound.blocks.slice(first)) {
      beganAt = Math.min(beganAt, at - n / sound.rate); // a busy machine is late with some of them
      for (const sample of block) pcm[n++] = Math.max(-1, Math.min(1, sample)) * 32767;
    }
    const bytes = new Uint8Array(pcm.buffer);
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return { rate: sound.rate, beganAt, pcm: btoa(text) };
  }
  const each = (of) => Object.fromEntries(Object.entries(kept).filter(([, s]) => s.rate).map(([n, s]) => [n, of(s)]));
  window.carriedSounds = () => each((sound) => [sound.id, sound.length / sound.rate]);
  window.lastSounds = (seconds) => each((sound) => packed(sound, seconds));
  const Peer = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Peer {
    constructor(...given) {
      super(...given);
      this.addEventListener("track", (event) => keep("line", event.track.clone()));
    }
    addTransceiver(track, ...more) {
      keep("microphone", track.clone());
      return super.addTransceiver(track, ...more);
    }
    async setRemoteDescription(description) {
      const candidate = /(a=candidate:\\S+ \\d+ udp \\d+ \\S+ )(\\d+)/i;
      const port = Number(candidate.exec(description.sdp)[2]);
      const hop = await window.hopTo(port);
      const sdp = description.sdp.replace(candidate, `$1${hop}`);
      return super.setRemoteDescription({ type: description.type, sdp });
    }
  };
})();
"""
