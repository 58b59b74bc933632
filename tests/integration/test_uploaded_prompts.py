"""What is uploaded while a campaign runs is what its next call says."""

from pathlib import Path

import pytest

from dialer.media.interface import RATE_HZ
from dialer.model.campaign import AmdMode, CampaignSettings
from dialer.model.prompt import NewPrompt
from dialer.prompts.audio import flac_of
from dialer.prompts.signals import tone
from tests.support.call_lab import CallLab, Line, call_lab, until

OLD_HZ, NEW_HZ, LENGTH_MS = 900.0, 1300.0, 1500
SETTINGS = CampaignSettings(amd=AmdMode.OFF, notice_prompt="told")


async def upload(lab: CallLab, hz: float) -> bytes:
    pcm = tone((hz,), LENGTH_MS)
    new = NewPrompt("told", "", flac_of(pcm), len(pcm) * 500 // RATE_HZ)
    await lab.app.storage.prompts.add(new, "root", lab.app.clock.utcnow())
    return pcm


@pytest.mark.allow_blocking  # the test itself encodes the prompt
async def test_a_running_campaign_says_what_was_uploaded_meanwhile(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 47200) as lab:
        lab.far.on_call = Line.answer
        await upload(lab, OLD_HZ)
        campaign = await lab.campaign(SETTINGS)
        manager, agent_id = lab.app.campaigns, lab.agent_ids[0]
        await manager.start(campaign.campaign_id, "test")
        await until(lambda: campaign.campaign_id in manager._running, "the campaign is taken up")
        running = manager._running[campaign.campaign_id]
        new = await upload(lab, NEW_HZ)
        await until(lambda: running.prompts.notice == new, "the campaign takes the new prompt up")
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(agent_id)
        await until(lambda: bool(lab.far.lines), "the call leaves")
        person = lab.far.lines[0]
        await until(lambda: person.ear.has_heard(NEW_HZ), "the person hears the new prompt")
        assert not person.ear.has_heard(OLD_HZ)
        person.hang_up()
        await lab.settled()
