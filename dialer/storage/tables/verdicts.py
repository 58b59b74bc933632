"""Verdicts on what answered, with where their audio lies and what listeners heard."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

HAS_AUDIO = "audio_bytes > 0"
LISTENED = "truth IS NOT NULL AND drawn_at IS NOT NULL"


class VerdictSampleRow(Base, table=True):
    """One verdict; at most one per attempt and phase. The audio goes after a while, the row stays."""

    __tablename__ = "verdict_samples"
    __table_args__ = (
        Index("uq_verdict_samples_attempt_id_phase", "attempt_id", "phase", unique=True),
        Index(None, "campaign_id", "sample_id"),
        Index(None, "campaign_id", "label", "made_at"),
        Index(
            "ix_verdict_samples_audio",
            "node",
            "sample_id",
            sqlite_where=text(HAS_AUDIO),
            postgresql_where=text(HAS_AUDIO),
        ),
        Index(
            "ix_verdict_samples_listened",
            "campaign_id",
            "label",
            "made_at",
            sqlite_where=text(LISTENED),
            postgresql_where=text(LISTENED),
        ),
    )
    sample_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    attempt_id: int = Field(sa_type=BigId, foreign_key="attempts.attempt_id")
    campaign_id: int = Field(sa_type=BigId, foreign_key="campaigns.campaign_id")
    node: str
    made_at: datetime = Field(sa_type=UtcDateTime)
    phase: str
    label: str
    subclass: str = ""
    confidence: float
    reason: str = ""
    decided_ms: int
    first_speech_ms: int | None = None
    greeting_end_ms: int | None = None
    beep_ms: int | None = None
    audio_path: str = ""
    audio_from_ms: int = 0
    audio_bytes: int = 0
    truth: str | None = None
    labelled_by: str = ""
    labelled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    drawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


verdict_samples = table_of(VerdictSampleRow)
