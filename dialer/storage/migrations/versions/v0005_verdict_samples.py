"""Verdicts on what answered, kept for people to check by listening."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table."""
    _create_table()
    op.create_index("uq_verdict_samples_attempt_id_phase", "verdict_samples", ["attempt_id", "phase"], unique=True)
    for keys in (("campaign_id", "sample_id"), ("campaign_id", "label", "made_at")):
        op.create_index(f"ix_verdict_samples_{'_'.join(keys)}", "verdict_samples", list(keys))
    has_audio = sa.text("audio_bytes > 0")
    op.create_index(
        "ix_verdict_samples_audio",
        "verdict_samples",
        ["node", "sample_id"],
        sqlite_where=has_audio,
        postgresql_where=has_audio,
    )
    listened = sa.text("truth IS NOT NULL AND drawn_at IS NOT NULL")
    op.create_index(
        "ix_verdict_samples_listened",
        "verdict_samples",
        ["campaign_id", "label", "made_at"],
        sqlite_where=listened,
        postgresql_where=listened,
    )


def _create_table() -> None:
    op.create_table(
        "verdict_samples",
        sa.Column("sample_id", BigId, nullable=False),
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("subclass", sa.String(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_ms", sa.Integer(), nullable=False),
        sa.Column("first_speech_ms", sa.Integer(), nullable=True),
        sa.Column("greeting_end_ms", sa.Integer(), nullable=True),
        sa.Column("beep_ms", sa.Integer(), nullable=True),
        sa.Column("audio_path", sa.String(), nullable=False),
        sa.Column("audio_from_ms", sa.Integer(), nullable=False),
        sa.Column("audio_bytes", sa.Integer(), nullable=False),
        sa.Column("truth", sa.String(), nullable=True),
        sa.Column("labelled_by", sa.String(), nullable=False),
        sa.Column("labelled_at", UtcDateTime(), nullable=True),
        sa.Column("drawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.attempt_id"], name="fk_verdict_samples_attempt_id_attempts"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.campaign_id"], name="fk_verdict_samples_campaign_id_campaigns"
        ),
        sa.PrimaryKeyConstraint("sample_id", name="pk_verdict_samples"),
    )
