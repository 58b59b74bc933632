"""Campaigns and their entries: what may be dialed next."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of


class CampaignRow(Base, table=True):
    """A campaign; `settings` is JSON, `pacer` what its pacing learned (JSON, empty at first)."""

    __tablename__ = "campaigns"
    campaign_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    name: str
    state: str
    state_reason: str = ""
    settings: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    pacer: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)


class CampaignListRow(Base, table=True):
    """Which lists a campaign dials, in which order."""

    __tablename__ = "campaign_lists"
    campaign_id: int = Field(sa_type=BigId, foreign_key="campaigns.campaign_id", primary_key=True)
    list_id: int = Field(sa_type=BigId, foreign_key="lists.list_id", primary_key=True)
    position: int


READY = "ready"
LATER = "later"
CALLBACK = "callback"
WAITING = (READY, LATER, CALLBACK)
"""Queues of entries that wait to be claimed; the others bear the names of `EntryState`."""
TIMED = f"queue IN ('{LATER}', '{CALLBACK}')"
"""Entries that wait for their time. A query that repeats these words may use the index over these alone."""


class EntryRow(Base, table=True):
    """One contact in one campaign.

    `queue` says where to look for it: `ready` (due, in order of priority), `later` (not before `due_at`), `callback`
    (promised for `due_at`), or one of the resting states of `EntryState`. `dial_order` is the priority with its sign
    turned: the smallest is dialed first. The two indexes are what makes claiming fast: one in the order of dialing, one
    in the order of becoming due, which leaves out what is due. Those on `node` and `lease_until` hold the few entries
    that are claimed.
    """

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("campaign_id", "contact_id"),
        Index("ix_entries_order", "campaign_id", "queue", "dial_order", "due_at", "entry_id"),
        Index(
            "ix_entries_due",
            *("campaign_id", "queue", "due_at"),
            sqlite_where=text(TIMED),
            postgresql_where=text(TIMED),
        ),
        Index(None, "contact_id"),
        Index(None, "node", sqlite_where=text("node IS NOT NULL"), postgresql_where=text("node IS NOT NULL")),
        Index(
            None,
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
    )
    entry_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    campaign_id: int = Field(sa_type=BigId, foreign_key="campaigns.campaign_id")
    contact_id: int = Field(sa_type=BigId, foreign_key="contacts.contact_id")
    queue: str
    dial_order: float
    due_at: datetime = Field(sa_type=UtcDateTime)
    next_phone_id: int | None = Field(default=None, sa_type=BigId)
    callback_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    callback_agent_id: int | None = Field(default=None, sa_type=BigId)
    node: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = ""


class BudgetPartRow(Base, table=True):
    """A node's part in a campaign's abandonment budget, as it reported last (`dialer.model.budget`)."""

    __tablename__ = "budget_parts"
    campaign_id: int = Field(sa_type=BigId, foreign_key="campaigns.campaign_id", primary_key=True)
    node: str = Field(primary_key=True)
    collectors: int
    people: float
    beat: int = Field(sa_type=BigId)


campaigns = table_of(CampaignRow)
campaign_lists = table_of(CampaignListRow)
entries = table_of(EntryRow)
budget_parts = table_of(BudgetPartRow)
