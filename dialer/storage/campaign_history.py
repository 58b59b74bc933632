"""What is on record of a campaign's past, page by page, with running numbers in place of ids.

Ids of contacts, numbers, attempts and collectors are replaced as they come, so that what leaves here says nothing about
anyone, and two histories cannot be put together to find out who is who.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from dialer.model.agent import AgentState
from dialer.model.attempt import REACHED_A_PERSON, AttemptState, CallPath, Disposition, HangupSide
from dialer.model.campaign import Campaign
from dialer.model.history import BUDGET_S, FARTHEST_S, RecordedAttempt, RecordedChange
from dialer.model.verdict_sample import VerdictPhase
from dialer.storage import tables
from dialer.storage.agents import last_before
from dialer.storage.database import Database
from dialer.storage.dialect import among
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import WAITING

PAGE = 1000
"""Rows that are read and turned into values at a time."""

attempts = tables.attempts
changes = tables.agent_changes
samples = tables.verdict_samples
wrap_ups = tables.wrap_ups

_ATTEMPT = (
    *(attempts.c.attempt_id, attempts.c.contact_id, attempts.c.phone_id, attempts.c.agent_id, attempts.c.path),
    *(attempts.c.reserved_at, attempts.c.ringing_at, attempts.c.answered_at, attempts.c.greeting_end_at),
    *(attempts.c.connected_at, attempts.c.ended_at, attempts.c.disposition, attempts.c.hangup_side),
    *(attempts.c.verdict, attempts.c.conversation),
)

Records = tuple[RecordedAttempt, ...] | tuple[RecordedChange, ...]
_Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class Extent:
    """From when to when a history goes, and what is known beside its attempts (see `dialer.model.history.Outline`)."""

    campaign: Campaign
    begins: datetime
    ends: datetime
    waiting: int = 0
    numbers: float = 1.0
    tried: Mapping[int, int] = field(default_factory=dict)
    earlier_live_s: tuple[float, ...] = ()
    earlier_abandoned_s: tuple[float, ...] = ()


class CampaignHistory:
    """The `campaign_history` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extent(self, campaign: Campaign, since: datetime, until: datetime, day: datetime, limit: int) -> Extent:
        """The history of [since, until), of its newest `limit` attempts; tries of the list now are counted from `day`.

        It begins later than `since` where there are more attempts than that.
        """
        return await self._database.read(lambda connection: _extent(connection, campaign, since, until, day, limit))

    async def pages(self, extent: Extent) -> AsyncIterator[Records]:
        """The attempts in the order they were placed, then the collectors' changes in the order they happened.

        The changes begin with each collector's state at the first moment, at the time it was entered.
        """
        numbering = _Numbering(extent)
        after: _Place | None = (extent.begins, 0)
        while after is not None:
            rows = await self._database.read(partial(_attempt_page, extent=extent, after=after))
            yield tuple(map(numbering.attempt, rows))
            after = (rows[-1].reserved_at, rows[-1].attempt_id) if len(rows) == PAGE else None
        agent_ids = await self._database.read(partial(_agents, extent=extent, known=numbering.agent_ids))
        yield tuple(map(numbering.change, await self._database.read(partial(_states, extent=extent, ids=agent_ids))))
        after = (extent.begins, 0)
        while after is not None:
            rows = await self._database.read(partial(_change_page, extent=extent, ids=agent_ids, after=after))
            yield tuple(map(numbering.change, rows))
            after = (rows[-1].at, rows[-1].change_id) if len(rows) == PAGE else None


