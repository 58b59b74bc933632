"""The finaliser with its real worker process: what it survives, and that no spool goes before its recording stands."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recording.errors import ForeignSpoolError
from recording.finalizer import Finalizer
from recording.spool import RecordKind, SpoolRecord, SpoolWriter, encode_header, encode_record
from recording.store import FinalizedRecording, RecordingStore

STARTED = datetime(2026, 11, 22, tzinfo=UTC)
PATIENCE_S = 60.0


def make_spool(directory: Path, name: str, seconds: int = 1, *, ended: bool = True) -> Path:
    path = directory / f"{name}.spool"
    with SpoolWriter.create(path, STARTED) as writer:
        for index in range(50 * seconds):
            writer.audio(0, index * 160, b"\xd5\x2a" * 80)
        if ended:
            writer.end(8000 * seconds)
    return path


class Receiver:
    """Takes recordings over; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: list[FinalizedRecording] = []

    async def __call__(self, recording: FinalizedRecording) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        self.taken.append(recording)


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 -- the finaliser has no event for this, and needs none
            await asyncio.sleep(0.01)


async def until_idle(finalizer: Finalizer) -> None:
    await until(lambda: not finalizer.waiting)


def kill_children() -> None:
    pid = os.getpid()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if b"recording.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)


async def test_spools_become_recordings_and_go(tmp_path: Path) -> None:
    spools = [await asyncio.to_thread(make_spool, tmp_path, f"r{index}") for index in range(3)]
    store, receiver = RecordingStore(tmp_path / "store"), Receiver()
    async with Finalizer(store, receiver) as finalizer:
        for spool in spools:
            finalizer.submit(spool)
            finalizer.submit(spool)
        assert await finalizer.drain(PATIENCE_S)
    assert [recording.recording_id for recording in receiver.taken] == ["r0", "r1", "r2"]
    assert not any(spool.exists() for spool in spools)
    assert [await asyncio.to_thread(store.verify, f"r{index}") for index in range(3)] == receiver.taken


async def test_what_a_crash_left_is_recovered(tmp_path: Path) -> None:
    whole = await asyncio.to_thread(make_spool, tmp_path, "whole")
    torn = await asyncio.to_thread(make_spool, tmp_path, "torn")
    torn.write_bytes(torn.read_bytes()[:-100])
    (tmp_path / "empty.spool").write_bytes(encode_header(STARTED)[:5])
    store, receiver = RecordingStore(tmp_path / "store"), Receiver()
    async with Finalizer(store, receiver) as finalizer:
        assert await finalizer.recover(tmp_path) == 3
        await until_idle(finalizer)
    assert [(recording.recording_id, recording.truncated) for recording in receiver.taken] == [
        ("torn", True),
        ("whole", False),
    ]
    assert not whole.exists()
    assert (tmp_path / "empty.spool.unreadable").exists(), "kept, and not tried again"


