"""Scorecards with their versions, evaluations with their history, and rounds of scorers who do not see each other."""

import sqlalchemy as sa
from alembic import op

from dialer.storage.tables.base import BigId, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INDEXES = {
    "scoring_round_recordings": (("recording_id",),),
    "scoring_round_members": (("account_id",),),
    "evaluations": (
        ("recording_id",),
        ("agent_id", "submitted_at"),
        ("campaign_id", "submitted_at"),
        ("scorer_id", "submitted_at"),
    ),
    "evaluation_comments": (("evaluation_id",),),
    "coaching_items": (("evaluation_id",), ("agent_id", "done_at")),
}


def upgrade() -> None:
    """Adds the tables."""
    _create_scorecards()
    _create_rounds()
    _create_evaluations()
    _create_answers()
    _create_remarks()
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    _index_states()


def _index_states() -> None:
    for name, columns, which in (
        ("uq_evaluations_counting", ("recording_id", "scorecard_id"), "counts AND state <> 'withdrawn'"),
        (
            "uq_evaluations_round",
            ("round_id", "recording_id", "scorer_id"),
            "round_id IS NOT NULL AND state <> 'withdrawn'",
        ),
        ("ix_evaluations_waiting", ("dispute_until",), "state = 'submitted'"),
        ("ix_evaluations_open", ("state",), "state IN ('disputed', 'in_review')"),
    ):
        where, unique = sa.text(which), name.startswith("uq_")
        op.create_index(name, "evaluations", list(columns), unique=unique, sqlite_where=where, postgresql_where=where)


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}_{target.split('.')[0]}")


def _create_scorecards() -> None:
    op.create_table(
        "scorecards",
        sa.Column("scorecard_id", BigId, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("name", name="uq_scorecards_name"),
        sa.PrimaryKeyConstraint("scorecard_id", name="pk_scorecards"),
    )
    op.create_table(
        "scorecard_versions",
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("scorecard_id", BigId, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("frozen_by", sa.String(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("retired_by", sa.String(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        _refers("scorecard_versions", "scorecard_id", "scorecards.scorecard_id"),
        sa.UniqueConstraint("scorecard_id", "number", name="uq_scorecard_versions_scorecard_id_number"),
        sa.PrimaryKeyConstraint("version_id", name="pk_scorecard_versions"),
    )


def _create_rounds() -> None:
    op.create_table(
        "scoring_rounds",
        sa.Column("round_id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("leader_id", BigId, nullable=True),
        sa.Column("opened_by_id", BigId, nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("revealed_by", sa.String(), nullable=False),
        sa.Column("revealed_at", UtcDateTime(), nullable=True),
        _refers("scoring_rounds", "version_id", "scorecard_versions.version_id"),
        sa.PrimaryKeyConstraint("round_id", name="pk_scoring_rounds"),
    )
    op.create_table(
        "scoring_round_recordings",
        sa.Column("round_id", BigId, nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        _refers("scoring_round_recordings", "round_id", "scoring_rounds.round_id"),
        sa.PrimaryKeyConstraint("round_id", "recording_id", name="pk_scoring_round_recordings"),
    )
    op.create_table(
        "scoring_round_members",
        sa.Column("round_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        _refers("scoring_round_members", "round_id", "scoring_rounds.round_id"),
        sa.PrimaryKeyConstraint("round_id", "account_id", name="pk_scoring_round_members"),
    )


def _create_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("evaluation_id", BigId, nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("attempt_id", BigId, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("agent_id", BigId, nullable=True),
        sa.Column("scorecard_id", BigId, nullable=False),
        sa.Column("version_id", BigId, nullable=False),
        sa.Column("round_id", BigId, nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("scorer_id", BigId, nullable=False),
        sa.Column("scorer", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("score_bp", sa.Integer(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("fatal", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("revealed_at", UtcDateTime(), nullable=True),
        sa.Column("dispute_until", UtcDateTime(), nullable=True),
        sa.Column("final_at", UtcDateTime(), nullable=True),
        sa.Column("ending", sa.String(), nullable=False),
        sa.Column("dispute_reason", sa.String(), nullable=False),
        sa.Column("dispute_questions", sa.String(), nullable=False),
        sa.Column("disputed_at", UtcDateTime(), nullable=True),
        sa.Column("review_until", UtcDateTime(), nullable=True),
        sa.Column("reviewer_id", BigId, nullable=True),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        _refers("evaluations", "recording_id", "recordings.recording_id"),
        _refers("evaluations", "round_id", "scoring_rounds.round_id"),
        _refers("evaluations", "scorecard_id", "scorecards.scorecard_id"),
        _refers("evaluations", "version_id", "scorecard_versions.version_id"),
        sa.PrimaryKeyConstraint("evaluation_id", name="pk_evaluations"),
    )


def _create_answers() -> None:
    op.create_table(
        "evaluation_answers",
        sa.Column("evaluation_id", BigId, nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("share_bp", sa.Integer(), nullable=True),
        sa.Column("fatal", sa.Boolean(), nullable=False),
        _refers("evaluation_answers", "evaluation_id", "evaluations.evaluation_id"),
        sa.PrimaryKeyConstraint("evaluation_id", "question", name="pk_evaluation_answers"),
    )
    op.create_table(
        "evaluation_changes",
        sa.Column("change_id", BigId, nullable=False),
        sa.Column("evaluation_id", BigId, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", BigId, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("score_bp", sa.Integer(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        _refers("evaluation_changes", "evaluation_id", "evaluations.evaluation_id"),
        sa.UniqueConstraint("evaluation_id", "revision", name="uq_evaluation_changes_evaluation_id_revision"),
        sa.PrimaryKeyConstraint("change_id", name="pk_evaluation_changes"),
    )


def _create_remarks() -> None:
    op.create_table(
        "evaluation_comments",
        sa.Column("comment_id", BigId, nullable=False),
        sa.Column("evaluation_id", BigId, nullable=False),
        sa.Column("author_id", BigId, nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("from_ms", sa.Integer(), nullable=True),
        sa.Column("to_ms", sa.Integer(), nullable=True),
        sa.Column("channel", sa.Integer(), nullable=True),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        _refers("evaluation_comments", "evaluation_id", "evaluations.evaluation_id"),
        sa.PrimaryKeyConstraint("comment_id", name="pk_evaluation_comments"),
    )
    op.create_table(
        "coaching_items",
        sa.Column("item_id", BigId, nullable=False),
        sa.Column("evaluation_id", BigId, nullable=False),
        sa.Column("comment_id", BigId, nullable=True),
        sa.Column("agent_id", BigId, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("done_words", sa.String(), nullable=False),
        _refers("coaching_items", "evaluation_id", "evaluations.evaluation_id"),
        sa.PrimaryKeyConstraint("item_id", name="pk_coaching_items"),
    )
