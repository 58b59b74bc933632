"""Proofs over a running service: exported, checked, tampered with, read in words, and asked why."""

import asyncio
import copy
import hashlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dialer.cli.main import app
from dialer.errors import DialerError, StorageError
from dialer.model.account import Role
from dialer.model.attempt import Attempt, Disposition
from dialer.model.campaign import CampaignState
from dialer.model.contact import CaseStatus
from dialer.model.decision import Decision
from dialer.model.entry import NextStep
from dialer.storage import Listing, proof_reading
from dialer.storage.proof_reading import ChainRange, StoredLink
from tests.support.house import House, open_house
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, run_campaign

Line = dict[str, Any]


@dataclass
class SetClock:
    """Stands where it was set."""

    now: datetime = MONDAY - timedelta(hours=1)

    def monotonic(self) -> float:
        return time.monotonic()

    def utcnow(self) -> datetime:
        return self.now


@dataclass
class Scene:
    """A house in which some calls were made and refused on Monday morning."""

    house: House
    clock: SetClock
    campaign_id: int
    called: Attempt
    again: Decision

    async def run(self, *arguments: object, role: Role = Role.AUDITOR, stdin: bytes | None = None) -> Result:
        more = ("--url", str(self.house.api.make_url("/")), "--token", self.house.tokens[role])
        words = [str(argument) for argument in (*arguments, *more)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, words, input=stdin))

    async def ask(self, **body: object) -> Any:
        async with self.house.api.post("/v1/why", json=body, headers=self.house.auth(Role.SUPERVISOR)) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def export(self, role: Role = Role.AUDITOR, **query: str) -> list[Line]:
        async with self.house.api.get("/v1/proofs/export", params=query, headers=self.house.auth(role)) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "application/jsonl"
            return [json.loads(line) for line in (await answer.read()).splitlines()]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = SetClock()
    async with open_house(tmp_path, clock=clock) as house:
        dialing = Dialing(house.storage, house.services.policy.current(clock.now))
        campaign_id = await run_campaign(house.storage, contacts(3))
        first, second, third = await dialing.claim(campaign_id, 3)
        called = await dialing.reserve(dialing.reservation(first))
        later = NextStep(called.phone_id, MONDAY + timedelta(hours=3), exhausted=False, reason="busy, again later")
        await dialing.settle(called, Disposition.BUSY, MONDAY + MINUTE, later)
        again = await dialing.ask(dialing.by_hand(first), MONDAY + 2 * MINUTE)
        assert isinstance(again, Attempt)
        await dialing.settle(again, Disposition.NO_ANSWER, MONDAY + 3 * MINUTE, None)
        await house.storage.cases.set_status(
            second.contact.case_ref, CaseStatus.PAID, MONDAY, source="test", node="node1"
        )
        refused = await dialing.ask(dialing.by_hand(second), MONDAY + 4 * MINUTE)
        assert isinstance(refused, Decision)
        done = await dialing.reserve(dialing.reservation(third), MONDAY + 5 * MINUTE)
        await dialing.settle(done, Disposition.CONNECTED, MONDAY + 6 * MINUTE, NO_MORE)
        clock.now = MONDAY + 10 * MINUTE
        yield Scene(house, clock, campaign_id, called, refused)


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
    third = _links(await scene.export())[2]
    vouched = await scene.run("proof", "verify", "--since", since, "--head", f"node1:3:{third['hash']}")
    assert vouched.exit_code == 0, vouched.output
    early = await scene.run("proof", "verify", "--until", since)
    assert (early.exit_code, "goes on after these links" in early.stdout) == (3, True)


def _body(line: Line) -> Line:
    return json.loads(line["body"])  # type: ignore[no-any-return]


def _links(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["type"] == "link"]


def _forge(line: Line, **changes: object) -> None:
    """Changed with its own new hash beside it."""
    body = json.dumps(_body(line) | changes, separators=(",", ":"), ensure_ascii=False)
    line |= {"body": body, "hash": hashlib.sha256(body.encode()).hexdigest()}


