"""The loopback twin: the face of the media engine on a virtual clock, without sockets or waiting.

For tests and simulation. Time passes only by `advance`, in steps of one frame. Legs reach each other, and the `FarEnd`s
a test or simulator makes, by port as over a network that loses only what it is told to lose. Events reach their sinks
within `advance`. Recordings are spool files in the engine's own format, written by a thread.
"""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from dialer.config import MediaConfig
from dialer.errors import MediaError
from dialer.media import g711
from dialer.media.interface import FRAME_MS, FRAME_SAMPLES, Codec, Leg, LegEvent, ListenMode, RecordingFailed, Sink
from dialer.media.loopback_browser import LoopbackBrowserLeg
from dialer.media.loopback_leg import Address, Frame, LoopbackLeg
from dialer.media.loopback_listening import Listeners
from dialer.media.spool_take import SpoolTake

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time 0 is, for the start of recordings."""
DISK_TIMEOUT_S = 10.0
_FAR_END_PORT = 60_000

L = TypeVar("L", bound=LoopbackLeg)


class FarEnd:
    """A peer outside the engine: speaks when told to, keeps what it hears."""

    def __init__(self, network: "LoopbackEngine", port: int, codec: Codec) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self.heard: list[Frame] = []
        self._network = network
        self._codec = codec
        self._queue: deque[Frame] = deque()
        self._target: Address | None = None

    def connect(self, host: str, port: int) -> None:
        """Speaks to that address from now on."""
        self._target = (host, port)

    def say(self, pcm: bytes) -> None:
        """Queues audio, one frame per 20 ms; a last piece shorter than a frame is filled with silence."""
        codes = g711.encode(g711.samples_of(pcm), self._codec)
        for start in range(0, len(codes), FRAME_SAMPLES):
            frame = codes[start : start + FRAME_SAMPLES].ljust(FRAME_SAMPLES, bytes([g711.SILENCE[self._codec]]))
            self._queue.append(Frame((self.host, self.port), self._codec, frame))

    def lose(self, n_frames: int) -> None:
        """Queues frames that never arrive."""
        self._queue.extend([Frame((self.host, self.port), self._codec)] * n_frames)

    def press(self, digit: str) -> None:
        """Queues a key."""
        self._queue.append(Frame((self.host, self.port), self._codec, digit=digit))

    def step(self) -> None:
        """One frame's time passes."""
        if self._queue and self._target is not None:
            self._network.carry(self._target, self._queue.popleft())


