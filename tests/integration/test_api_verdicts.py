"""Verdicts over the API and on the command line: listening is audited, labels are people's, the error has bounds."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import CliRunner

from dialer.cli.main import app
from dialer.compliance.policy import Policy
from dialer.media import g711
from dialer.media.interface import Codec
from dialer.model.account import Role
from dialer.model.verdict_sample import VerdictPhase
from dialer.outcomes import verdict_audio
from dialer.progress.verdict import Label
from tests.support.house import House, open_house
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY
from tests.support.verdicts import Judged, answered

WAV = verdict_audio.wav_of(g711.decode(b"\xd5\x2a" * 4000, Codec.PCMA).tobytes())
N = 6


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def judged(house: House, policy: Policy) -> Judged:
    """Machine verdicts with audio, and one of a person."""
    judged = await answered(house.storage, policy, N)
    for n in range(N):
        sample_id = await judged.keep(n, Label.HUMAN if n == 0 else Label.MACHINE, MONDAY + n * MINUTE)
        sample = await house.storage.verdict_samples.get(sample_id)
        assert sample is not None
        await asyncio.to_thread(verdict_audio.write, house.services.verdicts_dir, sample.audio_path, WAV)
    return judged


async def ask(house: House, method: str, path: str, role: Role = Role.QA, body: object = None) -> tuple[int, Any]:
    async with house.api.request(method, path, headers=house.auth(role), json=body) as answer:
        raw = await answer.read()
        return answer.status, json.loads(raw) if answer.content_type.endswith("json") else raw


async def log(house: House) -> list[tuple[str, str, str]]:
    entries = [entry for _, entry in await house.storage.audit.list()][::-1]
    return [(entry.action, entry.subject, entry.detail) for entry in entries]


async def test_verdicts_are_listed_by_filters_and_pages(house: House, judged: Judged) -> None:
    status, page = await ask(house, "GET", "/v1/verdicts?label=machine&labelled=false&limit=3")
    assert (status, len(page["items"]), page["next"]) == (200, 3, page["items"][-1]["sample_id"])
    _, rest = await ask(house, "GET", f"/v1/verdicts?label=machine&limit=3&cursor={page['next']}")
    assert [len(rest["items"]), rest["next"]] == [2, None]
    _, late = await ask(house, "GET", "/v1/verdicts?since=2026-11-23T10:05:00%2B08:00&campaign_id=1&phase=answered")
    (item,) = late["items"]
    assert (item["label"], item["made_at"], item["has_audio"]) == ("machine", "2026-11-23T02:05:00Z", True)
    assert "audio_path" not in item
    for wrong in ("since=2026-11-23T10:05:00", "label=cat", "phase=late", "labelled=perhaps"):
        assert (await ask(house, "GET", f"/v1/verdicts?{wrong}"))[0] == 422, wrong


async def test_listening_is_audited_and_not_for_everyone(house: House, judged: Judged) -> None:
    path = "/v1/verdicts/2/audio"
    status, heard = await ask(house, "GET", path)
    assert (status, heard) == (200, WAV)
    assert await log(house) == [("verdict.audio", "verdict/2", "")]
    for role, expected in {Role.AUDITOR: 403, Role.COLLECTOR: 403, Role.INTEGRATION: 403, Role.SUPERVISOR: 200}.items():
        assert (await ask(house, "GET", path, role))[0] == expected, role
    assert (await ask(house, "GET", "/v1/verdicts/2", Role.AUDITOR))[0] == 200
    assert (await ask(house, "GET", "/v1/verdicts/2", Role.COLLECTOR))[0] == 403


async def test_audio_that_is_not_there_says_why(house: House, judged: Judged) -> None:
    await house.storage.verdict_samples.forget_audio([2])
    elsewhere = await judged.keep(
        0, phase=VerdictPhase.EARLY, label=Label.ANNOUNCEMENT, node="node7", audio_path="2026-11-23/9-early.wav"
    )
    expected = {2: "not kept any more", elsewhere: "ask node7", 99: "there is no such verdict"}
    for sample_id, words in expected.items():
        status, problem = await ask(house, "GET", f"/v1/verdicts/{sample_id}/audio")
        assert (status, words in problem["detail"]) == (404, True), problem
    assert await log(house) == []


async def test_a_label_is_a_persons_and_a_second_one_replaces_it(house: House, judged: Judged) -> None:
    status, first = await ask(house, "POST", "/v1/verdicts/2/label", body={"truth": "machine"})
    assert (status, first["truth"], first["labelled_by"]) == (200, "machine", "qa (qa, token/3)")
    _, second = await ask(house, "POST", "/v1/verdicts/2/label", Role.SUPERVISOR, {"truth": "human"})
    assert (second["truth"], second["labelled_by"]) == ("human", "supervisor (supervisor, token/2)")
    assert await log(house) == [
        ("verdict.label", "verdict/2", "machine heard as machine"),
        ("verdict.label", "verdict/2", "machine heard as human, was machine by qa (qa, token/3)"),
    ]
    assert (await ask(house, "POST", "/v1/verdicts/99/label", body={"truth": "human"}))[0] == 404
    assert (await ask(house, "POST", "/v1/verdicts/2/label", Role.AUDITOR, {"truth": "human"}))[0] == 403
    status, problem = await ask(house, "POST", "/v1/verdicts/2/label", body={"truth": "ringback"})
    assert (status, problem["errors"][0]["fix"]) == (422, "one of: fax, human, machine, silence, unknown")


async def test_what_is_drawn_and_labelled_gives_the_error_with_bounds(house: House, judged: Judged) -> None:
    body = {"campaign_id": judged.campaign_id, "n": 4, "seed": "li"}
    status, drawn = await ask(house, "POST", "/v1/verdicts/draw", body=body)
    assert (status, {item["label"] for item in drawn["items"]}, len(drawn["items"])) == (200, {"machine"}, 4)
    _, waiting = await ask(house, "GET", "/v1/verdicts?drawn=true&labelled=false")
    assert {item["sample_id"] for item in waiting["items"]} == {item["sample_id"] for item in drawn["items"]}
    for item, truth in zip(drawn["items"], ("human", "machine", "machine", "unknown"), strict=True):
        await ask(house, "POST", f"/v1/verdicts/{item['sample_id']}/label", body={"truth": truth})
    status, amd = await ask(house, "GET", f"/v1/campaigns/{judged.campaign_id}/amd", Role.AUDITOR)
    assert status == 200
    machines = {
        "phase": "answered",
        "label": "machine",
        "verdicts": 5,
        "heard": {"human": 1, "machine": 2, "unknown": 1},
    }
    assert machines in amd["counts"]
    false = amd["false_machines"]
    assert (false["verdicts"], false["listened"], false["people"], false["unclear"]) == (5, 3, 1, 1)
    assert 0 < false["low"] < false["share"] < false["high"] < 1
    assert (await log(house))[0] == ("verdict.draw", "campaign/1", "4 machine, seed li")
    assert (await ask(house, "POST", "/v1/verdicts/draw", body=body | {"campaign_id": 99}))[0] == 422
    assert (await ask(house, "GET", "/v1/campaigns/99/amd"))[0] == 404
    assert (await ask(house, "GET", "/v1/campaigns/1/amd?since=2026-12-01T00:00:00Z"))[1]["counts"] == []


async def test_a_listener_works_from_the_command_line(house: House, judged: Judged, tmp_path: Path) -> None:
    async def run(*words: str, to: str = "stdout") -> str:
        options = ["--url", str(house.api.make_url("")).rstrip("/"), "--token", house.tokens[Role.QA]]
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["verdicts", *words, *options], None, {"COLUMNS": "140"}
        )
        assert done.exit_code == 0, done.output
        return str(getattr(done, to))

    assert "nothing is known" in await run("rate", "1")
    drawn = json.loads(await run("draw", "1", "--n", "2", "--audio", str(tmp_path / "listen"), "--json"))
    ids = sorted(item["sample_id"] for item in drawn["items"])
    files = sorted((tmp_path / "listen").iterdir())
    assert [path.name for path in files] == [f"{sample_id}.wav" for sample_id in ids]
    assert (await asyncio.to_thread(soundfile.info, files[0])).frames == 8000
    for sample_id, truth in zip(ids, ("human", "machine"), strict=True):
        assert f"heard as {truth}" in await run("label", str(sample_id), truth)
    told = await run("rate", "1")
    assert "machine verdicts: 5; drawn and heard: 2; people: 1; that is 50.00 %, with 95 % confidence between" in told
    assert json.loads(await run("rate", "1", "--json"))["false_machines"]["people"] == 1
    listed = await run("list", "--labelled", "--label", "machine")
    assert listed.count("1840 ms") == 2
    assert len(json.loads(await run("list", "--json"))["items"]) == N
    assert "nobody has listened to" in await run("draw", "1", "--label", "fax", to="stderr")