def _change_a_byte(lines: list[Line]) -> None:
    line = _links(lines)[1]
    line["body"] = line["body"].replace('"predictive"', '"progressive"').replace('"progressive"', '"predictive"', 1)
    line["body"] = line["body"].replace("138****", "139****")


def _rewrite_a_decision(lines: list[Line]) -> None:
    """The whole rest of the chain is forged after it: only the rules themselves tell."""
    links = _links(lines)
    decision = _body(links[5])["decision"] | {"allowed": True, "rule": "", "retry_at": None}
    _forge(links[5], kind="allowed", decision=decision)
    for before, after in pairwise(links[5:]):
        _forge(after, previous=before["hash"])
    next(line for line in lines if line["type"] == "head")["hash"] = links[-1]["hash"]


def _change_a_pack(lines: list[Line]) -> None:
    pack = next(line for line in lines if line["type"] == "pack")
    pack["content"] = pack["content"].replace("18:00", "23:00")


def _remove_a_link(lines: list[Line]) -> None:
    lines.remove(_links(lines)[3])


def _swap_links(lines: list[Line]) -> None:
    a, b = (lines.index(link) for link in _links(lines)[3:5])
    lines[a], lines[b] = lines[b], lines[a]


def _cut_off(lines: list[Line]) -> None:
    del lines[-4:]


def _cut_links_off(lines: list[Line]) -> None:
    lines.remove(_links(lines)[-1])
    lines[-1]["links"] -= 1


def _remove_the_chain(lines: list[Line]) -> None:
    lines[:] = [line for line in lines if line["type"] in ("export", "pack", "policy", "head")] + [
        {"type": "end", "links": 0}
    ]


def _garble(lines: list[Line]) -> None:
    lines.insert(3, {"type": "nonsense"})


DAMAGES: tuple[tuple[Callable[[list[Line]], None], str], ...] = (
    (_change_a_byte, "node1:2 (attempt 1): changed"),
    (_rewrite_a_decision, "other decision: on record it is allowed, by its own facts and rules it is refused by"),
    (_change_a_pack, "was changed after it was hashed"),
    (_remove_a_link, "node1:4: missing: link 4 is missing"),
    (_swap_links, "reordered"),
    (_cut_off, "the export has no end"),
    (_cut_links_off, "the source says that its head is link 8"),
    (_remove_the_chain, "cut off: it ends at link 0"),
    (_garble, "is no line of an export"),
)


async def test_whatever_is_altered_is_found(scene: Scene) -> None:
    sound = await scene.export()
    for damage, words in DAMAGES:
        lines = copy.deepcopy(sound)
        damage(lines)
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        checked = await scene.run("proof", "verify", "-", stdin=text.encode())
        assert checked.exit_code == 1, (damage, checked.output)
        assert words in " ".join(checked.stderr.split()), (damage, checked.stderr)


async def test_a_row_altered_in_the_database_is_found(scene: Scene, tmp_path: Path) -> None:
    def alter() -> None:
        with closing(sqlite3.connect(tmp_path / "dialer.db")) as database, database:
            database.execute("UPDATE proofs SET body = replace(body, 'busy', 'fax') WHERE sequence = 3")

    await asyncio.to_thread(alter)
    checked = await scene.run("proof", "verify")
    assert checked.exit_code == 1
    assert "node1:3 (attempt 1): changed" in " ".join(checked.stderr.split())
    shown = await scene.run("proof", "show", scene.called.attempt_id)
    assert "ALTERED" in shown.stdout
    answer = await scene.ask(about="case-2")
    assert answer["is_known"]


