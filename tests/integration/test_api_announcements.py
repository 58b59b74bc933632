"""The library of announcements over the API and on the command line: recordings in, names for what calls heard."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import CliRunner, Result

from dialer.api.routes.announcements import MEANINGS
from dialer.cli.main import app
from dialer.media.g711 import samples_of
from dialer.media.interface import Codec
from dialer.model.account import Role
from dialer.model.announcement import AnnouncementMeaning, UnknownHeard
from dialer.outcomes import verdict_audio
from dialer.progress.fingerprint import fingerprint_of
from dialer.prompts.signals import silence
from dialer.simulator.voices import VOICES_DIR
from tests.support.announcements import companded, louder, recording
from tests.support.house import House, open_house
from tests.support.storage import MONDAY

POWERED_OFF = VOICES_DIR / "announcement_powered_off.flac"
HEARD = {"announcement_powered_off.flac", "human_zh_wei.flac"}
FLAC = "audio/flac"
NO_QUERY: Mapping[str, str] = {}
OFF = {"title": "已关机", "meaning": "powered_off", "language": "zh"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def sounds() -> dict[str, bytes]:
    """Read before the loop runs: files as they are sent, and one recording as a call would hear it."""
    names = ("powered_off", "suspended", "sit_en")
    return {name: (VOICES_DIR / f"announcement_{name}.flac").read_bytes() for name in names} | {
        "pcm": recording("powered_off")
    }


async def ask(house: House, method: str, path: str, role: Role = Role.QA, **more: Any) -> tuple[int, Any]:
    headers = house.auth(role) | more.pop("headers", {})
    async with house.api.request(method, path, headers=headers, **more) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if answer.content_type.endswith("json") else raw


async def send(
    house: House, path: str, data: bytes, query: Mapping[str, str] = NO_QUERY, role: Role = Role.QA, kind: str = FLAC
) -> tuple[int, Any]:
    return await ask(house, "POST", path, role, data=data, params=query, headers={"Content-Type": kind})


async def unknown(house: House, pcm: bytes, attempt_id: int = 1) -> int:
    heard = UnknownHeard(attempt_id, 1, MONDAY, "main", 480)
    audio = await asyncio.to_thread(verdict_audio.wav_of, pcm)
    return await house.storage.announcements.keep_unknown(heard, fingerprint_of(pcm), audio)


async def actions(house: House) -> list[str]:
    return [entry.action for _, entry in await house.storage.audit.list()][::-1]


def test_every_meaning_has_words_in_both_languages() -> None:
    assert set(MEANINGS) == set(AnnouncementMeaning)
    assert all(zh and en for zh, en in MEANINGS.values())


async def test_a_recording_is_added_listed_matched_and_removed(house: House, sounds: dict[str, bytes]) -> None:
    status, added = await send(house, "/v1/announcements", sounds["powered_off"], OFF)
    assert (status, added["meaning_zh"], added["meaning_en"], added["source"]) == (
        201,
        "关机",
        "switched off",
        "uploaded",
    )
    assert await ask(house, "GET", "/v1/announcements", Role.AUDITOR) == (200, {"items": [added]})
    status, found = await send(house, "/v1/announcements/match", sounds["powered_off"])
    named, certain = found["items"]
    assert (status, certain["announcement_id"], certain["meaning"]) == (200, added["announcement_id"], "powered_off")
    assert (named["certain"], certain["certain"]) == (False, True)
    assert 0 < named["matched_ms"] - named["starts_ms"] <= 1500
    assert await send(house, "/v1/announcements/match", sounds["sit_en"]) == (200, {"items": []})
    path = f"/v1/announcements/{added['announcement_id']}"
    assert await ask(house, "DELETE", path) == (204, b"")
    assert (await ask(house, "DELETE", path))[0] == 404
    assert await actions(house) == ["announcement.add", "announcement.remove"]
    assert list(house.services.uploads_dir.iterdir()) == []


async def test_all_of_a_carrier_are_taken_at_their_first_word(house: House, sounds: dict[str, bytes]) -> None:
    ids = []
    for meaning in ("powered_off", "suspended"):
        _, added = await send(house, "/v1/announcements", sounds[meaning], OFF | {"meaning": meaning})
        ids.append(added["announcement_id"])
    path = "/v1/announcements/complete"
    all_of = {"carrier": "carrier", "announcement_ids": ids}
    status, refused = await ask(house, "POST", path, json=all_of | {"announcement_ids": [*ids, 99]})
    assert (status, refused["errors"][0]["field"]) == (422, "announcement_ids")
    status, stated = await ask(house, "POST", path, json=all_of)
    assert (status, [item["complete_set"] for item in stated["items"]]) == (200, ["carrier", "carrier"])
    _, found = await send(house, "/v1/announcements/match", sounds["powered_off"])
    assert [match["certain"] for match in found["items"]] == [True]
    assert await ask(house, "DELETE", f"/v1/announcements/{ids[1]}") == (204, b"")
    _, left = await ask(house, "GET", "/v1/announcements")
    assert [item["complete_set"] for item in left["items"]] == [""], "one is not known any more"
    assert (await ask(house, "POST", path, Role.AUDITOR, json=all_of))[0] == 403
    assert await actions(house) == [*["announcement.add"] * 2, "announcement.complete", "announcement.remove"]


async def test_one_that_moves_to_another_carrier_leaves_a_set_incomplete(
    house: House, sounds: dict[str, bytes]
) -> None:
    ids = []
    for meaning in ("powered_off", "suspended"):
        _, added = await send(house, "/v1/announcements", sounds[meaning], OFF | {"meaning": meaning})
        ids.append(added["announcement_id"])
    library = house.storage.announcements
    assert await library.state_complete("one", ids)
    assert await library.state_complete("other", ids[1:])
    assert [entry.complete_set for entry in await library.all()] == ["", "other"]


async def test_one_recording_cannot_mean_two_things(house: House, sounds: dict[str, bytes]) -> None:
    assert (await send(house, "/v1/announcements", sounds["powered_off"], OFF))[0] == 201
    other = OFF | {"meaning": "suspended"}
    status, problem = await send(house, "/v1/announcements", sounds["powered_off"], other)
    assert (status, problem["detail"]) == (
        409,
        "announcement 1 sounds the same and means something else; remove it first",
    )
    assert (await send(house, "/v1/announcements", sounds["suspended"], other))[0] == 201, "one syllable differs"
    cluster = await unknown(house, sounds["pcm"])
    path = f"/v1/announcements/unknown/{cluster}/name"
    assert (await ask(house, "POST", path, json=other))[0] == 409


@pytest.mark.parametrize(
    ("data", "kind", "status", "words"),
    [
        (b"RIFF nothing", "audio/wav", 422, "body"),
        (b"", FLAC, 422, "body"),
        (b"x", "text/csv", 415, "audio/wav"),
    ],
)
async def test_what_is_no_recording_is_refused(house: House, data: bytes, kind: str, status: int, words: str) -> None:
    got, problem = await send(house, "/v1/announcements", data, OFF, kind=kind)
    assert (got, words in problem["detail"]) == (status, True), problem
    assert str(house.services.uploads_dir) not in json.dumps(problem)


async def test_a_recording_with_hardly_any_speech_is_refused(house: House, tmp_path: Path) -> None:
    short = verdict_audio.wav_of(silence(3000))
    status, problem = await send(house, "/v1/announcements", short, OFF, kind="audio/wav")
    assert (status, problem["errors"][0]["fix"]) == (422, "send the whole announcement")


async def test_who_may_do_what(house: House, sounds: dict[str, bytes]) -> None:
    for role in (Role.AUDITOR, Role.COLLECTOR, Role.INTEGRATION):
        assert (await send(house, "/v1/announcements", sounds["powered_off"], OFF, role))[0] == 403
    assert (await ask(house, "GET", "/v1/announcements", Role.COLLECTOR))[0] == 403
    assert (await ask(house, "GET", "/v1/announcements/unknown", Role.AUDITOR))[0] == 200
    cluster = await unknown(house, sounds["pcm"])
    assert (await ask(house, "GET", f"/v1/announcements/unknown/{cluster}/audio", Role.AUDITOR))[0] == 403


async def test_what_calls_heard_is_heard_again_and_named(house: House, sounds: dict[str, bytes]) -> None:
    cluster = await unknown(house, sounds["pcm"])
    assert await unknown(house, companded(louder(sounds["pcm"], -12), Codec.PCMU), 2) == cluster
    status, listed = await ask(house, "GET", "/v1/announcements/unknown")
    (item,) = listed["items"]
    assert (status, item["times"]) == (200, 2)
    assert item["heard_with"] == [{"trunk": "main", "sip_status": 480, "times": 2}]
    status, audio = await ask(house, "GET", f"/v1/announcements/unknown/{cluster}/audio")
    assert (status, audio[:4]) == (200, b"RIFF")
    status, named = await ask(house, "POST", f"/v1/announcements/unknown/{cluster}/name", json=OFF)
    assert (status, named["source"], named["title"]) == (200, f"calls, cluster {cluster}", "已关机")
    for path in (f"/v1/announcements/unknown/{cluster}/name", "/v1/announcements/unknown/99/name"):
        assert (await ask(house, "POST", path, json=OFF))[0] == 404
    assert (await ask(house, "GET", f"/v1/announcements/unknown/{cluster}/audio"))[0] == 404
    assert await actions(house) == ["announcement.audio", "announcement.name"]


# ---- the command line


async def run(house: House, *arguments: object) -> Result:
    more = ["--url", str(house.api.make_url("/")), "--token", house.tokens[Role.QA]]
    words = ["announcements", *(str(argument) for argument in arguments), *more]
    return await asyncio.to_thread(CliRunner().invoke, app, words)


async def test_commands_fill_and_ask_the_library(house: House, tmp_path: Path) -> None:
    added = await run(house, "add", POWERED_OFF, "--meaning", "powered_off", "--title", "已关机")
    assert (added.exit_code, added.output) == (0, "announcement_powered_off.flac: announcement 1, 关机 switched off\n")
    assert "已关机" in (await run(house, "list")).output
    broken = tmp_path / "broken.wav"
    await asyncio.to_thread(broken.write_bytes, b"RIFF")
    heard = await run(house, "match", POWERED_OFF, broken)
    assert heard.exit_code == 1
    assert "announcement_powered_off.flac: begins like 已关机 (powered_off) at" in heard.output
    assert "announcement_powered_off.flac: 已关机 (powered_off) at" in heard.output
    assert (await run(house, "complete", "carrier", 1)).output == "carrier: 1 announcements are all\n"
    assert "begins like" not in (await run(house, "match", POWERED_OFF)).output
    assert (await run(house, "complete", "carrier")).output == "carrier: nobody says what all are\n"
    assert "broken.wav" in heard.output
    inside = tmp_path / "inside"
    await asyncio.to_thread(shutil.copytree, POWERED_OFF.parent, inside, ignore=lambda _, names: set(names) - HEARD)
    folder = await run(house, "match", inside)
    assert folder.exit_code == 0
    assert {line.partition(":")[0] for line in folder.output.splitlines()} == HEARD
    (inside.parent / "empty").mkdir()
    assert (await run(house, "match", inside.parent / "empty")).exit_code == 1
    assert (await run(house, "remove", 1)).exit_code == 0
    assert (await run(house, "match", POWERED_OFF)).output.endswith("nothing that is known\n")


async def test_an_exported_library_matches_without_a_service(house: House, tmp_path: Path) -> None:
    await run(house, "add", POWERED_OFF, "--meaning", "powered_off")
    library = tmp_path / "library.jsonl"
    assert (await run(house, "export", library)).exit_code == 0
    offline = ["announcements", "match", str(POWERED_OFF), "--library", str(library), "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, app, offline)
    matches = json.loads(result.stdout)["matches"]
    assert [match["certain"] for match in matches] == [False, True]
    assert {(match["title"], match["meaning"]) for match in matches} == {("announcement_powered_off", "powered_off")}
    await asyncio.to_thread(library.write_text, '{"title": 3}\n', encoding="utf-8")
    result = await asyncio.to_thread(CliRunner().invoke, app, offline)
    assert "is no library" in str(result.exception)


async def test_commands_show_and_name_what_calls_heard(house: House, sounds: dict[str, bytes], tmp_path: Path) -> None:
    cluster = await unknown(house, sounds["pcm"])
    shown = await run(house, "unknown", "--audio", tmp_path / "heard")
    assert "main: 480 ×1" in shown.output
    samples, rate_hz = await asyncio.to_thread(soundfile.read, tmp_path / "heard" / f"{cluster}.wav", dtype="int16")
    assert rate_hz == 8000
    assert (samples == samples_of(sounds["pcm"])[: len(samples)]).all()
    named = await run(house, "name", cluster, "--meaning", "powered_off", "--title", "已关机")
    assert named.output == "announcement 1: 已关机, 关机 switched off\n"
    assert (await run(house, "unknown", "--json")).output == ""
