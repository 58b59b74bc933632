"""Each kind of rule: whom it refuses, until when, and what it says it counted."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dialer.compliance.facts import (
    BudgetUse,
    Consent,
    EarlierAttempt,
    GateFacts,
    Inconvenient,
    OwnNumber,
    ShownNumber,
    Tally,
)
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import parse_pack
from dialer.model.attempt import REACHED_A_PERSON, TRUNK_FAULTS, CallPath, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from schedules.zones import ZoneCandidates
from tests.support.rulebook import (
    ANY_HOUR,
    FACTS,
    MONDAY_TEN,
    NEW_YORK,
    earlier,
    pack_text,
    policy,
    result,
    shanghai,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
THIRD_PARTY = replace(FACTS, role=PhoneRole.THIRD_PARTY)


def facts_with(*attempts: EarlierAttempt, **changes: Any) -> GateFacts:
    return replace(FACTS, attempts=attempts, **changes)


# Hours


@pytest.mark.parametrize(
    ("zones", "at", "opens"),
    [
        ("pack", "2026-11-23 10:00", "2026-11-23 10:00"),
        ("person", "2026-11-23 10:00", "2026-11-23 21:00"),  # 21:00 on Sunday in New York
        ("both", "2026-11-23 10:00", "2026-11-24 08:00"),
        ("both", "2026-11-24 08:30", "2026-11-24 08:30"),
    ],
)
def test_a_window_reads_every_clock_it_names(zones: str, at: str, opens: str) -> None:
    window = {"kind": "calling_window", "zones": zones, "days": "every_day", "hours": ["08:00-21:00"]}
    abroad = replace(FACTS, zones=ZoneCandidates(("America/New_York",)))
    said = result(window, abroad, shanghai(at))
    assert (said.retry_at or shanghai(at)) == shanghai(opens)
    assert said.allowed == (at == opens)


def test_a_week_may_have_hours_of_its_own_for_each_day() -> None:
    window = {"kind": "calling_window", "zones": "pack", "week": {"mon": ["09:00-12:00", "14:00-18:00"]}}
    assert result(window, FACTS, MONDAY_TEN).allowed
    assert result(window, FACTS, shanghai("2026-11-23 12:00")).retry_at == shanghai("2026-11-23 14:00")
    assert result(window, FACTS, shanghai("2026-11-23 18:00")).retry_at == shanghai("2026-11-30 09:00")


def test_make_up_workdays_are_called_where_the_pack_says_so() -> None:
    saturday = shanghai("2026-10-10 10:00")
    window = {"kind": "calling_window", "zones": "pack", "days": "workdays", "hours": ["09:00-18:00"]}
    assert not result(window, FACTS, saturday, calendar="cn-workdays").allowed
    assert result({**window, "make_up_workdays": True}, FACTS, saturday, calendar="cn-workdays").allowed


def test_ringing_may_last_longer_where_the_pack_says_so() -> None:
    last = shanghai("2026-11-23 17:59:50")
    window = {"kind": "calling_window", "zones": "pack", "days": "weekdays", "hours": ["09:00-18:00"]}
    assert not result(window, FACTS, last).allowed
    assert result({**window, "must_end_by": "18:01"}, FACTS, last).allowed


def test_forbidden_hours_are_those_of_every_clock() -> None:
    night = {"kind": "forbidden_hours", "zones": "both", "from": "22:00", "to": "08:00"}
    abroad = replace(FACTS, zones=ZoneCandidates(("Europe/London", "America/New_York")))
    assert result(night, FACTS, shanghai("2026-11-23 07:59")).retry_at == shanghai("2026-11-23 08:00")
    assert result(night, FACTS, shanghai("2026-11-23 21:59:31")).allowed
    said = result(night, abroad, shanghai("2026-11-23 10:00"))  # 02:00 in London
    assert said.retry_at == shanghai("2026-11-23 21:00")  # 08:00 in New York, 13:00 in London
    assert said.finding is not None
    assert said.finding.values["zone"] == "Europe/London"
    evening = result(night, abroad, shanghai("2026-11-23 18:00")).finding  # 10:00 in London
    assert evening is not None
    assert evening.values["zone"] == "America/New_York"


@pytest.mark.parametrize("kind", ["calling_window", "forbidden_hours", "cap", "cool_off", "convenience"])
def test_an_unknown_zone_refuses_where_the_persons_clock_is_read(kind: str) -> None:
    rules: dict[str, dict[str, Any]] = {
        "calling_window": {"zones": "person", "days": "every_day", "hours": ["00:00-24:00"]},
        "forbidden_hours": {"zones": "person", "from": "22:00", "to": "08:00"},
        "cap": {"zones": "both", "scope": "phone", "event": "placed", "span": {"inclusive_days": 1}, "limit": 5},
        "cool_off": {"zones": "both", "scope": "phone", "after": "placed", "span": {"inclusive_days": 1}},
        "convenience": {},
    }
    lunch = Inconvenient(from_minute=720, to_minute=780)
    facts = facts_with(earlier(MONDAY_TEN - DAY), zones=ZoneCandidates(("Asia/Shanghai",), ("a doubt",)))
    said = result({"kind": kind, **rules[kind]}, replace(facts, inconvenient=(lunch,)))
    assert not said.allowed
    assert said.retry_at is None
    assert said.finding is not None
    assert (said.finding.code, said.finding.values["doubts"]) == ("zone_unknown", "a doubt")


@pytest.mark.parametrize(
    ("entry", "opens"),
    [
        (Inconvenient(from_minute=540, to_minute=720), "2026-11-23 12:00"),
        (Inconvenient((0,), 540, 720), "2026-11-23 12:00"),
        (Inconvenient((1,), 540, 720), "2026-11-23 10:00"),
        (Inconvenient((0,), 540), "2026-11-24 00:00"),
        (Inconvenient(to_minute=720), "2026-11-23 12:00"),
        (Inconvenient((6,), 1320, 660), "2026-11-23 11:00"),  # Sunday's night lasts until Monday 11:00
        (Inconvenient((0,), 600, 600), "2026-11-24 10:00"),  # as long as a day
        (Inconvenient((0,), 600, 600, until=shanghai("2026-11-23 15:00")), "2026-11-23 15:00"),
        (Inconvenient((0,), 540, 720, until=shanghai("2026-11-23 15:00")), "2026-11-23 12:00"),
        (Inconvenient((0,), 540, 720, until=shanghai("2026-11-23 10:00")), "2026-11-23 10:00"),
        (Inconvenient(until=shanghai("2026-12-01 00:00")), "2026-12-01 00:00"),
        (Inconvenient(), None),
        (Inconvenient(from_minute=0, to_minute=1440), None),
    ],
)
def test_what_the_person_named_as_inconvenient(entry: Inconvenient, opens: str | None) -> None:
    said = result({"kind": "convenience"}, replace(FACTS, inconvenient=(entry,)))
    assert (said.retry_at or (MONDAY_TEN if said.allowed else None)) == (None if opens is None else shanghai(opens))


def test_several_inconvenient_times_all_hold_by_every_clock() -> None:
    morning, noon = Inconvenient(from_minute=540, to_minute=720), Inconvenient(from_minute=720, to_minute=780)
    assert result({"kind": "convenience"}, FACTS).allowed
    both = replace(FACTS, inconvenient=(morning, noon))
    assert result({"kind": "convenience"}, both).retry_at == shanghai("2026-11-23 13:00")
    abroad = replace(both, zones=ZoneCandidates(("Asia/Shanghai", "Asia/Urumqi")))
    assert result({"kind": "convenience"}, abroad).retry_at == shanghai("2026-11-23 15:00")


# Counting

CAP: dict[str, Any] = {
    "kind": "cap",
    "scope": "phone",
    "event": "placed",
    "span": {"inclusive_days": 1},
    "zones": "pack",
    "limit": 2,
}


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
