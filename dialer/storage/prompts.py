"""Prompts of the house, in the database so that every node plays the same."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from dialer.model.prompt import NewPrompt, PromptVersion
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row, lock
from dialer.storage.tables.base import AnyRow

prompts = tables.prompts

_SHOWN = [column for column in prompts.c if column is not prompts.c.flac]
_LOCK = b"prompts"


class Prompts:
    """The `prompts` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewPrompt, actor: str, now: datetime) -> PromptVersion:
        """Keeps a recording, and plays it from now on instead of what was in use."""

        def work(connection: Connection) -> PromptVersion:
            _withdraw(connection, new.name, new.language)
            row = {"name": new.name, "language": new.language, "in_use": True, "note": new.note}
            row |= {"uploaded_by": actor, "uploaded_at": now, "length_ms": new.length_ms, "flac": new.flac}
            return _version(connection, insert_row(connection, prompts, row))

        return await self._database.write(work)

    async def use(self, prompt_id: int) -> PromptVersion | None:
        """Plays an earlier version again; None: there is none of this id."""

        def work(connection: Connection) -> PromptVersion | None:
            row = connection.execute(select(*_SHOWN).where(prompts.c.prompt_id == prompt_id)).first()
            if row is None:
                return None
            _withdraw(connection, row.name, row.language)
            connection.execute(update(prompts).where(prompts.c.prompt_id == prompt_id).values(in_use=True))
            return _version(connection, prompt_id)

        return await self._database.write(work)

    async def withdraw(self, name: str, language: str) -> bool:
        """Plays none of a prompt's versions any more; they are kept. False: none was in use."""
        return await self._database.write(lambda connection: _withdraw(connection, name, language))

    async def all(self) -> tuple[PromptVersion, ...]:
        """Every version of every prompt, the newest first."""
        query = select(*_SHOWN).order_by(prompts.c.prompt_id.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)

    async def in_use(self, name: str, language: str) -> int | None:
        """The id of what is played for a name: the language's own version, else the one for all, or None."""
        fitting = prompts.c.language.in_((language, ""))
        query = select(prompts.c.prompt_id).where(prompts.c.name == name, prompts.c.in_use, fitting)
        query = query.order_by(prompts.c.language.desc()).limit(1)
        return await self._database.read(lambda connection: connection.execute(query).scalar())

    async def version(self) -> tuple[int, ...]:
        """Differs whenever another version is in use."""
        query = select(prompts.c.prompt_id).where(prompts.c.in_use).order_by(prompts.c.prompt_id)
        rows = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return tuple(rows)

    async def audio(self, prompt_id: int) -> bytes | None:
        """A version's audio as a FLAC file; None: there is none of this id."""
        query = select(prompts.c.flac).where(prompts.c.prompt_id == prompt_id)
        return await self._database.read(lambda connection: connection.execute(query).scalar())


def _withdraw(connection: Connection, name: str, language: str) -> bool:
    lock(connection, _LOCK, f"{name}/{language}".encode())
    mine = update(prompts).where(prompts.c.name == name, prompts.c.language == language, prompts.c.in_use)
    return connection.execute(mine.values(in_use=False)).rowcount > 0


def _version(connection: Connection, prompt_id: int) -> PromptVersion:
    return _value(connection.execute(select(*_SHOWN).where(prompts.c.prompt_id == prompt_id)).one())


def _value(row: AnyRow) -> PromptVersion:
    return PromptVersion(**row._asdict())
