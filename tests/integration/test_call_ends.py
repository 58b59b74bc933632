"""How calls end, over real SIP and RTP: every way out is settled once and gives everything back."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.errors import InputError
from dialer.model.agent import AgentState
from dialer.model.attempt import Disposition, HangupSide
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings, MachineAction
from dialer.model.contact import CaseStatus
from dialer.prompts.signals import silence, tone
from dialer.simulator.voices import load_voices
from dialer.storage import Listing
from tests.support.call_lab import COLLECTOR_HZ, PERSON_HZ, CallLab, Line, call_lab, until

OFF = CampaignSettings(amd=AmdMode.OFF)


async def begin(lab: CallLab, settings: CampaignSettings = OFF, numbers: tuple[str, ...] = ("+8613800001234",)) -> int:
    """A campaign runs with every collector ready; returns its id."""
    campaign = await lab.campaign(settings, numbers)
    for agent_id in lab.agent_ids:
        await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    return campaign.campaign_id


def nothing_held(lab: CallLab) -> bool:
    """Every channel, runner and collector is free again."""
    idle = all(session.call is None for session in lab.app.sessions)
    return idle and not list(lab.app.floor) and all(trunk.in_use == 0 for trunk in lab.app.trunks.status())


def refuse(status: int) -> Callable[[Line], None]:
    return lambda line: line.incoming.reject(status)


@pytest.mark.parametrize(
    ("status", "disposition"),
    [(486, Disposition.BUSY), (404, Disposition.BAD_NUMBER), (480, Disposition.NO_ANSWER), (603, Disposition.REJECTED)],
)
async def test_refused_calls(tmp_path: Path, status: int, disposition: Disposition) -> None:
    async with call_lab(tmp_path, 31200) as lab:
        lab.far.on_call = refuse(status)
        await begin(lab)
        (attempt,) = await lab.settled()
        assert attempt.disposition is disposition
        assert attempt.cause.sip_status == status
        await until(lambda: nothing_held(lab), "all is given back")


async def test_a_collector_hangs_up(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 31400) as lab:
        lab.far.on_call = Line.answer
        await begin(lab)
        await until(lambda: bool(lab.phones[0].lines) and lab.phones[0].line.ear.hears(PERSON_HZ), "bridged")
        (agent_id,) = lab.agent_ids
        await lab.app.desk.hang_up(agent_id)
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.hangup_side) == (Disposition.CONNECTED, HangupSide.COLLECTOR)
        await until(lambda: lab.far.lines[0].ended is not None, "the person gets a BYE")
        assert lab.app.desk.view(agent_id).state is AgentState.WRAPUP
        await until(lambda: nothing_held(lab), "all is given back")


async def test_a_ready_collector_comes_first_however_late_it_is(tmp_path: Path) -> None:
    """The time to wait is over when a slow verdict comes: who is ready then still takes the call."""
    async with call_lab(tmp_path, 35400) as lab:
        await begin(lab)
        await until(lambda: bool(lab.far.lines), "it rings")
        machine = next(iter(lab.app.floor)).machine
        machine.plan = replace(machine.plan, abandon_wait_s=0.0)
        lab.far.lines[0].answer()
        await until(lambda: lab.far.lines[0].ear.hears(COLLECTOR_HZ), "bridged")
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.CONNECTED


async def test_nobody_is_free(tmp_path: Path) -> None:
    """The collector goes on a break while the call rings: the person hears the safe-harbour message, once, then BYE."""
    async with call_lab(tmp_path, 31600) as lab:
        await begin(lab)
        await until(lambda: bool(lab.far.lines), "it rings")
        await lab.app.desk.take_break(lab.agent_ids[0], "lunch")
        lab.far.lines[0].answer()
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.ABANDONED
        assert attempt.hangup_side is HangupSide.US
        assert len(lab.far.lines[0].ear.pcm) > 16 * 3000  # two seconds of waiting and a message
        status = await lab.app.campaigns.status(attempt.campaign_id)
        assert (status.live, status.abandoned) == (1, 1)


async def test_a_payment_stops_a_ringing_call(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 31800) as lab:
        await begin(lab)
        await until(lambda: bool(lab.far.lines), "it rings")
        await asyncio.sleep(0.1)
        await lab.app.storage.cases.set_status("case-0", CaseStatus.PAID, lab.app.clock.utcnow())
        assert lab.app.campaigns.stop_calls("the case is paid", case_ref="case-0") == 1
        await until(lambda: lab.far.lines[0].ended is not None, "CANCEL reaches the far side")
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.CANCELLED
        await until(lambda: nothing_held(lab), "all is given back")


async def test_no_answer(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 32000) as lab:
        await begin(lab, CampaignSettings(amd=AmdMode.OFF, ring_timeout_s=2.0))
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.NO_ANSWER
        await until(lambda: lab.far.lines[0].ended is not None, "the ringing stops")


async def test_the_collectors_phone_vanishes(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 32200, n_phones=2) as lab:
        lab.far.on_call = Line.answer
        campaign = await lab.campaign(OFF)
        first, second = lab.agent_ids
        for agent_id in lab.agent_ids:
            await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
        await lab.app.desk.ready(first)
        await lab.app.campaigns.start(campaign.campaign_id, "test")
        await until(lambda: lab.phones[0].line.ear.hears(PERSON_HZ), "bridged with the first")
        lab.phones[0].line.hang_up()
        await until(lambda: lab.app.sessions.find(first) is None, "the first is offline")
        await lab.app.desk.ready(second)
        await until(lambda: lab.phones[1].line.ear.hears(PERSON_HZ), "bridged with the second")
        await until(lambda: lab.far.lines[0].ear.hears(COLLECTOR_HZ), "the person hears the second")
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.agent_id) == (Disposition.CONNECTED, second)


async def test_a_human_greeting_reaches_a_collector(tmp_path: Path) -> None:
    voices = await asyncio.to_thread(load_voices)
    async with call_lab(tmp_path, 32400) as lab:

        def pick_up(line: Line) -> None:
            line.answer()
            line.say(voices.greetings[0] + silence(8000))

        lab.far.on_call = pick_up
        await begin(lab, CampaignSettings())
        await until(lambda: bool(lab.far.lines), "it rings")
        await until(lambda: lab.far.lines[0].ear.hears(COLLECTOR_HZ), "bridged")
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.verdict) == (Disposition.CONNECTED, "human")
        assert attempt.greeting_end_at is not None
        assert attempt.answered_at is not None
        assert attempt.connected_at is not None
        assert attempt.answered_at < attempt.greeting_end_at < attempt.connected_at


async def test_a_machine_is_left_a_message(tmp_path: Path) -> None:
    voices = await asyncio.to_thread(load_voices)
    async with call_lab(tmp_path, 32600) as lab:

        def pick_up(line: Line) -> None:
            line.answer()
            line.say(voices.machines[0] + tone((1000.0,), 400) + silence(30_000))

        lab.far.on_call = pick_up
        settings = CampaignSettings(machine_action=MachineAction.LEAVE_MESSAGE, machine_prompt="machine_message")
        await begin(lab, settings)
        (attempt,) = await lab.settled()
        assert attempt.disposition is Disposition.MESSAGE_LEFT


async def test_a_preview_is_skipped_then_dialed(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 32800) as lab:
        lab.far.on_call = Line.answer
        desk, (agent_id,) = lab.app.desk, lab.agent_ids
        numbers = ("+8613800001234", "+8613800001235")
        await begin(lab, CampaignSettings(mode=CampaignMode.PREVIEW, amd=AmdMode.OFF), numbers)
        await until(lambda: desk.view(agent_id).state is AgentState.PREVIEW, "a case is shown")
        first = desk.view(agent_id).case
        assert first is not None
        await desk.preview_skip(agent_id, "reached_today", "called yesterday")
        await until(lambda: desk.view(agent_id).state is AgentState.PREVIEW, "the next case is shown")
        second = desk.view(agent_id).case
        assert second is not None
        assert second.case_ref != first.case_ref
        assert lab.far.lines == []
        await desk.preview_dial(agent_id)
        await until(lambda: lab.phones[0].line.ear.hears(PERSON_HZ), "bridged")
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert attempt.path.value == "preview"


async def test_a_hand_dialed_call_passes_the_same_gate(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 33000) as lab:
        desk, (agent_id,) = lab.app.desk, lab.agent_ids
        campaign = await lab.campaign(OFF)
        await desk.log_in(agent_id, [campaign.campaign_id])
        (known,) = await lab.app.storage.explaining.of_number("+8613800001234", 2)
        await desk.dial_manually(agent_id, known.contact.phones[0].phone_id)
        await until(lambda: bool(lab.far.lines), "it rings")
        lab.far.lines[0].incoming.reject(486)
        (attempt,) = await lab.settled()
        assert (attempt.path.value, attempt.disposition) == ("manual", Disposition.BUSY)
        await until(lambda: desk.view(agent_id).state is AgentState.AUX, "the collector is free")
        listing = Listing("test", "asked not to be called")
        await lab.app.storage.do_not_call.add_number("+8613800001234", listing, lab.app.clock.utcnow())
        await desk.dial_manually(agent_id, known.contact.phones[0].phone_id)
        await until(lambda: desk.view(agent_id).state is AgentState.AUX, "refused: the collector is free")
        assert len(lab.far.lines) == 1
        (refusal,) = await lab.app.storage.statistics.refusals()
        assert (refusal.rule, refusal.path) == ("cn.do-not-call", "manual")
        await until(lambda: desk.view(agent_id).not_dialed is not None, "the collector sees why")
        shown = desk.view(agent_id).not_dialed
        assert shown is not None
        assert (shown.case_ref, shown.number_masked, shown.reason) == ("", "138****1234", refusal.reason)
        assert (shown.rule, shown.retry_at) == ("cn.do-not-call", None)
        await desk.ready(agent_id)
        assert desk.view(agent_id).not_dialed == shown


async def test_a_hand_dialed_call_belongs_to_the_contacts_campaign(tmp_path: Path) -> None:
    """Rules go by the campaign's creditor and agency: whoever works for another may not dial under its rules."""
    async with call_lab(tmp_path, 33000) as lab:
        desk, (agent_id,) = lab.app.desk, lab.agent_ids
        first = await lab.campaign(OFF)
        other = await lab.campaign(replace(OFF, creditor="other-bank"), ("+8613800005678",))
        (known,) = await lab.app.storage.explaining.of_number("+8613800005678", 2)
        await desk.log_in(agent_id, [first.campaign_id])
        with pytest.raises(InputError, match="none of the campaigns"):
            await desk.dial_manually(agent_id, known.contact.phones[0].phone_id)
        await desk.log_in(agent_id, [first.campaign_id, other.campaign_id])
        await desk.dial_manually(agent_id, known.contact.phones[0].phone_id)
        await until(lambda: bool(lab.far.lines), "it rings")
        lab.far.lines[0].incoming.reject(486)
        (attempt,) = await lab.settled()
        assert attempt.campaign_id == other.campaign_id
