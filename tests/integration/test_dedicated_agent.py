"""A spent abandonment budget: every further call has a collector of its own before it is dialed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec

from dialer.calls.order import CallOrder
from dialer.calls.placing import NotPlaced, place
from dialer.calls.prompts import render_prompts
from dialer.calls.refused import HOUSE_PAUSE, SOON
from dialer.calls.runner import AttemptRunner
from dialer.campaigns.loop.refusals import BUDGET_SPENT
from dialer.compliance.proof import ProofKind
from dialer.config import PolicyConfig
from dialer.model.agent import AgentState
from dialer.model.attempt import Attempt, AttemptFilter, Disposition
from dialer.model.campaign import AmdMode, Campaign, CampaignMode, CampaignSettings
from tests.support.call_lab import PERSON_HZ, WAIT_S, CallLab, call_lab, until

OFF = CampaignSettings(amd=AmdMode.OFF)
NUMBERS = ("+8613800001234", "+8613800005678", "+8613800009999")
PACK = """
pack: budget
title: one abandoned call in thirty-three
status: in force
source: the test
jurisdiction: CN
valid_from: 2026-01-01
zone: Asia/Shanghai
rules:
  - id: budget.abandoned
    kind: abandonment
    source: the test
    span: {rolling_hours: 24}
    limit: 0.03
    effect: dedicated_agent
"""


async def write_pack(folder: Path) -> PolicyConfig:
    path = folder / "budget.yaml"
    await asyncio.to_thread(path.write_text, PACK, "utf-8")
    return PolicyConfig(packs=("cn-bank-card", str(path)))


async def spend_the_budget(lab: CallLab, settings: CampaignSettings = OFF) -> Campaign:
    """The collector takes a break while the first call rings: it is abandoned."""
    campaign = await lab.campaign(settings, NUMBERS)
    (agent_id,) = lab.agent_ids
    await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
    await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    await until(lambda: bool(lab.far.lines), "it rings")
    await lab.app.desk.take_break(agent_id, "lunch")
    lab.far.lines[0].answer()
    (attempt,) = await lab.settled()
    assert attempt.disposition is Disposition.ABANDONED
    return campaign


async def newest(lab: CallLab) -> Attempt:
    return (await lab.app.storage.attempts.list(AttemptFilter(), limit=1))[0]


async def test_the_next_call_has_a_collector_of_its_own(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 32600, policy=await write_pack(tmp_path)) as lab:
        campaign = await spend_the_budget(lab)
        (agent_id,) = lab.agent_ids
        await lab.app.desk.ready(agent_id)
        await until(lambda: len(lab.far.lines) > 1, "the second call rings")
        session = lab.app.sessions.get(agent_id)
        assert session.state is AgentState.RESERVED
        assert session.call is not None
        assert (await newest(lab)).agent_id == agent_id
        await limited_by(lab, campaign, BUDGET_SPENT.en)

        lab.far.lines[1].answer()
        await until(lambda: lab.phones[0].line.ear.hears(PERSON_HZ), "the collector hears the person")
        lab.far.lines[1].hang_up()
        _, attempt = await lab.settled(2)
        assert attempt.disposition is Disposition.CONNECTED
        assert await proofs_about(lab, attempt) == [(ProofKind.REFUSED, False), (ProofKind.ALLOWED, True)]


async def limited_by(lab: CallLab, campaign: Campaign, words: str) -> None:
    """Waits until this is what limits the campaign's pace."""
    async with asyncio.timeout(WAIT_S):
        while (await lab.app.campaigns.status(campaign.campaign_id)).limiting != words:  # noqa: ASYNC110 - asked as a page would
            await asyncio.sleep(0.1)


async def proofs_about(lab: CallLab, attempt: Attempt) -> list[tuple[ProofKind, bool]]:
    """What the gate said of calls to the attempt's case, oldest first, and whether a collector was reserved."""
    found = await lab.app.storage.proof_reading.of_case(attempt.case_ref, lab.app.clock.utcnow(), 10)
    bodies = [(link.kind, msgspec.json.decode(link.body)) for link in reversed(found)]
    return [(kind, body["facts"]["dedicated_agent"]) for kind, body in bodies]


async def test_nobody_is_ready(tmp_path: Path) -> None:
    """The entry waits for a moment and is not given up; the collector who is on a break stays there."""
    async with call_lab(tmp_path, 32800, policy=await write_pack(tmp_path)) as lab:
        campaign = await spend_the_budget(lab)
        outcome = await place_one(lab, campaign)
        assert isinstance(outcome, NotPlaced)
        assert outcome.needs_agent
        assert outcome.rule == "budget.abandoned"
        assert outcome.reason.startswith("no collector is ready for a call of their own: ")
        assert outcome.retry_at is not None
        assert outcome.retry_at - lab.app.clock.utcnow() <= SOON
        counts = await lab.app.storage.entries.counts(campaign.campaign_id, lab.app.clock.utcnow())
        assert (counts.exhausted, counts.waiting) == (0, len(NUMBERS))
        assert len(lab.far.lines) == 1


async def place_one(lab: CallLab, campaign: Campaign) -> NotPlaced | Disposition:
    """Dials the next entry, as the campaign's loop would; gives the end."""
    prompts = await render_prompts(lab.app.floor.services.prompts, campaign.settings)
    ended: asyncio.Future[NotPlaced | Disposition] = asyncio.get_running_loop().create_future()

    def on_end(runner: AttemptRunner, outcome: NotPlaced | Disposition) -> None:
        ended.set_result(outcome)

    order = await claim_one(lab, campaign)
    lab.app.floor.place(order, prompts, lambda event: None, on_end=on_end)
    async with asyncio.timeout(WAIT_S):
        return await ended


async def claim_one(lab: CallLab, campaign: Campaign) -> CallOrder:
    now, node = lab.app.clock.utcnow(), lab.app.config.node.name
    (candidate,) = await lab.app.storage.entries.claim(campaign.campaign_id, node, 1, now)
    return CallOrder.of_candidate(campaign, candidate)


async def test_a_reminder_has_nobody_to_reserve(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 33000, policy=await write_pack(tmp_path)) as lab:
        campaign = await spend_the_budget(lab)
        settings = replace(campaign.settings, mode=CampaignMode.REMINDER)
        order = await claim_one(lab, replace(campaign, settings=settings))
        _, outcome = await place(lab.app.floor.services, order, dedicate=nobody_asks)
        assert isinstance(outcome, NotPlaced)
        assert (outcome.rule, outcome.needs_agent, outcome.alike) == ("budget.abandoned", False, True)
        assert outcome.retry_at is not None
        assert outcome.retry_at - lab.app.clock.utcnow() <= HOUSE_PAUSE


def nobody_asks() -> int | None:
    raise AssertionError("a reminder asked for a collector")
