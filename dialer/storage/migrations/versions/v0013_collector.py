"""What collectors record of identities. Campaigns from before go on without: their collectors are not asked for it."""

import json

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table, and says in the settings of every campaign that is there already how it went so far."""
    op.create_table(
        "identity_checks",
        sa.Column("check_id", BigId, nullable=False),
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("agent_id", BigId, nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("check_id", name="pk_identity_checks"),
    )
    op.create_index("ix_identity_checks_attempt_id_check_id", "identity_checks", ["attempt_id", "check_id"])
    _leave_as_it_was(op.get_bind())


def _leave_as_it_was(connection: sa.Connection) -> None:
    campaigns = sa.table("campaigns", sa.column("campaign_id", BigId), sa.column("settings", sa.LargeBinary()))
    for campaign_id, stored in connection.execute(sa.select(campaigns.c.campaign_id, campaigns.c.settings)).all():
        settings = json.loads(stored) | {"collecting": {"identity_check": False}}
        mine = sa.update(campaigns).where(campaigns.c.campaign_id == campaign_id)
        connection.execute(mine.values(settings=json.dumps(settings, ensure_ascii=False).encode()))
