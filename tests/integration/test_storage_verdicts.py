"""Verdicts on record: kept once, found by pages, drawn by chance, labelled by people, their audio gone in time."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from dialer.compliance.demand import BudgetDemand
from dialer.compliance.policy import Policy
from dialer.compliance.spans import Ever, Rolling, Span
from dialer.model.verdict_sample import FalseMachines, Heard, SampleFilter, VerdictCount, VerdictPhase
from dialer.progress.verdict import Label
from dialer.storage import Storage
from dialer.storage.tallies import budget_use
from tests.support.policy import bank_policy
from tests.support.storage import MINUTE, MONDAY, open_storage
from tests.support.verdicts import Judged, answered, verdict_on

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
N = 12


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def policy() -> Policy:
    return bank_policy()


@pytest.fixture
async def judged(storage: Storage, policy: Policy) -> Judged:
    return await answered(storage, policy, N)


async def test_a_verdict_is_kept_once_and_comes_back_as_it_was(storage: Storage, judged: Judged) -> None:
    kept = verdict_on(judged.attempts[0], Label.HUMAN, MONDAY, greeting_end_ms=900, reason="speaks and waits")
    sample_id = await storage.verdict_samples.keep(kept)
    assert await storage.verdict_samples.keep(verdict_on(judged.attempts[0], Label.FAX, MONDAY)) == sample_id
    early = await judged.keep(0, Label.ANNOUNCEMENT, phase=VerdictPhase.EARLY)
    assert early != sample_id
    sample = await storage.verdict_samples.get(sample_id)
    assert sample is not None
    assert {name: getattr(sample, name) for name in type(kept).__slots__} == {
        name: getattr(kept, name) for name in type(kept).__slots__
    }
    assert (sample.truth, sample.labelled_at, sample.drawn_at) == (None, None, None)
    assert await storage.verdict_samples.get(99) is None


async def test_pages_stay_where_they_are_while_new_verdicts_come(storage: Storage, judged: Judged) -> None:
    samples = storage.verdict_samples
    ids = [await judged.keep(n, Label.HUMAN if n % 3 == 0 else Label.MACHINE, MONDAY + n * MINUTE) for n in range(6)]
    first = await samples.find(SampleFilter(judged.campaign_id), 4)
    await judged.keep(7)
    second = await samples.find(SampleFilter(judged.campaign_id), 4, first[-1].sample_id)
    assert [sample.sample_id for sample in (*first, *second)] == ids[::-1]
    people = await samples.find(SampleFilter(label="human", since=MONDAY + MINUTE))
    assert [sample.sample_id for sample in people] == [ids[3]]
    assert await samples.find(SampleFilter(99)) == await samples.find(SampleFilter(phase=VerdictPhase.EARLY)) == ()


async def test_a_second_label_takes_the_place_of_the_first(storage: Storage, judged: Judged) -> None:
    samples, sample_id = storage.verdict_samples, await judged.keep(0)
    await samples.label(sample_id, Label.MACHINE, "li", MONDAY)
    after = await samples.label(sample_id, Label.HUMAN, "wang", MONDAY + MINUTE)
    assert after is not None
    assert (after.truth, after.labelled_by, after.labelled_at) == ("human", "wang", MONDAY + MINUTE)
    assert await samples.label(99, Label.HUMAN, "wang", MONDAY) is None
    assert [s.sample_id for s in await samples.find(SampleFilter(labelled=True))] == [sample_id]
    assert await samples.find(SampleFilter(labelled=False)) == ()


async def test_chance_draws_the_same_for_the_same_seed(storage: Storage, judged: Judged) -> None:
    samples = storage.verdict_samples
    for n in range(N - 2):
        await judged.keep(n)
    drawn = await samples.draw(judged.campaign_id, Label.MACHINE, 4, "li", MONDAY)
    assert {sample.drawn_at for sample in drawn} == {MONDAY}
    again = await samples.draw(judged.campaign_id, Label.MACHINE, 4, "li", MONDAY + MINUTE)
    assert again == drawn, "who was drawn before stays drawn then"
    other = await samples.draw(judged.campaign_id, Label.MACHINE, 4, "wang", MONDAY)
    assert [sample.sample_id for sample in other] != [sample.sample_id for sample in drawn]
    await samples.label(drawn[0].sample_id, Label.MACHINE, "li", MONDAY)
    after = await samples.draw(judged.campaign_id, Label.MACHINE, 4, "li", MONDAY)
    assert [s.sample_id for s in after[:3]] == [s.sample_id for s in drawn[1:]], (
        "only who was labelled leaves the queue"
    )


async def test_only_what_can_be_listened_to_is_drawn(storage: Storage, judged: Judged) -> None:
    samples = storage.verdict_samples
    await judged.keep(0, audio_path="", audio_bytes=0)
    await judged.keep(1, Label.HUMAN)
    await judged.keep(2, now=MONDAY - DAY)
    wanted = await judged.keep(3)
    drawn = await samples.draw(judged.campaign_id, Label.MACHINE, 50, "1", MONDAY, since=MONDAY)
    assert [sample.sample_id for sample in drawn] == [wanted]
    assert await samples.find(SampleFilter(drawn=True)) == drawn
    others = await samples.find(SampleFilter(drawn=False))
    assert len(others) == 3
    assert wanted not in {sample.sample_id for sample in others}
    assert await samples.draw(99, Label.MACHINE, 50, "1", MONDAY) == ()


async def test_only_drawn_verdicts_tell_how_many_people_were_lost(storage: Storage, judged: Judged) -> None:
    samples, campaign_id = storage.verdict_samples, judged.campaign_id
    ids = [await judged.keep(n) for n in range(N)]
    assert await samples.false_machines(campaign_id) == FalseMachines(N, 0, 0, None, 0.0, 1.0)
    drawn = await samples.draw(campaign_id, Label.MACHINE, 5, "1", MONDAY)
    truths = (Label.HUMAN, Label.MACHINE, Label.MACHINE, Label.FAX, Label.UNKNOWN)
    for sample, truth in zip(drawn, truths, strict=True):
        await samples.label(sample.sample_id, truth, "li", MONDAY)
    picked = next(sample_id for sample_id in ids if sample_id not in {sample.sample_id for sample in drawn})
    await samples.label(picked, Label.HUMAN, "li", MONDAY)
    false = await samples.false_machines(campaign_id)
    assert (false.verdicts, false.listened, false.people, false.unclear, false.share) == (N, 4, 1, 1, 0.25)
    assert 0 < false.low < 0.2 < 0.4 < false.high < 1, "what was unclear counts for one bound and not for the other"
    heard = {None: N - 6, "fax": 1, "human": 2, "machine": 2, "unknown": 1}
    assert set(await samples.counts(campaign_id)) == {
        VerdictCount(VerdictPhase.ANSWERED, "machine", truth, n) for truth, n in heard.items()
    }
    assert (await samples.false_machines(campaign_id, MONDAY + MINUTE)).verdicts == 0


async def test_a_budget_is_told_what_listeners_heard(storage: Storage, judged: Judged) -> None:
    """Of the last thirty days at least, whatever its span; the same to a reservation and to whoever asks about then."""
    samples, campaign_id = storage.verdict_samples, judged.campaign_id
    for n, days in enumerate((0, 1, 29, 31, 40)):
        await judged.keep(n, now=MONDAY - days * DAY)
    for n, sample in enumerate(await samples.draw(campaign_id, Label.MACHINE, 5, "1", MONDAY)):
        truth = Label.HUMAN if sample.made_at < MONDAY - 20 * DAY else Label.MACHINE
        await samples.label(sample.sample_id, truth, "li", MONDAY + n * MINUTE)

    async def heard(span: Span, as_of: datetime | None = None, *, asked: bool = True) -> Heard | None:
        demand = BudgetDemand("k", span, "UTC", asked)
        used = await storage._database.read(
            lambda connection: budget_use(connection, demand, campaign_id, MONDAY + HOUR, as_of)
        )
        return used.heard

    assert await heard(Rolling(86400)) == Heard(3, 1)
    assert await heard(Rolling(35 * 86400)) == Heard(4, 2)
    assert await heard(Ever()) == Heard(5, 3)
    assert await heard(Ever(), asked=False) is None
    assert await heard(Ever(), MONDAY - MINUTE) == Heard()
    then = await heard(Ever(), MONDAY + MINUTE)
    assert then is not None
    assert then.listened == 2


async def test_audio_goes_by_age_and_by_size_and_the_verdict_stays(storage: Storage, judged: Judged) -> None:
    samples = storage.verdict_samples
    ids = [await judged.keep(n, now=MONDAY + n * DAY, audio_bytes=1000) for n in range(6)]
    await judged.keep(6, now=MONDAY, node="node2", audio_bytes=1000)
    assert list(await samples.expired("node1", MONDAY + 2 * DAY, 10_000, 100)) == ids[:2]
    assert list(await samples.expired("node1", MONDAY, 3500, 100)) == ids[:3]
    assert list(await samples.expired("node1", MONDAY + 2 * DAY, 3500, 2)) == ids[:2]
    old = await samples.expired("node1", MONDAY, 5500, 100)
    assert list(old.values()) == [f"2026-11-23/{judged.attempts[0].attempt_id}-answered.wav"]
    await samples.forget_audio(old)
    assert await samples.expired("node1", MONDAY, 5500, 100) == {}
    sample = await samples.get(ids[0])
    assert sample is not None
    assert (sample.audio_path, sample.audio_bytes, sample.label) == ("", 0, "machine")
