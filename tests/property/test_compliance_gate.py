"""The gate's promises: never outside the hours, never above a cap, monotone in packs, exact about the next time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dialer.compliance.facts import EarlierAttempt, GateFacts
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_policy, parse_pack
from dialer.compliance.policy import Policy
from dialer.model.attempt import Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from schedules.calendar import DayKind, load_calendar
from schedules.zones import ZoneCandidates

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = load_calendar("cn-workdays")
POLICY = load_policy(("cn-bank-card",))
OTHER = """\
pack: other
title: Other
status: in force
source: a test
valid_from: 2026-06-01
valid_through: 2026-12-15
zone: America/New_York
rules:
  - {id: other.day, kind: calling_window, source: t, zones: both, days: every_day, from: "07:00", to: "22:00"}
  - {id: other.noon, kind: forbidden_hours, source: t, zones: pack, from: "20:30", to: "21:00"}
  - {id: other.cap, kind: attempt_cap, source: t, zones: both, counts: placed, limit: 3}
  - {id: other.third, kind: third_party, source: t, permitted: true}
"""
STRICTER = Policy((*POLICY.packs, parse_pack(OTHER, "other.yaml")))
LENIENT = Policy(STRICTER.packs[1:])

FIRST = datetime(2026, 1, 20, tzinfo=UTC)
now = st.integers(0, 355 * 86_400_000).map(lambda ms: FIRST + timedelta(milliseconds=ms))
zones = st.sampled_from(
    [
        ZoneCandidates(("Asia/Shanghai",)),
        ZoneCandidates(("Asia/Shanghai", "Asia/Urumqi")),
        ZoneCandidates(("America/New_York",)),
        ZoneCandidates(),
        ZoneCandidates(("Asia/Shanghai",), ("a doubt",)),
    ]
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[GateFacts, datetime]:
    at = draw(now)
    ages = draw(st.lists(st.tuples(st.integers(-3600, 100_000), st.sampled_from([None, *Disposition])), max_size=9))
    attempts = tuple(
        EarlierAttempt(
            at - timedelta(seconds=age),
            disposition,
            None if disposition is None else at - timedelta(seconds=age - 40),
        )
        for age, disposition in ages
        if disposition is not None or draw(st.booleans())
    )
    facts = GateFacts(
        zones=draw(zones),
        max_ring_s=draw(st.sampled_from([0.0, 28.0, 60.0])),
        role=draw(st.sampled_from([PhoneRole.OWN, PhoneRole.OWN, PhoneRole.THIRD_PARTY])),
        case_status=draw(st.sampled_from([CaseStatus.OPEN, CaseStatus.OPEN, CaseStatus.HOLD])),
        do_not_call=draw(st.booleans()) and draw(st.booleans()),
        attempts=attempts,
    )
    return facts, at


@given(situations())
def test_never_outside_the_hours(situation: tuple[GateFacts, datetime]) -> None:
    facts, at = situation
    if not evaluate(POLICY, facts, at).allowed:
        return
    for moment in (at, at + timedelta(seconds=facts.max_ring_s)):
        local = moment.astimezone(SHANGHAI)
        assert CALENDAR.kind(local.date()) is DayKind.WORKDAY
        assert 9 <= local.hour < 18
        for zone in facts.zones.zones:
            assert 8 <= moment.astimezone(ZoneInfo(zone)).hour < 22


@given(situations())
def test_never_above_a_cap_and_never_what_is_stopped(situation: tuple[GateFacts, datetime]) -> None:
    facts, at = situation
    if not evaluate(POLICY, facts, at).allowed:
        return
    for zone in (*facts.zones.zones, "Asia/Shanghai"):
        today = at.astimezone(ZoneInfo(zone)).date()
        same_day = [a for a in facts.attempts if a.placed_at.astimezone(ZoneInfo(zone)).date() == today]
        assert sum(attempt.unreached for attempt in same_day) < 6
    assert facts.case_status is CaseStatus.OPEN
    assert facts.role is PhoneRole.OWN
    assert facts.zones.known
    assert not facts.do_not_call
    assert not any(attempt.in_flight for attempt in facts.attempts)
    rested = at - timedelta(minutes=10)
    assert all(
        attempt.ended_at is not None and attempt.ended_at <= rested for attempt in facts.attempts if attempt.unknown
    )


@given(situations())
def test_adding_a_pack_never_allows_more(situation: tuple[GateFacts, datetime]) -> None:
    facts, at = situation
    together = evaluate(STRICTER, facts, at)
    one, other = evaluate(POLICY, facts, at), evaluate(LENIENT, facts, at)
    assert together.allowed == (one.allowed and other.allowed)
    if together.retry_at is not None:
        assert one.allowed or (one.retry_at is not None and one.retry_at <= together.retry_at)
        assert other.allowed or (other.retry_at is not None and other.retry_at <= together.retry_at)


@given(situations(), st.sampled_from([POLICY, STRICTER, LENIENT]), st.lists(st.floats(0, 1), max_size=8))
def test_retry_at_is_allowed_and_nothing_earlier_is(
    situation: tuple[GateFacts, datetime], policy: Policy, shares: list[float]
) -> None:
    facts, at = situation
    decision = evaluate(policy, facts, at)
    assert decision.allowed == all(result.allowed for result in decision.evaluated)
    if decision.allowed:
        assert decision.retry_at is None
        return
    assert decision.rule == next(result.rule for result in decision.evaluated if not result.allowed)
    if decision.retry_at is not None:
        assert decision.retry_at > at
        assert evaluate(policy, facts, decision.retry_at).allowed
        assert not evaluate(policy, facts, decision.retry_at - timedelta(microseconds=1)).allowed
    wait = (decision.retry_at or at + timedelta(days=14)) - at
    for share in shares:
        earlier = at + wait * share  # to the microsecond, so a share just below 1 may be the whole wait
        if earlier < at + wait:
            assert not evaluate(policy, facts, earlier).allowed


@given(situations(), st.sampled_from([POLICY, STRICTER]))
def test_the_answer_depends_on_nothing_else(situation: tuple[GateFacts, datetime], policy: Policy) -> None:
    facts, at = situation
    assert evaluate(policy, facts, at) == evaluate(policy, facts, at.astimezone(SHANGHAI))
