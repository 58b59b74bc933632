"""An event loop whose time is virtual: where a real one would sleep, it goes straight on to the next timer.

So hours of waiting cost nothing, and everything that happens comes in the order of its virtual time, the same in every
run. Work in threads (`asyncio.to_thread`) is really waited for: time stands still until it is done.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

BEGINS_AT_S = 1000.0
"""What the loop's clock shows at first; not 0, which is what an instant that was never set often looks like."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Jumps(selectors.DefaultSelector):
    """Where the loop would sleep. Files are looked at only while a thread is at work, which wakes the loop by one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINS_AT_S
        self.n_threads_at_work = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.n_threads_at_work:
            return super().select(timeout if timeout is not None and timeout <= 0 else None)
        self.now += max(timeout, 0.0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for `asyncio.Runner(loop_factory=VirtualTimeLoop)`. For what opens no sockets."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumps.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """As in any loop; time stands still meanwhile."""
        work = super().run_in_executor(executor, func, *args)
        self._jumps.n_threads_at_work += 1
        work.add_done_callback(self._thread_is_done)
        return work

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Waits for the threads as long as it takes: a limit in virtual time would be over at once."""
        self._jumps.n_threads_at_work += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._jumps.n_threads_at_work -= 1

    def _thread_is_done(self, _: "asyncio.Future[Any]") -> None:
        self._jumps.n_threads_at_work -= 1


class VirtualClock:
    """The `dialer.clock.Clock` of a virtual day: `begins` (aware) is when the loop began."""

    def __init__(self, loop: asyncio.AbstractEventLoop, begins: datetime) -> None:
        self._loop = loop
        self._began_at = loop.time()
        self._begins = begins.astimezone(UTC)

    @property
    def elapsed_s(self) -> float:
        """Since the day began."""
        return self._loop.time() - self._began_at

    def monotonic(self) -> float:
        return self._loop.time()

    def utcnow(self) -> datetime:
        return self._begins + timedelta(seconds=self.elapsed_s)
