"""The simulated world outlives a dialer that dies without a word: telephones are free again, the carrier can close."""

import asyncio
from pathlib import Path

from dialer.agents.audio_path import AudioPath
from dialer.config import MediaConfig, SipConfig
from dialer.media.engine import MediaEngine
from dialer.simulator.carrier import SimulatedCarrier
from dialer.simulator.people import Behaviour, Mixture
from dialer.simulator.phone import RobotPhone
from dialer.simulator.voices import load_voices
from dialer.sip.calls import SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, CallEvent, Destination, Failed, InviteRequest, Provisional, Transport
from dialer.sip.registrar import secrets_from_passwords
from dialer.sip.uri import SipUri

HOST = "127.0.0.1"
VOICES = load_voices()
SIP = SipConfig(host=HOST, port=0, transports=("udp",))
WAIT_S = 20.0
CLOSES_S = 60.0
"""Far more than closing takes, far less than an unanswered telephone rings."""


class Dialer:
    """Calls one destination; may fall silent without hanging up."""

    def __init__(self, endpoint: SipEndpoint, media: MediaEngine) -> None:
        self._endpoint = endpoint
        self.leg = media.open_leg(sink=lambda event: None)
        self._path = AudioPath(self.leg)
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue(100)

    def dial(self, destination: Destination, user: str) -> SipCall:
        request = InviteRequest(
            target=SipUri.build(user, destination.host, destination.port),
            destination=destination,
            from_uri=SipUri.build("shift", HOST),
            sdp=self._path.local,
        )
        return self._endpoint.invite(request, self._events.put_nowait)

    async def hears(self, *kinds: type[CallEvent]) -> CallEvent:
        async with asyncio.timeout(WAIT_S):
            while not isinstance(event := await self._events.get(), kinds):
                pass
        if isinstance(event, Answered):
            self._path.take_answer(event.sdp)
        return event


async def test_a_telephone_is_free_again_when_the_audio_stopped(tmp_path: Path) -> None:
    media = MediaConfig(port_min=29_200, port_max=29_299, workers=1, rtp_timeout_s=0.5)
    secrets = secrets_from_passwords(SIP.realm, {"robot1": "secret"}.get)
    async with (
        MediaEngine(media, tmp_path) as engine,
        SipEndpoint(SIP, is_trunk=lambda source: False, secrets_of=secrets) as endpoint,
    ):
        registrar = Destination(Transport.UDP, HOST, endpoint.local_port(Transport.UDP))
        async with RobotPhone(SIP, registrar, "robot1", "secret", engine, VOICES):
            assert endpoint.registrar is not None
            binding = endpoint.registrar.binding("robot1")
            assert binding is not None
            first = Dialer(endpoint, engine)
            first.dial(binding.destination, "robot1")
            assert isinstance(await first.hears(Answered, Failed), Answered)
            first.leg.close()
            for _ in range(40):
                again = Dialer(endpoint, engine)
                call = again.dial(binding.destination, "robot1")
                if isinstance(await again.hears(Answered, Failed), Answered):
                    break
                again.leg.close()
                await asyncio.sleep(0.1)
            else:
                raise AssertionError("the telephone stayed busy")
            call.hang_up()


async def test_the_carrier_closes_while_somebody_rings(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(CLOSES_S),
        MediaEngine(MediaConfig(port_min=29_300, port_max=29_399, workers=1), tmp_path) as engine,
        SipEndpoint(SIP, is_trunk=lambda source: True) as endpoint,
        SimulatedCarrier(SIP, engine, VOICES, Mixture(shares={Behaviour.NO_ANSWER: 1.0}), seed=1) as carrier,
    ):
        caller = Dialer(endpoint, engine)
        caller.dial(Destination(Transport.UDP, HOST, carrier.port), "+8613900000001")
        assert isinstance(await caller.hears(Provisional), Provisional)