class LoopbackEngine:
    """The twin of `MediaEngine`: `async with LoopbackEngine(config, spool_dir) as media: media.advance(seconds)`."""

    def __init__(self, config: MediaConfig, spool_dir: Path) -> None:
        self.now = 0.0
        self.rtp_timeout_s = config.rtp_timeout_s
        self.listeners = Listeners[LoopbackLeg]()
        self._config = config
        self._spool_dir = spool_dir
        self._legs: dict[int, LoopbackLeg] = {}
        self._far_ends: dict[int, FarEnd] = {}
        self._later: deque[tuple[LoopbackLeg, LegEvent]] = deque()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loopback-spool")
        self._last_id = 0

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._spool_dir.mkdir, mode=0o700, parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for leg in list(self._legs.values()):
            leg.close()
        await asyncio.to_thread(self._disk.shutdown, wait=True)

    def open_leg(self, *, sink: Sink) -> Leg:
        return self._opened(LoopbackLeg, sink)

    def open_browser_leg(self, *, sink: Sink) -> LoopbackBrowserLeg:
        return self._opened(LoopbackBrowserLeg, sink)

    def bridge(self, a: Leg, b: Leg) -> None:
        first, second = self._own(a), self._own(b)
        if first is second:
            raise MediaError("a leg cannot be bridged with itself")
        for own in (first, second):
            self.listeners.leave(own)
            self.part(own)
        first.peer, second.peer = second, first

    def unbridge(self, leg: Leg) -> None:
        own = self._legs.get(leg.local_port)
        if own is not None and own.leg_id == leg.leg_id:
            self.part(own)

    def listen_in(self, listener: Leg, agent: Leg, mode: ListenMode) -> None:
        own = self._own(listener)
        self.listeners.join(own, self._own(agent), mode)
        self.part(own)

    def stop_listening(self, listener: Leg) -> None:
        own = self._legs.get(listener.local_port)
        if own is not None and own.leg_id == listener.leg_id:
            self.listeners.leave(own)

    def dropped_audio_blocks(self) -> int:
        return 0

    def far_end(self, codec: Codec = Codec.PCMA) -> FarEnd:
        """A new peer outside the engine."""
        port = _FAR_END_PORT + len(self._far_ends)
        self._far_ends[port] = FarEnd(self, port, codec)
        return self._far_ends[port]

    def advance(self, seconds: float) -> None:
        """Lets time pass, frame by frame; events reach their sinks meanwhile."""
        for _ in range(round(seconds * 1000 / FRAME_MS)):
            self.now += FRAME_MS / 1000
            self._step()

    def flush(self) -> None:
        """Waits until everything recorded so far is in its file; blocks, so not for the event loop's thread."""
        self._disk.submit(lambda: None).result(timeout=DISK_TIMEOUT_S)

    def _step(self) -> None:
        for far_end in list(self._far_ends.values()):
            far_end.step()
        for leg in list(self._legs.values()):
            leg.hear()
        for leg in sorted(self._legs.values(), key=self.listeners.__contains__):  # who listens hears this step, too
            leg.speak()
        while self._later:
            leg, event = self._later.popleft()
            leg.tell(event)

    # ---- for the legs

    def carry(self, target: Address, frame: Frame) -> None:
        """Brings a frame to whoever has that port."""
        leg, far_end = self._legs.get(target[1]), self._far_ends.get(target[1])
        if leg is not None:
            leg.arrive(frame)
        elif far_end is not None:
            far_end.heard.append(frame)

    def tell_later(self, leg: LoopbackLeg, event: LegEvent) -> None:
        """Queues an event for the end of the step, so that no sink is called from within a command."""
        self._later.append((leg, event))

    def start_take(self, recording_id: str, leg: LoopbackLeg) -> SpoolTake:
        """A recording into the spool directory; a failing disk is told as `RecordingFailed`."""
        path = self._spool_dir / f"{recording_id}.spool"
        started_at = EPOCH + timedelta(seconds=self.now)
        return SpoolTake(path, started_at, self._disk, lambda reason: self._fail(leg, recording_id, reason))

    def part(self, leg: LoopbackLeg) -> None:
        """Takes the leg out of its bridge, if it is in one."""
        if leg.peer is not None:
            leg.peer.peer = None
            leg.peer = None

    def take_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def forget(self, leg: LoopbackLeg) -> None:
        """The leg is closed: its port is free again."""
        self.listeners.forget(leg)
        self._legs.pop(leg.local_port, None)

    def _opened(self, kind: type[L], sink: Sink) -> L:
        """A leg on the first free pair of ports."""
        first = self._config.port_min + self._config.port_min % 2
        for port in range(first, self._config.port_max, 2):
            if port not in self._legs:
                leg = kind(self, self.take_id(), self._config.host, port, sink)
                self._legs[port] = leg
                return leg
        raise MediaError(f"no free pair of RTP ports between {self._config.port_min} and {self._config.port_max}")

    def _own(self, leg: Leg) -> LoopbackLeg:
        own = self._legs.get(leg.local_port)
        if own is None or own.leg_id != leg.leg_id:
            raise MediaError("one of the legs is closed")
        return own

    def _fail(self, leg: LoopbackLeg, recording_id: str, reason: str) -> None:
        self._later.append((leg, RecordingFailed(leg.leg_id, self.now, recording_id, reason)))