@pytest.mark.parametrize("content", ["x'fffe'", "x'7b7d'", "'text'"])
async def test_a_pack_altered_in_the_database_is_found(scene: Scene, tmp_path: Path, content: str) -> None:
    """What a link says can be read all the same; nothing is answered by the altered pack."""

    def alter() -> None:
        with closing(sqlite3.connect(tmp_path / "dialer.db")) as database, database:
            database.execute(f"UPDATE policy_packs SET content = {content}")
            database.execute("UPDATE policy_changes SET packs = 'x@yesterday'")

    await asyncio.to_thread(alter)
    checked = await scene.run("proof", "verify")
    assert checked.exit_code == 1
    assert "was changed after it was hashed" in " ".join(checked.stderr.split())
    shown = await scene.run("proof", "show", scene.called.attempt_id)
    assert shown.exit_code == 0, shown.output
    assert "the gate allowed the call" in shown.stdout
    then = await scene.ask(about="case-2", at=(MONDAY + 2 * MINUTE).isoformat())
    assert (then["packs"], bool(then["record"])) == ([], True)


async def test_a_link_about_packs_that_was_altered_answers_nothing(scene: Scene, tmp_path: Path) -> None:
    def alter() -> None:
        with closing(sqlite3.connect(tmp_path / "dialer.db")) as database, database:
            database.execute("UPDATE proofs SET body = replace(body, 'collection', 'marketing') WHERE kind = 'policy'")

    await asyncio.to_thread(alter)
    then = await scene.ask(about="case-2", at=(MONDAY + 2 * MINUTE).isoformat())
    assert then["packs"] == []


async def test_a_tail_cut_off_in_the_database_is_found_against_a_noted_head(scene: Scene, tmp_path: Path) -> None:
    noted = (await scene.run("proof", "head")).stdout.strip()

    def cut() -> None:
        with closing(sqlite3.connect(tmp_path / "dialer.db")) as database, database:
            database.execute("DELETE FROM proofs WHERE sequence = 8")
            database.execute("UPDATE proof_heads SET sequence = 7, hash = (SELECT hash FROM proofs WHERE sequence = 7)")

    await asyncio.to_thread(cut)
    unnoticed = await scene.run("proof", "verify")
    assert unnoticed.exit_code == 0, "nothing inside tells"
    checked = await scene.run("proof", "verify", "--head", noted)
    assert checked.exit_code == 1
    assert "the head noted elsewhere is link 8, but it ends at link 7" in " ".join(checked.stderr.split())


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (
            ["DELETE FROM attempts WHERE attempt_id = 1"],
            "node1 (attempt 1): other attempts: a link allowed the attempt, but it is not stored",
        ),
        (
            ["UPDATE attempts SET node = 'node2' WHERE attempt_id = 1"],
            "node1 (attempt 1): other attempts: a link allowed the attempt, but it is not stored",
        ),
        (
            ["UPDATE proofs SET attempt_id = 2 WHERE attempt_id = 1"],
            "node1 (attempt 1): other attempts: the attempt is stored, but no link allowed it",
        ),
        (
            # All links after the first of the chain are gone, and its head is set back: nothing in the chain tells.
            [
                "DELETE FROM proofs WHERE sequence > 1",
                "UPDATE proof_heads SET sequence = 1, hash = (SELECT hash FROM proofs WHERE sequence = 1)",
            ],
            "node1 (attempt 1): other attempts: the attempt is stored, but no link allowed it",
        ),
        (
            ["DELETE FROM proofs", "DELETE FROM proof_heads"],
            "node1 (attempt 1): other attempts: the attempt is stored, but no link allowed it",
        ),
    ],
)
async def test_attempts_and_links_that_lack_the_other_are_found(
    scene: Scene, tmp_path: Path, statements: list[str], words: str
) -> None:
    def alter() -> None:
        with closing(sqlite3.connect(tmp_path / "dialer.db")) as database, database:
            for statement in statements:
                database.execute(statement)

    await asyncio.to_thread(alter)
    checked = await scene.run("proof", "verify")
    assert checked.exit_code == 1
    assert words in " ".join(checked.stderr.split())


