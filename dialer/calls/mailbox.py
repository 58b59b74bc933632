"""The one mailbox of an attempt: everything that happens to it is read from here, in order."""

import asyncio
import logging
from collections import deque
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

Message = TypeVar("Message")
MAX_MESSAGES = 1000
"""Far more than one call can have waiting; beyond it new messages are dropped and an error is logged."""


class Mailbox(Generic[Message]):
    """Filled from callbacks in the loop's thread, emptied by one task."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def put(self, message: Message) -> None:
        """Adds a message; never waits."""
        if len(self._messages) >= MAX_MESSAGES:
            logger.error("mailbox full: a message was dropped")
            return
        self._messages.append(message)
        self._wake()

    @property
    def is_empty(self) -> bool:
        """Whether everything that came has been taken."""
        return not self._messages

    async def get(self, deadline: float | None) -> Message | None:
        """The next message, or None once `deadline` (loop time) has passed.

        A bare timer: `asyncio.timeout` around an event costs thrice as much, several times in every call.
        """
        if not self._messages:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = None if deadline is None else loop.call_at(deadline, self._wake)
            try:
                await self._waiting
            finally:
                self._waiting = None
                if timer is not None:
                    timer.cancel()
        return self._messages.popleft() if self._messages else None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def drain(self) -> list[Message]:
        """Everything that waits now, without waiting."""
        messages = list(self._messages)
        self._messages.clear()
        return messages
