"""The answer to a reservation: the gate's, and what no rule can know of a call that is in flight. Pure.

Proofs hold the program to it: what is recorded here is compared to the instant when a link is put to the gate again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dialer.compliance.facts import GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.compliance.words import Sentences, say
from dialer.model.attempt import Disposition
from dialer.model.decision import Decision

NUMBER_IN_FLIGHT = "number.in_flight"
ENTRY_NOT_LEASED = "entry.not_leased"
GUARDS: Mapping[str, Sentences] = {
    NUMBER_IN_FLIGHT: ("the number is being dialed right now", "该号码正在被呼叫"),
    ENTRY_NOT_LEASED: (
        "the entry was stopped meanwhile, or its lease ran out",
        "名单条目在此期间被停止，或其占用已过期",
    ),
}
"""Refusals of the reservation itself, after all rules allowed: what holds under every policy, and why."""

IN_FLIGHT_RETRY = timedelta(seconds=60)
"""When a number that is being dialed is asked for again: a call rings and talks about this long."""


def answer(policy: Policy, facts: GateFacts, now: datetime) -> Decision:
    """As `evaluate`; where nothing but a call in flight keeps a next time away, with the instant to ask again."""
    decision = evaluate(policy, facts, now)
    if decision.allowed or decision.retry_at is not None:
        return decision
    return replace(decision, retry_at=_after_the_call(policy, facts, now))


def guarded(allowed: Decision, rule: str) -> Decision:
    """The refusal by one of the GUARDS of a call that all rules allow."""
    at = allowed.decided_at
    retry_at = None if at is None else at + IN_FLIGHT_RETRY
    english, _ = GUARDS[rule]
    return Decision(False, rule, english, retry_at, allowed.pack_hash, at, allowed.evaluated)


def chinese_reason(refused: Decision) -> str:
    """Why, in Chinese; "" for what no rule of this version says."""
    if refused.rule in GUARDS:
        return GUARDS[refused.rule][1]
    results = (result for result in refused.evaluated if result.rule == refused.rule and not result.allowed)
    finding = next((result.finding for result in results), None)
    try:
        return "" if finding is None else say(finding, "zh")
    except KeyError:  # a code that is not known any more
        return ""


def is_dialed(facts: GateFacts) -> bool:
    """Whether a call to the number is in flight, whatever the rules say of that."""
    return any(earlier.in_flight and earlier.same_phone for earlier in facts.attempts)


def _after_the_call(policy: Policy, facts: GateFacts, now: datetime) -> datetime | None:
    """When to ask again where a call in flight is what refuses: rules cannot know when it ends, only that it will."""
    if not any(earlier.in_flight for earlier in facts.attempts):
        return None
    over = tuple(
        replace(earlier, disposition=Disposition.NO_ANSWER, ended_at=now) if earlier.in_flight else earlier
        for earlier in facts.attempts
    )
    then = evaluate(policy, replace(facts, attempts=over), now + IN_FLIGHT_RETRY)
    return now + IN_FLIGHT_RETRY if then.allowed else then.retry_at
