"""A link's decision put to the gate again: the same answer, or every difference in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dialer.compliance.answer import ENTRY_NOT_LEASED, IN_FLIGHT_RETRY, NUMBER_IN_FLIGHT, answer, guarded
from dialer.compliance.counters import counters
from dialer.compliance.facts import BudgetUse, EarlierAttempt, GateFacts, ShownNumber, Tally
from dialer.compliance.gate import evaluate
from dialer.compliance.packs import load_policy
from dialer.compliance.policy import Policy
from dialer.compliance.proof_replay import PolicySet, Replay, differences, read_policy
from dialer.model.attempt import Disposition
from dialer.model.decision import Decision
from dialer.model.verdict_sample import Heard
from schedules.zones import candidates

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai, a workday
POLICY = load_policy(("cn-bank-card",))
TWO = load_policy(("cn-bank-card", "us-regf"))
FACTS = GateFacts(
    zones=candidates("+8613800001234"),
    max_ring_s=28.0,
    caller_id=ShownNumber("95599", ("collection",)),
    tallies=tuple(Tally(demand.key, 0) for demand in TWO.demand.tallies),
    budgets=tuple(BudgetUse(demand.key, 0, 0, 0) for demand in TWO.demand.budgets),
)


def replay_of(policy: Policy) -> Replay:
    replay = Replay()
    for pack in policy.used_packs:
        replay.add_pack(pack.sha256, pack.content)
    replay.add_set(PolicySet.of(policy))
    return replay


def body_of(decision: Decision, facts: GateFacts = FACTS, at: datetime = MONDAY) -> bytes:
    return msgspec.json.encode({"at": at, "facts": facts, "decision": decision}, order="deterministic")


def called(*minutes: int) -> GateFacts:
    attempts = tuple(
        EarlierAttempt(MONDAY - timedelta(minutes=ago), Disposition.NO_ANSWER, MONDAY - timedelta(minutes=ago - 1))
        for ago in minutes
    )
    return replace(FACTS, attempts=attempts)


@pytest.mark.parametrize("policy", [POLICY, TWO], ids=["one", "two"])
@pytest.mark.parametrize("facts", [FACTS, called(30), called(60, 50, 40, 30, 20, 10), replace(FACTS, do_not_call=True)])
@pytest.mark.parametrize("hours", [0, 9, 24 * 5])
def test_the_same_question_gets_the_same_answer(policy: Policy, facts: GateFacts, hours: int) -> None:
    at = MONDAY + timedelta(hours=hours)
    decision = evaluate(policy, facts, at)
    assert replay_of(policy).check(body_of(decision, facts, at)) == ()


def test_a_retiring_pack_is_found_again_by_its_last_instant() -> None:
    until = MONDAY + timedelta(hours=14)
    policy = POLICY.with_retiring([(pack, until) for pack in TWO.packs if pack.name == "us-regf"])
    assert policy.retiring
    replay = replay_of(policy)
    other = PolicySet(PolicySet.of(policy).packs, tuple((sha, MONDAY) for sha, _ in PolicySet.of(policy).retiring))
    replay.add_set(other)
    for facts in (FACTS, replace(FACTS, zones=candidates("+12125550123"))):
        assert replay.check(body_of(evaluate(policy, facts, MONDAY), facts)) == ()


def test_a_set_of_packs_is_written_and_read() -> None:
    packs = PolicySet(("aa", "bb"), (("cc", MONDAY),))
    assert str(packs) == "aa,bb,cc@2026-11-23T02:00:00+00:00"
    assert PolicySet.parse(str(packs)) == packs
    assert PolicySet.of(TWO).pack_hash == TWO.pack_hash
    assert PolicySet.of(POLICY).pack_hash == POLICY.pack_hash


def test_a_link_says_which_packs_are_in_force() -> None:
    body = b'{"packs":[{"name":"x","sha256":"aa"}],"retiring":[{"sha256":"bb","until":"2026-11-23T02:00:00Z"}]}'
    assert read_policy(body) == PolicySet(("aa",), (("bb", MONDAY),))
    replay = Replay()
    assert replay.learn(body) == ()
    assert "cannot be read" in replay.learn(b"{}")[0]


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        ({"allowed": True, "rule": "", "retry_at": None}, "on record it is allowed, by its own facts and rules"),
        ({"rule": "cn.night"}, "on record cn.night refuses"),
        ({"retry_at": MONDAY}, "on record it may be tried again at 2026-11-23T02:00:00+00:00"),
        ({"retry_at": None}, "on record it may be tried again never"),
        ({"needs_agent": True}, "reserved collector"),
        ({"evaluated": ()}, "is not on record, but is among its rules"),
    ],
)
def test_a_forged_decision_is_told(forged: dict[str, object], words: str) -> None:
    facts = called(60, 50, 40, 30, 20, 10)
    decision = evaluate(POLICY, facts, MONDAY)
    assert (decision.allowed, decision.rule) == (False, "cn.unreached")
    found = replay_of(POLICY).check(body_of(replace(decision, **forged), facts))  # type: ignore[arg-type]
    assert any(words in line for line in found), found


def test_a_forged_rule_result_is_told() -> None:
    decision = evaluate(POLICY, FACTS, MONDAY)
    first = decision.evaluated[0]
    for evaluated in (
        (replace(first, allowed=False), *decision.evaluated[1:]),
        (*decision.evaluated, replace(first, rule="invented")),
    ):
        found = replay_of(POLICY).check(body_of(replace(decision, evaluated=evaluated)))
        assert len(found) == 1, found


def test_a_link_that_names_its_packs_needs_no_more() -> None:
    replay = Replay()
    for pack in TWO.packs:
        replay.add_pack(pack.sha256, pack.content)
    decision = evaluate(TWO, FACTS, MONDAY)
    said = {"at": MONDAY, "facts": FACTS, "decision": decision, "packs": [pack.sha256 for pack in TWO.packs]}
    assert replay.check(msgspec.json.encode(said)) == ()
    (words,) = replay.check(msgspec.json.encode(said | {"packs": [TWO.packs[0].sha256]}))
    assert "names other packs" in words


def test_rules_that_are_not_here_are_told() -> None:
    decision = evaluate(POLICY, FACTS, MONDAY)
    (words,) = Replay().check(body_of(decision))
    assert words.startswith("the rules it was decided by are not here")


def test_forged_counters_are_told() -> None:
    facts = called(60, 30)
    decision = evaluate(POLICY, facts, MONDAY)
    taken = counters(POLICY, facts, decision)
    assert taken
    for said, found in ((taken, 0), (taken[1:], 1), ((replace(taken[0], after=0), *taken[1:]), 1)):
        body = msgspec.json.encode({"at": MONDAY, "facts": facts, "decision": decision, "counters": said})
        assert len(replay_of(POLICY).check(body)) == found


def test_a_pack_that_was_changed_is_refused() -> None:
    pack = POLICY.packs[0]
    with pytest.raises(ValueError, match="was changed"):
        Replay().add_pack(pack.sha256, pack.content.replace("18:00", "23:00"))


def test_what_is_no_decision_is_told() -> None:
    (words,) = Replay().check(b'{"at":"2026-11-23T02:00:00Z"}')
    assert "cannot be read" in words


def test_refusals_of_the_reservation_itself() -> None:
    """The number was being dialed, or the entry was gone: no pack says that, but the rules' results must be theirs."""
    allowed = evaluate(POLICY, FACTS, MONDAY)
    lost = guarded(allowed, ENTRY_NOT_LEASED)
    assert differences(lost, allowed, FACTS) == ()
    assert any("may be tried again" in words for words in differences(replace(lost, retry_at=None), allowed, FACTS))
    refused = evaluate(POLICY, replace(FACTS, do_not_call=True), MONDAY)
    assert any("do not all allow" in words for words in differences(lost, refused, FACTS))
    dialed = guarded(allowed, NUMBER_IN_FLIGHT)
    assert any("no call to it" in words for words in differences(dialed, allowed, FACTS))
    busy = replace(FACTS, attempts=(EarlierAttempt(MONDAY),))
    assert differences(dialed, allowed, busy) == ()


