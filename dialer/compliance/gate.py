"""The gate: one pure function that every attempt passes when its INVITE is about to leave."""

from collections.abc import Sequence
from datetime import UTC, datetime

from dialer.compliance.facts import GateFacts
from dialer.compliance.policy import Policy, Rule
from dialer.model.decision import Decision, Finding, RuleResult
from schedules.search import Opening, first_common


def evaluate(policy: Policy, facts: GateFacts, now: datetime) -> Decision:
    """May this number be called at `now` (aware)? All rules of all packs are evaluated and returned.

    The first rule that refuses names the decision; `retry_at` is the earliest instant at which all would allow if the
    facts stayed as they are, None if none comes.
    """
    at = now.astimezone(UTC)
    rules = [rule for pack in policy.packs for rule in pack.rules]
    results = tuple(_result(rule, facts, at) for rule in rules)
    refused = next((result for result in results if not result.allowed), None)
    if refused is None:
        reason = f"all {len(results)} rules allow"
        return Decision(True, "", reason, None, policy.pack_hash, at, results)
    retry_at = _retry_at(rules, facts, results)
    reason = str(refused.finding.values["reason"]) if refused.finding else ""
    return Decision(False, refused.rule, reason, retry_at, policy.pack_hash, at, results)


def _result(rule: Rule, facts: GateFacts, at: datetime) -> RuleResult:
    opens, finding = rule.opens(facts, at), rule.explain(facts, at)
    allowed = opens == at
    used, limit = finding.inputs.get("used"), finding.inputs.get("limit")
    return RuleResult(
        rule.rule_id,
        allowed,
        retry_at=None if allowed else opens,
        used=used if isinstance(used, int) else None,
        limit=limit if isinstance(limit, int) else None,
        finding=Finding("text", {"reason": finding.reason, **finding.inputs}),
    )


def _retry_at(rules: Sequence[Rule], facts: GateFacts, results: Sequence[RuleResult]) -> datetime | None:
    """When all rules would allow. No earlier than the last of those that refuse now, so the search begins there."""
    openings = [result.retry_at for result in results if not result.allowed]
    known = [opening for opening in openings if opening is not None]
    if len(known) < len(openings):
        return None
    return first_common([_opening(rule, facts) for rule in rules], max(known))


def _opening(rule: Rule, facts: GateFacts) -> Opening:
    return lambda instant: rule.opens(facts, instant)
