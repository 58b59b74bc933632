"""Evaluations: a recording scored by a frozen form, answered by its collector, reviewed by somebody else.

Every step names the revision it saw (409 when somebody was faster). Until an evaluation is revealed it is its scorer's
alone, and its scorer is not told whether anybody else scores the same recording.
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.evaluation_access import as_collector, as_reviewer, as_scorer, person_of, viewer_of, visible
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import ApiError, FieldError
from dialer.api.routes.proofs import Bound
from dialer.api.routes.qa_work import OVERSEES
from dialer.api.routes.recordings import RecordingPath
from dialer.api.routing import MAX_ID, AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.evaluation import AnswersError, Dispute, Evaluation, EvaluationChange, EvaluationFilter
from recording.review.evaluation_state import EvaluationState

routes = Routes("evaluations")

Revision = Annotated[int, Field(ge=1, le=MAX_ID, description="As it was read.")]
Key = Annotated[str, StringConstraints(max_length=40)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Answer = Annotated[str, StringConstraints(max_length=2000)]
AnswersIn = Annotated[dict[Key, Answer | None], Field(max_length=200)]


class EvaluationPath(Input):
    evaluation_id: Id


class EvaluationQuery(PageQuery):
    """All given filters must fit; `since` and `until` bound when it was submitted."""

    recording_id: Annotated[str, StringConstraints(max_length=64)] | None = None
    agent_id: Id | None = None
    scorer_id: Id | None = None
    campaign_id: Id | None = None
    scorecard_id: Id | None = None
    state: EvaluationState | None = None
    since: Bound | None = None
    until: Bound | None = None


class BeginIn(RecordingPath):
    """The recording and the version to score it by; null: as the work that was given out says."""

    version_id: Id | None = None


class SaveIn(Input):
    """All answers so far, by question: "yes", "no", a number, an option's key, or a text; null: it does not apply."""

    revision: Revision
    answers: AnswersIn
    summary: Words = ""


class StepIn(Input):
    """The evaluation as it was read."""

    revision: Revision


class WordsIn(StepIn):
    """With what there is to say to it."""

    words: Words = ""


class DisputeIn(StepIn):
    """What is wrong with it; `questions`: with which of them, none for the whole."""

    reason: Reason
    questions: Annotated[tuple[Key, ...], Field(max_length=100)] = ()


class DecisionIn(StepIn):
    """What the reviewer heard, and decides."""

    words: Reason


class ReviseIn(DecisionIn):
    """The answers that take the place of the scorer's."""

    answers: AnswersIn


class EvaluationOut(BaseModel):
    """An evaluation. `score_bp`: basis points (10000 is full), null: nothing could be scored. `fatal`: which were.

    `counts`: it is the collector's own, not a comparison. `counts`, `round_id`, `revealed_at` and `dispute_until` are
    null to the scorer until the collector answered or the time for it was over. `ending` says how it became final.
    """

    evaluation_id: int
    recording_id: str
    attempt_id: int
    campaign_id: int
    agent_id: int | None
    scorecard_id: int
    version_id: int
    scorer_id: int
    scorer: str
    state: EvaluationState
    revision: int
    answers: dict[str, str | None]
    summary: str
    score_bp: int | None
    passed: bool | None
    fatal: tuple[str, ...]
    created_at: datetime
    submitted_at: datetime | None
    final_at: datetime | None
    ending: str
    dispute: Dispute | None
    counts: bool | None = None
    round_id: int | None = None
    revealed_at: datetime | None = None
    dispute_until: datetime | None = None

    @classmethod
    def of(cls, evaluation: Evaluation, account_id: int | None) -> Self:
        """As this person may see it: a scorer cannot tell from it whether the recording is scored twice."""
        is_blind = evaluation.scorer_id == account_id and evaluation.state in _BLIND
        return cls(
            **{name: getattr(evaluation, name) for name in cls.model_fields if not (is_blind and name in _TELLS)}
        )


