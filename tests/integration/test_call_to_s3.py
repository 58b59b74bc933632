"""A call through the whole node into S3: recorded, sealed, locked, played back over HTTP, handed out as evidence."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from dialer.api.security import hash_token
from dialer.config_recordings import RecordingsConfig
from dialer.model.account import Role
from dialer.model.campaign import AmdMode, CampaignSettings
from recording.stored import Deletion
from tests.support.call_lab import COLLECTOR_HZ, PERSON_HZ, CallLab, Line, call_lab, until
from tests.support.packs import check, unpack
from tests.support.s3_service import S3Service

TOKEN = "an-auditors-token"


@pytest.fixture
async def s3() -> AsyncIterator[S3Service]:
    service = await asyncio.to_thread(S3Service().__enter__)
    try:
        await asyncio.to_thread(lambda: service.make_bucket("evidence", locking=True))
        yield service
    finally:
        await asyncio.to_thread(service.kill)


async def test_a_call_is_kept_in_s3_and_heard_from_there(tmp_path: Path, s3: S3Service) -> None:
    kept_in = RecordingsConfig(
        store="s3://evidence/calls",
        s3_endpoint=s3.url,
        s3_access_key=s3.access_key,
        s3_secret_key=s3.secret_key,
        object_lock="compliance",
    )
    async with call_lab(tmp_path, 31000, recordings=kept_in) as lab:
        attempt_id, case_ref = await _call(lab)
        recording = await lab.recording(attempt_id)
        objects = lab.app.recordings.objects
        stored = await asyncio.to_thread(objects.stat, recording.path)
        assert stored is not None
        assert (stored.size, stored.retain_until is not None) == (recording.sealed_bytes, True)
        gone = await asyncio.to_thread(objects.delete, recording.path)
        assert gone == Deletion(gone=False, kept_until=stored.retain_until)
        assert not list((tmp_path / "node").rglob("*.sealed"))
        await lab.app.storage.accounts.add_token(hash_token(TOKEN), "auditor", Role.AUDITOR, lab.app.clock.utcnow())
        audio = await _get(lab, f"/v1/recordings/{recording.recording_id}/audio")
        assert hashlib.sha256(audio).hexdigest() == recording.sha256
        assert await _get(lab, f"/v1/recordings/{recording.recording_id}/audio", "bytes=40-139") == audio[40:140]
        pack = await asyncio.to_thread(unpack, await _get(lab, f"/v1/cases/{case_ref}/evidence"), tmp_path / "pack")
        assert await asyncio.to_thread((pack / f"recordings/{recording.recording_id}.flac").read_bytes) == audio
        checked = await asyncio.to_thread(check, pack)
        assert checked.code == 3, checked.words
        assert f"recording {recording.recording_id}: its SHA-256 is the one in the ledger" in checked.words


async def _call(lab: CallLab) -> tuple[int, str]:
    lab.far.on_call = Line.answer
    (agent_id,) = lab.agent_ids
    campaign = await lab.campaign(CampaignSettings(amd=AmdMode.OFF))
    await lab.app.desk.log_in(agent_id, [campaign.campaign_id])
    await lab.app.desk.ready(agent_id)
    await lab.app.campaigns.start(campaign.campaign_id, "test")
    await until(lambda: bool(lab.far.lines), "the call leaves")
    person, collector = lab.far.lines[0], lab.phones[0].line
    await until(lambda: collector.ear.hears(PERSON_HZ), "the collector hears the person")
    await until(lambda: person.ear.hears(COLLECTOR_HZ), "the person hears the collector")
    person.hang_up()
    (attempt,) = await lab.settled()
    return attempt.attempt_id, attempt.case_ref


async def _get(lab: CallLab, path: str, part: str = "") -> bytes:
    headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Range": part} if part else {})
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{lab.app.http_port}") as session,
        session.get(path, headers=headers) as answer,
    ):
        assert answer.status == (206 if part else 200), await answer.text()
        return await answer.read()
