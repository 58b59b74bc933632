"""Recordings, the keys that open them, and the ledger that proves them."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

WHOLE = "parent_id = ''"
"""A redaction is found by its original: what is searched are originals."""
DERIVED = "parent_id <> ''"
KEPT = "parent_id = '' AND state = 'kept'"
"""What retention looks through: originals that are still there."""


def _found_by(*columns: str) -> Index:
    """An index by which a page of originals with one value of a column is read, newest first."""
    return Index(
        f"ix_recordings_of_{'_'.join(columns) or 'all'}",
        *columns,
        "started_at",
        "recording_id",
        sqlite_where=text(WHOLE),
        postgresql_where=text(WHOLE),
    )


class RecordingRow(Base, table=True):
    """A finalised recording, with copies of what it is found by: its attempt's and its wrap-up's words."""

    __tablename__ = "recordings"
    __table_args__ = (
        Index(None, "attempt_id"),
        Index(None, "parent_id", sqlite_where=text(DERIVED), postgresql_where=text(DERIVED)),
        Index("ix_recordings_kept", "started_at", "recording_id", sqlite_where=text(KEPT), postgresql_where=text(KEPT)),
        _found_by(),
        _found_by("case_ref"),
        _found_by("number_index"),
        _found_by("campaign_id"),
        _found_by("agent_id"),
        _found_by("outcome"),
        _found_by("qa_state"),
    )
    recording_id: str = Field(primary_key=True)
    attempt_id: int = Field(sa_type=BigId, foreign_key="attempts.attempt_id")
    node: str = ""
    parent_id: str = ""
    state: str = "kept"
    started_at: datetime = Field(sa_type=UtcDateTime)
    duration_s: float
    path: str
    peaks_path: str = ""
    sha256: str
    size_bytes: int = Field(sa_type=BigId)
    sealed_sha256: str = ""
    sealed_bytes: int = Field(default=0, sa_type=BigId)
    marks: bytes = Field(default=b"[]", sa_column=Column(LargeBinary, nullable=False))
    lost_ms: int
    truncated: bool
    far_share: float = 0.0
    near_share: float = 0.0
    silence_share: float = 0.0
    overtalk_share: float = 0.0
    campaign_id: int = Field(default=0, sa_type=BigId)
    case_ref: str = ""
    number_index: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    number_masked: str = ""
    agent_id: int | None = Field(default=None, sa_type=BigId)
    disposition: str = ""
    verdict: str = ""
    outcome: str = ""
    qa_state: str = ""


class RecordingKeyRow(Base, table=True):
    """What opens a recording: its own key, wrapped. Without this row the audio is gone, wherever copies of it lie."""

    __tablename__ = "recording_keys"
    __table_args__ = (Index(None, "kek_id"),)
    recording_id: str = Field(primary_key=True)
    kek_id: str
    wrapped: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerRow(Base, table=True):
    """One entry of a ledger: `hash` is over the hash before it and `digest`, the SHA-256 of `body`."""

    __tablename__ = "ledger"
    __table_args__ = (UniqueConstraint("chain", "sequence"), Index(None, "subject"), Index(None, "at"))
    entry_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    chain: str
    sequence: int = Field(sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    subject: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerHeadRow(Base, table=True):
    """The newest entry of each chain; its row is the lock under which the chain grows."""

    __tablename__ = "ledger_heads"
    chain: str = Field(primary_key=True)
    sequence: int = Field(sa_type=BigId)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class LedgerSignatureRow(Base, table=True):
    """A signed head. `statement` is the text that was signed; `stamp` what a time-stamping authority answered to it."""

    __tablename__ = "ledger_signatures"
    __table_args__ = (UniqueConstraint("chain", "sequence"),)
    signature_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    chain: str
    sequence: int = Field(sa_type=BigId)
    statement: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    key_id: str
    signature: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    stamp: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


recordings = table_of(RecordingRow)
recording_keys = table_of(RecordingKeyRow)
ledger = table_of(LedgerRow)
ledger_heads = table_of(LedgerHeadRow)
ledger_signatures = table_of(LedgerSignatureRow)
