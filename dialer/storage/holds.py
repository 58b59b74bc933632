"""Legal holds: what must stay whatever its time, for which reason, until somebody lifts it with another.

A hold and a deletion exclude each other by one lock, so that a hold placed while deletions run is either in force for
a recording or comes too late for it, and says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from dialer.errors import InputError
from dialer.model.contact import CaseStatus
from dialer.model.recording import RecordingState
from dialer.model.retention import By, LegalHold, NewHold
from dialer.storage import ledger, tables
from dialer.storage.database import Database
from dialer.storage.dialect import RETENTION_LOCK, insert_row, lock
from dialer.storage.tables.base import AnyRow
from recording.ledger import EntryKind
from recording.retention import Hold, HoldScope

table = tables.legal_holds
recordings = tables.recordings
attempts = tables.attempts

HOLDING = frozenset({CaseStatus.COMPLAINT, CaseStatus.DISPUTE})
"""Statuses that place a hold by themselves: recordings will be asked for. A person lifts it, no status does."""
BY_STATUS = By("the status of the case")


class Holds:
    """The `holds` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, new: NewHold, by: By, now: datetime, *, node: str) -> LegalHold:
        """Places a hold, with its entry in the node's ledger. Several on one thing stand side by side.

        InputError: it is to keep one recording, and that one is gone, was never there, or is a redaction.
        """
        return await self._database.write(lambda connection: _place(connection, new, by, now, node))

    async def n_held(self, scope: HoldScope, ref: str) -> int:
        """How many recordings, redactions not counted, a hold on this keeps of those that are there now."""
        query = (
            select(func.count())
            .select_from(recordings.join(attempts, attempts.c.attempt_id == recordings.c.attempt_id))
            .where(_concerns(scope, ref))
        )
        kept = query.where(recordings.c.state == RecordingState.KEPT.value, recordings.c.parent_id == "")
        return await self._database.read(lambda connection: connection.execute(kept).scalar_one())

    async def lift(self, hold_id: int, reason: str, by: By, now: datetime, *, node: str) -> LegalHold | None:
        """Ends a hold, with its entry in the ledger; a lifted one stays as it was. None: there is no such hold."""
        return await self._database.write(lambda connection: _lift(connection, hold_id, reason, by, now, node))

    async def list(
        self,
        *,
        in_force: bool | None = None,
        scope: HoldScope | None = None,
        ref: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[LegalHold, ...]:
        """A page, newest first; the next is that `before` the last id of this one."""
        query = select(table).order_by(table.c.hold_id.desc()).limit(limit)
        if in_force is not None:
            query = query.where(table.c.lifted_at.is_(None) if in_force else table.c.lifted_at.is_not(None))
        for column, wanted in ((table.c.scope, None if scope is None else scope.value), (table.c.ref, ref)):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            query = query.where(table.c.hold_id < before)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_value(row) for row in rows)


def lock_retention(connection: Connection) -> None:
    """Waits until nobody else places a hold or deletes."""
    lock(connection, RETENTION_LOCK, b"")


def place_by_status(
    connection: Connection, case_ref: str, people: Iterable[str], status: CaseStatus, node: str, now: datetime
) -> None:
    """Keeps what a complaint or a dispute will be about, unless such a hold is in force; the lock is held already.

    A complaint is about the persons, whichever case their calls were for.
    """
    kept = [(HoldScope.CASE, case_ref)]
    if status is CaseStatus.COMPLAINT:
        kept += ((HoldScope.PERSON, person_ref) for person_ref in people)
    reason = f"the case is {status.value}"
    for scope, ref in kept:
        same = (table.c.scope == scope.value) & (table.c.ref == ref) & (table.c.reason == reason)
        if connection.execute(select(table.c.hold_id).where(same, table.c.lifted_at.is_(None))).first() is None:
            _insert(connection, NewHold(scope, ref, reason), BY_STATUS, now, node)


