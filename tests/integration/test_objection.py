"""Key 9 in an automated call: it binds at once, for the whole person; a third party speaks for that number alone."""

import asyncio
from pathlib import Path

import pytest

from dialer.config import PolicyConfig
from dialer.model.attempt import Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.contact import PhoneRole
from tests.support.call_lab import CallLab, Line, call_lab, until
from tests.support.policy import write_lenient_pack

REMINDER = CampaignSettings(mode=CampaignMode.REMINDER, amd=AmdMode.OFF)
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}
FIRST, SECOND = "+8613800001234", "+8613900001234"


@pytest.fixture
async def lenient(tmp_path: Path) -> PolicyConfig:
    """A policy under which two numbers of one person may ring at a time, and third parties be called."""
    return PolicyConfig(packs=(str(await asyncio.to_thread(write_lenient_pack, tmp_path)),))


async def start_with_two_cases(lab: CallLab, second: PhoneRole) -> tuple[Line, Line]:
    """One person with two cases, each with a number of its own; returns the lines once both ring."""
    storage, now = lab.app.storage, lab.app.clock.utcnow()
    list_id = await storage.lists.begin("list", "lab", "node1", now)
    phones = (NewPhone(FIRST), NewPhone(SECOND, second))
    cases = [
        NewContact("person", f"case-{n}", (phone,), name="Zhang San", fields=FIELDS) for n, phone in enumerate(phones)
    ]
    await storage.lists.add(list_id, cases)
    await storage.lists.finish(list_id)
    campaign = await storage.campaigns.create("lab", [list_id], REMINDER, now)
    await lab.app.campaigns.check(campaign.campaign_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    await until(lambda: len(lab.far.lines) == 2, "both numbers ring")
    by_number = {number[-11:]: line for number, line in zip(lab.far.numbers, lab.far.lines, strict=True)}
    return by_number[FIRST[-11:]], by_number[SECOND[-11:]]


async def object_at(line: Line) -> None:
    line.answer()
    await until(lambda: len(line.ear.pcm) > 16_000, "the script is heard")
    line.leg.send_dtmf("9")


async def test_an_objection_ends_every_call_to_the_person(tmp_path: Path, lenient: PolicyConfig) -> None:
    async with call_lab(tmp_path, 46600, n_phones=0, policy=lenient) as lab:
        person, other = await start_with_two_cases(lab, PhoneRole.OWN)
        await object_at(person)
        await until(lambda: other.ended is not None, "the call to the other number is taken back")
        by_end = {attempt.disposition: attempt for attempt in await lab.settled(2)}
        (listed,) = await lab.app.storage.do_not_call.of_person("person")
        (objected,) = [attempt for end, attempt in by_end.items() if end is not Disposition.CANCELLED]
        assert Disposition.CANCELLED in by_end
        assert objected.ended_at is not None
        assert listed.added_at < objected.ended_at, "the objection is on record while its call is still up"


async def test_a_third_partys_objection_is_about_that_number_alone(tmp_path: Path, lenient: PolicyConfig) -> None:
    async with call_lab(tmp_path, 48600, n_phones=0, policy=lenient) as lab:
        person, relative = await start_with_two_cases(lab, PhoneRole.THIRD_PARTY)
        listed = lab.app.storage.do_not_call
        await object_at(relative)
        await until(lambda: relative.ended is not None, "the reminder says goodbye")
        assert len(await listed.of_number(SECOND)) == 1
        assert await listed.of_number(FIRST) == ()
        assert await listed.of_person("person") == ()
        assert person.ended is None, "the person has not objected"
        await object_at(person)
        await until(lambda: person.ended is not None, "the reminder says goodbye")
        assert len(await listed.of_number(FIRST)) == 1
        assert len(await listed.of_person("person")) == 1
