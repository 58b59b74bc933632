"""The first schema: lists, campaigns, attempts, people, the outbox."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates every table."""
    _create_lists()
    _create_contacts()
    _create_phones()
    _create_cases()
    _create_do_not_call()
    _create_campaigns()
    _create_campaign_lists()
    _create_entries()
    _create_attempts()
    _create_refusals()
    _create_wrap_ups()
    _create_recordings()
    _create_accounts()
    _create_tokens()
    _create_agent_changes()
    _create_audit()
    _create_events()
    _create_destinations()
    _create_deliveries()
    _create_properties()
    _create_idempotency_keys()


def _create_lists() -> None:
    op.create_table(
        "lists",
        sa.Column("list_id", BigId, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("contact_count", sa.Integer(), nullable=False),
        sa.Column("phone_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", name="pk_lists"),
    )


def _create_contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("list_id", BigId, nullable=False),
        sa.Column("person_ref", sa.String(), nullable=False),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.list_id"], name="fk_contacts_list_id_lists"),
        sa.PrimaryKeyConstraint("contact_id", name="pk_contacts"),
    )
    op.create_index("ix_contacts_case_ref", "contacts", ["case_ref"])
    op.create_index("ix_contacts_list_id_contact_id", "contacts", ["list_id", "contact_id"])
    op.create_index("ix_contacts_person_ref", "contacts", ["person_ref"])


def _create_phones() -> None:
    op.create_table(
        "phones",
        sa.Column("phone_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.contact_id"], name="fk_phones_contact_id_contacts"),
        sa.PrimaryKeyConstraint("phone_id", name="pk_phones"),
    )
    op.create_index("ix_phones_contact_id", "phones", ["contact_id"])
    op.create_index("ix_phones_number_index", "phones", ["number_index"])


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("case_ref", name="pk_cases"),
    )


