"""The last day of a calendar: what only the house can mend exhausts nobody, and who may never be called makes room."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from dialer.model.attempt import AttemptState, Disposition
from dialer.model.campaign import AmdMode, CampaignSettings
from dialer.model.entry import EntryState, NextStep
from dialer.model.suppression import NewInconvenience
from tests.support.call_lab import MONDAY, WAIT_S, CallLab, call_lab
from tests.support.policy import bank_policy
from tests.support.storage import Dialing

LAST_DAY = datetime.fromisoformat("2026-12-31T17:10:00+08:00")
"""A Thursday; the shipped calendar ends with it."""
RESTED = LAST_DAY.replace(hour=18, minute=50)
"""Two hours after the conversation of this afternoon, when the day's hours are over."""
NUMBER = "+8613800001234"


async def test_a_rest_over_the_end_of_the_calendar(tmp_path: Path) -> None:
    """The rest alone ends on the last day: then the calendar is in the way, and a new one may be."""
    async with call_lab(tmp_path, 34700, starts_at=LAST_DAY) as lab:
        campaign_id = await running(lab)
        await conversation(lab, campaign_id)
        assert await refused(lab, campaign_id) == "cn.after-conversation"
        assert await standing(lab) == (EntryState.WAITING, RESTED)


async def test_hours_that_leave_nothing_exhaust_the_number(tmp_path: Path) -> None:
    """The person wants to be spared in all the hours in which calls are allowed: no calendar mends that."""
    async with call_lab(tmp_path, 34700) as lab:
        campaign_id = await running(lab)
        said = NewInconvenience("person-0", "test", from_minute=9 * 60, to_minute=18 * 60)
        await lab.app.storage.inconveniences.add(said, MONDAY)
        assert await refused(lab, campaign_id) == "cn.convenience"
        assert (await standing(lab))[0] is EntryState.EXHAUSTED


async def running(lab: CallLab) -> int:
    campaign = await lab.campaign(CampaignSettings(amd=AmdMode.OFF), (NUMBER,))
    await lab.app.desk.log_in(lab.agent_ids[0], [campaign.campaign_id])
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    return campaign.campaign_id


async def standing(lab: CallLab) -> tuple[EntryState | None, datetime | None]:
    """Where the entry stands, and when it is due."""
    (known,) = await lab.app.storage.explaining.of_case("case-0", 1)
    (found,) = known.standings
    return found.state, found.due_at


async def conversation(lab: CallLab, campaign_id: int) -> None:
    """A talk ended twenty minutes ago, and the person is to be called again."""
    dialing, then = Dialing(lab.app.storage, await asyncio.to_thread(bank_policy)), LAST_DAY - timedelta(minutes=20)
    (candidate,) = await dialing.claim(campaign_id, now=lab.app.clock.utcnow())
    attempt = await dialing.reserve(dialing.reservation(candidate), then)
    await lab.app.storage.attempts.mark(attempt.attempt_id, AttemptState.CONNECTED, then)
    again = NextStep(candidate.phone.phone_id, None, exhausted=False, reason="again")
    await dialing.settle(attempt, Disposition.CONNECTED, then, again)


async def refused(lab: CallLab, campaign_id: int) -> str:
    """A collector is ready; the rule of the first refusal, once the entry is back."""
    await lab.app.desk.ready(lab.agent_ids[0])
    async with asyncio.timeout(WAIT_S):
        while not (found := await lab.app.storage.statistics.refusals(campaign_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        while list(lab.app.floor):  # noqa: ASYNC110 - the entry is put back before the call leaves the floor
            await asyncio.sleep(0.05)
    return found[-1].rule
