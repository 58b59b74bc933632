"""The evidence pack: what it holds, and that the script inside it, by public tools alone, finds what was done to it."""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dialer.cli.main import app
from recording.heads import key_id_of, public_pem, read_statement
from tests.support import pack_tampering
from tests.support.evidence import evidence_config, open_evidence, write_config
from tests.support.pack_tampering import FORGER, RUN
from tests.support.packs import CASE, check, fill, house_key, make_pack, open_maker, pack_again, sum_again, unpack
from tests.support.schema import make_sqlite
from tests.support.time_stamps import Authority, open_authority


@dataclass(frozen=True, slots=True)
class Made:
    """A pack as somebody got it, the key the house published, and the authority's certificates from itself."""

    content: bytes
    key_id: str
    authority: Path
    another_authority: Path
    node: Path

    def unpacked(self, folder: Path) -> Path:
        return unpack(self.content, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("node")
    another = Authority(folder / "another", "another")
    another.make()
    return asyncio.run(_make(folder, another.certificate))


async def _make(folder: Path, another: Path) -> Made:
    make_sqlite(folder / "dialer.db")
    async with open_authority(folder / "tsa") as authority:
        trusted = str(authority.certificate)
        url = f"sqlite:///{folder / 'dialer.db'}"
        async with open_evidence(folder, url, tsa_url=authority.url, tsa_certificate=trusted) as node:
            await fill(node)
            await node.sign()
            async with open_maker(node) as maker:
                _, content = await make_pack(node, maker)
            return Made(content, house_key(node), authority.certificate, another, folder)


def test_a_good_pack_is_found_good(made: Made, tmp_path: Path) -> None:
    folder = made.unpacked(tmp_path)
    checked = check(folder, "--key", made.key_id, "--tsa", made.authority)
    assert checked.code == 0, checked.words
    for said in (
        "recording R1: its SHA-256 is the one in the ledger",
        "recording R1.r1: its SHA-256 is the one in the ledger",
        "recording R3: deleted 2026-11-23T02:02:00Z; tombstone in the ledger",
        "time stamp ",
        "ALL IS WELL",
    ):
        assert said in checked.words
    assert check(folder, "--key", folder / f"keys/{made.key_id}.pem").code == 0
    assert check(folder, "--key", made.key_id.upper()).code == 0


def test_without_a_key_from_elsewhere_something_stays_open(made: Made, tmp_path: Path) -> None:
    alone = check(made.unpacked(tmp_path))
    asked = f"OPEN: compare the key with the one the house published, or give that with --key: {made.key_id}"
    assert (alone.code, asked in alone.words) == (3, True)


@pytest.mark.parametrize("options", [("--key",), ("--key", "short"), ("--tsa", "nowhere.pem"), ("--what", "x")])
def test_what_is_asked_wrongly_cannot_be_checked(made: Made, tmp_path: Path, options: tuple[str, ...]) -> None:
    checked = check(made.unpacked(tmp_path), *options)
    assert (checked.code, checked.words.split(":")[0]) == (2, "CANNOT CHECK")


def test_what_a_pack_holds(made: Made, tmp_path: Path) -> None:
    folder = made.unpacked(tmp_path)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    audio = {name for name in names if name.startswith("recordings/")}
    kept = ("R1", "R1.r1", "R2")
    assert audio == {f"recordings/{name}.{what}" for name in kept for what in ("flac", "marks.json")}
    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert {file["name"] for file in files} == names - {"manifest.json", "SHA256SUMS"}
    assert all(file["sha256"] == hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest() for file in files)
    recordings = {each["recording_id"]: each for each in json.loads((folder / "recordings.json").read_text())}
    states = {name: each["state"] for name, each in recordings.items()}
    assert states == {"R1": "kept", "R1.r1": "kept", "R2": "kept", "R3": "deleted"}
    assert recordings["R1.r1"]["redaction_of"] == "R1"
    assert recordings["R1"]["retention"]["standing"] == "must_stay"
    assert [each["case_ref"] for each in json.loads((folder / "attempts.json").read_text())] == [CASE]
    lines = [json.loads(line) for line in (folder / "proofs.jsonl").read_text().splitlines()]
    assert {line["type"] for line in lines} == {"pack", "link"}
    assert oct((folder / "check.sh").stat().st_mode & 0o777) in ("0o644", "0o755")


def test_nobody_is_named_and_nothing_of_others_is_shown(made: Made, tmp_path: Path) -> None:
    folder = made.unpacked(tmp_path)
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (b"13800000002", b"13900000002", "王".encode(), b"others-", b"case-1", b"case-0"):
        assert secret not in everything, secret


# ---- what somebody does to a pack

NOT_LISTED = "is not in the list of what was packed"
LEAD = "the entries here do not lead to the signed head"


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (pack_tampering.flip_audio, "recordings/R1.flac is not the file that was packed"),
        (pack_tampering.take_away, "recordings/R2.flac is not the file that was packed, or is missing"),
        (pack_tampering.put_in, NOT_LISTED),
    ],
)
def test_what_went_wrong_on_the_way(made: Made, tmp_path: Path, tamper: Callable[[Path], None], words: str) -> None:
    folder = made.unpacked(tmp_path)
    tamper(folder)
    checked = check(folder, "--key", made.key_id)
    assert (checked.code, words in checked.words) == (1, True), checked.words


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (pack_tampering.flip_audio, "recordings/R1.flac is not the recording that was entered in the ledger"),
        (pack_tampering.unmark, "recordings/R2.marks.json is not what was entered in the ledger"),
        (pack_tampering.take_away, "recording R2 is in the ledger and not in the pack"),
        (pack_tampering.put_in, "recordings/R9.flac has no entry in the ledger"),
        (pack_tampering.swap, "recordings/R2.flac is not the recording that was entered in the ledger"),
        (
            pack_tampering.put_back_what_was_deleted,
            "recordings/R3.flac is here, though the ledger says",
        ),
        (pack_tampering.hide_the_tombstone, "recording R3 is in the ledger and not in the pack"),
        (pack_tampering.remove_an_entry, "entries are missing or moved"),
        (pack_tampering.remove_an_entrys_content, "the content of entry 1 is missing"),
        (pack_tampering.move_an_entry, "entries/5.json is not what the chain holds there"),
        (pack_tampering.exchange_the_audio_and_its_entry, LEAD),
        (pack_tampering.sign_anew, "signed with another key than the house's"),
        (pack_tampering.exchange_the_key, "is another key than its name says"),
        (pack_tampering.flip_the_signature, "is not by the key it names, or what was signed was changed"),
        (pack_tampering.date_back, "is not by the key it names, or what was signed was changed"),
        (pack_tampering.flip_the_stamp, "does not hold for this head, or is by another authority"),
        (pack_tampering.change_a_proof, "is not the proof its name is the hash of"),
        (pack_tampering.take_proofs_away, "the proof of the call of recording R1 is missing"),
    ],
)
def test_what_somebody_did_on_purpose(made: Made, tmp_path: Path, tamper: Callable[[Path], None], words: str) -> None:
    folder = made.unpacked(tmp_path)
    tamper(folder)
    sum_again(folder)
    checked = check(folder, "--key", made.key_id)
    assert (checked.code, words in checked.words) == (1, True), checked.words
    assert "not the file that was packed" not in checked.words


