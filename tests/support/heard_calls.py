"""Live calls to SIPp that are listened to: the service's own way out, leg, tap and detectors, without its database.

An attempt's real machine gives the orders; those about audio are carried out, a verdict ends the call. Everything the
tap gave is kept, with the instant at which it reached the detector.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from dialer.agents.audio_path import AudioPath
from dialer.calls import signals as s
from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.call_audio import CallAudio
from dialer.calls.facts import AttemptPlan
from dialer.calls.heard import HeardVerdict
from dialer.calls.mailbox import Mailbox
from dialer.calls.signals import ListenTarget, Order, Signal
from dialer.calls.signals import SignalKind as K
from dialer.calls.trunk_call import TrunkCall
from dialer.clock import SystemClock
from dialer.media.interface import (
    FRAME_SAMPLES,
    AudioBlock,
    BrowserLeg,
    Leg,
    LegEvent,
    ListenMode,
    MediaPort,
    Sink,
)
from dialer.model.attempt import Attempt, AttemptState, CallPath
from dialer.model.contact import Phone
from dialer.progress.verdict import Verdict
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.trunks import TrunkLease, Trunks
from tests.support.heard_clips import Clip
from tests.support.path_carrier import Carrier
from tests.support.path_script import CANCELLED, INVITE, OUR_BYE, TRYING, answer, respond, scenario, speak
from tests.support.rtp_hop import RtpHop, Weather

LINE = "line.al"
CALL_LIMIT_S = 40.0
"""From the INVITE to the end of one call."""
STALL_S = 0.08
"""Packets come every 20 ms; a sender that is this late loses audio on the way to the detectors, as on a real line."""
FINE = Weather()
EARLY_LINE = respond(183, "Session Progress", sdp=True) + speak(LINE)


@dataclass(frozen=True, slots=True)
class Block:
    """One frame as it reached the detector: `at` as the engine says, `heard_at` when the loop had it (monotonic s)."""

    pcm: bytes
    position: int
    at: float
    heard_at: float


@dataclass
class Heard:
    """One call: what the tap gave to each detector, the verdicts, and how its packets fared."""

    blocks: dict[ListenTarget, list[Block]] = field(default_factory=dict)
    early: Verdict | None = None
    greeting: HeardVerdict | None = None
    arrivals: Sequence[float] = ()
    """When each packet reached the network before the leg, monotonic s."""
    n_lost: int = 0

    def frames(self, target: ListenTarget) -> list[bytes]:
        """What that detector was fed."""
        return [block.pcm for block in self.blocks.get(target, [])]

    def all_blocks(self) -> list[Block]:
        """Every block of the call, in order."""
        return [block for blocks in self.blocks.values() for block in blocks]

    @property
    def has_no_hole(self) -> bool:
        """Whether every frame follows the one before it, from one detector to the next as well."""
        return all(b.position - a.position == FRAME_SAMPLES for a, b in pairwise(self.all_blocks()))

    @property
    def was_disturbed(self) -> bool:
        """The machine was so busy that the peer, or the hop, did not keep the time of its packets."""
        return any(b - a > STALL_S for a, b in pairwise(self.arrivals))

    def verdict(self, clip: Clip) -> Verdict | None:
        """What the call made of the clip."""
        if clip.early:
            return self.early
        return self.greeting.verdict if self.greeting else None


class Earwitness:
    """The engine, with somebody who notes what its taps give just before their owner has it."""

    def __init__(self, media: MediaPort, note: Callable[[AudioBlock], None]) -> None:
        self._media = media
        self._note = note

    def open_leg(self, *, sink: Sink) -> Leg:
        def hear(event: LegEvent) -> None:
            if isinstance(event, AudioBlock):
                self._note(event)
            sink(event)

        return self._media.open_leg(sink=hear)

    def open_browser_leg(self, *, sink: Sink) -> BrowserLeg:
        return self._media.open_browser_leg(sink=sink)

    def bridge(self, a: Leg, b: Leg) -> None:
        self._media.bridge(a, b)

    def unbridge(self, leg: Leg) -> None:
        self._media.unbridge(leg)

    def listen_in(self, listener: Leg, agent: Leg, mode: ListenMode) -> None:
        self._media.listen_in(listener, agent, mode)

    def stop_listening(self, listener: Leg) -> None:
        self._media.stop_listening(listener)

    def dropped_audio_blocks(self) -> int:
        return self._media.dropped_audio_blocks()


class HeardCall:
    """One call from the INVITE to its end: the verdict after the answer, or so many frames before it."""

    def __init__(self, endpoint: SipEndpoint, media: MediaPort, n_early: int | None = None) -> None:
        self._heard = Heard()
        self._endpoint = endpoint
        self._n_early = n_early
        self._target: ListenTarget | None = None
        self._mailbox: Mailbox[Signal] = Mailbox()
        self._machine = AttemptMachine(1, AttemptPlan(), time.monotonic())
        self._audio = CallAudio(Earwitness(media, self._note), self._mailbox.put, lambda digit: None)
        self._trunk_call: TrunkCall | None = None

    async def run(self, lease: TrunkLease, weather: Weather, seed: int) -> Heard:
        """Dials over the lease and listens to the end; the peer's RTP passes a hop with this weather."""
        heard, leg = self._heard, self._audio.leg
        async with RtpHop.before((leg.local_host, leg.local_port), weather, seed) as hop:
            path = AudioPath(leg)
            path.local = path.local.replace(f"m=audio {leg.local_port} ", f"m=audio {hop.port} ")
            self._trunk_call = TrunkCall(self._endpoint, path, self._mailbox.put, lambda: None)
            try:
                self._trunk_call.send_invite(_RESERVATION, lease, _PHONE, ring_timeout_s=CALL_LIMIT_S)
                async with asyncio.timeout(CALL_LIMIT_S):
                    await self._live()
            finally:
                self._trunk_call.close()
                self._audio.close()
                lease.release()
            heard.arrivals, heard.n_lost = hop.arrivals, hop.n_lost
        heard.early, heard.greeting = self._audio.listening.early, self._audio.listening.greeting
        return heard

    async def _live(self) -> None:
        self._feed(Signal(K.INVITE_SENT))
        while self._machine.phase is not Phase.ENDED and self._audio.listening.greeting is None:
            signal = await self._mailbox.get(self._machine.next_deadline)
            if signal is not None:
                self._feed(signal)
            self._obey(self._machine.handle_timeout(time.monotonic()))

    def _note(self, event: AudioBlock) -> None:
        if self._target is None:
            return
        blocks = self._heard.blocks.setdefault(self._target, [])
        blocks.append(Block(event.pcm, event.position, event.at, time.monotonic()))
        if self._target is ListenTarget.EARLY_MEDIA and len(blocks) == self._n_early:
            self._mailbox.put(Signal(K.STOP, reason="heard enough"))

    def _feed(self, signal: Signal) -> None:
        self._obey(self._machine.handle_input(signal, time.monotonic()))

    def _obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            match order:
                case s.Listen(target=target):
                    self._target = target
                    self._audio.listen(target)
                case s.StopListening():
                    self._target = None
                    self._audio.stop_listening()
                case s.Cancel() if self._trunk_call is not None:
                    self._trunk_call.cancel()
                case s.HangUp(reason=reason) if self._trunk_call is not None:
                    self._trunk_call.hang_up(reason)


