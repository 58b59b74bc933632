"""What supervisors see: read from tables and by indexes that are there for other reasons."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Changes nothing."""
