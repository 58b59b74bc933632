"""What answers to a scorecard come to. Pure and exact.

Each scored answer has a share of its question's weight, a fraction between 0 and 1: yes/no all or nothing, a scale
evenly between its ends, a choice its option's points. The score is

    sum(weight * share) / sum(weight)

over the questions that were asked and apply; those that were not asked or do not apply are in neither sum. It is given
in basis points (hundredths of a percent), rounded half up, and it is this rounded figure that is held against the pass
mark: what people see is what decides. Where no weight is left there is no score, and nobody has passed or failed.
A fatal answer wins over all of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from recording.review.scorecard import FatalEffect, Question, QuestionKind, Scorecard

FULL = 10_000
"""Basis points of a full score."""

Answers = Mapping[str, str | None]
"""By the question's key; None: it does not apply. A question without an entry is not answered yet."""


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """What one asked question came to. `share` of its weight, None: it does not apply, or its kind has none."""

    key: str
    value: str | None
    weight: int
    share: Fraction | None
    fatal: bool

    @property
    def share_bp(self) -> int | None:
        """The share in basis points, rounded half up."""
        return None if self.share is None else in_basis_points(self.share)


@dataclass(frozen=True, slots=True)
class Score:
    """What a form came to. `basis_points` and `passed` are None where nothing could be scored.

    `fatal` are the questions with a fatal answer; `sections` the scores of the sections by themselves.
    """

    basis_points: int | None
    passed: bool | None
    fatal: tuple[str, ...]
    questions: tuple[QuestionScore, ...]
    sections: tuple[int | None, ...]


def score(card: Scorecard, answers: Answers) -> Score:
    """What these answers, of which none is wrong, come to; what is not answered yet counts as not asked."""
    keys = asked(card, answers) & answers.keys()
    by_section = tuple(
        tuple(_judge(question, answers[question.key]) for question in section.questions if question.key in keys)
        for section in card.sections
    )
    judged = tuple(one for section in by_section for one in section)
    fatal = tuple(one.key for one in judged if one.fatal)
    basis_points = _total(judged)
    passed = None if basis_points is None else basis_points >= card.pass_mark * FULL // 100
    if fatal:
        passed = False
        effects = {question.fatal_effect for question in card.questions if question.key in fatal}
        basis_points = 0 if FatalEffect.ZERO in effects else basis_points
    return Score(basis_points, passed, fatal, judged, tuple(_total(section) for section in by_section))


def asked(card: Scorecard, answers: Answers) -> frozenset[str]:
    """The questions to be asked, given these answers: all but those whose condition is not met.

    A condition is met by an answer to a question that is itself asked; "does not apply" meets none.
    """
    by_key = {question.key: question for question in card.questions}
    known: dict[str, bool] = {}
    return frozenset(key for key in by_key if _is_asked(key, by_key, answers, known))


def problems_of(card: Scorecard, answers: Answers, *, whole: bool) -> list[str]:
    """What is wrong with answers, in words; `whole`: so is an asked question without an answer, unless it is a text."""
    return list(_problems(card, answers, whole=whole))


def in_basis_points(share: Fraction) -> int:
    """Rounded half up."""
    return int(share * FULL + Fraction(1, 2))


def _problems(card: Scorecard, answers: Answers, *, whole: bool) -> Iterator[str]:
    by_key = {question.key: question for question in card.questions}
    for key, value in answers.items():
        question = by_key.get(key)
        if question is None:
            yield f"{key}: is no question of this form"
        elif value is None and not question.may_not_apply:
            yield f"{key}: must apply; answer it"
        elif value is not None and question.kind is not QuestionKind.TEXT and value not in question.answers:
            yield f"{key}: is none of its answers; choose one of: {', '.join(question.answers)}"
    for key in sorted(asked(card, answers) - answers.keys()) if whole else ():
        if by_key[key].kind is not QuestionKind.TEXT:
            yield f"{key}: is not answered"


def _is_asked(key: str, by_key: Mapping[str, Question], answers: Answers, known: dict[str, bool]) -> bool:
    """Questions that wait for each other are not asked: nothing would ever begin."""
    if key in by_key and key not in known:
        known[key] = False
        condition = by_key[key].asked_if
        known[key] = condition is None or (
            answers.get(condition.question) in condition.answers
            and _is_asked(condition.question, by_key, answers, known)
        )
    return known.get(key, False)


def _judge(question: Question, value: str | None) -> QuestionScore:
    share = None if value is None else _share(question, value)
    return QuestionScore(question.key, value, question.weight, share, value is not None and value in question.fatal)


def _share(question: Question, value: str) -> Fraction | None:
    if question.kind is QuestionKind.YES_NO:
        return Fraction(value == question.good)
    if question.kind is QuestionKind.SCALE:
        return Fraction(int(value) - question.lowest, question.highest - question.lowest)
    points = {option.key: option.points for option in question.options}
    return Fraction(points[value], 100) if question.kind is QuestionKind.CHOICE else None


def _total(judged: tuple[QuestionScore, ...]) -> int | None:
    counted = [(one.weight, one.share) for one in judged if one.share is not None]
    weight = sum(weight for weight, _ in counted)
    return in_basis_points(sum((weight * share for weight, share in counted), Fraction()) / weight) if weight else None
