"""Recordings found by what is known of them: every filter, pages that stay put, words that come late. Both engines."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dialer.errors import InputError
from dialer.model.attempt import Disposition, Settlement
from dialer.model.entry import WrapUpEffects
from dialer.model.outcome import WrapUp
from dialer.model.recording import RecordingInfo
from dialer.model.recording_query import Between, Place, RecordingQuery
from dialer.model.retention import By, NewHold
from dialer.storage import Storage, recording_search
from recording.retention import HoldScope
from tests.support.kept import ended_calls
from tests.support.policy import bank_policy
from tests.support.recordings import new_recording
from tests.support.storage import MINUTE, MONDAY, NO_MORE, Dialing, contacts, open_storage, run_campaign

pytestmark = pytest.mark.allow_blocking  # policies are read from their files inside the tests

N_RECORDINGS = 12
Fits = Callable[[RecordingInfo], bool]


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    async with open_storage(database_url) as opened:
        yield opened


async def _kept(storage: Storage, n: int, attempt_id: int, **said: Any) -> RecordingInfo:
    recording = new_recording(f"r-{n:02}", attempt_id, MONDAY + n // 2 * MINUTE, **said)
    await storage.recordings.add(recording, None, MONDAY)
    info = await storage.recordings.get(recording.recording_id)
    assert info is not None
    return info


async def _house(storage: Storage) -> list[RecordingInfo]:
    """A dozen recordings of three calls, always two with one start; newest first."""
    calls = await ended_calls(storage, [7, 8, None])
    kept = [
        await _kept(
            storage,
            n,
            calls[n % 3].attempt_id,
            duration_s=10.0 * n,
            far_share=n / 20,
            near_share=n / 24,
            silence_share=1 - n / 12,
            overtalk_share=n / 100,
            truncated=n % 5 == 0,
        )
        for n in range(N_RECORDINGS)
    ]
    await _kept(storage, 20, calls[0].attempt_id, parent_id="r-03")
    return sorted(kept, key=lambda info: (info.started_at, info.recording_id), reverse=True)


async def _all(storage: Storage, asked: RecordingQuery, limit: int = 5) -> list[str]:
    """What all pages hold."""
    found: list[str] = []
    before: Place | None = None
    while True:
        page = await storage.recordings.find(asked, before, limit)
        assert len(page.items) <= limit
        found += [info.recording_id for info in page.items]
        before = page.next
        if before is None:
            return found


def _queries(storage: Storage, kept: list[RecordingInfo]) -> list[tuple[RecordingQuery, Fits]]:
    one, since, until = kept[4], MONDAY + MINUTE, MONDAY + 4 * MINUTE
    return [
        (RecordingQuery(), lambda info: True),
        (RecordingQuery(attempt_id=one.attempt_id), lambda info: info.attempt_id == one.attempt_id),
        (RecordingQuery(case_ref="case-1"), lambda info: info.case_ref == "case-1"),
        (RecordingQuery(case_ref="nobody"), lambda info: False),
        (RecordingQuery(number_index=storage.number_index("+8613800000002")), lambda info: info.case_ref == "case-2"),
        (RecordingQuery(agent_id=8), lambda info: info.agent_id == 8),
        (RecordingQuery(outcome="promise"), lambda info: info.agent_id == 7),
        (RecordingQuery(outcome=""), lambda info: info.agent_id != 7),
        (RecordingQuery(qa_state=""), lambda info: True),
        (RecordingQuery(campaign_id=one.campaign_id, disposition="connected", verdict=""), lambda info: True),
        (RecordingQuery(disposition="busy"), lambda info: False),
        (RecordingQuery(since=since, until=until), lambda info: since <= info.started_at < until),
        (RecordingQuery(duration_s=Between(30, 60)), lambda info: 30 <= info.duration_s <= 60),
        (RecordingQuery(far_share=Between(0.2), near_share=Between(None, 0.3)), lambda info: 4 <= _n(info) <= 7),
        (RecordingQuery(silence_share=Between(None, 0.5), agent_id=7), lambda info: _n(info) in (6, 9)),
        (RecordingQuery(overtalk_share=Between(0.1)), lambda info: _n(info) >= 10),
        (RecordingQuery(truncated=True), lambda info: info.truncated),
        (RecordingQuery(redacted=True), lambda info: info.recording_id == "r-03"),
        (RecordingQuery(redacted=False, truncated=False), lambda info: not info.truncated and _n(info) != 3),
        (RecordingQuery(held=True), lambda info: info.case_ref == "case-2" or _n(info) == 0),
        (RecordingQuery(held=False, deleted=False), lambda info: info.case_ref != "case-2" and _n(info) != 0),
        (RecordingQuery(deleted=True), lambda info: False),
    ]


def _n(info: RecordingInfo) -> int:
    return int(info.recording_id.removeprefix("r-"))


async def test_every_filter_finds_what_fits(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = await _house(storage)
    await storage.wrap_ups.record(WrapUp(kept[-1].attempt_id, 7, "promise", MONDAY, {}), WrapUpEffects(), MONDAY)
    for scope, ref in ((HoldScope.PERSON, "person-2"), (HoldScope.RECORDING, "r-00"), (HoldScope.CASE, "nobody")):
        await storage.holds.place(NewHold(scope, ref, "a court asks"), By("somebody"), MONDAY, node="node1")
    for walk in (recording_search.WALK, 4):
        monkeypatch.setattr(recording_search, "WALK", walk)
        for asked, fits in _queries(storage, kept):
            assert await _all(storage, asked) == [info.recording_id for info in kept if fits(info)], (walk, asked)


async def test_a_walk_that_finds_nothing_ends_its_page(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_search, "WALK", 4)
    kept = await _house(storage)
    page = await storage.recordings.find(RecordingQuery(duration_s=Between(1e6)), None, 100)
    assert (page.items, page.next) == ((), (kept[3].started_at, kept[3].recording_id))


async def test_pages_stay_put_while_recordings_come_in(storage: Storage) -> None:
    kept = await _house(storage)
    first = await storage.recordings.find(RecordingQuery(), None, 3)
    call = kept[0].attempt_id
    await _kept(storage, 30, call)
    await storage.recordings.add(new_recording("r-late", call, MONDAY + 2 * MINUTE), None, MONDAY)
    rest = await storage.recordings.find(RecordingQuery(), first.next, 100)
    found = [info.recording_id for info in (*first.items, *rest.items)]
    assert [name for name in found if name != "r-late"] == [info.recording_id for info in kept]
    assert found.count("r-late") == 1, "one that belongs on a later page is there"


async def test_what_comes_late_reaches_the_recording(storage: Storage) -> None:
    campaign_id = await run_campaign(storage, contacts(2))
    dialing = Dialing(storage, bank_policy())
    slow, lost = [await dialing.reserve(dialing.reservation(one)) for one in await dialing.claim(campaign_id, 2)]
    before = await _kept(storage, 1, slow.attempt_id)
    assert (before.disposition, before.agent_id, before.outcome) == ("", None, "")
    settlement = Settlement(slow.attempt_id, Disposition.CONNECTED, MONDAY, agent_id=7, verdict="human")
    await storage.attempts.settle(settlement, NO_MORE, MONDAY)
    await storage.wrap_ups.record(WrapUp(slow.attempt_id, 7, "promise", MONDAY, {}), WrapUpEffects(), MONDAY)
    after = await storage.recordings.get("r-01")
    assert after is not None
    assert (after.disposition, after.agent_id, after.verdict, after.outcome) == ("connected", 7, "human", "promise")
    await _kept(storage, 2, lost.attempt_id)
    await storage.attempts.recover("node1", MONDAY)
    assert await _all(storage, RecordingQuery(disposition="unknown")) == ["r-02"]
    await storage.attempts.reconcile(lost.attempt_id, Disposition.NO_ANSWER, "somebody", MONDAY)
    assert await _all(storage, RecordingQuery(disposition="no_answer")) == ["r-02"]


async def test_redactions_are_found_by_their_original(storage: Storage) -> None:
    (call,) = await ended_calls(storage, [7])
    await _kept(storage, 1, call.attempt_id)
    for n in (10, 2, 9):
        made = replace(new_recording(f"r-01.r{n}", call.attempt_id, MONDAY), parent_id="r-01")
        await storage.recordings.add(made, None, MONDAY)
    assert [info.recording_id for info in await storage.recordings.derived("r-01")] == [
        "r-01.r2",
        "r-01.r9",
        "r-01.r10",
    ]
    assert await storage.recordings.redactions(["r-01", "r-02"]) == {"r-01": ("r-01.r2", "r-01.r9", "r-01.r10")}
    another = replace(made, sealed_sha256="ef" * 32)
    with pytest.raises(InputError, match="another redaction has that id"):
        await storage.recordings.add(another, None, MONDAY + timedelta(seconds=1))
    attempt = await storage.attempts.get(call.attempt_id)
    assert attempt is not None
    assert attempt.recording_id == "r-01", "the call's recording is the original"
