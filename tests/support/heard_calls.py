"""Live calls to SIPp that are listened to: the service's own way out, leg, tap and detectors, without its database.

An attempt's real machine gives the orders; those about audio are carried out, a verdict ends the call. Everything the
tap gave is kept, with the instant at which it reached the detector.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from dialer.agents.audio_path import AudioPath
from dialer.calls import signals as s
from dialer.calls.attempt import AttemptMachine, AttemptPlan, Phase
from dialer.calls.call_audio import CallAudio
from dialer.calls.mailbox import Mailbox
from dialer.calls.signals import ListenTarget, Order, Signal
from dialer.calls.signals import SignalKind as K
from dialer.calls.trunk_call import TrunkCall
from dialer.clock import SystemClock
from dialer.media.interface import FRAME_SAMPLES, AudioBlock, Leg, LegEvent, MediaPort, Sink
from dialer.model.attempt import Attempt, AttemptState, CallPath
from dialer.model.contact import Phone
from dialer.progress.verdict import Verdict
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.trunks import TrunkLease, Trunks
from tests.support.heard_clips import Clip
from tests.support.path_carrier import Carrier
from tests.support.path_script import INVITE, OUR_BYE, TRYING, answer, reject, respond, scenario, speak, wait
from tests.support.rtp_hop import RtpHop, Weather

LINE = "line.al"
CALL_LIMIT_S = 40.0
"""From the INVITE to the end of one call."""
FINE = Weather()


@dataclass(frozen=True, slots=True)
class Block:
    """One frame as it reached the detector: `at` as the engine says, `heard_at` when the loop had it (monotonic s)."""

    pcm: bytes
    position: int
    at: float
    heard_at: float


@dataclass
class Heard:
    """One call: what the tap gave to each detector, and the verdicts."""

    blocks: dict[ListenTarget, list[Block]] = field(default_factory=dict)
    early: Verdict | None = None
    greeting: Verdict | None = None
    n_lost: int = 0
    longest_pause_s: float = 0.0

    def frames(self, target: ListenTarget) -> list[bytes]:
        """What that detector was fed."""
        return [block.pcm for block in self.blocks.get(target, [])]

    def all_blocks(self) -> list[Block]:
        """Every block of the call, in order."""
        return [block for blocks in self.blocks.values() for block in blocks]

    def has_no_hole(self) -> bool:
        """Whether every frame follows the one before it, from one detector to the next as well."""
        return all(b.position - a.position == FRAME_SAMPLES for a, b in pairwise(self.all_blocks()))


class Earwitness:
    """The engine, with somebody who notes what its taps give just before their owner has it."""

    def __init__(self, media: MediaPort, heard: Heard) -> None:
        self.target: ListenTarget | None = None
        self._media = media
        self._heard = heard

    def open_leg(self, *, sink: Sink) -> Leg:
        def hear(event: LegEvent) -> None:
            if isinstance(event, AudioBlock) and self.target is not None:
                block = Block(event.pcm, event.position, event.at, time.monotonic())
                self._heard.blocks.setdefault(self.target, []).append(block)
            sink(event)

        return self._media.open_leg(sink=hear)

    def bridge(self, a: Leg, b: Leg) -> None:
        self._media.bridge(a, b)

    def unbridge(self, leg: Leg) -> None:
        self._media.unbridge(leg)

    def dropped_audio_blocks(self) -> int:
        return self._media.dropped_audio_blocks()


class HeardCall:
    """One call from the INVITE to its end."""

    def __init__(self, endpoint: SipEndpoint, media: MediaPort) -> None:
        self.heard = Heard()
        self._endpoint = endpoint
        self._witness = Earwitness(media, self.heard)
        self._mailbox: Mailbox[Signal] = Mailbox()
        self._machine = AttemptMachine(1, AttemptPlan(), time.monotonic())
        self._audio = CallAudio(self._witness, self._mailbox.put, lambda digit: None)
        self._trunk_call: TrunkCall | None = None

    async def run(self, lease: TrunkLease, weather: Weather, seed: int) -> Heard:
        """Dials over the lease and listens to the end; the peer's RTP passes a hop with this weather."""
        leg = self._audio.leg
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
            self.heard.n_lost, self.heard.longest_pause_s = hop.n_lost, hop.longest_pause_s
        self.heard.early, self.heard.greeting = self._audio.listening.early, self._audio.listening.greeting
        return self.heard

    async def _live(self) -> None:
        self._feed(Signal(K.INVITE_SENT))
        while self._machine.phase is not Phase.ENDED and self._audio.listening.greeting is None:
            signal = await self._mailbox.get(self._machine.next_deadline)
            if signal is not None:
                self._feed(signal)
            self._obey(self._machine.handle_timeout(time.monotonic()))

    def _feed(self, signal: Signal) -> None:
        self._obey(self._machine.handle_input(signal, time.monotonic()))

    def _obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            match order:
                case s.Listen(target=target) if self._audio.listening.greeting is None:
                    self._witness.target = target
                    self._audio.listen(target)
                case s.StopListening():
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


def script_of(clip: Clip) -> str:
    """The carrier of a clip: before the answer in a 183 and then a refusal, or after the answer until our BYE."""
    if clip.early:
        early = respond(183, "Session Progress", sdp=True) + speak(LINE) + wait(20 * clip.n_frames + 300)
        return scenario(clip.name, INVITE, TRYING, early, reject(480, "Temporarily Unavailable"))
    return scenario(clip.name, INVITE, TRYING, answer(), speak(LINE), OUR_BYE)


@asynccontextmanager
async def carrier_of(name: str, script: str, line: bytes, folder: Path) -> AsyncIterator[tuple[Carrier, Trunks]]:
    """SIPp with a file to stream, and the trunk to it."""
    async with Carrier.playing(name, script, folder / name, {LINE: line}) as carrier:
        yield carrier, Trunks([carrier.trunk()], SystemClock(), random.Random(1).random)


async def hear_line(
    endpoint: SipEndpoint, media: MediaPort, name: str, script: str, line: bytes, folder: Path, weather: Weather = FINE
) -> Heard:
    """One call to a carrier that plays one line."""
    async with carrier_of(name, script, line, folder) as (carrier, trunks):
        lease = trunks.acquire(name)
        assert isinstance(lease, TrunkLease)
        seed = sum(name.encode())
        heard = await HeardCall(endpoint, media).run(lease, weather, seed)
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
) -> dict[str, Heard]:
    """Calls to one SIPp per clip, `at_once` of them at a time; by the clip's name."""
    room = asyncio.Semaphore(at_once)
    heard: dict[str, Heard] = {}

    async def hear(clip: Clip) -> None:
        async with room:
            heard[clip.name] = await hear_line(endpoint, media, clip.name, script_of(clip), clip.line, folder, weather)

    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for clip in clips:
            tasks.create_task(hear(clip))
    return heard
