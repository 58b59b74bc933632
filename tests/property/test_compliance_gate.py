"""The gate's promises under random packs of every kind: exact next times, no rule loosens another, nothing hidden."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dialer.compliance.facts import (
    BudgetUse,
    Consent,
    EarlierAttempt,
    Event,
    GateFacts,
    Inconvenient,
    OwnNumber,
    Scope,
    ShownNumber,
    Tally,
)
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_policy, pack_from_content
from dialer.compliance.policy import Pack, Policy
from dialer.compliance.reading import KINDS
from dialer.compliance.words import say
from dialer.model.attempt import CallPath, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.decision import Decision, Effect
from dialer.model.verdict_sample import Heard
from schedules.documents import DocumentError
from schedules.windows import day_start
from schedules.zones import ZoneCandidates
from tests.support.rulebook import SHANGHAI, pack

FIRST = datetime(2026, 1, 20, tzinfo=UTC)
ZONES = st.sampled_from(["pack", "person", "both"])
WINDOW_HOURS = st.sampled_from([["09:00-18:00"], ["08:00-12:00", "12:00-21:00"], ["10:00-11:30", "20:00-24:00"]])
HEARD = st.none() | st.builds(
    lambda machines, people, unclear: Heard(machines + people, people, unclear),
    st.integers(0, 400),
    st.integers(0, 3),
    st.integers(0, 2),
)
SPANS = st.sampled_from(
    [{"inclusive_days": 1}, {"inclusive_days": 7}, {"rolling_hours": 24}, {"rolling_minutes": 45}, {"ever": True}]
)
EVENTS = st.sampled_from([event.value for event in Event])
LISTED = st.sampled_from([scope.value for scope in list(Scope)[:6]])
WIDE = st.sampled_from([scope.value for scope in list(Scope)[6:]])


def fixed(kind: str, **keys: Any) -> st.SearchStrategy[dict[str, Any]]:
    values = {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in keys.items()}
    return st.fixed_dictionaries({"kind": st.just(kind), **values})


def with_zones(rule: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Days need to know whose."""
    return ZONES.map(lambda zones: {**rule, "zones": zones}) if "inclusive_days" in rule["span"] else st.just(rule)


RULES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "calling_window": st.one_of(
        fixed("calling_window", zones=ZONES, days=st.sampled_from(["every_day", "weekdays"]), hours=WINDOW_HOURS),
        fixed("calling_window", zones="pack", days="workdays", make_up_workdays=st.booleans(), hours=WINDOW_HOURS),
        fixed("calling_window", zones=ZONES, week=st.just({"mon": ["09:00-12:00"], "fri": ["20:00-02:00"]})),
    ),
    "forbidden_hours": fixed(
        "forbidden_hours",
        **{
            "zones": ZONES,
            "from": st.sampled_from(["22:00", "02:30", "12:00"]),
            "to": st.sampled_from(["08:00", "13:00"]),
        },
    ),
    "cap": st.one_of(
        fixed(
            "cap",
            scope=LISTED,
            event=EVENTS,
            counts_when=st.sampled_from(["any", "unreached"]),
            span=st.one_of(SPANS, st.just({"campaign": True})),
            limit=st.integers(1, 4),
        ).flatmap(with_zones),
        fixed("cap", scope=WIDE, event=EVENTS, span=SPANS, limit=st.integers(1, 4)),
    ),
    "cool_off": fixed(
        "cool_off", **{"scope": LISTED, "after": EVENTS, "span": SPANS, "from": st.sampled_from(["start", "end"])}
    ).flatmap(with_zones),
    "one_call": fixed("one_call", scope=st.sampled_from(["phone", "person"])),
    "case_open": fixed("case_open"),
    "do_not_call": fixed("do_not_call"),
    "third_party": fixed("third_party", permitted=st.sampled_from(["never", "when_lost", "always"])),
    "consent": fixed("consent", consent=st.sampled_from(["night", "robot"])),
    "convenience": fixed("convenience"),
    "caller_id": fixed("caller_id", purpose="collection"),
    "agency": fixed("agency"),
    "abandonment": fixed(
        "abandonment", span=SPANS, limit=0.03, amd_false_positives=st.sampled_from([0, 0.1, "measured"])
    ),
}
COMMON = st.fixed_dictionaries(
    {},
    optional={
        "effect": st.sampled_from(["block", "block", "warn", "dedicated_agent"]),
        "exempt_if": st.sampled_from(
            [{"consent": "night"}, {"consent": "robot"}, {"consent": "night", "within_days": 1}]
        ),
        "applies_if": st.sampled_from(
            [{"paths": ["manual"]}, {"roles": ["own"]}, {"regions": ["US"]}, {"agencies": ["north"]}]
        ),
    },
)


