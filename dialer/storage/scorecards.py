"""Scorecards: one draft at most, and versions that never change once they are frozen.

A frozen version is held against its digest whenever it is read: nobody is scored by a form that was altered.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, update
from sqlalchemy.exc import IntegrityError

from dialer.errors import DialerError, InputError, StorageError
from dialer.model.scorecard import ScorecardInfo, ScorecardVersion, VersionState
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.tables.base import AnyRow
from recording.review.scorecard import Scorecard, decode, digest, encode
from recording.review.scorecard_checks import mistakes_of

scorecards = tables.scorecards
versions = tables.scorecard_versions

DRAFT = 0
"""The number of a draft."""


class Scorecards:
    """The `scorecards` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, content: Scorecard, actor: str, now: datetime) -> ScorecardInfo:
        """A scorecard with a draft. InputError: the name is taken."""
        return await self._database.write(lambda connection: _create(connection, name, content, actor, now))

    async def all(self) -> tuple[ScorecardInfo, ...]:
        """All scorecards in the order of their names."""
        return await self._database.read(lambda connection: _infos(connection, select(scorecards)))

    async def get(self, scorecard_id: int) -> ScorecardInfo | None:
        """The scorecard with all its versions, or None."""
        query = select(scorecards).where(scorecards.c.scorecard_id == scorecard_id)
        found = await self._database.read(lambda connection: _infos(connection, query))
        return found[0] if found else None

    async def version(self, version_id: int) -> ScorecardVersion | None:
        """One version, or None."""
        return await self._database.read(lambda connection: load_version(connection, version_id))

    async def save_draft(
        self, scorecard_id: int, revision: int, content: Scorecard, actor: str, now: datetime
    ) -> ScorecardVersion | None:
        """Changes the draft that was at `revision`; 0: there was none, begin one. None: there is no such scorecard.

        DialerError: somebody else changed the draft meanwhile.
        """
        return await self._database.write(
            lambda connection: _save(connection, scorecard_id, revision, content, actor, now)
        )

    async def freeze(self, scorecard_id: int, revision: int, actor: str, now: datetime) -> ScorecardVersion | None:
        """Makes the draft that was at `revision` the next version, which never changes; None: there is no draft.

        InputError: it has mistakes, all named. DialerError: somebody changed the draft meanwhile.
        """
        return await self._database.write(lambda connection: _freeze(connection, scorecard_id, revision, actor, now))

    async def retire(self, version_id: int, actor: str, now: datetime) -> ScorecardVersion | None:
        """From now on nothing is begun with this version; what was begun goes on. None: there is no such version.

        DialerError: it is a draft.
        """
        return await self._database.write(lambda connection: _retire(connection, version_id, actor, now))


def load_version(connection: Connection, version_id: int) -> ScorecardVersion | None:
    """One version, or None."""
    row = connection.execute(select(versions).where(versions.c.version_id == version_id)).first()
    return None if row is None else _value(row)


def usable_version(connection: Connection, version_id: int | None, scorecard_id: int | None) -> ScorecardVersion:
    """What an evaluation may be begun with: this version, or the newest of a scorecard. InputError: there is none."""
    if version_id is None:
        newest = select(func.max(versions.c.version_id)).where(
            versions.c.scorecard_id == scorecard_id, versions.c.frozen_at.is_not(None), versions.c.retired_at.is_(None)
        )
        version_id = connection.execute(newest).scalar()
    version = None if version_id is None else load_version(connection, version_id)
    if version is None:
        raise InputError("name a version of a scorecard to score by")
    if version.state is not VersionState.FROZEN:
        raise InputError(f"this version of the scorecard is {version.state.value}; name one that is frozen and in use")
    return version


def _create(connection: Connection, name: str, content: Scorecard, actor: str, now: datetime) -> ScorecardInfo:
    try:
        scorecard_id = insert_row(connection, scorecards, {"name": name, "created_by": actor, "created_at": now})
    except IntegrityError as error:
        raise InputError(f"there is a scorecard named {name} already") from error
    draft = _insert_draft(connection, scorecard_id, content, actor, now)
    return ScorecardInfo(scorecard_id=scorecard_id, name=name, created_by=actor, created_at=now, versions=(draft,))


