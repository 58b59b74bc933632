"""Figures of a span for those who supervise: attempts by campaign and hour, and by collector, and the time at work.

A reading goes through all rows of its span, by indexes that are there for other reasons: callers keep for a while what
they were told, for everybody who watches.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Label, Select, Subquery, and_, case, cast, func, or_, select

from dialer.model.agent import AgentState
from dialer.model.attempt import REACHED_A_PERSON, AttemptState, Disposition
from dialer.model.figures import WAIT_STEP_S, CampaignHour, CollectorFigures, Contacts, Tally
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import seconds_between
from dialer.storage.statistics import MACHINES
from dialer.storage.tables.base import AnyRow

LONGEST_WAIT_S = 60.0
"""Longer waits are counted as this one."""

attempts = tables.attempts
campaigns = tables.campaigns
changes = tables.agent_changes
wrap_ups = tables.wrap_ups

_PLACED = attempts.c.state != AttemptState.RELEASED.value
_LIVE = and_(
    attempts.c.disposition.in_(sorted(disposition.value for disposition in REACHED_A_PERSON)),
    or_(attempts.c.disposition != Disposition.CONNECTED.value, attempts.c.conversation.is_distinct_from(False)),
)
_COUNTED: Mapping[str, ColumnElement[bool]] = {
    "answered": attempts.c.answered_at.is_not(None),
    "live": _LIVE,
    "abandoned": attempts.c.disposition == Disposition.ABANDONED.value,
    "machines": attempts.c.disposition.in_(sorted(disposition.value for disposition in MACHINES)),
    "connected": attempts.c.connected_at.is_not(None),
    "right_party": attempts.c.right_party.is_(True),
}

PromiseCodes = Mapping[int, frozenset[str]]
"""Of each campaign the codes that are a promise to pay."""


class Figures:
    """The `figures` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hours(
        self, bounds: Sequence[datetime], promises: PromiseCodes, campaign_id: int | None = None
    ) -> tuple[CampaignHour, ...]:
        """Attempts by campaign and span, of one campaign or of all; span n goes from bounds[n] to bounds[n + 1]."""
        return await self._database.read(lambda connection: _hours(connection, bounds, promises, campaign_id))

    async def contacts(self, begins: datetime, ends: datetime, campaign_id: int | None = None) -> dict[int, Contacts]:
        """How many contacts were called in [begins, ends) and how many reached, by campaign; of one, or of all."""
        reached = func.count(case((_LIVE, attempts.c.contact_id)).distinct())
        query = select(attempts.c.campaign_id, func.count(attempts.c.contact_id.distinct()), reached)
        query = query.where(*_of(campaign_id), *_within(begins, ends)).group_by(attempts.c.campaign_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row[0]: Contacts(row[1], row[2]) for row in rows}

    async def collectors(
        self, begins: datetime, ends: datetime, promises: PromiseCodes
    ) -> tuple[CollectorFigures, ...]:
        """Every collector who changed state in [begins, ends), by id; nobody is at work when the span begins."""
        return await self._database.read(lambda connection: _collectors(connection, begins, ends, promises))


@dataclass(slots=True)
class _Sums:
    """A tally while rows are added to it."""

    counts: Counter[str] = field(default_factory=Counter)
    talk_s: float = 0.0
    wrap_s: float = 0.0
    waits: Counter[int] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    def add(self, row: AnyRow) -> None:
        self.counts["dials"] += row.n
        for name in _COUNTED:
            self.counts[name] += int(getattr(row, name) or 0)
        self.talk_s += row.talk_s or 0.0
        if row.answered and row.verdict:
            self.verdicts[row.verdict] += int(row.answered)

    def tally(self) -> Tally:
        return Tally(**self.counts, talk_s=self.talk_s, wrap_s=self.wrap_s, waits=self.waits, verdicts=self.verdicts)


def _hours(
    connection: Connection, bounds: Sequence[datetime], promises: PromiseCodes, campaign_id: int | None
) -> tuple[CampaignHour, ...]:
    hour = _hour_of(attempts.c.reserved_at, bounds)
    key: tuple[Label[Any], ...] = (attempts.c.campaign_id.label("whose"), hour.label("hour"))
    asked = (*_of(campaign_id), *_within(bounds[0], bounds[-1]))
    sums: defaultdict[tuple[int, int], _Sums] = defaultdict(_Sums)
    dialect = connection.dialect.name
    for row in connection.execute(_counted(dialect, key, asked)):
        sums[row.whose, row.hour].add(row)
    for row in connection.execute(_waited(dialect, key, asked)):
        sums[row.whose, row.hour].waits[row.step] += row.n
    for row in connection.execute(_coded(key, asked)):
        if row.code in promises.get(row.whose, ()):
            sums[row.whose, row.hour].counts["promises"] += row.n
    for row in connection.execute(_wrapped(dialect, bounds, campaign_id)):
        sums[row.campaign_id, row.hour].wrap_s += row.lasted_s
    return tuple(CampaignHour(whose, n, each.tally()) for (whose, n), each in sorted(sums.items()))


