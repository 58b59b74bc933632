"""The queue between ended calls and what keeps their remains."""

import asyncio

from dialer.outcomes.backlog import Backlog


async def test_the_oldest_makes_room_and_comes_back() -> None:
    backlog: Backlog[int] = Backlog(2)
    assert [backlog.put(item) for item in (1, 2, 3)] == [None, None, 1]
    assert len(backlog) == 2
    assert [await backlog.next(), await backlog.next()] == [2, 3]


async def test_what_failed_is_the_next_again() -> None:
    backlog: Backlog[int] = Backlog(9)
    backlog.put(1)
    backlog.put(2)
    item = await backlog.next()
    assert item is not None
    backlog.put_back(item)
    assert await backlog.next() == 1


async def test_closed_it_gives_what_is_left_and_then_nothing() -> None:
    backlog: Backlog[int] = Backlog(9)
    backlog.put(1)
    backlog.close()
    assert await backlog.next() == 1
    assert await backlog.next() is None
    async with asyncio.timeout(1.0):
        await backlog.pause(3600.0)


async def test_who_waits_is_woken_by_an_item_and_by_the_end() -> None:
    backlog: Backlog[int] = Backlog(9)
    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        waiting = group.create_task(backlog.next())
        await asyncio.sleep(0)
        backlog.put(7)
        assert await waiting == 7
        waiting = group.create_task(backlog.next())
        await asyncio.sleep(0)
        backlog.close()
        assert await waiting is None
