"""How far several scorers of the same calls agree, and from what each of them departs. Pure.

All of them answered the same frozen form. What is said, and how it is meant:

- Of each question the share of pairs of scorers who gave the same answer; "does not apply" and "was not asked" are
  answers like any other.
- Krippendorff's alpha, for each question over the calls and for the whole over calls and questions (K. Krippendorff,
  "Computing Krippendorff's Alpha-Reliability", University of Pennsylvania, 2011; A. F. Hayes and K. Krippendorff,
  "Answering the Call for a Standard Reliability Measure for Coding Data", Communication Methods and Measures 1, 2007).
  It suits few scorers, answers that are missing, and scales as well as names, where Cohen's kappa takes two scorers and
  Fleiss' takes as many answers to everything. 1 is agreement, 0 is what chance would give, below 0 is worse than that.
  It says nothing (None) where no question has two answers, or where all answers are the same: without variety there
  is nothing chance could have got wrong. One call alone says nothing of a single question.
- Of each scorer, against the leader's reference: bias is the mean of the differences of the scores (negative: severer),
  spread the standard deviation of the differences of the questions' shares, and fatal answers missed or given alone.

Shares and differences are exact fractions until they are said in basis points.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import comb, sqrt
from statistics import mean

from recording.review.scorecard import Question, QuestionKind, Scorecard
from recording.review.scoring import FULL, Answers, Score, score

NOT_ASKED = "not asked"
DOES_NOT_APPLY = "does not apply"


@dataclass(frozen=True, slots=True)
class Scoring:
    """One scorer's answers on one recording."""

    scorer_id: int
    recording_id: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class QuestionAgreement:
    """How one question was answered: `answers` counts them by value; `off_reference` are scorings unlike the leader's.

    `agreement` is None where no two scorers answered for the same recording.
    """

    key: str
    answers: Mapping[str, int]
    agreement: float | None
    alpha: float | None
    off_reference: int


@dataclass(frozen=True, slots=True)
class ScorerReport:
    """One scorer against the reference; figures in basis points, None where there is nothing to compare.

    `agreement` is the share of questions answered like the leader. Of the leader there are the scores alone.
    """

    scorer_id: int
    scores: Mapping[str, int | None]
    bias_bp: int | None
    spread_bp: int | None
    agreement: float | None
    fatal_missed: int
    fatal_alone: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The variance report. `score_spread_bp`: the largest difference between two scores of one recording."""

    questions: tuple[QuestionAgreement, ...]
    scorers: tuple[ScorerReport, ...]
    agreement: float | None
    alpha: float | None
    score_spread_bp: int | None


def compare(card: Scorecard, scorings: Iterable[Scoring], leader_id: int | None) -> Comparison:
    """The report on these scorings; without a leader, or where the leader did not score, nobody is held against one."""
    given = sorted(scorings, key=lambda one: (one.recording_id, one.scorer_id))
    table = {(one.recording_id, one.scorer_id): _Scored(score(card, one.answers)) for one in given}
    by_recording: dict[str, dict[int, _Scored]] = {}
    for (recording_id, scorer_id), scored in table.items():
        by_recording.setdefault(recording_id, {})[scorer_id] = scored
    calls = list(by_recording.values())
    pairs = [_same_pairs(_values(question.key, calls)) for question in card.questions]
    units = [unit for question in card.questions for unit in _shares(question.key, calls)]
    return Comparison(
        tuple(_question(question, calls, leader_id) for question in card.questions),
        tuple(_scorer(scorer_id, by_recording, leader_id) for scorer_id in sorted({who for _, who in table})),
        _ratio(sum(same for same, _ in pairs), sum(n for _, n in pairs)),
        _as_float(alpha(units, interval=True)),
        max((_score_spread(of) for of in calls), key=lambda spread: -1 if spread is None else spread, default=None),
    )


def alpha(units: Sequence[Sequence[Hashable | Fraction]], *, interval: bool) -> Fraction | None:
    """Krippendorff's alpha of units with the values that scorers gave them; None: there is nothing to tell it from.

    `interval`: values are numbers, and the distance of two is the square of their difference; else they are names, one
    as far from another as from any. Units with fewer than two values do not count.
    """
    paired = [tuple(unit) for unit in units if len(unit) > 1]
    total = Counter(value for unit in paired for value in unit)
    n = total.total()
    observed = sum((_disagreement(Counter(unit), interval) / (len(unit) - 1) for unit in paired), Fraction())
    expected = _disagreement(total, interval)
    return 1 - (n - 1) * observed / expected if expected else None


def _disagreement(counts: Counter[Hashable | Fraction], interval: bool) -> Fraction:
    """The distances of all ordered pairs of values."""
    return 2 * sum((counts[a] * counts[b] * _distance(a, b, interval) for a, b in combinations(counts, 2)), Fraction())


def _distance(a: object, b: object, interval: bool) -> Fraction:
    if interval and isinstance(a, Fraction) and isinstance(b, Fraction):
        return (a - b) ** 2
    return Fraction(a != b)


class _Scored:
    """A score, with its questions by key."""

    def __init__(self, whole: Score) -> None:
        self.whole = whole
        self.by_key = {question.key: question for question in whole.questions}

    def value(self, key: str) -> str:
        """The answer in words that no answer is."""
        if key not in self.by_key:
            return NOT_ASKED
        value = self.by_key[key].value
        return DOES_NOT_APPLY if value is None else value

    def share(self, key: str) -> Fraction | None:
        """None: not asked, does not apply, or a text."""
        return self.by_key[key].share if key in self.by_key else None


Call = Mapping[int, _Scored]
"""One recording's scores by scorer."""


