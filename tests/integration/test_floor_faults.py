"""When something breaks beside a call: what was promised holds, and nothing is held for ever."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.agents.state import AgentStateError
from dialer.config import PolicyConfig
from dialer.errors import InputError, MediaError, StorageError
from dialer.media.interface import Leg
from dialer.model.agent import AgentState
from dialer.model.attempt import AttemptFilter, Disposition, Settlement
from dialer.model.campaign import (
    AmdMode,
    CampaignMode,
    CampaignSettings,
    CampaignState,
    DispositionCode,
    DispositionForm,
)
from dialer.model.entry import NextStep
from dialer.model.outcome import WrapUp
from dialer.storage import storage_of
from tests.support.call_lab import PERSON_HZ, CallLab, Line, call_lab, until
from tests.support.policy import write_lenient_pack

OFF = CampaignSettings(amd=AmdMode.OFF)
PREVIEW = CampaignSettings(mode=CampaignMode.PREVIEW, amd=AmdMode.OFF)


async def begin(lab: CallLab, settings: CampaignSettings = OFF, numbers: tuple[str, ...] = ("+8613800001234",)) -> int:
    """A campaign runs with every collector ready; returns its id."""
    campaign = await lab.campaign(settings, numbers)
    for agent_id in lab.agent_ids:
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    return campaign.campaign_id


async def state_of(lab: CallLab, campaign_id: int) -> CampaignState:
    campaign = await lab.app.storage.campaigns.get(campaign_id)
    assert campaign is not None
    return campaign.state


def nothing_held(lab: CallLab) -> bool:
    idle = all(session.call is None for session in lab.app.sessions)
    return idle and not list(lab.app.floor) and all(trunk.in_use == 0 for trunk in lab.app.trunks.status())


async def test_a_list_that_could_not_be_counted_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails at a campaign's first tick: the campaign must not be called finished."""
    async with call_lab(tmp_path, 45000) as lab:
        entries = lab.app.storage.entries
        count, failures = entries.counts, 0

        async def failing(*_: object) -> None:
            nonlocal failures
            failures += 1
            raise StorageError("the disk failed")

        campaign = await lab.campaign(OFF)
        with monkeypatch.context() as patched:
            patched.setattr(entries, "counts", failing)
            await lab.app.campaigns.start(campaign.campaign_id, "test")
            await until(lambda: failures >= 3, "some ticks fail")
        assert await state_of(lab, campaign.campaign_id) is CampaignState.RUNNING
        assert entries.counts == count
        await until(lambda: lab.app.campaigns._running[campaign.campaign_id].counts.waiting == 1, "counted at last")


async def test_a_node_stops_while_a_case_is_shown(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 45200) as lab:
        campaign_id = await begin(lab, PREVIEW)
        (agent_id,) = lab.agent_ids
        await until(lambda: lab.app.desk.view(agent_id).state is AgentState.PREVIEW, "a case is shown")
    async with await storage_of(lab.app.config, lab.app.clock) as storage:
        counts = await storage.entries.counts(campaign_id, lab.app.clock.utcnow())
    assert (counts.waiting, counts.leased) == (1, 0)


async def test_a_leg_that_cannot_be_closed_ends_no_other_call(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 45400, n_phones=2) as lab:
        await begin(lab, OFF, ("+8613800001234", "+8613800001235"))
        await until(lambda: len(lab.far.lines) == 2, "both ring")
        first, second = sorted(lab.app.floor, key=lambda runner: runner.attempt_id)
        assert first.audio is not None

        def broken() -> None:
            raise MediaError("the leg is gone")

        first.audio.close = broken  # type: ignore[method-assign]
        lines = {line.incoming.target.user_text: line for line in lab.far.lines}
        one, other = (lines[runner.order.phone.number] for runner in (first, second))
        one.incoming.reject(486)
        (attempt,) = await lab.settled()
        assert (attempt.attempt_id, attempt.disposition) == (first.attempt_id, Disposition.BUSY)
        await until(lambda: len(list(lab.app.floor)) == 1, "the first is over")
        other.answer()
        await until(lambda: any(phone.line.ear.hears(PERSON_HZ) for phone in lab.phones), "the second is bridged")
        other.hang_up()
        await lab.settled(2)
        await until(lambda: nothing_held(lab), "all is given back")


