"""What a node needs to sign its chain of the ledger: entries that tie other chains to it, and its signed heads."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select, update

from dialer.storage import ledger, tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_missing
from recording.heads import Head, SignedHead, Statement
from recording.ledger import PROOFS_SUBJECT, EntryKind

heads = tables.ledger_heads
proof_heads = tables.proof_heads
signatures = tables.ledger_signatures


class LedgerSigning:
    """The `ledger_signing` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self, chain: str) -> Head | None:
        """Where the chain stands; None: it has no entry."""
        query = select(heads).where(heads.c.chain == chain, heads.c.sequence > 0)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else Head(row.chain, row.sequence, row.hash.hex())

    async def newest(self, chain: str) -> SignedHead | None:
        """The chain's newest signed head, or None."""
        query = select(signatures).where(signatures.c.chain == chain).order_by(signatures.c.sequence.desc()).limit(1)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else SignedHead(row.statement, row.signature, row.stamp)

    async def name_key(self, chain: str, key_id: str, facts: Mapping[str, str], now: datetime) -> None:
        """Enters in the chain which key signs it from here on."""
        await self._database.write(
            lambda connection: ledger.append(connection, chain, EntryKind.SIGNING_KEY, key_id, facts, now)
        )

    async def tie_proofs(self, chain: str, known: Mapping[str, int], now: datetime) -> dict[str, int]:
        """Enters where all chains of proofs stand, unless each is as long as it is `known`; says how long they are."""
        return await self._database.write(lambda connection: _tie_proofs(connection, chain, known, now))

    async def keep(self, statement: Statement, signed: SignedHead) -> None:
        """Stores a signed head; one that is there already stays."""
        row = {
            "chain": statement.head.chain,
            "sequence": statement.head.sequence,
            "statement": signed.statement,
            "key_id": statement.key_id,
            "signature": signed.signature,
        }
        await self._database.write(lambda connection: insert_missing(connection, signatures, [row]))

    async def keep_stamp(self, head: Head, stamp: bytes) -> None:
        """Stores what a time-stamping authority answered to a signed head."""
        same = (signatures.c.chain == head.chain) & (signatures.c.sequence == head.sequence)
        change = update(signatures).where(same).values(stamp=stamp)
        await self._database.write(lambda connection: connection.execute(change))


def _tie_proofs(connection: Connection, chain: str, known: Mapping[str, int], now: datetime) -> dict[str, int]:
    rows = connection.execute(select(proof_heads).where(proof_heads.c.sequence > 0).order_by(proof_heads.c.chain)).all()
    now_at = {row.chain: row.sequence for row in rows}
    if now_at != known:
        facts = {"heads": [{"chain": row.chain, "sequence": row.sequence, "hash": row.hash.hex()} for row in rows]}
        ledger.append(connection, chain, EntryKind.PROOFS, PROOFS_SUBJECT, facts, now)
    return now_at
