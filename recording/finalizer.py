"""Finalises spools beside the running service: a bounded queue, worker processes at low priority, nothing lost.

A spool is removed only after its recording was written, read back, stored, verified there and taken over by its owner
with the key that opens it. Whatever goes wrong before that, the spool stays: a full disk or a failing owner is tried
again, and what a crash left behind is found by `recover` at the next start. A recording that its owner has already is
not made again: its spool was left by a crash after that. One that the owner calls foreign is set aside.
A spool whose writer has not ended it yet is waited for: audio still on its way to the disk must not be cut off.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from recording.errors import ForeignSpoolError, RecordingError, SpoolError
from recording.spool_parts import SPOOL_SUFFIX, parts_end_in_order, parts_of
from recording.vault import FinalizedRecording, Ingest
from recording.worker import VaultSettings
from recording.worker_process import WorkerProcess

logger = logging.getLogger(__name__)

OWNER_TIMEOUT_S = 30.0
RETRY_DELAY_S = 60.0
QUEUE_LIMIT = 10_000
"""Recordings waiting; more than that stay on disk until the next start."""
END_PATIENCE_S = 10.0
"""How long a submitted spool may lack its end record; then its writer has failed, and it is taken as it is."""
END_POLL_S = 0.2
UNREADABLE_SUFFIX = ".unreadable"


class Owner(Protocol):
    """Whose recordings they are. What fails is tried again."""

    async def has(self, recording_id: str) -> bool:
        """Whether it was taken over already. Raises ForeignSpoolError when it can belong to nothing."""

    async def take(self, recording: FinalizedRecording) -> None:
        """Takes it over, durably, with its key. Raises ForeignSpoolError."""

    def locked_until(self) -> datetime | None:
        """How long a store that locks shall hold a recording that ended just now; None: not at all."""

    def note(self, waiting: int, failed: int, problem: str) -> None:
        """How many are not finished, how many of these wait after a failure, and why the latest failed."""


class Finalizer:
    """`async with` object: from spools to recordings that their owner has taken over."""

    def __init__(
        self,
        settings: VaultSettings,
        spool_dirs: Sequence[Path],
        owner: Owner,
        *,
        workers: int = 1,
        retry_delay_s: float = RETRY_DELAY_S,
    ) -> None:
        """`spool_dirs`: a recording may have a file in each of them."""
        self._settings = settings
        self._spool_dirs = tuple(spool_dirs)
        self._owner = owner
        self._n_workers = workers
        self._retry_delay_s = retry_delay_s
        self._queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_LIMIT)
        self._known: set[str] = set()
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._failed: set[str] = set()
        self._tried: set[str] = set()
        self._end_expected_until: dict[str, float] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._stuck: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(self._work()) for _ in range(self._n_workers)]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._later.values():
            handle.cancel()
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(exc_type, exc, traceback)

    def submit(self, recording_id: str) -> None:
        """A recording was stopped: finalise it soon. Returns at once, never raises; the same one twice is one job."""
        if recording_id not in self._known:
            self._end_expected_until[recording_id] = asyncio.get_running_loop().time() + END_PATIENCE_S
            self._enqueue(recording_id)

    async def recover(self) -> int:
        """Submits what an earlier run left behind; says how many. Call it before the first recording starts.

        Raises RecordingError when the settings of the store cannot be right.
        """
        await asyncio.to_thread(self._clean)
        found = await asyncio.to_thread(_leftovers, self._spool_dirs)
        for recording_id in found:
            if recording_id not in self._known:
                self._tried.add(recording_id)
                self._enqueue(recording_id)
        return len(found)

    async def drain(self, timeout_s: float) -> bool:
        """Waits until everything is finished or has failed; True when it is finished, False also after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return not self._known

    @property
    def problem(self) -> str:
        """Why the recording that failed last is not finished, in words."""
        return next(reversed(self._stuck.values()), "")

    @property
    def waiting(self) -> int:
        """Recordings not finished yet, those waiting for a retry included."""
        return len(self._known)

    async def _work(self) -> None:
        async with WorkerProcess(self._settings) as worker:
            while True:
                await self._process(worker, await self._queue.get())

    def _clean(self) -> None:
        self._remove(self._settings.open().clean)

    def _remove_others(self, recording: FinalizedRecording) -> None:
        self._remove(partial(self._settings.open().remove_others, recording))

    def _remove(self, work: Callable[[], object]) -> None:
        """What is left over costs room and nothing else: a store that is away for now holds nobody up."""
        try:
            work()
        except RecordingError as error:
            logger.warning("what earlier attempts left could not be removed: %s", error, extra={"action": "finalize"})

    def _enqueue(self, recording_id: str) -> None:
        try:
            self._queue.put_nowait(recording_id)
        except asyncio.QueueFull:
            logger.error(
                "too many recordings wait; this one stays spooled until the next start", extra=_facts(recording_id)
            )
            self._forget(recording_id)
            return
        self._known.add(recording_id)
        self._idle.clear()

    async def _process(self, worker: WorkerProcess, recording_id: str) -> None:
        try:
            if await self._is_still_written(recording_id):
                self._postpone(recording_id, END_POLL_S)
                return
            await self._finalize(worker, recording_id)
        except SpoolError as error:
            what = "belongs to no recording of ours" if isinstance(error, ForeignSpoolError) else "not a readable spool"
            logger.error("%s, set aside: %s", what, error, extra=_facts(recording_id))
            await asyncio.to_thread(self._set_aside, recording_id)
            self._forget(recording_id)
        except Exception as error:  # the edge of one recording: the others go on, this one is tried again
            self._retry(recording_id, error)
        else:
            self._forget(recording_id)

    async def _finalize(self, worker: WorkerProcess, recording_id: str) -> None:
        async with asyncio.timeout(OWNER_TIMEOUT_S):
            known = await self._owner.has(recording_id)
        if not known:
            parts = await asyncio.to_thread(self._parts, recording_id)
            again = recording_id in self._tried
            self._tried.add(recording_id)
            recording = await worker.finalize(Ingest(recording_id, parts, self._owner.locked_until()))
            if recording.truncated and await asyncio.to_thread(self._parts, recording_id) != parts:
                raise RecordingError(f"recording {recording_id} went on in another file meanwhile; it is begun again")
            async with asyncio.timeout(OWNER_TIMEOUT_S):
                await self._owner.take(recording)
            if again:  # only now: until it was on record, an earlier attempt might have been it
                await asyncio.to_thread(self._remove_others, recording)
        for part in await asyncio.to_thread(self._parts, recording_id):
            await asyncio.to_thread(part.unlink, missing_ok=True)

    def _parts(self, recording_id: str) -> tuple[Path, ...]:
        return parts_of(f"{recording_id}{SPOOL_SUFFIX}", self._spool_dirs)

    def _set_aside(self, recording_id: str) -> None:
        """Keeps what cannot be read, under a name that is not tried again."""
        for part in self._parts(recording_id):
            with suppress(OSError):
                part.replace(part.with_name(part.name + UNREADABLE_SUFFIX))

    async def _is_still_written(self, recording_id: str) -> bool:
        until = self._end_expected_until.get(recording_id, 0.0)
        if asyncio.get_running_loop().time() >= until:
            return False
        return not await asyncio.to_thread(self._is_complete, recording_id)

    def _is_complete(self, recording_id: str) -> bool:
        """Also true when there is nothing to wait for: what is wrong with the files shows when they are finalised."""
        try:
            parts = self._parts(recording_id)
            return not parts or parts_end_in_order(parts)
        except OSError:
            return True

    def _retry(self, recording_id: str, error: Exception) -> None:
        problem = str(error) or type(error).__name__
        self._stuck[recording_id] = problem
        known = isinstance(error, RecordingError)
        logger.error(
            "recording not finalised, tried again later", extra=_facts(recording_id, problem), exc_info=not known
        )
        self._failed.add(recording_id)
        self._postpone(recording_id, self._retry_delay_s)
        self._update_idle()
        self._owner.note(self.waiting, len(self._stuck), self.problem)

    def _postpone(self, recording_id: str, delay_s: float) -> None:
        self._later[recording_id] = asyncio.get_running_loop().call_later(delay_s, self._try_again, recording_id)

    def _try_again(self, recording_id: str) -> None:
        del self._later[recording_id]
        self._failed.discard(recording_id)
        self._enqueue(recording_id)

    def _forget(self, recording_id: str) -> None:
        self._known.discard(recording_id)
        self._tried.discard(recording_id)
        self._end_expected_until.pop(recording_id, None)
        self._stuck.pop(recording_id, None)
        self._update_idle()
        self._owner.note(self.waiting, len(self._stuck), self.problem)

    def _update_idle(self) -> None:
        if self._known <= self._failed:
            self._idle.set()


def _leftovers(spool_dirs: Sequence[Path]) -> list[str]:
    found = {
        path.name.removesuffix(SPOOL_SUFFIX) for directory in spool_dirs for path in directory.glob(f"*{SPOOL_SUFFIX}")
    }
    return sorted(found)


def _facts(recording_id: str, problem: str = "") -> dict[str, str]:
    return {"action": "finalize", "recording_id": recording_id, "problem": problem}
