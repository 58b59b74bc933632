"""A campaign whose list is done goes on while a wrap-up elsewhere could still promise a callback."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.calls.form import FormError
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.campaign import AmdMode, Campaign, CampaignSettings, CampaignState, DispositionCode, DispositionForm
from dialer.model.outcome import WrapUp
from tests.support.call_lab import CallLab, call_lab, until
from tests.support.policy import bank_policy
from tests.support.storage import NO_MORE, Dialing

FORM = DispositionForm((DispositionCode("callback", "Call back", callback=True), DispositionCode("heard", "Heard")))
OFF = CampaignSettings(amd=AmdMode.OFF, form=FORM)


async def talked_elsewhere(lab: CallLab, campaign: Campaign) -> Attempt:
    """The campaign's only call was a collector's of another node: the talk is over, the wrap-up is being written."""
    storage = lab.app.storage
    dialing = Dialing(storage, await asyncio.to_thread(bank_policy), node="another-node")
    now = lab.app.clock.utcnow()
    (candidate,) = await dialing.claim(campaign.campaign_id, now=now)
    attempt = await dialing.reserve(dialing.reservation(candidate), now)
    ended = Settlement(
        attempt.attempt_id, Disposition.CONNECTED, now, agent_id=lab.agent_ids[0], answered_at=now, connected_at=now
    )
    assert await storage.attempts.settle(ended, NO_MORE, now)
    return attempt


def state_here(lab: CallLab, campaign: Campaign) -> CampaignState | None:
    running = lab.app.campaigns._running.get(campaign.campaign_id)
    return None if running is None else running.campaign.state


async def empty_for_some_ticks(lab: CallLab, campaign: Campaign) -> None:
    running = lab.app.campaigns._running
    await until(lambda: campaign.campaign_id in running, "it is taken up")
    await until(lambda: running[campaign.campaign_id].is_over, "the list is done")
    await asyncio.sleep(1.5)


async def test_a_callback_promised_on_another_node_is_dialed(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 49200) as lab:
        (agent_id,) = lab.agent_ids
        campaign = await lab.campaign(OFF)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        attempt = await talked_elsewhere(lab, campaign)
        await empty_for_some_ticks(lab, campaign)
        assert state_here(lab, campaign) is CampaignState.RUNNING
        now = lab.app.clock.utcnow()
        promised = WrapUp(attempt.attempt_id, agent_id, "callback", now, {}, callback_at=now + timedelta(days=1))
        await lab.app.desk.wrap_up(promised)
        (kept,) = await lab.app.storage.collecting.callbacks(agent_id)
        assert kept.callback_at == promised.callback_at
        await asyncio.sleep(1.5)
        assert state_here(lab, campaign) is CampaignState.RUNNING


async def test_a_wrap_up_without_a_promise_ends_the_campaign(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 49400) as lab:
        campaign = await lab.campaign(OFF)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        attempt = await talked_elsewhere(lab, campaign)
        await empty_for_some_ticks(lab, campaign)
        assert state_here(lab, campaign) is CampaignState.RUNNING
        await lab.app.desk.wrap_up(WrapUp(attempt.attempt_id, lab.agent_ids[0], "heard", lab.app.clock.utcnow(), {}))
        await until(lambda: state_here(lab, campaign) is None, "it is finished")


async def test_a_wrap_up_that_never_comes_holds_nothing_up(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 49600) as lab:
        campaign = await lab.campaign(replace(OFF, wrap_up_limit_s=5.0))
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        await talked_elsewhere(lab, campaign)
        await empty_for_some_ticks(lab, campaign)
        assert state_here(lab, campaign) is CampaignState.RUNNING
        later = lab.app.clock.utcnow() + timedelta(seconds=70)
        assert not await lab.app.storage.wrap_ups.awaited(campaign.campaign_id, later - timedelta(seconds=65))


async def test_nobody_promises_what_an_ended_campaign_would_not_keep(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 49800) as lab:
        (agent_id,) = lab.agent_ids
        campaign = await lab.campaign(OFF)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        attempt = await talked_elsewhere(lab, campaign)
        await lab.app.campaigns.stop_now(campaign.campaign_id, "test")
        now = lab.app.clock.utcnow()
        promised = WrapUp(attempt.attempt_id, agent_id, "callback", now, {}, callback_at=now + timedelta(days=1))
        with pytest.raises(FormError, match="would keep no callback") as caught:
            await lab.app.desk.wrap_up(promised)
        assert set(caught.value.problems) == {"code"}
        assert await lab.app.storage.wrap_ups.get(attempt.attempt_id) is None
        await lab.app.desk.wrap_up(WrapUp(attempt.attempt_id, agent_id, "heard", now, {}))