def _question(question: Question, calls: Sequence[Call], leader_id: int | None) -> QuestionAgreement:
    values = _values(question.key, calls)
    if question.kind is QuestionKind.SCALE:
        reliability = alpha(_shares(question.key, calls), interval=True)
    else:
        reliability = alpha([tuple(of.values()) for of in values], interval=False)
    return QuestionAgreement(
        question.key,
        dict(Counter(value for of in values for value in of.values())),
        _ratio(*_same_pairs(values)),
        None if question.kind is QuestionKind.TEXT else _as_float(reliability),
        sum(value != of[leader_id] for of in values if leader_id in of for value in of.values()),
    )


def _values(key: str, calls: Sequence[Call]) -> list[dict[int | None, str]]:
    """What each scorer answered, by recording."""
    return [{scorer_id: scored.value(key) for scorer_id, scored in call.items()} for call in calls]


def _shares(key: str, calls: Sequence[Call]) -> list[tuple[Fraction, ...]]:
    """The shares that scorers gave a question, by recording."""
    found = ([scored.share(key) for scored in call.values()] for call in calls)
    return [tuple(share for share in of if share is not None) for of in found]


def _same_pairs(values: Sequence[Mapping[int | None, str]]) -> tuple[int, int]:
    """How many pairs of scorers said the same, of how many."""
    same = sum(comb(times, 2) for of in values for times in Counter(of.values()).values())
    return same, sum(comb(len(of), 2) for of in values)


def _score_spread(call: Call) -> int | None:
    totals = [scored.whole.basis_points for scored in call.values() if scored.whole.basis_points is not None]
    return max(totals) - min(totals) if len(totals) > 1 else None


def _scorer(scorer_id: int, by_recording: Mapping[str, Call], leader_id: int | None) -> ScorerReport:
    own = {recording_id: call[scorer_id] for recording_id, call in by_recording.items() if scorer_id in call}
    pairs = [
        (scored, by_recording[recording_id][leader_id])
        for recording_id, scored in own.items()
        if leader_id is not None and scorer_id != leader_id and leader_id in by_recording[recording_id]
    ]
    totals = [(one.whole.basis_points, other.whole.basis_points) for one, other in pairs]
    biases = [mine - theirs for mine, theirs in totals if mine is not None and theirs is not None]
    same = [one.value(key) == other.value(key) for one, other in pairs for key in one.by_key | other.by_key]
    return ScorerReport(
        scorer_id,
        {recording_id: scored.whole.basis_points for recording_id, scored in own.items()},
        round(mean(biases)) if biases else None,
        _spread_bp([departure for one, other in pairs for departure in _departures(one, other)]),
        _ratio(sum(same), len(same)),
        sum(len(set(other.whole.fatal) - set(one.whole.fatal)) for one, other in pairs),
        sum(len(set(one.whole.fatal) - set(other.whole.fatal)) for one, other in pairs),
    )


def _departures(one: _Scored, other: _Scored) -> list[Fraction]:
    """By how much the shares of the questions differ that both scored."""
    shares = ((one.share(key), other.share(key)) for key in one.by_key)
    return [mine - theirs for mine, theirs in shares if mine is not None and theirs is not None]


def _spread_bp(departures: Sequence[Fraction]) -> int | None:
    """The standard deviation of these differences themselves: they are all there are, not a sample."""
    if not departures:
        return None
    middle = sum(departures, Fraction()) / len(departures)
    variance = sum(((one - middle) ** 2 for one in departures), Fraction()) / len(departures)
    return round(FULL * sqrt(variance))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _as_float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
