"""Network announcements: those that are known, and those that wait for a name."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "announcements",
        sa.Column("announcement_id", BigId, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("meaning", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("length_ms", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("announcement_id", name="pk_announcements"),
    )
    in_use = sa.text("removed_at IS NULL")
    op.create_index(
        "ix_announcements_in_use",
        "announcements",
        ["announcement_id"],
        sqlite_where=in_use,
        postgresql_where=in_use,
    )
    op.create_table(
        "unknown_announcements",
        sa.Column("cluster_id", BigId, nullable=False),
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("first_heard_at", UtcDateTime(), nullable=False),
        sa.Column("last_heard_at", UtcDateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("length_ms", sa.Integer(), nullable=False),
        sa.Column("heard_with", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("audio", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cluster_id", name="pk_unknown_announcements"),
    )
    op.create_index("ix_unknown_announcements_last_heard_at", "unknown_announcements", ["last_heard_at"])