def _create_do_not_call() -> None:
    op.create_table(
        "do_not_call",
        sa.Column("do_not_call_id", BigId, nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("number_masked", sa.String(), nullable=False),
        sa.Column("person_ref", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("do_not_call_id", name="pk_do_not_call"),
    )
    op.create_index("ix_do_not_call_number_index", "do_not_call", ["number_index"])
    op.create_index("ix_do_not_call_person_ref", "do_not_call", ["person_ref"])


def _create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_reason", sa.String(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("pacer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", name="pk_campaigns"),
    )


def _create_campaign_lists() -> None:
    op.create_table(
        "campaign_lists",
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("list_id", BigId, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.campaign_id"], name="fk_campaign_lists_campaign_id_campaigns"
        ),
        sa.ForeignKeyConstraint(["list_id"], ["lists.list_id"], name="fk_campaign_lists_list_id_lists"),
        sa.PrimaryKeyConstraint("campaign_id", "list_id", name="pk_campaign_lists"),
    )


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("entry_id", BigId, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("dial_order", sa.Float(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("next_phone_id", BigId, nullable=True),
        sa.Column("callback_at", UtcDateTime(), nullable=True),
        sa.Column("callback_agent_id", BigId, nullable=True),
        sa.Column("node", sa.String(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name="fk_entries_campaign_id_campaigns"),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.contact_id"], name="fk_entries_contact_id_contacts"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_entries"),
        sa.UniqueConstraint("campaign_id", "contact_id", name="uq_entries_campaign_id_contact_id"),
    )
    op.create_index("ix_entries_contact_id", "entries", ["contact_id"])
    op.create_index("ix_entries_due", "entries", ["campaign_id", "queue", "due_at"])
    op.create_index(
        "ix_entries_lease_until",
        "entries",
        ["lease_until"],
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index(
        "ix_entries_node",
        "entries",
        ["node"],
        sqlite_where=sa.text("node IS NOT NULL"),
        postgresql_where=sa.text("node IS NOT NULL"),
    )
    op.create_index("ix_entries_order", "entries", ["campaign_id", "queue", "dial_order", "due_at", "entry_id"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("phone_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("in_flight_index", sa.LargeBinary(), nullable=True),
        sa.Column("number_masked", sa.String(), nullable=False),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("person_ref", sa.String(), nullable=False),
        sa.Column("trunk", sa.String(), nullable=False),
        sa.Column("caller_id", sa.String(), nullable=False),
        sa.Column("agent_id", BigId, nullable=True),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("reserved_at", UtcDateTime(), nullable=False),
        sa.Column("ringing_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("greeting_end_at", UtcDateTime(), nullable=True),
        sa.Column("connected_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("disposition", sa.String(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("verdict_confidence", sa.Float(), nullable=False),
        sa.Column("hangup_side", sa.String(), nullable=True),
        sa.Column("cause", sa.LargeBinary(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.campaign_id"], name="fk_attempts_campaign_id_campaigns"),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_campaign_id_contact_id", "attempts", ["campaign_id", "contact_id"])
    op.create_index(
        "ix_attempts_campaign_id_disposition_ended_at", "attempts", ["campaign_id", "disposition", "ended_at"]
    )
    op.create_index("ix_attempts_case_ref", "attempts", ["case_ref"])
    op.create_index("ix_attempts_node_state", "attempts", ["node", "state"])
    op.create_index("ix_attempts_number_index_reserved_at", "attempts", ["number_index", "reserved_at"])
    op.create_index("ix_attempts_recording_id", "attempts", ["recording_id"])
    op.create_index("uq_attempts_in_flight_index", "attempts", ["in_flight_index"], unique=True)


def _create_refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("refusal_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("contact_id", BigId, nullable=False),
        sa.Column("phone_id", BigId, nullable=False),
        sa.Column("entry_id", BigId, nullable=True),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("number_masked", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("decision", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("refusal_id", name="pk_refusals"),
    )
    op.create_index("ix_refusals_campaign_id_rule", "refusals", ["campaign_id", "rule"])
    op.create_index("ix_refusals_case_ref", "refusals", ["case_ref"])


def _create_wrap_ups() -> None:
    op.create_table(
        "wrap_ups",
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("agent_id", BigId, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("right_party", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("callback_at", UtcDateTime(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_wrap_ups"),
    )


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", BigId, nullable=False),
        sa.Column("lost_ms", sa.Integer(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.attempt_id"], name="fk_recordings_attempt_id_attempts"),
        sa.PrimaryKeyConstraint("recording_id", name="pk_recordings"),
    )
    op.create_index("ix_recordings_attempt_id", "recordings", ["attempt_id"])
    op.create_index("ix_recordings_started_at_recording_id", "recordings", ["started_at", "recording_id"])


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("skills", sa.String(), nullable=False),
        sa.Column("sip_user", sa.String(), nullable=True),
        sa.Column("sip_realm", sa.String(), nullable=False),
        sa.Column("sip_ha1_md5", sa.String(), nullable=False),
        sa.Column("sip_ha1_sha256", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_accounts"),
        sa.UniqueConstraint("login", name="uq_accounts_login"),
        sa.UniqueConstraint("sip_user", name="uq_accounts_sip_user"),
    )


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", BigId, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("account_id", BigId, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name="fk_tokens_account_id_accounts"),
        sa.PrimaryKeyConstraint("token_id", name="pk_tokens"),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
    )


def _create_agent_changes() -> None:
    op.create_table(
        "agent_changes",
        sa.Column("change_id", BigId, nullable=False),
        sa.Column("agent_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("old", sa.String(), nullable=False),
        sa.Column("new", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("campaign_id", BigId, nullable=True),
        sa.Column("attempt_id", BigId, nullable=True),
        sa.PrimaryKeyConstraint("change_id", name="pk_agent_changes"),
    )
    op.create_index("ix_agent_changes_agent_id_at", "agent_changes", ["agent_id", "at"])
    op.create_index("ix_agent_changes_at", "agent_changes", ["at"])


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", BigId, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_events"),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
    )
    op.create_index("ix_events_case_ref_sequence", "events", ["case_ref", "sequence"])


def _create_destinations() -> None:
    op.create_table(
        "destinations",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("held_by", sa.String(), nullable=False),
        sa.Column("held_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("destination", name="pk_destinations"),
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("sequence", BigId, nullable=False),
        sa.Column("case_ref", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("first_failed_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("destination", "sequence", name="pk_deliveries"),
    )
    op.create_index(
        "ix_deliveries_destination_state_case_ref_sequence",
        "deliveries",
        ["destination", "state", "case_ref", "sequence"],
    )
    op.create_index("ix_deliveries_destination_state_sequence", "deliveries", ["destination", "state", "sequence"])


def _create_properties() -> None:
    op.create_table(
        "properties",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_properties"),
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key_index", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key_index", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"])
