"""The loopback twin without audio, for days of calls: a play takes its time, a bridge joins, and nothing is computed.

Time is the event loop's, as a rule a virtual one. Of the far end, one per leg, only what matters to a call crosses the
wire: it hears whether the line is silent, a prompt plays or somebody is there (`watch`), and what it says reaches the
leg's tap as a block that holds a word instead of samples (`say`). Nothing is recorded.
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from itertools import count

from dialer.errors import MediaError
from dialer.media import checks
from dialer.media.interface import (
    FRAME_MS,
    RATE_HZ,
    AudioBlock,
    BrowserLeg,
    Codec,
    DtmfReceived,
    Leg,
    LegStats,
    ListenMode,
    PlayFinished,
    Sink,
)

HOST = "127.0.0.1"
MAX_PORT = 65_534
_PERFECT_MOS = 4.4
_NOTHING_SENT = LegStats(0, 0, 0, 0, 0, 0.0, _PERFECT_MOS)


class Line(Enum):
    """What a far end hears."""

    SILENT = "silent"
    PROMPT = "prompt"
    VOICE = "voice"


Watcher = Callable[[Line], None]


class SilentLoopback:
    """A `MediaPort` without audio, inside a running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._legs: dict[int, SilentLeg] = {}
        self._watchers: dict[int, Watcher] = {}
        self._ids = count(1)

    @property
    def now(self) -> float:
        """The loop's time, monotonic s."""
        return self._loop.time()

    def open_leg(self, *, sink: Sink) -> Leg:
        leg_id = next(self._ids)
        port = 2 * (leg_id % (MAX_PORT // 2)) + 2
        if port in self._legs:
            raise MediaError("no port left: every one has a leg")
        self._legs[port] = SilentLeg(self, leg_id, port, sink)
        return self._legs[port]

    def open_browser_leg(self, *, sink: Sink) -> BrowserLeg:
        raise MediaError("nobody sits at a browser in a rehearsal")

    def bridge(self, a: Leg, b: Leg) -> None:
        first, second = self._own(a), self._own(b)
        if first is second:
            raise MediaError("a leg cannot be bridged with itself")
        for leg in (first, second):
            self.part(leg)
        first.peer, second.peer = second, first
        for leg in (first, second):
            leg.line_changed()

    def unbridge(self, leg: Leg) -> None:
        own = self._legs.get(leg.local_port)
        if own is not None and own.leg_id == leg.leg_id:
            self.part(own)

    def listen_in(self, listener: Leg, agent: Leg, mode: ListenMode) -> None:
        """There is nothing to hear."""
        if self._own(listener) is self._own(agent):
            raise MediaError("a leg cannot listen to itself")

    def stop_listening(self, listener: Leg) -> None:
        """There is nothing to stop."""

    def dropped_audio_blocks(self) -> int:
        return 0

    # ---- for the far ends

    def watch(self, port: int, watcher: Watcher) -> None:
        """The far end of the leg with this port hears the line: `watcher` is called at every change, and at once."""
        leg = self._legs.get(port)
        if leg is not None:
            self._watchers[port] = watcher
            watcher(leg.line)

    def say(self, port: int, word: bytes) -> None:
        """The far end says something; lost where nobody taps the leg."""
        leg = self._legs.get(port)
        if leg is not None:
            leg.hear(word)

    def press(self, port: int, digit: str) -> None:
        """The far end presses a key."""
        leg = self._legs.get(port)
        if leg is not None:
            leg.hear_key(digit)

    def peer_port(self, port: int) -> int | None:
        """The port of the leg this one is bridged with."""
        leg = self._legs.get(port)
        return None if leg is None or leg.peer is None else leg.peer.local_port

    # ---- for the legs

    def tell_watcher(self, port: int, line: Line) -> None:
        """The line of that leg's far end changed."""
        watcher = self._watchers.get(port)
        if watcher is not None:
            watcher(line)

    def part(self, leg: "SilentLeg") -> None:
        """Takes the leg out of its bridge, if it is in one."""
        peer = leg.peer
        if peer is not None:
            leg.peer = peer.peer = None
            leg.line_changed()
            peer.line_changed()

    def later(self, delay_s: float, handle: Callable[[], None]) -> asyncio.TimerHandle:
        """Calls `handle` after that time."""
        return self._loop.call_later(delay_s, handle)

    def take_id(self) -> int:
        """A number that was not given yet."""
        return next(self._ids)

    def forget(self, leg: "SilentLeg") -> None:
        """The leg is closed: its port is free again."""
        self._legs.pop(leg.local_port, None)
        self._watchers.pop(leg.local_port, None)

    def _own(self, leg: Leg) -> "SilentLeg":
        own = self._legs.get(leg.local_port)
        if own is None or own.leg_id != leg.leg_id:
            raise MediaError("one of the legs is closed")
        return own


class SilentLeg:
    """A leg without audio; see `dialer.media.interface.Leg`."""

    def __init__(self, engine: SilentLoopback, leg_id: int, port: int, sink: Sink) -> None:
        self.leg_id = leg_id
        self.local_host = HOST
        self.local_port = port
        self.peer: SilentLeg | None = None
        self.line = Line.SILENT
        self._engine = engine
        self._sink = sink
        self._is_open = True
        self._is_tapped = False
        self._play: tuple[int, asyncio.TimerHandle | None] | None = None

    def set_remote(
        self, host: str, port: int, *, codec: Codec, dtmf_payload_type: int | None, receiving: bool = True
    ) -> None:
        checks.check_remote(host, port, dtmf_payload_type)
        self._require_open()

    def play(self, pcm: bytes, *, loop: bool = False) -> int:
        checks.check_pcm(pcm)
        self._require_open()
        self.stop_play()
        play_id = self._engine.take_id()
        ends = None if loop else self._engine.later(len(pcm) / (2 * RATE_HZ), self._play_over)
        self._play = play_id, ends
        self.line_changed()
        return play_id

    def stop_play(self) -> None:
        if self._play is not None:
            play_id, ends = self._play
            if ends is not None:
                ends.cancel()
            self._end_play(play_id, completed=False)

    def start_tap(self, block_ms: int = FRAME_MS) -> None:
        checks.check_tap_block(block_ms)
        self._require_open()
        self._is_tapped = True

    def stop_tap(self) -> None:
        self._is_tapped = False

    def send_dtmf(self, digits: str) -> None:
        self._require_open()

    def start_recording(self, recording_id: str) -> None:
        """There is nothing to record."""

    def stop_recording(self) -> None:
        """There is nothing to stop."""

    def pause_recording(self) -> None:
        """There is nothing to pause."""

    def resume_recording(self) -> None:
        """There is nothing to go on with."""

    def start_echo(self) -> None:
        """There is nothing to send back."""

    def stop_echo(self) -> None:
        """There is nothing to end."""

    def stats(self) -> LegStats:
        return _NOTHING_SENT

    def close(self) -> None:
        if self._is_open:
            self._engine.part(self)
            self.stop_play()
            self._is_open = self._is_tapped = False
            self._engine.forget(self)

    # ---- the wire, called by the engine

    def hear(self, word: bytes) -> None:
        """The far end said something."""
        if self._is_tapped:
            self._sink(AudioBlock(self.leg_id, self._engine.now, word, 0))

    def hear_key(self, digit: str) -> None:
        """The far end pressed a key."""
        if self._is_open:
            self._sink(DtmfReceived(self.leg_id, self._engine.now, digit))

    def line_changed(self) -> None:
        """Tells the far end when it hears something else than before."""
        line = Line.PROMPT if self._play is not None else Line.SILENT if self.peer is None else Line.VOICE
        if line is not self.line:
            self.line = line
            self._engine.tell_watcher(self.local_port, line)

    def _play_over(self) -> None:
        if self._play is not None:
            self._end_play(self._play[0], completed=True)

    def _end_play(self, play_id: int, *, completed: bool) -> None:
        self._play = None
        self._engine.later(0.0, lambda: self._tell_end(play_id, completed))
        self.line_changed()

    def _tell_end(self, play_id: int, completed: bool) -> None:
        """Not from within the command that stopped it: sinks are no part of commands."""
        if self._is_open:
            self._sink(PlayFinished(self.leg_id, self._engine.now, play_id, completed))

    def _require_open(self) -> None:
        if not self._is_open:
            raise MediaError("the leg is closed")