class _Numbering:
    """Turns rows into records, and ids into the order in which they were first met, from 1."""

    def __init__(self, extent: Extent) -> None:
        self._begins = extent.begins
        self._campaign_id = extent.campaign.campaign_id
        self._final = {code.code: code.final for code in extent.campaign.settings.form.codes}
        self._known: dict[str, dict[int, int]] = {"attempt": {}, "contact": {}, "number": {}, "agent": {}}

    @property
    def agent_ids(self) -> frozenset[int]:
        """The collectors met so far."""
        return frozenset(self._known["agent"])

    def attempt(self, row: AnyRow) -> RecordedAttempt:
        answered_s = self._seconds(row.answered_at)
        decided_s = None if answered_s is None or row.decided_ms is None else answered_s + row.decided_ms / 1000
        return RecordedAttempt(
            attempt=self._number("attempt", row.attempt_id),
            contact=self._number("contact", row.contact_id),
            number=self._number("number", row.phone_id),
            placed_s=self._after_begin(row.reserved_at),
            path=CallPath(row.path),
            ringing_s=self._seconds(row.ringing_at),
            answered_s=answered_s,
            greeting_end_s=self._seconds(row.greeting_end_at),
            decided_s=decided_s,
            connected_s=self._seconds(row.connected_at),
            ended_s=self._seconds(row.ended_at),
            disposition=Disposition(row.disposition) if row.disposition else None,
            hung_up_by=HangupSide(row.hangup_side) if row.hangup_side else None,
            verdict=row.verdict,
            truth=(row.truth or "") if row.drawn_at is not None else "",
            agent=None if row.agent_id is None else self._number("agent", row.agent_id),
            final=None if row.code is None else self._final.get(row.code, False),
            conversation=row.conversation,
        )

    def change(self, row: AnyRow) -> RecordedChange:
        return RecordedChange(
            agent=self._number("agent", row.agent_id),
            at_s=self._after_begin(row.at),
            state=AgentState(row.new),
            here=row.campaign_id in (None, self._campaign_id),
        )

    def _number(self, kind: str, key: int) -> int:
        known = self._known[kind]
        return known.setdefault(key, len(known) + 1)

    def _seconds(self, at: datetime | None) -> float | None:
        return None if at is None else self._after_begin(at)

    def _after_begin(self, at: datetime) -> float:
        """Whoever comes back after half a year was out of office since long before."""
        return max(-FARTHEST_S, min((at - self._begins).total_seconds(), FARTHEST_S))


def _extent(
    connection: Connection, campaign: Campaign, since: datetime, until: datetime, day: datetime, limit: int
) -> Extent:
    oldest = _of_campaign(select(attempts.c.reserved_at), campaign, since, until)
    oldest = oldest.order_by(attempts.c.reserved_at.desc()).offset(limit - 1).limit(1)
    begins = connection.execute(oldest).scalar() or since
    waiting = _count_waiting(connection, campaign)
    live_s, abandoned_s = _earlier(connection, campaign, begins)
    return Extent(
        campaign,
        begins,
        until,
        waiting,
        _numbers_each(connection, campaign),
        _tried(connection, campaign, day, waiting),
        live_s,
        abandoned_s,
    )


def _of_campaign(query: Select[Any], campaign: Campaign, since: datetime, until: datetime) -> Select[Any]:
    """The attempts of which an INVITE left, or may have left."""
    of_campaign = attempts.c.campaign_id == campaign.campaign_id
    placed = attempts.c.state != AttemptState.RELEASED.value
    return query.where(of_campaign, placed, attempts.c.reserved_at >= since, attempts.c.reserved_at < until)


def _count_waiting(connection: Connection, campaign: Campaign) -> int:
    entries = tables.entries
    query = select(func.count()).where(entries.c.campaign_id == campaign.campaign_id, entries.c.queue.in_(WAITING))
    return int(connection.execute(query).scalar_one())


def _numbers_each(connection: Connection, campaign: Campaign) -> float:
    lists = tables.lists
    query = select(func.sum(lists.c.phone_count), func.sum(lists.c.contact_count))
    phones, contacts = connection.execute(query.where(lists.c.list_id.in_(campaign.list_ids))).one()
    return float(phones) / float(contacts) if contacts else 1.0


