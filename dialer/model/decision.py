"""The gate's answer. A refusal is a value with a reason, never an exception and never a bare False."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, evaluated: every rule is evaluated, not only the first that refuses."""

    rule: str
    allowed: bool
    reason: str
    retry_at: datetime | None = None
    inputs: Mapping[str, str | int | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """May this number be called now?

    Of a refusal, `rule` and `reason` name the first rule that refused and `retry_at` is the earliest instant (aware,
    UTC) at which all rules would allow, None when no passing of time helps (do-not-call, a stopped case).
    """

    allowed: bool
    rule: str
    reason: str
    retry_at: datetime | None = None
    pack_hash: str = ""
    decided_at: datetime | None = None
    evaluated: tuple[RuleResult, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedExample:
    """One entry a rule keeps back, as a supervisor may see it."""

    case_ref: str
    number_masked: str
    reason: str
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedRule:
    """How many of the surveyed entries a rule keeps back; `retry_at` is the earliest instant any of them opens."""

    rule: str
    count: int
    reason: str
    retry_at: datetime | None
    examples: tuple[RefusedExample, ...] = ()


@dataclass(frozen=True, slots=True)
class GateSurvey:
    """What the gate would say of waiting entries at one moment.

    Nothing was reserved or recorded. Most frequent first.
    """

    surveyed: int
    allowed: int
    refused: tuple[RefusedRule, ...] = ()
