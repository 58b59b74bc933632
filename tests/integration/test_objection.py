"""Key 9 in an automated call: it binds at once, for the whole person."""

from pathlib import Path

from dialer.model.attempt import AttemptFilter, AttemptState, Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from tests.support.call_lab import CallLab, call_lab, until

REMINDER = CampaignSettings(mode=CampaignMode.REMINDER, amd=AmdMode.OFF)
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}


async def start_with_two_cases(lab: CallLab) -> None:
    """One person with two cases, each with a number of its own."""
    storage, now = lab.app.storage, lab.app.clock.utcnow()
    list_id = await storage.lists.begin("list", "lab", "node1", now)
    numbers = ("+8613800001234", "+8613900001234")
    cases = [
        NewContact("person", f"case-{n}", (NewPhone(number),), name="Zhang San", fields=FIELDS)
        for n, number in enumerate(numbers)
    ]
    await storage.lists.add(list_id, cases)
    await storage.lists.finish(list_id)
    campaign = await storage.campaigns.create("lab", [list_id], REMINDER, now)
    await lab.app.campaigns.check(campaign.campaign_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")


async def test_an_objection_ends_every_call_to_the_person(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 46600, n_phones=0) as lab:
        await start_with_two_cases(lab)
        await until(lambda: len(lab.far.lines) == 2, "both numbers ring")
        person, other = lab.far.lines
        person.answer()
        await until(lambda: len(person.ear.pcm) > 16_000, "the script is heard")
        person.leg.send_dtmf("9")
        await until(lambda: other.ended is not None, "the call to the other number is taken back", 2.0)
        (cancelled,) = await lab.settled()
        assert cancelled.disposition is Disposition.CANCELLED
        listed = await lab.app.storage.do_not_call.of_person("person")
        up = await lab.app.storage.attempts.list(AttemptFilter(states=(AttemptState.SETTLED,)))
        assert len(listed) == 1
        assert len(up) == 1, "the objection is on record while its call is still up"
        await lab.settled(2)
