"""What is made of recordings: exports with their hash on record, redactions, transcripts of a real program."""

import asyncio
import hashlib
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dialer.config_recordings import RecordingsConfig
from dialer.evidence.transcript_runner import TranscriptRunner
from dialer.model.account import Role
from recording.ledger import EntryKind
from tests.support.house import House, open_house
from tests.support.kept import ended_calls, keep, noise
from tests.support.storage import MONDAY

N_SAMPLES = 24_000
SAMPLES = noise(N_SAMPLES)
LISTENS = """
import json, sys, wave
with wave.open(sys.argv[1]) as audio:
    seen = f"{audio.getnchannels()}x{audio.getnframes()}"
said = [(1, 900, "诉"), (1, 800, "投"), (0, 10, seen)]
words = [{"channel": side, "from_ms": at, "to_ms": at + 50, "word": word} for side, at, word in said]
print(json.dumps({"language": "zh", "words": words}))
"""
"""A transcriber that really reads the file it is given."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    config = RecordingsConfig(transcriber=(sys.executable, "-c", LISTENS, "{wav}"))
    async with open_house(tmp_path, recordings=config) as house:
        (call,) = await ended_calls(house.storage, [7])
        await keep(house.storage, house.keeper.vault, "r-1", call.attempt_id, MONDAY, SAMPLES)
        yield house


async def _post(house: House, path: str, body: object = None, role: Role = Role.SUPERVISOR) -> tuple[int, bytes]:
    async with house.api.post(f"/v1/recordings/r-1{path}", json=body, headers=house.auth(role)) as answer:
        return answer.status, await answer.read()


async def _log(house: House, action: str) -> list[str]:
    entries = await house.storage.audit.list("recording/r-1")
    return [entry.detail for _, entry in reversed(entries) if entry.action == action]


async def test_exports_are_on_record_with_reason_and_hash(house: House) -> None:
    bodies = []
    for asked in (
        {"format": "flac"},
        {"format": "wav", "channel": "near", "from_ms": 1000, "to_ms": 2000},
        {"format": "opus"},
    ):
        status, body = await _post(house, "/exports", {**asked, "reason": "court, call 13800001234 back"})
        assert status == 200
        bodies.append(body)
    assert await _log(house, "recording.exported") == [
        f"sha256 {hashlib.sha256(body).hexdigest()}, {len(body)} bytes" for body in bodies
    ]
    whys = await _log(house, "recording.export")
    assert whys[1] == "wav, near, 1000 ms to 2000 ms: court, call 138****1234 back", "with no number in it"
    info = await house.storage.recordings.get("r-1")
    assert info is not None
    assert hashlib.sha256(bodies[0]).hexdigest() == info.sha256
    near, _ = soundfile.read(io.BytesIO(bodies[1]), dtype="int16")
    assert np.array_equal(near, SAMPLES[8000:16000, 1])
    with soundfile.SoundFile(io.BytesIO(bodies[2])) as opus:
        assert (opus.format, opus.subtype, opus.channels, opus.frames) == ("OGG", "OPUS", 2, N_SAMPLES)


async def test_what_cannot_be_exported_is_said(house: House) -> None:
    after_the_end = {"from_ms": 4000, "format": "wav"}
    for part in ({"channel": "far"}, {"from_ms": 10}, after_the_end, after_the_end | {"to_ms": 5000}):
        status, _ = await _post(house, "/exports", {"format": "flac", "reason": "court"} | part)
        assert status == 422, part
    assert await _log(house, "recording.export") == []


async def test_a_redaction_is_a_recording_of_its_own(house: House) -> None:
    spans = [
        {"channel": "far", "from_ms": 500, "to_ms": 1000, "why": "card_number"},
        {"channel": "both", "from_ms": 2000, "to_ms": 2100, "why": "health"},
    ]
    status, body = await _post(house, "/redactions", {"spans": spans[:1]})
    assert status == 201
    status, body = await _post(house, "/redactions", {"spans": spans[1:]})
    made = json.loads(body)
    assert (status, made["recording_id"], made["parent_id"], made["redactions"]) == (201, "r-1.r2", "r-1", [])
    expected = SAMPLES.copy()
    expected[4000:8000, 0] = 0
    expected[16000:16800] = 0
    for recording_id, samples in (("r-1.r2", expected), ("r-1", SAMPLES)):
        headers = house.auth(Role.SUPERVISOR)
        async with house.api.get(f"/v1/recordings/{recording_id}/audio", headers=headers) as answer:
            heard, _ = soundfile.read(io.BytesIO(await answer.read()), dtype="int16")
        assert np.array_equal(heard, samples), recording_id
    async with house.api.get("/v1/recordings/r-1.r2/marks", headers=house.auth(Role.QA)) as answer:
        marks = (await answer.json())["items"]
    keys = ("kind", "channel", "from_ms", "to_ms", "why")
    assert [tuple(mark[key] for key in keys) for mark in marks] == [
        ("redacted", 0, 500, 1000, "card_number"),
        ("redacted", "both", 2000, 2100, "health"),
    ]
    (entry,) = await _ledger(house, "r-1.r2")
    original = await house.storage.recordings.get("r-1")
    assert original is not None
    assert (entry["kind"], entry["made_of"]) == (EntryKind.DERIVED.value, original.sha256)
    assert entry["redacted"] == spans[1:]
    assert await house.storage.recordings.key("r-1.r2") != await house.storage.recordings.key("r-1")
    assert await _troubles(house, "r-1") == await _troubles(house, "r-1.r2") == []


async def test_redactions_that_make_no_sense(house: House) -> None:
    for from_ms, to_ms in ((100, 100), (2990, 3001)):
        span = {"from_ms": from_ms, "to_ms": to_ms, "why": "other"}
        assert (await _post(house, "/redactions", {"spans": [span]}))[0] == 422
    assert (await _post(house, "/redactions", {"spans": [span | {"to_ms": 3000, "why": "4111 1111"}]}))[0] == 422
    assert await house.storage.recordings.derived("r-1") == ()


async def test_a_transcript_is_made_by_a_program_and_sealed(house: House, tmp_path: Path) -> None:
    headers = house.auth(Role.QA)
    async with house.api.get("/v1/recordings/r-1/transcript", headers=headers) as answer:
        assert answer.status == 404
    assert await house.services.transcripts.text("r-1") == ""
    status, body = await _post(house, "/transcript")
    assert status == 201
    assert [word["word"] for word in json.loads(body)["words"]] == [f"2x{N_SAMPLES}", "投", "诉"]
    async with house.api.get("/v1/recordings/r-1/transcript", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, body)
    assert await house.services.transcripts.text("r-1") == f"2x{N_SAMPLES}\n投诉"
    stored = await asyncio.to_thread(_all_bytes, tmp_path / "recordings")
    assert "投".encode() not in stored, "it lies sealed"
    _, entry = await _ledger(house, "r-1")
    original = await house.storage.recordings.get("r-1")
    assert original is not None
    assert (entry["kind"], entry["made_of"]) == (EntryKind.TRANSCRIPT.value, original.sha256)
    assert (await _post(house, "/transcript"))[0] == 201, "another one makes room for it"
    assert await _troubles(house, "r-1") == []


async def test_a_program_that_fails_is_no_fault_of_the_recording(tmp_path: Path) -> None:
    config = RecordingsConfig(transcriber=(sys.executable, "-c", "raise SystemExit(3)"))
    async with open_house(tmp_path, recordings=config) as house:
        (call,) = await ended_calls(house.storage, [7])
        await keep(house.storage, house.keeper.vault, "r-1", call.attempt_id, MONDAY, SAMPLES)
        status, body = await _post(house, "/transcript")
    assert status == 500
    assert json.loads(body)["detail"].endswith("ended with exit code 3")


async def test_a_transcript_is_kept_for_no_idempotency_key(house: House) -> None:
    headers = house.auth(Role.QA) | {"Idempotency-Key": "k"}
    for recording_id, status in (("r-1", 201), ("r-1", 409), ("r-2", 409)):
        async with house.api.post(f"/v1/recordings/{recording_id}/transcript", headers=headers) as answer:
            assert answer.status == status
            said = await answer.json()
    assert "another" in said["detail"], "another path is another request"


async def test_recordings_are_transcribed_by_themselves_once(house: House) -> None:
    transcripts, clock = house.services.transcripts, house.services.clock
    info = await house.storage.recordings.get("r-1")
    assert info is not None
    await keep(house.storage, house.keeper.vault, "r-2", info.attempt_id, clock.utcnow(), SAMPLES)
    await TranscriptRunner(house.storage, transcripts, "node1", clock).look()
    assert await transcripts.text("r-2") == f"2x{N_SAMPLES}\n投诉"
    assert len(await _ledger(house, "r-2")) == 2
    async with TranscriptRunner(house.storage, transcripts, "node1", clock):
        await TranscriptRunner(house.storage, transcripts, "node1", clock).look()
    assert len(await _ledger(house, "r-2")) == 2, "after a restart, too"


async def _troubles(house: House, recording_id: str) -> list[str]:
    """What a check of one recording against ledger and store finds."""
    path = f"/v1/recordings/{recording_id}/verification"
    async with house.api.get(path, headers=house.auth(Role.AUDITOR)) as answer:
        assert answer.status == 200
        return [fault["trouble"] for fault in (await answer.json())["faults"]]


async def _ledger(house: House, subject: str) -> list[dict[str, object]]:
    segment = await house.storage.ledger_reading.about([subject])
    return [json.loads(entry.body) for entry in segment]


def _all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