_PHONE = Phone(1, 1, "+8613900000001")
_RESERVATION = Attempt(
    1,
    1,
    1,
    _PHONE.phone_id,
    CallPath.PREDICTIVE,
    AttemptState.RESERVED,
    "139****0001",
    datetime(2026, 11, 23, tzinfo=UTC),
)


@dataclass(frozen=True)
class Play:
    """A carrier: what it does, and the audio it streams where its script says so (A-law at 8 kHz)."""

    name: str
    script: str
    line: bytes
    n_early: int | None = None


def play_of(clip: Clip) -> Play:
    """A clip before the answer, in a 183 until we cancel; or after the answer until our BYE."""
    if clip.early:
        script = scenario(clip.name, INVITE, TRYING, EARLY_LINE, CANCELLED)
        return Play(clip.name, script, clip.line, n_early=len(clip.frames()))
    return Play(clip.name, scenario(clip.name, INVITE, TRYING, answer(), speak(LINE), OUR_BYE), clip.line)


async def hear(
    endpoint: SipEndpoint, media: MediaPort, play: Play, folder: Path, weather: Weather = FINE, seed: int = 1
) -> Heard:
    """One call to a SIPp of its own."""
    async with Carrier.playing(play.name, play.script, folder / play.name, {LINE: play.line}) as carrier:
        lease = Trunks([carrier.trunk()], SystemClock(), random.Random(seed).random).acquire(play.name)
        assert isinstance(lease, TrunkLease)
        heard = await HeardCall(endpoint, media, play.n_early).run(lease, weather, seed)
        await carrier.finished()
        assert carrier.complaints() == ""
        return heard


async def hear_clips(
    endpoint: SipEndpoint,
    media: MediaPort,
    clips: Sequence[Clip],
    folder: Path,
    weather: Weather = FINE,
    at_once: int = 10,
    seeds: Mapping[str, int] | None = None,
) -> dict[str, Heard]:
    """A call for each clip, `at_once` of them at a time; by the clip's name.

    The weather of each is its own, by `seeds` (its name's) or else by its place: whoever plays some clips again gives
    the seeds of the first time.
    """
    seeds = seeds or {clip.name: seed for seed, clip in enumerate(clips)}
    room = asyncio.Semaphore(at_once)
    heard: dict[str, Heard] = {}

    async def call(clip: Clip) -> None:
        async with room:
            heard[clip.name] = await hear(endpoint, media, play_of(clip), folder, weather, seeds[clip.name])

    async with asyncio.TaskGroup() as tasks:
        for clip in clips:
            tasks.create_task(call(clip))
    return heard
