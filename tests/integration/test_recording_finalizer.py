"""The finaliser with its real worker process: what it survives, and that no spool goes before its recording stands."""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recording.errors import ForeignSpoolError
from recording.finalizer import Finalizer
from recording.spool import RecordKind, SpoolRecord, SpoolWriter, encode_header, encode_record
from recording.vault import FinalizedRecording, Ingest
from tests.support.vaults import KEY, samples_in, vault_in

STARTED = datetime(2026, 11, 22, tzinfo=UTC)
PATIENCE_S = 60.0
KILLS = 15


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

    def __init__(self, failures: int = 0, *, foreign: bool = False) -> None:
        self.failures = failures
        self.foreign = foreign
        self.taken: list[FinalizedRecording] = []
        self.until: datetime | None = None
        self.noted = (0, 0, "")

    async def has(self, recording_id: str) -> bool:
        if self.foreign:
            raise ForeignSpoolError(f"{recording_id}: no call belongs to it")
        return any(recording.recording_id == recording_id for recording in self.taken)

    async def take(self, recording: FinalizedRecording) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        self.taken.append(recording)

    def locked_until(self) -> datetime | None:
        return self.until

    def note(self, waiting: int, failed: int, problem: str) -> None:
        self.noted = (waiting, failed, problem)


def finalizer_of(folder: Path, receiver: Receiver, retry_delay_s: float = 60.0) -> Finalizer:
    """Its spool is `folder` itself, and `folder`/second."""
    return Finalizer(vault_in(folder), (folder, folder / "second"), receiver, retry_delay_s=retry_delay_s)


async def samples_of(folder: Path, recording: FinalizedRecording) -> int:
    """How many there are, in a file that opens and decodes."""
    return len(await asyncio.to_thread(samples_in, vault_in(folder).open(), recording, recording.key))


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 -- the finaliser has no event for this, and needs none
            await asyncio.sleep(0.01)


async def until_idle(finalizer: Finalizer) -> None:
    await until(lambda: not finalizer.waiting)


def workers() -> list[int]:
    pid = os.getpid()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"recording.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def kill_children() -> None:
    for worker in workers():
        os.kill(worker, signal.SIGKILL)


def environment_of(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()


async def test_spools_become_recordings_and_go(tmp_path: Path) -> None:
    spools = [await asyncio.to_thread(make_spool, tmp_path, f"r{index}") for index in range(3)]
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver) as finalizer:
        for spool in spools:
            finalizer.submit(spool.stem)
            finalizer.submit(spool.stem)
        assert await finalizer.drain(PATIENCE_S)
    assert [recording.recording_id for recording in receiver.taken] == ["r0", "r1", "r2"]
    assert not any(spool.exists() for spool in spools)
    assert [await samples_of(tmp_path, recording) for recording in receiver.taken] == [8000] * 3


async def test_what_a_crash_left_is_recovered(tmp_path: Path) -> None:
    whole = await asyncio.to_thread(make_spool, tmp_path, "whole")
    torn = await asyncio.to_thread(make_spool, tmp_path, "torn")
    torn.write_bytes(torn.read_bytes()[:-100])
    (tmp_path / "empty.spool").write_bytes(encode_header(STARTED)[:5])
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver) as finalizer:
        assert await finalizer.recover() == 3
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
    async with finalizer_of(tmp_path, receiver, retry_delay_s=0.01) as finalizer:
        finalizer.submit(spool.stem)
        await until_idle(finalizer)
    assert len(receiver.taken) == 1
    assert not spool.exists()
    assert finalizer.problem == ""


async def test_a_store_that_cannot_be_written_is_reported_and_tried_again(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver, retry_delay_s=0.05) as finalizer:
        await asyncio.to_thread((tmp_path / "store").rmdir)
        finalizer.submit(spool.stem)
        await until(lambda: finalizer.problem)
        assert "is the disk there" in finalizer.problem
        assert receiver.noted == (1, 1, finalizer.problem)
        assert await asyncio.to_thread(spool.exists)
        await asyncio.to_thread((tmp_path / "store").mkdir)
        await until_idle(finalizer)
    assert len(receiver.taken) == 1


