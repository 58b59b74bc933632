"""Recordings: which belongs to which attempt, what opens it, and its entry in the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from dialer.errors import InputError
from dialer.model.attempt import Attempt
from dialer.model.outcome import EventType
from dialer.model.recording import NewRecording, RecordingInfo, WrappedKey
from dialer.model.recording_query import Place, RecordingPage, RecordingQuery
from dialer.outcomes import payloads
from dialer.storage import ledger, tables
from dialer.storage.attempts import load_attempt
from dialer.storage.database import Database
from dialer.storage.ending import lock_case
from dialer.storage.events import emit
from dialer.storage.keeping import is_gone
from dialer.storage.recording_search import find, recording_info
from recording.ledger import EntryKind, recording_facts

recordings = tables.recordings
keys = tables.recording_keys

_BY_NUMBER = (func.length(recordings.c.recording_id), recordings.c.recording_id)
"""Redactions in the order in which they were made: ID.r2 before ID.r10."""


class Recordings:
    """The `recordings` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        recording: NewRecording,
        key: WrappedKey | None,
        now: datetime,
        *,
        made: Mapping[str, Any] | None = None,
    ) -> bool:
        """Stores a finalised recording with what opens it, and tells the case system; False when it was stored already.

        One transaction with its entry in the node's ledger. A recording that is made once more, after a crash before
        its spool was removed, has a new key: the last one told of is what lies in the store. `made`: how a redaction
        was made of its original, for the ledger. InputError: the attempt does not exist, or a redaction has that id.
        """
        return await self._database.write(lambda connection: _add(connection, recording, key, now, made or {}))

    async def note_transcript(self, recording_id: str, made: Mapping[str, Any], node: str, now: datetime) -> None:
        """Puts into the node's ledger that a recording was transcribed, and what lies beside it from now on."""
        await self._database.write(
            lambda connection: ledger.append(connection, node, EntryKind.TRANSCRIPT, recording_id, made, now)
        )

    async def key(self, recording_id: str) -> WrappedKey | None:
        """What opens the recording; None: nothing does any more, or there is no such recording."""
        query = select(keys).where(keys.c.recording_id == recording_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else WrappedKey(row.kek_id, row.wrapped)

    async def get(self, recording_id: str) -> RecordingInfo | None:
        """The recording, or None."""
        query = select(recordings).where(recordings.c.recording_id == recording_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else recording_info(row)

    async def find(self, asked: RecordingQuery, before: Place | None = None, limit: int = 100) -> RecordingPage:
        """A page of originals, newest first; the next is that `before` the `next` of this.

        Recordings that come in meanwhile stand before the first page, or at their place on a later one: none is given
        twice, and none that was there is left out.
        """
        return await self._database.read(lambda connection: find(connection, asked, before, limit))

    async def derived(self, recording_id: str) -> tuple[RecordingInfo, ...]:
        """The redactions made of a recording, oldest first."""
        made_of = (recordings.c.parent_id == recording_id) & (recordings.c.parent_id != "")
        query = select(recordings).where(made_of).order_by(*_BY_NUMBER)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(recording_info(row) for row in rows)

    async def redactions(self, recording_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The ids of the redactions made of each of these recordings that has any, oldest first."""
        made_of = recordings.c.parent_id.in_(recording_ids) & (recordings.c.parent_id != "")
        ids = (recordings.c.parent_id, recordings.c.recording_id)
        query = select(*ids).where(made_of).order_by(*_BY_NUMBER)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        made: dict[str, tuple[str, ...]] = {}
        for parent_id, recording_id in rows:
            made[parent_id] = (*made.get(parent_id, ()), recording_id)
        return made


def _add(
    connection: Connection,
    recording: NewRecording,
    key: WrappedKey | None,
    now: datetime,
    made: Mapping[str, Any],
) -> bool:
    attempt = _called(connection, recording)
    if is_gone(connection, recording):
        return False
    row = {name: getattr(recording, name) for name in NewRecording.__slots__}
    known = select(recordings.c.sealed_sha256).where(recordings.c.recording_id == recording.recording_id)
    before = connection.execute(known).scalar()
    if before == recording.sealed_sha256:
        return False
    if before is not None and recording.parent_id:
        raise InputError(f"recording {recording.recording_id}: another redaction has that id")
    if before is None:
        connection.execute(insert(recordings), row | _found_by(connection, attempt))
    else:
        same = recordings.c.recording_id == recording.recording_id
        connection.execute(update(recordings).where(same).values(row))
    if key is not None:
        connection.execute(delete(keys).where(keys.c.recording_id == recording.recording_id))
        connection.execute(
            insert(keys), {"recording_id": recording.recording_id, "kek_id": key.kek_id, "wrapped": key.wrapped}
        )
    if not recording.parent_id:
        mine = update(tables.attempts).where(tables.attempts.c.attempt_id == recording.attempt_id)
        connection.execute(mine.values(recording_id=recording.recording_id))
    if before is None and not recording.parent_id:
        emit(connection, EventType.RECORDING_READY, attempt.case_ref, now, payloads.recording_ready(recording, attempt))
    kind = EntryKind.DERIVED if recording.parent_id else EntryKind.RECORDING
    proof = _last_proof(connection, attempt.attempt_id)
    facts = recording_facts(row | {"case_ref": attempt.case_ref, "campaign_id": attempt.campaign_id}) | {"proof": proof}
    ledger.append(connection, recording.node, kind, recording.recording_id, {**facts, **made}, now)
    return before is None


def _called(connection: Connection, recording: NewRecording) -> Attempt:
    """The attempt, locked, so that an end or a wrap-up of this moment finds the recording, or is found by it."""
    lock_case(connection, recording.attempt_id)  # before the row, as ends and wrap-ups do: its event needs it, too
    called = select(tables.attempts.c.attempt_id).where(tables.attempts.c.attempt_id == recording.attempt_id)
    connection.execute(called.with_for_update())
    attempt = load_attempt(connection, recording.attempt_id)
    if attempt is None:
        raise InputError(f"recording {recording.recording_id}: there is no attempt {recording.attempt_id}")
    return attempt


def _last_proof(connection: Connection, attempt_id: int) -> dict[str, Any] | None:
    """The attempt's newest link in the chains of proofs: it ties the recording to why the call was allowed."""
    proofs = tables.proofs
    query = select(proofs.c.chain, proofs.c.sequence, proofs.c.hash).where(proofs.c.attempt_id == attempt_id)
    link = connection.execute(query.order_by(proofs.c.proof_id.desc()).limit(1)).first()
    return None if link is None else {"chain": link.chain, "sequence": link.sequence, "hash": link.hash.hex()}


def _found_by(connection: Connection, attempt: Attempt) -> dict[str, Any]:
    """Copies of what a recording is found by."""
    attempts, wrap_ups = tables.attempts, tables.wrap_ups
    number = select(attempts.c.number_index).where(attempts.c.attempt_id == attempt.attempt_id)
    outcome = select(wrap_ups.c.code).where(wrap_ups.c.attempt_id == attempt.attempt_id)
    return {
        "campaign_id": attempt.campaign_id,
        "case_ref": attempt.case_ref,
        "number_index": connection.execute(number).scalar_one(),
        "number_masked": attempt.number_masked,
        "agent_id": attempt.agent_id,
        "disposition": "" if attempt.disposition is None else attempt.disposition.value,
        "verdict": attempt.verdict,
        "outcome": connection.execute(outcome).scalar() or "",
    }
