"""Prompts of the house that were uploaded: every node plays them."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

IN_USE = "in_use"


class PromptRow(Base, table=True):
    """One version of a recording under a prompt's name; its audio never changes. `language` empty: for every one."""

    __tablename__ = "prompts"
    __table_args__ = (
        Index("ix_prompts_name", "name", "prompt_id"),
        Index(
            "uq_prompts_in_use",
            "name",
            "language",
            unique=True,
            sqlite_where=text(IN_USE),
            postgresql_where=text(IN_USE),
        ),
    )
    prompt_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    name: str
    language: str
    in_use: bool
    note: str
    uploaded_by: str
    uploaded_at: datetime = Field(sa_type=UtcDateTime)
    length_ms: int
    flac: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


prompts = table_of(PromptRow)
