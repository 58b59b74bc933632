"""Recordings on record with their attempts and keys, packs that keep them for a while, and a clock that is set."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from dialer.compliance.policy import Policy
from dialer.model.account import Role
from dialer.model.attempt import AttemptState, Disposition
from dialer.model.contact import PhoneRole
from dialer.model.recording import NewRecording, RecordingState, WrappedKey
from dialer.model.retention import Person
from dialer.storage import Storage, tables
from recording.stored import Deletion
from tests.support.recordings import new_recording
from tests.support.rulebook import ANY_HOUR, pack
from tests.support.storage import MONDAY, contacts, run_campaign

NODE = "node1"
LI = Person(1, "li", Role.SUPERVISOR)
WANG = Person(2, "wang", Role.AUDITOR)
DAY = timedelta(days=1)


def keeping_policy(law_min: str = "30d", house: str = "60d", delete_by: str | None = "90d") -> Policy:
    """One pack that allows calls at any hour and keeps their recordings so long."""
    retention = {"law_min": law_min, "house": house, "source": "a test"}
    if delete_by is not None:
        retention["delete_by"] = delete_by
    return Policy((pack(ANY_HOUR, valid_from="2020-01-01", retention=retention),))


@dataclass
class SetClock:
    """Stands still until it is set."""

    now: datetime = MONDAY

    def monotonic(self) -> float:
        return (self.now - MONDAY).total_seconds()

    def utcnow(self) -> datetime:
        return self.now


@dataclass
class Shelf:
    """A store that knows names alone; `locked` ones stay until then, `away` says why it does not answer."""

    names: set[str] = field(default_factory=set)
    locked: dict[str, datetime] = field(default_factory=dict)
    away: Exception | None = None

    def delete(self, name: str) -> Deletion:
        if self.away is not None:
            raise self.away
        if name in self.locked:
            return Deletion(gone=False, kept_until=self.locked[name])
        self.names.discard(name)
        return Deletion(gone=True)


@dataclass(frozen=True)
class Archive:
    """A storage with people who were called: person `i` has the case `case-i`."""

    storage: Storage
    campaign_id: int

    @classmethod
    async def open(cls, storage: Storage, n_people: int = 4) -> "Archive":
        return cls(storage, await run_campaign(storage, contacts(n_people)))

    async def keep(self, recording_id: str, nth: int, ended_at: datetime, *, parent_id: str = "") -> NewRecording:
        """A recording of a call to person `nth` that ended then, or, with a parent, a redaction of that one."""
        attempt_id = await self.storage._database.write(
            lambda connection: self._attempt(connection, nth, ended_at, parent_id)
        )
        made = new_recording(recording_id, attempt_id, ended_at - timedelta(seconds=10), parent_id=parent_id)
        assert await self.storage.recordings.add(made, WrappedKey("kek", f"key of {recording_id}".encode()), ended_at)
        return made

    def _attempt(self, connection: Connection, nth: int, ended_at: datetime, parent_id: str) -> int:
        if parent_id:
            of = select(tables.recordings.c.attempt_id).where(tables.recordings.c.recording_id == parent_id)
            return int(connection.execute(of).scalar_one())
        query = select(tables.phones, tables.contacts.c.person_ref, tables.contacts.c.case_ref).join(tables.contacts)
        phone = connection.execute(query.where(tables.contacts.c.case_ref == f"case-{nth}")).first()
        assert phone is not None
        row = {
            "campaign_id": self.campaign_id,
            "path": "manual",
            "role": PhoneRole.OWN.value,
            "state": AttemptState.SETTLED.value,
            "number_masked": "138****0000",
            "node": NODE,
            "reserved_at": ended_at - timedelta(seconds=30),
            "ended_at": ended_at,
            "disposition": Disposition.CONNECTED.value,
            "cause": b"",
            **{
                name: getattr(phone, name)
                for name in ("contact_id", "phone_id", "number_index", "person_ref", "case_ref")
            },
        }
        made = connection.execute(insert(tables.attempts), row).inserted_primary_key
        assert made is not None
        return int(made[0])

    async def books(self) -> "Books":
        """What is there and what is gone, straight from the tables."""
        return await self.storage._database.read(_books)


@dataclass(frozen=True)
class Books:
    """Ids of recordings by what the tables say of them; `tombstones` are the bodies of their entries, oldest first."""

    kept: frozenset[str]
    gone: frozenset[str]
    keys: frozenset[str]
    parents: dict[str, str]
    tombstones: dict[str, list[dict[str, object]]]
    doomed: frozenset[str]


def _books(connection: Connection) -> Books:
    recordings, ledger = tables.recordings, tables.ledger
    rows = connection.execute(select(recordings)).all()
    tombstones: dict[str, list[dict[str, object]]] = {}
    told = select(ledger).where(ledger.c.kind == "tombstone").order_by(ledger.c.entry_id)
    for entry in connection.execute(told):
        tombstones.setdefault(entry.subject, []).append(json.loads(entry.body))
    gone = frozenset(row.recording_id for row in rows if row.state == RecordingState.DELETED.value)
    return Books(
        kept=frozenset(row.recording_id for row in rows) - gone,
        gone=gone,
        keys=frozenset(connection.execute(select(tables.recording_keys.c.recording_id)).scalars()),
        parents={row.recording_id: row.parent_id for row in rows if row.parent_id},
        tombstones=tombstones,
        doomed=frozenset(connection.execute(select(tables.doomed_objects.c.name)).scalars()),
    )
