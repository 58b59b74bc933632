"""Sampling plans, what they drew, the work of quality assurance, and who is in which team."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

PENDING = "state IN ('open', 'taken')"
LASTING = "kind <> 'announcement'"
UNNAMED = f"kind = 'announcement' AND {PENDING}"
CURRENT = "until IS NULL"


class QaPlanRow(Base, table=True):
    """A sampling plan. `rules` is JSON. Nothing of it ever changes but that it is stopped."""

    __tablename__ = "qa_plans"
    plan_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    name: str
    kind: str
    cadence: str
    purpose: str
    scorecard_id: int | None = Field(default=None, sa_type=BigId)
    due_days: int
    seed: str
    rules: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    created_by: str
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stopped_by: str = ""


class QaDrawRow(Base, table=True):
    """One draw; being unique per plan and period, it happens once, however many nodes there are."""

    __tablename__ = "qa_draws"
    __table_args__ = (UniqueConstraint("plan_id", "period"),)
    draw_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    plan_id: int = Field(sa_type=BigId, foreign_key="qa_plans.plan_id")
    period: str
    begins: datetime = Field(sa_type=UtcDateTime)
    ends: datetime = Field(sa_type=UtcDateTime)
    drawn_at: datetime = Field(sa_type=UtcDateTime)
    node: str
    pool: int
    drawn: int
    pool_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class QaWorkRow(Base, table=True):
    """One item of work. `subject` is a recording's id, a verdict's or an unknown announcement's; `reasons` is JSON.

    The unique keys: nothing is given out twice for one purpose, and nobody gets both halves of a blind pair. The number
    of an announcement is given anew when it is named or gone, so of those only what is pending counts.
    """

    __tablename__ = "qa_work"
    __table_args__ = (
        *(
            Index(
                f"uq_qa_work_{column}",
                *("subject", "kind", "purpose", "calibration_id", column),
                unique=True,
                sqlite_where=text(LASTING),
                postgresql_where=text(LASTING),
            )
            for column in ("slot", "assignee_id")
        ),
        Index(
            "uq_qa_work_announcement",
            "subject",
            unique=True,
            sqlite_where=text(UNNAMED),
            postgresql_where=text(UNNAMED),
        ),
        Index(
            "ix_qa_work_pending",
            "assignee_id",
            "due_at",
            "work_id",
            sqlite_where=text(PENDING),
            postgresql_where=text(PENDING),
        ),
        Index(None, "subject", "kind"),
        Index(None, "assignee_id", "work_id"),
        Index(None, "collector_id", "created_at"),
        Index(None, "plan_id", "work_id"),
    )
    work_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    kind: str
    subject: str
    purpose: str
    slot: int = 1
    calibration_id: int = Field(default=0, sa_type=BigId)
    campaign_id: int = Field(default=0, sa_type=BigId)
    collector_id: int | None = Field(default=None, sa_type=BigId)
    scorecard_id: int | None = Field(default=None, sa_type=BigId)
    plan_id: int | None = Field(default=None, sa_type=BigId)
    draw_id: int | None = Field(default=None, sa_type=BigId)
    reasons: bytes = Field(default=b"[]", sa_column=Column(LargeBinary, nullable=False))
    state: str = "open"
    created_at: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    assignee_id: int | None = Field(default=None, sa_type=BigId)
    assigned_by: str = ""
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by: str = ""
    note: str = ""
    evaluation_id: int | None = Field(default=None, sa_type=BigId)


class TeamMemberRow(Base, table=True):
    """Somebody in a team for a time; `until` NULL: still. Whoever moves gets a new row."""

    __tablename__ = "team_members"
    __table_args__ = (
        Index(None, "account_id", "since"),
        Index(
            "uq_team_members_current",
            "account_id",
            unique=True,
            sqlite_where=text(CURRENT),
            postgresql_where=text(CURRENT),
        ),
    )
    member_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    account_id: int = Field(sa_type=BigId, foreign_key="accounts.account_id")
    team: str
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    changed_by: str = ""


qa_plans = table_of(QaPlanRow)
qa_draws = table_of(QaDrawRow)
qa_work = table_of(QaWorkRow)
team_members = table_of(TeamMemberRow)
