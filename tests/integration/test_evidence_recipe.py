"""The recipe for public tools in docs/evidence.md, run as it stands there, gives the same answer as the program."""

import asyncio
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dialer.cli.main import app
from recording.heads import Head, public_pem
from recording.stamps import make_query
from tests.support.evidence import Evidence, open_evidence, write_config
from tests.support.ledgers import OTHER_KEY
from tests.support.schema import make_sqlite
from tests.support.time_stamps import Authority

ROOT = Path(__file__).parents[2]
T0 = datetime(2026, 1, 5, 2, tzinfo=UTC)
DOCUMENT = (ROOT / "docs/evidence.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.peer("openssl")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's files: two recordings, a third deleted, signed and stamped twice; and the key kept elsewhere."""
    folder = tmp_path_factory.mktemp("node")
    make_sqlite(folder / "dialer.db")

    async def make() -> None:
        async with open_evidence(folder, f"sqlite:///{folder / 'dialer.db'}") as node:
            node.clock.now = T0
            await node.record("node1-a-1")
            await node.sign()
            await node.record("node1-a-2", attempt=1)
            await node.record("node1-a-3", attempt=2)
            await node.delete("node1-a-3")
            await node.sign()
            await _stamp(node)

    asyncio.run(make())
    (folder / "keys").mkdir()
    shutil.copyfile(folder / "ledger.pub", folder / "keys" / "house.pem")
    with closing(sqlite3.connect(folder / "dialer.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


async def _stamp(node: Evidence) -> None:
    authority = Authority(node.config.node.data_dir / "tsa")
    await asyncio.to_thread(authority.make)
    for sequence, signed in await node.storage.ledger_reading.signed("node1", 0, 100):
        answer = await asyncio.to_thread(authority.stamp, make_query(signed.stamped).body)
        head = Head("node1", sequence, "")
        await node.storage.ledger_signing.keep_stamp(head, answer)


def _answers(folder: Path) -> tuple[bool, bool]:
    """Whether the program, and whether the recipe, finds something wrong."""
    config = write_config(folder)
    believed = ("--key", str(folder / "keys" / "house.pem"), "--tsa-certificate", str(folder / "tsa" / "ca.pem"))
    words = ("recordings", "verify", "--sealed-only", "--config", str(config), *believed)
    verified = CliRunner().invoke(app, words)
    exported = CliRunner().invoke(app, ["recordings", "ledger", str(folder / "out"), "--config", str(config)])
    assert exported.exit_code == 0, exported.exception
    said = _run(folder, "\n".join(BLOCKS))
    assert "entries, signed up to" in said
    return verified.exit_code != 0, "FAULT" in said


def _run(folder: Path, script: str) -> str:
    """What a shell says to the recipe, or a part of it."""
    variables = {"LEDGER": "out", "KEYS": "keys", "TSA": "tsa/ca.pem", "STORE": "recordings"}
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"} | {name: str(folder / path) for name, path in variables.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def files(clean: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    shutil.copytree(clean, tmp_path / "node")
    return tmp_path / "node"


def test_the_store_is_compared_whether_something_was_deleted_or_not(files: Path) -> None:
    assert _answers(files) == (False, False)
    (deleted,) = _run(files, BLOCKS[1]).splitlines()
    assert deleted.startswith("NOT IN THE LEDGER (or deleted): 2026/01/05/node1-a-3.")
    entries = files / "out" / "node1" / "entries.jsonl"
    lines = entries.read_text("utf-8").splitlines(keepends=True)
    entries.write_text("".join(line for line in lines if '"tombstone"' not in line), "utf-8")
    assert _run(files, BLOCKS[1]) == ""
    _flip(files)
    assert "FAULT: 2026/01/05/node1-a-1." in _run(files, BLOCKS[1])


def _sql(statement: str) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "dialer.db")) as database, database:
            database.execute(statement)

    return tamper


def _flip(folder: Path) -> None:
    (path,) = (folder / "recordings").rglob("node1-a-1.*.flac.sealed")
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def _other_key(folder: Path) -> None:
    (folder / "keys" / "house.pem").write_bytes(public_pem(OTHER_KEY.public_key()))


NEWEST = "(SELECT max(sequence) FROM ledger_signatures)"


@pytest.mark.parametrize(
    "tamper",
    [
        _flip,
        _other_key,
        _sql("DELETE FROM ledger WHERE sequence = 4"),
        _sql("UPDATE ledger SET body = replace(body, 'case-1', 'case-7')"),
        _sql("DELETE FROM ledger WHERE sequence = (SELECT max(sequence) FROM ledger)"),
        _sql(f"UPDATE ledger_signatures SET signature = zeroblob(64) WHERE sequence = {NEWEST}"),
        _sql(
            "UPDATE ledger_signatures SET stamp = (SELECT stamp FROM ledger_signatures ORDER BY sequence LIMIT 1) "
            f"WHERE sequence = {NEWEST}"
        ),
    ],
    ids=["flipped bit", "other key", "removed", "altered", "cut off", "bad signature", "exchanged stamp"],
)
def test_both_find_the_same(files: Path, tamper: Callable[[Path], None]) -> None:
    tamper(files)
    assert _answers(files) == (True, True)
