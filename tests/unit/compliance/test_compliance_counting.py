"""Rules that count attempts, or rest after them: what counts for whom, and when the count falls."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dialer.compliance.facts import EarlierAttempt, GateFacts, Tally
from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, CallPath, Disposition
from dialer.model.contact import PhoneRole
from schedules.zones import ZoneCandidates
from tests.support.rulebook import FACTS, MONDAY_TEN, NEW_YORK, earlier, policy, result, shanghai

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

CAP: dict[str, Any] = {
    "kind": "cap",
    "scope": "phone",
    "event": "placed",
    "span": {"inclusive_days": 1},
    "zones": "pack",
    "limit": 2,
}


def facts_with(*attempts: EarlierAttempt, **changes: Any) -> GateFacts:
    return replace(FACTS, attempts=attempts, **changes)


def cap(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**CAP, **changes}.items() if value is not None}


def counts(attempt: EarlierAttempt, **changes: Any) -> bool:
    """Whether a cap of one counts the attempt."""
    said = result(cap(limit=1, **changes), facts_with(attempt))
    assert (said.used, said.limit) == (0 if said.allowed else 1, 1)
    return not said.allowed


@pytest.mark.parametrize("disposition", [None, *Disposition])
def test_what_counts_as_placed_and_as_unreached(disposition: Disposition | None) -> None:
    attempt = earlier(MONDAY_TEN - HOUR, disposition)
    assert counts(attempt) == (disposition not in TRUNK_FAULTS)
    assert counts(attempt, counts_when="unreached") == (disposition not in TRUNK_FAULTS | REACHED_A_PERSON)
    assert counts(attempt, event="live_answered") == (disposition in REACHED_A_PERSON)
    assert counts(attempt, event="abandoned") == (disposition is Disposition.ABANDONED)
    assert counts(attempt, event="message_left") == (disposition is Disposition.MESSAGE_LEFT)
    assert counts(attempt, event="unknown") == (disposition is Disposition.UNKNOWN)
    assert counts(attempt, event="conversation") == (disposition is Disposition.CONNECTED)


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ({"alerted": True}, {"alerted"}),
        ({"alerted": True, "answered": True}, {"alerted", "answered"}),
        ({"right_party": True}, {"right_party"}),
        ({"right_party": False}, set()),
        ({"conversation": True}, {"conversation"}),
        ({"disposition": Disposition.CONNECTED, "conversation": False}, {"live_answered"}),
        ({"disposition": Disposition.UNKNOWN, "answered": True}, {"answered", "conversation", "unknown"}),
        ({"disposition": None, "ended_at": None, "answered": True}, {"answered", "conversation"}),
        ({"disposition": Disposition.MACHINE, "answered": True}, {"answered"}),
    ],
)
def test_what_else_happened_in_an_attempt(changes: dict[str, Any], events: set[str]) -> None:
    attempt = replace(earlier(MONDAY_TEN - HOUR), **changes)
    asked = ("alerted", "answered", "live_answered", "conversation", "right_party", "message_left", "unknown")
    assert {event for event in asked if counts(attempt, event=event)} == events


@pytest.mark.parametrize(
    ("scope", "alike"),
    [
        ("person", {"same_person"}),
        ("person_debt", {"same_person", "same_case"}),
        ("phone", {"same_phone"}),
        ("person_phone", {"same_person", "same_phone"}),
        ("case", {"same_case"}),
    ],
)
def test_a_scope_is_what_the_attempts_have_in_common(scope: str, alike: set[str]) -> None:
    flags: dict[str, Any] = {flag: flag in alike for flag in ("same_phone", "same_person", "same_case")}
    assert counts(earlier(MONDAY_TEN - HOUR, **flags), scope=scope)
    for flag in alike:
        assert not counts(earlier(MONDAY_TEN - HOUR, **{**flags, flag: False}), scope=scope)


def test_third_parties_of_a_case_are_a_scope() -> None:
    attempt = earlier(MONDAY_TEN - HOUR, role=PhoneRole.THIRD_PARTY, same_phone=False, same_person=False)
    assert counts(attempt, scope="third_party")
    assert not counts(replace(attempt, role=PhoneRole.OWN), scope="third_party")
    assert not counts(replace(attempt, same_case=False), scope="third_party")


@pytest.mark.parametrize(
    ("span", "ages", "opens"),
    [
        ({"inclusive_days": 1}, (1, 2), "2026-11-24 00:00"),
        ({"inclusive_days": 1}, (1, 11), None),  # 23:00 yesterday
        ({"inclusive_days": 7}, (1, 24 * 6), "2026-11-24 00:00"),  # the first of seven days was last Tuesday
        ({"inclusive_days": 7}, (1, 24 * 7), None),
        ({"rolling_hours": 24}, (1, 2), "2026-11-24 08:00"),
        ({"rolling_hours": 24}, (1, 24), None),  # exactly a day ago has just left
        ({"rolling_minutes": 90}, (0.5, 1), "2026-11-23 10:30"),
        ({"ever": True}, (1, 10_000), "never"),
    ],
)
def test_when_the_limiting_attempt_leaves_the_span(span: dict[str, Any], ages: tuple[float, ...], opens: str) -> None:
    attempts = [earlier(MONDAY_TEN - age * HOUR) for age in sorted(ages, reverse=True)]
    rule = cap(span=span, zones="pack" if "inclusive_days" in span else None)
    said = result(rule, facts_with(*attempts))
    assert said.allowed == (opens is None)
    assert said.used == (1 if said.allowed else 2)
    assert said.retry_at == (None if opens in (None, "never") else shanghai(opens))


def test_a_cap_counts_the_days_of_every_zone() -> None:
    """Two attempts of the evening of the 22nd in New York were placed on the 23rd in Shanghai."""
    attempts = [earlier(shanghai("2026-11-23 09:00") + n * HOUR) for n in range(2)]
    facts = facts_with(*attempts, zones=ZoneCandidates(("America/New_York",)))
    at = shanghai("2026-11-23 21:00")  # the 23rd in both
    assert result(cap(zones="both"), facts, at).retry_at == shanghai("2026-11-24 00:00")
    assert result(cap(zones="person"), facts, at).allowed
    later = datetime(2026, 11, 22, 22, tzinfo=NEW_YORK)
    assert result(cap(zones="both"), facts, later).retry_at == shanghai("2026-11-24 00:00")
    assert result(cap(zones="both", span={"inclusive_days": 2}), facts, later).used == 2


def test_an_attempt_of_the_future_counts() -> None:
    """A clock that stepped back forgives nothing."""
    attempts = (earlier(MONDAY_TEN), earlier(MONDAY_TEN))
    assert result(cap(), facts_with(*attempts), MONDAY_TEN - 3 * DAY).retry_at == shanghai("2026-11-24 00:00")


def test_a_cap_of_the_campaign_leaves_out_other_campaigns() -> None:
    mine, other = earlier(MONDAY_TEN - 90 * DAY), earlier(MONDAY_TEN - HOUR, same_campaign=False)
    rule = cap(scope="person_debt", span={"campaign": True}, zones=None)
    assert result(rule, facts_with(mine, other)).allowed
    said = result(rule, facts_with(mine, replace(other, same_campaign=True)))
    assert (said.allowed, said.retry_at, said.used) == (False, None, 2)


def test_a_limit_of_nothing_may_forbid_some_calls() -> None:
    rule = cap(limit=0, applies_if={"paths": ["reminder"]})
    assert result(rule, FACTS).allowed
    said = result(rule, replace(FACTS, path=CallPath.REMINDER))
    assert (said.allowed, said.retry_at, said.used) == (False, None, 0)
    wide = {**rule, "scope": "agency", "span": {"ever": True}, "zones": "pack"}
    key = policy(wide).demand.tallies[0].key
    assert not result(wide, replace(FACTS, path=CallPath.REMINDER, tallies=(Tally(key, 0),))).allowed


@pytest.mark.parametrize(
    ("span", "tally", "opens"),
    [
        ({"inclusive_days": 1}, (1, None), "2026-11-23 10:00"),
        ({"inclusive_days": 1}, (2, shanghai("2026-11-23 09:00")), "2026-11-24 00:00"),
        ({"inclusive_days": 1}, (2, shanghai("2026-11-22 09:00")), "2026-11-23 10:00"),
        ({"rolling_hours": 1}, (2, shanghai("2026-11-23 09:30")), "2026-11-23 10:30"),
        ({"ever": True}, (2, shanghai("2026-11-23 09:30")), None),
        ({"ever": True}, (2, None), None),
    ],
)
def test_a_cap_on_a_wide_scope_reads_its_tally(
    span: dict[str, Any], tally: tuple[int, datetime | None], opens: str | None
) -> None:
    rule = cap(scope="caller_id", event="answered", span=span, counts_when="unreached")
    (asked,) = policy(rule).demand.tallies
    assert (asked.scope.value, asked.event.value, asked.unreached_only, asked.limit) == (
        "caller_id",
        "answered",
        True,
        2,
    )
    said = result(rule, replace(FACTS, tallies=(Tally("another", 9), Tally(asked.key, *tally))))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == (None if opens is None else shanghai(opens))
    assert (said.used, said.limit) == (tally[0], 2)


def test_without_a_count_nobody_knows() -> None:
    said = result(cap(scope="collector"), FACTS)
    assert (said.allowed, said.retry_at, said.used, said.limit) == (False, None, None, None)
    assert said.finding is not None
    assert said.finding.code == "count_missing"


def test_below_its_limit_a_cap_is_open_now() -> None:
    answered = facts_with(earlier(MONDAY_TEN), earlier(MONDAY_TEN, answered=True))
    for facts, rule in ((FACTS, cap()), (answered, cap(event="answered"))):
        assert policy(rule).bounds[-1].opens(facts, MONDAY_TEN) == MONDAY_TEN
    wide = policy(cap(scope="agency"))
    tally = Tally(wide.demand.tallies[0].key, 1)
    assert wide.bounds[-1].opens(replace(FACTS, tallies=(tally,)), MONDAY_TEN) == MONDAY_TEN


COOL_OFF: dict[str, Any] = {"kind": "cool_off", "scope": "person_debt", "after": "conversation"}


@pytest.mark.parametrize(
    ("change", "opens"),
    [
        ({"span": {"inclusive_days": 7}, "zones": "pack"}, "2026-11-30 00:00"),  # its end's day is the first of seven
        ({"span": {"rolling_hours": 72}, "from": "start"}, "2026-11-25 23:00"),
        ({"span": {"rolling_hours": 72}, "from": "end"}, "2026-11-26 00:10"),
        ({"span": {"rolling_hours": 72}}, "2026-11-26 00:10"),
        ({"span": {"inclusive_days": 7}, "zones": "pack", "from": "start"}, "2026-11-29 00:00"),
        ({"span": {"ever": True}}, None),
        ({"span": {"rolling_hours": 9}}, "2026-11-23 10:00"),
    ],
)
def test_a_rest_after_a_conversation(change: dict[str, Any], opens: str | None) -> None:
    """The talk began on Sunday at 23:00 and lasted until ten past midnight."""
    talk = earlier(shanghai("2026-11-22 23:00"), Disposition.CONNECTED, lasted_s=4200.0)
    busy = earlier(MONDAY_TEN - HOUR, Disposition.BUSY)
    rule = {**COOL_OFF, **change}
    said = result(rule, facts_with(talk, busy))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == (None if opens is None else shanghai(opens))
    assert result(rule, facts_with(busy)).allowed


def test_a_rest_after_a_call_that_is_still_up_has_not_begun() -> None:
    up = earlier(MONDAY_TEN - HOUR, None, answered=True)
    rule = {**COOL_OFF, "span": {"rolling_minutes": 10}}
    assert result(rule, facts_with(up)).retry_at is None
    assert not result(rule, facts_with(up)).allowed
    assert result({**rule, "from": "start"}, facts_with(up)).allowed
    no_end = replace(up, disposition=Disposition.CONNECTED, placed_at=MONDAY_TEN)
    assert result(rule, facts_with(no_end)).retry_at == shanghai("2026-11-23 10:10")


@pytest.mark.parametrize(("scope", "flag"), [("phone", "same_phone"), ("person", "same_person")])
def test_one_call_at_a_time(scope: str, flag: str) -> None:
    rule = {"kind": "one_call", "scope": scope}
    up = earlier(MONDAY_TEN - HOUR, None)
    said = result(rule, facts_with(up))
    assert (said.allowed, said.retry_at) == (False, None)
    assert result(rule, facts_with(earlier(MONDAY_TEN - HOUR, None, **{flag: False}))).allowed
    assert result(rule, facts_with(earlier(MONDAY_TEN - HOUR))).allowed
