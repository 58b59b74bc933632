"""A campaign's settings for its collectors' work, as callers write them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from dialer.api.routing import Input
from dialer.calls.script import problems_of
from dialer.model.collecting import (
    SKIP_REASONS,
    CollectingSettings,
    IdentityQuestion,
    LocalText,
    Script,
    SkipReason,
)

MAX_SCRIPT = 4000
"""Characters of one section in one language."""

FieldName = Annotated[str, Field(min_length=1, max_length=100)]
Code = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_.-]+$")]


class LocalTextIn(Input):
    """Words in Chinese and in English; one may be left out, then the other stands for it."""

    zh: Annotated[str, Field(max_length=MAX_SCRIPT)] = ""
    en: Annotated[str, Field(max_length=MAX_SCRIPT)] = ""

    def value(self) -> LocalText:
        """As stored."""
        return LocalText(self.zh, self.en)


class LabelIn(LocalTextIn):
    """A short name in Chinese, in English, or in both."""

    zh: Annotated[str, Field(max_length=200)] = ""
    en: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _said(self) -> Self:
        if not (self.zh or self.en):
            raise ValueError("say it in Chinese or in English")
        return self


class IdentityQuestionIn(Input):
    """A field of the case that the person must name before the debt is spoken of."""

    field_name: Annotated[FieldName, Field(description="A column of the list, like id_number or birth_date.")]
    words: LabelIn
    show_last: Annotated[
        int, Field(ge=0, le=20, description="The collector sees only so many last characters of it; 0: all.")
    ] = 0


class ScriptIn(Input):
    """What the collector says, with variables like {person_name}.

    `opening` and `third_party` are spoken to whoever answers, and may name nothing of the debt; `after_identity` and
    `closing` are shown once the right person is on record as being on the line.
    """

    opening: LocalTextIn = LocalTextIn()
    third_party: LocalTextIn = LocalTextIn()
    after_identity: LocalTextIn = LocalTextIn()
    closing: LocalTextIn = LocalTextIn()

    @model_validator(mode="after")
    def _fillable(self) -> Self:
        problems = problems_of(self.value())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def value(self) -> Script:
        """As stored."""
        return Script(self.opening.value(), self.third_party.value(), self.after_identity.value(), self.closing.value())


class SkipReasonIn(Input):
    """A reason for which a previewed case may be skipped."""

    code: Code
    label: LabelIn


_SKIP_REASONS = tuple(
    SkipReasonIn(code=reason.code, label=LabelIn(zh=reason.label.zh, en=reason.label.en)) for reason in SKIP_REASONS
)


class CollectingIn(Input):
    """How collectors of the campaign work."""

    identity_check: Annotated[
        bool,
        Field(
            description="Nothing of the debt is shown, and no code that needs the right person can be chosen, until "
            "the collector has recorded that this person is on the line."
        ),
    ] = True
    identity_questions: Annotated[tuple[IdentityQuestionIn, ...], Field(max_length=10)] = ()
    preview_details: Annotated[
        bool,
        Field(
            description="Mode preview: the case is shown whole before it is dialed. Once it is dialed the identity "
            "comes first, as in every other mode."
        ),
    ] = True
    debt_field: Annotated[
        FieldName, Field(description="The column that says what is owed: what a promise is held against.")
    ] = "amount"
    script: ScriptIn = ScriptIn()
    skip_reasons: Annotated[tuple[SkipReasonIn, ...], Field(max_length=30)] = _SKIP_REASONS

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        asked = [question.field_name for question in self.identity_questions]
        codes = [reason.code for reason in self.skip_reasons]
        if len(set(asked)) < len(asked) or len(set(codes)) < len(codes):
            raise ValueError("identity questions and skip reasons must each be different")
        if self.debt_field in asked:
            raise ValueError(f"{self.debt_field!r} is what is owed: asking for it would tell it")
        return self

    def value(self) -> CollectingSettings:
        """As stored."""
        return CollectingSettings(
            identity_check=self.identity_check,
            identity_questions=tuple(
                IdentityQuestion(asked.field_name, asked.words.value(), asked.show_last)
                for asked in self.identity_questions
            ),
            preview_details=self.preview_details,
            debt_field=self.debt_field,
            script=self.script.value(),
            skip_reasons=tuple(SkipReason(reason.code, reason.label.value()) for reason in self.skip_reasons),
        )
