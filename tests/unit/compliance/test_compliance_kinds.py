"""Each kind of rule that neither reads clocks nor counts attempts: whom it refuses, until when, and what it says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dialer.compliance.abandonment import Basis, FalsePositives
from dialer.compliance.facts import BudgetUse, Consent, OwnNumber, ShownNumber
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import parse_pack
from dialer.model.attempt import CallPath
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.verdict_sample import Heard
from schedules.documents import DocumentError
from tests.support.rulebook import ANY_HOUR, FACTS, MONDAY_TEN, pack_text, policy, result, shanghai

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THIRD_PARTY = replace(FACTS, role=PhoneRole.THIRD_PARTY)


# What stands


@pytest.mark.parametrize("status", CaseStatus)
def test_only_open_cases_are_called(status: CaseStatus) -> None:
    said = result({"kind": "case_open"}, replace(FACTS, case_status=status))
    assert said.allowed == (status is CaseStatus.OPEN)
    assert said.retry_at is None


def test_another_case_may_stop_the_person() -> None:
    said = result({"kind": "case_open"}, replace(FACTS, person_stop=CaseStatus.BEREAVEMENT))
    assert said.finding is not None
    assert (said.finding.code, said.finding.values) == ("person_stopped", {"status": "bereavement"})
    both = replace(FACTS, case_status=CaseStatus.PAID, person_stop=CaseStatus.BEREAVEMENT)
    finding = result({"kind": "case_open"}, both).finding
    assert finding is not None
    assert finding.values == {"status": "paid"}


def test_the_do_not_call_list() -> None:
    assert result({"kind": "do_not_call"}, FACTS).allowed
    assert not result({"kind": "do_not_call"}, replace(FACTS, do_not_call=True)).allowed


@pytest.mark.parametrize(
    ("permitted", "numbers", "allowed"),
    [
        ("never", ((9, 9),), False),
        ("always", None, True),
        ("when_lost", None, False),
        ("when_lost", (), False),  # a person of whom no own number is known is not lost
        ("when_lost", ((3, 0), (0, 2)), True),
        ("when_lost", ((3, 0), (2, 1)), False),
    ],
)
def test_third_parties(permitted: str, numbers: tuple[tuple[int, int], ...] | None, allowed: bool) -> None:
    own = None if numbers is None else tuple(OwnNumber(*number) for number in numbers)
    rule = {"kind": "third_party", "permitted": permitted}
    assert result(rule, replace(THIRD_PARTY, own_numbers=own)).allowed == allowed
    assert result(rule, FACTS).allowed
    assert policy(rule).demand.own_numbers == (permitted == "when_lost")


def test_a_pack_says_when_a_person_is_lost() -> None:
    rule = {"kind": "third_party", "permitted": "when_lost", "lost_after": 5, "invalid_after": 1}
    assert not result(rule, replace(THIRD_PARTY, own_numbers=(OwnNumber(4, 0),))).allowed
    assert result(rule, replace(THIRD_PARTY, own_numbers=(OwnNumber(5, 0), OwnNumber(0, 1)))).allowed


@pytest.mark.parametrize(
    ("consents", "opens"),
    [
        ((), None),
        ((Consent("other", MONDAY_TEN - DAY),), None),
        ((Consent("night", MONDAY_TEN),), "2026-11-23 10:00"),
        ((Consent("night", MONDAY_TEN - DAY, MONDAY_TEN),), None),  # over at the instant it ends
        (
            (Consent("night", MONDAY_TEN + HOUR, MONDAY_TEN + HOUR), Consent("night", MONDAY_TEN + DAY)),
            "2026-11-24 10:00",
        ),
    ],
)
def test_a_consent_is_in_force_from_its_day_until_its_end(consents: tuple[Consent, ...], opens: str | None) -> None:
    said = result({"kind": "consent", "consent": "night"}, replace(FACTS, consents=consents))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == (None if opens is None else shanghai(opens))


def test_a_consent_lifts_a_rule_while_it_lasts() -> None:
    night = {
        "kind": "forbidden_hours",
        "zones": "both",
        "from": "22:00",
        "to": "08:00",
        "exempt_if": {"consent": "night"},
    }
    at = shanghai("2026-11-23 23:00")
    given = Consent("night", shanghai("2026-11-24 01:00"), shanghai("2026-11-24 02:00"))
    assert result(night, FACTS, at).retry_at == shanghai("2026-11-24 08:00")
    facts = replace(FACTS, consents=(given,))
    assert result(night, facts, at).retry_at == shanghai("2026-11-24 01:00")
    assert result(night, facts, shanghai("2026-11-24 01:59")).allowed
    assert result(night, facts, shanghai("2026-11-24 02:00")).retry_at == shanghai("2026-11-24 08:00")
    stop = {"kind": "do_not_call", "exempt_if": {"consent": "night"}}
    assert result(stop, replace(facts, do_not_call=True), at).retry_at == shanghai("2026-11-24 01:00")


@pytest.mark.parametrize(
    ("at", "expires_at", "retry_at"),
    [
        ("2026-11-19 09:59", None, "2026-11-19 10:00"),
        ("2026-11-19 10:00", None, None),
        ("2026-11-21 09:59", None, None),
        # Two days are 48 hours, not the day it was given and the one after it.
        ("2026-11-21 10:00", None, "never"),
        ("2026-11-21 09:59", "2026-11-20 00:00", "never"),
        ("2026-11-21 10:00", "2027-01-01 00:00", "never"),
    ],
)
def test_a_consent_lifts_a_rule_for_so_many_days(at: str, expires_at: str | None, retry_at: str | None) -> None:
    stop = {"kind": "do_not_call", "exempt_if": {"consent": "contact", "within_days": 2}}
    given = Consent("contact", shanghai("2026-11-19 10:00"), None if expires_at is None else shanghai(expires_at))
    said = result(stop, replace(FACTS, do_not_call=True, consents=(given,)), shanghai(at))
    assert said.allowed == (retry_at is None)
    assert said.retry_at == (shanghai(retry_at) if retry_at not in (None, "never") else None)


@pytest.mark.parametrize(
    ("shown", "agency", "code"),
    [
        (ShownNumber("+864001234567", ("collection",)), "", None),
        (ShownNumber("+864001234567", ("collection",), "north"), "north", None),
        (ShownNumber(), "", "caller_id_not_registered"),
        (ShownNumber("+864001234567", ("marketing",)), "", "caller_id_not_registered"),
        (ShownNumber("+864001234567", ("collection",)), "north", "caller_id_of_another"),
        (ShownNumber("+8613800001234", ("collection",)), "", "caller_id_prefix"),
    ],
)
def test_the_number_shown_is_registered(shown: ShownNumber, agency: str, code: str | None) -> None:
    rule = {"kind": "caller_id", "purpose": "collection", "prefixes": ["+86400", "+8695"]}
    said = result(rule, replace(FACTS, caller_id=shown, agency=agency))
    assert (None if said.finding is None else said.finding.code) == code
    assert said.retry_at is None


def test_the_agency_is_on_the_list() -> None:
    assert result({"kind": "agency"}, FACTS).allowed
    assert not result({"kind": "agency"}, replace(FACTS, agency="south", agency_listed=False)).allowed


# Abandonment

BUDGET: dict[str, Any] = {"kind": "abandonment", "span": {"rolling_hours": 24}, "limit": 0.03}


@pytest.mark.parametrize(
    ("use", "false_positives", "opens"),
    [
        ((0, 0, 0, None), 0.0, "2026-11-23 10:00"),
        ((100, 3, 0, "2026-11-23 09:00"), 0.0, "2026-11-23 10:00"),  # at the limit is not above it
        ((100, 4, 0, "2026-11-23 09:00"), 0.0, "2026-11-24 09:00"),
        ((1, 1, 0, "2026-11-23 09:00"), 0.0, "2026-11-24 09:00"),  # the first is not forgiven
        ((100, 3, 50, "2026-11-23 09:00"), 0.02, "2026-11-24 09:00"),
        ((100, 4, 0, "2026-11-22 09:00"), 0.0, "2026-11-23 10:00"),  # the newest has left
        ((100, 4, 0, None), 0.0, None),
        ((10, 0, 100, None), 0.1, None),
        ((11, 1, 100, "2026-11-23 09:00"), 0.1, None),  # what machines were taken for people is too much by itself
    ],
)
def test_the_abandonment_budget(
    use: tuple[int, int, int, str | None], false_positives: float, opens: str | None
) -> None:
    rule = {**BUDGET, "amd_false_positives": false_positives}
    key = policy(rule).demand.budgets[0].key
    live, abandoned, machines, last = use
    spent = BudgetUse(key, live, abandoned, machines, None if last is None else shanghai(last))
    said = result(rule, replace(FACTS, budgets=(spent,)))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == (None if opens is None else shanghai(opens))


@pytest.mark.parametrize(
    ("use", "last_machine", "opens"),
    [
        ((10, 0, 100), "2026-11-23 08:00", "2026-11-24 08:00"),  # nobody is known to have been abandoned
        ((11, 1, 100), "2026-11-23 08:00", "2026-11-24 09:00"),  # with the last machine gone, 1 of 11 is left
        ((100, 1, 100), "2026-11-23 08:00", "2026-11-24 08:00"),  # 1 of 100 is not too much
        ((11, 1, 100), "2026-11-23 09:30", "2026-11-24 09:30"),  # both must have left
        ((100, 4, 1), "2026-11-23 09:30", "2026-11-24 09:00"),  # the machines are few enough to stay
        ((10, 0, 100), "2026-11-22 08:00", "2026-11-23 10:00"),  # the newest has left
    ],
)
def test_a_budget_that_machines_spend_opens_when_they_have_left(
    use: tuple[int, int, int], last_machine: str, opens: str
) -> None:
    rule = {**BUDGET, "amd_false_positives": 0.1}
    key = policy(rule).demand.budgets[0].key
    spent = BudgetUse(key, *use, shanghai("2026-11-23 09:00") if use[1] else None, shanghai(last_machine))
    said = result(rule, replace(FACTS, budgets=(spent,)))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == shanghai(opens)


@pytest.mark.parametrize(
    ("until", "heard", "share"),
    [
        (None, None, 1.0),  # nobody listened: each machine may have been a person
        (None, Heard(), 1.0),
        (None, Heard(10, 0), 0.2775),  # Wilson's upper bound of 0 in 10
        (0.002, None, 0.002),
        (0.002, Heard(49, 0), 0.002),
        (0.002, Heard(49, 5), 0.0444),  # few, but enough to know that there are more than stated
        (0.002, Heard(50, 0), 0.0713),
        (0.002, Heard(49, 0, 1), 0.1050),  # what could not be told counts as a person, and as heard
        (0.002, Heard(1000, 1), 0.0056),
        (0.5, Heard(1000, 1), 0.0056),  # once measured, what was stated holds no more
    ],
)
def test_the_share_of_people_taken_for_machines_is_measured(
    until: float | None, heard: Heard | None, share: float
) -> None:
    stated = {} if until is None else {"amd_false_positives_until_measured": until}
    rule = {**BUDGET, "amd_false_positives": "measured", **stated}
    (demand,) = policy(rule).demand.budgets
    assert demand.heard
    use = BudgetUse(demand.key, 1000, 0, 1000, None, shanghai("2026-11-23 09:00"), heard)
    said = result(rule, replace(FACTS, budgets=(use,)))
    abandoned = share * 1000 / (1000 + share * 1000)
    assert said.allowed is (abandoned <= 0.03)
    if said.finding is not None:
        assert said.finding.code == "budget_spent_as_heard"
        assert said.finding.values["false_positives"] == pytest.approx(share, abs=5e-5)
        assert said.finding.values["listened"] == (heard.listened if heard else 0)


def test_the_campaigns_own_estimate_waits_until_enough_were_heard() -> None:
    estimate = FalsePositives(basis=Basis.ESTIMATE)
    assert [
        estimate.share(heard) for heard in (None, Heard(49, 9), Heard(50, 1), Heard(48, 2, 2), Heard(0, 0, 60))
    ] == [
        0.0,
        0.0,
        0.02,
        2 / 48,
        0.0,
    ]


def test_only_a_measured_share_has_one_until_then() -> None:
    rule = {**BUDGET, "amd_false_positives": 0.01, "amd_false_positives_until_measured": 0.02}
    with pytest.raises(DocumentError, match="only amd_false_positives: measured has a share until then"):
        policy(rule)


@pytest.mark.parametrize("counts", [(1, 2, 0), (-1, -1, 0), (1, 1, -1)])
def test_counts_that_cannot_be_heard(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Heard(*counts)


def test_a_budget_for_all_time_never_recovers() -> None:
    rule = {**BUDGET, "span": {"campaign": True}}
    key = policy(rule).demand.budgets[0].key
    said = result(rule, replace(FACTS, budgets=(BudgetUse(key, 10, 1, 0, MONDAY_TEN - DAY),)))
    assert (said.allowed, said.retry_at) == (False, None)
    finding = result(rule, FACTS).finding
    assert finding is not None
    assert finding.code == "count_missing"


# Whom a rule binds


@pytest.mark.parametrize(
    ("condition", "changes", "applies"),
    [
        ({"paths": ["predictive", "reminder"]}, {"path": CallPath.REMINDER}, True),
        ({"paths": ["predictive", "reminder"]}, {"path": CallPath.MANUAL}, False),
        ({"roles": ["third_party"]}, {}, False),
        ({"roles": ["third_party"]}, {"role": PhoneRole.THIRD_PARTY}, True),
        ({"agencies": ["north"]}, {"agency": "north"}, True),
        ({"agencies": ["north"]}, {}, False),
        ({"creditors": ["first"]}, {"creditor": "first"}, True),
        ({"creditors": ["first"]}, {"creditor": "second"}, False),
        ({"products": ["card"]}, {"product": "card"}, True),
        ({"products": ["card"]}, {"product": "loan"}, False),
        ({"products": ["card"], "agencies": ["north"]}, {"product": "card"}, False),  # all must fit
        ({"regions": ["US"]}, {}, True),  # nothing known is a doubt
        ({"regions": ["US"]}, {"regions": ("US",)}, True),
        ({"regions": ["US"]}, {"regions": ("US-MA",)}, True),
        ({"regions": ["US"]}, {"regions": ("CN",)}, False),
        ({"regions": ["US-MA"]}, {"regions": ("US", "US-MA")}, True),
        ({"regions": ["US-MA"]}, {"regions": ("US", "US-CA")}, False),
        ({"regions": ["US-MA"]}, {"regions": ("US",)}, True),  # which part of the country is a doubt
        ({"regions": ["US-MA"]}, {"regions": ("GB",)}, False),
        ({"regions": ["GB", "US-MA"]}, {"regions": ("GB",)}, True),
    ],
)
def test_whom_a_rule_binds(condition: dict[str, Any], changes: dict[str, Any], applies: bool) -> None:
    stop = {"kind": "do_not_call", "applies_if": condition}
    said = result(stop, replace(FACTS, do_not_call=True, **changes))
    assert said.allowed == (not applies)


def test_a_warning_is_recorded_and_refuses_nothing() -> None:
    warned = evaluate(policy({"kind": "do_not_call", "effect": "warn"}), replace(FACTS, do_not_call=True), MONDAY_TEN)
    assert warned.allowed
    assert not warned.evaluated[-1].allowed
    assert warned.evaluated[-1].finding is not None
    assert warned.reason == "allowed with a warning of r1"


def test_a_collector_at_hand_satisfies_a_rule_that_asks_for_one() -> None:
    rule = {"kind": "do_not_call", "effect": "dedicated_agent"}
    facts = replace(FACTS, do_not_call=True)
    alone = evaluate(policy(rule), facts, MONDAY_TEN)
    assert (alone.allowed, alone.needs_agent, alone.rule) == (False, True, "r1")
    assert evaluate(policy(rule), replace(facts, dedicated_agent=True), MONDAY_TEN).allowed
    stopped = replace(facts, case_status=CaseStatus.PAID)
    assert not evaluate(policy(rule, {"kind": "case_open"}), stopped, MONDAY_TEN).needs_agent


def test_a_pack_states_its_rules() -> None:
    note = {"kind": "one_call", "scope": "phone", "note": "why"}
    (rule,) = parse_pack(pack_text(note), "f").rules
    assert (rule.rule_id, rule.kind, rule.source, rule.note) == ("r1", "one_call", "a test", "why")
    assert result(ANY_HOUR, FACTS).allowed