async def test_attempts_from_before_there_were_proofs_lack_none(scene: Scene, tmp_path: Path) -> None:
    def alter() -> None:
        with closing(sqlite3.connect(tmp_path / "dialer.db")) as database, database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(attempts)")]
            copied = ", ".join(columns[1:]).replace("reserved_at", "'2020-01-01 00:00:00.000000'")
            database.execute(f"INSERT INTO attempts ({', '.join(columns[1:])}) SELECT {copied} FROM attempts")

    await asyncio.to_thread(alter)
    checked = await scene.run("proof", "verify")
    assert checked.exit_code == 0, checked.stderr


async def test_an_export_that_breaks_off_is_not_taken_for_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(links: ChainRange) -> tuple[StoredLink, ...]:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(scene.house.storage.proof_reading, "page", broken)
    checked = await scene.run("proof", "verify")
    assert isinstance(checked.exception, DialerError)
    assert "export of proofs cut short" in caplog.text


async def test_wrong_arguments_are_told(scene: Scene, tmp_path: Path) -> None:
    wrong = await scene.run("proof", "verify", "--head", "node1:x")
    assert "write CHAIN:SEQUENCE:HASH" in str(wrong.exception)
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


# ---- why


async def test_why_of_a_case_that_was_paid(scene: Scene) -> None:
    answer = await scene.ask(about="case-1")
    (record,) = answer["record"]
    assert (record["allowed"], record["rule"]) == (False, scene.again.rule)
    assert record["local_times"][0]["zone"] == "Asia/Shanghai"
    (contact,) = answer["contacts"]
    assert contact["case_status"] == "paid"
    assert [number["number_masked"] for number in contact["numbers"]] == ["138****0001", "139****0001"]
    (said,) = contact["numbers"][0]["answers"]
    refusing = [rule for rule in said["decision"]["rules"] if not rule["kept"]]
    assert said["decision"]["retry_at"] is None
    assert ["paid" in rule["words"]["en"] and "已还款" in rule["words"]["zh"] for rule in refusing] == [True]
    assert [obstacle["code"] for obstacle in contact["obstacles"]] == ["stopped"]
    shown = await scene.run("why", "case-1")
    assert shown.exit_code == 0, shown.output
    for words in ("case-1: On record · 记录", "may not be called · 不可呼叫", "已还款", "the entry was stopped"):
        assert words in shown.stdout, shown.stdout
    assert "**" in shown.stdout


async def test_why_before_the_payment(scene: Scene) -> None:
    """With the facts as they were known then, by the packs that were in force."""
    then = MONDAY - 10 * MINUTE
    answer = await scene.ask(about="case-1", at=then.isoformat())
    assert answer["is_past"]
    assert answer["record"] == []
    assert [pack["name"] for pack in answer["packs"]] == ["cn-bank-card"]
    (said,) = answer["contacts"][0]["numbers"][0]["answers"]
    assert said["decision"]["allowed"] is True, said
    shown = await scene.run("why", "case-1", "--at", then.isoformat(), "--language", "en")
    assert "What the gate would have said at 2026-11-23 01:50:00 UTC" in shown.stdout
    assert "may be called" in shown.stdout
    night = await scene.ask(about="case-0", at="2026-11-24T20:00:00Z")
    decision = night["contacts"][0]["numbers"][0]["answers"][0]["decision"]
    assert not decision["allowed"]
    assert decision["retry_local"] == [{"zone": "Asia/Shanghai", "time": "2026-11-25T09:00:00+08:00"}]
    ahead = await scene.run("why", "case-0", "--at", "2026-11-24T20:00:00Z", "--language", "en")
    assert "What the gate would say at 2026-11-24 20:00:00 UTC, were nothing to change" in ahead.stdout


async def test_why_before_anything_was_on_record(scene: Scene) -> None:
    answer = await scene.ask(about="case-0", at="2026-01-01T00:00:00Z")
    assert answer["packs"] == []
    assert all(number["answers"] == [] for number in answer["contacts"][0]["numbers"])
    shown = await scene.run("why", "case-0", "--at", "2026-01-01T00:00:00Z")
    assert "not on record" in shown.stdout


