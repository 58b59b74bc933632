"""What a launch check tells of waiting entries, on both engines: the gate's own words, and asking changes nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from dialer.compliance.policy import Policy
from dialer.model.attempt import AttemptState, Disposition
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.decision import Decision, RefusedExample
from dialer.model.entry import WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.storage import Storage, survey
from dialer.storage.do_not_call import Listing
from tests.support.policy import bank_policy
from tests.support.storage import MONDAY, Dialing, contacts, open_storage, run_campaign

LISTING = Listing("debtor", "asked for it")
NIGHT = MONDAY + timedelta(hours=12)  # 22:00 in Shanghai
TUESDAY_OPENS = MONDAY + timedelta(hours=23)  # 9:00 there
FRIDAY = MONDAY + timedelta(days=4)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


async def test_everyone_may_be_called(storage: Storage, policy: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(7))
    found = await storage.survey.campaign(campaign_id, policy, MONDAY, examples=3)
    assert (found.surveyed, found.allowed, found.refused) == (7, 7, ())


async def test_a_rule_keeps_all_back_until_it_opens(
    storage: Storage, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "CHUNK", 2)
    campaign_id = await run_campaign(storage, contacts(5))
    found = await storage.survey.campaign(campaign_id, policy, NIGHT, examples=2)
    assert (found.surveyed, found.allowed) == (5, 0)
    rule, night = found.refused
    assert (night.rule, night.count) == ("cn.night", 5)
    assert (rule.rule, rule.count, rule.alone, rule.retry_at) == ("cn.window", 5, 0, TUESDAY_OPENS)
    assert "允许呼叫的时段" in rule.reason_zh
    assert rule.examples == (
        RefusedExample("case-0", "138****0000", rule.reason, TUESDAY_OPENS, rule.reason_zh),
        RefusedExample("case-1", "138****0001", rule.reason, TUESDAY_OPENS, rule.reason_zh),
    )


async def test_it_tells_how_far_it_has_come(storage: Storage, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "CHUNK", 2)
    campaign_id = await run_campaign(storage, contacts(5))
    seen: list[tuple[int, int]] = []
    await storage.survey.campaign(
        campaign_id, policy, NIGHT, examples=0, on_progress=lambda found: seen.append((found.surveyed, found.total))
    )
    assert seen == [(2, 5), (4, 5), (5, 5)]


async def test_the_days_on_which_entries_open(storage: Storage, policy: Policy) -> None:
    """Due, closed until tomorrow, due on another day, and never: each is counted where it belongs."""
    campaign_id = await run_campaign(storage, contacts(4))
    await storage.do_not_call.add_number("+8613800000000", LISTING, MONDAY)
    await storage.do_not_call.add_number("+8613900000000", LISTING, MONDAY)
    [later, soon] = await storage.entries.claim(campaign_id, "node1", 2, MONDAY)
    await storage.entries.put_back(later.entry_id, FRIDAY + timedelta(seconds=30), "as promised")
    await storage.entries.put_back(soon.entry_id, MONDAY + timedelta(hours=12, minutes=30), "as promised")
    found = await storage.survey.campaign(campaign_id, policy, NIGHT, examples=5)
    assert (found.total, found.surveyed, found.allowed, found.never) == (4, 4, 0, 1)
    assert [(day.day.isoformat(), day.count) for day in found.opens] == [("2026-11-24", 2), ("2026-11-27", 1)]
    assert found.opens[0].first_at == TUESDAY_OPENS
    assert found.opens[1].first_at == FRIDAY + timedelta(minutes=1)
    not_due = next(rule for rule in found.refused if rule.rule == survey.NOT_DUE)
    assert (not_due.count, not_due.alone) == (2, 1)
    window = next(rule for rule in found.refused if rule.rule == "cn.window")
    assert window.count == 3
    by_day = await storage.survey.campaign(campaign_id, policy, MONDAY, examples=5)
    assert (by_day.allowed, by_day.never) == (1, 1)


async def test_rules_are_told_apart_most_frequent_first(
    storage: Storage, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MAX_REMEMBERED", 1)
    foreign = [NewContact(f"p{n}", f"c{n}", (NewPhone(f"+4420794600{n:02d}"),), zone="Europe/London") for n in range(3)]
    campaign_id = await run_campaign(storage, [*contacts(4), *foreign])
    await storage.do_not_call.add_number("+8613800000001", LISTING, MONDAY)
    await storage.do_not_call.add_person("person-2", LISTING, MONDAY)
    found = await storage.survey.campaign(campaign_id, policy, MONDAY, examples=5)
    assert (found.surveyed, found.allowed) == (6, 2)  # the listed person's entry is stopped
    window, listed = found.refused
    assert (window.rule, window.count) == ("cn.night", 3)  # two in the morning in London
    assert (listed.count, listed.retry_at) == (1, None)
    assert [example.case_ref for example in listed.examples] == ["case-1"]
    assert "13800000001" not in repr(found)


async def test_it_says_what_a_reservation_would_get(storage: Storage, policy: Policy) -> None:
    """The survey reads the facts of many numbers at once, the reservation those of one: they must be the same."""
    campaign_id = await run_campaign(storage, contacts(4))
    dialing = Dialing(storage, policy)
    at = MONDAY
    for _ in range(6):  # until the cap on unanswered attempts refuses
        for candidate in await dialing.claim(campaign_id, 2, at):
            answer = await dialing.ask(dialing.reservation(candidate), at)
            if not isinstance(answer, Decision):
                await dialing.settle(answer, Disposition.NO_ANSWER, at, None)
            else:
                await storage.entries.put_back(candidate.entry_id, at, answer.reason)
        at += timedelta(minutes=20)
    found = await storage.survey.campaign(campaign_id, policy, at, examples=5)
    refused = {
        example.case_ref: (example.reason, example.retry_at) for rule in found.refused for example in rule.examples
    }
    for candidate in await dialing.claim(campaign_id, 4, at):
        answer = await dialing.ask(dialing.reservation(candidate), at)
        said = (answer.reason, answer.retry_at) if isinstance(answer, Decision) else None
        assert refused.pop(candidate.contact.case_ref, None) == said


async def test_the_end_of_the_day_is_that_of_a_reservation(storage: Storage, policy: Policy) -> None:
    """A call is asked for that rings a little longer than it will: half a minute before six nobody may be called."""
    campaign_id = await run_campaign(storage, contacts(1))
    at = MONDAY + timedelta(hours=7, minutes=59, seconds=27)
    found = await storage.survey.campaign(campaign_id, policy, at, examples=1)
    assert (found.allowed, [rule.rule for rule in found.refused]) == (0, ["cn.window"])


async def test_a_promised_callback_is_asked_about_as_one(storage: Storage, policy: Policy) -> None:
    """The rest after a conversation does not bind a callback; it binds the same entry without a promise."""
    campaign_id = await run_campaign(storage, contacts(1))
    dialing = Dialing(storage, policy)
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await dialing.reserve(dialing.reservation(candidate))
    await storage.attempts.mark(attempt.attempt_id, AttemptState.CONNECTED, MONDAY)
    await storage.attempts.flush_marks()
    await dialing.settle(attempt, Disposition.CONNECTED)
    soon = MONDAY + timedelta(minutes=30)
    promise = WrapUp(attempt.attempt_id, 7, "later", MONDAY, {}, callback_at=soon)
    await storage.wrap_ups.record(promise, WrapUpEffects(callback_at=soon, callback_agent_id=7), MONDAY)
    found = await storage.survey.campaign(campaign_id, policy, soon, examples=1)
    assert (found.surveyed, found.allowed, found.refused) == (1, 1, ())
    (again,) = await storage.entries.claim(campaign_id, "node1", 1, soon, agents=(7,))
    await dialing.reserve(dialing.reservation(again), soon)


async def test_the_number_that_would_be_shown_is_asked_about(storage: Storage, policy: Policy) -> None:
    campaign_id = await run_campaign(storage, contacts(1))
    found = await storage.survey.campaign(campaign_id, policy, MONDAY, examples=1, caller_id="+8640099999999")
    assert [rule.rule for rule in found.refused] == ["cn.caller-id"]


async def test_a_campaign_that_is_not_there(storage: Storage, policy: Policy) -> None:
    found = await storage.survey.campaign(99, policy, MONDAY, examples=1)
    assert (found.surveyed, found.allowed, found.refused) == (0, 0, ())
