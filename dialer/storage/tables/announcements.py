"""The library of network announcements, and what was heard that is not in it."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

IN_USE = "removed_at IS NULL"


class AnnouncementRow(Base, table=True):
    """One known announcement. What it sounds like and means never changes, and its removal keeps the row.

    `complete_set` names the carrier of which the rows of that name are all announcements; empty: nobody says so.
    """

    __tablename__ = "announcements"
    __table_args__ = (
        Index("ix_announcements_in_use", "announcement_id", sqlite_where=text(IN_USE), postgresql_where=text(IN_USE)),
    )
    announcement_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    title: str
    meaning: str
    language: str
    source: str
    added_by: str
    added_at: datetime = Field(sa_type=UtcDateTime)
    length_ms: int
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_by: str = ""
    complete_set: str = Field(default="", sa_column_kwargs={"server_default": ""})


class UnknownAnnouncementRow(Base, table=True):
    """An announcement nobody has named yet: fingerprint and audio of the first time, and how often it was heard since.

    `heard_with` holds counts by trunk and SIP status as JSON.
    """

    __tablename__ = "unknown_announcements"
    __table_args__ = (Index(None, "last_heard_at"),)
    cluster_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    attempt_id: int = Field(sa_type=BigId)
    campaign_id: int = Field(sa_type=BigId)
    first_heard_at: datetime = Field(sa_type=UtcDateTime)
    last_heard_at: datetime = Field(sa_type=UtcDateTime)
    times: int
    length_ms: int
    heard_with: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    audio: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


announcements = table_of(AnnouncementRow)
unknown_announcements = table_of(UnknownAnnouncementRow)
