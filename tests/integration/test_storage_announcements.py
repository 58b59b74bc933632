"""The library of announcements and those that wait for a name, on both engines."""

from datetime import timedelta
from itertools import pairwise

import pytest

from dialer.errors import StorageError
from dialer.model.announcement import AnnouncementMeaning, HeardWith, NewAnnouncement, UnknownHeard
from dialer.progress.fingerprint import Fingerprint, fingerprint_of
from dialer.storage import announcements as module
from dialer.storage.database import connect_to
from tests.support.announcements import MEANINGS, noisy, recording
from tests.support.storage import MINUTE, MONDAY, open_storage

NEW = NewAnnouncement("关机", AnnouncementMeaning.POWERED_OFF, "zh", "recorded on trunk a")
EMPTY = NewAnnouncement("空号", AnnouncementMeaning.EMPTY_NUMBER, "zh", "recorded on trunk a")


@pytest.fixture(scope="module")
def powered_off() -> Fingerprint:
    return fingerprint_of(recording("powered_off"))


@pytest.fixture(scope="module")
def sounds() -> dict[str, bytes]:
    """Read before the loop runs."""
    return {title: recording(title) for title in MEANINGS}


def heard(attempt_id: int, trunk: str = "a", sip_status: int = 480) -> UnknownHeard:
    return UnknownHeard(attempt_id, 1, MONDAY + attempt_id * MINUTE, trunk, sip_status)


async def test_the_library_is_kept_and_every_change_has_its_version(
    database_url: str, powered_off: Fingerprint
) -> None:
    async with open_storage(database_url) as storage:
        library = storage.announcements
        versions = [await library.version()]
        first = await library.add(NEW, powered_off, "wang", MONDAY)
        versions.append(await library.version())
        second = await library.add(EMPTY, powered_off, "wang", MONDAY)
        versions.append(await library.version())
        assert (first.title, first.meaning, first.added_by) == ("关机", AnnouncementMeaning.POWERED_OFF, "wang")
        assert first.length_ms == powered_off.length_ms
        assert await library.all() == (first, second)
        assert await library.remove(second.announcement_id, "li", MONDAY)
        versions.append(await library.version())
        assert not await library.remove(second.announcement_id, "li", MONDAY), "it is out already"
        assert await library.state_complete("carrier", [first.announcement_id])
        versions.append(await library.version())
        assert not await library.state_complete("carrier", [second.announcement_id])
        assert await library.version() == versions[-1], "it is not in the library, and nothing changed"
        assert all(one != next_one for one, next_one in pairwise(versions))
    async with open_storage(database_url) as storage:
        version, (entry,) = await storage.announcements.known()
        assert version == versions[-1]
        assert entry.in_complete_set
        assert (entry.announcement_id, entry.fingerprint.to_bytes()) == (first.announcement_id, powered_off.to_bytes())


async def test_what_is_heard_again_is_one_cluster(
    database_url: str, powered_off: Fingerprint, sounds: dict[str, bytes]
) -> None:
    async with open_storage(database_url) as storage:
        library = storage.announcements
        first = await library.keep_unknown(heard(1), powered_off, b"first")
        for attempt_id, status in ((2, 480), (3, 404)):
            again = fingerprint_of(noisy(sounds["powered_off"], 15, seed=attempt_id))
            assert await library.keep_unknown(heard(attempt_id, sip_status=status), again, b"again") == first
        other = await library.keep_unknown(heard(4, "b", 0), fingerprint_of(sounds["empty_number"]), b"other")
        cluster, single = await library.unknown()
        assert (cluster.cluster_id, cluster.times, single.cluster_id, single.times) == (first, 3, other, 1)
        assert cluster.heard_with == (HeardWith("a", 480, 2), HeardWith("a", 404, 1))
        assert (cluster.attempt_id, cluster.first_heard_at) == (1, MONDAY + MINUTE)
        assert cluster.last_heard_at == MONDAY + 3 * MINUTE
        assert await library.unknown_audio(first) == b"first"
        assert await library.unknown_audio(99) is None


async def test_naming_a_cluster_puts_it_into_the_library(database_url: str, powered_off: Fingerprint) -> None:
    async with open_storage(database_url) as storage:
        library = storage.announcements
        cluster_id = await library.keep_unknown(heard(1), powered_off, b"audio")
        assert await library.name_cluster(99, NEW, "wang", MONDAY) is None
        named = await library.name_cluster(cluster_id, NEW, "wang", MONDAY)
        assert await library.all() == (named,)
        assert await library.unknown() == ()
        assert await library.name_cluster(cluster_id, NEW, "wang", MONDAY) is None


async def test_what_waits_is_bounded_in_number_and_age(
    database_url: str, powered_off: Fingerprint, sounds: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    titles = ("busy", "suspended", "unreachable")
    async with open_storage(database_url) as storage:
        library = storage.announcements
        ids = [
            await library.keep_unknown(heard(n), fingerprint_of(sounds[title]), b"")
            for n, title in enumerate(titles, 1)
        ]
        assert {cluster.cluster_id for cluster in await library.unknown()} == set(ids[1:])
        later = UnknownHeard(9, 1, MONDAY + module.KEPT_UNHEARD + timedelta(hours=1), "a", 480)
        newest = await library.keep_unknown(later, powered_off, b"")
        assert [cluster.cluster_id for cluster in await library.unknown()] == [newest]


async def test_a_fingerprint_that_cannot_be_read_is_named(database_url: str, powered_off: Fingerprint) -> None:
    async with open_storage(database_url) as storage:
        added = await storage.announcements.add(NEW, powered_off, "wang", MONDAY)
    async with connect_to(database_url) as opened:
        spoil = module.table.update().values(fingerprint=b"AFP\x02")
        await opened.write(lambda connection: connection.execute(spoil))
    async with open_storage(database_url) as storage:
        with pytest.raises(StorageError, match=f"announcement {added.announcement_id}: not a fingerprint"):
            await storage.announcements.known()
