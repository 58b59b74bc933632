"""Collectors' states over time: every change with its cause, and how long each state lasted."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from dialer.model.agent import AgentState, AgentStateChange
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.tables.base import AnyRow

changes = tables.agent_changes


class Agents:
    """The `agents` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_change(self, change: AgentStateChange) -> None:
        """Stores one change of a collector's state."""
        row = {
            "agent_id": change.agent_id,
            "at": change.at,
            "old": change.old.value,
            "new": change.new.value,
            "cause": change.cause,
            "campaign_id": change.campaign_id,
            "attempt_id": change.attempt_id,
        }
        await self._database.write(lambda connection: insert_row(connection, changes, row))

    async def changes(self, agent_id: int, since: datetime, until: datetime) -> tuple[AgentStateChange, ...]:
        """A collector's changes in [since, until), oldest first."""
        query = select(changes).where(changes.c.agent_id == agent_id, changes.c.at >= since, changes.c.at < until)
        query = query.order_by(changes.c.at, changes.c.change_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)

    async def state(self, agent_id: int) -> AgentStateChange | None:
        """The last change of a collector, or None before the first."""
        return await self._database.read(lambda connection: _last_state(connection, agent_id))

    async def time_in_state(self, agent_id: int, since: datetime, until: datetime) -> Mapping[AgentState, timedelta]:
        """How long a collector was in each state within [since, until); states not held are left out."""
        return await self._database.read(lambda connection: _time_in_state(connection, agent_id, since, until))


def _time_in_state(
    connection: Connection, agent_id: int, since: datetime, until: datetime
) -> dict[AgentState, timedelta]:
    earlier = last_before(connection, agent_id, since)
    state = AgentState.OFFLINE if earlier is None else AgentState(earlier.new)
    query = select(changes).where(changes.c.agent_id == agent_id, changes.c.at >= since, changes.c.at < until)
    totals: dict[AgentState, timedelta] = {}
    entered = since
    for row in connection.execute(query.order_by(changes.c.at, changes.c.change_id)):
        totals[state] = totals.get(state, timedelta()) + (row.at - entered)
        state, entered = AgentState(row.new), row.at
    totals[state] = totals.get(state, timedelta()) + (until - entered)
    return {state: length for state, length in totals.items() if length}


def _last_state(connection: Connection, agent_id: int) -> AgentStateChange | None:
    row = last_before(connection, agent_id, None)
    return None if row is None else _value(row)


def last_before(connection: Connection, agent_id: int, instant: datetime | None) -> AnyRow | None:
    """A collector's last change before an instant (None: the last one), inside a transaction."""
    query = select(changes).where(changes.c.agent_id == agent_id)
    if instant is not None:
        query = query.where(changes.c.at < instant)
    return connection.execute(query.order_by(changes.c.at.desc(), changes.c.change_id.desc()).limit(1)).first()


def _value(row: AnyRow) -> AgentStateChange:
    return AgentStateChange(
        agent_id=row.agent_id,
        at=row.at,
        old=AgentState(row.old),
        new=AgentState(row.new),
        cause=row.cause,
        campaign_id=row.campaign_id,
        attempt_id=row.attempt_id,
    )
