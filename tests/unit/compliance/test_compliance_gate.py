"""What the gate makes of rules: all are evaluated, the strictest wins, next times are exact, words only of refusals."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dialer.compliance.facts import EarlierAttempt
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_pack, parse_pack
from dialer.compliance.policy import Policy
from dialer.model.attempt import Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.decision import Effect
from schedules.zones import ZoneCandidates
from tests.support.rulebook import ANY_HOUR, FACTS, MONDAY_TEN, earlier, pack, pack_text, policy, shanghai

OFFICE = {"kind": "calling_window", "zones": "pack", "days": "workdays", "hours": ["09:00-18:00"]}
NIGHT = {"kind": "forbidden_hours", "zones": "both", "from": "22:00", "to": "08:00"}
SIX_A_DAY = {
    "kind": "cap",
    "scope": "phone",
    "event": "placed",
    "counts_when": "unreached",
    "span": {"inclusive_days": 1},
    "zones": "both",
    "limit": 6,
}
STOPS = ({"kind": "case_open"}, {"kind": "do_not_call"}, {"kind": "third_party", "permitted": "never"})
HOUSE = policy(*STOPS, OFFICE, NIGHT, SIX_A_DAY, {"kind": "one_call", "scope": "phone"}, calendar="cn-workdays")
"""r1 case, r2 do-not-call, r3 third party, r4 window, r5 night, r6 six a day, r7 one call."""


def attempts(n: int, disposition: Disposition | None = Disposition.NO_ANSWER) -> tuple[EarlierAttempt, ...]:
    return tuple(
        earlier(MONDAY_TEN - timedelta(minutes=9 * (number + 1)), disposition) for number in reversed(range(n))
    )


def test_allows_and_says_by_which_rules() -> None:
    decision = evaluate(HOUSE, replace(FACTS, attempts=attempts(3)), MONDAY_TEN)
    assert (decision.allowed, decision.rule, decision.reason) == (True, "", "all 8 rules allow")
    assert (decision.retry_at, decision.needs_agent) == (None, False)
    assert decision.pack_hash == HOUSE.pack_hash == HOUSE.packs[0].sha256
    assert decision.decided_at == MONDAY_TEN
    assert decision.decided_at.tzinfo is UTC
    assert [result.rule for result in decision.evaluated] == ["test.in-force", *(f"r{n}" for n in range(1, 8))]
    assert all(result.allowed and result.finding is None for result in decision.evaluated)
    assert {result.pack for result in decision.evaluated} == {decision.pack_hash[:12]}
    assert [(result.used, result.limit) for result in decision.evaluated if result.limit] == [(3, 6)]


@pytest.mark.parametrize(
    ("change", "refused", "retry_at"),
    [
        ({"do_not_call": True}, "r2", None),
        ({"role": PhoneRole.THIRD_PARTY}, "r3", None),
        ({"attempts": attempts(1, None)}, "r7", None),
        ({"attempts": attempts(6)}, "r6", "2026-11-24 09:00"),
        ({"zones": ZoneCandidates()}, "r5 r6", None),
        ({"case_status": CaseStatus.PAID, "attempts": attempts(6)}, "r1 r6", None),
        ({"attempts": (*attempts(6), earlier(MONDAY_TEN, None))}, "r6 r7", None),
    ],
)
def test_every_rule_is_evaluated_and_the_first_that_refuses_is_named(
    change: dict[str, Any], refused: str, retry_at: str | None
) -> None:
    decision = evaluate(HOUSE, replace(FACTS, **change), MONDAY_TEN)
    assert [result.rule for result in decision.evaluated if not result.allowed] == refused.split()
    assert decision.rule == refused.split()[0]
    assert decision.retry_at == (None if retry_at is None else shanghai(retry_at))
    assert decision.reason
    assert all((result.finding is None) == result.allowed for result in decision.evaluated)


@pytest.mark.parametrize(
    ("at", "retry_at"),
    [
        ("2026-11-20 17:59:40", "2026-11-23 09:00"),
        ("2026-11-22 23:00", "2026-11-23 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),
        ("2026-12-31 17:59:40", None),  # the calendar ends
        ("2027-01-04 10:00", None),
    ],
)
def test_the_next_time_is_when_all_rules_allow(at: str, retry_at: str | None) -> None:
    decision = evaluate(HOUSE, FACTS, shanghai(at))
    assert (decision.allowed, decision.rule) == (False, "r4")
    assert decision.retry_at == (None if retry_at is None else shanghai(retry_at))


def test_past_its_end_the_calendar_file_is_named() -> None:
    reason = evaluate(HOUSE, FACTS, shanghai("2027-01-04 10:00")).reason
    assert reason.startswith("2027-01-04 is not in the calendar cn-workdays (schedules/data/cn-workdays.yaml")
    assert "through 2026-12-31" in reason


def test_the_strictest_of_several_packs_wins() -> None:
    cap = {**SIX_A_DAY, "id": "other.cap", "counts_when": "any", "limit": 2}
    stricter = Policy((*HOUSE.packs, pack(cap, pack="other", valid_from="2026-06-01")))
    facts = replace(FACTS, attempts=attempts(2, Disposition.CONNECTED))
    assert evaluate(HOUSE, facts, MONDAY_TEN).allowed
    decision = evaluate(stricter, facts, MONDAY_TEN)
    assert (decision.rule, decision.retry_at) == ("other.cap", shanghai("2026-11-24 09:00"))
    assert len({result.pack for result in decision.evaluated}) == 2
    assert stricter.pack_hash == Policy(stricter.packs[::-1]).pack_hash
    assert stricter.pack_hash not in (one.sha256 for one in stricter.packs)


def test_a_warning_does_not_hold_back_the_next_time() -> None:
    warning = {**NIGHT, "effect": "warn", "to": "12:00"}
    decision = evaluate(policy(OFFICE, warning, calendar="cn-workdays"), FACTS, shanghai("2026-11-22 10:00"))
    assert decision.retry_at == shanghai("2026-11-23 09:00")
    assert decision.evaluated[-1].effect is Effect.WARN


def test_no_pack_is_no_policy() -> None:
    with pytest.raises(ValueError, match="at least one pack"):
        Policy(())


def test_warns_of_drafts_calendars_and_packs_that_end() -> None:
    today = date(2026, 11, 22)
    draft = policy(OFFICE, calendar="cn-workdays", status="draft, needs counsel", valid_through="2026-12-01")
    drafted, calendar, ends = draft.warnings(today)
    assert drafted == "the policy pack test of 2026-01-01 is 'draft, needs counsel'"
    assert "ends in 39 days" in calendar
    assert ends == "the policy pack test ends on 2026-12-01; it refuses every call after that day"
    assert "has ended on 2026-12-01" in draft.warnings(date(2026, 12, 2))[-1]
    assert policy(ANY_HOUR).warnings(today) == ()
    assert policy(ANY_HOUR, valid_through="2027-12-31").warnings(today) == ()


def test_shipped_pack_is_the_default_and_states_its_source() -> None:
    (latest,) = load_pack("cn-bank-card")
    assert latest.status == "draft, needs counsel"
    assert latest.calendar is not None
    assert (latest.valid_from, latest.jurisdiction) == (date(2026, 1, 30), "CN")


def test_a_policy_lists_its_rules() -> None:
    assert [rule.kind for rule in HOUSE.rules][:2] == ["case_open", "do_not_call"]
    assert HOUSE.used_packs == HOUSE.packs


def test_what_a_policy_must_be_told() -> None:
    week = {**SIX_A_DAY, "scope": "person_debt", "span": {"inclusive_days": 7}}
    person = {**SIX_A_DAY, "scope": "person", "span": {"rolling_hours": 3}, "zones": None}
    ever = {**SIX_A_DAY, "scope": "third_party", "span": {"ever": True}, "zones": None}
    rest = {"kind": "cool_off", "scope": "phone", "after": "abandoned", "span": {"rolling_hours": 72}}
    rules = [{key: value for key, value in rule.items() if value is not None} for rule in (week, person, rest)]
    demand = policy(*rules).demand
    assert (demand.phone_s, demand.person_s, demand.case_s) == (84 * 3600, 3 * 3600, 7 * 86400 + 7200)
    assert policy({key: value for key, value in ever.items() if value}).demand.case_s == float("inf")
    assert policy({**rest, "from": "start"}).demand.phone_s == 72 * 3600
    assert HOUSE.demand.phone_s == 86400 + 7200
    assert not HOUSE.demand.own_numbers


def test_each_rule_that_counts_by_storage_has_a_key_of_its_own() -> None:
    wide = {**SIX_A_DAY, "scope": "agency", "zones": "pack"}
    budget = {"kind": "abandonment", "span": {"rolling_hours": 24}, "limit": 0.01}
    demand = policy(wide, {**wide, "limit": 7}, budget).demand
    keys = [*(asked.key for asked in demand.tallies), *(asked.key for asked in demand.budgets)]
    assert len(set(keys)) == 3
    assert [key.rpartition(":")[0] for key in keys] == ["test:r1", "test:r2", "test:r3"]
    assert keys[0].rpartition(":")[2] == policy(wide, {**wide, "limit": 7}, budget).pack_hash[:12]
    assert demand | demand == demand


def test_decides_in_utc_whatever_the_clock() -> None:
    far = datetime(2026, 11, 20, tzinfo=UTC)
    assert evaluate(HOUSE, FACTS, far) == evaluate(HOUSE, FACTS, shanghai("2026-11-20 08:00"))
    assert parse_pack(pack_text(ANY_HOUR), "f") == pack(ANY_HOUR)
