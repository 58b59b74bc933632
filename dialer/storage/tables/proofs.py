"""Proofs: what the gate was asked, what it read and what it said, chained per node; and the packs it said it by."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of


class ProofRow(Base, table=True):
    """One link of a chain. `body` is the canonical JSON that `hash` (SHA-256) covers; the other columns find it."""

    __tablename__ = "proofs"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        Index(None, "attempt_id"),
        Index(None, "case_ref", "at"),
        Index(None, "number_index", "at"),
        Index(None, "at"),
    )
    proof_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    chain: str
    sequence: int = Field(sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    attempt_id: int | None = Field(default=None, sa_type=BigId)
    campaign_id: int | None = Field(default=None, sa_type=BigId)
    case_ref: str = ""
    number_index: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    rule: str = ""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ProofHeadRow(Base, table=True):
    """The newest link of each chain; its row is the lock under which the chain grows."""

    __tablename__ = "proof_heads"
    chain: str = Field(primary_key=True)
    sequence: int = Field(sa_type=BigId)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PolicyPackRow(Base, table=True):
    """The content of every pack that was ever in force here, by its hash."""

    __tablename__ = "policy_packs"
    sha256: str = Field(primary_key=True)
    name: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    added_at: datetime = Field(sa_type=UtcDateTime)


class PolicyChangeRow(Base, table=True):
    """Which packs a node put in force when; `packs` are hashes, with commas."""

    __tablename__ = "policy_changes"
    __table_args__ = (Index(None, "at"),)
    change_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    node: str
    at: datetime = Field(sa_type=UtcDateTime)
    packs: str


proofs = table_of(ProofRow)
proof_heads = table_of(ProofHeadRow)
policy_packs = table_of(PolicyPackRow)
policy_changes = table_of(PolicyChangeRow)
