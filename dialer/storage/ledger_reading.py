"""Reads the ledger in pages, as it stands there: whatever somebody put into a column is for a check to say, not for an
error. Nothing is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, func, select, tuple_, type_coerce

from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.tables.base import AnyRow
from recording.heads import Head, SignedHead
from recording.ledger import Entry

PAGE = 2000
"""Entries read at a time: a few megabytes."""
NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Stands for what is no instant."""

ledger = tables.ledger
heads = tables.ledger_heads
signatures = tables.ledger_signatures
proofs = tables.proofs


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """Where a chain ends: by the list of heads (None: it is not there), and by its last entry."""

    chain: str
    head: Head | None
    last: int


@dataclass(frozen=True, slots=True)
class ProofLink:
    """A link of a chain of proofs: its hash in hex, and the attempt it is about."""

    hash: str
    attempt_id: int | None


class LedgerReading:
    """The `ledger_reading` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # SQLite keeps instants as text: read as such, what is none gives no error, and it takes half the time.
        at = type_coerce(ledger.c.at, String)
        self._columns = (ledger.c.chain, ledger.c.sequence, at, ledger.c.kind, ledger.c.subject)
        self._entries = select(*self._columns, ledger.c.body, ledger.c.hash)

    async def ends(self) -> tuple[ChainEnd, ...]:
        """Every chain's end, all as of one instant."""
        return await self._database.read(_ends)

    async def entries(self, chain: str, after: int, until: int) -> tuple[Entry, ...]:
        """The first entries of a chain in (after, until], at most PAGE."""
        query = self._entries.where(ledger.c.chain == chain, ledger.c.sequence > after, ledger.c.sequence <= until)
        query = query.order_by(ledger.c.sequence).limit(PAGE)
        return await self._database.read(lambda connection: _read_entries(connection, query))

    async def about(self, subjects: Sequence[str]) -> tuple[Entry, ...]:
        """The entries about some hundreds of subjects at most, each chain's in order."""
        query = self._entries.where(ledger.c.subject.in_(subjects)).order_by(ledger.c.chain, ledger.c.sequence)
        return await self._database.read(lambda connection: _read_entries(connection, query))

    async def first_since(self, chain: str, at: datetime) -> int | None:
        """The place of the first entry from an instant on."""
        query = select(ledger.c.sequence).where(ledger.c.chain == chain, ledger.c.at >= at)
        query = query.order_by(ledger.c.at, ledger.c.sequence).limit(1)
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def signed(self, chain: str, after: int, until: int, limit: int = PAGE) -> tuple[tuple[int, SignedHead], ...]:
        """The first signed heads of the chain's places in (after, until], each with the place its row names."""
        query = select(signatures).where(signatures.c.chain == chain, signatures.c.sequence > after)
        query = query.where(signatures.c.sequence <= until).order_by(signatures.c.sequence).limit(limit)
        return await self._signed(query)

    async def newest_at(self, chain: str, until: int, *, stamped: bool = False) -> tuple[int, SignedHead] | None:
        """The last signed head up to a place of the chain, or the last stamped one, with the place its row names."""
        query = select(signatures).where(signatures.c.chain == chain, signatures.c.sequence <= until)
        if stamped:
            query = query.where(signatures.c.stamp.is_not(None))
        found = await self._signed(query.order_by(signatures.c.sequence.desc()).limit(1))
        return found[0] if found else None

    async def newest_signed(self) -> dict[str, int]:
        """The place of every chain's newest signed head."""
        newest = func.max(signatures.c.sequence).label("newest")
        query = select(signatures.c.chain, newest).group_by(signatures.c.chain).order_by(signatures.c.chain)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.chain: row.newest for row in rows}

    async def proof_links(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], ProofLink]:
        """Links of the chains of proofs at some hundreds of places at most; those that are not there are left out."""
        at: ColumnElement[bool] = tuple_(proofs.c.chain, proofs.c.sequence).in_(places)
        query = select(proofs.c.chain, proofs.c.sequence, proofs.c.hash, proofs.c.attempt_id).where(at)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {(row.chain, row.sequence): ProofLink(as_bytes(row.hash).hex(), row.attempt_id) for row in rows}

    async def _signed(self, query: Select[Any]) -> tuple[tuple[int, SignedHead], ...]:
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple((row.sequence, _signed_head(row)) for row in rows)


def _signed_head(row: AnyRow) -> SignedHead:
    stamp = None if row.stamp is None else as_bytes(row.stamp)
    return SignedHead(as_bytes(row.statement), as_bytes(row.signature), stamp)


def _ends(connection: Connection) -> tuple[ChainEnd, ...]:
    """One statement, so that a chain that grows meanwhile does not end in two places."""
    last = select(ledger.c.chain, func.max(ledger.c.sequence).label("last")).group_by(ledger.c.chain).subquery()
    stands = select(heads.c.chain, heads.c.sequence, heads.c.hash).where(heads.c.sequence > 0).subquery()
    both = stands.join(last, stands.c.chain == last.c.chain, full=True)
    query = select(stands, last.c.chain.label("of"), last.c.last).select_from(both)
    found = (_end(row) for row in connection.execute(query))
    return tuple(sorted(found, key=lambda end: end.chain))


def _end(row: AnyRow) -> ChainEnd:
    head = None if row.chain is None else Head(row.chain, row.sequence, as_bytes(row.hash).hex())
    return ChainEnd(row.of if row.chain is None else row.chain, head, row.last or 0)


def _read_entries(connection: Connection, query: Select[Any]) -> tuple[Entry, ...]:
    return tuple(
        Entry(chain, sequence, as_instant(at), kind, subject, as_bytes(body), as_bytes(digest))
        for chain, sequence, at, kind, subject, body, digest in connection.execute(query)
    )


def as_instant(stored: Any) -> datetime:
    """An instant as a column gives it uncoerced: SQLite's text, PostgreSQL's instant; NO_TIME for anything else."""
    if isinstance(stored, datetime):
        return stored
    try:
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return NO_TIME


def as_bytes(stored: Any) -> bytes:
    """SQLite gives back text or a number where somebody put one."""
    return stored if isinstance(stored, bytes) else str(stored).encode()
