"""Consents and agreements of persons: recorded with where they are kept, withdrawn but never deleted."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from dialer.model.suppression import Consent, NewConsent, Stop
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.stops import lock_people, tell_nodes
from dialer.storage.tables.base import AnyRow

table = tables.consents

WITHDRAWN = "a consent was withdrawn"


class Consents:
    """The `consents` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, consent: NewConsent, now: datetime) -> int:
        """Puts a consent on record and returns its id; the same one again, not withdrawn meanwhile, keeps its id."""
        return await self._database.write(lambda connection: _record(connection, consent, now))

    async def withdraw(self, consent_id: int, actor: str, now: datetime, *, node: str = "") -> Consent | None:
        """Ends a consent now and for ever; a second time changes nothing. None when there is no such consent.

        Calls to the person that nobody has answered yet may rest on it: they are the caller's to cancel, other nodes
        hear of it by themselves.
        """
        return await self._database.write(lambda connection: _withdraw(connection, consent_id, actor, node, now))

    async def of_person(self, person_ref: str) -> tuple[Consent, ...]:
        """All that is on record of a person, oldest first, withdrawn and expired ones too."""
        query = select(table).where(table.c.person_ref == person_ref).order_by(table.c.consent_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)


def _record(connection: Connection, consent: NewConsent, now: datetime) -> int:
    lock_people(connection, [consent.person_ref])
    stands = select(table).where(table.c.person_ref == consent.person_ref, table.c.withdrawn_at.is_(None))
    for known in map(_value, connection.execute(stands)):
        if known.given == consent:
            return known.consent_id
    row = {
        "person_ref": consent.person_ref,
        "case_ref": consent.case_ref,
        "kind": consent.kind,
        "given_at": consent.given_at,
        "expires_at": consent.expires_at,
        "source": consent.source,
        "evidence": consent.evidence,
        "recorded_at": now,
        "withdrawn_by": "",
    }
    return insert_row(connection, table, row)


def _withdraw(connection: Connection, consent_id: int, actor: str, node: str, now: datetime) -> Consent | None:
    mine = select(table).where(table.c.consent_id == consent_id)
    found = connection.execute(mine).first()
    if found is None:
        return None
    lock_people(connection, [found.person_ref])
    consent = _value(connection.execute(mine).one())
    if consent.withdrawn_at is not None:
        return consent
    change = update(table).where(table.c.consent_id == consent_id)
    connection.execute(change.values(withdrawn_at=now, withdrawn_by=actor))
    tell_nodes(connection, [Stop(WITHDRAWN, person_ref=consent.given.person_ref)], node, now)
    return replace(consent, withdrawn_at=now, withdrawn_by=actor)


def _value(row: AnyRow) -> Consent:
    return Consent(
        consent_id=row.consent_id,
        given=NewConsent(
            person_ref=row.person_ref,
            kind=row.kind,
            given_at=row.given_at,
            source=row.source,
            expires_at=row.expires_at,
            evidence=row.evidence,
            case_ref=row.case_ref,
        ),
        recorded_at=row.recorded_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=row.withdrawn_by,
    )
