"""The proofs' chains: one per node, grown inside the transaction of what they prove."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from dialer.compliance.proof import GENESIS, Link, ProofKind, make_link
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing, insert_row

proofs = tables.proofs
heads = tables.proof_heads

# Built once: composing a statement costs more time than running it.
_HEAD = select(heads.c.sequence, heads.c.hash).where(heads.c.chain == bindparam("of_chain")).with_for_update(of=heads)
_GROW = (
    update(heads)
    .where(heads.c.chain == bindparam("of_chain"))
    .values(sequence=bindparam("new_sequence"), hash=bindparam("new_hash"))
)


class Proofs:
    """The `proofs` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_attempt(self, attempt_id: int) -> tuple[bytes, ...]:
        """The bodies of an attempt's links, oldest first."""
        query = select(proofs.c.body).where(proofs.c.attempt_id == attempt_id).order_by(proofs.c.proof_id)
        rows = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return tuple(rows)


def append(
    connection: Connection,
    chain: str,
    kind: ProofKind,
    facts: Mapping[str, Any],
    *,
    at: datetime,
    attempt_id: int | None = None,
    campaign_id: int | None = None,
    case_ref: str = "",
    number_index: bytes | None = None,
    rule: str = "",
) -> int:
    """Adds a link to a chain, last in its transaction: the chain is locked until that ends. Returns the proof's id."""
    head = connection.execute(_HEAD, {"of_chain": chain}).first()
    if head is None:
        insert_missing(connection, heads, [{"chain": chain, "sequence": 0, "hash": GENESIS}])
        head = connection.execute(_HEAD, {"of_chain": chain}).one()
    link = make_link(chain, head.sequence + 1, head.hash, kind, facts)
    connection.execute(_GROW, {"of_chain": chain, "new_sequence": link.sequence, "new_hash": link.hash})
    return insert_row(
        connection,
        proofs,
        _row(link)
        | {
            "at": at,
            "kind": kind.value,
            "attempt_id": attempt_id,
            "campaign_id": campaign_id,
            "case_ref": case_ref,
            "number_index": number_index,
            "rule": rule,
        },
    )


def _row(link: Link) -> dict[str, Any]:
    return {"chain": link.chain, "sequence": link.sequence, "body": link.body, "hash": link.hash}
