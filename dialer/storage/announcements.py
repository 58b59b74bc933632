"""The library of announcements, and those that wait for a name, each once however often it was heard."""

import asyncio
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, select, update

from dialer.errors import StorageError
from dialer.model.announcement import (
    Announcement,
    AnnouncementMeaning,
    HeardWith,
    NewAnnouncement,
    UnknownCluster,
    UnknownHeard,
)
from dialer.model.quality_work import WorkKind
from dialer.progress.announcements import LibraryEntry
from dialer.progress.clusters import nearest
from dialer.progress.fingerprint import Fingerprint
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.qa_work import complete_subject
from dialer.storage.tables.base import AnyRow

table = tables.announcements
waiting = tables.unknown_announcements

MAX_WAITING = 200
"""Announcements that wait for a name at most; the longest unheard give way."""
KEPT_UNHEARD = timedelta(days=90)
"""What was not heard for so long is gone from the network, and so from here."""

Version = tuple[tuple[int, str], ...]
_counts = msgspec.json.Decoder(tuple[HeardWith, ...])
_VALUES = [column for column in table.c if column is not table.c.fingerprint]
_SHOWN = [column for column in waiting.c if column not in (waiting.c.fingerprint, waiting.c.audio)]


class Announcements:
    """The `announcements` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewAnnouncement, fingerprint: Fingerprint, actor: str, now: datetime) -> Announcement:
        """Adds a known announcement to the library."""
        return await self._database.write(lambda connection: _add(connection, new, fingerprint, actor, now))

    async def remove(self, announcement_id: int, actor: str, now: datetime) -> bool:
        """Takes one out of the library; who did it and when stays on record. False: it is not in it.

        The set it belongs to is complete no more.
        """
        return await self._database.write(lambda connection: _remove(connection, announcement_id, actor, now))

    async def state_complete(self, carrier: str, announcement_ids: Collection[int]) -> bool:
        """Puts on record that these are all announcements of a carrier; none of them: that nobody says so any more.

        False: one of them is not in the library; nothing changed.
        """
        ids = frozenset(announcement_ids)
        return await self._database.write(lambda connection: _state_complete(connection, carrier, ids))

    async def all(self) -> tuple[Announcement, ...]:
        """The library, in the order of ids."""
        query = _in_use(select(*_VALUES))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)

    async def version(self) -> Version:
        """Differs whenever the library does."""
        return await self._database.read(_version)

    async def known(self) -> tuple[Version, tuple[LibraryEntry, ...]]:
        """The library with its fingerprints, and its version. StorageError: a fingerprint cannot be read."""
        return await self._database.read(lambda connection: (_version(connection), _entries(connection)))

    # ---- what nobody has named yet

    async def keep_unknown(self, heard: UnknownHeard, fingerprint: Fingerprint, audio: bytes) -> int:
        """Counts an announcement that is not in the library to its like, or begins a new cluster with it; its id.

        `audio` is a WAV file, kept of the first time only.
        """
        known = await self._database.read(_fingerprints)
        same = await asyncio.to_thread(nearest, fingerprint, known)
        return await self._database.write(lambda connection: _keep(connection, same, heard, fingerprint, audio))

    async def unknown(self, limit: int = 100) -> tuple[UnknownCluster, ...]:
        """What waits for a name, the most often heard first."""
        query = select(*_SHOWN).order_by(waiting.c.times.desc(), waiting.c.cluster_id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_cluster(row) for row in rows)

    async def unknown_audio(self, cluster_id: int) -> bytes | None:
        """How it sounded the first time, as a WAV file; None: there is no such cluster."""
        query = select(waiting.c.audio).where(waiting.c.cluster_id == cluster_id)
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def unknown_fingerprint(self, cluster_id: int) -> Fingerprint | None:
        """How it sounded the first time; None: there is no such cluster."""
        query = select(waiting.c.fingerprint).where(waiting.c.cluster_id == cluster_id)
        stored = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if stored is None else _fingerprint(f"unknown announcement {cluster_id}", stored)

    async def name_cluster(
        self, cluster_id: int, new: NewAnnouncement, actor: str, now: datetime
    ) -> Announcement | None:
        """Makes a cluster an entry of the library; None: there is no such cluster."""
        return await self._database.write(lambda connection: _name(connection, cluster_id, new, actor, now))


def _add(
    connection: Connection, new: NewAnnouncement, fingerprint: Fingerprint, actor: str, now: datetime
) -> Announcement:
    said = asdict(new) | {"meaning": new.meaning.value, "added_by": actor, "added_at": now}
    row = said | {"length_ms": fingerprint.length_ms, "fingerprint": fingerprint.to_bytes(), "removed_by": ""}
    announcement_id = insert_row(connection, table, row)
    return Announcement(
        **asdict(new),
        announcement_id=announcement_id,
        added_by=actor,
        added_at=now,
        length_ms=fingerprint.length_ms,
        complete_set="",
    )


def _remove(connection: Connection, announcement_id: int, actor: str, now: datetime) -> bool:
    mine = update(table).where(table.c.announcement_id == announcement_id, table.c.removed_at.is_(None))
    if connection.execute(mine.values(removed_at=now, removed_by=actor)).rowcount != 1:
        return False
    _break_up(connection, _sets_of(connection, frozenset({announcement_id})))
    return True


def _state_complete(connection: Connection, carrier: str, ids: frozenset[int]) -> bool:
    mine = table.c.announcement_id.in_(ids), table.c.removed_at.is_(None)
    found = connection.execute(select(table.c.announcement_id).where(*mine).with_for_update()).scalars().all()
    if len(found) != len(ids):
        return False
    _break_up(connection, _sets_of(connection, ids) | {carrier})  # a set that loses one to another is complete no more
    connection.execute(update(table).where(*mine).values(complete_set=carrier))
    return True


def _sets_of(connection: Connection, ids: frozenset[int]) -> set[str]:
    names = connection.execute(select(table.c.complete_set).where(table.c.announcement_id.in_(ids))).scalars()
    return {name for name in names if name}


def _break_up(connection: Connection, names: set[str]) -> None:
    connection.execute(update(table).where(table.c.complete_set.in_(names)).values(complete_set=""))


def _in_use(query: Select[Any]) -> Select[Any]:
    return query.where(table.c.removed_at.is_(None)).order_by(table.c.announcement_id)


def _version(connection: Connection) -> Version:
    """Which entries there are, and the complete set of each: nothing else ever changes."""
    rows = connection.execute(_in_use(select(table.c.announcement_id, table.c.complete_set))).all()
    return tuple((row.announcement_id, row.complete_set) for row in rows)


def _entries(connection: Connection) -> tuple[LibraryEntry, ...]:
    rows = connection.execute(_in_use(select(table))).all()
    return tuple(
        LibraryEntry(
            row.announcement_id,
            row.title,
            AnnouncementMeaning(row.meaning),
            _fingerprint(f"announcement {row.announcement_id}", row.fingerprint),
            in_complete_set=row.complete_set != "",
        )
        for row in rows
    )


def _fingerprint(whose: str, stored: bytes) -> Fingerprint:
    try:
        return Fingerprint.from_bytes(stored)
    except ValueError as error:
        raise StorageError(f"{whose}: {error}") from error


def _value(row: AnyRow) -> Announcement:
    return Announcement(
        announcement_id=row.announcement_id,
        title=row.title,
        meaning=AnnouncementMeaning(row.meaning),
        language=row.language,
        source=row.source,
        added_by=row.added_by,
        added_at=row.added_at,
        length_ms=row.length_ms,
        complete_set=row.complete_set,
    )


def _fingerprints(connection: Connection) -> list[tuple[int, Fingerprint]]:
    rows = connection.execute(select(waiting.c.cluster_id, waiting.c.fingerprint)).all()
    return [(row.cluster_id, _fingerprint(f"unknown announcement {row.cluster_id}", row.fingerprint)) for row in rows]


def _keep(connection: Connection, same: int | None, heard: UnknownHeard, fingerprint: Fingerprint, audio: bytes) -> int:
    if same is not None and _count(connection, same, heard):
        return same
    _make_room(connection, heard.heard_at)
    row = {
        "attempt_id": heard.attempt_id,
        "campaign_id": heard.campaign_id,
        "first_heard_at": heard.heard_at,
        "last_heard_at": heard.heard_at,
        "times": 1,
        "length_ms": fingerprint.length_ms,
        "heard_with": msgspec.json.encode((HeardWith(heard.trunk, heard.sip_status, 1),)),
        "fingerprint": fingerprint.to_bytes(),
        "audio": audio,
    }
    return insert_row(connection, waiting, row)


def _count(connection: Connection, cluster_id: int, heard: UnknownHeard) -> bool:
    """False: somebody named it, or it gave way, since it was found."""
    mine = waiting.c.cluster_id == cluster_id
    query = select(waiting.c.times, waiting.c.heard_with, waiting.c.last_heard_at).where(mine).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        return False
    counts = {(count.trunk, count.sip_status): count.times for count in _counts.decode(row.heard_with)}
    key = heard.trunk, heard.sip_status
    counts[key] = counts.get(key, 0) + 1
    encoded = msgspec.json.encode([HeardWith(*which, times) for which, times in counts.items()])
    last = max(row.last_heard_at, heard.heard_at)
    connection.execute(update(waiting).where(mine).values(times=row.times + 1, heard_with=encoded, last_heard_at=last))
    return True


def _make_room(connection: Connection, now: datetime) -> None:
    connection.execute(delete(waiting).where(waiting.c.last_heard_at < now - KEPT_UNHEARD))
    newest_first = select(waiting.c.cluster_id).order_by(waiting.c.last_heard_at.desc(), waiting.c.cluster_id.desc())
    surplus = connection.execute(newest_first.offset(MAX_WAITING - 1)).scalars().all()
    if surplus:
        connection.execute(delete(waiting).where(waiting.c.cluster_id.in_(surplus)))


def _cluster(row: AnyRow) -> UnknownCluster:
    heard_with = sorted(_counts.decode(row.heard_with), key=lambda count: -count.times)
    return UnknownCluster(
        cluster_id=row.cluster_id,
        attempt_id=row.attempt_id,
        campaign_id=row.campaign_id,
        first_heard_at=row.first_heard_at,
        last_heard_at=row.last_heard_at,
        times=row.times,
        length_ms=row.length_ms,
        heard_with=tuple(heard_with),
    )


def _name(
    connection: Connection, cluster_id: int, new: NewAnnouncement, actor: str, now: datetime
) -> Announcement | None:
    mine = waiting.c.cluster_id == cluster_id
    stored = connection.execute(select(waiting.c.fingerprint).where(mine).with_for_update()).scalar()
    if stored is None:
        return None
    connection.execute(delete(waiting).where(mine))
    complete_subject(connection, WorkKind.ANNOUNCEMENT, cluster_id, actor, now)
    return _add(connection, new, _fingerprint(f"unknown announcement {cluster_id}", stored), actor, now)