async def test_a_bridge_that_fails_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector whose leg cannot be bridged is offline, and the person goes to the next one."""
    async with call_lab(tmp_path, 45600, n_phones=2) as lab:
        lab.far.on_call = Line.answer
        bridge, tries = lab.app.media.bridge, 0

        def once_broken(a: Leg, b: Leg) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise MediaError("the leg is gone")
            bridge(a, b)

        monkeypatch.setattr(lab.app.media, "bridge", once_broken)
        await begin(lab)
        await until(lambda: any(phone.line.ear.hears(PERSON_HZ) for phone in lab.phones), "the second is bridged")
        assert len(list(lab.app.sessions)) == 1
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.CONNECTED
        await until(lambda: nothing_held(lab), "all is given back")


async def test_parting_legs_that_are_gone_still_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with call_lab(tmp_path, 45800) as lab:
        lab.far.on_call = Line.answer
        await begin(lab)
        (agent_id,) = lab.agent_ids
        await until(lambda: bool(lab.phones[0].lines) and lab.phones[0].line.ear.hears(PERSON_HZ), "bridged")

        def broken(leg: Leg) -> None:
            raise MediaError("the leg is gone")

        with monkeypatch.context() as patched:
            patched.setattr(lab.app.media, "unbridge", broken)
            await lab.app.desk.hang_up(agent_id)
            await until(lambda: lab.far.lines[0].ended is not None, "the person gets a BYE")
            await lab.settled()
        await until(lambda: nothing_held(lab), "all is given back")
        assert lab.app.desk.view(agent_id).state is AgentState.WRAPUP


async def test_no_case_is_dialed_once_the_campaign_pauses(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 46000) as lab:
        desk, (agent_id,) = lab.app.desk, lab.agent_ids
        campaign_id = await begin(lab, PREVIEW)
        await until(lambda: desk.view(agent_id).state is AgentState.PREVIEW, "a case is shown")
        await lab.app.campaigns.pause(campaign_id, "test")
        with pytest.raises(AgentStateError, match="paused"):
            await desk.preview_dial(agent_id)
        (known,) = await lab.app.storage.explaining.of_number("+8613800001234", 2)
        with pytest.raises(AgentStateError, match="paused"):
            await desk.dial_manually(agent_id, known.contact.phones[0].phone_id)
        assert await lab.app.storage.attempts.list(AttemptFilter()) == ()
        assert desk.view(agent_id).state is AgentState.READY


async def test_the_last_call_may_still_promise_a_callback(tmp_path: Path) -> None:
    """While the collector writes the last call up, the campaign is not finished: a callback may come of it."""
    async with call_lab(tmp_path, 46200) as lab:
        lab.far.on_call = Line.answer
        form = DispositionForm((DispositionCode("later", "later", callback=True),))
        campaign_id = await begin(lab, CampaignSettings(amd=AmdMode.OFF, form=form))
        await until(lambda: bool(lab.far.lines), "it rings")
        await until(lambda: bool(lab.phones[0].lines) and lab.phones[0].line.ear.hears(PERSON_HZ), "bridged")
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        running = lab.app.campaigns._running[campaign_id]
        await until(lambda: running.counts.done == 1, "the loop has seen the end")
        await until(lambda: running.counts.done == 1 and nothing_held(lab), "all is given back")
        for _ in range(2):
            await lab.app.campaigns._tick()
        assert await state_of(lab, campaign_id) is CampaignState.RUNNING
        now = lab.app.clock.utcnow()
        await lab.app.desk.wrap_up(
            WrapUp(attempt.attempt_id, lab.agent_ids[0], "later", now, {}, callback_at=now + timedelta(hours=1))
        )
        for _ in range(2):
            await lab.app.campaigns._tick()
        assert await state_of(lab, campaign_id) is CampaignState.RUNNING
        assert (await lab.app.storage.entries.counts(campaign_id, now)).waiting == 1


async def test_a_call_that_is_only_being_settled_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow database must not look like a person who is about to need a collector."""
    async with call_lab(tmp_path, 46400) as lab:
        attempts, may_settle = lab.app.storage.attempts, asyncio.Event()
        settle = attempts.settle

        async def slow(settlement: Settlement, step: NextStep | None, now: datetime) -> bool:
            await may_settle.wait()
            return await settle(settlement, step, now)

        monkeypatch.setattr(attempts, "settle", slow)
        campaign_id = await begin(lab, OFF, ("+8613800001234", "+8613800001235"))
        await until(lambda: len(lab.far.lines) == 1, "the first rings")
        lab.far.lines[0].incoming.reject(486)
        await until(lambda: len(lab.far.lines) == 2, "the second rings")
        assert dict((await lab.app.campaigns.status(campaign_id)).calls) == {"dialing": 1}
        may_settle.set()
        await lab.settled()