_BLIND = frozenset({EvaluationState.DRAFT, EvaluationState.SUBMITTED, EvaluationState.WITHDRAWN})
_TELLS = frozenset({"counts", "round_id", "revealed_at", "dispute_until"})


class EvaluationPage(BaseModel):
    """Evaluations, newest first."""

    items: list[EvaluationOut]
    next: int | None


class History(BaseModel):
    """Everything that happened to an evaluation, from the beginning, with the answers and the score after each step."""

    items: list[EvaluationChange]


@routes.add("GET", "/v1/evaluations", "evaluations.list")
async def list_evaluations(call: Call[Nothing, EvaluationQuery, Nothing]) -> EvaluationPage:
    """Lists evaluations, newest first: a collector's are those of the own calls."""
    asked = call.query
    names = ("recording_id", "agent_id", "scorer_id", "campaign_id", "scorecard_id", "state", "since", "until")
    wanted = EvaluationFilter(**{name: getattr(asked, name) for name in names})
    found = await call.services.storage.evaluations.find(viewer_of(call), wanted, asked.limit, asked.cursor)
    following = next_cursor([one.evaluation_id for one in found], asked.limit)
    return EvaluationPage(items=[_shown(call, one) for one in found], next=following)


@routes.add("POST", "/v1/evaluations", "evaluations.begin", status=201)
async def begin(call: Call[Nothing, Nothing, BeginIn]) -> EvaluationOut:
    """Begins to score a recording; the draft is nobody's but the scorer's."""
    asked, now = call.body, call.services.clock.utcnow()
    begun = await call.services.storage.evaluations.begin(asked.recording_id, asked.version_id, person_of(call), now)
    return await _told(call, "begin", begun)


@routes.add("GET", "/v1/evaluations/{evaluation_id}", "evaluations.get")
async def get_evaluation(call: Call[EvaluationPath, Nothing, Nothing]) -> EvaluationOut:
    """Shows one evaluation."""
    return _shown(call, await visible(call))


@routes.add("GET", "/v1/evaluations/{evaluation_id}/history", "evaluations.history")
async def history(call: Call[EvaluationPath, Nothing, Nothing]) -> History:
    """Shows who did what to an evaluation and when; nothing is ever overwritten."""
    evaluation = await visible(call)
    changes: Sequence[EvaluationChange] = await call.services.storage.evaluations.history(evaluation.evaluation_id)
    return History(items=list(changes))


@routes.add("PUT", "/v1/evaluations/{evaluation_id}/answers", "evaluations.save")
async def save(call: Call[EvaluationPath, Nothing, SaveIn]) -> EvaluationOut:
    """Keeps a draft's answers, all of them anew; the answer has the score so far."""
    step, now = await as_scorer(call), call.services.clock.utcnow()
    try:
        saved = await call.services.storage.evaluations.save(step, call.body.answers, call.body.summary, now)
    except AnswersError as error:
        raise _bad_answers(error) from error
    return _shown(call, saved)


@routes.add("POST", "/v1/evaluations/{evaluation_id}/submit", "evaluations.submit")
async def submit(call: Call[EvaluationPath, Nothing, StepIn]) -> EvaluationOut:
    """Ends the scorer's part; everything that is asked must be answered. From then on the collector may see it."""
    step, now = await as_scorer(call), call.services.clock.utcnow()
    try:
        return await _told(call, "submit", await call.services.storage.evaluations.submit(step, now))
    except AnswersError as error:
        raise _bad_answers(error) from error


@routes.add("POST", "/v1/evaluations/{evaluation_id}/withdraw", "evaluations.withdraw")
async def withdraw(call: Call[EvaluationPath, Nothing, StepIn]) -> EvaluationOut:
    """Gives a draft up; the recording is free again."""
    step, now = await as_scorer(call), call.services.clock.utcnow()
    return await _told(call, "withdraw", await call.services.storage.evaluations.withdraw(step, now))


