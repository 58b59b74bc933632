"""The shipped pack at the gate: each rule's edges, all rules evaluated, the strictest pack wins."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.compliance.facts import EarlierAttempt, GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_pack, load_policy, parse_pack
from dialer.compliance.policy import Policy
from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from schedules.zones import ZoneCandidates, candidates

SHANGHAI = ZoneInfo("Asia/Shanghai")
POLICY = load_policy(("cn-bank-card",))
FACTS = GateFacts(zones=candidates("+8613800001234"), max_ring_s=28.0)


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


MONDAY_TEN = shanghai("2026-11-23 10:00")


def attempts(n: int, disposition: Disposition | None, first: datetime = MONDAY_TEN) -> tuple[EarlierAttempt, ...]:
    placed = [first - timedelta(minutes=15 * (number + 1)) for number in range(n)]
    ended = timedelta(seconds=30)
    return tuple(EarlierAttempt(at, disposition, None if disposition is None else at + ended) for at in placed)


def test_allows_and_says_by_which_rules() -> None:
    decision = evaluate(POLICY, FACTS, MONDAY_TEN)
    assert decision.allowed
    assert decision.retry_at is None
    assert decision.pack_hash == POLICY.pack_hash
    assert decision.decided_at == MONDAY_TEN
    assert decision.decided_at.tzinfo is UTC
    rules = [rule.rule_id for rule in POLICY.packs[0].rules]
    assert [result.rule for result in decision.evaluated] == rules
    assert all(result.allowed and result.finding for result in decision.evaluated)


@pytest.mark.parametrize(
    ("change", "rule", "retry_at"),
    [
        ({"do_not_call": True}, "cn.do-not-call", None),
        ({"role": PhoneRole.THIRD_PARTY}, "cn.third-party", None),
        ({"attempts": attempts(1, None)}, "cn.one-call", None),
        ({"attempts": attempts(6, Disposition.NO_ANSWER)}, "cn.unreached", "2026-11-24 09:00"),
        ({"attempts": attempts(1, Disposition.UNKNOWN, MONDAY_TEN + timedelta(minutes=10))}, "cn.after-unknown", None),
        ({"zones": ZoneCandidates()}, "cn.night", None),
        ({"zones": candidates("+8613800001234", stated_zone="Mars")}, "cn.night", None),
        *(({"case_status": status}, "cn.case", None) for status in CaseStatus if status is not CaseStatus.OPEN),
    ],
)
def test_each_rule_refuses(change: dict[str, object], rule: str, retry_at: str | None) -> None:
    facts = replace(FACTS, **change)  # type: ignore[arg-type]
    decision = evaluate(POLICY, facts, MONDAY_TEN)
    assert not decision.allowed
    assert decision.rule == rule
    if rule == "cn.after-unknown":
        assert decision.retry_at == MONDAY_TEN + timedelta(minutes=5, seconds=30)
    else:
        assert decision.retry_at == (None if retry_at is None else shanghai(retry_at))


@pytest.mark.parametrize(
    ("text", "retry_at"),
    [
        ("2026-11-20 17:59:40", "2026-11-23 09:00"),
        ("2026-11-22 10:00", "2026-11-23 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),
        ("2026-12-31 17:59:40", None),
        ("2027-01-04 10:00", None),
    ],
)
def test_hours(text: str, retry_at: str | None) -> None:
    decision = evaluate(POLICY, FACTS, shanghai(text))
    assert not decision.allowed
    assert decision.rule == "cn.window"
    assert decision.retry_at == (None if retry_at is None else shanghai(retry_at))


def test_past_its_end_the_calendar_file_is_named() -> None:
    decision = evaluate(POLICY, FACTS, shanghai("2027-01-04 10:00"))
    assert "2027-01-04 is not in the calendar cn-workdays (schedules/data/cn-workdays.yaml" in decision.reason
    assert "through 2026-12-31" in decision.reason


def test_every_rule_is_evaluated_after_a_refusal() -> None:
    facts = replace(FACTS, do_not_call=True, case_status=CaseStatus.PAID)
    decision = evaluate(POLICY, facts, shanghai("2026-11-22 10:00"))
    refused = [result.rule for result in decision.evaluated if not result.allowed]
    assert refused == ["cn.case", "cn.do-not-call", "cn.window"]
    assert decision.rule == "cn.case"


@pytest.mark.parametrize("disposition", [None, *Disposition])
def test_what_counts_as_unreached(disposition: Disposition | None) -> None:
    facts = replace(FACTS, attempts=attempts(6, disposition))
    cap = next(r for r in evaluate(POLICY, facts, MONDAY_TEN).evaluated if r.rule == "cn.unreached")
    assert cap.allowed == (disposition in REACHED_A_PERSON | TRUNK_FAULTS)
    assert cap.used == (0 if cap.allowed else 6)


def test_the_cap_counts_the_day_of_every_zone() -> None:
    """Six attempts on the evening of the 22nd in New York were placed on the 23rd in Shanghai."""
    evening = shanghai("2026-11-23 09:30")
    facts = GateFacts(candidates("+12125550100"), 28.0, attempts=attempts(6, Disposition.BUSY, evening))
    cap = next(r for r in evaluate(POLICY, facts, shanghai("2026-11-23 21:00")).evaluated if r.rule == "cn.unreached")
    assert not cap.allowed
    assert cap.finding is not None and cap.finding.values["zones"] == "America/New_York,Asia/Shanghai"
    assert cap.retry_at == shanghai("2026-11-24 00:00")


def test_a_clock_that_steps_back_forgives_nothing() -> None:
    facts = replace(FACTS, attempts=attempts(6, Disposition.BUSY))
    decision = evaluate(POLICY, facts, MONDAY_TEN - timedelta(days=3))
    assert decision.rule == "cn.unreached"
    assert decision.retry_at == shanghai("2026-11-24 09:00")


LENIENT = """\
pack: other
title: Other
status: in force
source: a test
valid_from: 2026-01-01
valid_through: 2026-11-30
zone: Asia/Shanghai
rules:
  - {id: other.cap, kind: attempt_cap, source: a test, zones: pack, counts: placed, limit: LIMIT}
