"""The service's side of a finalising process: started when first needed, again after it died, ended when it hangs."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from types import TracebackType
from typing import Any, Self

from recording.errors import RecordingError
from recording.keys import KeyRing
from recording.vault import FinalizedRecording, Ingest
from recording.worker import VaultSettings, error_of

JOB_TIMEOUT_S = 300.0
"""An hour of audio takes some 2 s of CPU; a worker that needs longer than this hangs, or its store does."""
STOP_TIMEOUT_S = 5.0
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""It multiplies no matrices: threads for that would only take memory."""


class WorkerProcess:
    """`async with` object; one job at a time."""

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop()

    async def finalize(self, job: Ingest) -> FinalizedRecording:
        """Raises what the worker met: SpoolError, StoreFullError, RecordingError."""
        try:
            async with asyncio.timeout(JOB_TIMEOUT_S):
                answer = await self._ask(job)
        except TimeoutError as error:
            await self._stop()
            reason = f"not finalised within {JOB_TIMEOUT_S:.0f} s; the spool is kept"
            raise RecordingError(f"recording {job.recording_id}: {reason}") from error
        except asyncio.CancelledError:
            await self._stop()
            raise
        if "recording" in answer:
            return FinalizedRecording.from_json(answer["recording"])
        raise error_of(answer)

    async def _ask(self, job: Ingest) -> dict[str, Any]:
        ended = f"recording {job.recording_id}: the finalising process ended; the spool is kept"
        try:
            process = await self._running()
            if process.stdin is None or process.stdout is None:
                raise RecordingError("the finalising process has no pipes")
            process.stdin.write(json.dumps(job.to_json()).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        except ConnectionError as error:
            raise RecordingError(ended) from error
        if not line:
            raise RecordingError(ended)
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            command = (sys.executable, "-m", "recording.worker")
            environment = _environment(self._settings.keys) | ONE_THREAD
            self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)
            if self._process.stdin is not None:
                self._process.stdin.write(self._settings.to_line().encode())
        return self._process

    async def _stop(self) -> None:
        """Ends the process; what it had in hand is begun again from the spool."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.kill()
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()


def _environment(keys: KeyRing) -> dict[str, str]:
    """Ours, but for variables that hold one of these keys: it gets them by its pipe."""
    known = keys.to_hex()
    return {name: value for name, value in os.environ.items() if value.strip().lower() not in known}
