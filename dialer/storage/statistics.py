"""Counts over attempts, wrap-ups and refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select

from dialer.compliance.answer import chinese_reason
from dialer.compliance.proof_replay import read_question
from dialer.model.attempt import REACHED_A_PERSON, AttemptState, Disposition
from dialer.model.statistics import CampaignStatistics, Refusal
from dialer.storage import tables, values
from dialer.storage.database import Database
from dialer.storage.entries import count_entries
from dialer.storage.tables.base import AnyRow

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""No attempt is older."""

attempts = tables.attempts
proofs = tables.proofs
refusals = tables.refusals
wrap_ups = tables.wrap_ups

MACHINES = frozenset({Disposition.MACHINE, Disposition.MESSAGE_LEFT})
_COUNTED = REACHED_A_PERSON | MACHINES
_REACHED = (
    select(attempts.c.disposition, func.count().label("n"), func.max(attempts.c.ended_at).label("last_at"))
    .where(
        attempts.c.campaign_id == bindparam("of_campaign"),
        attempts.c.disposition.in_(sorted(disposition.value for disposition in _COUNTED)),
        attempts.c.ended_at >= bindparam("since", type_=attempts.c.ended_at.type),
        or_(attempts.c.disposition != Disposition.CONNECTED.value, attempts.c.conversation.is_distinct_from(False)),
    )
    .group_by(attempts.c.disposition)
)
_REACHED_BY_THEN = _REACHED.where(attempts.c.ended_at <= bindparam("as_of", type_=attempts.c.ended_at.type))


class Statistics:
    """The `statistics` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def campaign(self, campaign_id: int, now: datetime, since: datetime | None = None) -> CampaignStatistics:
        """A campaign's figures; attempts, wrap-ups and refusals are those since `since`, the entries those of now."""
        return await self._database.read(lambda connection: _statistics(connection, campaign_id, now, since))

    async def refusals(
        self, campaign_id: int | None = None, rule: str | None = None, before: int | None = None, limit: int = 100
    ) -> tuple[Refusal, ...]:
        """A page of refusals, newest first; the next page is that `before` the last id of this one."""
        query = select(refusals, proofs.c.body).outerjoin(proofs, proofs.c.proof_id == refusals.c.proof_id)
        if campaign_id is not None:
            query = query.where(refusals.c.campaign_id == campaign_id)
        if rule is not None:
            query = query.where(refusals.c.rule == rule)
        if before is not None:
            query = query.where(refusals.c.refusal_id < before)
        query = query.order_by(refusals.c.refusal_id.desc()).limit(limit)
        return await self._database.read(lambda connection: tuple(map(_refusal, connection.execute(query))))


@dataclass(frozen=True, slots=True)
class Reached:
    """How many calls of a campaign ended in each way that an abandonment budget looks at.

    A call whose wrap-up says that nobody was there to talk to is not among the live ones.
    """

    counts: Mapping[str, int]
    last_abandoned_at: datetime | None = None
    last_machine_at: datetime | None = None

    def of(self, disposition: Disposition) -> int:
        """Those that ended so."""
        return self.counts.get(disposition.value, 0)

    @property
    def machines(self) -> int:
        """Those in which a machine was heard."""
        return sum(self.of(disposition) for disposition in MACHINES)

    @property
    def live(self) -> int:
        """Those that a person answered, the abandoned ones among them."""
        return sum(self.of(disposition) for disposition in REACHED_A_PERSON)


def count_reached(connection: Connection, campaign_id: int, since: datetime, as_of: datetime | None = None) -> Reached:
    """Counts the attempts that ended since then (and not after `as_of`)."""
    asked: dict[str, Any] = {"of_campaign": campaign_id, "since": since}
    if as_of is None:
        rows = connection.execute(_REACHED, asked).all()
    else:
        rows = connection.execute(_REACHED_BY_THEN, asked | {"as_of": as_of}).all()
    last = {row.disposition: row.last_at for row in rows}
    machines = [last[disposition.value] for disposition in MACHINES if disposition.value in last]
    counts = {row.disposition: int(row.n) for row in rows}
    return Reached(counts, last.get(Disposition.ABANDONED.value), max(machines, default=None))


def _statistics(connection: Connection, campaign_id: int, now: datetime, since: datetime | None) -> CampaignStatistics:
    dispositions = _grouped(connection, attempts.c.disposition, campaign_id, since)
    states = _grouped(connection, attempts.c.state, campaign_id, since)
    reached = count_reached(connection, campaign_id, since or BEGINNING)
    codes, right_party = _wrap_ups(connection, campaign_id, since)
    return CampaignStatistics(
        since=since,
        entries=count_entries(connection, campaign_id, now),
        attempts=sum(n for state, n in states.items() if state != AttemptState.RELEASED.value),
        in_flight=sum(states.get(name, 0) for name in values.IN_FLIGHT_NAMES),
        unknown=states.get(AttemptState.UNKNOWN.value, 0),
        dispositions={Disposition(name): n for name, n in dispositions.items() if name is not None},
        live=reached.live,
        abandoned=reached.of(Disposition.ABANDONED),
        wrap_ups=codes,
        right_party=right_party,
        refusals=_refusals_by_rule(connection, campaign_id, since),
    )


def _grouped(
    connection: Connection, column: ColumnElement[Any], campaign_id: int, since: datetime | None
) -> dict[str, int]:
    query = select(column, func.count()).where(attempts.c.campaign_id == campaign_id).group_by(column)
    if since is not None:
        query = query.where(attempts.c.reserved_at >= since)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _wrap_ups(connection: Connection, campaign_id: int, since: datetime | None) -> tuple[dict[str, int], int]:
    query = (
        select(wrap_ups.c.code, wrap_ups.c.right_party, func.count())
        .join(attempts, attempts.c.attempt_id == wrap_ups.c.attempt_id)
        .where(attempts.c.campaign_id == campaign_id)
        .group_by(wrap_ups.c.code, wrap_ups.c.right_party)
    )
    if since is not None:
        query = query.where(wrap_ups.c.recorded_at >= since)
    codes: dict[str, int] = {}
    right_party = 0
    for code, verified, n in connection.execute(query):
        codes[code] = codes.get(code, 0) + n
        right_party += n if verified else 0
    return codes, right_party


def _refusals_by_rule(connection: Connection, campaign_id: int, since: datetime | None) -> dict[str, int]:
    query = select(refusals.c.rule, func.count()).where(refusals.c.campaign_id == campaign_id)
    if since is not None:
        query = query.where(refusals.c.at >= since)
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(refusals.c.rule))}


def _refusal(row: AnyRow) -> Refusal:
    return Refusal(
        refusal_id=row.refusal_id,
        at=row.at,
        campaign_id=row.campaign_id,
        contact_id=row.contact_id,
        phone_id=row.phone_id,
        case_ref=row.case_ref,
        number_masked=row.number_masked,
        path=row.path,
        rule=row.rule,
        reason=row.reason,
        reason_zh=_chinese_reason(row.body),
        retry_at=row.retry_at,
    )


def _chinese_reason(proof: bytes | None) -> str:
    try:
        return "" if proof is None else chinese_reason(read_question(proof).decision)
    except ValueError:  # it was altered, or written by another version: checking proofs says so
        return ""
