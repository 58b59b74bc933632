"""The face of the media engines: what a leg can do, and what it tells.

Audio crosses this face as PCM: `int16`, little-endian, mono, 8 kHz. Events reach the `sink` given to `open_leg`, in the
event loop's thread; a sink returns at once (its owner puts the event into a mailbox). Commands take effect at the
engine's next wake-up, at most `GRID_MS` later, in the order in which they were given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
GRID_MS = 5
"""The engine wakes this often while any leg is open: what a bridge adds to the delay of a packet, at most."""
MAX_TAP_BLOCK_MS = 200
LISTEN_DELAY_MS = 80
"""What a third party hears is so old: a frame, and 60 ms of patience with late packets."""
MAX_LISTENERS = 4
"""On one agent's leg."""


class Codec(str, Enum):
    """G.711, both laws; the value is the encoding name in SDP (RFC 3551 §6)."""

    PCMA = "PCMA"
    PCMU = "PCMU"


class ListenMode(str, Enum):
    """How a listener is on an agent's call; whoever hears the listener is heard by it in every mode."""

    MONITOR = "monitor"
    """Nobody hears the listener."""
    WHISPER = "whisper"
    """The agent hears the listener, the far end of the call does not."""
    BARGE = "barge"
    """Both hear the listener, and so does a recording of the far end's leg."""


@dataclass(frozen=True, slots=True)
class FirstPacket:
    """The first RTP packet of the far end since `set_remote` named it; `host` and `port` are where it came from."""

    leg_id: int
    at: float
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """A key of the far end (RFC 4733), told once, when it goes down: `0`-`9`, `*`, `#`, `A`-`D`."""

    leg_id: int
    at: float
    digit: str


@dataclass(frozen=True, slots=True)
class PlayFinished:
    """A play ended. `completed` is False when it was stopped or replaced."""

    leg_id: int
    at: float
    play_id: int
    completed: bool


@dataclass(frozen=True, slots=True)
class RtpTimeout:
    """Nothing came from the far end for the configured time; told once, again only after packets came back."""

    leg_id: int
    at: float


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """What the far end said: `pcm` of one block; `position` is in samples since the tap started.

    Blocks follow each other without a hole: lost packets are concealed, pauses are silence. The first packet begins a
    block. `at` is when the block ended; what was waited for (a gap in the numbers, a pause) is told later than it was.
    Where the loop was too slow, the oldest waiting blocks were dropped, `position` jumps and
    `MediaPort.dropped_audio_blocks` counts them.
    """

    leg_id: int
    at: float
    pcm: bytes
    position: int


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """The recording could not be written (disk full, I/O error); what was written before stays. Audio goes on."""

    leg_id: int
    at: float
    recording_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BrowserConnected:
    """The browser is there: for the first time since `accept`, or again after a silence."""

    leg_id: int
    at: float


@dataclass(frozen=True, slots=True)
class BrowserLost:
    """The browser hung up, went silent or was replaced by another offer. The leg stays, and accepts the next one.

    A browser that was only silent (its network was away for some seconds) comes back by itself.
    """

    leg_id: int
    at: float


LegEvent = (
    FirstPacket
    | DtmfReceived
    | PlayFinished
    | RtpTimeout
    | AudioBlock
    | RecordingFailed
    | BrowserConnected
    | BrowserLost
)
Sink = Callable[[LegEvent], None]


@dataclass(frozen=True, slots=True)
class LegStats:
    """What a leg measured so far. `None`: the far end has not reported yet (RTCP, RFC 3550 §6.4).

    `mos` is an estimate of the listening and delay quality of what we receive, 1.0 to 4.4 (E-model, ITU-T G.107).
    """

    packets_sent: int
    packets_received: int
    packets_lost: int
    packets_duplicate: int
    packets_ignored: int
    """From other sources than the locked one, or not RTP at all, as far as the kernel let them through."""
    jitter_ms: float
    mos: float
    round_trip_ms: float | None = None
    remote_loss: float | None = None
    """The share of our packets the far end missed since its last report, 0 to 1."""
    remote_jitter_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SpoolFigures:
    """How the disks keep up with the calls."""

    not_durable_s: float = 0.0
    """How old the oldest audio is that is not known to be durable: what a power cut would cost now."""
    longest_not_durable_s: float = 0.0
    """The most of it since the last question."""
    moved: int = 0
    """Recordings that went on in a file on the other path."""
    problems: tuple[str, ...] = ("",)
    """Of each path why nothing new begins there; empty: nothing is wrong."""


