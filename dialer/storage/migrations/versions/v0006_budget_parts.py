"""The nodes' parts in the abandonment budgets of the campaigns they dial together."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    op.create_table(
        "budget_parts",
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("collectors", sa.Integer(), nullable=False),
        sa.Column("people", sa.Float(), nullable=False),
        sa.Column("beat", BigId, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.campaign_id"], name="fk_budget_parts_campaign_id_campaigns"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "node", name="pk_budget_parts"),
    )
