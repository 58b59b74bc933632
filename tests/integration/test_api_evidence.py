"""Evidence packs over the API and the command line: who may have one, what the audit log says, what can go wrong."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner, Result

from dialer.cli.main import app
from dialer.model.account import Role
from dialer.model.attempt import Attempt
from dialer.model.recording import NewRecording, RecordingInfo
from recording.errors import StoreAwayError
from recording.sealing import SealedReader
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.packs import check, unpack
from tests.support.storage import MONDAY

CASE = "case-0"
URL = f"/v1/cases/{CASE}/evidence"


@dataclass(frozen=True, slots=True)
class Kept:
    """A house with one case, one call and its recording."""

    house: House
    attempt: Attempt
    recording: NewRecording
    folder: Path

    async def get(self, url: str = URL, role: Role = Role.AUDITOR) -> tuple[int, bytes]:
        async with self.house.api.get(url, headers=self.house.auth(role)) as answer:
            return answer.status, await answer.read()

    async def run(self, *arguments: object) -> Result:
        more = ("--url", self.house.api.make_url("/"), "--token", self.house.tokens[Role.AUDITOR])
        words = [str(word) for word in ("evidence", *arguments, *more)]
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, words))


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with open_house(tmp_path) as house:
        (attempt,) = await ended_calls(house.storage, [7])
        vault = house.keeper.vault
        recording = await keep(house.storage, vault, "R1", attempt.attempt_id, MONDAY, noise(20_000))
        yield Kept(house, attempt, recording, tmp_path)


async def test_auditors_and_administrators_get_packs(kept: Kept) -> None:
    for role in Role:
        status, body = await kept.get(role=role)
        assert status == (200 if role in (Role.AUDITOR, Role.ADMINISTRATOR) else 403), role
        if status == 200:
            with ZipFile(io.BytesIO(body)) as archive:
                assert archive.testzip() is None
                assert "recordings/R1.flac" in archive.namelist()
    entries = [entry for _, entry in await kept.house.storage.audit.list(f"case/{CASE}")]
    said = {(entry.action, entry.actor, entry.detail) for entry in entries}
    about = "1 of 1 recordings, 1 attempts"
    assert said == {
        ("evidence.pack", "auditor (auditor, token/4)", about),
        ("evidence.pack", "administrator (administrator, token/5)", about),
    }


async def test_nothing_is_known_of_a_case(kept: Kept) -> None:
    status, body = await kept.get("/v1/cases/no-such-case/evidence")
    assert (status, json.loads(body)["detail"]) == (404, "there is no such case with calls")


async def test_a_recording_that_cannot_be_opened_is_said_in_the_pack(kept: Kept, tmp_path: Path) -> None:
    await asyncio.to_thread((kept.folder / "recordings" / kept.recording.path).unlink)
    status, body = await kept.get()
    assert status == 200
    folder = await asyncio.to_thread(unpack, body, tmp_path / "pack")
    checked = await asyncio.to_thread(check, folder)
    said = "FAULT: recording R1 is in the ledger and not in the pack: recording R1: the store holds no"
    assert (checked.code, said in checked.words) == (1, True), checked.words


async def test_a_store_that_is_away_gives_no_pack(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(recording: object) -> SealedReader:
        raise StoreAwayError("no way to the store")

    monkeypatch.setattr(kept.house.keeper, "open", away)
    status, body = await kept.get()
    assert (status, json.loads(body)["detail"]) == (503, "the store of the recordings does not answer; try again")


async def test_a_pack_that_breaks_off_is_not_taken_for_one(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store goes away after the pack was begun."""
    opened = kept.house.keeper.open
    whole: list[RecordingInfo] = []

    async def once(recording: RecordingInfo) -> SealedReader:
        if whole:
            raise StoreAwayError("no way to the store")
        whole.append(recording)
        return await opened(recording)

    monkeypatch.setattr(kept.house.keeper, "open", once)
    done = await kept.run(CASE, "-o", kept.folder / "pack.zip")
    assert "broke off in mid-answer" in str(done.exception)
    assert list(kept.folder.glob("*pack.zip*")) == []


async def test_a_pack_from_the_command_line(kept: Kept) -> None:
    out = kept.folder / "pack.zip"
    done = await kept.run(CASE, "-o", out)
    assert done.exit_code == 0, done.output
    assert str(out) in done.stdout
    folder = await asyncio.to_thread(unpack, await asyncio.to_thread(out.read_bytes), kept.folder / "pack")
    checked = await asyncio.to_thread(check, folder)
    assert (checked.code, "is not signed yet" in checked.words) == (3, True), checked.words
    again = await kept.run(CASE, "-o", out)
    assert (type(again.exception).__name__, "File exists" in str(again.exception)) == ("DialerError", True)
    missing = await kept.run("no-such-case", "-o", kept.folder / "other.zip")
    assert "no such case" in str(missing.exception)
    assert sorted(path.name for path in kept.folder.glob("*.zip*")) == ["pack.zip"]
