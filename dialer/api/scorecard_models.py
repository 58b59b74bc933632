"""Scorecards as callers write and read them."""

from datetime import datetime
from typing import Annotated, Self

import msgspec
from pydantic import BaseModel, Field, StringConstraints

from dialer.api.routing import Input
from dialer.model.scorecard import ScorecardInfo, ScorecardVersion, VersionState
from dialer.words.said import Said
from recording.review.scorecard import FatalEffect, QuestionKind, Scorecard
from recording.review.scorecard_checks import MAX_DAYS, MAX_QUESTIONS, MAX_WEIGHT, mistakes_of

Key = Annotated[str, StringConstraints(max_length=40)]
Text = Annotated[str, StringConstraints(max_length=2000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
ScaleEnd = Annotated[int, Field(ge=-1000, le=1000)]
Weight = Annotated[int, Field(ge=0, le=MAX_WEIGHT)]
Percent = Annotated[int, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]


class WordsIn(Input):
    """A text of the house in English, in Chinese, or in both."""

    en: Text = ""
    zh: Text = ""


class OptionIn(Input):
    """One answer of a choice; `points` are percent of the question's weight."""

    key: Key
    words: WordsIn
    points: Percent


class ConditionIn(Input):
    """The question is asked only if `question` was answered with one of `answers`."""

    question: Key
    answers: Annotated[tuple[Key, ...], Field(max_length=100)]


class QuestionIn(Input):
    """One question; `good` belongs to yes_no, `lowest` and `highest` to a scale, `options` to a choice.

    `fatal` are answers that decide the whole: its score is 0 (`zero`), or it has failed whatever its score (`failed`).
    """

    key: Key
    words: WordsIn
    kind: QuestionKind
    weight: Weight = 1
    help: WordsIn = WordsIn()
    may_not_apply: bool = False
    good: Key = "yes"
    lowest: ScaleEnd = 1
    highest: ScaleEnd = 5
    options: Annotated[tuple[OptionIn, ...], Field(max_length=50)] = ()
    fatal: Annotated[tuple[Key, ...], Field(max_length=100)] = ()
    fatal_effect: FatalEffect = FatalEffect.ZERO
    asked_if: ConditionIn | None = None


class SectionIn(Input):
    """Questions under one heading."""

    words: WordsIn
    questions: Annotated[tuple[QuestionIn, ...], Field(max_length=MAX_QUESTIONS)]


class ScorecardIn(Input):
    """A form. It may have mistakes while it is a draft: the answer names them all."""

    title: WordsIn
    sections: Annotated[tuple[SectionIn, ...], Field(max_length=50)]
    pass_mark: Percent = 80
    dispute_days: Days = 7
    review_days: Days = 7
    note: WordsIn = WordsIn()

    def value(self) -> Scorecard:
        """As it is stored."""
        return msgspec.convert(self.model_dump(mode="json"), Scorecard)


class VersionLine(BaseModel):
    """A version without its content; `number` 0: the draft."""

    version_id: int
    number: int
    state: VersionState
    revision: int
    digest: str
    changed_by: str
    changed_at: datetime
    frozen_by: str
    frozen_at: datetime | None
    retired_by: str
    retired_at: datetime | None

    @classmethod
    def of(cls, version: ScorecardVersion) -> Self:
        """As stored."""
        return cls(**{name: getattr(version, name) for name in cls.model_fields})


class VersionOut(VersionLine):
    """A version. A draft with `mistakes` cannot be frozen; what is frozen never changes and has a `digest`: SHA-256."""

    scorecard_id: int
    content: Scorecard
    mistakes: list[Said]

    @classmethod
    def of(cls, version: ScorecardVersion) -> Self:
        """As stored, with what is wrong with it."""
        plain = {name: getattr(version, name) for name in cls.model_fields if name != "mistakes"}
        return cls(mistakes=mistakes_of(version.content), **plain)


class ScorecardOut(BaseModel):
    """A scorecard and its versions, the newest first. `current_id`: the version to score by now."""

    scorecard_id: int
    name: str
    created_by: str
    created_at: datetime
    current_id: int | None
    draft_id: int | None
    versions: list[VersionLine]

    @classmethod
    def of(cls, info: ScorecardInfo) -> Self:
        """As stored."""
        return cls(
            scorecard_id=info.scorecard_id,
            name=info.name,
            created_by=info.created_by,
            created_at=info.created_at,
            current_id=None if info.current is None else info.current.version_id,
            draft_id=None if info.draft is None else info.draft.version_id,
            versions=[VersionLine.of(version) for version in info.versions],
        )


class ScorecardList(BaseModel):
    """All scorecards in the order of their names."""

    items: list[ScorecardOut]
