"""Rounds: scorers of the same recordings who see nothing of each other until the round is revealed.

A double scoring comes of the two items of a blind pair: the first of the two who begins opens the round, the other
joins it, and it is revealed when neither has anything left to do. A calibration is opened as a whole, hands out its own
items of work, and is revealed when somebody closes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, insert, or_, select, update

from dialer.errors import DialerError
from dialer.model.evaluation import Evaluation, NewCalibration, NewPair, Person, RoundKind, ScoringRound
from dialer.model.quality_work import Purpose
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import insert_row
from dialer.storage.evaluation_rows import HOUSE, after, change, mark_recording, value_of
from dialer.storage.qa_work import is_pending, skip_round, unmark_recording
from dialer.storage.round_opening import give_to_two, open_calibration
from dialer.storage.scorecards import load_version
from dialer.storage.tables.base import AnyRow
from recording.review.calibration import Scoring
from recording.review.evaluation_state import ENDINGS, EvaluationEvent, EvaluationState

rounds = tables.scoring_rounds
members = tables.scoring_round_members
round_recordings = tables.scoring_round_recordings
evaluations = tables.evaluations
recordings = tables.recordings
accounts = tables.accounts


@dataclass(frozen=True, slots=True)
class Seat:
    """A scorer's place in a round; `round_id` None: of a blind pair that nobody has begun yet."""

    kind: RoundKind
    round_id: int | None = None
    version_id: int | None = None