@pytest.mark.parametrize(
    ("facts", "at", "retry_at"),
    [
        (FACTS, MONDAY, MONDAY + IN_FLIGHT_RETRY),
        # The call would be over in a minute, and the day, too.
        (FACTS, MONDAY + timedelta(hours=7, minutes=59), MONDAY + timedelta(hours=23)),
        (called(60, 50, 40, 30, 20), MONDAY, MONDAY + timedelta(hours=23)),
        (replace(FACTS, do_not_call=True), MONDAY, None),
    ],
)
def test_the_next_time_after_a_call_in_flight_is_checked(
    facts: GateFacts, at: datetime, retry_at: datetime | None
) -> None:
    busy = replace(facts, attempts=(*facts.attempts, EarlierAttempt(at - timedelta(seconds=5))))
    decision = answer(POLICY, busy, at)
    assert (decision.allowed, decision.retry_at) == (False, retry_at)
    replay = replay_of(POLICY)
    assert replay.check(body_of(decision, busy, at)) == ()
    (words,) = replay.check(body_of(replace(decision, retry_at=at + timedelta(seconds=61)), busy, at))
    assert "may be tried again" in words


UK = load_policy(("uk-ofcom",))
(UK_BUDGET,) = UK.demand.budgets
LISTENED = replace(FACTS, tallies=(), budgets=(BudgetUse(UK_BUDGET.key, 100, 3, 40, MONDAY, MONDAY, Heard(400, 2, 1)),))


def test_facts_from_before_anybody_listened_are_still_read() -> None:
    """Their budgets do not say what listeners heard."""
    body = body_of(evaluate(UK, LISTENED, MONDAY), LISTENED)
    older = body.replace(b',"heard":{"listened":400,"people":2,"unclear":1}', b"")
    assert older != body
    assert replay_of(UK).check(older) == replay_of(UK).check(body) == ()


def test_counts_that_cannot_be_are_told_and_not_stumbled_over() -> None:
    body = body_of(evaluate(UK, LISTENED, MONDAY), LISTENED)
    (found,) = replay_of(UK).check(body.replace(b'"people":2', b'"people":401'))
    assert "its decision cannot be read" in found
