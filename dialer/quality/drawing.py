"""One draw of one plan: what may be drawn, chance's choice of it, and the same choice made once more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from dialer.model.quality_work import (
    NewDraw,
    NewWork,
    Purpose,
    QaDraw,
    QaPlan,
    WorkItem,
    WorkKind,
)
from dialer.storage import Storage
from dialer.storage.qa_candidates import CandidateQuery
from recording.errors import RecordingError
from recording.review.periods import Period
from recording.review.sampling import Candidate, Chosen, Drawing, Rules, draw

logger = logging.getLogger(__name__)

BLIND_HANDS = 2

Transcripts = Callable[[str], Awaitable[str]]
"""What was said in a recording, "" where nobody wrote it down. Raises RecordingError."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A draw made once more: what came up now and was not drawn then, and the other way round.

    `same_pool`: exactly the same could have been drawn; otherwise something came in or changed since then.
    """

    same_pool: bool
    pool: int
    passed_over: tuple[str, ...]
    not_again: tuple[str, ...]


async def no_transcripts(recording_id: str) -> str:
    """Where nothing is written down."""
    return ""


@dataclass(frozen=True, slots=True)
class Drawer:
    """What a draw is made with. `zone`: the house's, in which days and weeks are counted."""

    storage: Storage
    zone: tzinfo
    transcripts: Transcripts = no_transcripts

    async def draw(self, plan: QaPlan, period: Period, node: str, now: datetime) -> tuple[WorkItem, ...] | None:
        """Draws a plan's period and opens what comes up, of what happened since the plan was made.

        None: it was drawn before, here or on another node.
        """
        fresh = NewDraw(
            plan_id=plan.plan_id,
            period=period.label,
            begins=max(period.begins, plan.created_at),
            ends=period.ends,
            drawn_at=now,
            node=node,
            pool=0,
            drawn=0,
            pool_digest=b"",
        )
        if not isinstance(plan.rules, Rules):
            return await self.storage.qa_listening.draw(plan, fresh)
        asked = CandidateQuery(plan.rules, fresh.begins, fresh.ends, self.zone)
        drawing = await self._choose(plan, asked, period.label)
        fresh = replace(fresh, pool=drawing.pool, pool_digest=drawing.digest)
        items = [_item(plan, chosen, now) for chosen in drawing.chosen]
        hands = BLIND_HANDS if plan.purpose is Purpose.BLIND else 1
        return await self.storage.qa_plans.record(fresh, items, hands)

    async def repeat(self, plan: QaPlan, draw: QaDraw) -> Repeat | None:
        """Draws once more what a draw of recordings chose from, as far as it is known now; None: it drew no recordings.

        What is passed over is so for a reason that can be looked up: it came in late, its outcome or its case changed
        since, or somebody else was given it in the same moment.
        """
        if not isinstance(plan.rules, Rules):
            return None
        asked = CandidateQuery(plan.rules, draw.begins, draw.ends, self.zone, draw.draw_id, draw.drawn_at)
        drawing = await self._choose(plan, asked, draw.period)
        then = await self.storage.qa_plans.drawn(draw.draw_id)
        now = [chosen.candidate.item for chosen in drawing.chosen]
        return Repeat(
            same_pool=drawing.digest == draw.pool_digest,
            pool=drawing.pool,
            passed_over=tuple(item for item in now if item not in then),
            not_again=tuple(item for item in then if item not in now),
        )

    async def _choose(self, plan: QaPlan, asked: CandidateQuery, period: str) -> Drawing:
        candidates = await self.storage.qa_candidates.of(asked)
        if asked.rules.risks is not None and asked.rules.risks.words:
            candidates = await self._with_transcripts(candidates)
        return await asyncio.to_thread(draw, asked.rules, candidates, plan.seed, period)

    async def _with_transcripts(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        of_period = [one for one in candidates if one.of_period]
        others = [one for one in candidates if not one.of_period]
        read = [replace(one, transcript=await self._transcript(one.item)) for one in of_period]
        return (*read, *others)

    async def _transcript(self, recording_id: str) -> str:
        """One that cannot be read is none: a plan draws what else there is."""
        try:
            return await self.transcripts(recording_id)
        except RecordingError as error:
            facts = {"action": "sampling", "recording_id": recording_id, "error": str(error)}
            logger.warning("a transcript was not read", extra=facts)
            return ""


def _item(plan: QaPlan, chosen: Chosen, now: datetime) -> NewWork:
    return NewWork(
        kind=WorkKind.RECORDING,
        subject=chosen.candidate.item,
        purpose=plan.purpose,
        due_at=now + timedelta(days=plan.due_days),
        reasons=chosen.reasons,
        campaign_id=chosen.candidate.campaign,
        collector_id=chosen.candidate.collector,
        scorecard_id=plan.scorecard_id,
        plan_id=plan.plan_id,
    )
