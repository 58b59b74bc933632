"""Automated reminders through the whole node: keys of a real phone (RFC 4733), and a payment while it rings.

All stories run at once over one node. The called persons are baresips at the end of trunks of their own.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from dialer.model.outcome import EventType
from dialer.prompts.audio import read_audio
from dialer.prompts.store import SHIPPED_DIR
from dialer.simulator.voices import VOICES_DIR
from tests.support.path_audio import Found, channels, find, samples_of
from tests.support.path_carrier import Carrier, trunk_to
from tests.support.path_house import Attempt, PathHouse, number_of, open_path_house, seen
from tests.support.path_phone import SpeakingPhone
from tests.support.path_script import CANCELLED, INVITE, RINGING, TRYING, scenario

pytestmark = [pytest.mark.peer("sipp"), pytest.mark.peer("baresip"), pytest.mark.slow]

REMINDER = {"mode": "reminder"}
GREETING = VOICES_DIR / "human_zh_wei.flac"
INTRO = SHIPPED_DIR / "zh-CN" / "reminder_intro.flac"
NO_MORE_CALLS = SHIPPED_DIR / "zh-CN" / "no_more_calls.flac"
LISTENS_S = 3.0
"""How long a person listens before pressing a key."""
BEGINNING_S = 2
"""So much of a clip is looked for: the rest may have been cut short by a key."""
LIKE = 0.9
CANCEL_LIMIT_S = 15.0
"""From a payment told over the API to the CANCEL at the carrier: on a quiet machine a few ms, on any long before it
would have rung out by itself."""
PERSONS = ("collector", "again", "never")
STOPPED = "stopped"


class Reminders:
    """The node and the persons it calls."""

    def __init__(self, house: PathHouse, persons: dict[str, SpeakingPhone], ringing: Carrier) -> None:
        self.house = house
        self.persons = persons
        self.ringing = ringing

    async def call(self, name: str) -> int:
        """Calls a person and lets that person listen for a while; the campaign."""
        campaign_id = await self.house.campaign(name, REMINDER, first=PERSONS.index(name))
        await self.house.start(campaign_id)
        await self.house.reaches(campaign_id, "classified")
        await asyncio.sleep(LISTENS_S)
        return campaign_id

    async def find(self, attempt: Attempt, clip: Path, after_s: float = 0.0) -> Found:
        """Where the person heard the beginning of a clip, seconds into the recording."""
        _, flac = await self.house.recording(attempt)

        def look() -> Found:
            beginning = samples_of(read_audio(clip)[: BEGINNING_S * 16000])
            found = find(beginning, channels(flac)[1][round(after_s * 8000) :])
            return Found(found.at_s + after_s, found.likeness)

        return await asyncio.to_thread(look)


async def speaks_to_a_collector(reminders: Reminders) -> None:
    """Key 1."""
    house = reminders.house
    seat = await house.seat("desk1")
    async with SpeakingPhone.of_collector(reminders.ringing.folder / "desk1", seat.phone, house.sip) as phone:
        await house.registered(seat, phone.destination.port)
        campaign_id = await house.campaign("collector", REMINDER, first=PERSONS.index("collector"))
        await seat.log_in(campaign_id)
        await house.start(campaign_id)
        await house.reaches(campaign_id, "classified")
        await asyncio.sleep(LISTENS_S)
        await reminders.persons["collector"].press("1")
        await seat.reaches("talking")
        await seat.act("hang-up")
        attempt = await house.settled(campaign_id)
    assert (attempt["disposition"], attempt["agent_id"]) == ("connected", seat.agent_id)


async def hears_it_again(reminders: Reminders) -> None:
    """Key 2: the script begins anew; the person hangs up during it."""
    campaign_id = await reminders.call("again")
    await reminders.persons["again"].press("2")
    await asyncio.sleep(LISTENS_S)
    await reminders.persons["again"].command("hangup")
    attempt = await reminders.house.settled(campaign_id)
    assert (attempt["disposition"], attempt["hangup_side"]) == ("reminded", "person")
    first = await reminders.find(attempt, INTRO)
    assert first.likeness > LIKE
    other = await reminders.find(attempt, INTRO, after_s=first.at_s + 1.0)
    assert other.likeness > LIKE


async def is_never_called_again(reminders: Reminders) -> None:
    """Key 9: confirmed, listed, told, and refused by the gate in another campaign."""
    house = reminders.house
    campaign_id = await reminders.call("never")
    await reminders.persons["never"].press("9")
    attempt = await house.settled(campaign_id)
    assert attempt["disposition"] == "reminded"
    assert (await reminders.find(attempt, NO_MORE_CALLS)).likeness > LIKE
    number = number_of(PERSONS.index("never"))
    assert (await house.api.post("/v1/do-not-call/check", {"number": number}))["listed"]
    await seen(lambda: heard_of_refusal(house), "the case system hears of the refusal")
    await refused_elsewhere(house, "never again", PERSONS.index("never"))


async def heard_of_refusal(house: PathHouse) -> object | None:
    """What the case system was told of a number that is not to be called."""
    return next(iter(house.case_system.data_of(EventType.DO_NOT_CALL)), None)


async def refused_elsewhere(house: PathHouse, name: str, number: int) -> None:
    """Another campaign with the same number: not one attempt, and the rule that refuses it by name."""
    campaign_id = await house.campaign(name, {**REMINDER, "trunk_group": "never"}, first=number)
    await house.start(campaign_id)

    async def look() -> object | None:
        refused = (await house.api.get(f"/v1/campaigns/{campaign_id}/entries"))["refused"]
        return refused[0]["rule"] if refused else None

    assert await seen(look, "the gate refuses the number") == "cn.do-not-call"
    assert await house.attempts(campaign_id) == []


async def is_spared_after_paying(reminders: Reminders) -> None:
    """A payment while it rings: the CANCEL leaves at once, and nobody is called any more."""
    house, carrier = reminders.house, reminders.ringing
    campaign_id = await house.campaign(STOPPED, REMINDER)
    await house.start(campaign_id)
    attempt = await house.reaches(campaign_id, "alerting")
    told_at = time.time()
    await house.api.send("PUT", f"/v1/cases/{attempt['case_ref']}/status", {"status": "paid"})
    await carrier.finished()
    cancelled_at = carrier.first_received_at("CANCEL")
    print(f"\nfrom the payment told to the CANCEL at the carrier: {(cancelled_at - told_at) * 1000:.0f} ms")
    assert cancelled_at - told_at < CANCEL_LIMIT_S
    attempt = await house.settled(campaign_id)
    assert (attempt["disposition"], attempt["hangup_side"]) == ("cancelled", "us")
    assert await house.entries(campaign_id) == {"stopped": 1}


@asynccontextmanager
async def open_reminders(folder: Path) -> AsyncIterator[Reminders]:
    """The persons' phones, a carrier that only rings, and the node between them."""
    async with AsyncExitStack() as stack:
        persons = {}
        for index, name in enumerate(PERSONS):
            phone = SpeakingPhone.of_person(folder / name, number_of(index), GREETING)
            persons[name] = await stack.enter_async_context(phone)
        script = scenario(STOPPED, INVITE, TRYING, RINGING, CANCELLED)
        ringing = await stack.enter_async_context(Carrier.playing(STOPPED, script, folder / STOPPED))
        trunks = [trunk_to(name, phone.destination) for name, phone in persons.items()]
        house = await stack.enter_async_context(open_path_house(folder, [*trunks, ringing.trunk()]))
        yield Reminders(house, persons, ringing)


async def test_keys_and_payments_are_heard(tmp_path: Path) -> None:
    async with open_reminders(tmp_path) as reminders, asyncio.TaskGroup() as tasks:
        for story in (speaks_to_a_collector, hears_it_again, is_never_called_again, is_spared_after_paying):
            tasks.create_task(story(reminders), name=story.__name__)
