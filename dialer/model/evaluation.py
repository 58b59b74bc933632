"""Evaluations: who scored which recording by which form, what came of it, and who may see that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from dialer.errors import DialerError, InputError
from recording.review.evaluation_state import EvaluationState
from recording.review.scoring import Answers


class EvaluationConflictError(DialerError):
    """The evaluation is not in a state in which this can be done, or somebody changed it meanwhile."""


class AnswersError(InputError):
    """Answers that do not fit the form; `problems` are in words."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Sees(str, Enum):
    """What someone may see of evaluations. OWN_CALLS: what is revealed of the own calls. REVEALED: that of all calls,
    and the own drafts. ALL: drafts and unrevealed ones of others, too."""

    OWN_CALLS = "own_calls"
    REVEALED = "revealed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks; `account_id` 0 is nobody's own."""

    account_id: int
    sees: Sees


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something: an account, and how records name it."""

    account_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an evaluation's life: by whom, and the revision that this person saw."""

    evaluation_id: int
    revision: int
    actor: Person


@dataclass(frozen=True, slots=True)
class Dispute:
    """A collector's objection. `reviewer_id` None: nobody took it yet; `decision` is the reviewer's words."""

    reason: str
    questions: tuple[str, ...]
    at: datetime
    review_until: datetime
    reviewer_id: int | None = None
    reviewer: str = ""
    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One scorer's answers on one recording under one frozen version of a form.

    `counts`: it is the collector's own; else it is compared with others and nothing more. `score_bp` in basis points,
    None: nothing could be scored, or nothing is answered yet. Until `revealed_at` it is the scorer's alone. `ending`
    says how it became final: acknowledged, unanswered, upheld, changed, filed.
    """

    evaluation_id: int
    recording_id: str
    attempt_id: int
    campaign_id: int
    agent_id: int | None
    scorecard_id: int
    version_id: int
    round_id: int | None
    counts: bool
    scorer_id: int
    scorer: str
    state: EvaluationState
    revision: int
    answers: Answers
    summary: str
    score_bp: int | None
    passed: bool | None
    fatal: tuple[str, ...]
    created_at: datetime
    submitted_at: datetime | None
    revealed_at: datetime | None
    dispute_until: datetime | None
    final_at: datetime | None
    ending: str
    dispute: Dispute | None


@dataclass(frozen=True, slots=True)
class EvaluationFilter:
    """Which evaluations are asked for; None means any. Those submitted from `since` and before `until`."""

    recording_id: str | None = None
    agent_id: int | None = None
    scorer_id: int | None = None
    campaign_id: int | None = None
    scorecard_id: int | None = None
    state: EvaluationState | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EvaluationChange:
    """What an evaluation was after one step."""

    revision: int
    at: datetime
    actor: str
    event: str
    state: EvaluationState
    words: str
    answers: Answers
    score_bp: int | None
    passed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComment:
    """A remark. `from_ms` to `to_ms` from the start of the recording, `channel` 0 the called person, 1 the other side.

    `internal`: not for the collector.
    """

    words: str
    from_ms: int | None = None
    to_ms: int | None = None
    channel: int | None = None
    question: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(NewComment):
    """A remark on record."""

    comment_id: int
    evaluation_id: int
    author_id: int
    author: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCoaching:
    """What the collector is asked to do. `link` leads to the house's training; `comment_id` to what it is about."""

    title: str
    link: str = ""
    words: str = ""
    due_on: date | None = None
    comment_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coaching(NewCoaching):
    """The same on record; `done_at` None: not done yet."""

    item_id: int
    evaluation_id: int
    agent_id: int
    created_by: str
    created_at: datetime
    done_at: datetime | None = None
    done_words: str = ""


class RoundKind(str, Enum):
    """DOUBLE: two score the same recording blind. CALIBRATION: several do, and meet over the differences."""

    DOUBLE = "double"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCalibration:
    """A calibration to open: everybody scores every recording by one version; the leader's scoring is the reference."""

    title: str
    version_id: int
    leader_id: int
    scorer_ids: frozenset[int]
    recording_ids: frozenset[str]
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPair:
    """A recording to be scored by two people blind; `scorecard_id` None: by whichever form the first of them takes."""

    recording_id: str
    scorer_ids: frozenset[int]
    reason: str
    scorecard_id: int | None = None
    due_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringRound:
    """Scorers who score the same recordings and see nothing of each other until `revealed_at`.

    `submitted` counts evaluations by scorer: how far everybody is, and nothing of what they think.
    """

    round_id: int
    kind: RoundKind
    title: str
    version_id: int
    leader_id: int | None
    scorer_ids: tuple[int, ...]
    recording_ids: tuple[str, ...]
    opened_by_id: int
    opened_by: str
    opened_at: datetime
    revealed_by: str
    revealed_at: datetime | None
    submitted: tuple[tuple[int, int], ...]
