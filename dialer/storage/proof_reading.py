"""Reads proofs: whole chains in pages, those of an attempt, a case or a number, and the packs they name."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, func, literal, select

from dialer.compliance.proof import ProofKind
from dialer.compliance.proof_chain import Head
from dialer.compliance.proof_replay import PolicySet, read_policy, read_registry
from dialer.compliance.registry import Registry
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.policies import content_of
from dialer.storage.statistics import BEGINNING
from dialer.storage.tables.base import AnyRow

PAGE = 500
"""Links read at a time: a few megabytes."""
WALKED = 20_000
"""Attempts looked at in one read: some hundredths of a second."""

proofs = tables.proofs
heads = tables.proof_heads
packs = tables.policy_packs
changes = tables.policy_changes
attempts = tables.attempts

_DECISIONS = proofs.c.kind.in_((ProofKind.ALLOWED.value, ProofKind.REFUSED.value))

_LAST_ATTEMPT = select(func.max(attempts.c.attempt_id))
_ALLOWS = (proofs.c.attempt_id == attempts.c.attempt_id, proofs.c.kind == ProofKind.ALLOWED.value)
_first = proofs.alias("first")
_CHAIN_BEGAN = select(_first.c.at).where(_first.c.chain == attempts.c.node, _first.c.sequence == 1).correlate(attempts)
_ANY_BEGAN = select(func.min(_first.c.at))
_UNPROVED = (
    select(attempts.c.node, attempts.c.attempt_id)
    .where(attempts.c.attempt_id.between(bindparam("first"), bindparam("last")))
    .where(~exists().where(*_ALLOWS))
    .where(
        attempts.c.reserved_at
        >= func.coalesce(
            _CHAIN_BEGAN.scalar_subquery(),
            _ANY_BEGAN.scalar_subquery(),
            literal(BEGINNING, attempts.c.reserved_at.type),
        )
    )
    .order_by(attempts.c.attempt_id)
)


@dataclass(frozen=True, slots=True)
class StoredLink:
    """One link as stored; `at` is the instant it speaks of."""

    chain: str
    sequence: int
    at: datetime
    kind: ProofKind
    attempt_id: int | None
    body: bytes
    hash: bytes

    @property
    def intact(self) -> bool:
        """Whether the body still gives the hash."""
        return hashlib.sha256(self.body).digest() == self.hash


@dataclass(frozen=True, slots=True)
class ChainRange:
    """The links `first` to `last` of a chain, both included."""

    chain: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoredPack:
    """One pack that was ever in force here."""

    sha256: str
    name: str
    content: str


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What a node worked under from an instant on: its packs, and its registers."""

    node: str
    at: datetime
    packs: PolicySet
    registry: Registry


