"""Runs the sampling plans beside a node: a week is drawn when it is over, a day the same, on one node once.

A period is drawn `SETTLE` after its end, when its recordings are finalised and its wrap-ups recorded. What was not
drawn because no node ran is drawn later, the oldest first: the lots are the same whenever they are drawn.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from types import TracebackType
from typing import Self

from dialer.clock import Clock
from dialer.errors import StorageError
from dialer.live import LiveBoard
from dialer.model.account import AuditEntry
from dialer.model.quality_work import QaPlan, WorkItem
from dialer.quality.drawing import Drawer, Transcripts, no_transcripts
from dialer.storage import Storage
from recording.review.periods import Period, ended_periods

logger = logging.getLogger(__name__)

SETTLE = timedelta(hours=2)
"""Longer than a call with its wrap-up, and than finalising what waited."""
LOOK_EVERY_S = 60.0
DRAW_LIMIT_S = 600.0
"""For one period of one plan: a week of 100,000 recordings takes some ten seconds."""
TIDY_LIMIT_S = 60.0
ACTOR = "sampling"
"""Who draws, in the audit log."""


class PlanRunner:
    """`async with` object of one node. `zone` says the house's zone now."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        board: LiveBoard,
        node: str,
        zone: Callable[[], tzinfo],
        transcripts: Transcripts = no_transcripts,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._board = board
        self._node = node
        self._zone = zone
        self._transcripts = transcripts
        self._tasks = asyncio.TaskGroup()
        self._running: asyncio.Task[None] | None = None
        self._drawn_to: dict[int, datetime] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running = self._tasks.create_task(self._run(), name="sampling plans")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def _run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Draws all that is due, and closes what cannot be done any more. A plan that fails holds up no other."""
        try:
            async with asyncio.timeout(TIDY_LIMIT_S):
                plans = await self._storage.qa_plans.all(running=True)
                await self._storage.qa_work.tidy(self._clock.utcnow())
                await self._storage.evaluations.close_unanswered(self._clock.utcnow())
        except (StorageError, TimeoutError):  # the next turn asks again
            logger.exception("sampling plans were not read", extra={"action": "sampling"})
            return
        for plan in plans:
            await self._draw_due(plan)

    async def _draw_due(self, plan: QaPlan) -> None:
        try:
            for period in await self._due(plan):
                async with asyncio.timeout(DRAW_LIMIT_S):
                    await self._draw(plan, period)
                self._drawn_to[plan.plan_id] = period.ends
        except Exception:  # the edge of one plan: the next turn tries it again
            logger.exception("a plan was not drawn", extra={"action": "sampling", "plan_id": plan.plan_id})

    async def _due(self, plan: QaPlan) -> list[Period]:
        """What is over and was not drawn: mostly nothing, and then the database is not asked either."""
        settled = self._clock.utcnow() - SETTLE
        since = self._drawn_to.get(plan.plan_id, plan.created_at)
        due = list(ended_periods(plan.cadence, self._zone(), since, settled))
        if not due or plan.plan_id in self._drawn_to:
            return due
        last = await self._storage.qa_plans.last_draw(plan.plan_id)
        return due if last is None else [period for period in due if period.ends > last.ends]

    async def _draw(self, plan: QaPlan, period: Period) -> None:
        drawer = Drawer(self._storage, self._zone(), self._transcripts)
        opened = await drawer.draw(plan, period, self._node, self._clock.utcnow())
        if opened is not None:
            await self._tell(plan, period, opened)

    async def _tell(self, plan: QaPlan, period: Period, opened: tuple[WorkItem, ...]) -> None:
        n_drawn = len({item.subject for item in opened})
        now = self._clock.utcnow()
        subject = f"qa_plan/{plan.plan_id}"
        await self._storage.audit.record(AuditEntry(now, ACTOR, "qa_plan.draw", subject, f"{period.label}: {n_drawn}"))
        self._board.publish(subject, {"period": period.label, "drawn": n_drawn, "at": now.isoformat()})
        facts = {"action": "sampling", "plan_id": plan.plan_id, "period": period.label, "n": n_drawn}
        logger.info("a plan was drawn", extra=facts)
