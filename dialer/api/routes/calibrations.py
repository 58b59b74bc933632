"""Rounds of scorers who do not see each other: calibrations, and double scorings, which come of blind pairs.

What anybody scored is shown when the round is revealed, and then as a report on where they differ.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.evaluation_access import person_of
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import ApiError, conflict, not_found
from dialer.api.routes.qa_work import OVERSEES, Note, RecordingId
from dialer.api.routes.recordings import RecordingPath
from dialer.api.routing import AnyCall, Call, Id, Input, Instant, Nothing, Routes
from dialer.model.evaluation import NewCalibration, NewPair, RoundKind, ScoringRound
from recording.review.calibration import Comparison, QuestionAgreement, ScorerReport, compare

routes = Routes("calibrations")

MAX_RECORDINGS = 20
MAX_SCORERS = 30

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class RoundPath(Input):
    round_id: Id


class OpenIn(Input):
    """Everybody scores every recording by one version of a form; the leader's scoring is the reference."""

    title: Title
    version_id: Id
    leader_id: Id
    scorer_ids: Annotated[frozenset[Id], Field(min_length=1, max_length=MAX_SCORERS)]
    recording_ids: Annotated[frozenset[RecordingId], Field(min_length=1, max_length=MAX_RECORDINGS)]
    due_at: Instant


class PairIn(RecordingPath):
    """Two people who score the same recording; `scorecard_id` null: by whichever form the first of them takes.

    They read the `reason`, as of any recording given out by hand: nothing tells it from one of those.
    """

    scorer_ids: Annotated[frozenset[Id], Field(min_length=2, max_length=2)]
    reason: Note
    scorecard_id: Id | None = None
    due_days: Annotated[int, Field(ge=1, le=90)] = 7


class RoundOut(BaseModel):
    """A round; `submitted` says how many recordings each scorer (by account) is done with."""

    round_id: int
    kind: RoundKind
    title: str
    version_id: int
    leader_id: int | None
    scorer_ids: list[int]
    recording_ids: list[str]
    opened_by: str
    opened_at: datetime
    revealed_by: str
    revealed_at: datetime | None
    submitted: dict[int, int]

    @classmethod
    def of(cls, found: ScoringRound) -> Self:
        """As stored."""
        plain = {name: getattr(found, name) for name in cls.model_fields if name != "submitted"}
        return cls.model_validate(plain | {"submitted": dict(found.submitted)})


class RoundPage(BaseModel):
    """Rounds, newest first."""

    items: list[RoundOut]
    next: int | None


class ReportOut(BaseModel):
    """Where scorers differ; shares and alpha as numbers, scores and differences in basis points.

    `alpha`: Krippendorff's, 1 is agreement and 0 what chance would give; null: too little to tell. `names`: of scorers.
    """

    round: RoundOut
    agreement: float | None
    alpha: float | None
    score_spread_bp: int | None
    questions: list[QuestionAgreement]
    scorers: list[ScorerReport]
    names: dict[int, str]


@routes.add("GET", "/v1/scoring-rounds", "calibrations.list")
async def list_rounds(call: Call[Nothing, PageQuery, Nothing]) -> RoundPage:
    """Lists rounds, newest first; of double scorings that are not revealed only supervisors and auditors know."""
    asked, viewer = call.query, _viewer(call)
    found = await call.services.storage.scoring_rounds.find(viewer, asked.limit, asked.cursor)
    following = next_cursor([one.round_id for one in found], asked.limit)
    return RoundPage(items=[RoundOut.of(one) for one in found], next=following)


@routes.add("POST", "/v1/scoring-rounds", "calibrations.open", status=201)
async def open_calibration(call: Call[Nothing, Nothing, OpenIn]) -> RoundOut:
    """Opens a calibration: every scorer finds the recordings among their work, and sees nothing of the others."""
    actor, now = person_of(call), call.services.clock.utcnow()
    asked = NewCalibration(**call.body.model_dump())
    opened = await call.services.storage.scoring_rounds.open(asked, actor, now)
    await audit(call, "calibration.open", f"scoring_round/{opened.round_id}")
    return RoundOut.of(opened)


@routes.add("POST", "/v1/double-scorings", "calibrations.pair")
async def give_to_two(call: Call[Nothing, Nothing, PairIn]) -> None:
    """Gives a recording to two scorers, who find it among their work and learn nothing of each other."""
    actor, now = person_of(call), call.services.clock.utcnow()
    await call.services.storage.scoring_rounds.give_to_two(NewPair(**call.body.model_dump()), actor, now)
    await audit(call, "double_scoring.open", f"recording/{call.body.recording_id}")


@routes.add("GET", "/v1/scoring-rounds/{round_id}", "calibrations.get")
async def get_round(call: Call[RoundPath, Nothing, Nothing]) -> RoundOut:
    """Shows a round and how far everybody is."""
    return RoundOut.of(await _find(call))


@routes.add("POST", "/v1/scoring-rounds/{round_id}/close", "calibrations.close")
async def close(call: Call[RoundPath, Nothing, Nothing]) -> RoundOut:
    """Reveals a round as it is: its leader or who opened it does, or a supervisor; drafts in it are withdrawn."""
    found, actor, now = await _find(call), person_of(call), call.services.clock.utcnow()
    if actor.account_id not in (found.leader_id, found.opened_by_id) and call.actor.role not in OVERSEES:
        raise ApiError(HTTPStatus.FORBIDDEN, "a round is closed by its leader, by who opened it, or by a supervisor")
    closed = await call.services.storage.scoring_rounds.close(found.round_id, actor, now)
    if closed is None:
        raise not_found("round")
    await audit(call, "calibration.close", f"scoring_round/{closed.round_id}")
    return RoundOut.of(closed)


@routes.add("GET", "/v1/scoring-rounds/{round_id}/report", "calibrations.report")
async def report(call: Call[RoundPath, Nothing, Nothing]) -> ReportOut:
    """Says where the scorers of a revealed round differ, by question and by scorer."""
    found = await _find(call)
    if found.revealed_at is None:
        raise conflict("the round is not revealed yet: everybody scores blind")
    storage = call.services.storage
    version = await storage.scorecards.version(found.version_id)
    if version is None:
        raise not_found("version of a scorecard")
    scorings = await storage.scoring_rounds.scorings(found.round_id)
    said = await asyncio.to_thread(compare, version.content, scorings, found.leader_id)
    accounts = await storage.accounts.all()
    return _report(found, said, {one.account_id: one.name for one in accounts if one.account_id in found.scorer_ids})


def _report(found: ScoringRound, said: Comparison, names: Mapping[int, str]) -> ReportOut:
    return ReportOut(
        round=RoundOut.of(found),
        agreement=said.agreement,
        alpha=said.alpha,
        score_spread_bp=said.score_spread_bp,
        questions=list(said.questions),
        scorers=list(said.scorers),
        names=dict(names),
    )


def _viewer(call: AnyCall) -> int | None:
    """None: supervisors and auditors know of all rounds, though not of what was scored in them."""
    return None if call.actor.role in OVERSEES else call.actor.account_id or 0


async def _find(call: AnyCall) -> ScoringRound:
    found: ScoringRound | None = await call.services.storage.scoring_rounds.get(call.path.round_id, _viewer(call))
    if found is None:
        raise not_found("round")
    return found
