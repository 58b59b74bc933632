"""Recordings found by what is known of them: pages in a fixed order, each at a bounded cost.

One filter with an index of its own chooses what is walked through, newest first; the others are put to what the walk
meets. A filter that fits hardly anything would make the walk long: after `WALK` recordings the page ends, with the
place to go on from. So no combination of filters takes longer than walking that far.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, bindparam, cast, exists, or_, select, tuple_

from dialer.model.recording import NewRecording, RecordingInfo, RecordingState
from dialer.model.recording_query import Between, Place, RecordingPage, RecordingQuery
from dialer.storage import tables
from dialer.storage.tables.base import AnyRow
from recording.retention import HoldScope

recordings = tables.recordings
attempts = tables.attempts
holds = tables.legal_holds

WALK = 10_000
"""Recordings looked at for one page."""

_WALKED_BY = ("attempt_id", "case_ref", "number_index", "agent_id", "outcome", "qa_state", "campaign_id")
"""Columns with an index, from those that leave fewest recordings to those that leave most."""
_EQUAL = (*_WALKED_BY, "disposition", "verdict", "truncated")
_RANGES = ("duration_s", "far_share", "near_share", "silence_share", "overtalk_share")
_PLACE = (recordings.c.started_at, recordings.c.recording_id)
_ORDER = tuple(column.desc() for column in _PLACE)

_CALLED = select(attempts.c.person_ref).where(attempts.c.attempt_id == recordings.c.attempt_id)
_KEPT_BY = {
    HoldScope.RECORDING: recordings.c.recording_id,
    HoldScope.CASE: recordings.c.case_ref,
    HoldScope.PERSON: _CALLED.correlate(recordings).scalar_subquery(),
    HoldScope.CAMPAIGN: cast(recordings.c.campaign_id, String),
}
_HELD = or_(
    *(
        exists().where(holds.c.lifted_at.is_(None), holds.c.scope == scope.value, holds.c.ref == ref)
        for scope, ref in _KEPT_BY.items()
    )
)
"""Under a legal hold of any kind."""

_Conditions = list[ColumnElement[bool]]


def find(connection: Connection, asked: RecordingQuery, before: Place | None, limit: int) -> RecordingPage:
    """The work of `Recordings.find`."""
    walked, filtered = _conditions(asked)
    if before is not None:
        walked.append(tuple_(*_PLACE) < _place(before))
    edge = _edge(connection, walked) if filtered else None
    if edge is not None:
        filtered.append(tuple_(*_PLACE) >= _place(edge))
    query = select(recordings).where(*walked, *filtered).order_by(*_ORDER).limit(limit)
    items = tuple(recording_info(row) for row in connection.execute(query))
    if len(items) == limit:
        return RecordingPage(items, (items[-1].started_at, items[-1].recording_id))
    return RecordingPage(items, edge)


def recording_info(row: AnyRow) -> RecordingInfo:
    """A recording from its row."""
    plain = {name: getattr(row, name) for name in (*NewRecording.__slots__, *RecordingInfo.__slots__)}
    return RecordingInfo(**plain | {"state": RecordingState(row.state)})


def _edge(connection: Connection, walked: _Conditions) -> Place | None:
    """The last place of a walk of full length; None: it comes to its end before that."""
    query = select(*_PLACE).where(*walked).order_by(*_ORDER).offset(WALK - 1).limit(1)
    row = connection.execute(query).first()
    return None if row is None else (row.started_at, row.recording_id)


def _place(place: Place) -> ColumnElement[Any]:
    values = zip(_PLACE, place, strict=True)
    return tuple_(*(bindparam(None, value, type_=column.type, unique=True) for column, value in values))


def _conditions(asked: RecordingQuery) -> tuple[_Conditions, _Conditions]:
    """What the walk is along, and what is put to each recording it meets."""
    equal = {name: getattr(asked, name) for name in _EQUAL if getattr(asked, name) is not None}
    along = next((name for name in _WALKED_BY if name in equal), None)
    walked: _Conditions = [recordings.c.parent_id == ""]
    if along is not None:
        walked.append(recordings.c[along] == equal.pop(along))
    if asked.since is not None:
        walked.append(recordings.c.started_at >= asked.since)
    if asked.until is not None:
        walked.append(recordings.c.started_at < asked.until)
    filtered = [recordings.c[name] == value for name, value in equal.items()]
    for name in _RANGES:
        filtered += _within(recordings.c[name], getattr(asked, name))
    filtered += _of_state(asked)
    return walked, filtered


def _within(column: ColumnElement[float], between: Between) -> Iterator[ColumnElement[bool]]:
    if between.low is not None:
        yield column >= between.low
    if between.high is not None:
        yield column <= between.high


def _of_state(asked: RecordingQuery) -> Iterator[ColumnElement[bool]]:
    if asked.deleted is not None:
        wanted = RecordingState.DELETED if asked.deleted else RecordingState.KEPT
        yield recordings.c.state == wanted.value
    if asked.redacted is not None:
        made_of = recordings.alias()
        of_this = made_of.c.parent_id == recordings.c.recording_id
        found = exists().where(of_this, made_of.c.parent_id != "")
        yield found if asked.redacted else ~found
    if asked.held is not None:
        yield _HELD if asked.held else ~_HELD
