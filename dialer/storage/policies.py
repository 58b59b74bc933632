"""Which policies were in force where and when: the packs' content by hash, and every change, with its proof."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from dialer.compliance.demand import BudgetDemand, TallyDemand
from dialer.compliance.facts import BudgetUse
from dialer.compliance.policy import Policy
from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_replay import PolicySet
from dialer.errors import StorageError
from dialer.model.attempt import CallPath
from dialer.model.entry import Reservation
from dialer.model.policy_change import PolicyChange
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.proofs import append, keep_packs
from dialer.storage.tables.base import AnyRow
from dialer.storage.tallies import budget_use, tally

changes = tables.policy_changes
contents = tables.policy_packs


class Policies:
    """The `policies` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, node: str, policy: Policy, cause: str, now: datetime) -> None:
        """Puts on record, durably, that a node works under a policy from now on; its chain of proofs says why."""
        await self._database.write(lambda connection: _record(connection, node, policy, cause, now))

    async def changes(self, since: datetime) -> tuple[PolicyChange, ...]:
        """The changes of packs on all nodes from then on, oldest first, each with the packs it replaced."""
        return await self._database.read(lambda connection: _changes(connection, since))

    async def before(self, node: str) -> frozenset[str]:
        """The hashes of the packs a change of `node` replaces now; none when no node has put any in force yet."""
        return await self._database.read(lambda connection: _before(connection, node, _newest()))

    async def contents(self, hashes: Collection[str]) -> Mapping[str, str]:
        """The content of packs by their hashes, as far as it is known."""
        query = select(contents.c.sha256, contents.c.content).where(contents.c.sha256.in_(hashes))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.sha256: content_of(row.content) for row in rows}

    async def use_of_numbers(self, wanted: TallyDemand, numbers: Collection[str], now: datetime) -> Mapping[str, int]:
        """How often each of these caller IDs was shown, as a cap over caller IDs counts; up to its limit."""
        return await self._database.read(lambda connection: _use(connection, wanted, numbers, now))

    async def budget_use(
        self, campaign_id: int, wanted: Sequence[BudgetDemand], now: datetime
    ) -> tuple[BudgetUse, ...]:
        """How much of each abandonment budget a campaign has used, on all nodes, as the gate counts it."""
        return await self._database.read(
            lambda connection: tuple(budget_use(connection, demand, campaign_id, now) for demand in wanted)
        )


def content_of(stored: bytes | str) -> str:
    """A pack's content. One that is no text any more is shown with marks: it does not give its hash, which tells."""
    return stored if isinstance(stored, str) else stored.decode("utf-8", "replace")


def _record(connection: Connection, node: str, policy: Policy, cause: str, now: datetime) -> None:
    packs = str(PolicySet.of(policy))
    last = connection.execute(_newest().where(changes.c.node == node)).first()
    if last is None or last.packs != packs:
        keep_packs(connection, policy, (), now)
        insert_row(connection, changes, {"node": node, "at": now, "packs": packs})
    append(connection, node, ProofKind.POLICY, _said(node, policy, cause, now), at=now)


def _said(node: str, policy: Policy, cause: str, now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "node": node,
        "cause": cause,
        "pack_hash": policy.pack_hash,
        "packs": [{"name": pack.name, "valid_from": pack.valid_from, "sha256": pack.sha256} for pack in policy.packs],
        "retiring": [{"name": pack.name, "sha256": pack.sha256, "until": until} for pack, until in policy.retiring],
        "registry": policy.registry,
    }


def _changes(connection: Connection, since: datetime) -> tuple[PolicyChange, ...]:
    """A row in which only the retiring packs differ is none: what binds beside the packs follows from their changes."""
    rows = connection.execute(select(changes).where(changes.c.at >= since).order_by(changes.c.change_id)).all()
    found = []
    for row in rows:
        replaced = _before(connection, row.node, _newest().where(changes.c.change_id < row.change_id))
        if _packs(row) != replaced:
            found.append(PolicyChange(row.node, row.at, _packs(row), replaced))
    return tuple(found)


def _before(connection: Connection, node: str, newest: Select[Any]) -> frozenset[str]:
    """What the node worked under before; before its first change, what was put in force last wherever."""
    own = connection.execute(newest.where(changes.c.node == node)).first()
    before = own or connection.execute(newest).first()
    return frozenset() if before is None else _packs(before)


def _newest() -> Select[Any]:
    return select(changes).order_by(changes.c.change_id.desc()).limit(1)


def _packs(row: AnyRow) -> frozenset[str]:
    try:
        return frozenset(PolicySet.parse(row.packs).packs)
    except ValueError as error:
        raise StorageError(f"policy change {row.change_id} cannot be read: {error}") from error


def _use(connection: Connection, wanted: TallyDemand, numbers: Collection[str], now: datetime) -> dict[str, int]:
    return {number: tally(connection, wanted, _showing(number), now).used for number in numbers}


def _showing(number: str) -> Reservation:
    """A tally over caller IDs looks at nothing else of a reservation."""
    return Reservation(0, 0, 0, CallPath.PROGRESSIVE, "", caller_id=number)
