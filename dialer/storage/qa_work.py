"""The work of quality assurance: given out evenly, taken one by one, done once; nobody judges an own call.

Two locks keep it so where several nodes work at once: whoever opens items takes the lock of all giving out, whoever
takes or gets an item the lock of that person. Both come before the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, String, and_, cast, exists, false, func, select, update

from dialer.errors import DialerError, InputError
from dialer.model.account import Role
from dialer.model.evaluation import Evaluation, RoundKind
from dialer.model.quality_work import (
    CallFacts,
    NewWork,
    Purpose,
    WorkFilter,
    WorkItem,
    WorkKind,
    WorkLoad,
    WorkState,
)
from dialer.model.recording import RecordingState
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import QUALITY_LOCK, insert_row, lock
from dialer.storage.evaluation_rows import withdraw_drafts
from dialer.storage.qa_taking import take_next, twin_of
from dialer.storage.qa_work_reading import IS_PENDING, calls_of, item_of, loads_at, matching
from dialer.storage.tables.base import AnyRow
from recording.review.assigning import Task, share_out
from recording.review.evaluation_state import EvaluationState

work = tables.qa_work
accounts = tables.accounts
recordings = tables.recordings
evaluations = tables.evaluations
rounds = tables.scoring_rounds

BY_PLAN = "plan"
ASSIGNED = "assigned"
"""What `recordings.qa_state` says while somebody is to score it."""
_PURPOSES = {RoundKind.DOUBLE: Purpose.BLIND, RoundKind.CALIBRATION: Purpose.CALIBRATION}
MAY_SCORE = frozenset({Role.QA, Role.SUPERVISOR, Role.ADMINISTRATOR})


class QaWork:
    """The `qa_work` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_for(self, item: NewWork, assignee_id: int | None, now: datetime) -> WorkItem | None:
        """Opens one item for somebody, None: for whoever comes first; what was skipped is opened again.

        None: it is given out, or was done.
        InputError: that person may not have it, in words.
        """
        return await self._database.write(lambda connection: _open_for(connection, item, assignee_id, now))

    async def next(self, account_id: int, now: datetime) -> WorkItem | None:
        """This person's next item, which is theirs from now on; None: there is nothing to do.

        First what they had taken, then what is theirs by due day, then what nobody has; never a call of their own, nor
        the other half of a pair.
        """
        return await self._database.write(lambda connection: take_next(connection, account_id, now))

    async def assign(self, work_id: int, assignee_id: int | None, actor: str, now: datetime) -> WorkItem | None:
        """Gives a pending item to somebody else, or to whoever comes first (None). None: it is not pending.

        What whoever had it began is withdrawn: a draft would keep the recording from the next.
        InputError: that person may not have it, in words. DialerError: somebody took it meanwhile.
        """
        return await self._database.write(lambda connection: _assign(connection, work_id, assignee_id, actor, now))

    async def skip(self, work_id: int, note: str, actor: str, now: datetime) -> WorkItem | None:
        """Closes a pending item undone, with the reason, and withdraws what was begun of it; None: not pending."""
        return await self._database.write(lambda connection: _skip(connection, work_id, note, actor, now))

    async def get(self, work_id: int) -> WorkItem | None:
        """The item, or None."""
        return await self._database.read(lambda connection: _get(connection, work_id))

    async def find(self, asked: WorkFilter, limit: int = 100, before_id: int | None = None) -> tuple[WorkItem, ...]:
        """A page, newest first; the next page is that `before_id` the last of this one."""
        query = matching(select(work), asked).order_by(work.c.work_id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(work.c.work_id < before_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(item_of(row) for row in rows)

    async def calls(self, recording_ids: Sequence[str]) -> Mapping[str, CallFacts]:
        """What may be known of the calls of these recordings."""
        return await self._database.read(lambda connection: calls_of(connection, recording_ids))

    async def loads(self, now: datetime, since: datetime) -> tuple[WorkLoad, ...]:
        """What everybody has to do, and did of what was opened `since` then; the ones with most to do first."""
        return await self._database.read(lambda connection: loads_at(connection, now, since))

    async def waiting_verdicts(self) -> Mapping[int, int]:
        """How many drawn verdicts of each campaign wait for somebody to listen."""
        of_verdicts = and_(work.c.kind == WorkKind.VERDICT.value, IS_PENDING)
        query = select(work.c.campaign_id, func.count()).where(of_verdicts).group_by(work.c.campaign_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row[0]: int(row[1]) for row in rows}

    async def tidy(self, now: datetime) -> int:
        """Closes what cannot be done any more: its recording was deleted, its announcement is gone. How many."""
        return await self._database.write(lambda connection: _tidy(connection, now))


def open_work(connection: Connection, items: Sequence[NewWork], now: datetime) -> tuple[WorkItem, ...]:
    """Opens items within a transaction; what is to be scored then says so (`recordings.qa_state`)."""
    lock(connection, QUALITY_LOCK, b"")
    opened: list[WorkItem] = []
    for item in items:
        if not _is_given_out(connection, item):
            opened.append(_insert(connection, item, now))
    _mark_recordings(connection, opened)
    return tuple(opened)


def _open_for(connection: Connection, item: NewWork, assignee_id: int | None, now: datetime) -> WorkItem | None:
    lock(connection, QUALITY_LOCK, b"")
    same = and_(work.c.kind == item.kind.value, work.c.subject == item.subject, work.c.calibration_id == 0)
    before = [item_of(row) for row in connection.execute(select(work).where(same).with_for_update())]
    rivals = [one for one in before if one.purpose is not item.purpose or one.slot == item.slot]  # no other half
    if any(one.state is not WorkState.SKIPPED for one in rivals):
        return None
    skipped = next((one for one in rivals if one.purpose is item.purpose), None)
    opened = open_work(connection, [item], now)[0] if skipped is None else _open_again(connection, skipped, item)
    if assignee_id is None:
        return opened
    return _assign(connection, opened.work_id, assignee_id, item.assigned_by, now)


def _open_again(connection: Connection, skipped: WorkItem, item: NewWork) -> WorkItem:
    """What was skipped is the same item once more, with the new reason beside the old ones."""
    said = {"state": WorkState.OPEN.value, "due_at": item.due_at, "assigned_by": item.assigned_by, "note": ""}
    said |= {"assignee_id": None, "taken_at": None, "closed_at": None, "closed_by": ""}
    said |= {"reasons": msgspec.json.encode((*skipped.reasons, *item.reasons))}
    connection.execute(update(work).where(work.c.work_id == skipped.work_id).values(said))
    opened = replace(skipped, state=WorkState.OPEN)
    _mark_recordings(connection, [opened])
    return item_of(connection.execute(select(work).where(work.c.work_id == skipped.work_id)).one())


def complete(connection: Connection, evaluation: Evaluation, kind: RoundKind | None, now: datetime) -> None:
    """Closes what a submitted evaluation, of a round of this kind or of none, does: the scorer's own item of it.

    Whoever has the recording for something else, too, has yet to do that. Outside of rounds it is scored once: without
    an own item what others were to do is done.
    """
    purpose = Purpose.SCORE if kind is None else _PURPOSES[kind]
    round_id = evaluation.round_id if kind is RoundKind.CALIBRATION else 0
    same = and_(_of_recordings((evaluation.recording_id,), purpose), work.c.calibration_id == round_id, IS_PENDING)
    done = {"closed_by": f"account {evaluation.scorer_id}", "evaluation_id": evaluation.evaluation_id}
    mine = same & (work.c.assignee_id == evaluation.scorer_id)
    if _close(connection, mine, WorkState.DONE, now, **done) == 0 and kind is None:
        _close(connection, same, WorkState.DONE, now, **done)


def complete_subject(connection: Connection, kind: WorkKind, subject: int, actor: str, now: datetime) -> None:
    """Closes the item of a verdict that was labelled, or of an announcement that was named, whoever did it."""
    mine = and_(work.c.kind == kind.value, work.c.subject == str(subject), IS_PENDING)
    _close(connection, mine, WorkState.DONE, now, closed_by=actor)


def unmark_recording(connection: Connection, recording_id: str) -> None:
    """Nobody is to score it any more, unless somebody else is, or has begun to, or did and it is not revealed yet."""
    others = exists().where(work.c.kind == WorkKind.RECORDING.value, work.c.subject == recording_id, IS_PENDING)
    begun = exists().where(
        evaluations.c.recording_id == recording_id,
        evaluations.c.counts,
        evaluations.c.state.in_((EvaluationState.DRAFT.value, EvaluationState.SUBMITTED.value)),
    )
    mine = and_(recordings.c.recording_id == recording_id, recordings.c.qa_state == ASSIGNED, ~others, ~begun)
    connection.execute(update(recordings).where(mine).values(qa_state=""))


def is_pending(connection: Connection, recording_id: str, purpose: Purpose) -> bool:
    """Whether somebody has yet to do something with a recording for this purpose."""
    query = select(work.c.work_id).where(_of_recordings((recording_id,), purpose), IS_PENDING).limit(1)
    return connection.execute(query).first() is not None


def skip_round(
    connection: Connection,
    recording_ids: Iterable[str],
    purpose: Purpose,
    calibration_id: int,
    actor: str,
    now: datetime,
) -> None:
    """Closes what is left to do of a blind pair, or of a calibration, that was closed."""
    left = and_(_of_recordings(recording_ids, purpose), work.c.calibration_id == calibration_id, IS_PENDING)
    _close(connection, left, WorkState.SKIPPED, now, closed_by=actor, note="the round was closed")


def shared_out(connection: Connection, items: Sequence[NewWork], hands: int = 1) -> tuple[NewWork, ...]:
    """The same items, each `hands` times, given to quality assurance evenly; what nobody may have is anyone's."""
    given = share_out([Task(item.subject, hands, item.collector_id) for item in items], _waiting(connection))
    return tuple(
        replace(item, slot=slot, assignee_id=person, assigned_by="" if person is None else BY_PLAN)
        for item, people in zip(items, given, strict=True)
        for slot, person in enumerate(people, start=1)
    )


def _of_recordings(recording_ids: Iterable[str], purpose: Purpose) -> ColumnElement[bool]:
    is_recording = work.c.kind == WorkKind.RECORDING.value
    return and_(is_recording, work.c.subject.in_(sorted(recording_ids)), work.c.purpose == purpose.value)


def _waiting(connection: Connection) -> dict[int, int]:
    """What each active member of quality assurance has to do."""
    theirs = and_(work.c.assignee_id == accounts.c.account_id, IS_PENDING)
    query = (
        select(accounts.c.account_id, func.count(work.c.work_id))
        .select_from(accounts.outerjoin(work, theirs))
        .where(accounts.c.role == Role.QA.value, accounts.c.active)
        .group_by(accounts.c.account_id)
    )
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _is_given_out(connection: Connection, item: NewWork) -> bool:
    same = {name: getattr(item, name) for name in ("subject", "calibration_id", "slot")}
    same |= {"kind": item.kind.value, "purpose": item.purpose.value}
    query = select(work.c.work_id).where(*(work.c[name] == value for name, value in same.items()))
    if item.kind is WorkKind.ANNOUNCEMENT:  # another one bears its number by now
        query = query.where(IS_PENDING)
    return connection.execute(query).first() is not None


def _insert(connection: Connection, item: NewWork, now: datetime) -> WorkItem:
    row = {name: getattr(item, name) for name in NewWork.__slots__}
    row |= {"kind": item.kind.value, "purpose": item.purpose.value, "reasons": msgspec.json.encode(item.reasons)}
    row |= {"state": WorkState.OPEN.value, "created_at": now, "closed_by": "", "note": ""}
    work_id = insert_row(connection, work, row)
    plain = {name: getattr(item, name) for name in NewWork.__slots__}
    return WorkItem(**plain, work_id=work_id, state=WorkState.OPEN, created_at=now)


def _mark_recordings(connection: Connection, opened: Iterable[WorkItem]) -> None:
    for item in opened:
        if item.kind is WorkKind.RECORDING:
            mine = and_(recordings.c.recording_id == item.subject, recordings.c.qa_state == "")
            connection.execute(update(recordings).where(mine).values(qa_state=ASSIGNED))


def _assign(
    connection: Connection, work_id: int, assignee_id: int | None, actor: str, now: datetime
) -> WorkItem | None:
    """The evaluation's row comes before the work's: what was seen of the work must still be so when it changes."""
    if assignee_id is not None:
        lock(connection, QUALITY_LOCK, str(assignee_id).encode())
    pending = and_(work.c.work_id == work_id, IS_PENDING)
    row = connection.execute(select(work).where(pending)).first()
    if row is None:
        return None
    if assignee_id is not None:
        _refuse_unfit(connection, row, assignee_id)
    if row.assignee_id != assignee_id:
        withdraw_drafts(connection, _begun_of(row), "the work was given to somebody else", now)
    as_seen = and_(pending, work.c.assignee_id.is_not_distinct_from(row.assignee_id))
    change = {"assignee_id": assignee_id, "assigned_by": actor, "state": WorkState.OPEN.value, "taken_at": None}
    if connection.execute(update(work).where(as_seen).values(change)).rowcount == 0:
        raise DialerError("somebody took this work meanwhile, or closed it: read it again")
    return _get(connection, work_id)


def _begun_of(row: AnyRow) -> ColumnElement[bool]:
    """The evaluations that whoever has an item made of it."""
    if row.kind != WorkKind.RECORDING.value:
        return false()
    theirs = and_(evaluations.c.recording_id == row.subject, evaluations.c.scorer_id == row.assignee_id)
    if row.purpose == Purpose.CALIBRATION.value:
        return and_(theirs, evaluations.c.round_id == row.calibration_id)
    if row.scorecard_id is not None:
        theirs = and_(theirs, evaluations.c.scorecard_id == row.scorecard_id)
    if row.purpose == Purpose.BLIND.value:
        pairs = select(rounds.c.round_id).where(rounds.c.kind == RoundKind.DOUBLE.value)
        return and_(theirs, evaluations.c.round_id.in_(pairs))
    return and_(theirs, evaluations.c.round_id.is_(None))


def _refuse_unfit(connection: Connection, row: AnyRow, assignee_id: int) -> None:
    query = select(accounts.c.role).where(accounts.c.account_id == assignee_id, accounts.c.active)
    role = connection.execute(query).scalar()
    if role is None or Role(role) not in MAY_SCORE:
        raise InputError("this work goes to quality assurance or a supervisor with an active account")
    if row.collector_id == assignee_id:
        raise InputError("nobody judges a call of their own")
    twin = select(work.c.work_id).where(work.c.work_id == row.work_id, twin_of(assignee_id))
    if connection.execute(twin).first() is not None:
        raise InputError("a pair is for two people, and this one has the other half")


def _skip(connection: Connection, work_id: int, note: str, actor: str, now: datetime) -> WorkItem | None:
    mine = and_(work.c.work_id == work_id, IS_PENDING)
    row = connection.execute(select(work).where(mine)).first()
    if row is None:
        return None
    withdraw_drafts(connection, _begun_of(row), note, now)
    if _close(connection, mine, WorkState.SKIPPED, now, closed_by=actor, note=note) == 0:
        return None
    item = _get(connection, work_id)
    if item is not None and item.kind is WorkKind.RECORDING:
        unmark_recording(connection, item.subject)
    return item


def _close(connection: Connection, which: Any, state: WorkState, now: datetime, **said: object) -> int:
    return connection.execute(update(work).where(which).values(state=state.value, closed_at=now, **said)).rowcount


def _tidy(connection: Connection, now: datetime) -> int:
    deleted = exists().where(
        recordings.c.recording_id == work.c.subject, recordings.c.state == RecordingState.DELETED.value
    )
    of_deleted = and_(work.c.kind == WorkKind.RECORDING.value, IS_PENDING, deleted)
    waiting = tables.unknown_announcements
    is_known = exists().where(cast(waiting.c.cluster_id, String) == work.c.subject)
    of_nothing = and_(work.c.kind == WorkKind.ANNOUNCEMENT.value, IS_PENDING, ~is_known)
    reasons = {"the recording was deleted": of_deleted, "the announcement was not heard any more": of_nothing}
    return sum(
        _close(connection, which, WorkState.SKIPPED, now, closed_by=BY_PLAN, note=note)
        for note, which in reasons.items()
    )


def _get(connection: Connection, work_id: int) -> WorkItem | None:
    row = connection.execute(select(work).where(work.c.work_id == work_id)).first()
    return None if row is None else item_of(row)