def holds_on(connection: Connection, rows: Sequence[AnyRow]) -> Mapping[str, tuple[Hold, ...]]:
    """The holds in force on recordings, by id; a row names recording, case, person and campaign."""
    if not rows:
        return {}
    named = {
        HoldScope.RECORDING: {row.recording_id for row in rows},
        HoldScope.CASE: {row.case_ref for row in rows},
        HoldScope.PERSON: {row.person_ref for row in rows} - {""},
        HoldScope.CAMPAIGN: {str(row.campaign_id) for row in rows},
    }
    asked = or_(*(and_(table.c.scope == scope.value, table.c.ref.in_(refs)) for scope, refs in named.items()))
    found = connection.execute(select(table).where(table.c.lifted_at.is_(None), asked).order_by(table.c.hold_id))
    by_ref: dict[tuple[str, str], list[Hold]] = {}
    for row in found:
        by_ref.setdefault((row.scope, row.ref), []).append(_hold(row))
    return {row.recording_id: tuple(_of(row, by_ref)) for row in rows}


def _of(row: AnyRow, by_ref: Mapping[tuple[str, str], list[Hold]]) -> Iterable[Hold]:
    refs = (row.recording_id, row.case_ref, row.person_ref, str(row.campaign_id))
    for scope, ref in zip(HoldScope, refs, strict=True):
        yield from by_ref.get((scope.value, ref), ())


def _concerns(scope: HoldScope, ref: str) -> ColumnElement[bool]:
    if scope is HoldScope.CAMPAIGN:
        return recordings.c.campaign_id == int(ref)
    by_text = {
        HoldScope.RECORDING: recordings.c.recording_id,
        HoldScope.CASE: recordings.c.case_ref,
        HoldScope.PERSON: attempts.c.person_ref,
    }
    return by_text[scope] == ref


def _place(connection: Connection, new: NewHold, by: By, now: datetime, node: str) -> LegalHold:
    lock_retention(connection)
    if new.scope is HoldScope.RECORDING:
        named = select(recordings.c.state, recordings.c.parent_id).where(recordings.c.recording_id == new.ref)
        found = connection.execute(named).first()
        if found is None or found.state != RecordingState.KEPT.value:
            raise InputError("there is no such recording" if found is None else "the recording was deleted before")
        if found.parent_id:  # a deletion looks for holds on originals; what is made of them stays and goes with them
            raise InputError(f"it is a redaction of {found.parent_id}, and goes with that one: hold that one")
    return _insert(connection, new, by, now, node)


def _insert(connection: Connection, new: NewHold, by: By, now: datetime, node: str) -> LegalHold:
    said = {"scope": new.scope.value, "ref": new.ref, "reason": new.reason}
    row = {**said, "placed_by": by.words, "placed_at": now, "lifted_by": "", "lift_reason": ""}
    hold_id = insert_row(connection, table, row)
    ledger.append(connection, node, EntryKind.HOLD, _subject(hold_id), {**said, "account": by.account_id}, now)
    return LegalHold(Hold(hold_id, new.scope, new.ref, new.reason, now), by.words)


def _lift(connection: Connection, hold_id: int, reason: str, by: By, now: datetime, node: str) -> LegalHold | None:
    lock_retention(connection)
    mine = select(table).where(table.c.hold_id == hold_id)
    row = connection.execute(mine).first()
    if row is None or row.lifted_at is not None:
        return None if row is None else _value(row)
    lifted = {"lifted_by": by.words, "lifted_at": now, "lift_reason": reason}
    connection.execute(update(table).where(table.c.hold_id == hold_id).values(lifted))
    said = {"scope": row.scope, "ref": row.ref, "reason": reason, "account": by.account_id}
    ledger.append(connection, node, EntryKind.HOLD_LIFTED, _subject(hold_id), said, now)
    return _value(connection.execute(mine).one())


def _subject(hold_id: int) -> str:
    return f"hold/{hold_id}"


def _value(row: AnyRow) -> LegalHold:
    return LegalHold(_hold(row), row.placed_by, row.lifted_at, row.lifted_by, row.lift_reason)


def _hold(row: AnyRow) -> Hold:
    return Hold(row.hold_id, HoldScope(row.scope), row.ref, row.reason, row.placed_at)
