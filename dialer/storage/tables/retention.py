"""Legal holds, deletions that two persons decide, and objects that are to leave the store."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

IN_FORCE = "lifted_at IS NULL"
OPEN = "state = 'pending'"


class LegalHoldRow(Base, table=True):
    """A hold; a lifted one stays on record."""

    __tablename__ = "legal_holds"
    __table_args__ = (
        Index("ix_legal_holds_in_force", "scope", "ref", sqlite_where=text(IN_FORCE), postgresql_where=text(IN_FORCE)),
    )
    hold_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    scope: str
    ref: str
    reason: str
    placed_by: str
    placed_at: datetime = Field(sa_type=UtcDateTime)
    lifted_by: str = ""
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lift_reason: str = ""


class DeletionRow(Base, table=True):
    """A request to delete recordings: who asked, who decided. `by` None: its recordings were named one by one."""

    __tablename__ = "deletions"
    __table_args__ = (Index(None, "state"),)
    deletion_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    by: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str
    state: str
    asked_by: str
    asked_role: str
    asked_account: int = Field(sa_type=BigId)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str = ""
    decided_role: str = ""
    decided_account: int | None = Field(default=None, sa_type=BigId)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decision_reason: str = ""
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DeletionItemRow(Base, table=True):
    """One recording of a request. `why` is JSON: what kept it, where it was kept."""

    __tablename__ = "deletion_items"
    __table_args__ = (
        Index(
            "ix_deletion_items_open",
            "deletion_id",
            "recording_id",
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
    )
    deletion_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="deletions.deletion_id")
    recording_id: str = Field(primary_key=True)
    state: str = "pending"
    why: bytes = Field(default=b"[]", sa_column=Column(LargeBinary, nullable=False))
    at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DoomedObjectRow(Base, table=True):
    """An object whose key is destroyed and that is still in the store; without its key it is noise."""

    __tablename__ = "doomed_objects"
    __table_args__ = (Index(None, "node", "try_at"),)
    name: str = Field(primary_key=True)
    recording_id: str
    node: str
    doomed_at: datetime = Field(sa_type=UtcDateTime)
    try_at: datetime = Field(sa_type=UtcDateTime)
    problem: str = ""


legal_holds = table_of(LegalHoldRow)
deletions = table_of(DeletionRow)
deletion_items = table_of(DeletionItemRow)
doomed_objects = table_of(DoomedObjectRow)
