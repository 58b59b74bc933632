"""The keeper of announcements: every node hears of a change, and what no call knew is kept once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialer.clock import SystemClock
from dialer.errors import StorageError
from dialer.model.announcement import AnnouncementMeaning, NewAnnouncement, UnknownCluster
from dialer.model.attempt import Attempt, AttemptState, CallPath, Disposition, NetworkCause, Settlement
from dialer.outcomes import announcement_keeper
from dialer.outcomes.announcement_keeper import AnnouncementKeeper
from dialer.progress.fingerprint import fingerprint_of
from dialer.prompts.signals import silence
from dialer.storage import Storage
from dialer.storage.announcements import Version
from tests.support.announcements import listen, noisy, recording
from tests.support.storage import MONDAY, open_storage

PATIENCE_S = 20.0
OFF = NewAnnouncement("关机", AnnouncementMeaning.POWERED_OFF, "zh", "test")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcement_keeper, "POLL_S", 0.02)


@pytest.fixture(scope="module")
def powered_off() -> bytes:
    return recording("powered_off")


@pytest.fixture(scope="module")
def suspended() -> bytes:
    return recording("suspended")


@pytest.fixture(scope="module")
def english() -> bytes:
    return recording("sit_en")


def attempt(attempt_id: int) -> Attempt:
    return Attempt(attempt_id, 3, 1, 1, CallPath.PROGRESSIVE, AttemptState.RESERVED, "138****1234", MONDAY)


def end(attempt_id: int, status: int | None = 480) -> Settlement:
    now = datetime.now(UTC)
    cause = NetworkCause(sip_status=status)
    return Settlement(attempt_id, Disposition.NO_ANSWER, now, trunk="main", cause=cause)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def clusters(storage: Storage, times: int) -> tuple[UnknownCluster, ...]:
    """What is unknown, as soon as it was heard so often in all."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = await storage.announcements.unknown()
            if sum(cluster.times for cluster in found) >= times:
                return found
            await asyncio.sleep(0.02)


async def test_two_nodes_follow_one_library(database_url: str, powered_off: bytes) -> None:
    async with open_storage(database_url) as storage:
        library = storage.announcements
        async with AnnouncementKeeper(library, SystemClock()) as one, AnnouncementKeeper(library, SystemClock()) as two:
            assert one.matcher() is None
            added = await library.add(OFF, fingerprint_of(powered_off), "wang", MONDAY)
            await until(lambda: one.matcher() is not None and two.matcher() is not None)
            matcher = two.matcher()
            assert matcher is not None
            matches = listen(matcher, powered_off)
            assert [match.certain for match in matches] == [False, True]
            assert {match.meaning for match in matches} == {AnnouncementMeaning.POWERED_OFF}
            assert await library.state_complete("carrier", [added.announcement_id])
            await until(lambda: all(keeper.library.entries[0].in_complete_set for keeper in (one, two)))
            assert await library.state_complete("carrier", [])
            await until(lambda: not any(keeper.library.entries[0].in_complete_set for keeper in (one, two)))
            await library.remove(added.announcement_id, "wang", MONDAY)
            await until(lambda: one.matcher() is None and two.matcher() is None)


async def test_what_was_not_recognised_is_kept_once(
    tmp_path: Path, powered_off: bytes, suspended: bytes, english: bytes
) -> None:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        await storage.announcements.add(OFF, fingerprint_of(powered_off), "wang", MONDAY)
        async with AnnouncementKeeper(storage.announcements, SystemClock()) as keeper:
            keeper.keep_unknown(attempt(1), end(1), powered_off)  # named between the call and now
            keeper.keep_unknown(attempt(5), end(5), powered_off[: 16 * 3000])  # the call ended before it was certain
            keeper.keep_unknown(attempt(2), end(2), silence(3000))
            keeper.keep_unknown(attempt(3), end(3, None), english)
            keeper.keep_unknown(attempt(4), end(4), noisy(english, 15))
            keeper.keep_unknown(attempt(6), end(6), suspended)  # it begins like the one that is known
            cluster, other = await clusters(storage, 3)
        assert other.attempt_id == 6
        assert (cluster.attempt_id, cluster.campaign_id, cluster.times) == (3, 3, 2)
        assert {(count.trunk, count.sip_status) for count in cluster.heard_with} == {("main", 0), ("main", 480)}


async def test_what_still_waits_at_the_end_is_kept(tmp_path: Path, english: bytes) -> None:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        async with AnnouncementKeeper(storage.announcements, SystemClock()) as keeper:
            keeper.keep_unknown(attempt(1), end(1), english)
        assert len(await storage.announcements.unknown()) == 1


async def test_a_database_in_trouble_leaves_the_library_as_it_was(
    tmp_path: Path, powered_off: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        await storage.announcements.add(OFF, fingerprint_of(powered_off), "wang", MONDAY)
        async with AnnouncementKeeper(storage.announcements, SystemClock()) as keeper:
            asked = 0

            async def fail() -> Version:
                nonlocal asked
                asked += 1
                raise StorageError("gone")

            monkeypatch.setattr(storage.announcements, "version", fail)
            await until(lambda: asked > 2)
            assert keeper.matcher() is not None
    said = [record for record in caplog.records if "was not read" in record.message]
    assert len(said) == 1


async def test_a_broken_one_does_not_stop_the_others(
    tmp_path: Path, english: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_storage(f"sqlite:///{tmp_path / 'dialer.db'}") as storage:
        async with AnnouncementKeeper(storage.announcements, SystemClock()) as keeper:
            keeper.keep_unknown(attempt(1), end(1), english + b"odd")
            keeper.keep_unknown(attempt(2), end(2), None)  # type: ignore[arg-type]  # as broken as can be
            keeper.keep_unknown(attempt(3), end(3), english)
            (cluster,) = await clusters(storage, 2)
        assert cluster.times == 2
    assert [record.attempt_id for record in caplog.records if hasattr(record, "attempt_id")] == [2]
