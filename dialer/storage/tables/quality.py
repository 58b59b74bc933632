"""Scorecards, evaluations with their history, comments and coaching, and rounds of scorers who are blind."""

from datetime import date, datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from dialer.storage.tables.base import Base, BigId, UtcDateTime, table_of

COUNTS = "counts AND state <> 'withdrawn'"
"""A recording has one evaluation that is the collector's own, for each scorecard."""
IN_ROUND = "round_id IS NOT NULL AND state <> 'withdrawn'"
WAITS = "state = 'submitted'"
OPEN = "state IN ('disputed', 'in_review')"


class ScorecardRow(Base, table=True):
    """A scorecard: what its versions have in common."""

    __tablename__ = "scorecards"
    scorecard_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    name: str = Field(unique=True)
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)


class ScorecardVersionRow(Base, table=True):
    """One version. `number` 0: the draft, of which there is one at most; from its freezing on nothing of it changes."""

    __tablename__ = "scorecard_versions"
    __table_args__ = (UniqueConstraint("scorecard_id", "number"),)
    version_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    scorecard_id: int = Field(sa_type=BigId, foreign_key="scorecards.scorecard_id")
    number: int
    revision: int
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    digest: str = ""
    changed_by: str
    changed_at: datetime = Field(sa_type=UtcDateTime)
    frozen_by: str = ""
    frozen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_by: str = ""
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ScoringRoundRow(Base, table=True):
    """Scorers who score the same recordings and see nothing of each other until it is revealed."""

    __tablename__ = "scoring_rounds"
    round_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    kind: str
    title: str
    version_id: int = Field(sa_type=BigId, foreign_key="scorecard_versions.version_id")
    leader_id: int | None = Field(default=None, sa_type=BigId)
    opened_by_id: int = Field(sa_type=BigId)
    opened_by: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    revealed_by: str = ""
    revealed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RoundRecordingRow(Base, table=True):
    """A recording that is scored in a round."""

    __tablename__ = "scoring_round_recordings"
    __table_args__ = (Index(None, "recording_id"),)
    round_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="scoring_rounds.round_id")
    recording_id: str = Field(primary_key=True)


class RoundMemberRow(Base, table=True):
    """A scorer of a round."""

    __tablename__ = "scoring_round_members"
    __table_args__ = (Index(None, "account_id"),)
    round_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="scoring_rounds.round_id")
    account_id: int = Field(sa_type=BigId, primary_key=True)


class EvaluationRow(Base, table=True):
    """One scorer's answers on one recording. Until `revealed_at` it is the scorer's alone.

    `answers` is JSON of what was answered, asked or not; `counts`: it is the collector's own, not a comparison.
    """

    __tablename__ = "evaluations"
    __table_args__ = (
        Index(
            "uq_evaluations_counting",
            "recording_id",
            "scorecard_id",
            unique=True,
            sqlite_where=text(COUNTS),
            postgresql_where=text(COUNTS),
        ),
        Index(
            "uq_evaluations_round",
            "round_id",
            "recording_id",
            "scorer_id",
            unique=True,
            sqlite_where=text(IN_ROUND),
            postgresql_where=text(IN_ROUND),
        ),
        Index("ix_evaluations_waiting", "dispute_until", sqlite_where=text(WAITS), postgresql_where=text(WAITS)),
        Index("ix_evaluations_open", "state", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        Index(None, "recording_id"),
        Index(None, "agent_id", "submitted_at"),
        Index(None, "campaign_id", "submitted_at"),
        Index(None, "scorer_id", "submitted_at"),
    )
    evaluation_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    recording_id: str = Field(foreign_key="recordings.recording_id")
    attempt_id: int = Field(sa_type=BigId)
    campaign_id: int = Field(sa_type=BigId)
    agent_id: int | None = Field(default=None, sa_type=BigId)
    scorecard_id: int = Field(sa_type=BigId, foreign_key="scorecards.scorecard_id")
    version_id: int = Field(sa_type=BigId, foreign_key="scorecard_versions.version_id")
    round_id: int | None = Field(default=None, sa_type=BigId, foreign_key="scoring_rounds.round_id")
    counts: bool
    scorer_id: int = Field(sa_type=BigId)
    scorer: str
    state: str
    revision: int
    answers: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    summary: str = ""
    score_bp: int | None = None
    passed: bool | None = None
    fatal: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)
    submitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revealed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    dispute_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    final_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ending: str = ""
    dispute_reason: str = ""
    dispute_questions: str = ""
    disputed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    review_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reviewer_id: int | None = Field(default=None, sa_type=BigId)
    reviewer: str = ""
    decision: str = ""


class EvaluationAnswerRow(Base, table=True):
    """What one asked question came to, as it was submitted or changed on review: for reports."""

    __tablename__ = "evaluation_answers"
    evaluation_id: int = Field(sa_type=BigId, primary_key=True, foreign_key="evaluations.evaluation_id")
    question: str = Field(primary_key=True)
    value: str | None = None
    weight: int
    share_bp: int | None = None
    fatal: bool


class EvaluationChangeRow(Base, table=True):
    """One step of an evaluation's life, with the answers and the score as they were after it. Rows are only added."""

    __tablename__ = "evaluation_changes"
    __table_args__ = (UniqueConstraint("evaluation_id", "revision"),)
    change_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    evaluation_id: int = Field(sa_type=BigId, foreign_key="evaluations.evaluation_id")
    revision: int
    at: datetime = Field(sa_type=UtcDateTime)
    actor_id: int = Field(sa_type=BigId)
    actor: str
    event: str
    state: str
    words: str = ""
    answers: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    score_bp: int | None = None
    passed: bool | None = None


class EvaluationCommentRow(Base, table=True):
    """A remark, pinned to a span of the recording, a channel and a question where it has one."""

    __tablename__ = "evaluation_comments"
    __table_args__ = (Index(None, "evaluation_id"),)
    comment_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    evaluation_id: int = Field(sa_type=BigId, foreign_key="evaluations.evaluation_id")
    author_id: int = Field(sa_type=BigId)
    author: str
    at: datetime = Field(sa_type=UtcDateTime)
    words: str
    from_ms: int | None = None
    to_ms: int | None = None
    channel: int | None = None
    question: str = ""
    internal: bool
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CoachingRow(Base, table=True):
    """What a collector is asked to do after an evaluation."""

    __tablename__ = "coaching_items"
    __table_args__ = (Index(None, "evaluation_id"), Index(None, "agent_id", "done_at"))
    item_id: int | None = Field(default=None, sa_type=BigId, primary_key=True)
    evaluation_id: int = Field(sa_type=BigId, foreign_key="evaluations.evaluation_id")
    comment_id: int | None = Field(default=None, sa_type=BigId)
    agent_id: int = Field(sa_type=BigId)
    title: str
    link: str = ""
    words: str = ""
    due_on: date | None = None
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_words: str = ""


scorecards = table_of(ScorecardRow)
scorecard_versions = table_of(ScorecardVersionRow)
scoring_rounds = table_of(ScoringRoundRow)
scoring_round_recordings = table_of(RoundRecordingRow)
scoring_round_members = table_of(RoundMemberRow)
evaluations = table_of(EvaluationRow)
evaluation_answers = table_of(EvaluationAnswerRow)
evaluation_changes = table_of(EvaluationChangeRow)
evaluation_comments = table_of(EvaluationCommentRow)
coaching_items = table_of(CoachingRow)