async def test_nobody_wraps_up_a_call_without_a_collector(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 47400) as lab:
        lab.far.on_call = lambda line: line.incoming.reject(486)
        form = DispositionForm((DispositionCode("never", "never", do_not_call=True),))
        await begin(lab, CampaignSettings(amd=AmdMode.OFF, form=form))
        (attempt,) = await lab.settled()
        wrap_up = WrapUp(attempt.attempt_id, lab.agent_ids[0], "never", lab.app.clock.utcnow(), {})
        with pytest.raises(InputError, match="no collector"):
            await lab.app.desk.wrap_up(wrap_up)
        assert await lab.app.storage.do_not_call.of_number("+8613800001234") == ()


async def test_a_late_wrap_up_still_stops_calls_to_the_number(tmp_path: Path) -> None:
    """The wrap-up's limit has passed and the collector is ready again; another campaign rings the number by then."""
    pack = await asyncio.to_thread(write_lenient_pack, tmp_path)  # no pause after a conversation
    async with call_lab(tmp_path, 47600, policy=PolicyConfig(packs=(str(pack),))) as lab:
        lab.far.on_call = Line.answer
        form = DispositionForm((DispositionCode("never", "never", do_not_call=True),))
        await begin(lab, CampaignSettings(amd=AmdMode.OFF, form=form, wrap_up_limit_s=0.1))
        await until(lambda: bool(lab.phones[0].lines) and lab.phones[0].line.ear.hears(PERSON_HZ), "bridged")
        lab.far.on_call = lambda line: line.incoming.ringing()
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        (agent_id,) = lab.agent_ids
        await until(lambda: lab.app.desk.view(agent_id).state is AgentState.READY, "the wrap-up's limit has passed")
        other = await lab.campaign(OFF)
        await lab.app.desk.log_in(agent_id, [other.campaign_id])
        await lab.app.campaigns.start(other.campaign_id, "test")
        await until(lambda: len(lab.far.lines) == 2, "it rings for another campaign")
        await lab.app.desk.wrap_up(WrapUp(attempt.attempt_id, agent_id, "never", lab.app.clock.utcnow(), {}))
        await until(lambda: lab.far.lines[1].ended is not None, "the ringing ends")


async def test_a_campaign_that_cannot_be_run_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its prompt is gone after a restart: what is missing is told to whoever asks, and logged once."""
    async with call_lab(tmp_path, 47800, n_phones=0) as lab:
        campaigns, stored = lab.app.campaigns, lab.app.storage.campaigns
        campaign = await lab.campaign(OFF)
        campaign_id = campaign.campaign_id
        await stored.change_settings(campaign_id, replace(campaign.settings, safe_harbour_prompt="gone"))
        await stored.set_state(campaign_id, CampaignState.CHECKED, CampaignState.RUNNING, "", lab.app.clock.utcnow())
        for _ in range(3):
            campaigns._reloaded_at = None
            await campaigns._reload()
        assert "gone" in (await campaigns.status(campaign_id)).limiting
        assert sum("campaign not run" in record.message for record in caplog.records) == 1
        await stored.change_settings(campaign_id, campaign.settings)
        campaigns._reloaded_at = None
        await campaigns._reload()
        assert "gone" not in (await campaigns.status(campaign_id)).limiting


async def test_a_campaign_that_cannot_be_run_is_ended(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 47800, n_phones=0) as lab:
        campaigns, stored = lab.app.campaigns, lab.app.storage.campaigns
        campaign = await lab.campaign(OFF)
        campaign_id = campaign.campaign_id
        await stored.change_settings(campaign_id, replace(campaign.settings, safe_harbour_prompt="gone"))
        await stored.set_state(campaign_id, CampaignState.CHECKED, CampaignState.RUNNING, "", lab.app.clock.utcnow())
        await campaigns.stop_now(campaign_id, "Bo")
        board, topic = lab.app.board, f"campaign/{campaign_id}"
        await until(lambda: board.snapshot().get(topic, {}).get("state") == "finished", "the campaign is finished")
        assert lab.far.lines == []
