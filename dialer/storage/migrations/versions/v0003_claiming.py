"""The index of what becomes due holds only what waits for its time: whatever is due anyway need not move in it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index anew."""
    timed = sa.text("queue IN ('later', 'callback')")
    op.drop_index("ix_entries_due", "entries")
    op.create_index(
        "ix_entries_due",
        "entries",
        ["campaign_id", "queue", "due_at"],
        sqlite_where=timed,
        postgresql_where=timed,
    )
