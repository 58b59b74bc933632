"""The gate's answer. A refusal is a value with a reason, never an exception and never a bare False."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum

FindingValue = str | int | float | bool | None


class Effect(str, Enum):
    """What a rule that is not kept brings about; DEDICATED_AGENT: only a call with a collector reserved for it."""

    BLOCK = "block"
    WARN = "warn"
    DEDICATED_AGENT = "dedicated_agent"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: a code that `dialer.compliance.words` says in Chinese and English, and the values in it."""

    code: str
    values: Mapping[str, FindingValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, evaluated: every rule is evaluated, not only the first that refuses.

    `pack` is the first 12 digits of the pack's hash. `allowed` is whether the rule is kept; of a rule that only warns
    it may be False in a call that is allowed. `used` and `limit` are those of rules that count, None of others.
    `finding` is there wherever the rule is not kept.
    """

    rule: str
    allowed: bool
    pack: str = ""
    effect: Effect = Effect.BLOCK
    retry_at: datetime | None = None
    used: int | None = None
    limit: int | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """May this number be called now?

    Of a refusal, `rule` and `reason` name the first rule that refused and `retry_at` is the earliest instant (aware,
    UTC) at which all rules would allow, None when no passing of time helps (do-not-call, a stopped case).
    `needs_agent`: a collector reserved for the call would make it allowed now. `pack_hash` is of all packs together.
    """

    allowed: bool
    rule: str
    reason: str
    retry_at: datetime | None = None
    pack_hash: str = ""
    decided_at: datetime | None = None
    evaluated: tuple[RuleResult, ...] = ()
    needs_agent: bool = False

    @property
    def refusing(self) -> tuple[RuleResult, ...]:
        """The rules that are not kept and do more than warn; none where the call is allowed, or a guard refused it."""
        return tuple(result for result in self.evaluated if not result.allowed and result.effect is not Effect.WARN)


@dataclass(frozen=True, slots=True)
class RefusedExample:
    """One entry a rule keeps back, as a supervisor may see it."""

    case_ref: str
    number_masked: str
    reason: str
    retry_at: datetime | None
    reason_zh: str = ""


@dataclass(frozen=True, slots=True)
class RefusedRule:
    """How many of the surveyed entries a rule keeps back; `alone` of them no other rule does.

    `reason` is why it keeps back the first of them; `retry_at` the earliest instant at which one that it keeps back
    may be called, None when no time helps any of them.
    """

    rule: str
    count: int
    alone: int
    reason: str
    retry_at: datetime | None
    examples: tuple[RefusedExample, ...] = ()
    reason_zh: str = ""


@dataclass(frozen=True, slots=True)
class OpeningDay:
    """Entries that become callable on a day of the house, the first of them at `first_at`, if nothing else changes."""

    day: date
    first_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class GateSurvey:
    """What the gate would say of the waiting entries at one moment; nothing was reserved or recorded.

    Of `total` waiting entries `surveyed` have been put to the gate so far: `allowed` may be called now, the others open
    on `opens`, or `never` by waiting. An entry that several rules keep back is counted under each; most frequent first.
    """

    total: int
    surveyed: int
    allowed: int
    refused: tuple[RefusedRule, ...] = ()
    opens: tuple[OpeningDay, ...] = ()
    never: int = 0
