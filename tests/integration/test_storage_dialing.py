"""From the claim to the settled attempt, on both engines."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.compliance.policy import Policy
from dialer.model.attempt import Attempt, AttemptFilter, AttemptState, CallPath, Disposition, NetworkCause, Settlement
from dialer.model.campaign import CampaignState
from dialer.model.contact import CaseStatus
from dialer.model.decision import Decision
from dialer.model.entry import NextStep, WrapUpEffects
from dialer.model.outcome import EventType, WrapUp
from dialer.storage import Listing, Storage
from dialer.storage.claiming import CALLBACK_GRACE
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, open_storage, run_campaign
from tests.support.storage_books import check_books


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        await opened.outbox.register("hook")
        yield opened


@pytest.fixture
def dialing(storage: Storage, policy: Policy) -> Dialing:
    return Dialing(storage, policy)


async def _event_types(storage: Storage) -> list[EventType]:
    return [event.type for event in await storage.outbox.events() if event.type is not EventType.CAMPAIGN_STATE]


async def test_claims_by_priority_and_each_entry_once(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(10))
    first = await dialing.claim(campaign_id, 4)
    assert [candidate.contact.person_ref for candidate in first] == ["person-9", "person-8", "person-7", "person-6"]
    assert first[0].phone.number == "+8613800000009"
    assert first[0].contact.name == "王9"
    assert first[0].path is CallPath.PROGRESSIVE
    rest = await dialing.claim(campaign_id, 100)
    assert {candidate.entry_id for candidate in first}.isdisjoint(candidate.entry_id for candidate in rest)
    assert len(first) + len(rest) == 10
    assert await dialing.claim(campaign_id, 1) == ()


async def test_claims_of_two_nodes_never_overlap(storage: Storage) -> None:
    campaign_id = await run_campaign(storage, contacts(60))
    claims = [storage.entries.claim(campaign_id, f"node{n}", 5, MONDAY) for n in range(12)]
    claimed = [candidate.entry_id for batch in await asyncio.gather(*claims) for candidate in batch]
    assert len(claimed) == len(set(claimed)) == 60


async def test_claims_nothing_unless_running(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(2))
    moved = await storage.campaigns.set_state(campaign_id, CampaignState.RUNNING, CampaignState.PAUSED, "lunch", MONDAY)
    assert moved
    assert await dialing.claim(campaign_id) == ()
    late = await storage.campaigns.set_state(campaign_id, CampaignState.RUNNING, CampaignState.DRAINING, "", MONDAY)
    assert not late


async def test_put_back_waits_until_then(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    other = candidate.contact.phones[1]
    await storage.entries.put_back(candidate.entry_id, MONDAY + MINUTE, "refused", phone_id=other.phone_id)
    assert await dialing.claim(campaign_id) == ()
    (again,) = await dialing.claim(campaign_id, now=MONDAY + MINUTE)
    assert again.phone == other
    await storage.entries.put_back(again.entry_id, None, "never")
    assert (await storage.entries.counts(campaign_id, MONDAY)).exhausted == 1


async def test_a_number_that_may_never_be_called_makes_room_for_the_next(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    listing = Listing("letter", "asked in writing")
    await storage.do_not_call.add_number(candidate.phone.number, listing, MONDAY)
    refused = await dialing.ask(dialing.reservation(candidate))
    assert isinstance(refused, Decision)
    await storage.entries.put_back(candidate.entry_id, refused.retry_at, refused.reason)
    (again,) = await dialing.claim(campaign_id)
    assert again.phone == candidate.contact.phones[1]
    assert isinstance(await dialing.ask(dialing.reservation(again)), Attempt)


async def test_expired_lease_is_claimed_again(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    later = MONDAY + timedelta(hours=1)
    (again,) = await storage.entries.claim(campaign_id, "node2", 1, later)
    assert again.entry_id == candidate.entry_id
    refused = await dialing.ask(dialing.reservation(candidate), later)  # the first node has lost it
    assert isinstance(refused, Decision)
    assert refused.rule == "entry.not_leased"


async def test_one_call_to_a_number_at_a_time(storage: Storage, dialing: Dialing) -> None:
    twins = [replace(contacts(1)[0], person_ref=f"twin-{n}", case_ref=f"twin-{n}") for n in range(8)]
    campaign_id = await run_campaign(storage, twins)
    candidates = await dialing.claim(campaign_id, 8)
    answers = await asyncio.gather(*(dialing.ask(dialing.reservation(candidate)) for candidate in candidates))
    assert sum(isinstance(answer, Attempt) for answer in answers) == 1
    refusals = [answer for answer in answers if isinstance(answer, Decision)]
    assert {refusal.rule for refusal in refusals} == {"cn.one-call"}
    assert {refusal.retry_at for refusal in refusals} == {MONDAY + MINUTE}
    stored = await storage.statistics.refusals(campaign_id)
    assert {(refusal.rule, refusal.number_masked) for refusal in stored} == {("cn.one-call", "138****0000")}
    assert {(refusal.reason, refusal.reason_zh) for refusal in stored} == {
        ("another call for this number is in flight", "此号码另有一个呼叫正在进行")
    }
    assert len(stored) == 7


async def test_race_for_the_last_slot_of_the_cap(storage: Storage, dialing: Dialing) -> None:
    """Six unanswered attempts a day; five are spent, many ask for the sixth, on several nodes at once."""
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    for n in range(5):
        attempt = await dialing.reserve(dialing.by_hand(candidate), MONDAY + n * MINUTE)
        await dialing.settle(attempt, Disposition.NO_ANSWER, MONDAY + n * MINUTE, None)
    nodes = [replace(dialing, node=f"node{n}") for n in range(6)]
    at = MONDAY + 10 * MINUTE
    winners = await asyncio.gather(*(node.ask(node.by_hand(candidate), at) for node in nodes))
    (won,) = [answer for answer in winners if isinstance(answer, Attempt)]
    await dialing.settle(won, Disposition.BUSY, at, None)
    refused = await dialing.ask(dialing.by_hand(candidate), at + MINUTE)
    assert isinstance(refused, Decision)
    assert refused.rule == "cn.unreached"


@pytest.mark.parametrize("ending", ["trunk fault", "released"])
async def test_what_never_rang_gives_its_slot_back(storage: Storage, dialing: Dialing, ending: str) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    for n in range(12):  # twice the cap
        attempt = await dialing.reserve(dialing.by_hand(candidate), MONDAY + n * MINUTE)
        if ending == "released":
            assert await storage.attempts.release(attempt.attempt_id, "no trunk", MONDAY)
        else:
            await dialing.settle(attempt, Disposition.TRUNK_CONGESTION, MONDAY + n * MINUTE, None)
    assert isinstance(await dialing.ask(dialing.by_hand(candidate), MONDAY + 12 * MINUTE), Attempt)


async def test_a_trunk_fault_after_ringing_counts(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    for n in range(6):
        at = MONDAY + n * MINUTE
        attempt = await dialing.reserve(dialing.by_hand(candidate), at)
        settlement = Settlement(attempt.attempt_id, Disposition.TRUNK_CONGESTION, at, ringing_at=at)
        await storage.attempts.settle(settlement, None, at)
    assert isinstance(await dialing.ask(dialing.by_hand(candidate), MONDAY + 6 * MINUTE), Decision)


async def test_release_gives_the_entry_back_to_its_node(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    assert await storage.attempts.release(attempt.attempt_id, "no trunk", MONDAY)
    assert not await storage.attempts.release(attempt.attempt_id, "again", MONDAY)
    assert isinstance(await dialing.ask(dialing.reservation(candidate), MONDAY + MINUTE), Attempt)


async def test_settles_once_with_entry_and_event(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await storage.attempts.mark(attempt.attempt_id, AttemptState.ALERTING, MONDAY)
    await storage.attempts.flush_marks()
    marked = await storage.attempts.get(attempt.attempt_id)
    assert marked is not None
    assert (marked.state, marked.ringing_at) == (AttemptState.ALERTING, MONDAY)
    ended = MONDAY + MINUTE
    settlement = Settlement(
        attempt.attempt_id, Disposition.BUSY, ended, trunk="t1", cause=NetworkCause(486, "Busy Here")
    )
    step = NextStep(candidate.contact.phones[1].phone_id, ended + MINUTE, exhausted=False, reason="busy: again")
    assert await storage.attempts.settle(settlement, step, ended)
    assert not await storage.attempts.settle(replace(settlement, disposition=Disposition.MACHINE), NO_MORE, ended)
    stored = await storage.attempts.get(attempt.attempt_id)
    assert stored is not None
    assert (stored.state, stored.disposition, stored.trunk) == (AttemptState.SETTLED, Disposition.BUSY, "t1")
    assert (stored.cause.sip_status, stored.ringing_at) == (486, MONDAY)
    assert await _event_types(storage) == [EventType.ATTEMPT_SETTLED]
    assert await dialing.claim(campaign_id, now=ended) == ()
    (again,) = await dialing.claim(campaign_id, now=ended + MINUTE)
    assert again.phone == candidate.contact.phones[1]
    history = await storage.attempts.history(campaign_id, candidate.contact.contact_id)
    assert [past.disposition for past in history] == [Disposition.BUSY]


async def test_recovery_leaves_nothing_to_chance(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(3))
    candidate, leased = await dialing.claim(campaign_id, 2)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    other = replace(dialing, node="node2")
    (theirs,) = await other.claim(campaign_id)
    kept = await other.reserve(other.reservation(theirs))
    back = MONDAY + MINUTE
    assert await storage.attempts.recover("node1", back) == 1
    assert await storage.attempts.recover("node1", back) == 0
    lost = await storage.attempts.get(attempt.attempt_id)
    assert lost is not None
    assert (lost.state, lost.disposition) == (AttemptState.UNKNOWN, Disposition.UNKNOWN)
    assert (await storage.attempts.get(kept.attempt_id)) == kept
    assert await _event_types(storage) == [EventType.ATTEMPT_UNKNOWN]
    assert (await storage.entries.counts(campaign_id, back)).reconcile == 1
    (only,) = await dialing.claim(campaign_id, 10, back + 60 * MINUTE)  # not the lost one
    assert only.entry_id == leased.entry_id
    assert not await dialing.settle(attempt, Disposition.BUSY, back)  # it is a person's word that counts now
    assert await storage.attempts.reconcile(attempt.attempt_id, Disposition.NO_ANSWER, "admin", back + 20 * MINUTE)
    assert not await storage.attempts.reconcile(attempt.attempt_id, Disposition.BUSY, "admin", back)
    (again,) = await dialing.claim(campaign_id, 10, back + 60 * MINUTE)
    assert again.entry_id == candidate.entry_id
    assert await _event_types(storage) == [EventType.ATTEMPT_UNKNOWN, EventType.ATTEMPT_SETTLED]


async def test_a_reservation_nobody_knows_of_is_reclaimed(storage: Storage, dialing: Dialing) -> None:
    """Its answer was lost on the way: it counts, and its entry waits for a person's word instead of hanging."""
    campaign_id = await run_campaign(storage, contacts(4))
    old, known, young, ahead = await dialing.claim(campaign_id, 4)
    left = await dialing.reserve(dialing.reservation(old))
    running = await dialing.reserve(dialing.reservation(known))
    now = MONDAY + 10 * MINUTE
    await dialing.reserve(dialing.reservation(young), now)
    stepped = await dialing.reserve(dialing.reservation(ahead), now + 30 * MINUTE)  # the clock stepped back since
    older_than = now - 5 * MINUTE
    assert await storage.attempts.reclaim("node2", (), older_than, now) == 0
    assert await storage.attempts.reclaim("node1", {running.attempt_id}, older_than, now) == 2
    assert await storage.attempts.reclaim("node1", {running.attempt_id}, older_than, now) == 0
    for lost in (left, stepped):
        attempt = await storage.attempts.get(lost.attempt_id)
        assert attempt is not None
        assert attempt.state is AttemptState.UNKNOWN
    counts = await storage.entries.counts(campaign_id, now)
    assert (counts.reconcile, counts.dialing) == (2, 2)
    assert await check_books(storage) == {"unknown": 2, "reserved": 2}


