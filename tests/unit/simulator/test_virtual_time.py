"""Time that jumps: timers in their order, threads waited for, and a wall clock that follows."""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dialer.simulator.virtual_time import VirtualClock, VirtualTimeLoop

T = TypeVar("T")
BEGINS = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def live(work: Coroutine[object, object, T]) -> T:
    """Runs it on virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def test_hours_pass_at_once_and_in_order() -> None:
    """Timers come at exactly their time, the earlier first, whoever asked first."""
    heard: list[tuple[str, float]] = []

    async def day() -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            heard.append((name, loop.time() - began_at))

        async with asyncio.TaskGroup() as tasks:
            for name, seconds in (("evening", 36000.0), ("noon", 7200.0), ("tick", 0.5)):
                tasks.create_task(sleeper(name, seconds))

    live(day())
    assert heard == [("tick", 0.5), ("noon", 7200.0), ("evening", 36000.0)]


def test_a_limit_in_virtual_time_holds() -> None:
    async def waits() -> float:
        began_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(5.0):
                await asyncio.Event().wait()
        except TimeoutError:
            pass
        return asyncio.get_running_loop().time() - began_at

    assert live(waits()) == 5.0


def test_time_stands_still_while_a_thread_works() -> None:
    """The sleeper's second is not over before the thread's work is, however long that takes."""
    order: list[str] = []

    async def sleeper() -> None:
        await asyncio.sleep(1.0)
        order.append("the second is over")

    async def worker() -> None:
        await asyncio.to_thread(time.sleep, 0.05)
        order.append("the thread is done")

    async def both() -> float:
        began_at = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sleeper())
            tasks.create_task(worker())
        return asyncio.get_running_loop().time() - began_at

    assert live(both()) == 1.0
    assert order == ["the thread is done", "the second is over"]


def test_a_threads_fault_is_told_and_time_goes_on() -> None:
    async def fails() -> float:
        try:
            await asyncio.to_thread(int, "no number")
        except ValueError:
            await asyncio.sleep(3.0)
        return asyncio.get_running_loop().time()

    began = live(_now())
    assert live(fails()) - began == 3.0


async def _now() -> float:
    return asyncio.get_running_loop().time()


def test_the_wall_clock_goes_with_the_loop() -> None:
    async def reads() -> tuple[datetime, datetime, float]:
        clock = VirtualClock(asyncio.get_running_loop(), BEGINS)
        first = clock.utcnow()
        await asyncio.sleep(90.0)
        return first, clock.utcnow(), clock.elapsed_s

    first, second, elapsed_s = live(reads())
    assert (first, second - first, elapsed_s) == (BEGINS, timedelta(seconds=90), 90.0)
