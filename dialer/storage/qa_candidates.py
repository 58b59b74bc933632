"""The recordings a plan may draw from: those of a period, and those whose case or promise went wrong in it.

Read in pages, so that a week's recordings hold up nothing else. Only originals of collectors' calls that still can be
heard are read, and none that was given out before. Payments are known by the case's status alone: a promise counts as
kept when the case was paid, or withdrawn, before its day was over.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from dialer.model.contact import CaseStatus
from dialer.model.quality_work import WorkKind
from dialer.model.recording import RecordingState
from dialer.storage import tables
from dialer.storage.crypto import Cipher
from dialer.storage.database import Database
from dialer.storage.tables.base import AnyRow
from dialer.storage.wrap_ups import opened
from recording.review.periods import midnight
from recording.review.sampling import Candidate, Risks, Rules

PAGE = 500
"""Recordings read at once."""
CASE_LOOK_BACK = timedelta(days=30)
"""A complaint or a dispute is laid to the calls of so many days before it."""
PROMISE_LOOK_BACK = timedelta(days=90)
"""Promises for later days than these are not followed."""
SETTLES = frozenset({CaseStatus.PAID.value, CaseStatus.WITHDRAWN.value})

recordings = tables.recordings
changes = tables.case_changes
wrap_ups = tables.wrap_ups
work = tables.qa_work

_SHOWN = (
    *(recordings.c.recording_id, recordings.c.started_at, recordings.c.agent_id, recordings.c.campaign_id),
    *(recordings.c.duration_s, recordings.c.silence_share, recordings.c.overtalk_share),
    *(recordings.c.outcome, recordings.c.disposition, recordings.c.attempt_id, recordings.c.case_ref),
)


@dataclass(frozen=True, slots=True)
class CandidateQuery:
    """What is asked for: the candidates of `begins` to `ends` by these rules, days counted in `zone`.

    `draw_id` and `drawn_at`: as they were for that draw, with what was given out or deleted since then.
    """

    rules: Rules
    begins: datetime
    ends: datetime
    zone: tzinfo
    draw_id: int | None = None
    drawn_at: datetime | None = None


class QaCandidates:
    """The `qa_candidates` part of the storage."""

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self._database = database
        self._cipher = cipher

    async def of(self, asked: CandidateQuery) -> tuple[Candidate, ...]:
        """All candidates, each once, with everything that speaks for it but its transcript."""
        make = partial(_candidate, asked)
        found = {one.item: one for one in await self._pages(_calls(asked), make)}
        risks = asked.rules.risks or Risks()
        for status in sorted(risks.case_statuses):
            for one in await self._pages(_of_cases(asked, status), make):
                known = found.get(one.item, one)
                found[one.item] = replace(known, case_statuses=(*known.case_statuses, status))
        if risks.promise_codes:
            for one in await self._pages(_of_promises(asked, risks), partial(_promising, self._cipher, asked, risks)):
                found[one.item] = replace(found.get(one.item, one), broken_promise=one.broken_promise)
        return tuple(found.values())

    async def _pages(self, query: Select[Any], make: Callable[[AnyRow], Candidate | None]) -> list[Candidate]:
        """What is made of the rows of a query, which has one for each recording, at most.

        It is made where the rows are read: of a week's recordings that would hold up the event loop.
        """
        candidates: list[Candidate] = []
        page = _Page([], None, is_last=False)
        while not page.is_last:
            page = await self._database.read(partial(_read_page, query=query, after=page.end, make=make))
            candidates += page.candidates
        return candidates


@dataclass(frozen=True, slots=True)
class _Page:
    """Some candidates, and where the next ones begin: after this instant and id."""

    candidates: Sequence[Candidate]
    end: tuple[datetime, str] | None
    is_last: bool


def _read_page(
    connection: Connection,
    query: Select[Any],
    after: tuple[datetime, str] | None,
    make: Callable[[AnyRow], Candidate | None],
) -> _Page:
    started_at, recording_id = recordings.c.started_at, recordings.c.recording_id
    if after is not None:
        query = query.where(started_at >= after[0], or_(started_at > after[0], recording_id > after[1]))
    rows = connection.execute(query.order_by(started_at, recording_id).limit(PAGE)).all()
    made = (make(row) for row in rows)
    end = (rows[-1].started_at, rows[-1].recording_id) if rows else None
    return _Page([one for one in made if one is not None], end, is_last=len(rows) < PAGE)


def _calls(asked: CandidateQuery) -> Select[Any]:
    return _drawable(asked, asked.begins)


def _of_cases(asked: CandidateQuery, status: str) -> Select[Any]:
    """Calls of the cases that took this status in the period, after the call."""
    taken = exists().where(
        changes.c.case_ref == recordings.c.case_ref,
        changes.c.status == status,
        changes.c.at > recordings.c.started_at,
        *_within(changes.c.at, asked),
    )
    cases = select(changes.c.case_ref).where(changes.c.status == status, *_within(changes.c.at, asked))
    return _drawable(asked, asked.begins - CASE_LOOK_BACK).where(recordings.c.case_ref.in_(cases), taken)


def _of_promises(asked: CandidateQuery, risks: Risks) -> Select[Any]:
    """Calls in which something was promised, with the wrap-up that says what, and when the case was settled."""
    settled_at = (
        select(func.min(changes.c.at))
        .where(changes.c.case_ref == recordings.c.case_ref, changes.c.status.in_(sorted(SETTLES)))
        .where(changes.c.at > recordings.c.started_at)
        .scalar_subquery()
        .label("settled_at")
    )
    said = (wrap_ups.c.code, wrap_ups.c.recorded_at, wrap_ups.c.callback_at, wrap_ups.c.sealed, settled_at)
    query = _drawable(asked, asked.begins - PROMISE_LOOK_BACK).add_columns(*said)
    of_call = wrap_ups.c.attempt_id == recordings.c.attempt_id
    return query.join(wrap_ups, of_call).where(wrap_ups.c.code.in_(sorted(risks.promise_codes)))


def _promising(cipher: Cipher, asked: CandidateQuery, risks: Risks, row: AnyRow) -> Candidate | None:
    """A candidate whose promised day had its grace end in the period with nothing settled by then; else None."""
    promised = opened(cipher, row).values.get(risks.promise_field)
    if not isinstance(promised, date):
        return None
    over = midnight(promised + timedelta(days=risks.promise_grace_days + 1), asked.zone)
    is_kept = row.settled_at is not None and row.settled_at < over
    if is_kept or not asked.begins <= over < asked.ends:
        return None
    return replace(_candidate(asked, row), broken_promise=promised.isoformat())


def _drawable(asked: CandidateQuery, begins: datetime) -> Select[Any]:
    """Originals of collectors' calls that began from then to the end of the period, and were not given out before."""
    query = select(*_SHOWN).where(
        recordings.c.parent_id == "",
        recordings.c.agent_id.is_not(None),
        recordings.c.started_at >= begins,
        recordings.c.started_at < asked.ends,
        ~_given_out(asked),
    )
    if asked.draw_id is None:
        query = query.where(recordings.c.state == RecordingState.KEPT.value)
    if asked.rules.campaign_ids:
        query = query.where(recordings.c.campaign_id.in_(sorted(asked.rules.campaign_ids)))
    return query


def _given_out(asked: CandidateQuery) -> ColumnElement[bool]:
    given = and_(work.c.kind == WorkKind.RECORDING.value, work.c.subject == recordings.c.recording_id)
    if asked.draw_id is not None:
        by_hand = and_(work.c.draw_id.is_(None), work.c.created_at < asked.drawn_at)
        given = and_(given, or_(work.c.draw_id < asked.draw_id, by_hand))
    return exists().where(given)


def _within(at: ColumnElement[Any], asked: CandidateQuery) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return at >= asked.begins, at < asked.ends


def _candidate(asked: CandidateQuery, row: AnyRow) -> Candidate:
    return Candidate(
        item=row.recording_id,
        collector=row.agent_id,
        duration_s=row.duration_s,
        campaign=row.campaign_id,
        of_period=row.started_at >= asked.begins,
        silence_share=row.silence_share,
        overtalk_share=row.overtalk_share,
        outcome=row.outcome,
        disposition=row.disposition,
    )
