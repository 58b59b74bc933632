"""A reminder whose words cannot be kept on disk: nobody is called, nothing else suffers, and it goes on by itself."""

import asyncio
from pathlib import Path

import pytest

from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from tests.support.call_lab import call_lab, until

REMINDER = CampaignSettings(mode=CampaignMode.REMINDER, amd=AmdMode.OFF)
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}


@pytest.mark.peer("espeak-ng")
async def test_a_speech_folder_that_cannot_be_written(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 29_000, n_phones=0) as lab:
        blocked = tmp_path / "node" / "speech"
        await asyncio.to_thread(blocked.write_text, "in the way")
        campaign = await lab.campaign(REMINDER, fields=FIELDS)
        campaign_id = campaign.campaign_id
        lab.far.on_call = lambda line: line.incoming.reject(486)
        await lab.app.campaigns.start(campaign_id, "test")
        for _ in range(400):
            status = await lab.app.campaigns.status(campaign_id)
            if "speech" in status.limiting:
                break
            await asyncio.sleep(0.1)
        assert "last refused" in status.limiting
        assert str(blocked) in status.limiting
        assert (status.entries.waiting, lab.far.numbers) == (1, [])
        await asyncio.to_thread(blocked.unlink)
        await until(lambda: bool(lab.far.numbers), "the reminder is placed after all", 40.0)
