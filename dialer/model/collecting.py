"""What a campaign says of its collectors' work: who is asked what before the debt is spoken of, and in which words."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True)
class LocalText:
    """Words in Chinese and in English; where one is empty the other stands for it."""

    zh: str = ""
    en: str = ""


class IdentityResult(str, Enum):
    """What a collector found out about who is on the line; only CONFIRMED opens the case.

    THIRD_PARTY: somebody else, REFUSED: would not say who they are, UNSURE: the answers did not settle it.
    """

    CONFIRMED = "confirmed"
    THIRD_PARTY = "third_party"
    REFUSED = "refused"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """One result, as evidence: who recorded it of which call, and when. The last one of a call counts."""

    attempt_id: int
    agent_id: int
    result: IdentityResult
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityQuestion:
    """A field of the case that the person must name; the collector sees its last `show_last` characters (0: all)."""

    field_name: str
    words: LocalText
    show_last: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What the collector says. `opening` and `third_party` are for whoever answers, the others for the person alone."""

    opening: LocalText = LocalText()
    third_party: LocalText = LocalText()
    after_identity: LocalText = LocalText()
    closing: LocalText = LocalText()


@dataclass(frozen=True, slots=True)
class SkipReason:
    """A reason for which a previewed case may be skipped."""

    code: str
    label: LocalText


SKIP_REASONS = (
    SkipReason("reached_today", LocalText("今天已联系过", "was spoken to today")),
    SkipReason("better_later", LocalText("稍后更合适", "better at another time")),
    SkipReason("needs_research", LocalText("资料需先核实", "its facts must be looked into first")),
    SkipReason("not_mine", LocalText("不应由我处理", "is not mine to call")),
    SkipReason("other", LocalText("其他原因", "another reason")),
)


@dataclass(frozen=True, slots=True)
class CollectingSettings:
    """How collectors of a campaign work.

    `identity_check`: nothing of the debt is shown, and no code that needs the person may be chosen, until the collector
    has recorded that the right person is on the line. `preview_details`: a previewed case is shown whole before it is
    dialed. `debt_field` is the case field that says what is owed.
    """

    identity_check: bool = True
    identity_questions: tuple[IdentityQuestion, ...] = ()
    preview_details: bool = True
    debt_field: str = "amount"
    script: Script = Script()
    skip_reasons: tuple[SkipReason, ...] = SKIP_REASONS


@dataclass(frozen=True, slots=True)
class PromisedCallback:
    """A call that a collector promised to make; nothing of the debt is in it."""

    entry_id: int
    campaign_id: int
    phone_id: int | None
    person_name: str
    number_masked: str
    callback_at: datetime


@dataclass(frozen=True, slots=True)
class CollectorDay:
    """A collector's own calls of a day: talks with somebody, those with the right person, promises to pay."""

    calls: int = 0
    right_party: int = 0
    promises: int = 0