async def test_a_recording_is_told_again_until_it_was_taken_over(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    receiver = Receiver(failures=2)
    async with Finalizer(RecordingStore(tmp_path / "store"), receiver, retry_delay_s=0.01) as finalizer:
        finalizer.submit(spool)
        await until_idle(finalizer)
    assert len(receiver.taken) == 1
    assert not spool.exists()
    assert finalizer.problem == ""


async def test_a_store_that_cannot_be_written_is_reported_and_tried_again(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    blocker = tmp_path / "store"
    blocker.write_text("in the way")
    receiver = Receiver()
    async with Finalizer(RecordingStore(blocker), receiver, retry_delay_s=0.05) as finalizer:
        finalizer.submit(spool)
        await until(lambda: finalizer.problem)
        assert "the spool" in finalizer.problem
        assert await asyncio.to_thread(spool.exists)
        await asyncio.to_thread(blocker.unlink)
        await until_idle(finalizer)
    assert len(receiver.taken) == 1


async def test_a_spool_still_being_written_is_waited_for(tmp_path: Path) -> None:
    def write_on() -> None:
        with (tmp_path / "a.spool").open("ab") as stream:
            stream.write(encode_record(SpoolRecord(RecordKind.AUDIO, 0, 8000, b"\x2a" * 160)))
            stream.write(encode_record(SpoolRecord(RecordKind.END, 0, 8160)))

    spool = await asyncio.to_thread(make_spool, tmp_path, "a", ended=False)
    receiver = Receiver()
    async with Finalizer(RecordingStore(tmp_path / "store"), receiver) as finalizer:
        finalizer.submit(spool)
        await asyncio.sleep(0.05)
        await asyncio.to_thread(write_on)
        assert await finalizer.drain(PATIENCE_S)
    assert [(recording.duration_s, recording.truncated) for recording in receiver.taken] == [(1.02, False)]


async def test_a_spool_that_is_not_there_is_forgotten(tmp_path: Path) -> None:
    async with Finalizer(RecordingStore(tmp_path / "store"), Receiver()) as finalizer:
        finalizer.submit(tmp_path / "gone.spool")
        assert await finalizer.drain(PATIENCE_S)


async def test_a_job_that_takes_too_long_is_ended_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    receiver = Receiver()
    with monkeypatch.context() as patch:
        patch.setattr("recording.finalizer.JOB_TIMEOUT_S", 0.001)
        async with Finalizer(RecordingStore(tmp_path / "store"), receiver, retry_delay_s=0.01) as finalizer:
            finalizer.submit(spool)
            await until(lambda: finalizer.problem)
            assert "not finalised within" in finalizer.problem
            patch.undo()
            await until_idle(finalizer)
    assert len(receiver.taken) == 1


async def test_what_does_not_fit_the_queue_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recording.finalizer.QUEUE_LIMIT", 2)
    spools = [await asyncio.to_thread(make_spool, tmp_path, f"r{index}") for index in range(3)]
    receiver = Receiver()
    async with Finalizer(RecordingStore(tmp_path / "store"), receiver) as finalizer:
        for spool in spools:
            finalizer.submit(spool)
        assert finalizer.waiting == 2
        assert await finalizer.drain(PATIENCE_S)
    assert [await asyncio.to_thread(spool.exists) for spool in spools] == [False, False, True]


async def test_a_drain_does_not_wait_for_retries(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    async with Finalizer(RecordingStore(tmp_path / "store"), Receiver(failures=1)) as finalizer:
        finalizer.submit(spool)
        assert not await finalizer.drain(PATIENCE_S)
    assert await asyncio.to_thread(spool.exists)


async def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    spools = [await asyncio.to_thread(make_spool, tmp_path, f"r{index}", seconds=20) for index in range(4)]
    store, receiver = RecordingStore(tmp_path / "store"), Receiver()
    async with Finalizer(store, receiver, retry_delay_s=0.01) as finalizer:
        for spool in spools:
            finalizer.submit(spool)
        await until(lambda: receiver.taken)
        await asyncio.to_thread(kill_children)
        await until_idle(finalizer)
    assert {recording.recording_id for recording in receiver.taken} == {"r0", "r1", "r2", "r3"}
    assert not any(spool.exists() for spool in spools)


def test_a_full_disk_keeps_the_spool_and_says_so(tmp_path: Path) -> None:
    """A file-size limit stands in for the full disk: the write fails in the middle either way."""
    spool = make_spool(tmp_path, "a", seconds=60)
    program = (
        "import resource, sys; from pathlib import Path; from recording.store import RecordingStore\n"
        "from recording.worker import answer\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        f"print(answer(RecordingStore(Path({str(tmp_path / 'store')!r})), Path({str(spool)!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert "error" in done.stdout
    assert "is kept" in done.stdout
    assert spool.exists()
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


async def test_when_nothing_waits_a_drain_returns_at_once(tmp_path: Path) -> None:
    async with Finalizer(RecordingStore(tmp_path), Receiver()) as finalizer:
        assert await finalizer.drain(PATIENCE_S)


async def test_leaving_in_the_middle_keeps_the_spool(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a", seconds=30)
    async with Finalizer(RecordingStore(tmp_path / "store"), Receiver()) as finalizer:
        finalizer.submit(spool)
        await asyncio.sleep(0)
    assert await asyncio.to_thread(spool.exists)


async def test_a_foreign_spool_is_set_aside_and_not_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(recording: FinalizedRecording) -> None:
        raise ForeignSpoolError(f"{recording.recording_id}: no call belongs to it")

    spool = await asyncio.to_thread(make_spool, tmp_path, "left-behind")
    async with Finalizer(RecordingStore(tmp_path / "store"), refuse) as finalizer:
        finalizer.submit(spool)
        await until_idle(finalizer)
        assert finalizer.problem == ""
    assert not spool.exists()
    assert spool.with_name("left-behind.spool.unreadable").exists()
    assert "belongs to no recording of ours" in caplog.text
