"""Sums that rules ask for: how often a wide scope was used, and how many calls of a campaign were abandoned."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, literal_column, not_, or_, select

from dialer.compliance.abandonment import HEARD_WITHIN
from dialer.compliance.demand import BudgetDemand, TallyDemand
from dialer.compliance.facts import BudgetUse, Event, Scope, Tally
from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, AttemptState, Disposition
from dialer.model.entry import Reservation
from dialer.storage import tables
from dialer.storage.earlier import ANSWERS, IS_OPEN
from dialer.storage.statistics import BEGINNING, count_reached
from dialer.storage.verdict_samples import heard_machines

BUDGET_AGE = timedelta(seconds=2)
"""How old a budget's counts may be: they are of thousands of calls, and one call more or less moves them little."""

attempts = tables.attempts
Key = str | int | None


def scope_key(scope: Scope, reservation: Reservation) -> Key:
    """Whose attempts a wide scope is about; None: nobody's (no collector yet, no agency but the house itself)."""
    match scope:
        case Scope.CALLER_ID:
            return reservation.caller_id
        case Scope.COLLECTOR:
            return reservation.agent_id
        case Scope.AGENCY:
            return reservation.agency or None
        case _:
            return reservation.campaign_id


def tally(
    connection: Connection, wanted: TallyDemand, reservation: Reservation, now: datetime, as_of: datetime | None = None
) -> Tally:
    """Counts the newest attempts of the scope that lie in the span, up to the limit."""
    key = scope_key(wanted.scope, reservation)
    if key is None or wanted.limit <= 0:
        return Tally(wanted.key, 0)
    asked: dict[str, Any] = {
        "of_key": key,
        "since": max(wanted.span.since(wanted.zone, now), BEGINNING),
        "up_to": wanted.limit,
    }
    if wanted.scope is Scope.CAMPAIGN_TRUNK:
        asked["of_trunk"] = reservation.trunk
    if as_of is not None:
        asked["as_of"] = as_of
    statement = _counting(wanted.scope, wanted.event, wanted.unreached_only, as_of is not None)
    used, oldest = connection.execute(statement, asked).one()
    return Tally(wanted.key, used, oldest if used >= wanted.limit else None)


class Budgets:
    """The campaigns' abandonment budgets, read anew when what was read is older than `BUDGET_AGE`."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, BudgetDemand], tuple[datetime, BudgetUse]] = {}

    def use(self, connection: Connection, wanted: BudgetDemand, campaign_id: int, now: datetime) -> BudgetUse:
        """How much of it is used."""
        known = self._read.get((campaign_id, wanted))
        if known is not None and timedelta() <= now - known[0] < BUDGET_AGE:
            return known[1]
        used = budget_use(connection, wanted, campaign_id, now)
        self._read[campaign_id, wanted] = now, used
        return used

    def forget(self) -> None:
        """A call was abandoned: the next question is answered from the database."""
        self._read.clear()


def budget_use(
    connection: Connection, wanted: BudgetDemand, campaign_id: int, now: datetime, as_of: datetime | None = None
) -> BudgetUse:
    """How much of a budget is used, from the database."""
    since = max(wanted.span.since(wanted.zone, now), BEGINNING)
    counts = count_reached(connection, campaign_id, since, as_of)
    heard = heard_machines(connection, campaign_id, min(since, now - HEARD_WITHIN), as_of) if wanted.heard else None
    return BudgetUse(
        wanted.key,
        counts.live,
        counts.of(Disposition.ABANDONED),
        counts.machines,
        counts.last_abandoned_at,
        counts.last_machine_at,
        heard,
    )


@cache
def _counting(scope: Scope, event: Event, unreached_only: bool, then: bool) -> Select[Any, Any]:
    """How many, up to the limit, and when the oldest of them was placed."""
    ended_later = _ended_later(then)
    happened = _HAPPENED[event]
    if unreached_only:
        happened = and_(happened, _not_in(REACHED_A_PERSON))
    if event is Event.PLACED and then:
        happened = or_(happened, ended_later)
    newest = (
        select(attempts.c.reserved_at)
        .where(*_OF_SCOPE[scope], attempts.c.state != AttemptState.RELEASED.value, happened)
        .where(attempts.c.reserved_at >= bindparam("since", type_=attempts.c.reserved_at.type))
        .order_by(attempts.c.reserved_at.desc())
        .limit(bindparam("up_to"))
    )
    if then:
        newest = newest.where(attempts.c.reserved_at <= _as_of())
        if event is not Event.PLACED:
            newest = newest.where(not_(ended_later))
    counted = newest.subquery()
    return select(func.count(), func.min(counted.c.reserved_at))


def _as_of() -> ColumnElement[datetime]:
    return bindparam("as_of", type_=attempts.c.reserved_at.type)


def _ended_later(then: bool) -> ColumnElement[bool]:
    return or_(attempts.c.ended_at.is_(None), attempts.c.ended_at > _as_of()) if then else IS_OPEN


def _in(dispositions: frozenset[Disposition] | set[Disposition]) -> ColumnElement[bool]:
    return attempts.c.disposition.in_(sorted(disposition.value for disposition in dispositions))


def _not_in(dispositions: frozenset[Disposition]) -> ColumnElement[bool]:
    return or_(attempts.c.disposition.is_(None), not_(_in(dispositions)))


_RANG = attempts.c.ringing_at.is_not(None)
_ANSWERED = or_(attempts.c.answered_at.is_not(None), _in(ANSWERS))
_HAPPENED: Mapping[Event, ColumnElement[bool]] = {
    Event.PLACED: or_(_not_in(TRUNK_FAULTS), _RANG),
    Event.ALERTED: or_(_RANG, _ANSWERED),
    Event.ANSWERED: _ANSWERED,
    Event.LIVE_ANSWERED: _in(REACHED_A_PERSON),
    Event.CONVERSATION: func.coalesce(
        attempts.c.conversation, or_(_in({Disposition.CONNECTED}), and_(_ANSWERED, IS_OPEN))
    ),
    Event.RIGHT_PARTY: attempts.c.right_party.is_(True),
    Event.MESSAGE_LEFT: _in({Disposition.MESSAGE_LEFT}),
    Event.ABANDONED: _in({Disposition.ABANDONED}),
    Event.UNKNOWN: _in({Disposition.UNKNOWN}),
}
"""The events as `dialer.compliance.counting` understands them, in the words of the table."""
_OF_CAMPAIGN = attempts.c.campaign_id == bindparam("of_key")
_OF_SCOPE: Mapping[Scope, tuple[ColumnElement[bool], ...]] = {
    Scope.CALLER_ID: (attempts.c.caller_id == bindparam("of_key"),),
    Scope.COLLECTOR: (attempts.c.agent_id == bindparam("of_key"),),
    Scope.AGENCY: (attempts.c.agency == bindparam("of_key"), attempts.c.agency != literal_column("''")),
    Scope.CAMPAIGN: (_OF_CAMPAIGN,),
    Scope.CAMPAIGN_TRUNK: (_OF_CAMPAIGN, attempts.c.trunk == bindparam("of_trunk")),
}
