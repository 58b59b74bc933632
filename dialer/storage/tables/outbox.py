"""The outbox: events, and how far each destination got with each of them."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of


class EventRow(Base, table=True):
    """One event, written in the transaction of what it reports. `data` is JSON."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "case_ref", "sequence"),)
    sequence: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    event_id: str = Field(unique=True)
    type: str
    case_ref: str
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DestinationRow(Base, table=True):
    """A receiver of events. One node at a time delivers to it: the one that holds it until `held_until`."""

    __tablename__ = "destinations"
    destination: str = Field(primary_key=True)
    active: bool = True
    held_by: str = ""
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DeliveryRow(Base, table=True):
    """One event on its way to one destination: pending, delivered or dead (given up, may be replayed)."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(None, "destination", "state", "sequence"),
        Index(None, "destination", "state", "case_ref", "sequence"),
    )
    destination: str = Field(primary_key=True)
    sequence: int = Field(sa_type=BigId, primary_key=True)
    case_ref: str
    state: str
    failures: int = 0
    next_at: datetime = Field(sa_type=UtcDateTime)
    first_failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str = ""


events = table_of(EventRow)
destinations = table_of(DestinationRow)
deliveries = table_of(DeliveryRow)
