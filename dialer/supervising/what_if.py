"""Days rehearsed before they come: each in a process of its own, one at a time, within a limit of time.

The process is started from the same program (`dialer.cli.what_if_child`), runs behind everything else on the machine,
and is ended with the service, with its time, or when a supervisor cancels it. It goes on when the page that asked is
left: whoever opens the campaign finds it again.
"""

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Self, cast

import msgspec

from dialer.campaigns.list_process import end_process
from dialer.clock import Clock
from dialer.errors import DialerError
from dialer.supervising.what_if_messages import Basis, DayRequest, Failed, Lived, Progress, decode_message, encode

logger = logging.getLogger(__name__)

LIMIT_S = 1200.0
"""Longest rehearsal: all its modes. A collector's hour takes a third of a CPU second, beside other work a second."""
MAX_LINE_BYTES = 4 << 20
RUNS_KEPT = 20
_CHILD = ("-P", "-m", "dialer.cli.what_if_child")


class RunState(str, Enum):
    """Of a rehearsal."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BusyError(DialerError):
    """Another day is being rehearsed."""


@dataclass(slots=True)
class WhatIfRun:
    """One rehearsal as far as it has come. `progress` 0 to 1."""

    run_id: int
    campaign_id: int
    request: DayRequest
    asked_by: str
    asked_at: datetime
    state: RunState = RunState.RUNNING
    progress: float = 0.0
    problem: str = ""
    basis: Basis | None = None
    lived: list[Lived] = field(default_factory=list)


class WhatIf:
    """The rehearsals of a node, used as `async with`."""

    def __init__(self, clock: Clock, limit_s: float = LIMIT_S) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._runs: dict[int, WhatIfRun] = {}
        self._task: asyncio.Task[None] | None = None
        self._last_id = 0
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def find(self, campaign_id: int, run_id: int) -> WhatIfRun | None:
        """One of the last rehearsals."""
        run = self._runs.get(run_id)
        return run if run is not None and run.campaign_id == campaign_id else None

    def newest(self, campaign_id: int) -> WhatIfRun | None:
        """The campaign's last rehearsal, be it under way or over; None when none is kept."""
        return next((run for run in reversed(self._runs.values()) if run.campaign_id == campaign_id), None)

    @property
    def is_busy(self) -> bool:
        """Whether a day is being rehearsed."""
        return self._task is not None and not self._task.done()

    def expect_free(self) -> None:
        """Raises BusyError, which says whose day is being rehearsed."""
        if self.is_busy:
            run = self._runs[self._last_id]
            raise BusyError(
                f"campaign {run.campaign_id} is being rehearsed (run {run.run_id}); "
                "wait for its end, or cancel it there"
            )

    def start(self, campaign_id: int, request: DayRequest, history: AsyncIterator[bytes], actor: str) -> WhatIfRun:
        """Begins a rehearsal; `history` is read while it goes on. Raises BusyError."""
        self.expect_free()
        self._last_id += 1
        run = WhatIfRun(self._last_id, campaign_id, request, actor, self._clock.utcnow())
        self._runs[run.run_id] = run
        while len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]
        self._task = self._tasks.create_task(self._run(run, history), name="what if")
        return run

    def cancel(self, run: WhatIfRun) -> None:
        """Ends it; nothing when it is over."""
        if run.state is RunState.RUNNING and self._task is not None:
            run.state = RunState.CANCELLED
            self._task.cancel()

    async def _run(self, run: WhatIfRun, history: AsyncIterator[bytes]) -> None:
        """The edge of one rehearsal: whatever fails is said in it."""
        try:
            async with asyncio.timeout(self._limit_s):
                await _live(run, history)
        except TimeoutError:
            _fail(run, f"the rehearsal took longer than {self._limit_s:g} s: ask for fewer collectors, hours or modes")
        except DialerError as error:
            _fail(run, str(error))
        except asyncio.CancelledError:
            run.state = RunState.CANCELLED
            raise
        except Exception:
            logger.exception("a rehearsal failed", extra={"action": "what_if", "campaign_id": run.campaign_id})
            _fail(run, "the rehearsal failed; the log says why")


async def _live(run: WhatIfRun, history: AsyncIterator[bytes]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *_CHILD),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        limit=MAX_LINE_BYTES,
        start_new_session=True,
    )
    try:
        await _ask(process, run.request, history)
        await _listen(run, cast("asyncio.StreamReader", process.stdout))
    finally:
        await asyncio.shield(end_process(process))


async def _ask(process: Process, request: DayRequest, history: AsyncIterator[bytes]) -> None:
    stdin = cast("asyncio.StreamWriter", process.stdin)
    try:
        stdin.write(encode(request))
        async for piece in history:
            stdin.write(piece)
            await stdin.drain()
    except ConnectionError as error:
        raise DialerError("the process that rehearses did not start") from error
    finally:
        stdin.close()


async def _listen(run: WhatIfRun, out: asyncio.StreamReader) -> None:
    while line := await out.readline():
        try:
            message = decode_message(line)
        except msgspec.MsgspecError as error:
            raise DialerError("the process that rehearses said something unreadable") from error
        match message:
            case Basis():
                run.basis = message
            case Progress(done=done):
                run.progress = max(run.progress, min(done, 1.0))
            case Lived():
                run.lived.append(message)
            case Failed(reason=reason):
                _fail(run, reason)
                return
    if len(run.lived) < len(run.request.modes):
        raise DialerError("the process that rehearses was ended")
    run.state, run.progress = RunState.DONE, 1.0


def _fail(run: WhatIfRun, problem: str) -> None:
    run.state, run.problem = RunState.FAILED, problem
