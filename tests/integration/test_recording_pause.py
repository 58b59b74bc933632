"""A card number said while the recording is paused: heard by both, and nowhere in the recording."""

import io
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from dialer.api.client import ApiClient
from dialer.api.security import hash_token
from dialer.errors import DialerError
from dialer.media.interface import RecordingFailed
from dialer.model.account import Role
from dialer.model.campaign import AmdMode, CampaignSettings
from dialer.prompts.signals import tone
from tests.support.call_lab import COLLECTOR_HZ, PERSON_HZ, CallLab, Line, call_lab, until

CARD_HZ, REPEATED_HZ = 1800.0, 2300.0
CARD_MS = 600
PACKET = 160
"""Samples: so exact is a gap."""


async def talking(lab: CallLab) -> Line:
    """A person in a talk with the collector; both sound."""
    lab.far.on_call = Line.answer
    campaign = await lab.campaign(CampaignSettings(amd=AmdMode.OFF))
    await lab.app.desk.log_in(lab.agent_ids[0], [campaign.campaign_id])
    await lab.app.desk.ready(lab.agent_ids[0])
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    await until(lambda: bool(lab.far.lines), "the call leaves")
    person = lab.far.lines[0]
    await until(lambda: person.ear.hears(COLLECTOR_HZ), "the person hears the collector")
    await until(lambda: lab.phones[0].line.ear.hears(PERSON_HZ), "the collector hears the person")
    return person


async def client(lab: CallLab, account_id: int) -> ApiClient:
    token = f"token of {account_id}"
    accounts, now = lab.app.storage.accounts, lab.app.clock.utcnow()
    await accounts.add_token(hash_token(token), f"collector {account_id}", Role.COLLECTOR, now, account_id=account_id)
    return ApiClient(f"http://127.0.0.1:{lab.app.http_port}", token)


async def audio_of(lab: CallLab, attempt_id: int) -> tuple[npt.NDArray[np.float64], list[dict[str, object]]]:
    """The finished recording, float64[n, 2] at 8 kHz, and its marks."""
    info = await lab.recording(attempt_id)
    reader = await lab.app.recordings.open(info)
    samples, rate = soundfile.read(io.BytesIO(reader.read(0, reader.size)), dtype="float64", always_2d=True)
    assert rate == 8000
    return samples, msgspec.json.decode(info.marks)


def loudest(samples: npt.NDArray[np.float64], hz: float) -> float:
    """The largest amplitude of a pitch in any 100 ms."""
    n = 800
    frames = samples[: len(samples) // n * n].reshape(-1, n)
    wave = np.exp(-2j * np.pi * hz * np.arange(n) / 8000)
    return float(np.abs(frames @ wave).max() * 2 / n)


@pytest.mark.allow_blocking  # the test itself decodes the recording
async def test_what_is_said_in_a_pause_is_nowhere_in_the_recording(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 36000, n_phones=2) as lab:
        person, collector, agent_id = await talking(lab), lab.phones[0].line, lab.agent_ids[0]
        desk = f"/v1/agents/{agent_id}"
        async with await client(lab, agent_id) as own, await client(lab, lab.agent_ids[1]) as other:
            with pytest.raises(DialerError, match="own desk"):
                await other.send("POST", f"{desk}/recording/pause")
            shown = await own.send("POST", f"{desk}/recording/pause")
            assert shown["recording_paused_since"] is not None
            assert (await own.send("POST", f"{desk}/recording/pause"))["recording_paused_since"] is not None
            person.say(tone((CARD_HZ,), CARD_MS))
            await until(lambda: collector.ear.has_heard(CARD_HZ), "the collector hears the card number")
            collector.say(tone((REPEATED_HZ,), CARD_MS))
            await until(lambda: person.ear.has_heard(REPEATED_HZ), "the person hears it repeated")
            await until(lambda: not (collector.ear.hears(CARD_HZ) or person.ear.hears(REPEATED_HZ)), "it was said")
            person.sound()
            collector.sound()
            await until(lambda: person.ear.hears(COLLECTOR_HZ), "they go on")
            shown = await own.send("POST", f"{desk}/recording/resume")
            assert shown["recording_paused_since"] is None
        n_heard = len(person.ear.pcm)
        await until(lambda: len(person.ear.pcm) > n_heard + 16_000, "a second more")
        person.hang_up()
        (attempt,) = await lab.settled()
        samples, marks = await audio_of(lab, attempt.attempt_id)
        for channel in (0, 1):
            assert loudest(samples[:, channel], CARD_HZ) < 0.002
            assert loudest(samples[:, channel], REPEATED_HZ) < 0.002
        assert loudest(samples[:, 0], PERSON_HZ) > 0.05
        assert loudest(samples[-8000:, 1], COLLECTOR_HZ) > 0.05, "it goes on after the gap"
        (gap,) = [mark for mark in marks if mark["kind"] == "paused"]
        begin, end = int(str(gap["from_ms"])) * 8, int(str(gap["to_ms"])) * 8
        assert end - begin > CARD_MS * 8
        assert not samples[begin + PACKET : end - PACKET].any(), "the gap is silence"
        noted = [(entry.action, entry.subject) for _, entry in await lab.app.storage.audit.list()]
        subject = f"attempt/{attempt.attempt_id}"
        assert noted[:3] == [("recording.resume", subject), ("recording.pause", subject), ("recording.pause", subject)]


async def test_a_recording_that_breaks_off_is_told(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 36400) as lab:
        person, agent_id = await talking(lab), lab.agent_ids[0]
        assert lab.app.desk.view(agent_id).recorded
        assert (await lab.app.desk.pause_recording(agent_id)).recorded, "a pause is a part of it"
        (runner,) = lab.app.floor
        assert runner.audio is not None
        seen, _ = lab.app.board.frame_of(f"agent/{agent_id}", 0)
        broken = RecordingFailed(runner.audio.leg.leg_id, 0.0, runner.audio.recording_id, "the disk is full")
        runner.audio._on_event(broken)
        assert lab.app.board.frame_of(f"agent/{agent_id}", seen)[1], "the page looks again"
        shown = lab.app.desk.view(agent_id)
        assert (shown.recorded, shown.recording_paused_since) == (False, None)
        with pytest.raises(DialerError, match="is not recorded"):
            await lab.app.desk.pause_recording(agent_id)
        person.hang_up()
        await lab.settled()
        assert not lab.app.desk.view(agent_id).recorded


async def test_a_pause_ends_by_itself(tmp_path: Path) -> None:
    async with call_lab(tmp_path, 36200) as lab:
        person, agent_id = await talking(lab), lab.agent_ids[0]
        (runner,) = lab.app.floor
        runner.pause.longest_s = 0.3
        shown = await lab.app.desk.pause_recording(agent_id)
        assert shown.recording_paused_since is not None
        await until(lambda: lab.app.desk.view(agent_id).recording_paused_since is None, "it is recorded again")
        assert (await lab.app.desk.resume_recording(agent_id)).recording_paused_since is None
        await lab.app.desk.pause_recording(agent_id)
        person.hang_up()
        (attempt,) = await lab.settled()
        with pytest.raises(DialerError, match="no talk"):
            await lab.app.desk.pause_recording(agent_id)
        recording = await lab.recording(attempt.attempt_id)
        assert not recording.truncated, "one that ends paused ends in order"
