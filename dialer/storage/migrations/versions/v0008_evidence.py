"""Sealed recordings: what each is found by, the keys that open them, and the ledger that proves them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_EMPTY = sa.text("''")
_SEARCHED = ("case_ref", "number_index", "campaign_id", "agent_id", "outcome", "qa_state")


def upgrade() -> None:
    """Widens the recordings' table and adds keys and ledger.

    Recordings from before were never sealed: they stay on record without a key, and their files where they are.
    """
    _widen_recordings()
    _index_recordings()
    op.create_table(
        "recording_keys",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("kek_id", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recording_keys"),
    )
    op.create_index("ix_recording_keys_kek_id", "recording_keys", ["kek_id"])
    _create_ledger()


def _widen_recordings() -> None:
    texts = ("node", "parent_id", "peaks_path", "sealed_sha256", "case_ref", "number_masked", "disposition", "verdict")
    shares = ("far_share", "near_share", "silence_share", "overtalk_share")
    added: list[sa.Column[Any]] = [
        *(sa.Column(name, sa.String(), nullable=False, server_default="") for name in (*texts, "outcome", "qa_state")),
        *(sa.Column(name, sa.Float(), nullable=False, server_default="0") for name in shares),
        sa.Column("state", sa.String(), nullable=False, server_default="kept"),
        sa.Column("sealed_bytes", BigId, nullable=False, server_default="0"),
        sa.Column("campaign_id", BigId, nullable=False, server_default="0"),
        sa.Column("agent_id", BigId, nullable=True),
        sa.Column("marks", sa.LargeBinary(), nullable=False, server_default=_EMPTY),
        sa.Column("number_index", sa.LargeBinary(), nullable=False, server_default=_EMPTY),
    ]
    for column in added:
        op.add_column("recordings", column)


def _index_recordings() -> None:
    op.drop_index("ix_recordings_started_at_recording_id", "recordings")
    whole, derived = sa.text("parent_id = ''"), sa.text("parent_id <> ''")
    for columns in ((), *((name,) for name in _SEARCHED)):
        op.create_index(
            f"ix_recordings_of_{'_'.join(columns) or 'all'}",
            "recordings",
            [*columns, "started_at", "recording_id"],
            sqlite_where=whole,
            postgresql_where=whole,
        )
    op.create_index(
        "ix_recordings_parent_id", "recordings", ["parent_id"], sqlite_where=derived, postgresql_where=derived
    )


def _create_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_ledger"),
        sa.UniqueConstraint("chain", "sequence", name="uq_ledger_chain_sequence"),
    )
    for column in ("subject", "at"):
        op.create_index(f"ix_ledger_{column}", "ledger", [column])
    op.create_table(
        "ledger_heads",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_ledger_heads"),
    )
    op.create_table(
        "ledger_signatures",
        sa.Column("signature_id", BigId, nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("signature_id", name="pk_ledger_signatures"),
        sa.UniqueConstraint("chain", "sequence", name="uq_ledger_signatures_chain_sequence"),
    )
