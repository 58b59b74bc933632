"""The launch check beside a running service: it says how far it is, is shared by all who ask, and fails clearly."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.campaigns.loop import launch_check
from dialer.compliance.answer import answer
from dialer.errors import DialerError
from dialer.model.campaign import CampaignMode, CampaignSettings, CampaignState
from dialer.model.collecting import CollectingSettings
from dialer.sip.trunks import DOWN_AFTER, UP_AFTER
from dialer.storage import survey
from tests.support.call_lab import CallLab, call_lab, until
from tests.support.policy import HOUSE_NUMBER

NUMBERS = tuple(f"+861380000{n:04}" for n in range(7))


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[CallLab]:
    async with call_lab(tmp_path, 28700, n_phones=0) as running:
        yield running


async def test_a_long_check_goes_on_without_who_asked(lab: CallLab, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await lab.campaign(CampaignSettings(), NUMBERS)
    monkeypatch.setattr(survey, "CHUNK", 2)
    held = threading.Event()
    monkeypatch.setattr(survey, "answer", lambda *asked: held.wait(10.0) and answer(*asked))
    checks = lab.app.campaigns
    first, second = await asyncio.gather(
        checks._checks.check(campaign, nobody, 0.05), checks._checks.check(campaign, nobody, 0.05)
    )
    assert first == second
    assert (first.finished, first.surveyed) == (False, 0)
    held.set()
    await until(lambda: _latest(lab, campaign.campaign_id).finished, "the check is done")
    done = _latest(lab, campaign.campaign_id)
    assert (done.surveyed, done.callable_now, done.refused, done.problems) == (7, 7, (), ())
    assert done.limiting.startswith("7 of 7 waiting entries may be called now")


async def test_settings_changed_during_a_check_are_not_taken_for_checked(
    lab: CallLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = CampaignSettings(caller_ids=(HOUSE_NUMBER,))
    list_id = (await lab.campaign(settings, NUMBERS)).list_ids[0]
    stored, checks = lab.app.storage.campaigns, lab.app.campaigns
    draft = await stored.create("draft", [list_id], settings, lab.app.clock.utcnow())
    held = threading.Event()
    with monkeypatch.context() as slow:
        slow.setattr(survey, "answer", lambda *asked: held.wait(10.0) and answer(*asked))
        assert not (await checks._checks.check(draft, nobody, 0.05)).finished
        await stored.change_settings(draft.campaign_id, replace(settings, ring_timeout_s=20.0))
        held.set()
        found = await checks.check(draft.campaign_id)
    assert found.problems == (launch_check.EDITED,)
    assert (await checks.check(draft.campaign_id)).problems == ()


async def test_what_calls_need_beside_entries(lab: CallLab) -> None:
    trunk = lab.app.config.trunks[0].name
    campaign = await lab.campaign(CampaignSettings(), NUMBERS[:1])
    callable_now = "1 of 1 waiting entries may be called now"
    nobody = "no collector is logged in for the campaign on node1"
    assert _latest(lab, campaign.campaign_id).limiting == f"{callable_now}, but {nobody}"
    for _ in range(DOWN_AFTER):
        lab.app.trunks.observe_options(trunk, None)
    down = f"trunk group 'default': no trunk answers ({trunk}); calls go on when one does"
    found = await lab.app.campaigns.check(campaign.campaign_id)
    assert found.limiting == f"{callable_now}, but {nobody}, and {down}"
    board, topic = lab.app.board, f"trunk/{trunk}"
    await until(lambda: board.snapshot()[topic]["obstacle_zh"] == "无应答", "the board tells it in Chinese, too")
    for _ in range(UP_AFTER):
        lab.app.trunks.observe_options(trunk, 200)
    reminder = await lab.campaign(CampaignSettings(mode=CampaignMode.REMINDER), ("+8613800009999",))
    assert _latest(lab, reminder.campaign_id).limiting == callable_now


async def test_a_collector_at_work_is_seen(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 28900) as lab:
        campaign = await lab.campaign(CampaignSettings(), NUMBERS[:1])
        skilled = await lab.campaign(CampaignSettings(skills=("legal",)), NUMBERS[1:2])
        await lab.app.desk.log_in(lab.agent_ids[0], [campaign.campaign_id, skilled.campaign_id])
        found = await lab.app.campaigns.check(campaign.campaign_id)
        assert found.limiting == "1 of 1 waiting entries may be called now"
        found = await lab.app.campaigns.check(skilled.campaign_id)
        assert found.limiting.endswith("no collector logged in for the campaign on node1 has its skills (legal)")


async def test_a_check_that_passed_frees_the_launch(lab: CallLab) -> None:
    campaign = await lab.campaign(CampaignSettings(), NUMBERS)
    found = await lab.app.storage.campaigns.get(campaign.campaign_id)
    assert found is not None
    assert found.state is CampaignState.CHECKED


async def test_a_check_that_fails_says_why_and_can_be_repeated(lab: CallLab, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = await lab.campaign(CampaignSettings(), NUMBERS)
    with monkeypatch.context() as broken:
        broken.setattr(survey, "answer", lambda *asked: 1 // 0)
        check, failed = lab.app.campaigns.check, "the launch check failed: integer division or modulo by zero"
        both = await asyncio.gather(*(check(campaign.campaign_id) for _ in "ab"), return_exceptions=True)
        assert [(type(error), str(error)) for error in both] == [(DialerError, failed)] * 2
        seen = _latest(lab, campaign.campaign_id)  # by whoever did not wait for the end
        assert (seen.finished, seen.problems) == (True, (failed,))
    again = await lab.app.campaigns.check(campaign.campaign_id)
    assert again.finished
    assert again.callable_now == 7


async def test_no_check_no_answer(lab: CallLab) -> None:
    assert lab.app.campaigns.latest_check(99) is None


async def nobody(campaign_id: int) -> None:
    """Nobody waits for it to pass."""


def _latest(lab: CallLab, campaign_id: int) -> launch_check.LaunchCheck:
    found = lab.app.campaigns.latest_check(campaign_id)
    assert found is not None
    return found


async def test_settings_of_pacing_that_make_no_sense_are_named_and_forbid_nothing(lab: CallLab) -> None:
    unasked = CollectingSettings(identity_check=False)
    settings = CampaignSettings(mode=CampaignMode.POWER, abandon_target=0.0, collecting=unasked)
    campaign = await lab.campaign(settings, NUMBERS[:1])
    found = _latest(lab, campaign.campaign_id)
    assert found.problems == ()
    assert found.warnings[0].startswith("abandon_target must be from 0.001 to 0.03: ")
    assert {launch_check.POWER_HINT, launch_check.NO_IDENTITY_HINT} <= set(found.warnings)
