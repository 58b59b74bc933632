"""Opening rounds: whoever is to score something blind finds it among their work."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, insert, select

from dialer.errors import DialerError, InputError
from dialer.model.account import Role
from dialer.model.evaluation import NewCalibration, NewPair, Person, RoundKind
from dialer.model.quality_work import NewWork, Purpose, WorkKind
from dialer.model.recording import RecordingState
from dialer.storage import tables
from dialer.storage.dialect import insert_row
from dialer.storage.qa_work import ASSIGNED, MAY_SCORE, is_pending, open_work
from dialer.storage.scorecards import usable_version
from dialer.storage.tables.base import AnyRow
from recording.review.sampling import Reason, ReasonKind

rounds = tables.scoring_rounds
members = tables.scoring_round_members
round_recordings = tables.scoring_round_recordings
recordings = tables.recordings
accounts = tables.accounts


def open_calibration(connection: Connection, calibration: NewCalibration, actor: Person, now: datetime) -> int:
    """Opens the round and everybody's items of work; its id. InputError: who or what it names will not do."""
    version = usable_version(connection, calibration.version_id, None)
    scorers = sorted(calibration.scorer_ids | {calibration.leader_id})
    calls = _calls(connection, calibration.recording_ids)
    _refuse_scorers(connection, scorers, calls)
    row = {"kind": RoundKind.CALIBRATION.value, "title": calibration.title, "version_id": version.version_id}
    row |= {"leader_id": calibration.leader_id, "opened_by_id": actor.account_id, "opened_by": actor.name}
    round_id = insert_row(connection, rounds, row | {"opened_at": now, "revealed_by": ""})
    connection.execute(insert(members), [{"round_id": round_id, "account_id": scorer} for scorer in scorers])
    connection.execute(
        insert(round_recordings), [{"round_id": round_id, "recording_id": call.recording_id} for call in calls]
    )
    items = [
        _item(call, Purpose.CALIBRATION, slot, scorer, calibration.due_at, actor)
        for call in calls
        for slot, scorer in enumerate(scorers, 1)
    ]
    given = [replace(item, calibration_id=round_id, scorecard_id=version.scorecard_id) for item in items]
    open_work(connection, given, now)
    return round_id


def give_to_two(connection: Connection, pair: NewPair, actor: Person, now: datetime) -> None:
    """Opens the two items of a blind pair (`ScoringRounds.give_to_two`)."""
    scorers = sorted(pair.scorer_ids)
    (call,) = calls = _calls(connection, frozenset({pair.recording_id}))
    _refuse_scorers(connection, scorers, calls)
    if call.agent_id is None:  # alone it would be final at once, in a pair it is not: a scorer could tell them apart
        raise InputError("there was no collector in this call; nobody is scored twice for it")
    if actor.account_id in scorers:
        raise InputError("who gives a recording to two knows that there are two, and cannot be one of them")
    if call.qa_state not in ("", ASSIGNED) or is_pending(connection, call.recording_id, Purpose.SCORE):
        raise DialerError("the recording is scored, or given out to be scored once")
    due_at = now + timedelta(days=pair.due_days)
    reasons = (Reason(ReasonKind.BY_HAND, pair.reason),)  # without one it would be known for what it is
    items = [_item(call, Purpose.BLIND, slot, scorer, due_at, actor) for slot, scorer in enumerate(scorers, 1)]
    given = [replace(item, scorecard_id=pair.scorecard_id, reasons=reasons) for item in items]
    if len(open_work(connection, given, now)) < len(given):
        raise DialerError("the recording was given to two before")


def _item(call: AnyRow, purpose: Purpose, slot: int, scorer: int, due_at: datetime, actor: Person) -> NewWork:
    return NewWork(
        kind=WorkKind.RECORDING,
        subject=call.recording_id,
        purpose=purpose,
        due_at=due_at,
        reasons=(),
        campaign_id=call.campaign_id,
        collector_id=call.agent_id,
        slot=slot,
        assignee_id=scorer,
        assigned_by=actor.name,
    )


def _calls(connection: Connection, recording_ids: frozenset[str]) -> list[AnyRow]:
    wanted = and_(recordings.c.recording_id.in_(sorted(recording_ids)), recordings.c.parent_id == "")
    kept = and_(wanted, recordings.c.state == RecordingState.KEPT.value)
    calls = list(connection.execute(select(recordings).where(kept).order_by(recordings.c.recording_id)).all())
    if len(calls) < len(recording_ids):
        raise InputError("one of these recordings is not there, was deleted, or is no original")
    return calls


def _refuse_scorers(connection: Connection, scorers: list[int], calls: list[AnyRow]) -> None:
    if len(scorers) < 2:
        raise InputError("it takes two scorers at least; the leader of a calibration is one of them")
    query = select(accounts.c.account_id, accounts.c.role).where(accounts.c.account_id.in_(scorers), accounts.c.active)
    fit = {row.account_id for row in connection.execute(query) if Role(row.role) in MAY_SCORE}
    if set(scorers) - fit:
        raise InputError("scorers are of quality assurance or supervisors, with active accounts")
    if any(call.agent_id in fit for call in calls):
        raise InputError("nobody scores a call of their own")
