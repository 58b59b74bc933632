"""The simulated carrier and a robot's telephone talk real SIP and RTP to our own endpoint."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from dialer.agents.audio_path import AudioPath
from dialer.config import MediaConfig, SipConfig
from dialer.media.engine import MediaEngine
from dialer.media.interface import AudioBlock, LegEvent
from dialer.simulator.callee import loudness
from dialer.simulator.carrier import SimulatedCarrier
from dialer.simulator.people import Behaviour, Mixture
from dialer.simulator.phone import RegistrationError, RobotPhone
from dialer.simulator.voices import Voices, load_voices
from dialer.sip.calls import SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, CallEvent, Destination, Ended, Failed, InviteRequest, Provisional, Transport
from dialer.sip.registrar import secrets_from_passwords
from dialer.sip.uri import SipUri

HOST = "127.0.0.1"
VOICES: Voices = load_voices()
QUICK = {"ring_s": (0.3, 0.4), "talk_s": (2.0, 2.1), "patience_s": (1.0, 1.1)}


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaEngine]:
    async with MediaEngine(MediaConfig(port_min=31000, port_max=31199, workers=1), tmp_path) as engine:
        yield engine


class Caller:
    """Calls a number and keeps what it saw and heard."""

    def __init__(self, media: MediaEngine) -> None:
        self.leg = media.open_leg(sink=self._on_leg)
        self.path = AudioPath(self.leg)
        self.events: asyncio.Queue[CallEvent] = asyncio.Queue(100)
        self.loud_blocks = 0
        self.heard = asyncio.Event()
        self.call: SipCall | None = None

    def dial(self, endpoint: SipEndpoint, port: int, number: str) -> None:
        request = InviteRequest(
            target=SipUri.build(number, HOST, port),
            destination=Destination(Transport.UDP, HOST, port),
            from_uri=SipUri.build("4001", HOST, endpoint.local_port(Transport.UDP)),
            sdp=self.path.local,
            answer_offer=self.path.answer,
        )
        self.call = endpoint.invite(request, self.events.put_nowait)

    async def next(self, kind: type[CallEvent]) -> CallEvent:
        async with asyncio.timeout(20):
            while True:
                event = await self.events.get()
                if isinstance(event, Provisional | Answered) and event.sdp:
                    self.path.take_answer(event.sdp)
                    self.leg.start_tap(20)
                if isinstance(event, kind):
                    return event

    def _on_leg(self, event: LegEvent) -> None:
        if isinstance(event, AudioBlock) and loudness(event.pcm) > 300:
            self.loud_blocks += 1
            if self.loud_blocks == 10:
                self.heard.set()


async def with_carrier(
    media: MediaEngine, behaviour: Behaviour, scene: Callable[[Caller, SipEndpoint, int], object]
) -> None:
    mixture = Mixture(shares={behaviour: 1.0}, **QUICK)
    sip = SipConfig(host=HOST, port=0, transports=("udp",))
    async with (
        SimulatedCarrier(sip, media, VOICES, mixture, seed=1) as carrier,
        SipEndpoint(sip, is_trunk=lambda source: True) as endpoint,
    ):
        result = scene(Caller(media), endpoint, carrier.port)
        assert asyncio.iscoroutine(result)
        await result
        assert carrier.placed["13900000001"] == 1


@pytest.mark.parametrize(
    ("behaviour", "status", "early_audio"),
    [
        (Behaviour.BUSY, 486, False),
        (Behaviour.CONGESTION, 503, False),
        (Behaviour.BAD_NUMBER, 404, True),
        (Behaviour.POWERED_OFF, 480, True),
    ],
)
async def test_refusals_sound_and_end_as_they_should(
    media: MediaEngine, behaviour: Behaviour, status: int, early_audio: bool
) -> None:
    async def scene(caller: Caller, endpoint: SipEndpoint, port: int) -> None:
        caller.dial(endpoint, port, "13900000001")
        failed = await caller.next(Failed)
        assert isinstance(failed, Failed)
        assert failed.cause.sip_status == status
        assert failed.cause.reasons
        assert (caller.loud_blocks > 50) is early_audio

    await with_carrier(media, behaviour, scene)


async def test_nobody_answers_until_the_caller_cancels(media: MediaEngine) -> None:
    async def scene(caller: Caller, endpoint: SipEndpoint, port: int) -> None:
        caller.dial(endpoint, port, "13900000001")
        ringing = await caller.next(Provisional)
        assert isinstance(ringing, Provisional)
        assert ringing.status == 183
        assert caller.call is not None
        caller.call.cancel()
        failed = await caller.next(Failed)
        assert isinstance(failed, Failed)
        assert failed.cause.sip_status == 487

    await with_carrier(media, Behaviour.NO_ANSWER, scene)


async def test_a_person_greets_twice_and_hangs_up_when_nobody_speaks(media: MediaEngine) -> None:
    async def scene(caller: Caller, endpoint: SipEndpoint, port: int) -> None:
        caller.dial(endpoint, port, "13900000001")
        await caller.next(Answered)
        ended = await caller.next(Ended)
        assert isinstance(ended, Ended)
        assert ended.by_remote
        assert caller.loud_blocks > 20

    await with_carrier(media, Behaviour.HUMAN, scene)


async def test_a_person_who_hears_a_voice_talks(media: MediaEngine) -> None:
    async def scene(caller: Caller, endpoint: SipEndpoint, port: int) -> None:
        caller.dial(endpoint, port, "13900000001")
        await caller.next(Answered)
        heard_before = caller.loud_blocks
        caller.leg.play(b"".join(VOICES.talk), loop=True)
        ended = await caller.next(Ended)
        assert isinstance(ended, Ended)
        assert ended.by_remote
        assert caller.loud_blocks > heard_before

    await with_carrier(media, Behaviour.HUMAN, scene)


async def test_a_robot_phone_registers_answers_and_speaks_when_spoken_to(media: MediaEngine) -> None:
    sip = SipConfig(host=HOST, port=0, transports=("udp",))
    secrets_of = secrets_from_passwords("dialer", {"c1": "pw"}.get)
    async with SipEndpoint(sip, is_trunk=lambda s: False, secrets_of=secrets_of) as dialer:
        registrar = Destination(Transport.UDP, HOST, dialer.local_port(Transport.UDP))
        async with RobotPhone(sip, registrar, "c1", "pw", media, VOICES):
            assert dialer.registrar is not None
            binding = dialer.registrar.binding("c1")
            assert binding is not None
            caller = Caller(media)
            caller.dial(dialer, binding.destination.port, "c1")
            await caller.next(Answered)
            caller.leg.play(VOICES.greetings[-1])
            async with asyncio.timeout(10):
                await caller.heard.wait()


async def test_a_wrong_password_does_not_register(media: MediaEngine) -> None:
    sip = SipConfig(host=HOST, port=0, transports=("udp",))
    secrets_of = secrets_from_passwords("dialer", {"c1": "pw"}.get)
    async with SipEndpoint(sip, is_trunk=lambda source: False, secrets_of=secrets_of) as dialer:
        registrar = Destination(Transport.UDP, HOST, dialer.local_port(Transport.UDP))
        with pytest.raises(RegistrationError, match="c1 could not register: 40"):
            async with RobotPhone(sip, registrar, "c1", "wrong", media, VOICES):
                pass
