"""Wrap-ups: what the collector recorded, and all it brings about, in one transaction."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache

import msgspec
from sqlalchemy import Connection, Update, and_, bindparam, func, insert, or_, select, update

from dialer.compliance.proof import ProofKind
from dialer.errors import InputError
from dialer.model.attempt import Attempt, Disposition
from dialer.model.collecting import IdentityCheck
from dialer.model.entry import EntryState, WrapUpEffects
from dialer.model.outcome import EventType, FormValue, WrapUp
from dialer.outcomes import payloads
from dialer.storage import tables, values
from dialer.storage.attempts import load_attempt
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.dialect import CASE_LOCK, NUMBER_LOCK, lock
from dialer.storage.do_not_call import Listing, list_number, list_person
from dialer.storage.events import emit
from dialer.storage.identity_checks import latest_check
from dialer.storage.proofs import append
from dialer.storage.recording_copies import note_outcome
from dialer.storage.stops import lock_people
from dialer.storage.tables.base import AnyRow
from dialer.storage.tables.campaigns import CALLBACK

WRAP_UP_PURPOSE = b"wrap-up"
NO_CALLBACK = (
    "no callback can be kept for this case: it was stopped, is not dialed here, or another call to it is under way"
)

wrap_ups = tables.wrap_ups
attempts = tables.attempts
entries = tables.entries

# Built once: composing a statement costs more time than running it.
_THIS = attempts.c.attempt_id == bindparam("of_attempt")
_KNOWN = select(wrap_ups.c.digest).where(wrap_ups.c.attempt_id == bindparam("of_attempt")).with_for_update()
_KEEP = insert(wrap_ups)
_COUNT = (
    update(attempts)
    .where(_THIS)
    .values(right_party=bindparam("new_right_party"), conversation=bindparam("new_conversation"))
)
_AWAITED = (
    select(attempts.c.agent_id)
    .outerjoin(wrap_ups, wrap_ups.c.attempt_id == attempts.c.attempt_id)
    .where(
        attempts.c.campaign_id == bindparam("of_campaign"),
        attempts.c.disposition == Disposition.CONNECTED.value,
        attempts.c.ended_at >= bindparam("since", type_=attempts.c.ended_at.type),
        attempts.c.agent_id.is_not(None),
        wrap_ups.c.attempt_id.is_(None),
    )
)
_INDEX = select(attempts.c.number_index).where(_THIS)


_AWAITS_ANOTHER = (EntryState.DIALING.value, EntryState.RECONCILE.value)
"""Entries that go on with the end of the attempt that took them: a call dialed by hand does not move those."""


@cache
def _changing(columns: tuple[str, ...]) -> Update:
    """Changes the entry of an attempt, unless its case was stopped; built once for each set of columns.

    A call dialed by hand took no entry: it speaks for that of its contact in its campaign.
    """
    own = select(attempts.c.entry_id).where(_THIS).scalar_subquery()
    same = (attempts.c.campaign_id == entries.c.campaign_id, attempts.c.contact_id == entries.c.contact_id)
    of_contact = select(entries.c.entry_id).join(attempts, and_(*same)).where(_THIS).scalar_subquery()
    change = {name: bindparam(f"new_{name}", type_=entries.c[name].type) for name in columns}
    mine = update(entries).where(
        entries.c.entry_id == func.coalesce(own, of_contact),
        entries.c.queue != EntryState.STOPPED.value,
        or_(own.is_not(None), entries.c.queue.not_in(_AWAITS_ANOTHER)),
    )
    return mine.values({"node": None, "lease_until": None, **change})


class StoredValue(msgspec.Struct):
    """A typed value of a form, as JSON can hold it."""

    kind: str
    text: str


class _Private(msgspec.Struct):
    values: dict[str, StoredValue]
    note: str


class WrapUps:
    """The `wrap_ups` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def record(self, wrap_up: WrapUp, effects: WrapUpEffects, now: datetime) -> bool:
        """Stores the wrap-up with its effects on the entry, the do-not-call list, the outbox and the proofs.

        What it says of the call counts for the rules from then on: whether the right party was reached, and whether
        there was a conversation (none without a connection). Where the right party objects the whole person is listed,
        else the number alone: whoever answered it speaks for nobody else.

        False, and nothing changed, when the same was recorded already. InputError: the attempt does not exist, another
        wrap-up is on record for it, or the callback it promises could not be kept.
        """
        return await self._database.write(lambda connection: _record(connection, self._cipher, wrap_up, effects, now))

    async def awaited(self, campaign_id: int, since: datetime) -> frozenset[int]:
        """The collectors, of whichever node, whose talks of a campaign ended since then and have no wrap-up yet."""
        said = {"of_campaign": campaign_id, "since": since}
        found = await self._database.read(lambda connection: connection.execute(_AWAITED, said).scalars().all())
        return frozenset(found)

    async def get(self, attempt_id: int) -> WrapUp | None:
        """The wrap-up of an attempt, or None."""
        query = select(wrap_ups).where(wrap_ups.c.attempt_id == attempt_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else opened(self._cipher, row)

    async def of_attempts(self, attempt_ids: Collection[int]) -> Mapping[int, WrapUp]:
        """The wrap-ups of these attempts; those without one are left out."""
        query = select(wrap_ups).where(wrap_ups.c.attempt_id.in_(sorted(attempt_ids)))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.attempt_id: opened(self._cipher, row) for row in rows}


