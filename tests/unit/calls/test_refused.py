"""What a refusal means for its entry: only the person, the case or the number ends it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dialer.calls.refused import (
    HOUSE_PAUSE,
    SOON,
    Verdict,
    is_number_used_up,
    latest_alone,
    verdict,
)
from dialer.compliance.answer import IN_FLIGHT_RETRY
from dialer.compliance.facts import BudgetUse, EarlierAttempt, GateFacts, ShownNumber, Tally
from dialer.compliance.gate import evaluate
from dialer.compliance.policy import Policy
from dialer.model.contact import CaseStatus
from schedules.zones import ZoneCandidates
from tests.support.rulebook import pack
from tests.support.rulebook import policy as policy_of

NOW = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
EVENING = NOW.replace(hour=20)
TOMORROW = datetime.fromisoformat("2026-11-24T09:00:00+08:00")
FIVE_A_DAY: dict[str, Any] = {"kind": "cap", "event": "placed", "span": {"inclusive_days": 1}, "limit": 5}
RULES: tuple[dict[str, Any], ...] = (
    {"kind": "calling_window", "zones": "both", "days": "every_day", "hours": ["09:00-18:00"]},
    {"id": "case", "kind": "case_open"},
    {"kind": "do_not_call", "effect": "warn"},
    {"kind": "one_call", "scope": "phone"},
    {"kind": "caller_id", "purpose": "collection"},
    {"kind": "agency"},
    {**FIVE_A_DAY, "scope": "caller_id"},
    {**FIVE_A_DAY, "scope": "collector"},
    {"kind": "abandonment", "span": {"campaign": True}, "limit": 0.03, "effect": "dedicated_agent"},
)
POLICY = policy_of(*RULES)
ENDED = policy_of(*RULES, valid_through="2026-11-22")
KEYS = {demand.scope.value: demand.key for demand in POLICY.demand.tallies}
(BUDGET,) = POLICY.demand.budgets
FULL = NOW - timedelta(minutes=5)


def tallies(**full: bool) -> tuple[Tally, ...]:
    return tuple(
        Tally(key, 5 if full.get(scope) else 0, FULL if full.get(scope) else None) for scope, key in KEYS.items()
    )


CLEAN = GateFacts(
    ZoneCandidates(("Asia/Shanghai",)),
    28.0,
    caller_id=ShownNumber("+8640012345678", ("collection",)),
    tallies=tallies(),
    budgets=(BudgetUse(BUDGET.key, 100, 0, 0),),
)
SPENT = (BudgetUse(BUDGET.key, 10, 5, 0, NOW),)


def meaning(policy: Policy, changes: Mapping[str, Any], now: datetime, **more: bool) -> Verdict:
    decision = evaluate(policy, replace(CLEAN, **changes), now)
    assert not decision.allowed
    asked = {"has_collectors": True, "another_number": False} | more
    return verdict(decision, policy, now, **asked)


@pytest.mark.parametrize(
    ("changes", "pause", "alike"),
    [
        ({"case_status": CaseStatus.PAID}, None, False),
        ({"zones": ZoneCandidates()}, None, False),
        ({"attempts": (EarlierAttempt(NOW - timedelta(minutes=1)),)}, IN_FLIGHT_RETRY, False),
        ({"caller_id": ShownNumber("+8610")}, HOUSE_PAUSE, True),
        ({"agency": "north", "agency_listed": False}, HOUSE_PAUSE, True),
        ({"budgets": SPENT}, SOON, False),
        ({"tallies": tallies(collector=True)}, SOON, False),
        # The person's reason outlasts the house's.
        ({"case_status": CaseStatus.PAID, "agency_listed": False}, None, True),
        ({"case_status": CaseStatus.PAID, "budgets": SPENT}, None, False),
    ],
)
def test_at_ten(changes: Mapping[str, Any], pause: timedelta | None, alike: bool) -> None:
    assert meaning(POLICY, changes, NOW) == Verdict(None if pause is None else NOW + pause, alike)


@pytest.mark.parametrize("changes", [{}, {"budgets": SPENT}, {"caller_id": ShownNumber("+8610")}])
def test_in_the_evening_the_window_says_when(changes: Mapping[str, Any]) -> None:
    assert meaning(POLICY, changes, EVENING).retry_at == TOMORROW


def test_a_pack_that_has_ended_exhausts_nothing() -> None:
    assert meaning(ENDED, {}, NOW) == Verdict(NOW + HOUSE_PAUSE, True)


def test_a_reminder_waits_for_the_budget() -> None:
    assert meaning(POLICY, {"budgets": SPENT}, NOW, has_collectors=False) == Verdict(NOW + HOUSE_PAUSE, True)


@pytest.mark.parametrize(
    ("another", "retry_at"), [(True, NOW + SOON), (False, datetime.fromisoformat("2026-11-24T00:00:00+08:00"))]
)
def test_a_line_at_its_cap(another: bool, retry_at: datetime) -> None:
    changes: Mapping[str, Any] = {"tallies": tallies(caller_id=True)}
    found = meaning(POLICY, changes, NOW, another_number=another)
    assert found.retry_at is not None
    assert found.retry_at >= retry_at
    assert found.retry_at <= max(retry_at, TOMORROW)
    assert is_number_used_up(evaluate(POLICY, replace(CLEAN, **changes), NOW), POLICY)


def test_a_number_that_is_not_used_up() -> None:
    assert not is_number_used_up(evaluate(POLICY, replace(CLEAN, budgets=SPENT), NOW), POLICY)


def test_an_allowed_call_with_a_warning_needs_no_verdict() -> None:
    """What only warns keeps nothing back, here beside a window that is closed."""
    assert meaning(POLICY, {"do_not_call": True}, EVENING) == Verdict(TOMORROW)


def test_when_each_rule_alone_would_allow() -> None:
    """On the pack's last day a number's cap opens at midnight, and then the pack refuses: no time is known for both."""
    last_day = policy_of(*RULES, valid_through="2026-11-23")
    keys = {demand.scope.value: demand.key for demand in last_day.demand.tallies}
    facts = replace(CLEAN, tallies=(), budgets=(BudgetUse(last_day.demand.budgets[0].key, 100, 0, 0),))
    free = replace(facts, tallies=tuple(Tally(key, 0) for key in keys.values()))
    capped = replace(facts, tallies=(Tally(keys["caller_id"], 5, FULL), Tally(keys["collector"], 0)))
    midnight = datetime.fromisoformat("2026-11-24T00:00:00+08:00")
    assert evaluate(last_day, capped, NOW).retry_at is None
    assert latest_alone(evaluate(last_day, capped, NOW), last_day) == midnight
    assert latest_alone(evaluate(POLICY, replace(CLEAN, tallies=tallies(caller_id=True)), NOW), POLICY) is None
    for changes in ({"case_status": CaseStatus.PAID}, {"zones": ZoneCandidates()}):
        refused = evaluate(last_day, replace(capped, **changes), NOW)
        assert refused.retry_at is None
        assert latest_alone(refused, last_day) is None
    assert latest_alone(evaluate(last_day, free, NOW), last_day) is None, "nothing refuses"


def test_a_retiring_rule_of_the_same_name_is_not_taken_for_the_one_in_force() -> None:
    """The old pack counted conversations where the new one counts what was abandoned."""
    before = pack({**FIVE_A_DAY, "id": "case", "scope": "caller_id"})
    policy = POLICY.with_retiring([(before, NOW + timedelta(hours=1))])
    (wanted,) = (demand for demand in policy.demand.tallies if demand.key.startswith("test:case"))
    paid = replace(CLEAN, case_status=CaseStatus.PAID, tallies=(*CLEAN.tallies, Tally(wanted.key, 0)))
    decision = evaluate(policy, paid, NOW)
    assert verdict(decision, policy, NOW, has_collectors=True, another_number=True) == Verdict(None)
