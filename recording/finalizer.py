"""Finalises spools beside the running service: a bounded queue, worker processes at low priority, nothing lost.

A spool is removed only after its recording was written, read back, verified and taken over by `on_ready`. Whatever goes
wrong before that, the spool stays: a full disk or a failing `on_ready` is tried again, and what a crash left behind is
found by `recover` at the next start. `on_ready` may therefore be called twice for one recording, with the same values.
"""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recording.errors import RecordingError, SpoolError, StoreFullError
from recording.store import SPOOL_SUFFIX, UNREADABLE_SUFFIX, FinalizedRecording, RecordingStore

logger = logging.getLogger(__name__)

JOB_TIMEOUT_S = 300.0
"""An hour of audio takes some 3 s of CPU; a worker that needs longer than this hangs."""
ON_READY_TIMEOUT_S = 30.0
RETRY_DELAY_S = 60.0
QUEUE_LIMIT = 10_000
"""Recordings waiting; more than that stay on disk until the next start."""
STOP_TIMEOUT_S = 5.0

OnReady = Callable[[FinalizedRecording], Awaitable[None]]


class Finalizer:
    """`async with` object. `problem` says in words why recordings wait, or is empty."""

    def __init__(
        self, store: RecordingStore, on_ready: OnReady, *, workers: int = 1, retry_delay_s: float = RETRY_DELAY_S
    ) -> None:
        self._store = store
        self._on_ready = on_ready
        self._n_workers = workers
        self._retry_delay_s = retry_delay_s
        self._queue: asyncio.Queue[Path] = asyncio.Queue(QUEUE_LIMIT)
        self._known: set[Path] = set()
        self._retries: dict[Path, asyncio.TimerHandle] = {}
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self.problem = ""

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [self._group.create_task(self._work()) for _ in range(self._n_workers)]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._retries.values():
            handle.cancel()
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(exc_type, exc, traceback)

    def submit(self, spool: Path) -> None:
        """A spool is complete: finalise it soon. Returns at once, never raises; the same spool twice is one job."""
        if spool in self._known:
            return
        try:
            self._queue.put_nowait(spool)
        except asyncio.QueueFull:
            logger.error("too many recordings wait; this one stays spooled until the next start", extra=_facts(spool))
            return
        self._known.add(spool)

    async def recover(self, spool_dir: Path) -> int:
        """Submits what an earlier run left in `spool_dir`; says how many. Call it before the first recording starts."""
        await asyncio.to_thread(self._store.remove_unfinished)
        found = await asyncio.to_thread(_leftovers, spool_dir)
        for spool in found:
            self.submit(spool)
        return len(found)

    async def drain(self, timeout_s: float) -> bool:
        """Waits until nothing is queued or in work; False when that took too long or something waits for a retry."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._queue.join()
        except TimeoutError:
            return False
        return not self._retries

    @property
    def waiting(self) -> int:
        """Recordings not finished yet, those waiting for a retry included."""
        return len(self._known)

    async def _work(self) -> None:
        async with _Worker(self._store.root) as worker:
            while True:
                spool = await self._queue.get()
                try:
                    await self._process(worker, spool)
                finally:
                    self._queue.task_done()

    async def _process(self, worker: "_Worker", spool: Path) -> None:
        try:
            recording = await worker.finalize(spool)
            async with asyncio.timeout(ON_READY_TIMEOUT_S):
                await self._on_ready(recording)
            await asyncio.to_thread(spool.unlink, missing_ok=True)
        except SpoolError as error:
            logger.error("not a readable spool, set aside: %s", error, extra=_facts(spool))
            await asyncio.to_thread(_set_aside, spool)
            self._known.discard(spool)
        except Exception as error:  # the edge of one recording: the others go on, this one is tried again
            self._retry(spool, error)
        else:
            self._known.discard(spool)
            self.problem = ""

    def _retry(self, spool: Path, error: Exception) -> None:
        self.problem = str(error) or type(error).__name__
        known = isinstance(error, RecordingError)
        logger.error(
            "recording not finalised, tried again later", extra=_facts(spool, self.problem), exc_info=not known
        )
        loop = asyncio.get_running_loop()
        self._retries[spool] = loop.call_later(self._retry_delay_s, self._try_again, spool)

    def _try_again(self, spool: Path) -> None:
        del self._retries[spool]
        self._known.discard(spool)
        self.submit(spool)


class _Worker:
    """One worker process; started when first needed, again after it died, ended when it hangs."""

    def __init__(self, store_root: Path) -> None:
        self._store_root = store_root
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop()

    async def finalize(self, spool: Path) -> FinalizedRecording:
        """Raises what the worker met: SpoolError, StoreFullError, RecordingError."""
        try:
            async with asyncio.timeout(JOB_TIMEOUT_S):
                answer = await self._ask({"spool": str(spool)})
        except TimeoutError as error:
            await self._stop()
            raise RecordingError(f"{spool}: not finalised within {JOB_TIMEOUT_S:.0f} s; the spool is kept") from error
        except asyncio.CancelledError:
            await self._stop()
            raise
        if "recording" in answer:
            return FinalizedRecording.from_json(answer["recording"])
        kinds = {"spool": SpoolError, "full": StoreFullError}
        raise kinds.get(answer["kind"], RecordingError)(answer["error"])

    async def _ask(self, job: dict[str, str]) -> dict[str, Any]:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise RecordingError("the finalising process has no pipes")
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        except ConnectionError as error:
            raise RecordingError(f"{job['spool']}: the finalising process ended; the spool is kept") from error
        if not line:
            raise RecordingError(f"{job['spool']}: the finalising process ended; the spool is kept")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            command = (sys.executable, "-m", "recording.worker", str(self._store_root))
            self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        return self._process

    async def _stop(self) -> None:
        """Ends the process; what it had in hand is begun again from the spool."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.kill()
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()


def _leftovers(spool_dir: Path) -> list[Path]:
    return sorted(spool_dir.glob(f"*{SPOOL_SUFFIX}"))


def _set_aside(spool: Path) -> None:
    """Keeps what cannot be read, under a name that is not tried again."""
    spool.replace(spool.with_name(spool.name + UNREADABLE_SUFFIX))


def _facts(spool: Path, problem: str = "") -> dict[str, str]:
    return {"action": "finalize", "recording_id": spool.stem, "problem": problem}
