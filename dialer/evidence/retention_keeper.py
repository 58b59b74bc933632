"""Carries out deletions that two persons decided, on one node, and says when recordings are overdue.

Nothing here decides: a request that was allowed is worked through recording by recording, and each is put to the rules
and the holds of that moment. Objects whose keys are gone are then deleted in the node's store; one that the store
locks stays, as noise, and is tried again. Everything it works by is in the database, so a crash only interrupts it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from dialer.clock import Clock
from dialer.compliance.policy import Policy
from dialer.errors import ConfigError, StorageError
from dialer.evidence.retention import count_overdue
from dialer.evidence.retention_terms import TermsBook, terms_book
from dialer.evidence.stores import transcript_path
from dialer.live import LiveBoard
from dialer.model.retention import Deletion, DeletionState, DoomedObject, ItemState
from dialer.storage import Storage
from recording.errors import RecordingError
from recording.stored import Deletion as StoreDeletion

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
"""How often requests that were allowed are looked for."""
COUNT_EVERY = timedelta(hours=1)
"""How often it is counted what is overdue."""
RETRY_AFTER = timedelta(hours=1)
"""When a store is asked again for an object it did not give up."""
PAGE = 200
STORE_LIMIT_S = 60.0
"""For one deletion in the store."""


class Objects(Protocol):
    """What is asked of a store: `recording.objects.ObjectStore` has it."""

    def delete(self, name: str) -> StoreDeletion:
        """Removes an object as far as the store lets it go; what is not there is gone. Blocking. RecordingError."""
        ...


class RetentionKeeper:
    """`async with` object of one node. `policy` says which packs are in force at an instant."""

    def __init__(
        self,
        storage: Storage,
        policy: Callable[[datetime], Policy],
        objects: Objects,
        node: str,
        clock: Clock,
        board: LiveBoard,
    ) -> None:
        self._storage = storage
        self._policy = policy
        self._objects = objects
        self._node = node
        self._clock = clock
        self._board = board
        self._closing = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._counted_at: datetime | None = None
        self._unscrubbed = True  # the last run may have been cut off between a deletion and this
        self.overdue = 0
        self.problem = ""
        """What keeps deletions from being carried out now, in words."""

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.create_task(self._run(), name="retention")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self._tasks.__aexit__(None, None, None)

    async def _run(self) -> None:
        while not self._closing.is_set():
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._closing.wait()

    async def _look(self) -> None:
        """The edge of one look: whatever is wrong with it, there is another one."""
        problem = ""
        try:
            await self.work()
        except (ConfigError, StorageError) as error:
            problem = str(error)
        except Exception as error:
            logger.exception("retention failed", extra={"action": "retention"})
            problem = f"{type(error).__name__}; the log says more"
        if problem and problem != self.problem:
            logger.error("recordings that may go stay", extra={"action": "retention", "problem": problem})
        self.problem = problem

    async def work(self) -> None:
        """Does all that is to be done now. ConfigError, StorageError."""
        await self._carry_out()
        if self._unscrubbed:
            self._unscrubbed = not await self._storage.deletions.scrub()
        await self._empty_store()
        now = self._clock.utcnow()
        if self._counted_at is None or now - self._counted_at >= COUNT_EVERY:
            await self._count(now)

    async def _book(self) -> TermsBook:
        now = self._clock.utcnow()
        return await terms_book(self._storage, self._policy(now), now)

    # ---- what two persons decided

    async def _carry_out(self) -> None:
        for deletion in reversed(await self._storage.deletions.list(DeletionState.ALLOWED)):
            await self._delete(deletion)

    async def _delete(self, deletion: Deletion) -> None:
        book = await self._book()
        judge = partial(book.judge, named=deletion.is_named)
        deletions = self._storage.deletions
        while waiting := await deletions.items(deletion.deletion_id, ItemState.PENDING, limit=PAGE):
            for item in waiting:
                if self._closing.is_set():
                    return
                done = await deletions.execute(
                    deletion.deletion_id, item.recording_id, judge, self._clock.utcnow(), node=self._node
                )
                if done is not None:
                    self._unscrubbed = True
                    facts = {"action": "retention", "recording_id": item.recording_id, "state": done.value}
                    logger.info("a recording was put to deletion", extra=facts)
        if await deletions.finish(deletion.deletion_id, self._clock.utcnow()):
            logger.info("a deletion is done", extra={"action": "retention", "deletion_id": deletion.deletion_id})

    # ---- what is left of it in the store

    async def _empty_store(self) -> None:
        keeping = self._storage.keeping
        while doomed := await keeping.doomed(self._node, self._clock.utcnow(), PAGE):
            for found in doomed:
                if self._closing.is_set():
                    return
                await self._delete_object(found)

    async def _delete_object(self, doomed: DoomedObject) -> None:
        keeping, name, retry_at = self._storage.keeping, doomed.name, self._clock.utcnow() + RETRY_AFTER
        try:
            async with asyncio.timeout(STORE_LIMIT_S):
                answer = await asyncio.to_thread(self._delete_both, name)
        except (RecordingError, TimeoutError) as error:
            problem = str(error) or "the store does not answer"
            facts = {"action": "retention", "object": name, "problem": problem}
            logger.warning("an object without a key stays in the store", extra=facts)
            await keeping.object_stays(name, problem, retry_at)
            return
        if answer.gone:
            await keeping.object_gone(name)
        else:
            await keeping.object_stays(name, "the store locks it", max(answer.kept_until or retry_at, retry_at))

    def _delete_both(self, name: str) -> StoreDeletion:
        """Beside audio may lie a transcript, under the same key; no row tells of it."""
        beside = transcript_path(name)
        answers = [self._objects.delete(each) for each in (name, beside)]
        return next((answer for answer in answers if not answer.gone), answers[0])

    # ---- what should be gone

    async def _count(self, now: datetime) -> None:
        self.overdue = await count_overdue(self._storage, await self._book())
        self._counted_at = now
        n_doomed = await self._storage.keeping.n_doomed(self._node)
        self._board.publish(f"retention/{self._node}", {"overdue": self.overdue, "objects_without_key": n_doomed})
        if self.overdue:
            facts = {"action": "retention", "n": self.overdue}
            logger.error("recordings should be deleted and nobody asked for it", extra=facts)