async def test_why_of_a_number_in_any_spelling(scene: Scene) -> None:
    for spelling in ("13800000002", "+86 138 0000 0002", "0086-138-0000-0002"):
        answer = await scene.ask(about=spelling)
        assert answer["about"] == "138****0002"
        assert [record["attempt_id"] is not None for record in answer["record"]] == [True, True]
        assert answer["record"][0]["ended"] == "settled: no_answer"
        (number,) = answer["contacts"][0]["numbers"]
        assert number["number_masked"] == "138****0002"
        assert "13800000002" not in json.dumps(answer)
    (obstacle,) = answer["contacts"][0]["obstacles"]
    assert obstacle["code"] == "not_due"
    assert obstacle["until"] == "2026-11-23T05:00:00Z"
    (seen,) = {entry.subject for _, entry in await scene.house.storage.audit.list() if entry.action == "why.ask"}
    assert seen == "number/138****0002"


async def test_why_of_what_nobody_knows(scene: Scene) -> None:
    for about in ("nobody", "1390000", "13911112222"):
        answer = await scene.ask(about=about)
        assert not answer["is_known"]
        shown = await scene.run("why", about)
        assert "no list and no record knows" in shown.stdout
        assert "均无此" in shown.stdout
    subjects = {entry.subject for _, entry in await scene.house.storage.audit.list() if entry.action == "why.ask"}
    assert subjects == {"unknown", "number/139****2222"}


async def test_why_a_campaign_does_not_even_ask(scene: Scene) -> None:
    running, paused = CampaignState.RUNNING, CampaignState.PAUSED
    await scene.house.storage.campaigns.set_state(scene.campaign_id, running, paused, "lunch", MONDAY)
    answer = await scene.ask(about="case-0")
    codes = {obstacle["code"]: obstacle["words"] for obstacle in answer["contacts"][0]["obstacles"]}
    assert codes.keys() == {"campaign_not_running", "done"}
    assert "lunch" in codes["campaign_not_running"]["en"]
    assert "已暂停" in codes["campaign_not_running"]["zh"]


async def test_why_of_a_listed_number(scene: Scene) -> None:
    await scene.house.storage.do_not_call.add_number("+8613900000002", Listing("test", "asked"), MONDAY)
    answer = await scene.ask(about="case-2", at=(MONDAY + timedelta(hours=24)).isoformat())
    assert not answer["is_past"]
    first, second = (number["answers"][0]["decision"] for number in answer["contacts"][0]["numbers"])
    assert first["allowed"], first
    assert [rule["kind"] for rule in second["rules"] if not rule["kept"]] == ["do_not_call"]


# ---- what the documentation says


async def test_the_documented_script_checks_an_export_by_itself(scene: Scene, tmp_path: Path) -> None:
    """Without this program: it says nothing of a sound export, and something of every damage it can see."""
    script = tmp_path / "check.py"
    await asyncio.to_thread(lambda: script.write_text(_documented_script(), encoding="utf-8"))
    sound = await scene.export()
    assert await _run_script(script, sound) == ""
    for damage, _ in DAMAGES:
        if damage in (_rewrite_a_decision, _cut_off, _garble):
            continue  # it knows no rules, and reads what is there
        lines = copy.deepcopy(sound)
        damage(lines)
        assert await _run_script(script, lines), damage


def _documented_script() -> str:
    page = (Path(__file__).parents[2] / "docs" / "proofs.md").read_text(encoding="utf-8")
    return page.split("```python\n")[1].split("```")[0]


async def _run_script(script: Path, lines: list[Line]) -> str:
    def run() -> str:
        file = script.with_name("proofs.jsonl")
        file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-I", script, file], capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout

    return await asyncio.to_thread(run)
