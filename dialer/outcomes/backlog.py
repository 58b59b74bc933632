"""What ended calls left to be kept: a bounded queue that no call waits for, and one task that empties it."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """Takes at once, gives one after the other. When it is full the oldest gives way; closed, it gives what is left."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[T] = deque()
        self._news = asyncio.Event()
        self._closing = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> T | None:
        """Takes an item; gives back the one that had to make room for it."""
        oldest = self._items.popleft() if len(self._items) >= self._limit else None
        self._items.append(item)
        self._news.set()
        return oldest

    def put_back(self, item: T) -> None:
        """Takes an item again, to be the next."""
        self._items.appendleft(item)

    async def next(self) -> T | None:
        """The oldest item, as soon as there is one; None once all is given and it is closed."""
        while not self._items:
            if self._closing.is_set():
                return None
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()

    def close(self) -> None:
        """Nothing more is waited for."""
        self._closing.set()
        self._news.set()

    async def pause(self, seconds: float) -> None:
        """Before another try; shorter when it is closed meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
