"""A decision of the gate as people read it: every rule by its name and source, its counters, and why, in two languages.

Words come from the finding each rule left; the packs the decision was made by say what kind of rule it was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from dialer.compliance.answer import GUARDS
from dialer.compliance.policy import SHORT_HASH, Pack
from dialer.compliance.words import Language, say, title_of
from dialer.model.decision import Decision, Effect, Finding, RuleResult

IN_FORCE = "in_force"
LANGUAGES: tuple[Language, Language] = ("en", "zh")


class Words(BaseModel):
    """One sentence in English and in Chinese."""

    en: str
    zh: str


class LocalTime(BaseModel):
    """What the person's clock reads."""

    zone: str
    time: datetime


class RuleOut(BaseModel):
    """One rule as evaluated. `used` and `limit` are those of rules that count; `words` say why it is not kept."""

    rule: str
    kind: str
    title: Words
    source: str
    pack: str
    kept: bool
    effect: Effect
    used: int | None
    limit: int | None
    retry_at: datetime | None
    words: Words | None


class DecisionOut(BaseModel):
    """The gate's answer with all its rules. `retry_local` is `retry_at` in every zone the person may be in."""

    allowed: bool
    rule: str
    reason: Words
    decided_at: datetime | None
    retry_at: datetime | None
    retry_local: list[LocalTime]
    needs_agent: bool
    pack_hash: str
    rules: list[RuleOut]


def decision_out(decision: Decision, zones: Sequence[str], packs: Mapping[str, Pack]) -> DecisionOut:
    """`zones` are those the person may be in; `packs` those of the decision, by the hash's first digits."""
    return DecisionOut(
        allowed=decision.allowed,
        rule=decision.rule,
        reason=_reason(decision),
        decided_at=decision.decided_at,
        retry_at=decision.retry_at,
        retry_local=[] if decision.retry_at is None else local_times(decision.retry_at, zones),
        needs_agent=decision.needs_agent,
        pack_hash=decision.pack_hash,
        rules=[_rule_out(result, packs.get(result.pack)) for result in decision.evaluated],
    )


def local_times(at: datetime, zones: Sequence[str]) -> list[LocalTime]:
    """An instant in every zone."""
    return [LocalTime(zone=zone, time=at.astimezone(ZoneInfo(zone))) for zone in zones]


def by_short_hash(packs: Sequence[Pack]) -> dict[str, Pack]:
    """As rule results name their packs."""
    return {pack.sha256[:SHORT_HASH]: pack for pack in packs}


def _reason(decision: Decision) -> Words:
    if decision.rule in GUARDS:
        en, zh = GUARDS[decision.rule]
        return Words(en=en, zh=zh)
    first = next((result for result in decision.evaluated if result.rule == decision.rule and not result.allowed), None)
    if first is not None and first.finding is not None:
        return _words(first.finding)
    warned = ", ".join(result.rule for result in decision.evaluated if not result.allowed)
    zh = f"允许，但有提示：{warned}" if warned else f"全部 {len(decision.evaluated)} 条规则均符合"
    return Words(en=decision.reason, zh=zh)


def _rule_out(result: RuleResult, pack: Pack | None) -> RuleOut:
    kind, source = _kind(result.rule, pack)
    return RuleOut(
        rule=result.rule,
        kind=kind,
        title=_title(kind),
        source=source,
        pack=result.pack,
        kept=result.allowed,
        effect=result.effect,
        used=result.used,
        limit=result.limit,
        retry_at=result.retry_at,
        words=None if result.finding is None else _words(result.finding),
    )


def _kind(rule_id: str, pack: Pack | None) -> tuple[str, str]:
    """The kind and the source of a rule; that its pack is in force is a rule, too, which no pack writes down."""
    if pack is None:
        return "", ""
    rule = next((rule for rule in pack.rules if rule.rule_id == rule_id), None)
    return (IN_FORCE, "") if rule is None else (rule.kind, rule.source)


def _title(kind: str) -> Words:
    en, zh = (title_of(kind, language) if kind else "" for language in LANGUAGES)
    return Words(en=en, zh=zh)


def _words(finding: Finding) -> Words:
    """A code that this version does not know any more is shown as it is."""
    try:
        en, zh = (say(finding, language) for language in LANGUAGES)
    except KeyError:
        en = zh = finding.code
    return Words(en=en, zh=zh)