async def test_an_end_nobody_learned_waits_for_a_person_like_a_crash(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    assert await dialing.settle(attempt, Disposition.UNKNOWN)
    lost = await storage.attempts.get(attempt.attempt_id)
    assert lost is not None
    assert lost.state is AttemptState.UNKNOWN
    assert await _event_types(storage) == [EventType.ATTEMPT_UNKNOWN]
    assert (await storage.entries.counts(campaign_id, MONDAY)).reconcile == 1
    assert await dialing.claim(campaign_id, 1, MONDAY + 600 * MINUTE) == ()


async def test_unknown_blocks_and_counts(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    await dialing.reserve(dialing.by_hand(candidate))
    await storage.attempts.recover("node1", MONDAY)
    refused = await dialing.ask(dialing.by_hand(candidate), MONDAY + MINUTE)
    assert isinstance(refused, Decision)
    assert (refused.rule, refused.retry_at) == ("cn.after-unknown", MONDAY + 10 * MINUTE)


async def test_promised_callback_comes_first(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(3))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    promised = MONDAY + 5 * MINUTE
    wrap_up = WrapUp(attempt.attempt_id, 7, "callback", MONDAY, {}, promised)
    effects = WrapUpEffects(callback_at=promised, callback_agent_id=7)
    assert await storage.wrap_ups.record(wrap_up, effects, MONDAY)
    assert await dialing.settle(attempt, Disposition.CONNECTED)  # the wrap-up came first: its word stands
    early = await dialing.claim(campaign_id)
    assert early[0].path is not CallPath.CALLBACK
    away = await storage.entries.claim(campaign_id, "node1", 1, promised, agents={8})
    assert away[0].path is not CallPath.CALLBACK
    (due,) = await storage.entries.claim(campaign_id, "node1", 1, promised, agents={7, 8})
    assert (due.path, due.agent_id, due.entry_id) == (CallPath.CALLBACK, 7, candidate.entry_id)
    await storage.entries.put_back(due.entry_id, promised + MINUTE, "the collector is talking")
    (again,) = await dialing.claim(campaign_id, now=promised + MINUTE)
    assert again.path is CallPath.CALLBACK


async def test_a_callback_whose_collector_does_not_come_is_kept_by_another(storage: Storage, dialing: Dialing) -> None:
    """Who promised it may be ill, or gone for good: the person waits all the same."""
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await dialing.settle(attempt, Disposition.CONNECTED)
    wrap_up = WrapUp(attempt.attempt_id, 7, "callback", MONDAY, {}, MONDAY)
    await storage.wrap_ups.record(wrap_up, WrapUpEffects(callback_at=MONDAY, callback_agent_id=7), MONDAY)
    (due,) = await storage.entries.claim(campaign_id, "node1", 1, MONDAY, agents={7})
    later = MONDAY + CALLBACK_GRACE
    await storage.entries.put_back(due.entry_id, later - MINUTE, "the collector is talking")
    assert await storage.entries.claim(campaign_id, "node1", 1, later - MINUTE, agents={8}) == ()
    (taken,) = await storage.entries.claim(campaign_id, "node1", 1, later, agents={8})
    assert (taken.path, taken.agent_id) == (CallPath.CALLBACK, None)
    await storage.entries.put_back(taken.entry_id, later, "nobody is ready")
    (again,) = await storage.entries.claim(campaign_id, "node1", 1, later, agents={7})
    assert again.agent_id == 7, "its own collector keeps it while there"


async def test_wrap_up_once_with_all_its_effects(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await dialing.settle(attempt, Disposition.CONNECTED)
    wrap_up = WrapUp(attempt.attempt_id, 7, "never", MONDAY, {"hardship": True}, note="打 13800000000 无用")
    effects = WrapUpEffects(final=True, right_party=True, do_not_call=True)
    assert await storage.wrap_ups.record(wrap_up, effects, MONDAY)
    assert not await storage.wrap_ups.record(replace(wrap_up, recorded_at=MONDAY + MINUTE), effects, MONDAY)
    with pytest.raises(Exception, match="says something else"):
        await storage.wrap_ups.record(replace(wrap_up, code="ptp"), effects, MONDAY)
    assert await storage.wrap_ups.get(attempt.attempt_id) == wrap_up
    assert (await storage.entries.counts(campaign_id, MONDAY)).done == 1
    (listed,) = await storage.do_not_call.of_number(candidate.phone.number)
    assert listed.number_masked == "138****0000"
    assert await _event_types(storage) == [EventType.ATTEMPT_SETTLED, EventType.DO_NOT_CALL, EventType.WRAP_UP]
    refused = await dialing.ask(dialing.by_hand(candidate), MONDAY + MINUTE)
    assert isinstance(refused, Decision)
    assert (refused.rule, refused.retry_at) == ("cn.do-not-call", None)
    figures = await storage.statistics.campaign(campaign_id, MONDAY)
    assert (figures.live, figures.abandoned, figures.right_party) == (1, 0, 1)
    assert figures.wrap_ups == {"never": 1}


async def test_do_not_call_of_a_person_until_removed(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    (candidate,) = await dialing.claim(campaign_id)
    listing = Listing("letter", "asked in writing")
    listed = await storage.do_not_call.add_person("person-0", listing, MONDAY)
    assert await storage.do_not_call.add_person("person-0", listing, MONDAY) == listed
    assert isinstance(await dialing.ask(dialing.by_hand(candidate)), Decision)
    assert await storage.do_not_call.remove(listed, "admin", MONDAY)
    assert not await storage.do_not_call.remove(listed, "admin", MONDAY)
    assert isinstance(await dialing.ask(dialing.by_hand(candidate)), Attempt)


async def test_a_paid_case_stops_at_once(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(2))
    (candidate,) = await dialing.claim(campaign_id)
    assert (await storage.cases.set_status("case-1", CaseStatus.PAID, MONDAY)).entries == 1
    refused = await dialing.ask(dialing.reservation(candidate))
    assert isinstance(refused, Decision)
    assert refused.rule == "cn.case"
    assert (await storage.entries.counts(campaign_id, MONDAY)).stopped == 1
    assert (await storage.cases.set_status("case-1", CaseStatus.OPEN, MONDAY)).entries == 1
    (again,) = await dialing.claim(campaign_id)
    assert again.contact.case_status is CaseStatus.OPEN


async def test_attempts_are_listed_page_by_page(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await run_campaign(storage, contacts(5))
    for candidate in await dialing.claim(campaign_id, 5):
        await dialing.settle(await dialing.reserve(dialing.reservation(candidate)), Disposition.ABANDONED)
    first = await storage.attempts.list(AttemptFilter(campaign_id=campaign_id), limit=3)
    second = await storage.attempts.list(AttemptFilter(campaign_id=campaign_id), first[-1].attempt_id, limit=3)
    ids = [attempt.attempt_id for attempt in first + second]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5
    assert await storage.attempts.list(AttemptFilter(case_ref="case-3", dispositions=(Disposition.BUSY,))) == ()
    assert len(await storage.attempts.list(AttemptFilter(states=(AttemptState.SETTLED,), since=MONDAY))) == 5
    for since, expected in ((MONDAY, (5, 5)), (MONDAY + MINUTE, (0, 0))):
        figures = await storage.statistics.campaign(campaign_id, MONDAY, since)
        assert (figures.live, figures.abandoned) == expected
