"""Finalises spools beside the running service: a bounded queue, worker processes at low priority, nothing lost.

A spool is removed only after its recording was written, read back, verified and taken over by `on_ready`. Whatever goes
wrong before that, the spool stays: a full disk or a failing `on_ready` is tried again, and what a crash left behind is
found by `recover` at the next start. `on_ready` may therefore be called twice for one recording, with the same values;
a spool that it calls foreign (ForeignSpoolError) is set aside.
A spool whose writer has not ended it yet is waited for: audio still on its way to the disk must not be cut off.
"""

import asyncio
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from recording.errors import ForeignSpoolError, RecordingError, SpoolError, StoreFullError
from recording.spool import ends_in_order
from recording.store import SPOOL_SUFFIX, UNREADABLE_SUFFIX, FinalizedRecording, RecordingStore

logger = logging.getLogger(__name__)

JOB_TIMEOUT_S = 300.0
"""An hour of audio takes some 3 s of CPU; a worker that needs longer than this hangs."""
ON_READY_TIMEOUT_S = 30.0
RETRY_DELAY_S = 60.0
QUEUE_LIMIT = 10_000
"""Recordings waiting; more than that stay on disk until the next start."""
STOP_TIMEOUT_S = 5.0
END_PATIENCE_S = 10.0
"""How long a submitted spool may lack its end record; then its writer has failed, and it is taken as it is."""
END_POLL_S = 0.2

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
        self._later: dict[Path, asyncio.TimerHandle] = {}
        self._failed: set[Path] = set()
        self._end_expected_until: dict[Path, float] = {}
        self._idle = asyncio.Event()
        self._idle.set()
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
        for handle in self._later.values():
            handle.cancel()
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(exc_type, exc, traceback)

    def submit(self, spool: Path) -> None:
        """A recording was stopped: finalise it soon. Returns at once, never raises; the same spool twice is one job."""
        if spool not in self._known:
            self._end_expected_until[spool] = asyncio.get_running_loop().time() + END_PATIENCE_S
            self._enqueue(spool)

    async def recover(self, spool_dir: Path) -> int:
        """Submits what an earlier run left in `spool_dir`; says how many. Call it before the first recording starts."""
        await asyncio.to_thread(self._store.remove_unfinished)
        found = await asyncio.to_thread(_leftovers, spool_dir)
        for spool in found:
            if spool not in self._known:
                self._enqueue(spool)
        return len(found)

    async def drain(self, timeout_s: float) -> bool:
        """Waits until everything is finished or has failed; True when it is finished, False also after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return not self._known

    @property
    def waiting(self) -> int:
        """Recordings not finished yet, those waiting for a retry included."""
        return len(self._known)

    async def _work(self) -> None:
        async with _Worker(self._store.root) as worker:
            while True:
                await self._process(worker, await self._queue.get())

    def _enqueue(self, spool: Path) -> None:
        try:
            self._queue.put_nowait(spool)
        except asyncio.QueueFull:
            logger.error("too many recordings wait; this one stays spooled until the next start", extra=_facts(spool))
            self._forget(spool)
            return
        self._known.add(spool)
        self._idle.clear()

    async def _process(self, worker: "_Worker", spool: Path) -> None:
        try:
            if await self._is_still_written(spool):
                self._postpone(spool, END_POLL_S)
                return
            recording = await worker.finalize(spool)
            async with asyncio.timeout(ON_READY_TIMEOUT_S):
                await self._on_ready(recording)
            await asyncio.to_thread(spool.unlink, missing_ok=True)
        except SpoolError as error:
            what = "belongs to no recording of ours" if isinstance(error, ForeignSpoolError) else "not a readable spool"
            logger.error("%s, set aside: %s", what, error, extra=_facts(spool))
            await asyncio.to_thread(_set_aside, spool)
            self._forget(spool)
        except Exception as error:  # the edge of one recording: the others go on, this one is tried again
            self._retry(spool, error)
        else:
            self._forget(spool)
            self.problem = ""

    async def _is_still_written(self, spool: Path) -> bool:
        until = self._end_expected_until.get(spool, 0.0)
        if asyncio.get_running_loop().time() >= until:
            return False
        return not await asyncio.to_thread(_is_complete, spool)

    def _retry(self, spool: Path, error: Exception) -> None:
        self.problem = str(error) or type(error).__name__
        known = isinstance(error, RecordingError)
        logger.error(
            "recording not finalised, tried again later", extra=_facts(spool, self.problem), exc_info=not known
        )
        self._failed.add(spool)
        self._postpone(spool, self._retry_delay_s)
        self._update_idle()

    def _postpone(self, spool: Path, delay_s: float) -> None:
        self._later[spool] = asyncio.get_running_loop().call_later(delay_s, self._try_again, spool)

    def _try_again(self, spool: Path) -> None:
        del self._later[spool]
        self._failed.discard(spool)
        self._enqueue(spool)

    def _forget(self, spool: Path) -> None:
        self._known.discard(spool)
        self._end_expected_until.pop(spool, None)
        self._update_idle()

    def _update_idle(self) -> None:
        if self._known <= self._failed:
            self._idle.set()


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


def _is_complete(spool: Path) -> bool:
    """Also true when there is nothing to wait for: what is wrong with the file shows when it is finalised."""
    try:
        return ends_in_order(spool)
    except OSError:
        return True


def _set_aside(spool: Path) -> None:
    """Keeps what cannot be read, under a name that is not tried again."""
    with suppress(OSError):
        spool.replace(spool.with_name(spool.name + UNREADABLE_SUFFIX))


def _facts(spool: Path, problem: str = "") -> dict[str, str]:
    return {"action": "finalize", "recording_id": spool.stem, "problem": problem}
