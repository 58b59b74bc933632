"""Legal holds, and deletions that two persons ask for and allow."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables, the index by which what is due is found, and when people were told of a recording."""
    op.add_column("attempts", sa.Column("notice_at", UtcDateTime(), nullable=True))
    _create_holds()
    _create_deletions()
    _create_doomed_objects()
    kept = sa.text("parent_id = '' AND state = 'kept'")
    columns = ["started_at", "recording_id"]
    op.create_index("ix_recordings_kept", "recordings", columns, sqlite_where=kept, postgresql_where=kept)


def _create_holds() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("hold_id", BigId, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("scope", "ref", "reason", "placed_by")),
        sa.Column("placed_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lift_reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("hold_id", name="pk_legal_holds"),
    )
    in_force = sa.text("lifted_at IS NULL")
    columns = ["scope", "ref"]
    op.create_index("ix_legal_holds_in_force", "legal_holds", columns, sqlite_where=in_force, postgresql_where=in_force)


def _create_deletions() -> None:
    op.create_table(
        "deletions",
        sa.Column("deletion_id", BigId, nullable=False),
        sa.Column("by", UtcDateTime(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "state", "asked_by", "asked_role")),
        sa.Column("asked_account", BigId, nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_role", sa.String(), nullable=False),
        sa.Column("decided_account", BigId, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("deletion_id", name="pk_deletions"),
    )
    op.create_index("ix_deletions_state", "deletions", ["state"])
    op.create_table(
        "deletion_items",
        sa.Column("deletion_id", BigId, nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("deletion_id", "recording_id", name="pk_deletion_items"),
        sa.ForeignKeyConstraint(
            ["deletion_id"], ["deletions.deletion_id"], name="fk_deletion_items_deletion_id_deletions"
        ),
    )
    waiting = sa.text("state = 'pending'")
    columns = ["deletion_id", "recording_id"]
    op.create_index("ix_deletion_items_open", "deletion_items", columns, sqlite_where=waiting, postgresql_where=waiting)


def _create_doomed_objects() -> None:
    op.create_table(
        "doomed_objects",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("name", "recording_id", "node")),
        sa.Column("doomed_at", UtcDateTime(), nullable=False),
        sa.Column("try_at", UtcDateTime(), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_doomed_objects"),
    )
    op.create_index("ix_doomed_objects_node_try_at", "doomed_objects", ["node", "try_at"])