def _insert_draft(
    connection: Connection, scorecard_id: int, content: Scorecard, actor: str, now: datetime
) -> ScorecardVersion:
    row = {"scorecard_id": scorecard_id, "number": DRAFT, "revision": 1, "content": encode(content)}
    row |= {"digest": "", "changed_by": actor, "changed_at": now, "frozen_by": "", "retired_by": ""}
    return _reload(connection, insert_row(connection, versions, row))


def _save(
    connection: Connection, scorecard_id: int, revision: int, content: Scorecard, actor: str, now: datetime
) -> ScorecardVersion | None:
    if not _lock(connection, scorecard_id):
        return None
    draft = _draft(connection, scorecard_id)
    if draft is None:
        _refuse_stale(0, revision)
        return _insert_draft(connection, scorecard_id, content, actor, now)
    _refuse_stale(draft.revision, revision)
    said = {"content": encode(content), "revision": revision + 1, "changed_by": actor, "changed_at": now}
    return _change(connection, draft.version_id, said)


def _freeze(
    connection: Connection, scorecard_id: int, revision: int, actor: str, now: datetime
) -> ScorecardVersion | None:
    draft = _draft(connection, scorecard_id) if _lock(connection, scorecard_id) else None
    if draft is None:
        return None
    _refuse_stale(draft.revision, revision)
    content = decode(draft.content)
    mistakes = mistakes_of(content)
    if mistakes:
        raise InputError("; ".join(mistakes))
    newest = connection.execute(
        select(func.max(versions.c.number)).where(versions.c.scorecard_id == scorecard_id)
    ).scalar_one()
    said = {"number": newest + 1, "digest": digest(content), "frozen_by": actor, "frozen_at": now}
    return _change(connection, draft.version_id, said)


def _retire(connection: Connection, version_id: int, actor: str, now: datetime) -> ScorecardVersion | None:
    version = load_version(connection, version_id)
    if version is None or version.state is VersionState.RETIRED:
        return version
    if version.state is VersionState.DRAFT:
        raise DialerError("a draft is not in use; there is nothing to retire")
    return _change(connection, version_id, {"retired_by": actor, "retired_at": now})


def _lock(connection: Connection, scorecard_id: int) -> bool:
    """Whether there is such a scorecard; its drafts and versions are ours until the transaction ends."""
    mine = select(scorecards.c.scorecard_id).where(scorecards.c.scorecard_id == scorecard_id).with_for_update()
    return connection.execute(mine).first() is not None


def _draft(connection: Connection, scorecard_id: int) -> AnyRow | None:
    query = select(versions).where(versions.c.scorecard_id == scorecard_id, versions.c.number == DRAFT)
    return connection.execute(query).first()


def _refuse_stale(known: int, seen: int) -> None:
    if known != seen:
        raise DialerError(f"the draft is at revision {known}, not {seen}: read it again before you change it")


def _change(connection: Connection, version_id: int, said: Mapping[str, Any]) -> ScorecardVersion:
    connection.execute(update(versions).where(versions.c.version_id == version_id).values(said))
    return _reload(connection, version_id)


def _reload(connection: Connection, version_id: int) -> ScorecardVersion:
    return _value(connection.execute(select(versions).where(versions.c.version_id == version_id)).one())


def _infos(connection: Connection, query: Select[Any]) -> tuple[ScorecardInfo, ...]:
    rows = connection.execute(query.order_by(scorecards.c.name)).all()
    found: dict[int, list[ScorecardVersion]] = {row.scorecard_id: [] for row in rows}
    of_these = select(versions).where(versions.c.scorecard_id.in_(list(found)))
    for row in connection.execute(of_these.order_by(versions.c.version_id.desc())):
        found[row.scorecard_id].append(_value(row))
    return tuple(
        ScorecardInfo(
            scorecard_id=row.scorecard_id,
            name=row.name,
            created_by=row.created_by,
            created_at=row.created_at,
            versions=tuple(found[row.scorecard_id]),
        )
        for row in rows
    )


def _value(row: AnyRow) -> ScorecardVersion:
    """StorageError: a frozen version is not what was frozen."""
    content = decode(row.content)
    if row.digest and digest(content) != row.digest:
        raise StorageError(f"version {row.number} of scorecard {row.scorecard_id} was altered after it was frozen")
    plain = {name: getattr(row, name) for name in versions.c.keys()}  # noqa: SIM118  a column collection
    return ScorecardVersion(**plain | {"content": content})