def _collectors(
    connection: Connection, begins: datetime, ends: datetime, promises: PromiseCodes
) -> tuple[CollectorFigures, ...]:
    key: tuple[Label[Any], ...] = (attempts.c.agent_id.label("whose"),)
    agents = select(tables.accounts.c.account_id)
    asked = (attempts.c.agent_id.in_(agents), attempts.c.agent_id.is_not(None), *_within(begins, ends))
    sums: defaultdict[int, _Sums] = defaultdict(_Sums)
    for row in connection.execute(_counted(connection.dialect.name, key, asked)):
        sums[row.whose].add(row)
    for row in connection.execute(_coded((*key, attempts.c.campaign_id.label("campaign_id")), asked)):
        if row.code in promises.get(row.campaign_id, ()):
            sums[row.whose].counts["promises"] += row.n
    found = _at_work(connection, begins, ends)
    return tuple(replace(figures, tally=sums[figures.agent_id].tally()) for figures in found)


def _counted(dialect: str, key: Sequence[Label[Any]], asked: Iterable[ColumnElement[bool]]) -> Select[Any]:
    talk_s = seconds_between(dialect, attempts.c.connected_at, attempts.c.ended_at)
    columns = (func.sum(case((which, 1), else_=0)).label(name) for name, which in _COUNTED.items())
    query = select(*key, attempts.c.verdict, func.count().label("n"), *columns, func.sum(talk_s).label("talk_s"))
    return query.where(*asked).group_by(*_names(key), attempts.c.verdict)


def _waited(dialect: str, key: Sequence[Label[Any]], asked: Iterable[ColumnElement[bool]]) -> Select[Any]:
    """Of those a collector came to; of a call dialed for one collector there is no greeting's end, and no wait."""
    waited_s = seconds_between(dialect, attempts.c.greeting_end_at, attempts.c.connected_at)
    steps = cast(func.round(waited_s / WAIT_STEP_S), Integer)
    most = round(LONGEST_WAIT_S / WAIT_STEP_S)
    step = case((steps < 0, 0), (steps > most, most), else_=steps).label("step")
    query = select(*key, step, func.count().label("n")).where(*asked)
    query = query.where(attempts.c.connected_at.is_not(None), attempts.c.greeting_end_at.is_not(None))
    return query.group_by(*_names(key), "step")


def _coded(key: Sequence[Label[Any]], asked: Iterable[ColumnElement[bool]]) -> Select[Any]:
    query = select(*key, wrap_ups.c.code, func.count().label("n"))
    query = query.join(wrap_ups, wrap_ups.c.attempt_id == attempts.c.attempt_id)
    query = query.where(*asked, attempts.c.right_party.is_not(None))
    return query.group_by(*_names(key), wrap_ups.c.code)


def _names(key: Sequence[Label[Any]]) -> tuple[str, ...]:
    """Grouped by name: an expression with parameters is not the same twice to PostgreSQL."""
    return tuple(label.name for label in key)


def _of(campaign_id: int | None) -> tuple[ColumnElement[bool], ...]:
    """Of all campaigns: each by itself, so that the index over campaign and time serves."""
    if campaign_id is None:
        return (attempts.c.campaign_id.in_(select(campaigns.c.campaign_id)),)
    return (attempts.c.campaign_id == campaign_id,)


def _within(begins: datetime, ends: datetime) -> tuple[ColumnElement[bool], ...]:
    return (attempts.c.reserved_at >= begins, attempts.c.reserved_at < ends, _PLACED)


def _hour_of(at: ColumnElement[Any], bounds: Sequence[datetime]) -> ColumnElement[int]:
    return case(*((at < bound, n) for n, bound in enumerate(bounds[1:])))


def _wrapped(dialect: str, bounds: Sequence[datetime], campaign_id: int | None) -> Select[Any]:
    """Seconds of the wrap-ups that are over, by campaign and span."""
    states = _states(bounds[0], bounds[-1])
    lasted = func.sum(seconds_between(dialect, states.c.at, states.c.left_at)).label("lasted_s")
    query = select(states.c.campaign_id, _hour_of(states.c.at, bounds).label("hour"), lasted)
    query = query.where(states.c.new == AgentState.WRAPUP.value, states.c.left_at.is_not(None))
    query = query.where(states.c.campaign_id.is_not(None)).group_by(states.c.campaign_id, "hour")
    return query if campaign_id is None else query.where(states.c.campaign_id == campaign_id)


def _states(begins: datetime, ends: datetime) -> Subquery:
    """The states collectors entered in a span; `left_at` is NULL of the last one of each."""
    order = (changes.c.at, changes.c.change_id)
    left_at = func.lead(changes.c.at).over(partition_by=changes.c.agent_id, order_by=order)
    query = select(changes.c.agent_id, changes.c.campaign_id, changes.c.new, changes.c.at, left_at.label("left_at"))
    return query.where(changes.c.at >= begins, changes.c.at < ends).subquery()


def _at_work(connection: Connection, begins: datetime, ends: datetime) -> list[CollectorFigures]:
    """Seconds by state, the last one until the span's end."""
    states = _states(begins, ends)
    lasted = func.sum(seconds_between(connection.dialect.name, states.c.at, states.c.left_at)).label("lasted_s")
    query = select(states.c.agent_id, states.c.new, lasted).where(states.c.left_at.is_not(None))
    seconds: defaultdict[int, dict[AgentState, float]] = defaultdict(dict)
    for row in connection.execute(query.group_by(states.c.agent_id, states.c.new)):
        seconds[row.agent_id][AgentState(row.new)] = row.lasted_s
    found = []
    for row in connection.execute(select(states).where(states.c.left_at.is_(None)).order_by(states.c.agent_id)):
        state, known = AgentState(row.new), seconds[row.agent_id]
        known[state] = known.get(state, 0.0) + max((ends - row.at).total_seconds(), 0.0)
        found.append(CollectorFigures(row.agent_id, state, row.at, known, row.campaign_id))
    return found
