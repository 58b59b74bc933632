"""The outbox: what each destination has still to be told, in order per case."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, exists, func, literal, select, update

from dialer.model.outcome import DeadLetter, EventType, OutboxEvent, PendingEvent
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing
from dialer.storage.events import DEAD, DELIVERED, PENDING
from dialer.storage.tables.base import AnyRow

HOLD_S = 30.0
"""How long a node keeps a destination to itself without asking again."""

events = tables.events
deliveries = tables.deliveries
destinations = tables.destinations


class Outbox:
    """The `outbox` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, *names: str) -> None:
        """Says which destinations listen: from now on every event is kept for each of them until it took it.

        Others stop listening; what waits for them stays. `replay` gives a new destination what happened before.
        """
        await self._database.write(lambda connection: _register(connection, names))

    async def hold(self, destination: str, node: str, now: datetime, lease_s: float = HOLD_S) -> bool:
        """Whether this node may deliver to the destination until `lease_s` from now; of several nodes only one may."""
        free = (destinations.c.held_by == node) | destinations.c.held_until.is_(None)
        statement = (
            update(destinations)
            .where(destinations.c.destination == destination, free | (destinations.c.held_until <= now))
            .values(held_by=node, held_until=now + timedelta(seconds=lease_s))
        )
        return await self._database.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def pending(self, destination: str, limit: int, now: datetime) -> tuple[PendingEvent, ...]:
        """The oldest undelivered event of each case, where it is due, oldest first."""
        query = _heads(destination).where(deliveries.c.next_at <= now).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(PendingEvent(_event(row), row.failures, row.first_failed_at) for row in rows)

    async def delivered(self, destination: str, sequence: int, now: datetime) -> None:
        """The destination took the event; the next of its case is due."""
        statement = _one(destination, sequence).values(state=DELIVERED, ended_at=now, error="")
        await self._database.write(lambda connection: connection.execute(statement))

    async def failed(
        self, destination: str, sequence: int, error: str, retry_at: datetime | None, now: datetime
    ) -> None:
        """The destination did not take it: due again at `retry_at`, or (None) a dead letter out of the line."""
        change: dict[str, Any] = {"failures": deliveries.c.failures + 1, "error": error}
        change["first_failed_at"] = func.coalesce(
            deliveries.c.first_failed_at, literal(now, deliveries.c.first_failed_at.type)
        )
        change |= {"state": DEAD, "ended_at": now} if retry_at is None else {"next_at": retry_at}
        statement = _one(destination, sequence).values(**change)
        await self._database.write(lambda connection: connection.execute(statement))

    async def replay(self, destination: str, from_sequence: int, now: datetime) -> int:
        """Offers every event from that one on again, taken, dead or never offered; returns how many."""
        return await self._database.write(lambda connection: _replay(connection, destination, from_sequence, now))

    async def dead_letters(self, destination: str, after: int = 0, limit: int = 100) -> tuple[DeadLetter, ...]:
        """A page of dead letters in the order of their events."""
        query = (
            _joined()
            .where(deliveries.c.destination == destination, deliveries.c.state == DEAD)
            .where(deliveries.c.sequence > after)
            .order_by(deliveries.c.sequence)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(DeadLetter(_event(row), destination, row.failures, row.error, row.ended_at) for row in rows)

    async def events(self, after: int = 0, limit: int = 100, case_ref: str | None = None) -> tuple[OutboxEvent, ...]:
        """A page of all events above a sequence number, of one case if given."""
        query = select(events).where(events.c.sequence > after).order_by(events.c.sequence).limit(limit)
        if case_ref is not None:
            query = query.where(events.c.case_ref == case_ref)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_event(row) for row in rows)

    async def undelivered(self) -> dict[str, int]:
        """Per destination, how many events wait for it."""
        return await self._count(PENDING)

    async def dead(self) -> dict[str, int]:
        """Per destination, how many dead letters it has."""
        return await self._count(DEAD)

    async def _count(self, state: str) -> dict[str, int]:
        query = select(deliveries.c.destination, func.count()).where(deliveries.c.state == state)
        query = query.group_by(deliveries.c.destination)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row[0]: int(row[1]) for row in rows}


def _joined() -> Select[Any]:
    columns = (deliveries.c.failures, deliveries.c.first_failed_at, deliveries.c.error, deliveries.c.ended_at)
    return select(*events.c, *columns).join(deliveries, deliveries.c.sequence == events.c.sequence)


def _heads(destination: str) -> Select[Any]:
    ahead = deliveries.alias("ahead")
    earlier = exists().where(
        ahead.c.destination == deliveries.c.destination,
        ahead.c.state == PENDING,
        ahead.c.case_ref == deliveries.c.case_ref,
        ahead.c.sequence < deliveries.c.sequence,
    )
    return (
        _joined()
        .where(deliveries.c.destination == destination, deliveries.c.state == PENDING, ~earlier)
        .order_by(deliveries.c.sequence)
    )


def _one(destination: str, sequence: int) -> Any:
    return update(deliveries).where(
        deliveries.c.destination == destination, deliveries.c.sequence == sequence, deliveries.c.state == PENDING
    )


def _event(row: AnyRow) -> OutboxEvent:
    return OutboxEvent(
        sequence=row.sequence,
        event_id=row.event_id,
        type=EventType(row.type),
        case_ref=row.case_ref,
        occurred_at=row.occurred_at,
        data=msgspec.json.decode(row.data, type=dict[str, object]),
    )


def _register(connection: Connection, names: tuple[str, ...]) -> None:
    rows: list[dict[str, Any]] = [{"destination": name, "active": True, "held_by": ""} for name in names]
    insert_missing(connection, destinations, rows)
    connection.execute(update(destinations).values(active=destinations.c.destination.in_(names)))


def _replay(connection: Connection, destination: str, from_sequence: int, now: datetime) -> int:
    query = select(events.c.sequence, events.c.case_ref).where(events.c.sequence >= from_sequence)
    rows: list[dict[str, Any]] = [
        {
            "destination": destination,
            "sequence": row.sequence,
            "case_ref": row.case_ref,
            "state": PENDING,
            "failures": 0,
            "next_at": now,
            "error": "",
        }
        for row in connection.execute(query)
    ]
    insert_missing(connection, deliveries, rows)
    again = update(deliveries).where(deliveries.c.destination == destination, deliveries.c.sequence >= from_sequence)
    connection.execute(
        again.values(state=PENDING, failures=0, next_at=now, first_failed_at=None, ended_at=None, error="")
    )
    return len(rows)
