"""What reports of quality assurance are made of: evaluations in figures, and how much was to be listened to."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class DrawnBy(str, Enum):
    """How an evaluation came about. Only what chance drew speaks for all calls."""

    RANDOM = "random"
    RISK = "risk"
    CHOICE = "choice"
    """Somebody gave it out or took it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Calls that began from `begins` to `ends`, half open."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class FiguresFilter:
    """Which evaluations are asked for; None means any."""

    span: Span
    collector_id: int | None = None
    scorecard_id: int | None = None
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One evaluation that may be seen, by its call. `counts`: it is the collector's own, not a comparison.

    `team` is the one the collector was in when the call began. `score_bp` in basis points, None: nothing applied.
    """

    evaluation_id: int
    called_at: datetime
    collector_id: int | None
    team: str
    campaign_id: int
    scorer_id: int
    scorecard_id: int
    counts: bool
    score_bp: int | None
    passed: bool | None
    fatal: bool
    disputed: bool
    changed: bool
    drawn: DrawnBy


@dataclass(frozen=True, slots=True)
class Answered:
    """One question of an evaluation: `share_bp` of its points in basis points, None: it did not apply."""

    scored: Scored
    question: str
    share_bp: int | None
    fatal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many calls somebody had, and what became of those that were given out to be scored."""

    collector_id: int
    team: str
    campaign_id: int
    calls: int = 0
    given_out: int = 0
    done: int = 0
    skipped: int = 0
    late: int = 0
