"""A node's recordings from the spool onto the record: with their keys, and again where the store lost them."""

import asyncio
from pathlib import Path

from recording.spool import SpoolWriter
from tests.support.house import House, open_house
from tests.support.kept import ended_calls
from tests.support.storage import MONDAY
from tests.support.vaults import decoded, whole

PATIENCE_S = 60.0


def write_spool(path: Path, continues_at: int = 0) -> None:
    path.parent.mkdir(exist_ok=True)
    with SpoolWriter.create(path, MONDAY, continues_at) as writer:
        writer.audio(0, 0, b"\xd5\x2a" * 80)
        writer.audio(1, 160, b"\x2a\xd5" * 80)
        writer.end(320)


async def kept(house: House, folder: Path, recording_id: str) -> None:
    """Puts a spool there, and waits until the keeper is done with it."""
    spool = folder / "spool" / f"{recording_id}.spool"
    await asyncio.to_thread(write_spool, spool)
    house.keeper.finalizer.submit(recording_id)
    assert await house.keeper.finalizer.drain(PATIENCE_S)
    assert not await asyncio.to_thread(spool.exists)


async def test_a_recording_is_on_record_with_its_key(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        (call,) = await ended_calls(house.storage, [None])
        recording_id = f"node1-{call.attempt_id}"
        await kept(house, tmp_path, recording_id)
        info = await house.storage.recordings.get(recording_id)
        key = await house.storage.recordings.key(recording_id)
        assert info is not None
        assert key is not None
        assert key.kek_id == house.keeper.keys.current_id
        assert (info.attempt_id, info.node, info.duration_s, info.marks) == (call.attempt_id, "node1", 0.04, b"[]")
        assert len(decoded(await asyncio.to_thread(whole, await house.keeper.open(info)))) == 320
        assert len(await asyncio.to_thread(whole, await house.keeper.open_peaks(info))) == 24 + 2 * 4


async def test_a_spool_is_taken_again_when_the_store_lost_its_recording(tmp_path: Path) -> None:
    """Left behind by a crash after it was on record: it goes only when the store has what the record says."""
    async with open_house(tmp_path) as house:
        (call,) = await ended_calls(house.storage, [None])
        recording_id = f"node1-{call.attempt_id}"
        await kept(house, tmp_path, recording_id)
        first = await house.storage.recordings.get(recording_id)
        await kept(house, tmp_path, recording_id)
        assert await house.storage.recordings.get(recording_id) == first
        assert first is not None
        await asyncio.to_thread(house.keeper.objects.delete, first.path)
        await kept(house, tmp_path, recording_id)
        again = await house.storage.recordings.get(recording_id)
        assert again is not None
        assert (again.sha256, again.path == first.path) == (first.sha256, False)
        assert await asyncio.to_thread(whole, await house.keeper.open(again))


async def test_a_beginning_that_comes_back_late_is_not_deleted_unread(tmp_path: Path) -> None:
    """The disk of its first part was away while the recording was finalised."""
    async with open_house(tmp_path) as house:
        (call,) = await ended_calls(house.storage, [None])
        spool = tmp_path / "spool" / f"node1-{call.attempt_id}.spool"
        await asyncio.to_thread(write_spool, spool, continues_at=32 + 2 * 176)
        house.keeper.finalizer.submit(spool.stem)
        assert await house.keeper.finalizer.drain(PATIENCE_S)
        info = await house.storage.recordings.get(spool.stem)
        assert info is not None
        assert info.truncated
        await kept(house, tmp_path, spool.stem)
        assert await asyncio.to_thread(spool.with_name(f"{spool.name}.unreadable").exists)


async def test_spools_of_no_call_of_ours_are_set_aside(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for recording_id in ("left-behind", "node1-999"):
            await kept(house, tmp_path, recording_id)
        left = await asyncio.to_thread(lambda: sorted(path.name for path in (tmp_path / "spool").iterdir()))
        assert left == ["left-behind.spool.unreadable", "node1-999.spool.unreadable"]
        assert await asyncio.to_thread(lambda: list(house.keeper.objects.names())) == []