"""


def other(limit: int, **changes: str) -> Policy:
    text = LENIENT.replace("LIMIT", str(limit))
    for old, new in changes.items():
        text = text.replace(old, new)
    return Policy((*POLICY.packs, parse_pack(text, "other.yaml")))


def test_the_strictest_of_several_packs_wins() -> None:
    facts = replace(FACTS, attempts=attempts(2, Disposition.CONNECTED))
    assert evaluate(POLICY, facts, MONDAY_TEN).allowed
    decision = evaluate(other(2), facts, MONDAY_TEN)
    assert decision.rule == "other.cap"
    assert decision.retry_at == shanghai("2026-11-24 09:00")
    assert evaluate(other(3), facts, MONDAY_TEN).allowed


def test_a_limit_of_nothing_never_opens() -> None:
    decision = evaluate(other(0), FACTS, MONDAY_TEN)
    assert not decision.allowed
    assert decision.retry_at is None


def test_a_pack_outside_its_dates_refuses() -> None:
    before = evaluate(POLICY, FACTS, shanghai("2026-01-29 10:00"))
    assert before.rule == "cn-bank-card.in-force"
    assert before.retry_at == shanghai("2026-01-30 09:00")
    after = evaluate(other(9), FACTS, shanghai("2026-12-01 10:00"))
    assert after.rule == "other.in-force"
    assert after.retry_at is None


def test_the_hash_of_several_packs_knows_no_order() -> None:
    both = other(2)
    assert both.pack_hash == Policy(both.packs[::-1]).pack_hash
    assert both.pack_hash not in (pack.sha256 for pack in both.packs)


def test_no_pack_is_no_policy() -> None:
    with pytest.raises(ValueError, match="at least one pack"):
        Policy(())


def test_warns_of_drafts_and_of_a_calendar_that_ends() -> None:
    warnings = POLICY.warnings(date(2026, 11, 22))
    assert len(warnings) == 2
    assert "draft, needs counsel" in warnings[0]
    assert "ends in 39 days" in warnings[1]
    assert Policy((parse_pack(LENIENT.replace("LIMIT", "1"), "f"),)).warnings(date(2026, 11, 22)) == ()


def test_third_parties_where_the_pack_permits_them() -> None:
    text = LENIENT + "  - {id: other.third, kind: third_party, source: a test, permitted: true}\n"
    policy = Policy((parse_pack(text.replace("LIMIT", "1"), "f"),))
    assert evaluate(policy, replace(FACTS, role=PhoneRole.THIRD_PARTY), MONDAY_TEN).allowed


def test_rules_that_read_every_clock() -> None:
    rule = "  - {id: other.day, kind: calling_window, source: a test, zones: ZONES, days: every_day, "
    rule += "from: '08:00', to: '21:00'}\n"
    abroad = replace(FACTS, zones=candidates("+12125550100"))
    for zones, allowed in (("pack", True), ("person", False), ("both", False)):
        text = (LENIENT + rule).replace("LIMIT", "1").replace("ZONES", zones)
        decision = evaluate(Policy((parse_pack(text, "f"),)), abroad, MONDAY_TEN)  # 21:00 on Sunday in New York
        assert decision.allowed == allowed
    assert decision.retry_at == shanghai("2026-11-24 08:00")  # 19:00 in New York
    unknown = evaluate(Policy((parse_pack(text, "f"),)), replace(FACTS, zones=ZoneCandidates()), MONDAY_TEN)
    assert unknown.rule == "other.day"
    assert "neither the list nor the number tells it" in unknown.reason


def test_shipped_pack_is_the_default_and_states_its_source() -> None:
    pack = load_pack("cn-bank-card")
    assert pack.status == "draft, needs counsel"
    assert pack.calendar is not None
    assert pack.valid_from == date(2026, 1, 30)
