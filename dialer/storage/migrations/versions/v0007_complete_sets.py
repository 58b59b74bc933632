"""Which announcements are, together, all that their carrier has."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; of what is in the library nobody has said so yet."""
    op.add_column("announcements", sa.Column("complete_set", sa.String(), nullable=False, server_default=""))
