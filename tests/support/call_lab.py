"""A whole node on loopback with a carrier and collectors' phones of our own: real SIP, real RTP, real database."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from dialer.agents.audio_path import AudioPath
from dialer.api.security import sip_credentials
from dialer.app import Application
from dialer.config import (
    Config,
    HttpConfig,
    MediaConfig,
    NodeConfig,
    PolicyConfig,
    SipConfig,
    TrunkConfig,
)
from dialer.config_recordings import RecordingsConfig
from dialer.media.engine import MediaEngine
from dialer.media.interface import AudioBlock, Leg, LegEvent
from dialer.model.account import NewAccount, Role
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import Campaign, CampaignSettings
from dialer.model.contact import FieldValue
from dialer.model.recording import RecordingInfo
from dialer.model.recording_query import RecordingQuery
from dialer.prompts.signals import tone
from dialer.sip.calls import IncomingCall, SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import CallEvent, Destination, Ended, Failed, Transport
from dialer.sip.retry import ChallengeRetry
from dialer.sip.uri import SipUri
from tests.support.policy import HOUSE_NUMBER, registered

MONDAY = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
"""A working morning inside the calling window of the shipped pack."""
PERSON_HZ, COLLECTOR_HZ = 620.0, 1250.0
HOST = "127.0.0.1"
PASSWORD = "phone-secret"
WAIT_S = 20.0


async def until(condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
    """Waits for something to become true; fails with its name."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - conditions of many sources, none with an event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"did not happen in {timeout_s} s: {what}") from None


class Ear:
    """What one end hears: the pitch of the last second, and all of it."""

    def __init__(self) -> None:
        self.pcm = bytearray()

    def __call__(self, event: LegEvent) -> None:
        if isinstance(event, AudioBlock):
            self.pcm += event.pcm

    def share(self, hz: float, last_ms: int = 200) -> float:
        """The share of the last audio's power within 30 Hz of a pitch."""
        return self._share(self.pcm[-16 * last_ms :], hz) if len(self.pcm) >= 16 * last_ms else 0.0

    @staticmethod
    def _share(pcm: bytearray, hz: float) -> float:
        samples = np.frombuffer(bytes(pcm), dtype="<i2").astype(float)
        if not samples.any():
            return 0.0
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        pitches = np.fft.rfftfreq(len(samples), 1 / 8000)
        return float(power[np.abs(pitches - hz) < 30].sum() / power.sum())

    def hears(self, hz: float) -> bool:
        """Whether that pitch is most of what is heard now."""
        return self.share(hz) > 0.8

    def has_heard(self, hz: float) -> bool:
        """Whether it was most of any 200 ms, however long ago: what is said once is over before a busy test looks."""
        step = 16 * 100
        return any(self._share(self.pcm[at : at + 2 * step], hz) > 0.8 for at in range(0, len(self.pcm) - step, step))


class Line:
    """One end of one call at the far side: answers with a tone of its own, listens."""

    def __init__(self, incoming: IncomingCall, media: MediaEngine, hz: float) -> None:
        self.incoming = incoming
        self.ear = Ear()
        self.leg: Leg = media.open_leg(sink=self.ear)
        self.call: SipCall | None = None
        self.ended: CallEvent | None = None
        self._hz = hz
        self._path = AudioPath(self.leg)
        incoming.listen(self._on_event)

    def answer(self) -> None:
        """Picks up and sounds."""
        sdp = self._path.answer(self.incoming.sdp)
        assert sdp is not None
        self.call = self.incoming.answer(sdp, self._on_event, answer_offer=self._path.answer)
        self.leg.start_tap(40)
        self.sound()

    def ring_with(self, pcm: bytes) -> None:
        """Early media, without an answer."""
        sdp = self._path.answer(self.incoming.sdp)
        assert sdp is not None
        self.incoming.ringing(sdp)
        self.say(pcm)

    def sound(self) -> None:
        """The tone of this end, without end."""
        self.leg.play(tone((self._hz,), 1000), loop=True)

    def say(self, pcm: bytes) -> None:
        """Something else, once."""
        self.leg.play(pcm)

    def hang_up(self) -> None:
        """BYE."""
        assert self.call is not None
        self.call.hang_up()

    def close(self) -> None:
        """Gives the leg back."""
        self.leg.close()

    def _on_event(self, event: CallEvent) -> None:
        if isinstance(event, Ended | Failed):
            self.ended = event


@dataclass
class FarSide:
    """The carrier and its people; `on_call` decides what becomes of each call, by default it only rings."""

    endpoint: SipEndpoint
    media: MediaEngine
    lines: list[Line] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    on_call: Callable[[Line], None] = lambda line: line.incoming.ringing()

    @property
    def port(self) -> int:
        return self.endpoint.local_port(Transport.UDP)

    def take(self, incoming: IncomingCall) -> None:
        self.numbers.append(incoming.target.user_text)
        line = Line(incoming, self.media, PERSON_HZ)
        self.lines.append(line)
        self.on_call(line)


@dataclass
class Phone:
    """A collector's phone: registers, takes the shift's call at once."""

    endpoint: SipEndpoint
    media: MediaEngine
    user: str
    lines: list[Line] = field(default_factory=list)

    @property
    def line(self) -> Line:
        return self.lines[-1]

    def take(self, incoming: IncomingCall) -> None:
        line = Line(incoming, self.media, COLLECTOR_HZ)
        self.lines.append(line)
        line.answer()

    async def register(self, port: int, expires_s: int = 600) -> None:
        registrar = Destination(Transport.UDP, HOST, port)
        target = SipUri.build("", HOST, port)
        party = f"<sip:{self.user}@{HOST}:{port}>"
        contact = f"<sip:{self.user}@{HOST}:{self.endpoint.local_port(Transport.UDP)}>"
        headers = {"From": party, "To": party, "Contact": contact, "Expires": str(expires_s)}
        retry = ChallengeRetry(self.user, PASSWORD, secrets.token_hex)
        response = await self.endpoint.request("REGISTER", target, registrar, headers, 5.0)
        assert response is not None
        headers |= retry.answer(response, "REGISTER", str(target))
        response = await self.endpoint.request("REGISTER", target, registrar, headers, 5.0)
        assert response is not None
        assert response.status == 200


