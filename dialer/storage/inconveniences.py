"""Times and numbers that persons named as inconvenient; a removed one stays on record."""

from datetime import datetime

from sqlalchemy import select, update

from dialer.model.contact import mask_number
from dialer.model.suppression import Inconvenience, NewInconvenience
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.tables.base import AnyRow

table = tables.inconveniences


class Inconveniences:
    """The `inconveniences` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def add(self, said: NewInconvenience, now: datetime) -> int:
        """Puts on record what a person said, and returns its id; it binds from the next decision on."""
        number = said.number
        row = {
            "person_ref": said.person_ref,
            "number_index": None if number is None else self._cipher.number_index(number),
            "number_masked": "" if number is None else mask_number(number),
            "weekdays": "".join(str(day) for day in sorted(said.weekdays)),
            "from_minute": said.from_minute,
            "to_minute": said.to_minute,
            "until": said.until,
            "source": said.source,
            "reason": said.reason,
            "added_at": now,
            "removed_by": "",
        }
        return await self._database.write(lambda connection: insert_row(connection, table, row))

    async def remove(self, inconvenience_id: int, actor: str, now: datetime) -> bool:
        """From now on it does not bind any more; who did it and when stays on record. False when it did not."""
        statement = (
            update(table)
            .where(table.c.inconvenience_id == inconvenience_id, table.c.removed_at.is_(None))
            .values(removed_at=now, removed_by=actor)
        )
        return await self._database.write(lambda connection: connection.execute(statement).rowcount == 1)

    async def of_person(self, person_ref: str) -> tuple[Inconvenience, ...]:
        """All that is on record of a person, oldest first, removed and past ones too."""
        query = select(table).where(table.c.person_ref == person_ref).order_by(table.c.inconvenience_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)


def _value(row: AnyRow) -> Inconvenience:
    return Inconvenience(
        inconvenience_id=row.inconvenience_id,
        person_ref=row.person_ref,
        source=row.source,
        added_at=row.added_at,
        number_masked=row.number_masked,
        weekdays=tuple(int(digit) for digit in row.weekdays),
        from_minute=row.from_minute,
        to_minute=row.to_minute,
        until=row.until,
        reason=row.reason,
        removed_at=row.removed_at,
        removed_by=row.removed_by,
    )