async def test_a_spool_still_being_written_is_waited_for(tmp_path: Path) -> None:
    def write_on() -> None:
        with (tmp_path / "a.spool").open("ab") as stream:
            stream.write(encode_record(SpoolRecord(RecordKind.AUDIO, 0, 8000, b"\x2a" * 160)))
            stream.write(encode_record(SpoolRecord(RecordKind.END, 0, 8160)))

    spool = await asyncio.to_thread(make_spool, tmp_path, "a", ended=False)
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver) as finalizer:
        finalizer.submit(spool.stem)
        await asyncio.sleep(0.05)
        await asyncio.to_thread(write_on)
        assert await finalizer.drain(PATIENCE_S)
    assert [(recording.duration_s, recording.truncated) for recording in receiver.taken] == [(1.02, False)]


async def test_a_spool_that_is_not_there_is_forgotten(tmp_path: Path) -> None:
    async with finalizer_of(tmp_path, Receiver()) as finalizer:
        finalizer.submit("gone")
        assert await finalizer.drain(PATIENCE_S)


async def test_a_job_that_takes_too_long_is_ended_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    receiver = Receiver()
    with monkeypatch.context() as patch:
        patch.setattr("recording.worker_process.JOB_TIMEOUT_S", 0.001)
        async with finalizer_of(tmp_path, receiver, retry_delay_s=0.01) as finalizer:
            finalizer.submit(spool.stem)
            await until(lambda: finalizer.problem)
            assert "not finalised within" in finalizer.problem
            patch.undo()
            await until_idle(finalizer)
    assert len(receiver.taken) == 1


async def test_what_does_not_fit_the_queue_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recording.finalizer.QUEUE_LIMIT", 2)
    spools = [await asyncio.to_thread(make_spool, tmp_path, f"r{index}") for index in range(3)]
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver) as finalizer:
        for spool in spools:
            finalizer.submit(spool.stem)
        assert finalizer.waiting == 2
        assert await finalizer.drain(PATIENCE_S)
    assert [await asyncio.to_thread(spool.exists) for spool in spools] == [False, False, True]


async def test_a_drain_does_not_wait_for_retries(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    async with finalizer_of(tmp_path, Receiver(failures=1)) as finalizer:
        finalizer.submit(spool.stem)
        assert not await finalizer.drain(PATIENCE_S)
    assert await asyncio.to_thread(spool.exists)


async def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    spools = [await asyncio.to_thread(make_spool, tmp_path, f"r{index}", seconds=20) for index in range(4)]
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver, retry_delay_s=0.01) as finalizer:
        for spool in spools:
            finalizer.submit(spool.stem)
        await until(lambda: receiver.taken)
        await asyncio.to_thread(kill_children)
        await until_idle(finalizer)
    assert {recording.recording_id for recording in receiver.taken} == {"r0", "r1", "r2", "r3"}
    assert not any(spool.exists() for spool in spools)