class Leg(Protocol):
    """One RTP stream pair with one far end."""

    @property
    def leg_id(self) -> int: ...

    @property
    def local_host(self) -> str: ...

    @property
    def local_port(self) -> int: ...

    def set_remote(
        self, host: str, port: int, *, codec: Codec, dtmf_payload_type: int | None, receiving: bool = True
    ) -> None:
        """Names the far end as its SDP does. The leg is up from here on: it hears, and sends silence without audio.

        The first valid source heard afterwards is locked, as the far end may be behind NAT; others are ignored, but for
        the named one, which takes the lock whenever it is heard. `receiving` False: the far end said it will not send
        (hold), so its quiet is no timeout.

        Raises:
            MediaError: not an IP address, or the leg is closed.
        """
        ...

    def play(self, pcm: bytes, *, loop: bool = False) -> int:
        """Plays audio from memory instead of anything else; replaces an earlier play. Returns the play id.

        Raises:
            MediaError: no audio in `pcm`, half a sample, or the leg is closed.
        """
        ...

    def stop_play(self) -> None:
        """Ends the play, if any."""
        ...

    def start_tap(self, block_ms: int = FRAME_MS) -> None:
        """Sends what the far end says to the sink, in blocks: a multiple of 10 ms up to `MAX_TAP_BLOCK_MS`.

        A leg's first tap begins with the first packet if that came within the last 500 ms: media is often faster than
        the signalling. If it comes within the next 500 ms, no silence is told before it.
        """
        ...

    def stop_tap(self) -> None:
        """Ends the tap; blocks already waiting still arrive."""
        ...

    def send_dtmf(self, digits: str) -> None:
        """Presses keys towards the far end (RFC 4733), one after the other.

        Raises:
            MediaError: a digit that is none, or the far end takes no telephone events.
        """
        ...

    def start_recording(self, recording_id: str) -> None:
        """Records both directions into `<spool_dir>/<recording_id>.spool`; one recording per leg at a time.

        Called before `set_remote`, it misses nothing of the call.

        Raises:
            MediaError: a recording runs already, or the id is no plain file name.
        """
        ...

    def stop_recording(self) -> None:
        """Ends the recording in order; its end record reaches the file within a second."""
        ...

    def pause_recording(self) -> None:
        """Keeps what is heard and said from here on out of the recording, both ways, and marks where.

        Does nothing without a recording, or when it is paused; one that ends paused ends in order.
        """
        ...

    def resume_recording(self) -> None:
        """Records again. Does nothing without a recording that is paused."""
        ...

    def start_echo(self) -> None:
        """The far end hears itself, instead of a partner: for a self-test."""
        ...

    def stop_echo(self) -> None:
        """Ends the echo; a partner is heard again."""
        ...

    def stats(self) -> LegStats:
        """The latest figures, at most 20 ms old."""
        ...

    def close(self) -> None:
        """Stops play, tap, recording and bridge and gives the ports back; the sink hears nothing more.

        Closing twice is no error.
        """
        ...


class BrowserLeg(Leg, Protocol):
    """A leg whose far end is a browser's `RTCPeerConnection`. `set_remote` is not for it.

    Bridge, play, tap, recording and the leg itself outlive the browser's connection: nobody is heard meanwhile, and
    there is no `RtpTimeout`.
    """

    def accept(self, offer: str) -> str:
        """Answers a browser's offer (SDP) of one audio stream; the answer is the SDP to send back.

        ICE-lite, DTLS-SRTP as the server, PCMA if it is offered, or else PCMU. Called again it connects anew, on the
        same port: the offer must be that of a new `RTCPeerConnection`. An earlier connection ends at once.

        Raises:
            MediaError: what is wrong with the offer, in words, or the leg is closed.
        """
        ...


class MediaPort(Protocol):
    """What both engines offer."""

    def open_leg(self, *, sink: Sink) -> Leg:
        """Binds a pair of ports.

        Raises:
            MediaError: no port left in the configured range.
        """
        ...

    def open_browser_leg(self, *, sink: Sink) -> BrowserLeg:
        """Binds a port for a browser. The leg is up from its first `accept` on.

        Raises:
            MediaError: no port left in the configured range.
        """
        ...

    def bridge(self, a: Leg, b: Leg) -> None:
        """Joins two legs: audio and DTMF both ways; replaces an earlier bridge of either.

        Where one side goes quiet, the other hears silence frames, so that its path stays open.
        """
        ...

    def unbridge(self, leg: Leg) -> None:
        """Parts the leg from its partner, if it has one; both stay up."""
        ...

    def listen_in(self, listener: Leg, agent: Leg, mode: ListenMode) -> None:
        """Lets a listener hear what the agent says and hears, plays included, over every bridge of the agent's leg.

        Called again it changes the mode, or the agent. The listener leaves a bridge it was in; a later bridge of it, or
        the end of either leg, ends the listening. A play to either leg is heard without the listener. What the listener
        hears, and where the listener is heard, is `LISTEN_DELAY_MS` old; the call itself is not delayed.

        Raises:
            MediaError: a leg is closed, listens to itself, listens and is listened to, or `MAX_LISTENERS` are there.
        """
        ...

    def stop_listening(self, listener: Leg) -> None:
        """Ends the listening, if the leg listens."""
        ...

    def dropped_audio_blocks(self) -> int:
        """Tap blocks thrown away because the loop did not fetch them in time."""
        ...
