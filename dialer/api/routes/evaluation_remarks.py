"""Comments on evaluations, pinned to the recording, and what collectors are asked to do after them."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.evaluation_access import person_of, viewer_of, visible
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import not_found
from dialer.api.routes.evaluations import EvaluationPath, Key, Reason, Words
from dialer.api.routing import Call, Id, Input, Nothing, Routes
from dialer.model.account import Role
from dialer.model.evaluation import Coaching, Comment, NewCoaching, NewComment, Sees

routes = Routes("evaluation_remarks")

Millisecond = Annotated[int, Field(ge=0, le=2**31 - 1)]
Link = Annotated[str, StringConstraints(pattern=r"^(https?://[!-~]{1,1990})?$")]


class CommentPath(EvaluationPath):
    comment_id: Id


class ItemPath(Input):
    item_id: Id


class CommentIn(Input):
    """A remark. `from_ms` to `to_ms` of the recording; channel 0: the called person, 1: what that person heard.

    `internal`: the collector does not see it.
    """

    words: Reason
    from_ms: Millisecond | None = None
    to_ms: Millisecond | None = None
    channel: Annotated[int, Field(ge=0, le=1)] | None = None
    question: Key = ""
    internal: bool = False


class CommentList(BaseModel):
    """In the order of the recording; those without a place last."""

    items: list[Comment]


class CoachingIn(Input):
    """What the collector is asked to do; `link`: to the house's training."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    link: Link = ""
    words: Words = ""
    due_on: date | None = None
    comment_id: Id | None = None


class DoneIn(Input):
    """What the collector says to it."""

    words: Words = ""


class CoachingQuery(PageQuery):
    """All given filters must fit."""

    evaluation_id: Id | None = None
    agent_id: Id | None = None
    done: bool | None = None


class CoachingOut(BaseModel):
    """What a collector is asked to do after an evaluation; `done_at` null: not done yet."""

    item_id: int
    evaluation_id: int
    agent_id: int
    comment_id: int | None
    title: str
    link: str
    words: str
    due_on: date | None
    created_by: str
    created_at: datetime
    done_at: datetime | None
    done_words: str

    @classmethod
    def of(cls, item: Coaching) -> Self:
        """As stored."""
        return cls(**{name: getattr(item, name) for name in cls.model_fields})


class CoachingPage(BaseModel):
    """Items, newest first."""

    items: list[CoachingOut]
    next: int | None


@routes.add("GET", "/v1/evaluations/{evaluation_id}/comments", "evaluation_remarks.comments")
async def list_comments(call: Call[EvaluationPath, Nothing, Nothing]) -> CommentList:
    """Lists the comments on an evaluation; internal ones not to its collector."""
    evaluation = await visible(call)
    with_internal = viewer_of(call).sees is not Sees.OWN_CALLS
    remarks = call.services.storage.evaluation_remarks
    return CommentList(items=list(await remarks.comments(evaluation.evaluation_id, with_internal=with_internal)))


@routes.add("POST", "/v1/evaluations/{evaluation_id}/comments", "evaluation_remarks.comment", status=201)
async def comment(call: Call[EvaluationPath, Nothing, CommentIn]) -> Comment:
    """Adds a comment, until the evaluation is final; what a collector says is never internal."""
    evaluation, author, now = await visible(call), person_of(call), call.services.clock.utcnow()
    said = call.body.model_dump() | ({"internal": False} if call.actor.role is Role.COLLECTOR else {})
    remarks = call.services.storage.evaluation_remarks
    added = await remarks.comment(evaluation.evaluation_id, NewComment(**said), author, now)
    await audit(call, "evaluation.comment", f"evaluation/{evaluation.evaluation_id}", f"comment {added.comment_id}")
    return added


@routes.add("DELETE", "/v1/evaluations/{evaluation_id}/comments/{comment_id}", "evaluation_remarks.withdraw")
async def withdraw_comment(call: Call[CommentPath, Nothing, Nothing]) -> None:
    """Takes an own comment back while the evaluation is a draft."""
    evaluation, author, now = await visible(call), person_of(call), call.services.clock.utcnow()
    remarks = call.services.storage.evaluation_remarks
    if not await remarks.withdraw_comment(evaluation.evaluation_id, call.path.comment_id, author, now):
        raise not_found("comment of yours")


@routes.add("POST", "/v1/evaluations/{evaluation_id}/coaching", "evaluation_remarks.coach", status=201)
async def coach(call: Call[EvaluationPath, Nothing, CoachingIn]) -> CoachingOut:
    """Asks the collector to do something; they see it with the evaluation."""
    evaluation, actor, now = await visible(call), person_of(call), call.services.clock.utcnow()
    asked = NewCoaching(**call.body.model_dump())
    item = await call.services.storage.evaluation_remarks.coach(evaluation.evaluation_id, asked, actor, now)
    await audit(call, "evaluation.coach", f"evaluation/{evaluation.evaluation_id}", f"coaching {item.item_id}")
    return CoachingOut.of(item)


@routes.add("GET", "/v1/coaching", "evaluation_remarks.coaching")
async def list_coaching(call: Call[Nothing, CoachingQuery, Nothing]) -> CoachingPage:
    """Lists what collectors are asked to do, newest first; a collector sees the own items."""
    asked = call.query
    found = await call.services.storage.evaluation_remarks.coaching(
        viewer_of(call),
        evaluation_id=asked.evaluation_id,
        agent_id=asked.agent_id,
        done=asked.done,
        limit=asked.limit,
        before=asked.cursor,
    )
    following = next_cursor([item.item_id for item in found], asked.limit)
    return CoachingPage(items=[CoachingOut.of(item) for item in found], next=following)


@routes.add("POST", "/v1/coaching/{item_id}/done", "evaluation_remarks.done")
async def done(call: Call[ItemPath, Nothing, DoneIn]) -> CoachingOut:
    """The collector says that it is done."""
    person_of(call)
    remarks, now = call.services.storage.evaluation_remarks, call.services.clock.utcnow()
    item = await remarks.coached(viewer_of(call), call.path.item_id, call.body.words, now)
    if item is None:
        raise not_found("coaching of yours")
    await audit(call, "evaluation.coached", f"evaluation/{item.evaluation_id}", f"coaching {item.item_id}")
    return CoachingOut.of(item)
