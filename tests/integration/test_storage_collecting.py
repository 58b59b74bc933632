"""What collectors record and ask of their own work: identities, callbacks, the day."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from dialer.errors import InputError
from dialer.model.attempt import Attempt, Disposition, Settlement
from dialer.model.campaign import CampaignSettings, DispositionCode, DispositionForm
from dialer.model.collecting import CollectorDay, IdentityCheck, IdentityResult
from dialer.model.contact import CaseStatus
from dialer.model.entry import Candidate, WrapUpEffects
from dialer.model.outcome import EventType, WrapUp
from dialer.storage import Storage
from tests.support.policy import HOUSE_NUMBER, bank_policy
from tests.support.storage import MINUTE, MONDAY, Dialing, contacts, open_storage, run_campaign

AGENT = 7
DAY = timedelta(days=1)
FORM = DispositionForm(
    (
        DispositionCode("promise", "promise", right_party=True, promise=True),
        DispositionCode("later", "later", callback=True),
    )
)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture
def dialing(storage: Storage) -> Dialing:
    return Dialing(storage, bank_policy())


async def campaign_of(storage: Storage, n: int) -> int:
    campaign_id = await run_campaign(storage, contacts(n))
    await storage.campaigns.change_settings(campaign_id, CampaignSettings(caller_ids=(HOUSE_NUMBER,), form=FORM))
    return campaign_id


async def talked(dialing: Dialing, candidate: Candidate, *, agent_id: int = AGENT, by_hand: bool = False) -> Attempt:
    attempt = await dialing.reserve(dialing.by_hand(candidate) if by_hand else dialing.reservation(candidate))
    end = Settlement(
        attempt.attempt_id, Disposition.CONNECTED, MONDAY, agent_id=agent_id, answered_at=MONDAY, connected_at=MONDAY
    )
    await dialing.storage.attempts.settle(end, None, MONDAY)
    return attempt


async def test_the_last_word_on_an_identity_counts_and_all_are_kept(storage: Storage, dialing: Dialing) -> None:
    (candidate,) = await dialing.claim(await campaign_of(storage, 1))
    attempt = await talked(dialing, candidate)
    checks = storage.identity_checks
    assert await checks.latest(attempt.attempt_id) is None
    said = [
        IdentityCheck(attempt.attempt_id, AGENT, result, MONDAY + n * MINUTE)
        for n, result in enumerate((IdentityResult.UNSURE, IdentityResult.CONFIRMED))
    ]
    for check in said:
        await checks.record(check)
    assert await checks.latest(attempt.attempt_id) == said[-1]
    assert await checks.of_attempts([attempt.attempt_id, 999]) == {attempt.attempt_id: tuple(said)}

    wrap_up = WrapUp(attempt.attempt_id, AGENT, "promise", MONDAY, {})
    await storage.wrap_ups.record(wrap_up, WrapUpEffects(right_party=True), MONDAY)
    assert await storage.wrap_ups.of_attempts([attempt.attempt_id, 999]) == {attempt.attempt_id: wrap_up}
    (event,) = [event for event in await storage.outbox.events() if event.type is EventType.WRAP_UP]
    assert event.data["identity"] == {"result": "confirmed", "at": "2026-11-23T02:01:00.000Z"}


async def test_own_callbacks_are_listed_moved_and_cancelled(storage: Storage, dialing: Dialing) -> None:
    campaign_id = await campaign_of(storage, 3)
    candidates = await dialing.claim(campaign_id, 3)
    for n, candidate in enumerate(candidates):
        agent_id = AGENT if n < 2 else AGENT + 1
        attempt = await talked(dialing, candidate, agent_id=agent_id)
        at = MONDAY + DAY - n * MINUTE
        effects = WrapUpEffects(callback_at=at, callback_agent_id=agent_id)
        await storage.wrap_ups.record(WrapUp(attempt.attempt_id, agent_id, "later", MONDAY, {}, at), effects, MONDAY)
    collecting = storage.collecting
    second, first = candidates[0], candidates[1]
    listed = await collecting.callbacks(AGENT)
    assert [(each.entry_id, each.person_name) for each in listed] == [
        (first.entry_id, first.contact.name),
        (second.entry_id, second.contact.name),
    ]
    assert listed[0].number_masked == f"138****{first.phone.number[-4:]}"

    assert not await collecting.move_callback(AGENT, candidates[2].entry_id, MONDAY, "not mine")
    assert await collecting.move_callback(AGENT, first.entry_id, MONDAY + 2 * DAY, "moved")
    assert await collecting.move_callback(AGENT, second.entry_id, None, "cancelled")
    (left,) = await collecting.callbacks(AGENT)
    assert (left.entry_id, left.callback_at) == (first.entry_id, MONDAY + 2 * DAY)
    again = await storage.entries.claim(campaign_id, "node1", 3, MONDAY + DAY, agents=[AGENT + 1])
    assert {each.entry_id for each in again} == {second.entry_id, candidates[2].entry_id}, "an entry like any other"


def promise(attempt: Attempt) -> tuple[WrapUp, WrapUpEffects]:
    at = MONDAY + DAY
    return WrapUp(attempt.attempt_id, AGENT, "later", MONDAY, {}, at), WrapUpEffects(
        callback_at=at, callback_agent_id=AGENT
    )


async def test_a_call_dialed_by_hand_speaks_for_its_case(storage: Storage, dialing: Dialing) -> None:
    """No entry was taken for it; what was promised or settled in it holds all the same."""
    campaign_id = await campaign_of(storage, 2)
    kept, over = await dialing.claim(campaign_id, 2)
    await storage.wrap_ups.record(*promise(await talked(dialing, kept, by_hand=True)), MONDAY)
    (listed,) = await storage.collecting.callbacks(AGENT)
    assert (listed.entry_id, listed.callback_at) == (kept.entry_id, MONDAY + DAY)
    assert listed.phone_id == kept.phone.phone_id

    attempt = await talked(dialing, over, by_hand=True)
    await storage.wrap_ups.record(
        WrapUp(attempt.attempt_id, AGENT, "promise", MONDAY, {}), WrapUpEffects(final=True), MONDAY
    )
    assert (await storage.entries.counts(campaign_id, MONDAY)).done == 1


@pytest.mark.parametrize("obstacle", ["stopped", "dialed elsewhere"])
async def test_a_callback_that_cannot_be_kept_is_not_recorded(
    storage: Storage, dialing: Dialing, obstacle: str
) -> None:
    campaign_id = await campaign_of(storage, 1)
    (candidate,) = await dialing.claim(campaign_id)
    attempt = await talked(dialing, candidate, by_hand=True)
    if obstacle == "stopped":
        await storage.cases.set_status(candidate.contact.case_ref, CaseStatus.HOLD, MONDAY)
    else:
        await dialing.reserve(dialing.reservation(candidate), MONDAY + timedelta(hours=3))
    before = await storage.entries.counts(campaign_id, MONDAY)
    with pytest.raises(InputError, match="no callback can be kept"):
        await storage.wrap_ups.record(*promise(attempt), MONDAY)
    assert await storage.wrap_ups.get(attempt.attempt_id) is None
    final = WrapUp(attempt.attempt_id, AGENT, "promise", MONDAY, {})
    assert await storage.wrap_ups.record(final, WrapUpEffects(final=True), MONDAY), "another outcome may be chosen"
    assert await storage.entries.counts(campaign_id, MONDAY) == before


async def test_the_figures_of_a_day_are_the_collectors_own(storage: Storage, dialing: Dialing) -> None:
    candidates = await dialing.claim(await campaign_of(storage, 3), 3)
    for n, candidate in enumerate(candidates):
        attempt = await talked(dialing, candidate, agent_id=AGENT if n < 2 else AGENT + 1)
        if n == 0:
            wrap_up = WrapUp(attempt.attempt_id, AGENT, "promise", MONDAY, {})
            await storage.wrap_ups.record(wrap_up, WrapUpEffects(right_party=True), MONDAY)
    assert await storage.collecting.day(AGENT, MONDAY - DAY) == CollectorDay(calls=2, right_party=1, promises=1)
    assert await storage.collecting.day(AGENT, MONDAY + DAY) == CollectorDay()
