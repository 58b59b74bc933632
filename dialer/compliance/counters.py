"""Counters before and after: what a call that leaves now does to every rule that counts. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dialer.compliance.facts import EarlierAttempt, Event, GateFacts, Scope, Tally
from dialer.compliance.policy import Policy
from dialer.model.decision import Decision


@dataclass(frozen=True, slots=True)
class Counter:
    """A rule's count before and after, and its limit; `pack` as in `RuleResult`."""

    rule: str
    pack: str
    before: int
    after: int
    limit: int


def counters(policy: Policy, facts: GateFacts, decision: Decision) -> tuple[Counter, ...]:
    """The counters of every rule that counted in the decision; a refused call changes none."""
    counted = [
        Counter(result.rule, result.pack, result.used, result.used, result.limit)
        for result in decision.evaluated
        if result.used is not None and result.limit is not None
    ]
    if not decision.allowed or not counted or decision.decided_at is None:
        return tuple(counted)
    kept = {(counter.rule, counter.pack) for counter in counted}
    after = _counts(policy, kept, with_call(policy, facts, decision.decided_at), decision.decided_at)
    return tuple(Counter(c.rule, c.pack, c.before, after[c.rule, c.pack], c.limit) for c in counted)


def given_back(taken: Sequence[Counter]) -> tuple[Counter, ...]:
    """What a call took and gives back because nothing rang: the counters the other way round.

    Other calls may have counted meanwhile: the difference is what it says, not where the counters stand now.
    """
    return tuple(replace(counter, before=counter.after, after=counter.before) for counter in taken)


def with_call(policy: Policy, facts: GateFacts, at: datetime) -> GateFacts:
    """The facts once the call has been placed and is in flight."""
    placed = {
        wanted.key
        for wanted in policy.demand.tallies
        if wanted.event is Event.PLACED and _is_somebodys(wanted.scope, facts)
    }
    tallies = tuple(
        Tally(tally.key, tally.used + 1, tally.limiting_at) if tally.key in placed else tally for tally in facts.tallies
    )
    return replace(facts, attempts=(*facts.attempts, EarlierAttempt(at, role=facts.role)), tallies=tallies)


def _is_somebodys(scope: Scope, facts: GateFacts) -> bool:
    """Calls without a collector of their own count for none, those of the house itself for no agency."""
    if scope is Scope.COLLECTOR:
        return facts.dedicated_agent
    return scope is not Scope.AGENCY or bool(facts.agency)


def _counts(
    policy: Policy, kept: Collection[tuple[str, str]], facts: GateFacts, at: datetime
) -> dict[tuple[str, str], int]:
    counts = {
        key: bound.rule.body.count(facts, at)
        for bound in policy.bounds
        if (key := (bound.rule.rule_id, bound.pack)) in kept
        and bound.start <= at < bound.end
        and bound.rule.concerns(facts)
    }
    return {key: count[0] for key, count in counts.items() if count is not None}