def test_a_chain_signed_anew_is_only_open_without_the_houses_key(made: Made, tmp_path: Path) -> None:
    """Why the key must come from elsewhere."""
    folder = made.unpacked(tmp_path)
    pack_tampering.sign_anew(folder)
    sum_again(folder)
    checked = check(folder)
    assert (checked.code, key_id_of(FORGER.public_key()) in checked.words) == (3, True), checked.words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT 1", "ALL IS WELL"),
        ("UPDATE ledger SET body = replace(body, 'case-2', 'case-3') WHERE sequence = 1", LEAD),
        ("DELETE FROM ledger WHERE subject = 'others-1'", "entries are missing or moved"),
        ("UPDATE ledger SET sequence = 99 WHERE subject = 'others-2'", "entries are missing or moved"),
        ("UPDATE ledger SET body = 'none' WHERE kind = 'signing_key'", "do not lead to the signed head"),
        ("UPDATE recordings SET path = (SELECT path FROM recordings WHERE recording_id = 'R2')", "R1 is in the ledger"),
    ],
)
def test_the_script_and_our_own_check_agree(made: Made, tmp_path: Path, statement: str, words: str) -> None:
    """On what somebody did to the database before the pack was made."""
    folder = tmp_path / "node"
    shutil.copytree(made.node, folder)
    with closing(sqlite3.connect(folder / "dialer.db")) as database, database:
        database.execute(statement)
    verify = ("recordings", "verify", "--config", str(write_config(folder)), "--key", str(folder / "ledger.pub"))
    ours = CliRunner().invoke(app, verify)
    pack = unpack(asyncio.run(pack_again(folder)), tmp_path / "pack")
    checked = check(pack, "--key", folder / "ledger.pub", "--tsa", made.authority)
    assert (checked.code, words in checked.words) == (ours.exit_code, True), (checked.words, ours.stderr)