def opened(cipher: Cipher, row: AnyRow) -> WrapUp:
    """The wrap-up in a row of the table."""
    private = msgspec.json.decode(cipher.open(row.sealed, WRAP_UP_PURPOSE), type=_Private)
    return WrapUp(
        attempt_id=row.attempt_id,
        agent_id=row.agent_id,
        code=row.code,
        recorded_at=row.recorded_at,
        values={name: decode_value(value) for name, value in private.values.items()},
        callback_at=row.callback_at,
        note=private.note,
    )


def _record(connection: Connection, cipher: Cipher, wrap_up: WrapUp, effects: WrapUpEffects, now: datetime) -> bool:
    attempt = load_attempt(connection, wrap_up.attempt_id)
    if attempt is None:
        raise InputError(f"there is no attempt {wrap_up.attempt_id}")
    _lock(connection, attempt, effects)
    private = msgspec.json.encode(
        _Private({name: encode_value(value) for name, value in wrap_up.values.items()}, wrap_up.note), order="sorted"
    )
    digest = _digest(wrap_up, private)
    known = connection.execute(_KNOWN, {"of_attempt": wrap_up.attempt_id}).scalar()
    if known is not None:
        if known != digest:
            raise InputError(f"attempt {wrap_up.attempt_id} has a wrap-up already, and it says something else")
        return False
    row = {
        "attempt_id": wrap_up.attempt_id,
        "agent_id": wrap_up.agent_id,
        "code": wrap_up.code,
        "right_party": effects.right_party,
        "recorded_at": wrap_up.recorded_at,
        "callback_at": wrap_up.callback_at,
        "sealed": cipher.seal(private, WRAP_UP_PURPOSE),
        "digest": digest,
    }
    connection.execute(_KEEP, row)
    _apply(connection, cipher, attempt, effects, now)
    identity = latest_check(connection, attempt.attempt_id)
    emit(connection, EventType.WRAP_UP, attempt.case_ref, now, payloads.wrap_up(wrap_up, attempt, identity))
    _note_and_prove(connection, attempt, wrap_up, effects, identity, now)
    return True


def _lock(connection: Connection, attempt: Attempt, effects: WrapUpEffects) -> None:
    """All locks first, in the order a reservation takes them: another order could end in a deadlock."""
    if effects.do_not_call:
        lock(connection, NUMBER_LOCK, _number_index(connection, attempt))
        if effects.right_party:
            lock_people(connection, [attempt.person_ref])
    lock(connection, CASE_LOCK, attempt.case_ref.encode())


def _digest(wrap_up: WrapUp, private: bytes) -> bytes:
    """What makes two wrap-ups the same: everything but when they were handed in."""
    said = f"{wrap_up.attempt_id}|{wrap_up.agent_id}|{wrap_up.code}|{wrap_up.callback_at}|".encode()
    return hashlib.sha256(said + private).digest()


