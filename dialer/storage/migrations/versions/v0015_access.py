"""Log-ins by an OpenID provider, where sessions come from, prompts of the house, and a searchable audit log."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds tables and columns; the audit log's indexes are replaced by ones that also sort."""
    _log_ins()
    _prompts()
    for column in ("at", "subject"):
        op.drop_index(f"ix_audit_{column}", "audit")
    op.create_index("ix_audit_at_audit_id", "audit", ["at", "audit_id"])
    for column in ("subject", "actor", "action"):
        op.create_index(f"ix_audit_{column}_at_audit_id", "audit", [column, "at", "audit_id"])


def _log_ins() -> None:
    op.add_column("accounts", sa.Column("email", sa.String(), nullable=True))
    op.create_index("uq_accounts_email", "accounts", ["email"], unique=True)
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="fk_identities_account_id_accounts"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
    )
    op.create_index("ix_identities_account_id", "identities", ["account_id"])
    op.create_table(
        "spent_log_ins",
        sa.Column("state_hash", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_spent_log_ins"),
    )
    op.create_index("ix_spent_log_ins_expires_at", "spent_log_ins", ["expires_at"])
    op.add_column("sessions", sa.Column("remote", sa.String(), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("log_in", sa.String(), nullable=False, server_default="password"))


def _prompts() -> None:
    op.create_table(
        "prompts",
        sa.Column("prompt_id", BigId, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("in_use", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("length_ms", sa.Integer(), nullable=False),
        sa.Column("flac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("prompt_id", name="pk_prompts"),
    )
    op.create_index("ix_prompts_name", "prompts", ["name", "prompt_id"])
    in_use = sa.text("in_use")
    op.create_index(
        "uq_prompts_in_use", "prompts", ["name", "language"], unique=True, sqlite_where=in_use, postgresql_where=in_use
    )
