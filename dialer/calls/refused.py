"""What becomes of a call the gate refused: when to ask again, and whether asking for others now makes sense. Pure.

A refusal keeps an entry for ever only where the person, the case or the number is the reason. What the house can mend
(a caller ID that is not registered, an agency that is not listed, a pack or a calendar that has ended) and what passes
by itself (a spent abandonment budget, a collector's or a caller ID's cap) exhausts nothing: the entry is asked about
again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.compliance.answer import IN_FLIGHT_RETRY
from dialer.compliance.counting import WideCap
from dialer.compliance.facts import Scope
from dialer.compliance.policy import Policy
from dialer.compliance.rule import Rule
from dialer.model.decision import Decision, Effect, RuleResult

SOON = timedelta(seconds=10)
"""When to ask again what another collector or another caller ID would pass."""
HOUSE_PAUSE = timedelta(minutes=10)
"""When to ask again what only the house can mend."""

_WAITS_FOR_A_CALL = frozenset({"call_in_flight", "cool_off_not_begun"})
"""What rules find that cannot know when a call in flight ends."""
_OF_THE_HOUSE = frozenset({"in_force", "caller_id", "agency"})
_BY_THE_CALENDAR = frozenset({"calling_window", "forbidden_hours"})
_FOR_EVER = frozenset({"zone_unknown", "inconvenient_number", "count_missing"})
_BY_TIME = _BY_THE_CALENDAR | {"cap", "cool_off", "convenience", "abandonment"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """When to ask again (None: never this number) and whether every call of the campaign would be refused alike now."""

    retry_at: datetime | None
    alike: bool = False


def verdict(
    decision: Decision, policy: Policy, now: datetime, *, has_collectors: bool, another_number: bool
) -> Verdict:
    """What a refusal means.

    `has_collectors`: a collector talks in such calls, so that one could be reserved. `another_number`: the campaign has
    a caller ID left that is not used up.
    """
    rules = _rules(policy)
    refused = decision.refusing
    pauses = [_pause(result, rules[result.rule, result.pack], has_collectors, another_number) for result in refused]
    if not any(pauses):
        return Verdict(decision.retry_at)
    openings = [
        result.retry_at if pause is None else now + pause for result, pause in zip(refused, pauses, strict=True)
    ]
    known = [opening for opening in openings if opening is not None]
    return Verdict(max(known) if len(known) == len(openings) else None, HOUSE_PAUSE in pauses)


def latest_alone(decision: Decision, policy: Policy) -> datetime | None:
    """When each rule that refuses now would allow by itself, where no time is known at which all rules do.

    None of all other decisions, and where one of these rules does not go by time. Another rule is in the way then;
    what that one finds tells whether the house can mend it (its calendar ends before), or else nobody can.
    """
    if decision.allowed or decision.retry_at is not None:
        return None
    rules = _rules(policy)
    refused = decision.refusing
    by_time = (result for result in refused if rules[result.rule, result.pack].kind in _BY_TIME)
    known = [result.retry_at for result in by_time if result.retry_at is not None and not _is_for_ever(result)]
    return max(known) if known and len(known) == len(refused) else None


def _rules(policy: Policy) -> Mapping[tuple[str, str], Rule]:
    """By their ids and packs: a pack that retires has the same ids."""
    return {(bound.rule.rule_id, bound.pack): bound.rule for bound in policy.bounds}


def _is_for_ever(result: RuleResult) -> bool:
    """Its time is the end of its pack, if it has any."""
    if result.finding is None:
        return False
    return result.finding.code in _FOR_EVER or result.finding.values.get("unit") in ("ever", "campaign")


def is_number_used_up(decision: Decision, policy: Policy) -> bool:
    """Whether the caller ID of the call has reached a cap."""
    caps = {
        bound.rule.rule_id
        for bound in policy.bounds
        if isinstance(bound.rule.body, WideCap) and bound.rule.body.counted.scope is Scope.CALLER_ID
    }
    return any(not result.allowed and result.rule in caps for result in decision.evaluated)


def _pause(result: RuleResult, rule: Rule, has_collectors: bool, another_number: bool) -> timedelta | None:
    """How long to wait where the rule's own answer would keep the entry too long; None: it is right as it is."""
    if result.effect is Effect.DEDICATED_AGENT and has_collectors:
        return SOON
    if rule.kind == "abandonment":  # its own answer is the latest instant: the share may recover long before
        return HOUSE_PAUSE
    if isinstance(rule.body, WideCap) and _passes_with_another(rule.body.counted.scope, another_number):
        return SOON
    if result.retry_at is not None:
        return None
    found = "" if result.finding is None else result.finding.code
    if found in _WAITS_FOR_A_CALL:
        return IN_FLIGHT_RETRY
    by_the_calendar = rule.kind in _BY_THE_CALENDAR and found != "zone_unknown"
    is_of_the_house = by_the_calendar or rule.kind in _OF_THE_HOUSE or isinstance(rule.body, WideCap)
    return HOUSE_PAUSE if is_of_the_house else None


def _passes_with_another(scope: Scope, another_number: bool) -> bool:
    return scope is Scope.COLLECTOR or (scope is Scope.CALLER_ID and another_number)
