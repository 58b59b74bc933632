"""A collector with a desk phone, and people who pick up at once and talk until somebody hangs up."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dialer.api.security import hash_password, sip_credentials
from dialer.config import MediaConfig, SipConfig, TrunkConfig
from dialer.media.engine import MediaEngine
from dialer.model.account import NewAccount, Role
from dialer.model.ready_forms import COLLECTION
from dialer.simulator.carrier import SimulatedCarrier
from dialer.simulator.people import Behaviour, Mixture
from dialer.simulator.phone import RobotPhone
from dialer.simulator.voices import load_voices
from tests.support.browser import PASSWORD
from tests.support.path_house import PathHouse, open_path_house
from tests.support.path_ports import free_ports
from tests.support.sip_peers import HOST

LOGIN = "lina"
TRUNK = "people"
MEDIA_PORTS = (24_000, 24_999)
TALK_S = (600.0, 601.0)
"""Longer than any test: the collector hangs up."""
SCRIPT = {
    "opening": {"en": "Am I speaking with {person_name}?"},
    "third_party": {"en": "When can we reach {person_name}?"},
    "after_identity": {"en": "You owe {amount_due}."},
    "closing": {"en": "Goodbye."},
}
QUESTIONS = [{"field_name": "due_date", "words": {"en": "Day of the month they chose"}, "show_last": 2}]


@dataclass(frozen=True)
class Scene:
    """The house, and the collector in it."""

    house: PathHouse
    agent_id: int

    async def campaign(self, name: str, n_contacts: int, **settings: object) -> int:
        """A campaign that runs, with the form that is shipped."""
        collecting = {"identity_questions": QUESTIONS, "script": SCRIPT}
        wanted = {"trunk_group": TRUNK, "amd": "off", "form": form(), "collecting": collecting} | settings
        campaign_id = await self.house.campaign(name, wanted, n_contacts)
        await self.house.start(campaign_id)
        return campaign_id

    async def outcomes(self, campaign_id: int) -> Mapping[int, Mapping[str, Any]]:
        """What collectors recorded, by attempt, as the storage has it."""
        ids = [attempt["attempt_id"] for attempt in await self.house.attempts(campaign_id)]
        found = await self.house.app.storage.wrap_ups.of_attempts(ids)
        return {attempt_id: asdict(wrap_up) for attempt_id, wrap_up in found.items()}


def form() -> dict[str, Any]:
    """The shipped form as the API takes it."""
    content = asdict(COLLECTION)
    for field in content["fields"]:
        field["kind"] = field["kind"].value
    return content


@asynccontextmanager
async def collector_scene(folder: Path) -> AsyncIterator[Scene]:
    """The house runs, the phone is registered and picks up when the shift begins."""
    voices = await asyncio.to_thread(load_voices)
    shares = dict.fromkeys(Behaviour, 0.0) | {Behaviour.HUMAN: 1.0}
    people = Mixture(shares=shares, ring_s=(0.5, 0.6), talk_s=TALK_S, patience_s=TALK_S)
    low, high = MEDIA_PORTS
    media = MediaConfig(port_min=low, port_max=high, workers=1)
    carrier_sip = SipConfig(host=HOST, port=free_ports(), transports=("udp",))
    trunk = TrunkConfig(name=TRUNK, group=TRUNK, host=HOST, port=carrier_sip.port, channels=10, cps=5.0)
    async with (
        open_path_house(folder, [trunk]) as house,
        MediaEngine(media, folder / "world") as engine,
        SimulatedCarrier(carrier_sip, engine, voices, people, seed=1),
    ):
        account_id = await _account(house)
        phone_sip = SipConfig(host=HOST, port=0, transports=("udp",))
        async with RobotPhone(phone_sip, house.sip, LOGIN, PASSWORD, engine, voices):
            yield Scene(house, account_id)


async def _account(house: PathHouse) -> int:
    sip = sip_credentials(LOGIN, house.app.config.sip.realm, PASSWORD)
    account = NewAccount(LOGIN, "Li Na", Role.COLLECTOR, await hash_password(PASSWORD), sip=sip)
    stored = await house.app.storage.accounts.create(account, house.app.clock.utcnow())
    await house.app.phone_secrets.refresh()
    return stored.account_id
