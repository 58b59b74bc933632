"""The gate: one pure function that every attempt passes when its INVITE is about to leave."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from dialer.compliance.facts import GateFacts
from dialer.compliance.policy import Bound, Policy
from dialer.compliance.words import say
from dialer.model.decision import Decision, Effect, RuleResult
from schedules.search import first_common


def evaluate(policy: Policy, facts: GateFacts, now: datetime) -> Decision:
    """May this number be called at `now` (aware)? All rules of all packs in force are evaluated and returned.

    The first rule that refuses names the decision; `retry_at` is the earliest instant at which all would allow if the
    facts stayed as they are, None if none comes. A rule that only warns never refuses.
    """
    at = now.astimezone(UTC)
    binding = [bound for bound in policy.bounds if bound.binds(facts, at)]
    results = tuple([_result(bound, facts, at) for bound in binding])
    refused = [result for result in results if not result.allowed and result.effect is not Effect.WARN]
    if not refused:
        return Decision(True, "", _summary(results), None, policy.pack_hash, at, results)
    return Decision(
        allowed=False,
        rule=refused[0].rule,
        reason="" if refused[0].finding is None else say(refused[0].finding, "en"),
        retry_at=_retry_at(policy, facts, at, binding, results),
        pack_hash=policy.pack_hash,
        decided_at=at,
        evaluated=results,
        needs_agent=all(result.effect is Effect.DEDICATED_AGENT for result in refused),
    )


def _result(bound: Bound, facts: GateFacts, at: datetime) -> RuleResult:
    rule, count = bound.rule, bound.rule.body.count(facts, at)
    if count is None:
        opens = bound.opens_bound(facts, at)
        if opens == at:
            return bound.kept
        finding = rule.body.explain(facts, at)
        return RuleResult(rule.rule_id, False, bound.pack, rule.effect, opens, finding=finding)
    used, limit = count
    opens = at if used < limit else bound.opens_bound(facts, at)
    if opens == at:
        return RuleResult(rule.rule_id, True, bound.pack, rule.effect, None, used, limit)
    finding = rule.body.explain(facts, at)
    return RuleResult(rule.rule_id, False, bound.pack, rule.effect, opens, used, limit, finding)


def _summary(results: Sequence[RuleResult]) -> str:
    warned = [result.rule for result in results if not result.allowed]
    if warned:
        return f"allowed with a warning of {', '.join(warned)}"
    return f"all {len(results)} rules allow"


def _retry_at(
    policy: Policy, facts: GateFacts, at: datetime, binding: Sequence[Bound], results: Sequence[RuleResult]
) -> datetime | None:
    """When all rules would allow, no earlier than the last of those that refuse now: there the search begins.

    A rule that goes on allowing once it does is never asked again, one that opens at that very instant not about it.
    """
    start = at
    asked = [bound for bound in policy.bounds if bound.start > at and bound.rule.effect is not Effect.WARN]
    opening_last: list[Bound] = []
    for bound, result in zip(binding, results, strict=True):
        if bound.rule.effect is Effect.WARN:
            continue
        if result.allowed:
            if not bound.rule.stays_open(facts):
                asked.append(bound)
            continue
        if result.retry_at is None:
            return None
        if result.retry_at > start:
            start = result.retry_at
            asked += opening_last
            opening_last = []
        if not bound.rule.stays_open(facts):
            (opening_last if result.retry_at == start else asked).append(bound)
    conditions = [partial(bound.opens, facts) for bound in (*asked, *opening_last)]
    return first_common(conditions, start, holding=len(opening_last))
