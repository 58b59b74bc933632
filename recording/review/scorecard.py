"""A scorecard: the form by which a call is judged. Pure.

A form has sections of questions. A question has a kind (yes or no, a scale, a choice with points, free text), a weight,
may allow "does not apply", may have fatal answers, and may be asked only if another question was answered in a certain
way. What can be wrong with a form says `recording.review.scorecard_checks`, what the answers come to
`recording.review.scoring`.
"""

import hashlib
from dataclasses import dataclass
from enum import Enum

import msgspec


class QuestionKind(str, Enum):
    """What an answer looks like: `yes` or `no`, a whole number, an option's key, or any text, which is not scored."""

    YES_NO = "yes_no"
    SCALE = "scale"
    CHOICE = "choice"
    TEXT = "text"


class FatalEffect(str, Enum):
    """What a fatal answer does to the whole. ZERO: the score is 0. FAILED: the score stays, the call has failed."""

    ZERO = "zero"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Words:
    """A text of the house in English, in Chinese, or in both."""

    en: str = ""
    zh: str = ""

    def say(self, language: str) -> str:
        """In `zh` or `en`; in the other one where there is no such text."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a choice; `points` are percent of the question's weight."""

    key: str
    words: Words
    points: int


@dataclass(frozen=True, slots=True)
class Condition:
    """The question is asked only if `question` was answered with one of `answers`."""

    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `good` belongs to yes/no, `lowest` and `highest` to a scale, `options` to a choice.

    `weight` is relative to the other questions; 0: it is not scored, but may be fatal. `fatal`: answers that decide the
    whole by themselves.
    """

    key: str
    words: Words
    kind: QuestionKind
    weight: int = 1
    help: Words = Words()
    may_not_apply: bool = False
    good: str = "yes"
    lowest: int = 1
    highest: int = 5
    options: tuple[Option, ...] = ()
    fatal: tuple[str, ...] = ()
    fatal_effect: FatalEffect = FatalEffect.ZERO
    asked_if: Condition | None = None

    @property
    def answers(self) -> tuple[str, ...]:
        """All there are, the worst of a scale first; none for a text."""
        if self.kind is QuestionKind.YES_NO:
            return ("yes", "no")
        if self.kind is QuestionKind.SCALE:
            return tuple(str(number) for number in range(self.lowest, self.highest + 1))
        return tuple(option.key for option in self.options) if self.kind is QuestionKind.CHOICE else ()


@dataclass(frozen=True, slots=True)
class Section:
    """Questions under one heading."""

    words: Words
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A form. `pass_mark` is percent; the collector may dispute within `dispute_days` of hearing of the score, and a
    dispute should be decided within `review_days`."""

    title: Words
    sections: tuple[Section, ...]
    pass_mark: int = 80
    dispute_days: int = 7
    review_days: int = 7
    note: Words = Words()

    @property
    def questions(self) -> tuple[Question, ...]:
        """Of all sections, in their order."""
        return tuple(question for section in self.sections for question in section.questions)


def encode(card: Scorecard) -> bytes:
    """Canonical JSON: the same form gives the same bytes."""
    return msgspec.json.encode(card, order="deterministic")


def decode(content: bytes) -> Scorecard:
    """What `encode` wrote. msgspec.ValidationError: it is something else."""
    return msgspec.json.decode(content, type=Scorecard)


def digest(card: Scorecard) -> str:
    """SHA-256 of the canonical JSON, in hex: two versions with one digest ask and count the same."""
    return hashlib.sha256(encode(card)).hexdigest()
