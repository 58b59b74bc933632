"""Prompts of the house: uploaded, heard, replaced and taken back, and what calls then say."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dialer.calls.prompts import render_prompts
from dialer.calls.signals import PromptRole
from dialer.model.account import Role
from dialer.model.campaign import CampaignSettings
from tests.support.house import House, open_house
from tests.support.storage import run_campaign

ADMINISTRATOR = Role.ADMINISTRATOR
WAV = {"Content-Type": "audio/wav"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


def recording(hz: float, length_s: float = 1.0, rate_hz: int = 44_100) -> bytes:
    """A stereo WAV, as a studio sends it."""
    at = np.arange(int(length_s * rate_hz)) / rate_hz
    mono = 0.3 * np.sin(2 * np.pi * hz * at)
    file = io.BytesIO()
    soundfile.write(file, np.stack([mono, mono], axis=1), rate_hz, format="WAV", subtype="PCM_24")
    return file.getvalue()


async def upload(house: House, body: bytes, name: str = "safe_harbour", query: str = "") -> dict[str, object]:
    headers = house.auth(ADMINISTRATOR) | WAV
    async with house.api.post(f"/v1/prompts/{name}{query}", data=body, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        said: dict[str, object] = await answer.json()
        return said


async def hear(house: House, path: str, **headers: str) -> tuple[int, bytes]:
    async with house.api.get(path, headers=house.auth(ADMINISTRATOR) | headers) as answer:
        return answer.status, await answer.read()


async def listed(house: House, name: str) -> dict[str, object]:
    async with house.api.get("/v1/prompts", headers=house.auth(ADMINISTRATOR)) as answer:
        return next(item for item in (await answer.json())["items"] if item["name"] == name)


def loudest_hz(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    return float(np.abs(np.fft.rfft(samples)).argmax()) * 8000 / samples.size


async def said_in_calls(house: House) -> bytes:
    """What an abandoned person hears."""
    prompts = await render_prompts(house.services.prompts, CampaignSettings())
    return prompts.roles[PromptRole.SAFE_HARBOUR]


async def test_calls_say_what_was_uploaded_until_it_is_taken_back(house: House) -> None:
    shipped = await said_in_calls(house)
    first = await upload(house, recording(440.0), query="?note=studio")
    assert (first["length_ms"], first["in_use"], first["note"]) == (1000, True, "studio")
    assert loudest_hz(await said_in_calls(house)) == pytest.approx(440.0, abs=2)
    second = await upload(house, recording(880.0))
    assert loudest_hz(await said_in_calls(house)) == pytest.approx(880.0, abs=2)
    headers = house.auth(ADMINISTRATOR)
    async with house.api.post(f"/v1/prompts/versions/{first['prompt_id']}/use", headers=headers) as answer:
        assert (await answer.json())["in_use"] is True
    assert loudest_hz(await said_in_calls(house)) == pytest.approx(440.0, abs=2)
    versions = (await listed(house, "safe_harbour"))["versions"]
    assert isinstance(versions, list)
    in_use = [(version["prompt_id"], version["in_use"]) for version in versions]
    assert in_use == [(second["prompt_id"], False), (first["prompt_id"], True)]
    for status in (204, 404):
        async with house.api.delete("/v1/prompts/safe_harbour", headers=headers) as answer:
            assert answer.status == status
    assert await said_in_calls(house) == shipped
    actions = [entry.action for _, entry in await house.storage.audit.list("prompt/safe_harbour")]
    assert actions == ["prompt.withdraw", "prompt.use", "prompt.upload", "prompt.upload"]


async def test_a_language_has_its_own(house: House) -> None:
    await upload(house, recording(440.0))
    english = await upload(house, recording(880.0), query="?language=en")
    _, wav = await hear(house, "/v1/prompts/safe_harbour/audio?language=en")
    assert loudest_hz(wav[44:]) == pytest.approx(880.0, abs=2)
    _, wav = await hear(house, "/v1/prompts/safe_harbour/audio")
    assert loudest_hz(wav[44:]) == pytest.approx(440.0, abs=2)
    _, wav = await hear(house, f"/v1/prompts/versions/{english['prompt_id']}/audio")
    assert loudest_hz(wav[44:]) == pytest.approx(880.0, abs=2)


async def test_listening_takes_ranges_and_scripts_speak_made_up_values(house: House) -> None:
    status, wav = await hear(house, "/v1/prompts/reminder/audio")
    assert (status, wav[:4]) == (200, b"RIFF")
    samples, rate_hz = soundfile.read(io.BytesIO(wav))
    assert (rate_hz, len(samples) > 5 * 8000) == (8000, True)
    status, part = await hear(house, "/v1/prompts/reminder/audio", Range="bytes=44-1043")
    assert (status, part) == (206, wav[44:1044])
    assert (await hear(house, "/v1/prompts/nothing/audio"))[0] == 409


async def test_the_list_says_where_each_comes_from_and_who_plays_it(house: House) -> None:
    campaign_id = await run_campaign(house.storage, [])
    await upload(house, recording(440.0), "own-words")
    own, shipped = await listed(house, "own-words"), await listed(house, "safe_harbour")
    assert (own["source"], own["kind"], own["used_by"]) == ("uploaded", "recording", [])
    assert (shipped["source"], shipped["languages"]) == ("shipped", ["en", "zh-CN"])
    assert shipped["used_by"] == [{"campaign_id": campaign_id, "name": "campaign"}]
    script, part = await listed(house, "reminder"), await listed(house, "reminder_due")
    assert (script["kind"], part["spoken_in"]) == ("script", ["reminder"])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"no sound at all", "cannot be read"),
        (recording(440.0)[:-1000], "cut short"),
        (recording(440.0, 0.05), "50 ms"),
        (recording(440.0, 301.0, 8000), "longer than 300 s"),
    ],
    ids=["empty", "text", "cut", "short", "long"],
)
async def test_what_cannot_be_played_is_refused_in_words(house: House, body: bytes, words: str) -> None:
    headers = house.auth(ADMINISTRATOR) | WAV
    async with house.api.post("/v1/prompts/safe_harbour", data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status == 422
        said = await answer.text()
    assert words in said
    assert str(house.services.uploads_dir) not in said
    assert list(house.services.uploads_dir.iterdir()) == []


async def test_only_administrators_change_what_is_said(house: House) -> None:
    for role, status in ((Role.SUPERVISOR, 403), (Role.COLLECTOR, 403), (ADMINISTRATOR, 201)):
        headers = house.auth(role) | WAV
        async with house.api.post("/v1/prompts/x", data=recording(440.0), headers=headers) as answer:
            assert answer.status == status
    headers = house.auth(ADMINISTRATOR) | WAV
    async with house.api.post("/v1/prompts/..%2Fb", data=recording(440.0), headers=headers) as answer:
        assert answer.status in (404, 422)
