"""Attempts, refusals and wrap-ups: what was done, and what was not, with the proof."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

OPEN = "state NOT IN ('released', 'settled')"
"""In flight, or its end unknown: such an attempt counts however old it is, so there are indexes over these few."""


class AttemptRow(Base, table=True):
    """One dial of one number.

    `in_flight_index` is the number's index while the attempt is in flight and NULL after: being unique, it makes two
    simultaneous calls to one number impossible, whoever asks. `right_party` and `conversation` are the wrap-up's word,
    NULL until there is one. The gate's record is the attempt's proof.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        Index(None, "number_index", "reserved_at"),
        Index(None, "campaign_id", "disposition", "ended_at"),
        Index(None, "campaign_id", "contact_id"),
        Index(None, "person_ref", "reserved_at"),
        Index(None, "case_ref", "reserved_at"),
        Index(None, "campaign_id", "reserved_at"),
        Index(None, "caller_id", "reserved_at"),
        Index(
            None,
            "agent_id",
            "reserved_at",
            sqlite_where=text("agent_id IS NOT NULL"),
            postgresql_where=text("agent_id IS NOT NULL"),
        ),
        Index(None, "agency", "reserved_at", sqlite_where=text("agency <> ''"), postgresql_where=text("agency <> ''")),
        Index("ix_attempts_open_number", "number_index", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index("ix_attempts_open_person", "person_ref", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index("ix_attempts_open_case", "case_ref", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index(None, "node", "state"),
        Index(None, "recording_id"),
        Index("uq_attempts_in_flight_index", "in_flight_index", unique=True),
    )
    attempt_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    campaign_id: int = Field(sa_type=BigId, foreign_key="campaigns.campaign_id")
    contact_id: int = Field(sa_type=BigId)
    phone_id: int = Field(sa_type=BigId)
    entry_id: int | None = Field(default=None, sa_type=BigId)
    path: str
    role: str
    agency: str = ""
    state: str
    number_index: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    in_flight_index: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    number_masked: str
    case_ref: str
    person_ref: str
    trunk: str = ""
    caller_id: str = ""
    agent_id: int | None = Field(default=None, sa_type=BigId)
    node: str
    reserved_at: datetime = Field(sa_type=UtcDateTime)
    ringing_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    greeting_end_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    connected_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    notice_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disposition: str | None = None
    verdict: str = ""
    verdict_confidence: float = 0.0
    hangup_side: str | None = None
    cause: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    recording_id: str = ""
    settled_by: str = ""
    right_party: bool | None = None
    conversation: bool | None = None


class RefusalRow(Base, table=True):
    """One call the gate refused; `proof_id` is the proof that it was asked."""

    __tablename__ = "refusals"
    __table_args__ = (Index(None, "campaign_id", "rule"), Index(None, "case_ref"))
    refusal_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    campaign_id: int = Field(sa_type=BigId)
    contact_id: int = Field(sa_type=BigId)
    phone_id: int = Field(sa_type=BigId)
    entry_id: int | None = Field(default=None, sa_type=BigId)
    case_ref: str
    number_masked: str
    path: str
    node: str
    rule: str
    reason: str
    retry_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    proof_id: int = Field(sa_type=BigId)


class WrapUpRow(Base, table=True):
    """What the collector recorded after a call; one per attempt; `digest` tells a repetition from a change."""

    __tablename__ = "wrap_ups"
    attempt_id: int = Field(sa_type=BigId, primary_key=True)
    agent_id: int = Field(sa_type=BigId)
    code: str
    right_party: bool
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    callback_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class IdentityCheckRow(Base, table=True):
    """What a collector found out about who is on the line; added, never changed: the last one of an attempt counts."""

    __tablename__ = "identity_checks"
    __table_args__ = (Index(None, "attempt_id", "check_id"),)
    check_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    attempt_id: int = Field(sa_type=BigId)
    agent_id: int = Field(sa_type=BigId)
    result: str
    at: datetime = Field(sa_type=UtcDateTime)


attempts = table_of(AttemptRow)
refusals = table_of(RefusalRow)
wrap_ups = table_of(WrapUpRow)
identity_checks = table_of(IdentityCheckRow)