class ScoringRounds:
    """The `scoring_rounds` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, calibration: NewCalibration, actor: Person, now: datetime) -> ScoringRound:
        """Opens a calibration and gives everybody their work. InputError: who or what it names will not do."""
        return await self._database.write(
            lambda connection: _loaded(connection, open_calibration(connection, calibration, actor, now))
        )

    async def give_to_two(self, pair: NewPair, actor: Person, now: datetime) -> None:
        """Gives a recording to two scorers who learn nothing of each other; the round begins with the first of them.

        InputError: who or what it names will not do. DialerError: the recording is scored, or was given to two before.
        """
        await self._database.write(lambda connection: give_to_two(connection, pair, actor, now))

    async def get(self, round_id: int, viewer_id: int | None = None) -> ScoringRound | None:
        """The round if this person may know of it (`find`), else None."""
        return await self._database.read(lambda connection: _get(connection, round_id, viewer_id))

    async def find(
        self, viewer_id: int | None, limit: int = 100, before: int | None = None
    ) -> tuple[ScoringRound, ...]:
        """A page, newest first, the next one is that `before` the last of this one.

        Of rounds that are not revealed a scorer knows calibrations alone. `viewer_id` None: everything is shown.
        """
        return await self._database.read(lambda connection: _find(connection, viewer_id, limit, before))

    async def close(self, round_id: int, actor: Person, now: datetime) -> ScoringRound | None:
        """Reveals a round as it is; drafts in it are withdrawn. None: there is no such round.

        DialerError: it is revealed already.
        """
        return await self._database.write(lambda connection: _close(connection, round_id, actor, now))

    async def scorings(self, round_id: int) -> tuple[Scoring, ...]:
        """What everybody submitted in a round that is revealed; nothing before."""
        return await self._database.read(lambda connection: _scorings(connection, round_id))


def seat_of(connection: Connection, recording_id: str, account_id: int, task: AnyRow | None) -> Seat | None:
    """The scorer's place in a round about this recording that is not revealed; None: there is none.

    `task` is the scorer's item of work; without one it is a round whose member the scorer is, and has yet to score in.
    """
    opened = (
        select(rounds)
        .join(round_recordings, round_recordings.c.round_id == rounds.c.round_id)
        .where(round_recordings.c.recording_id == recording_id, rounds.c.revealed_at.is_(None))
    )
    if task is not None and task.purpose == Purpose.BLIND.value:
        fits: ColumnElement[bool] = rounds.c.kind == RoundKind.DOUBLE.value
    elif task is not None and task.purpose == Purpose.CALIBRATION.value:
        fits = rounds.c.round_id == task.calibration_id
    else:
        fits = _waits_for(recording_id, account_id)
    row = connection.execute(opened.where(fits).order_by(rounds.c.round_id).with_for_update(of=rounds)).first()
    if row is not None:
        return Seat(RoundKind(row.kind), row.round_id, row.version_id)
    return Seat(RoundKind.DOUBLE) if task is not None and task.purpose == Purpose.BLIND.value else None


def take_seat(
    connection: Connection, seat: Seat, recording_id: str, version_id: int, actor: Person, now: datetime
) -> int:
    """Puts the scorer into the round, which begins with the first of a blind pair; its id."""
    round_id = seat.round_id
    if round_id is None:
        row = {"kind": RoundKind.DOUBLE.value, "title": "", "version_id": version_id, "opened_by": HOUSE.name}
        row |= {"opened_by_id": HOUSE.account_id, "opened_at": now, "revealed_by": ""}
        round_id = insert_row(connection, rounds, row)
        connection.execute(insert(round_recordings), {"round_id": round_id, "recording_id": recording_id})
    same = and_(members.c.round_id == round_id, members.c.account_id == actor.account_id)
    if connection.execute(select(members.c.account_id).where(same)).first() is None:
        connection.execute(insert(members), {"round_id": round_id, "account_id": actor.account_id})
    return round_id


def hold_round(connection: Connection, evaluation_id: int) -> RoundKind | None:
    """Takes the lock of an evaluation's round: of two who submit last, one sees that the other was first.

    Of what kind it is; None: the evaluation is in none.
    """
    its = select(evaluations.c.round_id).where(evaluations.c.evaluation_id == evaluation_id).scalar_subquery()
    kind = connection.execute(select(rounds.c.kind).where(rounds.c.round_id == its).with_for_update()).scalar()
    return None if kind is None else RoundKind(kind)


def reveal_if_done(connection: Connection, round_id: int, now: datetime) -> Mapping[int, Evaluation]:
    """Reveals a double scoring in which nobody has anything left to do; its evaluations then, by id."""
    row = connection.execute(select(rounds).where(rounds.c.round_id == round_id).with_for_update()).one()
    if row.kind != RoundKind.DOUBLE.value or row.revealed_at is not None:
        return {}
    (recording_id,) = _recordings_of(connection, round_id)
    drafts = and_(evaluations.c.round_id == round_id, evaluations.c.state == EvaluationState.DRAFT.value)
    has_drafts = connection.execute(select(evaluations.c.evaluation_id).where(drafts)).first() is not None
    if has_drafts or is_pending(connection, recording_id, Purpose.BLIND):
        return {}
    return _reveal_round(connection, row, HOUSE, now)


def reveal_finished(connection: Connection, now: datetime) -> None:
    """The same for all double scorings: an item of theirs may have been closed undone."""
    unrevealed = and_(rounds.c.kind == RoundKind.DOUBLE.value, rounds.c.revealed_at.is_(None))
    query = select(rounds.c.round_id).where(unrevealed).order_by(rounds.c.round_id)
    for round_id in connection.execute(query).scalars().all():
        reveal_if_done(connection, round_id, now)


def reveal(connection: Connection, evaluation: Evaluation, now: datetime) -> Evaluation:
    """Shows a submitted evaluation to whom it concerns; what nobody answers is final with that."""
    if not evaluation.counts or evaluation.agent_id is None:
        state = after(evaluation, EvaluationEvent.FILE)
        said = {"state": state.value, "revealed_at": now, "final_at": now, "ending": ENDINGS[EvaluationEvent.FILE]}
        filed = change(connection, evaluation, EvaluationEvent.FILE.value, HOUSE, now, said)
        mark_recording(connection, filed, "final")
        return filed
    version = load_version(connection, evaluation.version_id)
    if version is None:
        raise LookupError(f"evaluation {evaluation.evaluation_id} has no version {evaluation.version_id}")
    until = now + timedelta(days=version.content.dispute_days)
    mine = evaluations.c.evaluation_id == evaluation.evaluation_id
    connection.execute(update(evaluations).where(mine).values(revealed_at=now, dispute_until=until))
    mark_recording(connection, evaluation, "scored")
    return value_of(connection.execute(select(evaluations).where(mine)).one())


def _waits_for(recording_id: str, account_id: int) -> ColumnElement[bool]:
    is_member = exists().where(members.c.round_id == rounds.c.round_id, members.c.account_id == account_id)
    has_scored = exists().where(
        evaluations.c.round_id == rounds.c.round_id,
        evaluations.c.recording_id == recording_id,
        evaluations.c.scorer_id == account_id,
        evaluations.c.state != EvaluationState.WITHDRAWN.value,
    )
    return and_(is_member, ~has_scored)


def _reveal_round(connection: Connection, row: AnyRow, actor: Person, now: datetime) -> Mapping[int, Evaluation]:
    revealed = {"revealed_at": now, "revealed_by": actor.name}
    connection.execute(update(rounds).where(rounds.c.round_id == row.round_id).values(revealed))
    of_round = select(evaluations).where(evaluations.c.round_id == row.round_id).order_by(evaluations.c.evaluation_id)
    shown: dict[int, Evaluation] = {}
    for found in connection.execute(of_round.with_for_update()).all():
        evaluation = value_of(found)
        if evaluation.state is EvaluationState.SUBMITTED:
            shown[evaluation.evaluation_id] = reveal(connection, evaluation, now)
        elif evaluation.state is EvaluationState.DRAFT:
            said = {"state": after(evaluation, EvaluationEvent.WITHDRAW).value}
            change(connection, evaluation, EvaluationEvent.WITHDRAW.value, actor, now, said, "the round was closed")
    return shown


def _close(connection: Connection, round_id: int, actor: Person, now: datetime) -> ScoringRound | None:
    row = connection.execute(select(rounds).where(rounds.c.round_id == round_id).with_for_update()).first()
    if row is None:
        return None
    if row.revealed_at is not None:
        raise DialerError("the round is closed already")
    is_double = row.kind == RoundKind.DOUBLE.value
    purpose, calibration_id = (Purpose.BLIND, 0) if is_double else (Purpose.CALIBRATION, round_id)
    skip_round(connection, _recordings_of(connection, round_id), purpose, calibration_id, actor.name, now)
    _reveal_round(connection, row, actor, now)
    for recording_id in _recordings_of(connection, round_id):
        unmark_recording(connection, recording_id)
    return _loaded(connection, round_id)


def _scorings(connection: Connection, round_id: int) -> tuple[Scoring, ...]:
    query = select(evaluations).where(evaluations.c.round_id == round_id, evaluations.c.revealed_at.is_not(None))
    shown = [value_of(row) for row in connection.execute(query.order_by(evaluations.c.evaluation_id))]
    return tuple(Scoring(one.scorer_id, one.recording_id, one.answers) for one in shown)


def _find(connection: Connection, viewer_id: int | None, limit: int, before: int | None) -> tuple[ScoringRound, ...]:
    query = select(rounds.c.round_id).where(_known_to(viewer_id)).order_by(rounds.c.round_id.desc()).limit(limit)
    if before is not None:
        query = query.where(rounds.c.round_id < before)
    return tuple(_loaded(connection, round_id) for round_id in connection.execute(query).scalars().all())


def _known_to(viewer_id: int | None) -> ColumnElement[bool]:
    if viewer_id is None:
        return rounds.c.round_id > 0
    return or_(rounds.c.revealed_at.is_not(None), rounds.c.kind == RoundKind.CALIBRATION.value)


def _get(connection: Connection, round_id: int, viewer_id: int | None) -> ScoringRound | None:
    known = select(rounds.c.round_id).where(rounds.c.round_id == round_id, _known_to(viewer_id))
    return None if connection.execute(known).first() is None else _loaded(connection, round_id)


def _loaded(connection: Connection, round_id: int) -> ScoringRound:
    row = connection.execute(select(rounds).where(rounds.c.round_id == round_id)).one()
    done: Select[Any] = (
        select(evaluations.c.scorer_id, func.count())
        .where(evaluations.c.round_id == round_id, evaluations.c.submitted_at.is_not(None))
        .group_by(evaluations.c.scorer_id)
        .order_by(evaluations.c.scorer_id)
    )
    who = select(members.c.account_id).where(members.c.round_id == round_id).order_by(members.c.account_id)
    plain = {name: getattr(row, name) for name in rounds.c.keys()}  # noqa: SIM118  a column collection
    return ScoringRound(
        **plain | {"kind": RoundKind(row.kind)},
        scorer_ids=tuple(connection.execute(who).scalars()),
        recording_ids=_recordings_of(connection, round_id),
        submitted=tuple((found[0], int(found[1])) for found in connection.execute(done)),
    )


def _recordings_of(connection: Connection, round_id: int) -> tuple[str, ...]:
    query = select(round_recordings.c.recording_id).where(round_recordings.c.round_id == round_id)
    return tuple(sorted(connection.execute(query).scalars()))