async def test_no_key_is_in_the_workers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that our own has, where the settings name a variable for it."""
    monkeypatch.setenv("KEY_OF_THE_HOUSE", f"{KEY.hex().upper()}\n")
    monkeypatch.setenv("NO_KEY_OF_THE_HOUSE", "passed on")
    await asyncio.to_thread(make_spool, tmp_path, "a")
    async with finalizer_of(tmp_path, Receiver()) as finalizer:
        finalizer.submit("a")
        await until_idle(finalizer)
        (worker,) = await asyncio.to_thread(workers)
        environment = await asyncio.to_thread(environment_of, worker)
    assert b"NO_KEY_OF_THE_HOUSE=passed on" in environment
    assert KEY.hex().encode() not in environment.lower()


async def test_a_spool_left_behind_after_it_was_taken_over_only_goes(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a")
    copy = await asyncio.to_thread(spool.read_bytes)
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver) as finalizer:
        finalizer.submit("a")
        await until_idle(finalizer)
        stored = sorted((tmp_path / "store").rglob("*.sealed"))
        await asyncio.to_thread(spool.write_bytes, copy)
        assert await finalizer.recover() == 1
        await until_idle(finalizer)
    assert not spool.exists()
    assert len(receiver.taken) == 1
    assert sorted((tmp_path / "store").rglob("*.sealed")) == stored


async def test_both_parts_of_a_recording_are_taken_and_go(tmp_path: Path) -> None:
    def go_on() -> None:
        (tmp_path / "second").mkdir()
        with SpoolWriter.create(tmp_path / "second" / "a.spool", STARTED, first.stat().st_size) as writer:
            writer.audio(0, 8000, b"\xd5\x2a" * 80)
            writer.end(8160)

    first = await asyncio.to_thread(make_spool, tmp_path, "a", ended=False)
    await asyncio.to_thread(go_on)
    receiver = Receiver()
    async with finalizer_of(tmp_path, receiver) as finalizer:
        finalizer.submit("a")
        await until_idle(finalizer)
    assert [(recording.duration_s, recording.truncated) for recording in receiver.taken] == [(1.02, False)]
    assert not first.exists()
    assert not (tmp_path / "second" / "a.spool").exists()


def test_a_full_disk_keeps_the_spool_and_says_so(tmp_path: Path) -> None:
    """A file-size limit stands in for the full disk: the write fails in the middle either way."""
    spool = make_spool(tmp_path, "a", seconds=60)
    job = Ingest("a", (spool,))
    program = (
        "import json, resource, sys\n"
        "from recording.vault import Ingest\n"
        "from recording.worker import VaultSettings, answer\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "settings, job = (sys.stdin.readline() for _ in range(2))\n"
        "print(answer(VaultSettings.from_line(settings), Ingest.from_json(json.loads(job))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=vault_in(tmp_path).to_line() + json.dumps(job.to_json()),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert "'kind': 'full'" in done.stdout
    assert "is kept" in done.stdout
    assert spool.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [spool]


def test_killed_anywhere_it_leaves_one_whole_recording_after_the_next_run(tmp_path: Path) -> None:
    """The worker's work, ended at random instants: what it left is replaced, wherever it had come to."""
    spool = make_spool(tmp_path, "a", seconds=120)
    settings, job = vault_in(tmp_path), Ingest("a", (spool,))
    begun = time.monotonic()
    expected = settings.open().ingest(job)
    takes_s = time.monotonic() - begun
    chance = random.Random(6)
    for _ in range(KILLS):
        worker = multiprocessing.get_context("fork").Process(target=settings.open().ingest, args=(job,))
        worker.start()
        time.sleep(chance.uniform(0.0, 1.2 * takes_s))
        worker.kill()
        worker.join()
    vault = settings.open()
    vault.clean()
    recording = vault.ingest(job)
    vault.remove_others(recording)
    assert recording.sha256 == expected.sha256
    assert len(samples_in(vault, recording, recording.key)) == 120 * 8000
    left = {path.relative_to(tmp_path / "store").as_posix() for path in (tmp_path / "store").rglob("*.sealed")}
    assert left == {recording.path, recording.peaks_path}
    assert list((tmp_path / "sealing").iterdir()) == []
    assert spool.exists()


async def test_when_nothing_waits_a_drain_returns_at_once(tmp_path: Path) -> None:
    async with finalizer_of(tmp_path, Receiver()) as finalizer:
        assert await finalizer.drain(PATIENCE_S)


async def test_leaving_in_the_middle_keeps_the_spool(tmp_path: Path) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "a", seconds=30)
    async with finalizer_of(tmp_path, Receiver()) as finalizer:
        finalizer.submit(spool.stem)
        await asyncio.sleep(0)
    assert await asyncio.to_thread(spool.exists)


async def test_a_foreign_spool_is_set_aside_and_not_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = await asyncio.to_thread(make_spool, tmp_path, "left-behind")
    async with finalizer_of(tmp_path, Receiver(foreign=True)) as finalizer:
        finalizer.submit(spool.stem)
        await until_idle(finalizer)
        assert finalizer.problem == ""
    assert not spool.exists()
    assert spool.with_name("left-behind.spool.unreadable").exists()
    assert not list((tmp_path / "store").rglob("*.sealed")), "nobody would have the key"
    assert "belongs to no recording of ours" in caplog.text