def rules() -> st.SearchStrategy[dict[str, Any]]:
    """A rule of any kind, now and then with what every rule may say."""
    of_a_kind = st.sampled_from(KINDS).flatmap(lambda kind: RULES[kind])
    return st.tuples(of_a_kind, COMMON).map(lambda parts: {**parts[0], **parts[1]})


@st.composite
def overrides(draw: st.DrawFn, rule: dict[str, Any]) -> dict[str, Any]:
    """A change of one rule from some day on, perhaps for one agency only."""
    changes: list[dict[str, Any]] = [
        {"effect": "warn"},
        {"effect": "dedicated_agent"},
        {"exempt_if": {"consent": "night"}},
        {"exempt_if": {"consent": "night", "within_days": 2}},
    ]
    change = draw(st.sampled_from(changes))
    everyone: dict[str, Any] = {}
    calls = draw(st.sampled_from([everyone, {"for": {"agencies": ["north"]}}, {"for": {"agencies": ["south"]}}]))
    first = draw(st.dates(date(2026, 1, 1), date(2026, 12, 1)))
    return {"rules": [{"id": rule["id"], **change}], "valid_from": first.isoformat(), **calls}


@st.composite
def packs(draw: st.DrawFn, /, name: str, **head: Any) -> Pack:
    """One version of a pack with a few rules that do not contradict each other."""
    numbered = [
        {"id": f"{name}.{number}", **rule}
        for number, rule in enumerate(draw(st.lists(rules(), min_size=1, max_size=4)))
    ]
    zone = draw(st.sampled_from(["Asia/Shanghai", "America/New_York"]))
    changes = draw(st.lists(st.sampled_from(numbered).flatmap(overrides), max_size=2))
    try:
        return pack(*numbered, overrides=changes, pack=name, zone=zone, calendar="cn-workdays", **head)
    except DocumentError as error:
        assume("leaves no minute" not in str(error))
        raise


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A pack, perhaps of two versions, perhaps with another beside it."""
    later = draw(st.one_of(st.none(), st.dates(date(2026, 3, 1), date(2026, 12, 1))))
    found = [draw(packs("one", valid_through=draw(st.sampled_from([None, "2026-11-30"]))))]
    if later is not None:
        found.append(draw(packs("one", valid_from=later.isoformat())))
    if draw(st.booleans()):
        found.append(draw(packs("two", valid_from="2026-02-01")))
    return Policy(tuple(found))


def ago(at: datetime, longest_s: int) -> st.SearchStrategy[datetime]:
    """Mostly before `at`, now and then after it: a clock may have stepped back."""
    return st.integers(-3600, longest_s).map(lambda seconds: at - timedelta(seconds=seconds))


@st.composite
def attempts(draw: st.DrawFn, at: datetime) -> EarlierAttempt:
    placed = draw(ago(at, 9 * 86400))
    disposition = draw(st.sampled_from([None, *Disposition]))
    flags = st.booleans()
    return EarlierAttempt(
        placed_at=placed,
        disposition=disposition,
        ended_at=None if disposition is None else placed + timedelta(seconds=draw(st.integers(0, 4000))),
        alerted=draw(flags),
        answered=draw(flags),
        right_party=draw(st.sampled_from([None, True, False])),
        conversation=draw(st.sampled_from([None, None, True, False])),
        role=draw(st.sampled_from(PhoneRole)),
        same_phone=draw(flags),
        same_person=draw(flags),
        same_case=draw(flags),
        same_campaign=draw(flags),
    )


@st.composite
def consents(draw: st.DrawFn, at: datetime) -> Consent:
    given_at = at + timedelta(hours=draw(st.integers(-48, 24)))
    lasts = draw(st.sampled_from([None, 0, 5, 30]))
    return Consent(
        draw(st.sampled_from(["night", "robot"])),
        given_at,
        None if lasts is None else given_at + timedelta(hours=lasts),
    )


@st.composite
def inconveniences(draw: st.DrawFn, at: datetime) -> Inconvenient:
    minutes = st.sampled_from([None, 0, 539, 540, 720, 1200])
    until = draw(st.one_of(st.none(), ago(at, 3600).map(lambda then: then + timedelta(hours=8))))
    days = draw(st.sampled_from([(), (0,), (4, 5, 6)]))
    return Inconvenient(days, draw(minutes), draw(minutes), until)


@st.composite
def situations(draw: st.DrawFn, policy: Policy) -> tuple[GateFacts, datetime]:
    """Facts as storage would give them for the policy, and an instant."""
    at = FIRST + timedelta(milliseconds=draw(st.integers(0, 340 * 86_400_000)))
    seldom = st.integers(0, 5).map(lambda n: n == 0)
    tallies = [
        Tally(asked.key, used, draw(ago(at, 86400)) if used == asked.limit else None)
        for asked in policy.demand.tallies
        for used in (draw(st.integers(0, asked.limit)),)
    ]
    budgets = [
        BudgetUse(asked.key, abandoned + draw(st.integers(0, 99)), abandoned, machines, last[0], last[1], draw(HEARD))
        for asked in policy.demand.budgets
        for abandoned, machines in ((draw(st.integers(0, 3)), draw(st.integers(0, 20))),)
        for last in ([draw(ago(at, 86400)) if n else None for n in (abandoned, machines)],)
    ]
    facts = GateFacts(
        zones=draw(
            st.sampled_from(
                [
                    ZoneCandidates(("Asia/Shanghai",)),
                    ZoneCandidates(("Asia/Shanghai", "Asia/Urumqi")),
                    ZoneCandidates(("America/New_York",)),
                    ZoneCandidates(("Australia/Lord_Howe",)),
                    ZoneCandidates(("Asia/Shanghai",), ("a doubt",)),
                ]
            )
        ),
        max_ring_s=draw(st.sampled_from([0.0, 28.0, 60.0])),
        role=draw(st.sampled_from(PhoneRole)),
        case_status=CaseStatus.HOLD if draw(seldom) else CaseStatus.OPEN,
        do_not_call=draw(seldom),
        attempts=tuple(draw(st.lists(attempts(at), max_size=6))),
        path=draw(st.sampled_from([CallPath.PREDICTIVE, CallPath.MANUAL])),
        dedicated_agent=draw(st.booleans()),
        person_stop=CaseStatus.COMPLAINT if draw(seldom) else None,
        regions=draw(st.sampled_from([(), ("CN",), ("US", "US-MA")])),
        agency=draw(st.sampled_from(["", "north"])),
        agency_listed=not draw(seldom),
        caller_id=ShownNumber("+864001", () if draw(seldom) else ("collection",), draw(st.sampled_from(["", "north"]))),
        consents=tuple(draw(st.lists(consents(at), max_size=2))),
        inconvenient=tuple(draw(st.lists(inconveniences(at), max_size=2))),
        own_numbers=draw(st.sampled_from([None, (), (OwnNumber(3, 0),), (OwnNumber(3, 0), OwnNumber(1, 1))])),
        tallies=tuple(tallies),
        budgets=tuple(budgets),
    )
    return facts, at


@st.composite
def questions(draw: st.DrawFn) -> tuple[Policy, GateFacts, datetime]:
    policy = draw(policies())
    return policy, *draw(situations(policy))


slowly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
random_moments = st.lists(st.integers(0, 999).map(lambda share: share / 1000), max_size=8)


@slowly
@given(questions(), random_moments)
def test_retry_at_is_allowed_and_nothing_earlier_is(
    question: tuple[Policy, GateFacts, datetime], shares: list[float]
) -> None:
    policy, facts, at = question
    decision = evaluate(policy, facts, at)
    refused = [result for result in decision.evaluated if not result.allowed and result.effect is not Effect.WARN]
    assert decision.allowed == (not refused)
    if decision.allowed:
        assert decision.retry_at is None
        return
    assert decision.rule == refused[0].rule
    assert decision.needs_agent == all(result.effect is Effect.DEDICATED_AGENT for result in refused)
    if decision.retry_at is not None:
        assert decision.retry_at > at
        assert evaluate(policy, facts, decision.retry_at).allowed
        assert not evaluate(policy, facts, decision.retry_at - timedelta(microseconds=1)).allowed
    wait = (decision.retry_at or at + timedelta(days=14)) - at
    assert not any(evaluate(policy, facts, at + wait * share).allowed for share in shares)


@slowly
@given(questions(), random_moments)
def test_each_rule_tells_its_own_next_time(question: tuple[Policy, GateFacts, datetime], shares: list[float]) -> None:
    policy, facts, at = question
    for bound in policy.bounds:
        opens = bound.opens(facts, at)
        if opens == at:
            continue
        if opens is not None:
            assert bound.opens(facts, opens) == opens > at
            assert bound.opens(facts, opens - timedelta(microseconds=1)) == opens
        wait = (opens or at + timedelta(days=30)) - at
        assert all(bound.opens(facts, at + wait * share) == opens for share in shares)


@slowly
@given(questions())
def test_an_agent_satisfies_what_asks_for_one_and_nothing_else(question: tuple[Policy, GateFacts, datetime]) -> None:
    policy, facts, at = question
    alone = evaluate(policy, replace(facts, dedicated_agent=False), at)
    together = evaluate(policy, replace(facts, dedicated_agent=True), at)
    assert together.allowed == (alone.allowed or alone.needs_agent)
    assert not together.needs_agent


@slowly
@given(st.data())
def test_adding_a_pack_never_allows_more(data: st.DataObject) -> None:
    one, two = Policy((data.draw(packs("one")),)), Policy((data.draw(packs("two")),))
    both = Policy((*one.packs, *two.packs))
    facts, at = data.draw(situations(both))
    together, first, second = evaluate(both, facts, at), evaluate(one, facts, at), evaluate(two, facts, at)
    assert together.allowed == (first.allowed and second.allowed)
    for single in (first, second):
        if together.retry_at is not None and not single.allowed:
            assert single.retry_at is not None
            assert single.retry_at <= together.retry_at


@slowly
@given(st.data())
def test_a_change_in_mid_day_binds_with_what_it_replaced_until_midnight(data: st.DataObject) -> None:
    old, new = Policy((data.draw(packs("one")),)), Policy((data.draw(packs("one")),))
    facts, at = data.draw(situations(Policy((*old.packs, *(replace(pack, name="new") for pack in new.packs)))))
    zone = new.packs[0].zone
    midnight = day_start(at.astimezone(UTC).date() + timedelta(days=2), zone)
    changed = new.with_retiring([(pack, midnight) for pack in old.packs])
    before, after = evaluate(changed, facts, at), evaluate(changed, facts, midnight)
    assert before.allowed == (evaluate(old, facts, at).allowed and evaluate(new, facts, at).allowed)
    assert after.allowed == evaluate(new, facts, midnight).allowed
    if before.retry_at is not None:
        assert evaluate(changed, facts, before.retry_at).allowed
        assert not evaluate(changed, facts, before.retry_at - timedelta(microseconds=1)).allowed


@slowly
@given(questions())
def test_facts_and_packs_that_were_stored_give_the_same_decision(question: tuple[Policy, GateFacts, datetime]) -> None:
    policy, facts, at = question
    decision = evaluate(policy, facts, at)
    read = msgspec.json.decode(msgspec.json.encode(facts), type=GateFacts)
    assert read == facts
    assert hash(read) == hash(facts)
    rebuilt = Policy(tuple(pack_from_content(pack.content, pack.sha256) for pack in policy.packs))
    assert rebuilt.packs == policy.packs
    again = evaluate(rebuilt, read, at)
    assert again == decision
    assert msgspec.json.decode(msgspec.json.encode(again), type=Decision) == decision
    for result in decision.evaluated:
        assert (result.finding is None) == result.allowed
        assert result.finding is None or (say(result.finding, "en") and say(result.finding, "zh"))


SHIPPED = load_policy(("cn-bank-card",))


@slowly
@given(situations(SHIPPED))
def test_the_answer_depends_on_nothing_else(situation: tuple[GateFacts, datetime]) -> None:
    facts, at = situation
    assert evaluate(SHIPPED, facts, at) == evaluate(SHIPPED, facts, at.astimezone(SHANGHAI))
