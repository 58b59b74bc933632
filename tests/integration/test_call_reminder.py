"""Automated reminder calls over real SIP and RTP: the script, the keys, and what the person asked for."""

from pathlib import Path

from dialer.model.attempt import Disposition
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from tests.support.call_lab import COLLECTOR_HZ, PERSON_HZ, CallLab, Line, call_lab, until

REMINDER = CampaignSettings(mode=CampaignMode.REMINDER, amd=AmdMode.OFF)
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}


async def begin(lab: CallLab, settings: CampaignSettings = REMINDER) -> Line:
    """Starts the reminder and returns the person's end once it was answered and speaks."""
    lab.far.on_call = Line.answer
    campaign = await lab.campaign(settings, fields=FIELDS)
    for agent_id in lab.agent_ids:
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    await until(lambda: bool(lab.far.lines) and len(lab.far.lines[0].ear.pcm) > 16_000, "the script is heard")
    return lab.far.lines[0]


async def test_the_person_asks_not_to_be_called(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 33200, n_phones=0) as lab:
        person = await begin(lab)
        person.leg.send_dtmf("9")
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.REMINDED
        assert attempt.recording_id
        (listed,) = await lab.app.storage.do_not_call.of_number("+8613800001234")
        assert listed.reason == "asked not to be called"


async def test_the_person_asks_for_a_collector(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 33400) as lab:
        person = await begin(lab)
        person.leg.send_dtmf("1")
        await until(lambda: lab.phones[0].line.ear.hears(PERSON_HZ), "the collector hears the person")
        await until(lambda: person.ear.hears(COLLECTOR_HZ), "the person hears the collector")
        person.hang_up()
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.agent_id) == (Disposition.CONNECTED, lab.agent_ids[0])


async def test_the_person_hangs_up(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 33600, n_phones=0) as lab:
        person = await begin(lab)
        person.hang_up()
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.REMINDED
