"""Hundreds of short calls that end in every way at random: afterwards nothing is held any more."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from dialer.agents.state import AgentStateError
from dialer.campaigns.loop.running import RunningCampaign
from dialer.campaigns.pacing import EventKind, PacingEvent
from dialer.errors import LocalProtocolError
from dialer.model.attempt import AttemptFilter, AttemptState
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings, CampaignState
from dialer.sip.trunks import CallRate
from tests.support.call_lab import CallLab, Line, call_lab, until

SEED = 20261123
N_CALLS = 300
FIELDS = {"amount": "1234.50", "due_date": "2026-11-30", "name": "Zhang San"}
STORM = CampaignSettings(
    mode=CampaignMode.REMINDER,
    amd=AmdMode.OFF,
    ring_timeout_s=1.5,
    wrap_up_limit_s=0.2,
    max_reminder_channels=25,
)
ENDS = {EventKind.FINISHED, EventKind.ABANDONED, EventKind.TALK_ENDED}


async def live(line: Line, chance: random.Random) -> None:
    """One person: refuses, lets it ring, answers and leaves, asks for a collector, or asks not to be called."""
    try:
        what = chance.choice(["refuse", "ring", "ring out", "leave", "collector", "objection"])
        await asyncio.sleep(chance.uniform(0.0, 0.2))
        if what == "refuse":
            line.incoming.reject(chance.choice([404, 480, 486, 603]))
            return
        line.incoming.ringing()
        if what == "ring out":
            await until(lambda: line.ended is not None, "the ringing ends")
            return
        await asyncio.sleep(chance.uniform(0.0, 0.5))
        if what == "ring":
            line.incoming.reject(chance.choice([480, 486]))
            return
        line.answer()
        await asyncio.sleep(chance.uniform(0.0, 0.6))
        if what in ("collector", "objection"):
            line.leg.send_dtmf("1" if what == "collector" else "9")
            await asyncio.sleep(chance.uniform(0.2, 1.5))
        if line.ended is None:
            line.hang_up()
            await until(lambda: line.ended is not None, "the call ends")
    except LocalProtocolError:
        pass  # given up meanwhile: a stop, or the ring timeout
    finally:
        line.close()


async def trouble(lab: CallLab, campaign_id: int, chance: random.Random, over: asyncio.Event) -> None:
    """Stops, hung-up talks, and collectors whose phones vanish and come back."""
    while not over.is_set():
        await asyncio.sleep(chance.uniform(0.05, 0.3))
        agent_id = chance.choice(lab.agent_ids)
        what = chance.choice(["stop", "hang up", "vanish"])
        if what == "stop" and (runners := list(lab.app.floor)):
            chance.choice(runners).stop("a payment")
        elif what == "hang up" and lab.app.sessions.find(agent_id) is not None:
            with suppress(AgentStateError):  # no call at hand just now
                await lab.app.desk.hang_up(agent_id)
        elif what == "vanish" and chance.random() < 0.3:
            lab.app.sessions.lose(agent_id, "the phone vanished")
            await lab.app.desk.log_in(agent_id, [campaign_id])
            await lab.app.desk.ready(agent_id)


def held(lab: CallLab) -> Mapping[str, int]:
    """Everything a call holds, counted."""
    return {
        "runners": len(list(lab.app.floor)),
        "channels": sum(trunk.in_use for trunk in lab.app.trunks.status()),
        "legs": len(lab.app.media._sinks),
        "dialogs": len(lab.app.sip.agent._calls),
        "busy collectors": sum(session.call is not None for session in lab.app.sessions),
        "waiting persons": len(lab.app.sessions._waiting),
        "tasks": len([task for task in asyncio.all_tasks() if task.get_name() == "attempt"]),
        "marks": len(lab.app.storage.attempts._marks),
    }


def check_story(events: list[PacingEvent]) -> None:
    """Of one call: placed first, one end, as many ends of talks as talks."""
    kinds = [event.kind for event in events]
    assert kinds[0] is EventKind.PLACED, kinds
    assert kinds[-1] in ENDS, kinds
    assert kinds.count(EventKind.PLACED) == 1, kinds
    assert kinds.count(EventKind.CONNECTED) == kinds.count(EventKind.TALK_ENDED), kinds
    talked = EventKind.CONNECTED in kinds
    assert kinds.count(EventKind.FINISHED) + kinds.count(EventKind.ABANDONED) == (0 if talked else 1), kinds
    assert [event.at for event in events] == sorted(event.at for event in events)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_is_held_after_a_storm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stories: dict[int | None, list[PacingEvent]] = defaultdict(list)
    observe = RunningCampaign.observe

    def listening(self: RunningCampaign, event: PacingEvent) -> None:
        stories[event.call_id].append(event)
        observe(self, event)

    monkeypatch.setattr(RunningCampaign, "observe", listening)
    chance = random.Random(SEED)
    async with call_lab(tmp_path, 47000, n_phones=3) as lab, asyncio.TaskGroup() as people:
        lab.app.trunks._trunks["main"].rate = CallRate(1000.0)
        lab.far.on_call = lambda line: void(people.create_task(live(line, chance)))
        campaign = await lab.campaign(STORM, [f"+861380001{n:04d}" for n in range(N_CALLS)], FIELDS)
        for agent_id in lab.agent_ids:
            await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
            await lab.app.desk.ready(agent_id)
        before = held(lab)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        over = asyncio.Event()
        maker = people.create_task(trouble(lab, campaign.campaign_id, chance, over))
        await until(lambda: len(stories) >= N_CALLS, "every number was dialed", 200.0)
        await lab.app.campaigns.stop_now(campaign.campaign_id, "test")
        await until(lambda: not list(lab.app.floor), "the last call has ended")
        over.set()
        await maker  # a collector on the way back comes back
        await until(lambda: held(lab) == before, f"{held(lab)} is {before} again")
        attempts = await lab.app.storage.attempts.list(AttemptFilter(), limit=2 * N_CALLS)
        settled = {attempt.attempt_id for attempt in attempts if attempt.state is AttemptState.SETTLED}
        assert settled == set(stories)
        others = {attempt.state for attempt in attempts if attempt.attempt_id not in settled}
        assert others <= {AttemptState.RELEASED}  # stopped before an INVITE left
        for story in stories.values():
            check_story(story)
        await finished(lab, campaign.campaign_id)


def void(_: object) -> None:
    """A task that its group looks after."""


async def finished(lab: CallLab, campaign_id: int) -> None:
    for _ in range(100):
        campaign = await lab.app.storage.campaigns.get(campaign_id)
        if campaign is not None and campaign.state is CampaignState.FINISHED:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the campaign did not finish")
