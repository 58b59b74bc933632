"""What quality assurance hears of the detector's: verdicts drawn by chance per campaign, and announcements unnamed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, String, and_, cast, exists, select

from dialer.model.quality_work import (
    AnnouncementRules,
    NewDraw,
    NewWork,
    Purpose,
    QaPlan,
    VerdictRules,
    WorkItem,
    WorkKind,
)
from dialer.model.verdict_sample import SampleFilter
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.qa_plans import record_draw, was_drawn
from dialer.storage.qa_work_reading import IS_PENDING
from dialer.storage.verdict_samples import campaigns_with, drawable, first_of, mark_drawn
from recording.review.sampling import RANDOM, Reason, ReasonKind

waiting = tables.unknown_announcements
work = tables.qa_work


@dataclass(frozen=True, slots=True)
class _Found:
    pool: Sequence[int]
    items: Sequence[NewWork]


class QaListening:
    """The `qa_listening` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def draw(self, plan: QaPlan, draw: NewDraw) -> tuple[WorkItem, ...] | None:
        """Draws what a plan of verdicts or announcements asks for, and opens it; None: the period was drawn before."""
        return await self._database.write(lambda connection: _draw(connection, plan, draw))


def _draw(connection: Connection, plan: QaPlan, draw: NewDraw) -> tuple[WorkItem, ...] | None:
    if was_drawn(connection, plan.plan_id, draw.period):
        return None
    rules = plan.rules
    if isinstance(rules, VerdictRules):
        found = _verdicts(connection, plan, rules, draw)
    elif isinstance(rules, AnnouncementRules):
        found = _announcements(connection, plan, rules, draw)
    else:
        raise TypeError(f"plan {plan.plan_id} draws recordings")
    digest = hashlib.sha256("\n".join(str(one) for one in sorted(found.pool)).encode()).digest()
    return record_draw(connection, replace(draw, pool=len(found.pool), pool_digest=digest), found.items)


def _verdicts(connection: Connection, plan: QaPlan, rules: VerdictRules, draw: NewDraw) -> _Found:
    of_period = SampleFilter(label=rules.label, labelled=False, since=draw.begins, until=draw.ends)
    campaigns = sorted(rules.campaign_ids) or campaigns_with(connection, of_period)
    seed = f"{plan.seed}:{draw.period}"
    pool: list[int] = []
    items: list[NewWork] = []
    for campaign_id in campaigns:
        of_campaign = drawable(connection, replace(of_period, campaign_id=campaign_id))
        pool += of_campaign
        drawn = mark_drawn(connection, first_of(of_campaign, rules.n, seed), draw.drawn_at)
        items += [_item(plan, draw, WorkKind.VERDICT, one.sample_id, campaign_id, RANDOM) for one in drawn]
    return _Found(pool, items)


def _announcements(connection: Connection, plan: QaPlan, rules: AnnouncementRules, draw: NewDraw) -> _Found:
    same = and_(work.c.kind == WorkKind.ANNOUNCEMENT.value, work.c.subject == cast(waiting.c.cluster_id, String))
    is_given_out = exists().where(same, IS_PENDING)
    most_heard = (
        select(waiting.c.cluster_id, waiting.c.campaign_id, waiting.c.times)
        .where(waiting.c.times >= rules.least_times, ~is_given_out)
        .order_by(waiting.c.times.desc(), waiting.c.cluster_id)
    )
    rows = connection.execute(most_heard).all()
    items = [
        _item(plan, draw, WorkKind.ANNOUNCEMENT, row.cluster_id, row.campaign_id, _unnamed(row.times))
        for row in rows[: rules.n]
    ]
    return _Found([row.cluster_id for row in rows], items)


def _unnamed(times: int) -> Reason:
    return Reason(ReasonKind.UNNAMED, f"heard {times} times")


def _item(plan: QaPlan, draw: NewDraw, kind: WorkKind, subject: int, campaign_id: int, reason: Reason) -> NewWork:
    return NewWork(
        kind=kind,
        subject=str(subject),
        purpose=Purpose.LABEL,
        due_at=draw.drawn_at + timedelta(days=plan.due_days),
        reasons=(reason,),
        campaign_id=campaign_id,
        plan_id=plan.plan_id,
    )
