"""Both media engines with far ends and a time of their own, so that one test can be put to either."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from dialer.config import MediaConfig
from dialer.media import g711
from dialer.media.engine import MediaEngine
from dialer.media.interface import FRAME_SAMPLES, RATE_HZ, Codec, Leg, LegEvent, MediaPort
from dialer.media.loopback import FarEnd, LoopbackEngine
from recording.spool import SpoolRecord, read_spool
from tests.peers.rtp_peer import DTMF_TYPE, RtpPeer

RTP_TIMEOUT_S = 0.3
WAIT_S = 30.0
ENGINES = ("native", "twin")

E = TypeVar("E", bound=LegEvent)


class Person(ABC):
    """A far end, whichever engine is under test."""

    host: str
    port: int

    @abstractmethod
    def connect(self, host: str, port: int) -> None: ...
    @abstractmethod
    def say(self, pcm: bytes) -> None: ...
    @abstractmethod
    def press(self, digit: str) -> None: ...
    @abstractmethod
    def lose(self, n_frames: int) -> None: ...
    @abstractmethod
    def heard_audio(self) -> bytes: ...
    @abstractmethod
    def heard_keys(self) -> str: ...


class World(ABC):
    """An engine with its far ends and its time."""

    media: MediaPort

    @abstractmethod
    def person(self, codec: Codec = Codec.PCMA) -> Person: ...
    @abstractmethod
    async def run(self, seconds: float) -> None: ...

    async def until(self, condition: Callable[[], bool]) -> None:
        """Lets time pass until it is so; fails after `WAIT_S`."""
        for _ in range(int(WAIT_S / 0.02)):
            if condition():
                return
            await self.run(0.02)
        pytest.fail("it did not happen in time")

    def call(self, person: Person, codec: Codec = Codec.PCMA) -> tuple[Leg, list[LegEvent]]:
        """A leg that is up with that person."""
        events: list[LegEvent] = []
        leg = self.media.open_leg(sink=events.append)
        leg.set_remote(person.host, person.port, codec=codec, dtmf_payload_type=DTMF_TYPE)
        person.connect(leg.local_host, leg.local_port)
        return leg, events


class NativePerson(Person):
    def __init__(self, peer: RtpPeer) -> None:
        self.peer = peer
        self.host, self.port = peer.host, peer.port
        self.queue: list[bytes | str | None] = []

    def connect(self, host: str, port: int) -> None:
        self.peer.connect(host, port)

    def say(self, pcm: bytes) -> None:
        codes = g711.encode(g711.samples_of(pcm), self.peer.codec)
        self.queue.extend(codes[start : start + FRAME_SAMPLES] for start in range(0, len(codes), FRAME_SAMPLES))

    def press(self, digit: str) -> None:
        self.queue.append(digit)

    def lose(self, n_frames: int) -> None:
        self.queue.extend([None] * n_frames)

    def heard_audio(self) -> bytes:
        return self.peer.heard_audio()

    def heard_keys(self) -> str:
        return self.peer.heard_keys()

    def step(self) -> None:
        self.peer.drain()
        if not self.queue:
            return
        item = self.queue.pop(0)
        if isinstance(item, str):
            self.peer.send_key(item)
        elif item is None:
            self.peer.skip()
        else:
            self.peer.send_codes(item)


class NativeWorld(World):
    def __init__(self, media: MediaEngine) -> None:
        self.media = media
        self.persons: list[NativePerson] = []

    def person(self, codec: Codec = Codec.PCMA) -> NativePerson:
        self.persons.append(NativePerson(RtpPeer(codec)))
        return self.persons[-1]

    async def run(self, seconds: float) -> None:
        """Packets leave by the clock: who was held up catches up, as a real sender does, and is played out."""
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        late_s = 0.0
        for n_steps in range(1, round(seconds / 0.02) + 1):
            for person in self.persons:
                person.step()
            ahead_s = begun_at + n_steps * 0.02 - loop.time()
            late_s = max(late_s, -ahead_s)
            await asyncio.sleep(max(ahead_s, 0))
        if late_s > 0.02:
            await asyncio.sleep(late_s)

    def close(self) -> None:
        for person in self.persons:
            person.peer.__exit__()


class TwinPerson(Person):
    def __init__(self, far_end: FarEnd) -> None:
        self.far_end = far_end
        self.host, self.port = far_end.host, far_end.port
        self.connect, self.say = far_end.connect, far_end.say  # type: ignore[method-assign]
        self.press, self.lose = far_end.press, far_end.lose  # type: ignore[method-assign]

    def connect(self, host: str, port: int) -> None: ...
    def say(self, pcm: bytes) -> None: ...
    def press(self, digit: str) -> None: ...
    def lose(self, n_frames: int) -> None: ...

    def heard_audio(self) -> bytes:
        return b"".join(g711.decode(frame.codes, frame.codec).tobytes() for frame in self.far_end.heard)

    def heard_keys(self) -> str:
        return "".join(frame.digit for frame in self.far_end.heard)


class TwinWorld(World):
    def __init__(self, media: LoopbackEngine) -> None:
        self.media = self.twin = media

    def person(self, codec: Codec = Codec.PCMA) -> TwinPerson:
        return TwinPerson(self.twin.far_end(codec))

    async def run(self, seconds: float) -> None:
        self.twin.advance(seconds)
        await asyncio.to_thread(self.twin.flush)


@asynccontextmanager
async def open_world(engine: str, spool_dir: Path) -> AsyncIterator[World]:
    """One of `ENGINES`."""
    config = MediaConfig(port_min=27001, port_max=27999, rtp_timeout_s=RTP_TIMEOUT_S)
    if engine == "twin":
        async with LoopbackEngine(config, spool_dir) as twin:
            yield TwinWorld(twin)
        return
    async with MediaEngine(config, spool_dir) as media:
        native = NativeWorld(media)
        yield native
        native.close()


def tone(seconds: float, level: int = 8000) -> bytes:
    """A constant level: every sample is recognisable, and survives G.711 within its step."""
    return np.full(int(seconds * RATE_HZ), level, dtype="<i2").tobytes()


def loud(pcm: bytes, level: int = 8000) -> int:
    """How many samples are near that level."""
    samples = g711.samples_of(pcm).astype(np.int32)
    return int(np.count_nonzero(np.abs(samples - level) < level // 10))


def of_type(events: list[LegEvent], kind: type[E]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def ended_records(path: Path) -> list[SpoolRecord] | None:
    """All records of a spool that was ended in order; None while it is not."""
    if not path.exists():
        return None
    _, records, truncated = read_spool(path)
    return None if truncated else records


async def finished(world: World, path: Path) -> list[SpoolRecord]:
    """The records of a spool, once it was ended in order."""
    async with asyncio.timeout(WAIT_S):
        while (records := await asyncio.to_thread(ended_records, path)) is None:
            await world.run(0.02)
    return records