def _tried(connection: Connection, campaign: Campaign, day: datetime, waiting: int) -> dict[int, int]:
    """How many waiting contacts were called how often since then; from the few that were called at all."""
    entries = tables.entries
    of_contact = and_(entries.c.campaign_id == attempts.c.campaign_id, entries.c.contact_id == attempts.c.contact_id)
    called = (
        select(func.count(attempts.c.attempt_id).label("times"))
        .join(entries, of_contact)
        .where(attempts.c.campaign_id == campaign.campaign_id, attempts.c.state != AttemptState.RELEASED.value)
        .where(attempts.c.reserved_at >= day, entries.c.queue.in_(WAITING))
        .group_by(attempts.c.contact_id)
        .subquery()
    )
    rows = connection.execute(select(called.c.times, func.count()).group_by(called.c.times)).all()
    found = {int(times): int(n) for times, n in rows}
    return {0: max(waiting - sum(found.values()), 0), **found}


def _earlier(
    connection: Connection, campaign: Campaign, begins: datetime
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Seconds, negative, at which people were reached who still count when the history begins, and abandoned."""
    query = (
        select(attempts.c.ended_at, attempts.c.disposition)
        .where(attempts.c.campaign_id == campaign.campaign_id)
        .where(attempts.c.disposition.in_(sorted(disposition.value for disposition in REACHED_A_PERSON)))
        .where(attempts.c.ended_at >= begins - timedelta(seconds=BUDGET_S), attempts.c.reserved_at < begins)
        .where(attempts.c.conversation.is_distinct_from(False))
    )
    rows = [((row.ended_at - begins).total_seconds(), row.disposition) for row in connection.execute(query)]
    live = sorted(at_s for at_s, _ in rows)
    return tuple(live), tuple(sorted(at_s for at_s, end in rows if end == Disposition.ABANDONED.value))


def _attempt_page(connection: Connection, extent: Extent, after: _Place) -> Sequence[AnyRow]:
    of_answer = and_(samples.c.attempt_id == attempts.c.attempt_id, samples.c.phase == VerdictPhase.ANSWERED.value)
    query = (
        select(*_ATTEMPT, samples.c.decided_ms, samples.c.truth, samples.c.drawn_at, wrap_ups.c.code)
        .outerjoin(samples, of_answer)
        .outerjoin(wrap_ups, wrap_ups.c.attempt_id == attempts.c.attempt_id)
        .where(_later(attempts.c.reserved_at, attempts.c.attempt_id, after))
        .order_by(attempts.c.reserved_at, attempts.c.attempt_id)
        .limit(PAGE)
    )
    return connection.execute(_of_campaign(query, extent.campaign, extent.begins, extent.ends)).all()


def _agents(connection: Connection, extent: Extent, known: Collection[int]) -> list[int]:
    """The collectors who worked for the campaign, as far as is on record: who never had a call of it is not known."""
    query = select(changes.c.agent_id).distinct().where(changes.c.campaign_id == extent.campaign.campaign_id)
    query = query.where(changes.c.at >= extent.begins, changes.c.at < extent.ends)
    return sorted({*known, *connection.execute(query).scalars()})


def _states(connection: Connection, extent: Extent, ids: Sequence[int]) -> list[AnyRow]:
    found = (last_before(connection, agent_id, extent.begins) for agent_id in ids)
    return sorted((row for row in found if row is not None), key=lambda row: (row.at, row.change_id))


def _change_page(connection: Connection, extent: Extent, ids: Sequence[int], after: _Place) -> Sequence[AnyRow]:
    query = (
        select(changes)
        .where(among(connection.dialect.name, changes.c.agent_id, "agent_ids"))
        .where(changes.c.at < extent.ends, _later(changes.c.at, changes.c.change_id, after))
        .order_by(changes.c.at, changes.c.change_id)
        .limit(PAGE)
    )
    return connection.execute(query, {"agent_ids": list(ids)}).all()


def _later(at: Any, key: Any, after: _Place) -> Any:
    """Behind a place in the order of (`at`, `key`); the first bound is what an index is for."""
    instant, last = after
    return and_(at >= instant, or_(at > instant, key > last))
