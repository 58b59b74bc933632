"""People are told that they are recorded: as the collector is connected, and on record only if they heard it out."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dialer.calls.notice import RecordingNotice
from dialer.calls.prompts import render_prompts, with_script
from dialer.calls.reminder import Say
from dialer.clock import SystemClock
from dialer.media.interface import RATE_HZ
from dialer.model.campaign import AmdMode, CampaignMode, CampaignSettings
from dialer.model.contact import Contact
from dialer.prompts.signals import tone
from dialer.prompts.store import PromptStore
from dialer.prompts.tts import FragmentSpeech
from tests.support.call_lab import COLLECTOR_HZ, PERSON_HZ, CallLab, Line, call_lab, until

NOTICE_HZ, NOTICE_MS = 900.0, 1500
LONG_MS = 12_000
"""A notice in the middle of which something happens, however busy the machine."""
SETTINGS = CampaignSettings(amd=AmdMode.OFF, notice_prompt="told")


def write_prompt(folder: Path, name: str, hz: float, ms: int = NOTICE_MS) -> bytes:
    pcm = tone((hz,), ms)
    soundfile.write(folder / f"{name}.wav", np.frombuffer(pcm, dtype="<i2"), RATE_HZ)
    return pcm


async def connected(lab: CallLab, settings: CampaignSettings, notice_ms: int = NOTICE_MS) -> Line:
    """The person, hearing the notice."""
    lab.far.on_call = Line.answer
    write_prompt(lab.app.prompts_dir, "told", NOTICE_HZ, notice_ms)
    campaign = await lab.campaign(settings)
    await lab.app.desk.log_in(lab.agent_ids[0], [campaign.campaign_id])
    await lab.app.desk.ready(lab.agent_ids[0])
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    await until(lambda: bool(lab.far.lines), "the call leaves")
    person = lab.far.lines[0]
    await until(lambda: person.ear.has_heard(NOTICE_HZ), "the person hears the notice")
    return person


@pytest.mark.allow_blocking  # the test itself writes the prompt and decodes the recording
async def test_the_person_is_told_and_the_collector_waits_for_nothing(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 36400) as lab:
        person = await connected(lab, SETTINGS, LONG_MS)
        await until(lambda: lab.phones[0].line.ear.has_heard(PERSON_HZ), "the collector hears the person")
        assert not person.ear.has_heard(COLLECTOR_HZ), "the person hears the notice meanwhile"
        await until(lambda: person.ear.hears(COLLECTOR_HZ), "then the person hears the collector")
        person.hang_up()
        (attempt,) = await lab.settled()
        assert attempt.notice_at is not None
        assert attempt.connected_at is not None
        assert abs((attempt.notice_at - attempt.connected_at).total_seconds()) < 0.5
        (event,) = [each for each in await lab.app.storage.outbox.events() if each.type.value.endswith("settled.v1")]
        assert str(event.data["notice_at"]).startswith("2026-")
        reader = await lab.app.recordings.open(await lab.recording(attempt.attempt_id))
        samples, _ = soundfile.read(io.BytesIO(reader.read(0, reader.size)), dtype="float64", always_2d=True)
        wave = np.exp(-2j * np.pi * NOTICE_HZ * np.arange(1600) / RATE_HZ)
        frames = samples[: len(samples) // 1600 * 1600, 1].reshape(-1, 1600)
        assert np.abs(frames @ wave).max() / 1600 > 0.02, "the recording proves it"


@pytest.mark.allow_blocking
async def test_a_notice_that_was_cut_off_was_not_given(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 36600) as lab:
        person = await connected(lab, SETTINGS, LONG_MS)
        person.hang_up()
        (attempt,) = await lab.settled()
        assert attempt.notice_at is None


@pytest.mark.allow_blocking
async def test_a_launch_without_a_notice_is_warned_of(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 36800) as lab:
        write_prompt(lab.app.prompts_dir, "told", NOTICE_HZ)
        silent = await lab.campaign(CampaignSettings())
        told = await lab.campaign(SETTINGS)
        found = {}
        for campaign in (silent, told):
            check = lab.app.campaigns.latest_check(campaign.campaign_id)
            assert check is not None
            found[campaign.campaign_id] = any("notice_prompt" in warning for warning in check.warnings)
        assert found == {silent.campaign_id: True, told.campaign_id: False}


@pytest.mark.allow_blocking
async def test_a_reminder_says_it_before_its_own_words(tmp_path: Path) -> None:
    notice, script = write_prompt(tmp_path, "told", NOTICE_HZ), write_prompt(tmp_path, "script", PERSON_HZ)
    store = PromptStore(tmp_path, FragmentSpeech())
    settings = CampaignSettings(mode=CampaignMode.REMINDER, notice_prompt="told")
    prompts = await with_script(store, await render_prompts(store, settings), "script", Contact(1, 1, "p", "c"))
    assert prompts.dialogue[Say.SCRIPT] == notice + script
    given = RecordingNotice(prompts.notice, SystemClock())
    given.prompt_ended()
    assert given.heard_at is None, "nothing was said yet"
    given.prompt_begins(prompts.dialogue[Say.SCRIPT])
    given.prompt_begins(prompts.dialogue[Say.PLEASE_HOLD])
    given.prompt_ended()
    assert given.heard_at is None, "a key cut the script off"
    given.prompt_begins(prompts.dialogue[Say.SCRIPT])
    given.prompt_ended()
    assert given.heard_at is not None


def test_without_a_notice_no_prompt_is_one() -> None:
    none = RecordingNotice(b"", SystemClock())
    none.prompt_begins(b"script")
    none.prompt_ended()
    assert none.heard_at is None
