"""What the gate knows and proves: consents, inconveniences, changes of cases, stops; chained proofs and their packs.

The gate's records inside attempts and refusals are given up for proofs of their own: no version was released with them.
"""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the tables and columns."""
    _change_attempts()
    _change_refusals()
    op.add_column("contacts", sa.Column("regions", sa.String(), nullable=False, server_default=""))
    _create_case_changes()
    _create_consents()
    _create_inconveniences()
    _create_stops()
    _create_proofs()
    _create_policies()


def _change_attempts() -> None:
    op.drop_column("attempts", "decision")
    op.add_column("attempts", sa.Column("role", sa.String(), nullable=False, server_default="own"))
    op.add_column("attempts", sa.Column("agency", sa.String(), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("right_party", sa.Boolean(), nullable=True))
    op.add_column("attempts", sa.Column("conversation", sa.Boolean(), nullable=True))
    # What is known of attempts from before: whose number it was, and what the collector found out.
    op.execute(
        "UPDATE attempts SET role = 'third_party' "
        "WHERE phone_id IN (SELECT phone_id FROM phones WHERE phones.role = 'third_party')"
    )
    op.execute(
        "UPDATE attempts SET right_party = "
        "(SELECT wrap_ups.right_party FROM wrap_ups WHERE wrap_ups.attempt_id = attempts.attempt_id)"
    )
    op.drop_index("ix_attempts_case_ref", "attempts")
    for key in ("person_ref", "case_ref", "campaign_id", "caller_id"):
        op.create_index(f"ix_attempts_{key}_reserved_at", "attempts", [key, "reserved_at"])
    for key, some in (("agent_id", "agent_id IS NOT NULL"), ("agency", "agency <> ''")):
        op.create_index(
            f"ix_attempts_{key}_reserved_at",
            "attempts",
            [key, "reserved_at"],
            sqlite_where=sa.text(some),
            postgresql_where=sa.text(some),
        )
    is_open = sa.text("state NOT IN ('released', 'settled')")
    for name, key in (("number", "number_index"), ("person", "person_ref"), ("case", "case_ref")):
        op.create_index(f"ix_attempts_open_{name}", "attempts", [key], sqlite_where=is_open, postgresql_where=is_open)


def _change_refusals() -> None:
    op.drop_column("refusals", "decision")
    op.add_column("refusals", sa.Column("proof_id", BigId, nullable=False, server_default="0"))


def _create_case_changes() -> None:
    op.create_table(
        "case_changes",
        sa.Column("change_id", BigId, nullable=False),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name="pk_case_changes"),
    )
    op.create_index("ix_case_changes_case_ref_change_id", "case_changes", ["case_ref", "change_id"])


def _create_consents() -> None:
    op.create_table(
        "consents",
        sa.Column("consent_id", BigId, nullable=False),
        sa.Column("person_ref", sa.String(), nullable=False),
        sa.Column("case_ref", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id", name="pk_consents"),
    )
    op.create_index("ix_consents_person_ref", "consents", ["person_ref"])


def _create_inconveniences() -> None:
    op.create_table(
        "inconveniences",
        sa.Column("inconvenience_id", BigId, nullable=False),
        sa.Column("person_ref", sa.String(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("number_masked", sa.String(), nullable=False),
        sa.Column("weekdays", sa.String(), nullable=False),
        sa.Column("from_minute", sa.Integer(), nullable=True),
        sa.Column("to_minute", sa.Integer(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("inconvenience_id", name="pk_inconveniences"),
    )
    op.create_index("ix_inconveniences_person_ref", "inconveniences", ["person_ref"])


def _create_stops() -> None:
    op.create_table(
        "stops",
        sa.Column("stop_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("person_ref", sa.String(), nullable=True),
        sa.Column("case_ref", sa.String(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("stop_id", name="pk_stops"),
    )
    op.create_index("ix_stops_at", "stops", ["at"])


def _create_proofs() -> None:
    op.create_table(
        "proofs",
        sa.Column("proof_id", BigId, nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("attempt_id", BigId, nullable=True),
        sa.Column("campaign_id", BigId, nullable=True),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("proof_id", name="pk_proofs"),
        sa.UniqueConstraint("chain", "sequence", name="uq_proofs_chain_sequence"),
    )
    op.create_index("ix_proofs_at", "proofs", ["at"])
    op.create_index("ix_proofs_attempt_id", "proofs", ["attempt_id"])
    op.create_index("ix_proofs_case_ref_at", "proofs", ["case_ref", "at"])
    op.create_index("ix_proofs_number_index_at", "proofs", ["number_index", "at"])
    op.create_table(
        "proof_heads",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_proof_heads"),
    )


def _create_policies() -> None:
    op.create_table(
        "policy_packs",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_policy_packs"),
    )
    op.create_table(
        "policy_changes",
        sa.Column("change_id", BigId, nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("packs", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name="pk_policy_changes"),
    )
    op.create_index("ix_policy_changes_at", "policy_changes", ["at"])
