"""Whichever way a call comes to be, the gate is asked first: at night nothing leaves, every refusal is on record."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.api.client import ApiCallError, ApiClient
from dialer.api.security import hash_token
from dialer.compliance.proof import ProofKind
from dialer.model.account import Role
from dialer.model.agent import AgentState
from dialer.model.attempt import Attempt, CallPath, Disposition
from dialer.model.campaign import AmdMode, Campaign, CampaignMode, CampaignSettings
from dialer.model.entry import NextStep, WrapUpEffects
from dialer.model.outcome import WrapUp
from tests.support.call_lab import HOST, MONDAY, WAIT_S, CallLab, call_lab, until
from tests.support.policy import bank_policy
from tests.support.storage import Dialing

NIGHT = datetime.fromisoformat("2026-11-23T23:00:00+08:00")
NUMBER = "+8613800001234"
SPOKEN = {"amount": "100.00", "due_date": "2026-12-01"}
"""What a reminder's script says: nobody is rung who could not be told anything."""
TOKEN = "token-of-a-supervisor"
OWN_TOKEN = "token-of-the-collector"
Way = Callable[[CallLab, Campaign], Awaitable[None]]


async def by_the_loop(lab: CallLab, campaign: Campaign) -> None:
    """A collector is ready: the running campaign dials."""
    await lab.app.desk.ready(lab.agent_ids[0])


async def after_a_busy_line(lab: CallLab, campaign: Campaign) -> None:
    """A first attempt in the morning met a busy line; the retry is due."""
    dialing, attempt = await begun(lab, campaign)
    again = NextStep(attempt.phone_id, MONDAY + timedelta(minutes=1), exhausted=False, reason="again")
    await dialing.settle(attempt, Disposition.BUSY, step=again)
    await by_the_loop(lab, campaign)


async def as_promised(lab: CallLab, campaign: Campaign) -> None:
    """A callback was promised in the morning, and is due; paused meanwhile: the list was over before the promise."""
    dialing, attempt = await begun(lab, campaign)
    await lab.app.campaigns.pause(campaign.campaign_id, "test")
    await dialing.settle(attempt, Disposition.CONNECTED)
    now, at = MONDAY, MONDAY + timedelta(hours=1)
    wrap_up = WrapUp(attempt.attempt_id, lab.agent_ids[0], "callback", now, {}, callback_at=at)
    await lab.app.storage.wrap_ups.record(wrap_up, WrapUpEffects(callback_at=at), now)
    await lab.app.campaigns.resume(campaign.campaign_id, "test")
    await by_the_loop(lab, campaign)


async def begun(lab: CallLab, campaign: Campaign) -> tuple[Dialing, Attempt]:
    """A first attempt, in the morning."""
    dialing = Dialing(lab.app.storage, await asyncio.to_thread(bank_policy))
    (candidate,) = await dialing.claim(campaign.campaign_id, now=lab.app.clock.utcnow())
    return dialing, await dialing.reserve(dialing.reservation(candidate))


async def from_preview(lab: CallLab, campaign: Campaign) -> None:
    """The collector dials the case on the screen."""
    await by_the_loop(lab, campaign)
    (agent_id,) = lab.agent_ids
    await until(lambda: lab.app.desk.view(agent_id).state is AgentState.PREVIEW, "a case is on the screen")
    await lab.app.desk.preview_dial(agent_id)


async def by_hand(lab: CallLab, campaign: Campaign) -> None:
    """The collector picks the number."""
    await lab.app.desk.dial_manually(lab.agent_ids[0], await phone_id(lab, campaign))


async def by_the_api(lab: CallLab, campaign: Campaign) -> None:
    """The same from outside: a supervisor any number, a collector none of a case that was not on the screen."""
    (agent_id,) = lab.agent_ids
    accounts, now = lab.app.storage.accounts, lab.app.clock.utcnow()
    await accounts.add_token(hash_token(OWN_TOKEN), "collector", Role.COLLECTOR, now, account_id=agent_id)
    await accounts.add_token(hash_token(TOKEN), "supervisor", Role.SUPERVISOR, now)
    path, body = f"/v1/agents/{agent_id}/dial", {"phone_id": await phone_id(lab, campaign)}
    url = f"http://{HOST}:{lab.app.http_port}"
    async with ApiClient(url, OWN_TOKEN) as own, ApiClient(url, TOKEN) as api:
        with pytest.raises(ApiCallError, match="of no case on your screen"):
            await own.post(path, body)
        await api.post(path, body)


async def phone_id(lab: CallLab, campaign: Campaign) -> int:
    """The number of the campaign's one entry, which is put back as it was."""
    storage, now = lab.app.storage, lab.app.clock.utcnow()
    (candidate,) = await storage.entries.claim(campaign.campaign_id, lab.app.config.node.name, 1, now)
    await storage.entries.put_back(candidate.entry_id, now, "only looked at")
    return candidate.phone.phone_id


WAYS: dict[str, tuple[CampaignMode, CallPath, Way]] = {
    "predictive": (CampaignMode.PREDICTIVE, CallPath.PREDICTIVE, by_the_loop),
    "progressive": (CampaignMode.PROGRESSIVE, CallPath.PROGRESSIVE, by_the_loop),
    "reminder": (CampaignMode.REMINDER, CallPath.REMINDER, by_the_loop),
    "retry": (CampaignMode.PROGRESSIVE, CallPath.PROGRESSIVE, after_a_busy_line),
    "callback": (CampaignMode.PROGRESSIVE, CallPath.CALLBACK, as_promised),
    "preview": (CampaignMode.PREVIEW, CallPath.PREVIEW, from_preview),
    "manual": (CampaignMode.PROGRESSIVE, CallPath.MANUAL, by_hand),
    "api": (CampaignMode.PROGRESSIVE, CallPath.MANUAL, by_the_api),
}


def test_no_path_is_left_out() -> None:
    assert {path for _, path, _ in WAYS.values()} == set(CallPath)


@pytest.mark.parametrize("way", WAYS)
async def test_at_night_nothing_leaves(tmp_path: Path, way: str) -> None:
    mode, path, begin = WAYS[way]
    async with call_lab(tmp_path, 34800, starts_at=NIGHT) as lab:
        settings = CampaignSettings(mode=mode, amd=AmdMode.OFF)
        campaign = await lab.campaign(settings, (NUMBER,), SPOKEN)
        await lab.app.desk.log_in(lab.agent_ids[0], [campaign.campaign_id])
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        await begin(lab, campaign)
        refused = await first_refusal(lab, campaign)
        assert refused == (path.value, "cn.window")
        found = await lab.app.storage.proof_reading.of_case("case-0", lab.app.clock.utcnow(), 10)
        assert [link.kind for link in found if link.at >= NIGHT] == [ProofKind.REFUSED]
        assert lab.far.numbers == []


async def first_refusal(lab: CallLab, campaign: Campaign) -> tuple[str, str]:
    """The path and the rule of the first refusal, once there is one."""
    async with asyncio.timeout(WAIT_S):
        while not (found := await lab.app.storage.statistics.refusals(campaign.campaign_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found[-1].path, found[-1].rule