def _apply(connection: Connection, cipher: Cipher, attempt: Attempt, effects: WrapUpEffects, now: datetime) -> None:
    change = _entry_change(attempt, effects)
    if change:
        said = {f"new_{name}": value for name, value in change.items()}
        changed = connection.execute(_changing(tuple(change)), {"of_attempt": attempt.attempt_id, **said})
        if effects.callback_at is not None and changed.rowcount == 0:
            raise InputError(NO_CALLBACK)
    if effects.do_not_call:
        number, case_ref, person_ref = _number(connection, cipher, attempt), attempt.case_ref, attempt.person_ref
        listing = Listing("wrap-up", "asked for in a call", case_ref, person_ref, attempt.attempt_id, attempt.node)
        list_number(connection, cipher, number, listing, now)
        if effects.right_party:
            list_person(connection, person_ref, listing, now)


def _note_and_prove(
    connection: Connection,
    attempt: Attempt,
    wrap_up: WrapUp,
    effects: WrapUpEffects,
    identity: IdentityCheck | None,
    now: datetime,
) -> None:
    """What rules count from now on, with its link in the chain of the node that made the call."""
    connected = attempt.connected_at is not None
    conversation = False if effects.not_a_conversation else True if connected else None
    counts = {"right_party": effects.right_party, "conversation": conversation}
    said_of = {f"new_{name}": is_so for name, is_so in counts.items()}
    connection.execute(_COUNT, {"of_attempt": attempt.attempt_id, **said_of})
    note_outcome(connection, attempt.attempt_id, wrap_up.code)
    index = _number_index(connection, attempt)
    said = {
        "at": now,
        "attempt_id": attempt.attempt_id,
        "campaign_id": attempt.campaign_id,
        "case_ref": attempt.case_ref,
        "person_ref": attempt.person_ref,
        "number": attempt.number_masked,
        "number_index": index.hex(),
        "agent_id": wrap_up.agent_id,
        "code": wrap_up.code,
        "identity": None if identity is None else {"result": identity.result.value, "at": identity.at},
        **counts,
    }
    append(
        connection,
        attempt.node,
        ProofKind.WRAP_UP,
        said,
        at=now,
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        case_ref=attempt.case_ref,
        number_index=index,
    )


def _number_index(connection: Connection, attempt: Attempt) -> bytes:
    return bytes(connection.execute(_INDEX, {"of_attempt": attempt.attempt_id}).scalar_one())


def _entry_change(attempt: Attempt, effects: WrapUpEffects) -> dict[str, object]:
    if effects.callback_at is not None:
        return {
            "queue": CALLBACK,
            "due_at": effects.callback_at,
            "callback_at": effects.callback_at,
            "callback_agent_id": effects.callback_agent_id,
            "next_phone_id": attempt.phone_id,
            "reason": "a callback was promised",
        }
    if effects.final:
        done = EntryState.DONE.value
        return {"queue": done, "callback_at": None, "callback_agent_id": None, "reason": "wrapped up"}
    return {}


def _number(connection: Connection, cipher: Cipher, attempt: Attempt) -> str:
    query = select(tables.phones).where(tables.phones.c.phone_id == attempt.phone_id)
    return values.phone(cipher, connection.execute(query).one()).number


def encode_value(value: FormValue) -> StoredValue:
    """The value with its type, as text."""
    if isinstance(value, bool):
        return StoredValue("boolean", str(int(value)))
    if isinstance(value, Decimal):
        return StoredValue("decimal", str(value))
    if isinstance(value, datetime):
        return StoredValue("instant", value.isoformat())
    if isinstance(value, date):
        return StoredValue("date", value.isoformat())
    return StoredValue("text", value)


def decode_value(value: StoredValue) -> FormValue:
    """The value as it was."""
    match value.kind:
        case "boolean":
            return value.text == "1"
        case "decimal":
            return Decimal(value.text)
        case "instant":
            return datetime.fromisoformat(value.text)
        case "date":
            return date.fromisoformat(value.text)
        case _:
            return value.text
