"""Sampling plans, what they drew, the work of quality assurance, and teams."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables, and an index by which the changes of a day are found."""
    op.create_index("ix_case_changes_at", "case_changes", ["at"])
    _create_plans()
    _create_draws()
    _create_work()
    _create_teams()


def _create_plans() -> None:
    op.create_table(
        "qa_plans",
        sa.Column("plan_id", BigId, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "kind", "cadence", "purpose")),
        sa.Column("scorecard_id", BigId, nullable=True),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("rules", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("stopped_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name="pk_qa_plans"),
    )


def _create_draws() -> None:
    op.create_table(
        "qa_draws",
        sa.Column("draw_id", BigId, nullable=False),
        sa.Column("plan_id", BigId, nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("begins", "ends", "drawn_at")),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("pool_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("draw_id", name="pk_qa_draws"),
        sa.ForeignKeyConstraint(["plan_id"], ["qa_plans.plan_id"], name="fk_qa_draws_plan_id_qa_plans"),
        sa.UniqueConstraint("plan_id", "period", name="uq_qa_draws_plan_id_period"),
    )


def _create_work() -> None:
    texts = ("kind", "subject", "purpose", "state", "assigned_by", "closed_by", "note")
    ids = ("collector_id", "scorecard_id", "plan_id", "draw_id", "assignee_id", "evaluation_id")
    op.create_table(
        "qa_work",
        sa.Column("work_id", BigId, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in texts),
        sa.Column("slot", sa.Integer(), nullable=False),
        *(sa.Column(name, BigId, nullable=False) for name in ("calibration_id", "campaign_id")),
        *(sa.Column(name, BigId, nullable=True) for name in ids),
        sa.Column("reasons", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("created_at", "due_at")),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("taken_at", "closed_at")),
        sa.PrimaryKeyConstraint("work_id", name="pk_qa_work"),
    )
    _index_work()


def _index_work() -> None:
    lasting, pending = sa.text("kind <> 'announcement'"), sa.text("state IN ('open', 'taken')")
    unnamed = sa.text("kind = 'announcement' AND state IN ('open', 'taken')")
    unique = {
        "slot": (["subject", "kind", "purpose", "calibration_id", "slot"], lasting),
        "assignee_id": (["subject", "kind", "purpose", "calibration_id", "assignee_id"], lasting),
        "announcement": (["subject"], unnamed),
    }
    for name, (columns, which) in unique.items():
        op.create_index(
            f"uq_qa_work_{name}", "qa_work", columns, unique=True, sqlite_where=which, postgresql_where=which
        )
    op.create_index(
        "ix_qa_work_pending",
        "qa_work",
        ["assignee_id", "due_at", "work_id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    found_by = ("subject", "kind"), ("assignee_id", "work_id"), ("collector_id", "created_at"), ("plan_id", "work_id")
    for names in found_by:
        op.create_index(f"ix_qa_work_{'_'.join(names)}", "qa_work", list(names))


def _create_teams() -> None:
    op.create_table(
        "team_members",
        sa.Column("member_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name="pk_team_members"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="fk_team_members_account_id_accounts"),
    )
    op.create_index("ix_team_members_account_id_since", "team_members", ["account_id", "since"])
    current = sa.text("until IS NULL")
    op.create_index(
        "uq_team_members_current",
        "team_members",
        ["account_id"],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