@routes.add("POST", "/v1/evaluations/{evaluation_id}/acknowledge", "evaluations.acknowledge")
async def acknowledge(call: Call[EvaluationPath, Nothing, WordsIn]) -> EvaluationOut:
    """The collector accepts the evaluation, or takes a dispute back; it is final."""
    step, now = await as_collector(call), call.services.clock.utcnow()
    final = await call.services.storage.evaluations.acknowledge(step, call.body.words, now)
    return await _told(call, "acknowledge", final)


@routes.add("POST", "/v1/evaluations/{evaluation_id}/dispute", "evaluations.dispute")
async def dispute(call: Call[EvaluationPath, Nothing, DisputeIn]) -> EvaluationOut:
    """The collector objects, with a reason, within the days that the form gives."""
    step, now = await as_collector(call), call.services.clock.utcnow()
    asked = call.body
    disputed = await call.services.storage.evaluations.dispute(step, asked.reason, asked.questions, now)
    return await _told(call, "dispute", disputed)


@routes.add("POST", "/v1/evaluations/{evaluation_id}/review", "evaluations.review")
async def review(call: Call[EvaluationPath, Nothing, StepIn]) -> EvaluationOut:
    """Takes a dispute for review: anybody of quality assurance but the scorer."""
    step, now = await as_reviewer(call, taken=False), call.services.clock.utcnow()
    return await _told(call, "review", await call.services.storage.evaluations.take(step, now))


@routes.add("POST", "/v1/evaluations/{evaluation_id}/give-back", "evaluations.give_back")
async def give_back(call: Call[EvaluationPath, Nothing, StepIn]) -> EvaluationOut:
    """The reviewer leaves a dispute to somebody else; where they cannot any more, a supervisor does."""
    step, now = await as_reviewer(call, taken=call.actor.role not in OVERSEES), call.services.clock.utcnow()
    return await _told(call, "give_back", await call.services.storage.evaluations.give_back(step, now))


@routes.add("POST", "/v1/evaluations/{evaluation_id}/uphold", "evaluations.uphold")
async def uphold(call: Call[EvaluationPath, Nothing, DecisionIn]) -> EvaluationOut:
    """The reviewer leaves the score as it is; it is final."""
    step, now = await as_reviewer(call, taken=True), call.services.clock.utcnow()
    final = await call.services.storage.evaluations.uphold(step, call.body.words, now)
    return await _told(call, "uphold", final)


@routes.add("POST", "/v1/evaluations/{evaluation_id}/change", "evaluations.change")
async def change(call: Call[EvaluationPath, Nothing, ReviseIn]) -> EvaluationOut:
    """The reviewer answers in the scorer's place; what was there before stays in the history. It is final."""
    step, now = await as_reviewer(call, taken=True), call.services.clock.utcnow()
    asked = call.body
    try:
        final = await call.services.storage.evaluations.revise(step, asked.answers, asked.words, now)
    except AnswersError as error:
        raise _bad_answers(error) from error
    return await _told(call, "change", final)


async def _told(call: AnyCall, action: str, evaluation: Evaluation) -> EvaluationOut:
    """On record, and as the caller may see it."""
    subject = f"evaluation/{evaluation.evaluation_id}"
    await audit(call, f"evaluation.{action}", subject, f"recording/{evaluation.recording_id}")
    return _shown(call, evaluation)


def _shown(call: AnyCall, evaluation: Evaluation) -> EvaluationOut:
    return EvaluationOut.of(evaluation, call.actor.account_id)


def _bad_answers(error: AnswersError) -> ApiError:
    """Each problem begins with the question's key."""
    named = (problem.partition(": ") for problem in error.problems)
    fields = [FieldError(field=f"body.answers.{key}", reason=reason) for key, _, reason in named]
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), fields)
