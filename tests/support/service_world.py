"""The world around a service process, kept by the test: carriers with a record of their own, robots with telephones."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dialer.api.client import ApiClient
from dialer.config import MediaConfig, SipConfig
from dialer.media.engine import MediaEngine
from dialer.simulator.carrier import SimulatedCarrier
from dialer.simulator.collectors import RobotCollector
from dialer.simulator.people import Mixture
from dialer.simulator.phone import RobotPhone
from dialer.simulator.voices import Voices
from dialer.sip.answering import IncomingInvite
from dialer.sip.calls import IncomingCall, SipCall
from dialer.sip.events import AnswerOffer, CallEvent, Destination, Ended, Failed, Sink, Transport
from tests.support.service import HOST
from tests.support.service_house import ServiceHouse

PHONE_RTP_TIMEOUT_S = 2.0
"""So soon a robot's telephone notices that the service is gone."""


@dataclass(slots=True)
class CarrierCall:
    """One INVITE as the carrier saw it; instants on the monotonic clock."""

    number: str
    invited_at: float
    answered_at: float | None = None
    refused_with: int | None = None
    ended_at: float | None = None

    def is_up(self, at: float) -> bool:
        """Whether it was answered by then and not over yet."""
        return self.answered_at is not None and self.answered_at < at and not self.is_over(at)

    def is_over(self, at: float) -> bool:
        """Whether it had ended by then."""
        return self.ended_at is not None and self.ended_at <= at


class WatchedCarrier(SimulatedCarrier):
    """A simulated carrier that writes down every INVITE in `calls`, in the order of their arrival."""

    def __init__(self, sip: SipConfig, media: MediaEngine, voices: Voices, mixture: Mixture, seed: int) -> None:
        self.calls: list[CarrierCall] = []
        super().__init__(sip, media, voices, mixture, seed)

    def _take(self, incoming: IncomingCall) -> None:
        call = CarrierCall(incoming.target.user_text, time.monotonic())
        self.calls.append(call)
        super()._take(_Watched(incoming, call))


class _Watched(IncomingCall):
    """The call, with what happens to it written down."""

    def __init__(self, incoming: IncomingCall, record: CarrierCall) -> None:
        session = incoming._call.session
        assert isinstance(session, IncomingInvite)
        super().__init__(incoming._call, session, incoming.user)
        self._record = record

    def listen(self, sink: Sink) -> None:
        super().listen(self._watching(sink))

    def answer(self, sdp: str, sink: Sink, *, answer_offer: AnswerOffer | None = None) -> SipCall:
        call = super().answer(sdp, self._watching(sink), answer_offer=answer_offer)
        self._record.answered_at = time.monotonic()
        return call

    def reject(self, status: int = 480, reason: str = "") -> None:
        super().reject(status, reason)
        self._record.refused_with, self._record.ended_at = status, time.monotonic()

    def _watching(self, sink: Sink) -> Sink:
        def hear(event: CallEvent) -> None:
            if isinstance(event, Ended | Failed) and self._record.ended_at is None:
                self._record.ended_at = time.monotonic()
            sink(event)

        return hear


@dataclass
class World:
    """Carriers by the name of their trunk, and telephones."""

    carriers: dict[str, WatchedCarrier]
    phones: list[RobotPhone] = field(default_factory=list)

    @property
    def calls(self) -> list[CarrierCall]:
        """What all carriers saw, in order of arrival."""
        seen = [call for carrier in self.carriers.values() for call in carrier.calls]
        return sorted(seen, key=lambda call: call.invited_at)

    async def register_phones(self) -> None:
        """Every telephone registers now, as a real one does within its own interval."""
        await asyncio.gather(*(phone.register() for phone in self.phones))


@asynccontextmanager
async def open_carriers(
    house: ServiceHouse, voices: Voices, mixtures: dict[str, Mixture], media_ports: tuple[int, int], seed: int
) -> AsyncIterator[tuple[World, MediaEngine]]:
    """A carrier for each of the house's trunks; they outlive every run of the service."""
    low, high = media_ports
    config = MediaConfig(port_min=low, port_max=high, workers=1, rtp_timeout_s=PHONE_RTP_TIMEOUT_S)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(MediaEngine(config, await _empty(house.folder / "world")))
        carriers = {}
        for name, mixture in mixtures.items():
            sip = SipConfig(host=HOST, port=house.trunk_ports[name], transports=("udp",))
            carriers[name] = await stack.enter_async_context(WatchedCarrier(sip, engine, voices, mixture, seed))
        yield World(carriers), engine


@asynccontextmanager
async def open_phones(house: ServiceHouse, world: World, engine: MediaEngine, voices: Voices) -> AsyncIterator[None]:
    """A telephone for each robot, registered; the service must be up."""
    registrar = Destination(Transport.UDP, HOST, house.sip_port)
    async with AsyncExitStack() as stack:
        for robot in house.robots:
            sip = SipConfig(host=HOST, port=0, transports=("udp",))
            phone = RobotPhone(sip, registrar, robot.login, robot.sip_password, engine, voices)
            world.phones.append(await stack.enter_async_context(phone))
        yield


@asynccontextmanager
async def robots_at_work(house: ServiceHouse, campaign_ids: list[int], seed: int) -> AsyncIterator[None]:
    """Every robot sits at its desk until the block ends, through however many restarts."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        running = []
        for index, robot in enumerate(house.robots):
            api = await stack.enter_async_context(ApiClient(house.url, robot.token))
            collector = RobotCollector(api, robot.agent_id, campaign_ids, seed + index)
            running.append(tasks.create_task(collector.run(), name=robot.login))
        try:
            yield
        finally:
            for task in running:
                task.cancel()


async def _empty(folder: Path) -> Path:
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    return folder
