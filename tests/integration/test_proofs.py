"""Proofs over a running service: exported, checked whole and in part, and read in words."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialer.errors import DialerError, StorageError
from dialer.model.account import Role
from dialer.storage import proof_reading
from dialer.storage.proof_reading import ChainRange, StoredLink
from tests.support.proof_scene import Line, Scene, links_of, open_scene
from tests.support.storage import MINUTE, MONDAY


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as opened:
        yield opened


# ---- the export


async def test_an_export_holds_all_that_is_needed_to_check_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_reading, "PAGE", 3)  # so that there are several
    lines = await scene.export()
    kinds = [line["type"] for line in lines]
    assert (kinds[0], kinds[-2:]) == ("export", ["head", "end"])
    links = [line for line in lines if line["type"] == "link"]
    assert lines[-1]["links"] == len(links) == 8
    packs = [line for line in lines if line["type"] == "pack"]
    assert all(hashlib.sha256(pack["content"].encode()).hexdigest() == pack["sha256"] for pack in packs)
    assert all(hashlib.sha256(link["body"].encode()).hexdigest() == link["hash"] for link in links)
    said = [json.loads(link["body"]) for link in links]
    assert [body["kind"] for body in said] == [
        *("policy", "allowed", "settled", "allowed", "settled", "refused", "allowed", "settled")
    ]
    assert lines[-2] == {"type": "head", "chain": "node1", "sequence": 8, "hash": links[-1]["hash"]}
    whole = json.dumps(lines, ensure_ascii=False)
    assert "8613800" not in whole
    assert "13800000000" not in whole
    assert "王" not in whole
    (entry,) = [entry for _, entry in await scene.house.storage.audit.list(subject="proofs")]
    assert (entry.action, entry.detail) == ("proofs.export", "8 links")


async def test_an_export_of_a_time_and_after_a_place(scene: Scene) -> None:
    since = (MONDAY + 2 * MINUTE).isoformat()
    until = (MONDAY + 4 * MINUTE).isoformat()

    def sequences(lines: list[Line]) -> list[int]:
        return [json.loads(line["body"])["sequence"] for line in lines if line["type"] == "link"]

    assert sequences(await scene.export(since=since)) == [4, 5, 6, 7, 8]
    assert sequences(await scene.export(since=since, until=until)) == [4, 5]
    assert sequences(await scene.export(until=until)) == [1, 2, 3, 4, 5]
    assert sequences(await scene.export(after="node1:6")) == [7, 8]
    assert sequences(await scene.export(after="node1:8")) == []
    assert sequences(await scene.export(since="2030-01-01T00:00:00Z")) == []


async def test_odd_bounds_are_refused(scene: Scene) -> None:
    headers = scene.house.auth(Role.AUDITOR)
    for query, field in (
        ({"since": "2026-11-23T09:00:00"}, "query.since"),
        ({"since": "2026-11-23T09:00:00Z", "until": "2026-11-23T09:00:00Z"}, "query.until"),
        ({"after": "node1"}, "query.after.0"),
        ({"after": "node1:x"}, "query.after.0"),
    ):
        async with scene.house.api.get("/v1/proofs/export", params=query, headers=headers) as answer:
            problem = await answer.json()
            assert (answer.status, problem["errors"][0]["field"]) == (422, field)


# ---- checking it


async def test_a_sound_export_is_well(scene: Scene, tmp_path: Path) -> None:
    exported = await scene.run("proof", "export")
    assert exported.exit_code == 0, exported.output
    file = tmp_path / "proofs.jsonl"
    await asyncio.to_thread(file.write_bytes, exported.stdout_bytes)
    heads = await scene.run("proof", "head")
    noted = heads.stdout.strip()
    assert noted.startswith("node1:8:")
    assert "case system" in heads.stderr
    for arguments in ((), (file,), ("--head", noted), (file, "--head", noted)):
        checked = await scene.run("proof", "verify", *arguments)
        assert checked.exit_code == 0, checked.output
        assert "chain node1: 8 links, 1 to 8" in checked.stdout
        assert noted in checked.stdout
        assert "8 links, 4 decisions put to the gate again" in checked.stdout
        assert "all is well" in checked.stdout
    piped = await scene.run("proof", "verify", "-", stdin=exported.stdout_bytes)
    assert piped.exit_code == 0, piped.output


async def test_a_part_is_not_called_complete(scene: Scene) -> None:
    since = (MONDAY + 2 * MINUTE).isoformat()
    part = await scene.run("proof", "verify", "--since", since)
    assert part.exit_code == 3, part.output
    assert "begins in the middle: link 3" in part.stdout
    assert "not complete" in part.stdout
    third = links_of(await scene.export())[2]
    vouched = await scene.run("proof", "verify", "--since", since, "--head", f"node1:3:{third['hash']}")
    assert vouched.exit_code == 0, vouched.output
    early = await scene.run("proof", "verify", "--until", since)
    assert (early.exit_code, "goes on after these links" in early.stdout) == (3, True)


async def test_an_export_that_breaks_off_is_not_taken_for_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(links: ChainRange) -> tuple[StoredLink, ...]:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(scene.house.storage.proof_reading, "page", broken)
    checked = await scene.run("proof", "verify")
    assert isinstance(checked.exception, DialerError)
    assert "stream cut short" in caplog.text


async def test_wrong_arguments_are_told(scene: Scene, tmp_path: Path) -> None:
    wrong = await scene.run("proof", "verify", "--head", "node1:x")
    assert "write CHAIN:SEQUENCE:HASH" in str(wrong.exception)
    both = await scene.run("proof", "verify", "-", "--until", MONDAY.isoformat())
    assert "a file is checked as it is" in str(both.exception)
    missing = await scene.run("proof", "verify", tmp_path / "none.jsonl")
    assert "cannot read it" in str(missing.exception)
    refused = await scene.run("proof", "export", role=Role.SUPERVISOR)
    assert "may not" in str(refused.exception) or "role" in str(refused.exception)


# ---- in words


async def test_the_proof_of_an_attempt_in_words(scene: Scene) -> None:
    shown = await scene.run("proof", "show", scene.called.attempt_id)
    assert shown.exit_code == 0, shown.output
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80
    for words in (
        "the gate allowed the call  [node1:2]",
        "2026-11-23 02:00:00 UTC · Mon 2026-11-23 10:00:00 Asia/Shanghai",
        "cn-bank-card 2026-01-30 (draft, needs counsel)",
        "calendar cn-workdays, complete through",
        "cn.window",
        "0→1 of 6",
        "the attempt ended",
        "disposition: busy",
    ):
        assert words in shown.stdout, shown.stdout
    chinese = await scene.run("proof", "show", scene.called.attempt_id, "--language", "zh")
    assert "闸门允许呼叫" in chinese.stdout
    assert "符合" in chinese.stdout
    whole = json.loads((await scene.run("proof", "show", scene.called.attempt_id, "--json")).stdout)
    for link in whole["links"]:
        assert hashlib.sha256(link["body"].encode()).hexdigest() == link["hash"]
    unknown = await scene.run("proof", "show", 999)
    assert "there is no such attempt" in str(unknown.exception)
    entries = await scene.house.storage.audit.list(subject=f"attempt/{scene.called.attempt_id}")
    assert len(entries) == 3


async def test_the_attempt_itself_shows_its_decision_in_words(scene: Scene) -> None:
    path = f"/v1/attempts/{scene.called.attempt_id}"
    async with scene.house.api.get(path, headers=scene.house.auth(Role.QA)) as answer:
        decision = (await answer.json())["decision"]
    assert decision["allowed"] is True
    assert decision["reason"]["zh"].startswith("全部")
    assert {"rule", "title", "used", "limit", "kept"} <= decision["rules"][0].keys()
