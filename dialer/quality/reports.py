"""Reports: what evaluations come to per collector, team, campaign, question and scorer, in all and week by week. Pure.

A line never says more than its numbers do: n stands beside every mean and share, with the interval in which it lies
with 95 % confidence. Scores are in percent. A recording counts once, by the evaluation that counts for its collector;
only a report on scorers counts all of theirs. A call belongs to the week and the team of the time it was made.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import Enum
from statistics import fmean
from typing import TypeVar

from dialer.model.means import mean_interval
from dialer.model.proportion import wilson
from dialer.model.quality_figures import Answered, Coverage, Scored
from recording.review.periods import week_label

BP = 100
"""Basis points of a percent."""
WHOLE = ""
"""The week of a line that is about the whole span."""


class By(str, Enum):
    """What a report has a line for."""

    COLLECTOR = "collector"
    TEAM = "team"
    CAMPAIGN = "campaign"
    SCORER = "scorer"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of `n` scores in percent; None of none."""

    n: int
    mean: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, 0 to 1; None of none."""

    n: int
    hits: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """How many calls there were, how many of them were given out to be scored, and what became of these."""

    calls: int = 0
    given_out: int = 0
    done: int = 0
    skipped: int = 0
    late: int = 0

    def __add__(self, other: "Drawn") -> "Drawn":
        names = self.__slots__
        return Drawn(*(getattr(self, name) + getattr(other, name) for name in names))


@dataclass(frozen=True, slots=True)
class Line:
    """What a report says of one collector, team, campaign or scorer; `key` is its id, a team's its name.

    `drawn` is of the whole span and, where the calls are not the key's own, empty.
    """

    key: str
    week: str
    evaluations: int
    score: Mean
    passed: Share
    fatal: int
    disputed: int
    changed: int
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """What one question of a scorecard came to: how often it applied, its share of points, how often it was fatal."""

    scorecard_id: int
    question: str
    week: str
    asked: int
    points: Mean
    fatal: int


Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def report(
    by: By, scored: Iterable[Scored], coverage: Iterable[Coverage], zone: tzinfo, *, weekly: bool = False
) -> tuple[Line, ...]:
    """A line for each key, in the order of the keys; with `weekly` its weeks come after it."""
    of_key = _grouped((one for one in scored if one.counts or by is By.SCORER), lambda one: _key(by, one))
    drawn = _drawn(by, coverage)
    lines: list[Line] = []
    for key in sorted(of_key.keys() | drawn.keys(), key=_in_order):
        mine = of_key.get(key, [])
        lines.append(_line(key, WHOLE, mine, drawn.get(key, Drawn())))
        weeks = _grouped(mine, lambda one: _week(one, zone)) if weekly else {}
        lines += [_line(key, week, weeks[week], Drawn()) for week in sorted(weeks)]
    return tuple(lines)


def question_report(answered: Iterable[Answered], zone: tzinfo, *, weekly: bool = False) -> tuple[QuestionLine, ...]:
    """A line for each question of each scorecard; with `weekly` its weeks come after it."""
    of_question = _grouped(answered, lambda one: (one.scored.scorecard_id, one.question))
    lines: list[QuestionLine] = []
    for key in sorted(of_question):
        lines.append(_question_line(key, WHOLE, of_question[key]))
        weeks = _grouped(of_question[key], lambda one: _week(one.scored, zone)) if weekly else {}
        lines += [_question_line(key, week, weeks[week]) for week in sorted(weeks)]
    return tuple(lines)


def _key(by: By, one: Scored) -> str:
    match by:
        case By.COLLECTOR:
            return "" if one.collector_id is None else str(one.collector_id)
        case By.TEAM:
            return one.team
        case By.CAMPAIGN:
            return str(one.campaign_id)
        case By.SCORER:
            return str(one.scorer_id)


def _drawn(by: By, coverage: Iterable[Coverage]) -> Mapping[str, Drawn]:
    """Whose calls were given out; a scorer has none."""
    sums: defaultdict[str, Drawn] = defaultdict(Drawn)
    for one in coverage if by is not By.SCORER else ():
        keys = {By.COLLECTOR: str(one.collector_id), By.TEAM: one.team, By.CAMPAIGN: str(one.campaign_id)}
        sums[keys[by]] += Drawn(one.calls, one.given_out, one.done, one.skipped, one.late)
    return sums


def _line(key: str, week: str, scored: Sequence[Scored], drawn: Drawn) -> Line:
    scores = [one.score_bp / BP for one in scored if one.score_bp is not None]
    verdicts = [one.passed for one in scored if one.passed is not None]
    return Line(
        key=key,
        week=week,
        evaluations=len(scored),
        score=_mean(scores),
        passed=_share(sum(verdicts), len(verdicts)),
        fatal=sum(one.fatal for one in scored),
        disputed=sum(one.disputed for one in scored),
        changed=sum(one.changed for one in scored),
        drawn=drawn,
    )


def _question_line(key: tuple[int, str], week: str, answered: Sequence[Answered]) -> QuestionLine:
    points = [one.share_bp / BP for one in answered if one.share_bp is not None]
    return QuestionLine(*key, week, len(answered), _mean(points), sum(one.fatal for one in answered))


def _mean(values: Sequence[float]) -> Mean:
    interval = mean_interval(values, 0.0, 100.0)
    return Mean(len(values), fmean(values) if values else None, interval.low, interval.high)


def _share(hits: int, n: int) -> Share:
    interval = wilson(hits, n)
    return Share(n, hits, hits / n if n else None, interval.low, interval.high)


def _grouped(items: Iterable[Item], key_of: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    groups: defaultdict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key_of(item)].append(item)
    return dict(groups)


def _week(one: Scored, zone: tzinfo) -> str:
    return week_label(one.called_at.astimezone(zone).date())


def _in_order(key: str) -> tuple[int, str]:
    """Numbers by their size."""
    return len(key) if key.isdecimal() else 0, key
