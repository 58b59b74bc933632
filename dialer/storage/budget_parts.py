"""The nodes' parts in the abandonment budgets of the campaigns they dial together.

A node takes its part anew in one transaction with the reading of the counts, one node at a time for each campaign: what
is left is counted, what the others hold is read, and its own part is written. So nothing is given away twice.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from dialer.compliance.demand import BudgetDemand
from dialer.compliance.facts import BudgetUse
from dialer.model.budget import NodePart
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import BUDGET_LOCK, lock
from dialer.storage.tallies import budget_use

table = tables.budget_parts


class Claim(Protocol):
    """What a node makes of it: its own part, and the nodes whose parts are void."""

    @property
    def part(self) -> NodePart: ...

    @property
    def void(self) -> Collection[str]: ...


C = TypeVar("C", bound=Claim)
Decide = Callable[[Sequence[BudgetUse], Sequence[NodePart]], C]
"""From how much of each budget is used and the other nodes' parts; without effects, it may be asked twice."""


class BudgetParts:
    """The `budget_parts` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(
        self, campaign_id: int, node: str, wanted: Sequence[BudgetDemand], now: datetime, decide: Decide[C]
    ) -> tuple[tuple[BudgetUse, ...], C]:
        """How much of each budget is used, on all nodes, as the gate counts it; and what `decide` claims for `node`."""
        return await self._database.write(lambda connection: _take(connection, campaign_id, node, wanted, now, decide))

    async def of_campaign(self, campaign_id: int) -> tuple[NodePart, ...]:
        """What every node reported last."""
        return await self._database.read(lambda connection: _parts(connection, campaign_id))


def _take(
    connection: Connection,
    campaign_id: int,
    node: str,
    wanted: Sequence[BudgetDemand],
    now: datetime,
    decide: Decide[C],
) -> tuple[tuple[BudgetUse, ...], C]:
    lock(connection, BUDGET_LOCK, str(campaign_id).encode())
    used = tuple(budget_use(connection, demand, campaign_id, now) for demand in wanted)
    parts = _parts(connection, campaign_id)
    claim = decide(used, tuple(part for part in parts if part.node != node))
    beats = max((part.beat for part in parts if part.node == node), default=0)
    mine = (table.c.campaign_id == campaign_id, table.c.node == node)
    said = {"collectors": claim.part.collectors, "people": claim.part.people, "beat": beats + 1}
    if beats:
        connection.execute(update(table).where(*mine).values(said))
    else:
        connection.execute(insert(table).values(campaign_id=campaign_id, node=node, **said))
    if claim.void:
        connection.execute(delete(table).where(table.c.campaign_id == campaign_id, table.c.node.in_(claim.void)))
    return used, claim


def _parts(connection: Connection, campaign_id: int) -> tuple[NodePart, ...]:
    rows = connection.execute(select(table).where(table.c.campaign_id == campaign_id).order_by(table.c.node))
    return tuple(NodePart(row.node, row.collectors, row.people, row.beat) for row in rows)
