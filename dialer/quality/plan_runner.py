"""Runs the sampling plans beside a node: a week is drawn when it is over, a day the same, on one node once.

A period is drawn `SETTLE` after its end, when its recordings are finalised and its wrap-ups recorded. What was not
drawn because no node ran is drawn later, the oldest first: the lots are the same whenever they are drawn.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

from dialer.clock import Clock
from dialer.live import LiveBoard
from dialer.model.quality_work import QaPlan
from dialer.quality.drawing import Drawer, Transcripts, no_transcripts
from dialer.storage import Storage
from recording.review.periods import Period, ended_periods

logger = logging.getLogger(__name__)

SETTLE = timedelta(hours=2)
"""Longer than a call with its wrap-up, and than finalising what waited."""
LOOK_EVERY_S = 60.0
DRAW_LIMIT_S = 600.0
"""For one period of one plan: a week of 100,000 recordings takes some ten seconds."""
DATABASE_LIMIT_S = 60.0
"""For anything else: longer than the database itself takes to give up."""

T = TypeVar("T")


class PlanRunner:
    """One per node. `zone` says the house's zone now."""

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
        self._drawn_to: dict[int, datetime] = {}

    async def run(self) -> None:
        """Looks for what is due, as long as the node runs."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Draws all that is due, and closes what cannot be done any more. What fails holds up nothing else."""
        now = self._clock.utcnow()
        await self._guarded("work was not tidied up", self._storage.qa_work.tidy(now))
        await self._guarded("evaluations were not closed", self._storage.evaluations.close_unanswered(now))
        for plan in await self._guarded("plans were not read", self._storage.qa_plans.all(running=True)) or ():
            await self._draw_due(plan)

    async def _guarded(self, what_failed: str, work: Awaitable[T]) -> T | None:
        """The edge of one thing to do; None: it failed, and the next look tries it again."""
        try:
            async with asyncio.timeout(DATABASE_LIMIT_S):
                return await work
        except Exception:
            logger.exception(what_failed, extra={"action": "sampling"})
            return None

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
        now = self._clock.utcnow()
        opened = await drawer.draw(plan, period, self._node, now)
        if opened is None:
            return
        n_drawn = len({item.subject for item in opened})
        self._board.publish(
            f"qa_plan/{plan.plan_id}", {"period": period.label, "drawn": n_drawn, "at": now.isoformat()}
        )
        facts = {"action": "sampling", "plan_id": plan.plan_id, "period": period.label, "n": n_drawn}
        logger.info("a plan was drawn", extra=facts)
