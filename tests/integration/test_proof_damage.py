"""Proofs that were tampered with, in an export and in the database: whatever is altered is found."""

import asyncio
import copy
import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.proof_scene import Line, Scene, links_of, open_scene
from tests.support.storage import MINUTE, MONDAY


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as opened:
        yield opened


def _body(line: Line) -> Line:
    return json.loads(line["body"])  # type: ignore[no-any-return]


def _forge(line: Line, **changes: object) -> None:
    """Changed with its own new hash beside it."""
    body = json.dumps(_body(line) | changes, separators=(",", ":"), ensure_ascii=False)
    line |= {"body": body, "hash": hashlib.sha256(body.encode()).hexdigest()}


def _change_a_byte(lines: list[Line]) -> None:
    line = links_of(lines)[1]
    line["body"] = line["body"].replace('"predictive"', '"progressive"').replace('"progressive"', '"predictive"', 1)
    line["body"] = line["body"].replace("138****", "139****")


def _rewrite_a_decision(lines: list[Line]) -> None:
    """The whole rest of the chain is forged after it: only the rules themselves tell."""
    links = links_of(lines)
    decision = _body(links[5])["decision"] | {"allowed": True, "rule": "", "retry_at": None}
    _forge(links[5], kind="allowed", decision=decision)
    for before, after in pairwise(links[5:]):
        _forge(after, previous=before["hash"])
    next(line for line in lines if line["type"] == "head")["hash"] = links[-1]["hash"]


def _change_a_pack(lines: list[Line]) -> None:
    pack = next(line for line in lines if line["type"] == "pack")
    pack["content"] = pack["content"].replace("18:00", "23:00")


def _remove_a_link(lines: list[Line]) -> None:
    lines.remove(links_of(lines)[3])


def _swap_links(lines: list[Line]) -> None:
    a, b = (lines.index(link) for link in links_of(lines)[3:5])
    lines[a], lines[b] = lines[b], lines[a]


def _cut_off(lines: list[Line]) -> None:
    del lines[-4:]


def _cut_links_off(lines: list[Line]) -> None:
    lines.remove(links_of(lines)[-1])
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
