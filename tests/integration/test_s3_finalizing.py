"""A finalizer whose S3 store goes away and comes back: the spool stays until the store has shown what it took."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recording.finalizer import Finalizer
from recording.keys import KeyRing
from recording.objects import StoreSettings, open_store
from recording.spool import SpoolWriter
from recording.vault import FinalizedRecording
from recording.worker import VaultSettings
from tests.support.s3_service import S3Service
from tests.support.tcp_hop import TcpHop, unchanged
from tests.support.vaults import KEY, samples_in

STARTED = datetime(2026, 11, 22, tzinfo=UTC)
PATIENCE_S = 60.0


class Owner:
    """Takes recordings over, and has them locked for a day."""

    def __init__(self) -> None:
        self.taken: list[FinalizedRecording] = []
        self.noted = (-1, -1, "")
        self.until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)

    async def has(self, recording_id: str) -> bool:
        return False

    async def take(self, recording: FinalizedRecording) -> None:
        self.taken.append(recording)

    def locked_until(self) -> datetime | None:
        return self.until

    def note(self, waiting: int, failed: int, problem: str) -> None:
        self.noted = (waiting, failed, problem)


async def test_a_spool_stays_until_s3_is_back(tmp_path: Path) -> None:
    service = await asyncio.to_thread(S3Service().__enter__)
    try:
        await asyncio.to_thread(lambda: service.make_bucket("bucket", locking=True))
        await _outlast(service, tmp_path)
    finally:
        await asyncio.to_thread(service.kill)


async def _outlast(service: S3Service, folder: Path) -> None:
    spool, owner = folder / "r1.spool", Owner()
    await asyncio.to_thread(_write, spool)
    with TcpHop(service.port) as hop:
        hop.up = _cut
        keys = {"access_key": service.access_key, "secret_key": service.secret_key}
        store = StoreSettings("s3://bucket/p", f"http://127.0.0.1:{hop.port}", **keys, object_lock="compliance")
        settings = VaultSettings(KeyRing(KEY), store, folder / "sealing")
        async with Finalizer(settings, (folder,), owner, retry_delay_s=0.2) as finalizer:
            finalizer.submit("r1")
            await _until(lambda: "failed 3 times" in finalizer.problem)
            assert (spool.exists(), owner.taken) == (True, [])
            hop.up = unchanged
            await _until(lambda: not finalizer.waiting)
            assert (spool.exists(), finalizer.problem) == (False, "")
            assert owner.noted == (0, 0, "")
        (recording,) = owner.taken
        found = await asyncio.to_thread(lambda: open_store(store).stat(recording.path))
        assert found is not None
        assert (found.size, found.retain_until) == (recording.sealed_bytes, owner.until)
        assert len(await asyncio.to_thread(samples_in, settings.open(), recording, recording.key)) == 8000


def _cut(chunk: bytes) -> bytes:
    raise ConnectionResetError


def _write(path: Path) -> None:
    with SpoolWriter.create(path, STARTED) as writer:
        for index in range(50):
            writer.audio(0, index * 160, b"\xd5\x2a" * 80)
        writer.end(8000)


async def _until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 -- the finalizer has no event for this, and needs none
            await asyncio.sleep(0.01)
