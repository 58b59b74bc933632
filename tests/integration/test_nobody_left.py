"""When the last collector goes: what is being placed stays here, what rings rings on, and nothing new is dialed."""

import asyncio
import time
from pathlib import Path

import pytest

from dialer.calls.attempt import Phase
from dialer.campaigns.loop.running import TICK_S
from dialer.campaigns.pacing import pacer
from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.decision import Decision
from dialer.model.entry import Reservation
from dialer.storage.attempts import Attempts
from tests.support.call_lab import call_lab, until

AHEAD = CampaignSettings(mode=CampaignMode.POWER, power_ratio=2.0, amd=AmdMode.OFF)
NUMBERS = tuple(f"+8613800001{n:03}" for n in range(20))


async def two_ticks() -> None:
    began_at = time.monotonic()
    await until(lambda: time.monotonic() > began_at + 2 * TICK_S, "two ticks later")


async def test_a_call_whose_invite_has_not_left_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last collector takes a break while the database reserves the second of two calls."""
    goes_on = asyncio.Event()
    reserve = Attempts.reserve

    async def slow(self: Attempts, reservation: Reservation, policy: Policy, now: object) -> Attempt | Decision:
        attempt = await reserve(self, reservation, policy, now)  # type: ignore[arg-type]
        if isinstance(attempt, Attempt) and attempt.attempt_id > 1:
            await goes_on.wait()
        return attempt

    monkeypatch.setattr(Attempts, "reserve", slow)
    async with call_lab(tmp_path, 34200) as lab:
        campaign = await lab.campaign(AHEAD, NUMBERS)
        (agent_id,) = lab.agent_ids
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(agent_id)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        await until(lambda: len(lab.far.lines) == 1, "the first call rings")
        await until(lambda: len(tuple(lab.app.floor)) == 2, "the second is being placed")
        await lab.app.desk.take_break(agent_id, "lunch")
        running = lab.app.campaigns._running[campaign.campaign_id]
        await until(lambda: running.limiting.startswith("no collector is available"), "the pace has seen it")
        goes_on.set()
        await until(lambda: len(tuple(lab.app.floor)) == 1, "the second call was never made")
        (ringing,) = lab.app.floor
        assert ringing.machine.phase is Phase.RINGING
        await two_ticks()
        assert len(lab.far.lines) == 1
        assert lab.far.lines[0].ended is None
        (released,) = await lab.app.storage.attempts.list(AttemptFilter(states=(AttemptState.RELEASED,)))
        assert released.attempt_id == 2
        counts = await lab.app.storage.entries.counts(campaign.campaign_id, lab.app.clock.utcnow())
        assert (counts.waiting, counts.dialing) == (len(NUMBERS) - 1, 1)
        lab.far.lines[0].incoming.reject(486)


async def test_a_call_that_has_a_collector_rings_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last collector dials a number by hand, and asks to go home after this call."""
    monkeypatch.setattr(pacer, "MIN_RING_S", 0.0)  # any ringing phone is taken back at once
    async with call_lab(tmp_path, 34200) as lab:
        campaign = await lab.campaign(CampaignSettings(amd=AmdMode.OFF), NUMBERS[:1])
        (agent_id,) = lab.agent_ids
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        running_here = lab.app.campaigns._running
        await until(lambda: campaign.campaign_id in running_here, "the campaign is taken up")
        (known,) = await lab.app.storage.lists.contacts(campaign.list_ids[0])
        await lab.app.desk.dial_manually(agent_id, known.phones[0].phone_id)
        await until(lambda: len(lab.far.lines) == 1, "the call rings")
        await lab.app.desk.log_out(agent_id)
        running = running_here[campaign.campaign_id]
        await until(lambda: running.limiting.startswith("no collector is available"), "the pace has seen it")
        await two_ticks()
        assert lab.far.lines[0].ended is None
        lab.far.lines[0].incoming.reject(486)