@dataclass
class CallLab:
    """The node under test and everything around it."""

    app: Application
    far: FarSide
    phones: list[Phone]
    agent_ids: list[int]

    async def campaign(
        self,
        settings: CampaignSettings,
        numbers: Sequence[str] = ("+8613800001234",),
        fields: Mapping[str, FieldValue] | None = None,
    ) -> Campaign:
        """A list and a checked campaign over it, with the house's number to show where the settings name none."""
        settings = settings if settings.caller_ids else replace(settings, caller_ids=(HOUSE_NUMBER,))
        storage, now = self.app.storage, self.app.clock.utcnow()
        list_id = await storage.lists.begin("list", "lab", "node1", now)
        contacts = [
            NewContact(f"person-{index}", f"case-{index}", (NewPhone(number),), name="Zhang San", fields=fields or {})
            for index, number in enumerate(numbers)
        ]
        await storage.lists.add(list_id, contacts)
        await storage.lists.finish(list_id)
        campaign = await storage.campaigns.create("lab", [list_id], settings, now)
        check = await self.app.campaigns.check(campaign.campaign_id)
        assert check.problems == ()
        return campaign

    async def settled(self, count: int = 1, *, at_least: bool = False) -> tuple[Attempt, ...]:
        """The attempts, once so many are settled; oldest first."""
        found: tuple[Attempt, ...] = ()
        for _ in range(int(WAIT_S / 0.05)):
            found = await self.app.storage.attempts.list(AttemptFilter(states=(AttemptState.SETTLED,)))
            if len(found) >= count:
                break
            await asyncio.sleep(0.05)
        assert len(found) >= count if at_least else len(found) == count, [attempt.state for attempt in found]
        return found[::-1]

    async def recording(self, attempt_id: int) -> RecordingInfo:
        """The attempt's recording, once it is finalised."""
        for _ in range(int(WAIT_S / 0.1)):
            found = await self.app.storage.recordings.find(RecordingQuery(attempt_id=attempt_id))
            if found.items:
                return found.items[0]
            await asyncio.sleep(0.1)
        raise AssertionError("no recording was finalised")

    async def events(self) -> list[str]:
        """The types of the outbox's events, in order."""
        stored = await self.app.storage.outbox.events()
        return [event.type.value for event in stored]


def _free_sip() -> SipConfig:
    return SipConfig(host=HOST, port=0, transports=("udp",))


@asynccontextmanager
async def far_side(tmp_path: Path, media_port: int) -> AsyncIterator[FarSide]:
    """A carrier with ports of its own."""
    config = MediaConfig(port_min=media_port, port_max=media_port + 99, workers=1)
    carrier = SipEndpoint(_free_sip(), is_trunk=lambda peer: True)
    async with MediaEngine(config, tmp_path) as media, carrier:
        far = FarSide(carrier, media)
        carrier.on_trunk_call(far.take)
        yield far


@asynccontextmanager
async def call_lab(
    tmp_path: Path,
    media_port: int,
    *,
    n_phones: int = 1,
    more_trunks: Sequence[TrunkConfig] = (),
    policy: PolicyConfig | None = None,
    recordings: RecordingsConfig | None = None,
    starts_at: datetime = MONDAY,
) -> AsyncIterator[CallLab]:
    """Opens everything; collectors have accounts and registered phones, but are not logged in."""
    near_media = MediaConfig(port_min=media_port + 100, port_max=media_port + 199, workers=1, spool_min_free_mb=1)
    async with far_side(tmp_path, media_port) as far:
        config = Config(
            node=NodeConfig(data_dir=tmp_path / "node", rehearsal_starts_at=starts_at),
            sip=_free_sip(),
            media=near_media,
            http=HttpConfig(port=0),
            policy=policy or PolicyConfig(),
            caller_ids=registered(),
            recordings=recordings or RecordingsConfig(),
            trunks=(TrunkConfig(name="main", host=HOST, port=far.port), *more_trunks),
        )
        async with Application(config) as app, phones_of(app, far.media, n_phones) as (phones, agent_ids):
            yield CallLab(app, far, phones, agent_ids)


@asynccontextmanager
async def phones_of(
    app: Application, media: MediaEngine, count: int, first: int = 0
) -> AsyncIterator[tuple[list[Phone], list[int]]]:
    """Registered phones, numbered from `first`, and the accounts of their collectors."""
    phones: list[Phone] = []
    async with AsyncExitStack() as stack:
        for index in range(first, first + count):
            endpoint = await stack.enter_async_context(SipEndpoint(_free_sip(), is_trunk=lambda peer: True))
            phone = Phone(endpoint, media, f"phone{index}")
            endpoint.on_trunk_call(phone.take)
            phones.append(phone)
        agent_ids = [await _account(app, phone.user) for phone in phones]
        await app.phone_secrets.refresh()
        for phone in phones:
            await phone.register(app.sip.local_port(Transport.UDP))
        yield phones, agent_ids


async def _account(app: Application, user: str) -> int:
    credentials = sip_credentials(user, app.config.sip.realm, PASSWORD)
    account = NewAccount(user, user, Role.COLLECTOR, "no password", sip=credentials)
    stored = await app.storage.accounts.create(account, app.clock.utcnow())
    return stored.account_id
