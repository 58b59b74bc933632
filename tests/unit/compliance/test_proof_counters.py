"""Counters before and after: a call counts for whom it is of, and for nobody else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dialer.compliance.counters import counters
from dialer.compliance.facts import GateFacts, Tally
from dialer.compliance.gate import evaluate
from schedules.zones import ZoneCandidates
from tests.support.rules import cap, policy_of

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
POLICY = policy_of(cap("collector", 5), cap("agency", 5), cap("campaign", 5))
FACTS = GateFacts(
    ZoneCandidates(("Asia/Shanghai",)), 28.0, tallies=tuple(Tally(wanted.key, 0) for wanted in POLICY.demand.tallies)
)


@pytest.mark.parametrize(
    ("facts", "after"),
    [
        (FACTS, [0, 0, 1]),
        (replace(FACTS, dedicated_agent=True), [1, 0, 1]),
        (replace(FACTS, agency="north"), [0, 1, 1]),
    ],
)
def test_what_is_nobodys_counts_for_nobody(facts: GateFacts, after: list[int]) -> None:
    """Storage finds no calls of nobody's; a proof that says it counted one would be refuted by the next."""
    said = counters(POLICY, facts, evaluate(POLICY, facts, NOON))
    assert [(counter.before, counter.after) for counter in said] == [(0, n) for n in after]