class ProofReading:
    """The `proof_reading` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def heads(self) -> tuple[Head, ...]:
        """The newest link of every chain."""
        query = select(heads).where(heads.c.sequence > 0).order_by(heads.c.chain)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(Head(row.chain, row.sequence, row.hash.hex()) for row in rows)

    async def ranges(
        self, until_heads: Sequence[Head], since: datetime | None, until: datetime | None
    ) -> tuple[ChainRange, ...]:
        """Of each chain up to its head, the smallest range of links that holds all those of [since, until).

        None: no bound. A chain with nothing in these bounds is left out.
        """
        last = {head.chain: head.sequence for head in until_heads}
        if since is None and until is None:
            return tuple(ChainRange(chain, 1, sequence) for chain, sequence in last.items())
        query = select(proofs.c.chain, func.min(proofs.c.sequence), func.max(proofs.c.sequence))
        query = query.where(*_within(proofs.c.at, since, until)).group_by(proofs.c.chain)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        found = {chain: (first, newest) for chain, first, newest in rows}
        return tuple(
            ChainRange(
                chain,
                1 if since is None else found[chain][0],
                sequence if until is None else min(sequence, found[chain][1]),
            )
            for chain, sequence in last.items()
            if chain in found
        )

    async def page(self, links: ChainRange) -> tuple[StoredLink, ...]:
        """The first links of a range, at most PAGE."""
        query = (
            select(proofs)
            .where(proofs.c.chain == links.chain, proofs.c.sequence.between(links.first, links.last))
            .order_by(proofs.c.sequence)
            .limit(PAGE)
        )
        return await self._database.read(lambda connection: _links(connection, query))

    async def stored_attempts(self, links: Sequence[StoredLink]) -> frozenset[int]:
        """Of the attempts that a page of links of one chain allowed, those that its node has as rows."""
        ids = [link.attempt_id for link in links if link.kind is ProofKind.ALLOWED and link.attempt_id is not None]
        if not ids:
            return frozenset()
        query = select(attempts.c.attempt_id).where(attempts.c.attempt_id.in_(ids), attempts.c.node == links[0].chain)
        return frozenset(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def unproved_attempts(
        self, since: datetime | None, until: datetime | None, limit: int
    ) -> tuple[tuple[str, int], ...]:
        """Node and number of the attempts reserved in [since, until) that no link allowed, at most `limit`.

        Those from before their node had a chain are none. Walks through all attempts, in short reads.
        """
        last = await self._database.read(lambda connection: connection.execute(_LAST_ATTEMPT).scalar_one() or 0)
        query = _UNPROVED.where(*_within(attempts.c.reserved_at, since, until)).limit(limit)
        found: list[tuple[str, int]] = []
        for first in range(1, last + 1, WALKED):
            asked = {"first": first, "last": first + WALKED - 1}
            rows = await self._database.read(partial(_rows, query=query, asked=asked))
            found += [(row.node, row.attempt_id) for row in rows]
            if len(found) >= limit:
                break
        return tuple(found[:limit])

    async def of_attempt(self, attempt_id: int) -> tuple[StoredLink, ...]:
        """An attempt's links, oldest first."""
        query = select(proofs).where(proofs.c.attempt_id == attempt_id).order_by(proofs.c.proof_id)
        return await self._database.read(lambda connection: _links(connection, query))

    async def of_attempts(self, attempt_ids: Sequence[int]) -> tuple[StoredLink, ...]:
        """The links of several attempts, a few dozen at most, oldest first."""
        query = select(proofs).where(proofs.c.attempt_id.in_(attempt_ids)).order_by(proofs.c.proof_id)
        return await self._database.read(lambda connection: _links(connection, query))

    async def of_case(self, case_ref: str, until: datetime, limit: int) -> tuple[StoredLink, ...]:
        """The newest decisions about a case up to an instant (included), newest first."""
        return await self._decisions(proofs.c.case_ref == case_ref, until, limit)

    async def of_number(self, number: str, until: datetime, limit: int) -> tuple[StoredLink, ...]:
        """The newest decisions about a number (E.164) up to an instant (included), newest first."""
        return await self._decisions(proofs.c.number_index == self._cipher.number_index(number), until, limit)

    async def packs(self) -> tuple[str, ...]:
        """The hashes of all packs, in the order in which they came to be in force."""
        query = select(packs.c.sha256).order_by(packs.c.added_at, packs.c.sha256)
        return tuple(await self._database.read(lambda connection: connection.execute(query).scalars().all()))

    async def pack(self, sha256: str) -> StoredPack | None:
        """One pack."""
        query = select(packs).where(packs.c.sha256 == sha256)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else StoredPack(row.sha256, row.name, content_of(row.content))

    async def pack_sets(self) -> tuple[PolicySet, ...]:
        """All sets of packs that were in force together on any node, each once.

        One that cannot be read any more is left out: the links about packs say the same.
        """
        query = select(changes.c.packs).order_by(changes.c.change_id)
        rows = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return tuple(packs for text in dict.fromkeys(rows) if (packs := _set_of(text)) is not None)

    async def policy_at(self, node: str, at: datetime) -> PolicyInForce | None:
        """What a node worked under at an instant; where it has no record of then, the latest of any other node.

        A link that was altered, or cannot be read any more, says nothing: ValueError.
        """
        return await self._database.read(lambda connection: _policy_at(connection, node, at))

    async def _decisions(self, about: ColumnElement[bool], until: datetime, limit: int) -> tuple[StoredLink, ...]:
        query = (
            select(proofs)
            .where(about, proofs.c.at <= until, _DECISIONS)
            .order_by(proofs.c.at.desc(), proofs.c.proof_id.desc())
            .limit(limit)
        )
        return await self._database.read(lambda connection: _links(connection, query))


def _set_of(text: str) -> PolicySet | None:
    try:
        return PolicySet.parse(text)
    except ValueError:
        return None


def _within(at: ColumnElement[datetime], since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    bounds = [] if since is None else [at >= since]
    return bounds if until is None else [*bounds, at < until]


def _rows(connection: Connection, query: Select[Any], asked: Mapping[str, Any]) -> Sequence[AnyRow]:
    return connection.execute(query, asked).all()


def _links(connection: Connection, query: Select[Any]) -> tuple[StoredLink, ...]:
    return tuple(
        StoredLink(
            row.chain, row.sequence, row.at, ProofKind(row.kind), row.attempt_id, _bytes(row.body), _bytes(row.hash)
        )
        for row in connection.execute(query)
    )


def _bytes(stored: bytes | str) -> bytes:
    """SQLite gives back text where somebody put text; what it is then is for a check to say, not for an error."""
    return stored.encode() if isinstance(stored, str) else stored


def _policy_at(connection: Connection, node: str, at: datetime) -> PolicyInForce | None:
    """Links about packs are about no case, and few others are: so the index over cases finds them."""
    known = (
        select(proofs)
        .where(proofs.c.case_ref == "", proofs.c.at <= at, proofs.c.kind == ProofKind.POLICY.value)
        .order_by(proofs.c.at.desc(), proofs.c.proof_id.desc())
        .limit(1)
    )
    (link,) = _links(connection, known.where(proofs.c.chain == node)) or _links(connection, known) or (None,)
    if link is None:
        return None
    if not link.intact:
        raise ValueError(f"link {link.sequence} of {link.chain} was altered")
    return PolicyInForce(link.chain, link.at, read_policy(link.body), read_registry(link.body))
