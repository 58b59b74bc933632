"""Parallel detection over real SIP and RTP: connected early, taken back when it was no person, evidence kept."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.calls.attempt import PULL_BACK_CONFIDENCE
from dialer.calls.listening import LASTING_TONE_MS
from dialer.calls.screens import TAKEN_BACK
from dialer.model.agent import AgentState
from dialer.model.attempt import Disposition, HangupSide
from dialer.model.campaign import AmdMode, CampaignSettings, MachineAction
from dialer.model.verdict_sample import SampleFilter, VerdictPhase, VerdictSample
from dialer.prompts.audio import read_audio
from dialer.prompts.signals import BUSY_CN, play_signal, silence, tone
from dialer.simulator.voices import VOICES_DIR
from tests.support.call_lab import COLLECTOR_HZ, CallLab, Line, call_lab, until

PARALLEL = CampaignSettings(amd=AmdMode.PARALLEL)
LEAVE = CampaignSettings(
    amd=AmdMode.PARALLEL, machine_action=MachineAction.LEAVE_MESSAGE, machine_prompt="machine_message"
)
HELLO = read_audio(VOICES_DIR / "human_zh_wei.flac")
SPEAKING = read_audio(VOICES_DIR / "human_zh_qing_shuo.flac")


def says(pcm: bytes) -> Callable[[Line], None]:
    """Picks up and says that."""

    def pick_up(line: Line) -> None:
        line.answer()
        line.say(pcm + silence(30_000))

    return pick_up


async def begin(lab: CallLab, settings: CampaignSettings) -> int:
    """A campaign runs and its collector is ready; returns the collector."""
    campaign = await lab.campaign(settings)
    (agent_id,) = lab.agent_ids
    await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
    await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    return agent_id


async def test_a_person_is_bridged_and_the_verdict_follows(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 33600) as lab:
        lab.far.on_call = says(HELLO)
        await begin(lab, PARALLEL)
        await until(lambda: bool(lab.far.lines) and lab.far.lines[0].ear.hears(COLLECTOR_HZ), "bridged")
        runner = next(iter(lab.app.floor))
        await until(lambda: runner.machine.facts.verdict != "", "the verdict comes while they talk")
        lab.far.lines[0].hang_up()
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.verdict) == (Disposition.CONNECTED, "human")
        assert attempt.greeting_end_at is not None
        assert attempt.connected_at is not None
        assert attempt.greeting_end_at < attempt.connected_at


@pytest.mark.parametrize(
    ("settings", "end"),
    [(PARALLEL, Disposition.MACHINE), (LEAVE, Disposition.MESSAGE_LEFT)],
    ids=["hang-up", "message"],
)
async def test_a_machine_that_beeps_into_the_talk_is_taken_back(
    tmp_path: Path, settings: CampaignSettings, end: Disposition
) -> None:
    """The collector is ready again at once, knows why, and has nothing to wrap up; the message follows the beep."""
    async with call_lab(tmp_path, 33800) as lab:
        lab.far.on_call = says(SPEAKING + tone((1000.0,), 800))
        agent_id = await begin(lab, settings)
        states: list[AgentState] = []
        lab.app.sessions.listen(lambda changed: states.append(changed.transition.new))
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.verdict, attempt.hangup_side) == (end, "machine", HangupSide.US)
        assert attempt.verdict_confidence >= PULL_BACK_CONFIDENCE
        assert (attempt.agent_id, attempt.connected_at is None) == (agent_id, False)
        assert states == [AgentState.RESERVED, AgentState.TALKING, AgentState.READY]
        assert lab.app.desk.view(agent_id).notice == TAKEN_BACK
        status = await lab.app.campaigns.status(attempt.campaign_id)
        assert (status.live, status.abandoned) == (0, 0)
        (sample,) = await samples(lab)
        assert (sample.attempt_id, sample.phase, sample.label) == (attempt.attempt_id, VerdictPhase.ANSWERED, "machine")
        assert (lab.app.verdicts_dir / sample.audio_path).stat().st_size > 1000


async def test_a_busy_tone_instead_of_a_refusal_ends_the_call(tmp_path: Path) -> None:
    """Some carriers play it in a 183 until the caller gives up."""
    async with call_lab(tmp_path, 34000) as lab:
        lab.far.on_call = lambda line: line.ring_with(play_signal(BUSY_CN, 25_000))
        await begin(lab, PARALLEL)
        (attempt,) = await lab.settled()
        assert (attempt.disposition, attempt.verdict, attempt.hangup_side) == (Disposition.BUSY, "busy", HangupSide.US)
        assert attempt.ringing_at is not None
        assert attempt.ended_at is not None
        assert LASTING_TONE_MS / 1000 < (attempt.ended_at - attempt.ringing_at).total_seconds() < 15
        (sample,) = await samples(lab)
        assert (sample.phase, sample.label) == (VerdictPhase.EARLY, "busy")


async def samples(lab: CallLab) -> tuple[VerdictSample, ...]:
    """What is kept for listeners, once something is."""
    for _ in range(200):
        found = await lab.app.storage.verdict_samples.find(SampleFilter())
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("no verdict was kept")