async def test_runs_end_at_the_next_stamp_or_else_at_a_signature(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'dialer.db'}"
    await asyncio.to_thread(make_sqlite, tmp_path / "dialer.db")
    async with open_authority(tmp_path / "tsa") as authority, open_evidence(tmp_path, url) as node:
        trusted = str(authority.certificate)
        unstamped, stamped = node.config, evidence_config(tmp_path, url, tsa_url=authority.url, tsa_certificate=trusted)
        for recording_id, config in (("R1", unstamped), ("others-1", stamped), ("R2", unstamped)):
            await node.record(recording_id, int(recording_id == "others-1"))
            node.config = config
            await node.sign()
        await node.record("R3")
        async with open_maker(node) as maker:
            _, content = await make_pack(node, maker)
    pack = await asyncio.to_thread(unpack, content, tmp_path / "pack")
    checked = await asyncio.to_thread(check, pack, "--tsa", trusted)
    runs = [line.split(", ")[-1][:10] for line in checked.words.splitlines() if "lead to the head" in line]
    assert (checked.code, runs) == (3, ["time stamp", "no time st"]), checked.words
    assert "entry 8 is not signed yet; a pack made a minute later has the signature" in checked.words


def test_heads_that_were_noted(made: Made, tmp_path: Path) -> None:
    folder = made.unpacked(tmp_path)
    head = read_statement((folder / RUN / "head.txt").read_bytes()).head
    checked = check(folder, "--key", made.key_id, "--head", head)
    assert (checked.code, f"noted head node1:{head.sequence}: it is the one" in checked.words) == (0, True)
    checked = check(folder, "--key", made.key_id, "--head", f"node1:{head.sequence}:{'ab' * 32}")
    assert (checked.code, "the ledger was made anew" in checked.words) == (1, True)
    checked = check(folder, "--key", made.key_id, "--head", f"node1:999:{'ab' * 32}")
    assert (checked.code, "do not touch it" in checked.words) == (3, True)


def test_one_of_several_published_keys(made: Made, tmp_path: Path) -> None:
    folder = made.unpacked(tmp_path / "pack")
    published = tmp_path / "house.pub"
    published.write_bytes(public_pem(FORGER.public_key()) + (folder / f"keys/{made.key_id}.pem").read_bytes())
    assert check(folder, "--key", published).code == 0


def test_stamps_of_another_authority_do_not_count(made: Made, tmp_path: Path) -> None:
    checked = check(made.unpacked(tmp_path), "--key", made.key_id, "--tsa", made.another_authority)
    assert (checked.code, "by another authority" in checked.words) == (1, True)
