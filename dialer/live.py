"""The live state of the house, for everyone who watches it: campaigns, collectors, trunks.

Writers publish the newest value of a topic and go on; they never wait. Watchers get at most `FRAMES_PER_S` frames a
second, each holding only the topics that changed since their last one. A slow watcher loses old values, never the
newest. All watchers share one beat, so that a value is serialised once per beat however many watch. Who watches a
single topic is told at once: a collector's page has no quarter of a second to spare when a person is put through.

Topics are paths: `campaign/7`, `agent/3`, `trunk/main`. Nothing published here holds a number or a name in clear.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec

from dialer.clock import Clock

FRAMES_PER_S = 4
FRAME_GAP_S = 0.05
"""Of the frames of a single topic; many changes at once are one frame."""
MAX_TOPICS = 20_000
"""More topics than any installation has: a writer that invents topics is a bug, not load."""

LiveData = Mapping[str, object]
SayData = Callable[[], LiveData]


@dataclass(slots=True)
class _Topic:
    data: LiveData | SayData | None
    version: int
    frozen: bytes = b"null"
    frozen_version: int = 0

    @property
    def value(self) -> LiveData | None:
        """The data, asked for where it is only said on demand."""
        return self.data() if callable(self.data) else self.data


class LiveBoard:
    """The newest value of every topic. Used from the event loop's thread only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._topics: dict[str, _Topic] = {}
        self._version = 0
        self._frozen_beat = -1
        self._watchers: set[Subscription] = set()
        self._of_topic: defaultdict[str, set[TopicSubscription]] = defaultdict(set)
        self._encoder = msgspec.json.Encoder()

    def publish(self, topic: str, data: LiveData | SayData | None) -> None:
        """Makes `data` the topic's newest value; None says that the thing is gone.

        What takes a while to say is handed over as a function, asked when a watcher's beat comes and then not again.

        Raises:
            ValueError: the topic would be one more than `MAX_TOPICS`.
        """
        known = self._topics.get(topic)
        if known is None:
            if data is None:
                return
            self._make_room()
            known = self._topics[topic] = _Topic(None, 0)
        self._version += 1
        known.data, known.version = data, self._version
        for watcher in (*self._watchers, *self._of_topic.get(topic, ())):
            watcher.changed.set()

    def snapshot(self) -> dict[str, LiveData]:
        """Every topic's newest value."""
        return {name: value for name, topic in self._topics.items() if (value := topic.value) is not None}

    def subscribe(self, wants: Callable[[str], bool] = lambda topic: True) -> "Subscription":
        """A watcher of the topics that `wants` accepts; use it with `async with`."""
        return Subscription(self, self._clock, wants)

    def subscribe_to(self, topic: str) -> "TopicSubscription":
        """A watcher of one topic, told without waiting for a beat; use it with `async with`."""
        return TopicSubscription(self, self._clock, topic)

    def attach(self, watcher: "Subscription | TopicSubscription") -> None:
        """Counts a watcher in; only subscriptions call this."""
        if isinstance(watcher, Subscription):
            self._watchers.add(watcher)
        else:
            self._of_topic[watcher.topic].add(watcher)

    def detach(self, watcher: "Subscription | TopicSubscription") -> None:
        """Counts a watcher out; only subscriptions call this."""
        if isinstance(watcher, Subscription):
            self._watchers.discard(watcher)
            return
        left = self._of_topic[watcher.topic]
        left.discard(watcher)
        if not left:
            del self._of_topic[watcher.topic]

    def frame_of(self, topic: str, seen: int) -> tuple[int, bytes | None]:
        """The topic's version and its frame, None where it is no newer than `seen`; beats are left alone."""
        known = self._topics.get(topic)
        if known is None or known.version <= seen:
            return seen, None
        return known.version, self._encoder.encode({topic: known.value})

    def frame_since(self, seen: int, wants: Callable[[str], bool], beat: int) -> tuple[int, bytes | None]:
        """The version reached and, when anything wanted changed after version `seen`, one JSON object of topics."""
        self._freeze(beat)
        parts = [
            self._encoder.encode(name) + b":" + topic.frozen
            for name, topic in self._topics.items()
            if topic.frozen_version > seen and wants(name)
        ]
        reached = max((topic.frozen_version for topic in self._topics.values()), default=seen)
        return max(reached, seen), b"{" + b",".join(parts) + b"}" if parts else None

    def has_news(self, seen: int) -> bool:
        """Whether anything was published after version `seen`."""
        return self._version > seen

    def _make_room(self) -> None:
        if len(self._topics) >= MAX_TOPICS:
            self._topics = {name: topic for name, topic in self._topics.items() if topic.data is not None}
        if len(self._topics) >= MAX_TOPICS:
            raise ValueError(f"the live board already holds {MAX_TOPICS} topics")

    def _freeze(self, beat: int) -> None:
        if beat == self._frozen_beat:
            return
        self._frozen_beat = beat
        for topic in self._topics.values():
            if topic.frozen_version != topic.version:
                topic.frozen = self._encoder.encode(topic.value)
                topic.frozen_version = topic.version


class Subscription:
    """One watcher's place on the board."""

    def __init__(self, board: LiveBoard, clock: Clock, wants: Callable[[str], bool]) -> None:
        self._board = board
        self._clock = clock
        self._wants = wants
        self._seen = 0
        self.changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._board.attach(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.detach(self)

    async def next(self) -> bytes:
        """Waits for the next frame: a JSON object of every wanted topic that changed since the last one."""
        while True:
            if not self._board.has_news(self._seen):
                self.changed.clear()
                await self.changed.wait()
            await self._next_beat()
            beat = int(self._clock.monotonic() * FRAMES_PER_S)
            self._seen, frame = self._board.frame_since(self._seen, self._wants, beat)
            if frame is not None:
                return frame

    async def _next_beat(self) -> None:
        now = self._clock.monotonic()
        await asyncio.sleep((int(now * FRAMES_PER_S) + 1) / FRAMES_PER_S - now)


class TopicSubscription:
    """One watcher of one topic."""

    def __init__(self, board: LiveBoard, clock: Clock, topic: str) -> None:
        self.topic = topic
        self.changed = asyncio.Event()
        self._board = board
        self._clock = clock
        self._seen = 0
        self._next_at = 0.0

    async def __aenter__(self) -> Self:
        self._board.attach(self)
        self.changed.set()  # what is there already is the first frame
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._board.detach(self)

    async def next(self) -> bytes:
        """Waits for the next frame: a JSON object of the topic, once it changed since the last one."""
        while True:
            await self.changed.wait()
            await asyncio.sleep(max(self._next_at - self._clock.monotonic(), 0.0))
            self.changed.clear()
            self._seen, frame = self._board.frame_of(self.topic, self._seen)
            if frame is not None:
                self._next_at = self._clock.monotonic() + FRAME_GAP_S
                return frame
