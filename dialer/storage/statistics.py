"""Counts over attempts, wrap-ups and refusals."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from dialer.model.attempt import REACHED_A_PERSON, AttemptState, Disposition
from dialer.model.statistics import CampaignStatistics, Refusal
from dialer.storage import tables, values
from dialer.storage.database import Database
from dialer.storage.entries import count_entries
from dialer.storage.tables.base import AnyRow

attempts = tables.attempts
refusals = tables.refusals
wrap_ups = tables.wrap_ups

_LIVE = tuple(sorted(disposition.value for disposition in REACHED_A_PERSON))


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
        query = select(refusals)
        if campaign_id is not None:
            query = query.where(refusals.c.campaign_id == campaign_id)
        if rule is not None:
            query = query.where(refusals.c.rule == rule)
        if before is not None:
            query = query.where(refusals.c.refusal_id < before)
        query = query.order_by(refusals.c.refusal_id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_refusal(row) for row in rows)


def live_and_abandoned(connection: Connection, campaign_id: int, since: datetime | None) -> tuple[int, int]:
    """Attempts that a person answered, ended since then, and those abandoned among them."""
    query = (
        select(attempts.c.disposition, func.count())
        .where(attempts.c.campaign_id == campaign_id, attempts.c.disposition.in_(_LIVE))
        .group_by(attempts.c.disposition)
    )
    if since is not None:
        query = query.where(attempts.c.ended_at >= since)
    counts = {row[0]: int(row[1]) for row in connection.execute(query)}
    return sum(counts.values()), counts.get(Disposition.ABANDONED.value, 0)


def _statistics(connection: Connection, campaign_id: int, now: datetime, since: datetime | None) -> CampaignStatistics:
    dispositions = _grouped(connection, attempts.c.disposition, campaign_id, since)
    states = _grouped(connection, attempts.c.state, campaign_id, since)
    live, abandoned = live_and_abandoned(connection, campaign_id, since)
    codes, right_party = _wrap_ups(connection, campaign_id, since)
    return CampaignStatistics(
        since=since,
        entries=count_entries(connection, campaign_id, now),
        attempts=sum(n for state, n in states.items() if state != AttemptState.RELEASED.value),
        in_flight=sum(states.get(name, 0) for name in values.IN_FLIGHT_NAMES),
        unknown=states.get(AttemptState.UNKNOWN.value, 0),
        dispositions={Disposition(name): n for name, n in dispositions.items() if name is not None},
        live=live,
        abandoned=abandoned,
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
        retry_at=row.retry_at,
    )
