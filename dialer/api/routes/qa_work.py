"""The queue of quality assurance: whoever scores sees what is theirs, supervisors and auditors see all of it.

Nobody learns here that a recording is scored by somebody else, too: to its scorers the half of a blind pair is work
like any other, and which plan drew it is not said.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from dialer.api.auditing import audit
from dialer.api.listening_teams import review_listening, teams_now
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import ApiError, bad_field, conflict, not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.account import Account, Role
from dialer.model.quality_work import (
    PENDING,
    CallFacts,
    NewWork,
    Purpose,
    TeamMember,
    WorkFilter,
    WorkItem,
    WorkKind,
    WorkLoad,
    WorkState,
)
from dialer.model.recording import RecordingState
from dialer.redaction import mask_numbers
from recording.review.sampling import Reason, ReasonKind

routes = Routes("qa_work")

OVERSEES = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR})
"""Who sees everybody's work, and whether it is a pair."""
LOADS_OF = timedelta(days=28)
"""What is done is counted of so long."""

Note = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500), AfterValidator(mask_numbers)
]
RecordingId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class WorkPath(Input):
    work_id: Id


class WorkQuery(PageQuery):
    """All given filters must fit. Quality assurance sees its own items only, whatever is asked for."""

    assignee_id: Id | None = None
    unassigned: bool = False
    collector_id: Id | None = None
    plan_id: Id | None = None
    kind: WorkKind | None = None
    state: WorkState | None = None
    late: bool = False


class WorkIn(Input):
    """A recording to be scored, and why. Without `assignee_id` whoever comes first takes it."""

    recording_id: RecordingId
    reason: Note
    assignee_id: Id | None = None
    scorecard_id: Id | None = None
    due_days: Annotated[int, Field(ge=1, le=90)] = 7


class SkipIn(Input):
    """Why it cannot be done."""

    reason: Note


class AssignIn(Input):
    """Who is to do it; null: whoever comes first."""

    assignee_id: Id | None


class CallOut(BaseModel):
    """What is known of a recording's call; the number is masked."""

    started_at: datetime
    duration_s: float
    number_masked: str
    outcome: str
    disposition: str
    collector: str


class WorkOut(BaseModel):
    """An item. `subject`: the recording's id, the verdict's (`sample_id`) or the unknown announcement's (`cluster_id`).

    `reasons` say why it was drawn. `late`: it is not done and was due. `plan_id`, `draw_id` and `assigned_by` are for
    supervisors and auditors, and only to them a blind pair is called one.
    """

    work_id: int
    kind: WorkKind
    subject: str
    purpose: Purpose
    state: WorkState
    reasons: list[Reason]
    created_at: datetime
    due_at: datetime
    late: bool
    campaign_id: int
    collector_id: int | None
    call: CallOut | None
    scorecard_id: int | None
    calibration_id: int
    assignee_id: int | None
    taken_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    note: str
    evaluation_id: int | None
    plan_id: int | None = None
    draw_id: int | None = None
    assigned_by: str = ""


class WorkPage(BaseModel):
    """Items, newest first."""

    items: list[WorkOut]
    next: int | None


class NextOut(BaseModel):
    """The next item; null: there is nothing to do."""

    item: WorkOut | None


class LoadList(BaseModel):
    """What everybody has to do, and did of the last four weeks; `assignee_id` null: what nobody has yet."""

    items: list[WorkLoad]


class MoveIn(Input):
    """The team somebody is in from now on; "": in none."""

    account_id: Id
    team: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]


class TeamList(BaseModel):
    """Who is in which team, by team."""

    items: list[TeamMember]


@routes.add("GET", "/v1/qa/queue", "qa_work.list")
async def list_work(call: Call[Nothing, WorkQuery, Nothing]) -> WorkPage:
    """Lists items, newest first; of quality assurance its own."""
    asked, now = call.query, call.services.clock.utcnow()
    states = None if asked.state is None else frozenset({asked.state})
    wanted = WorkFilter(
        assignee_id=asked.assignee_id if _oversees(call) else _person(call),
        unassigned=asked.unassigned and _oversees(call),
        collector_id=asked.collector_id,
        plan_id=asked.plan_id if _oversees(call) else None,
        kind=asked.kind,
        states=states,
        late_at=now if asked.late else None,
    )
    found = await call.services.storage.qa_work.find(wanted, asked.limit, asked.cursor)
    following = next_cursor([item.work_id for item in found], asked.limit)
    return WorkPage(items=await _shown(call, found), next=following)


@routes.add("POST", "/v1/qa/queue", "qa_work.open", status=201)
async def open_item(call: Call[Nothing, Nothing, WorkIn]) -> WorkOut:
    """Gives out a recording by hand, outside of any plan; what was skipped is given out again."""
    asked, services = call.body, call.services
    recording = await services.storage.recordings.get(asked.recording_id)
    if recording is None or recording.parent_id or recording.state is not RecordingState.KEPT:
        raise bad_field("body.recording_id", "names no original recording that can still be heard")
    now = services.clock.utcnow()
    item = NewWork(
        kind=WorkKind.RECORDING,
        subject=asked.recording_id,
        purpose=Purpose.SCORE,
        due_at=now + timedelta(days=asked.due_days),
        reasons=(Reason(ReasonKind.BY_HAND, asked.reason),),
        campaign_id=recording.campaign_id,
        collector_id=recording.agent_id,
        scorecard_id=asked.scorecard_id,
        assigned_by=call.actor.actor,
    )
    opened = await services.storage.qa_work.open_for(item, asked.assignee_id, now)
    if opened is None:
        raise conflict("this recording is given out already, or scored; assign that item to somebody else instead")
    await audit(call, "qa_work.open", f"recording/{asked.recording_id}", _to(asked.assignee_id))
    return (await _shown(call, [opened]))[0]


@routes.add("POST", "/v1/qa/queue/next", "qa_work.next")
async def take_next(call: Call[Nothing, Nothing, Nothing]) -> NextOut:
    """Gives the caller's next item: what was taken first, then what is due first, then what nobody has."""
    item = await call.services.storage.qa_work.next(_person(call), call.services.clock.utcnow())
    return NextOut(item=None if item is None else (await _shown(call, [item]))[0])


@routes.add("GET", "/v1/qa/queue/loads", "qa_work.loads")
async def loads(call: Call[Nothing, Nothing, Nothing]) -> LoadList:
    """Says what everybody has to do, the most first."""
    now = call.services.clock.utcnow()
    return LoadList(items=list(await call.services.storage.qa_work.loads(now, now - LOADS_OF)))


@routes.add("GET", "/v1/qa/queue/{work_id}", "qa_work.get")
async def get_work(call: Call[WorkPath, Nothing, Nothing]) -> WorkOut:
    """Shows one item."""
    return (await _shown(call, [await _find(call)]))[0]


@routes.add("POST", "/v1/qa/queue/{work_id}/skip", "qa_work.skip")
async def skip(call: Call[WorkPath, Nothing, SkipIn]) -> WorkOut:
    """Closes an item undone, with the reason. A verdict is not skipped: what cannot be told is labelled unknown."""
    item = await _find(call)
    if item.kind is WorkKind.VERDICT:
        raise conflict("who leaves out verdicts bends the error rate: label it unknown if it cannot be told")
    now = call.services.clock.utcnow()
    skipped = await call.services.storage.qa_work.skip(item.work_id, call.body.reason, call.actor.actor, now)
    if skipped is None:
        raise conflict("the item is closed")
    await audit(call, "qa_work.skip", _subject(item), call.body.reason)
    return (await _shown(call, [skipped]))[0]


@routes.add("POST", "/v1/qa/queue/{work_id}/assign", "qa_work.assign")
async def assign(call: Call[WorkPath, Nothing, AssignIn]) -> WorkOut:
    """Gives an item to somebody else, or to whoever comes first."""
    item, to = await _find(call), call.body.assignee_id
    now = call.services.clock.utcnow()
    given = await call.services.storage.qa_work.assign(item.work_id, to, call.actor.actor, now)
    if given is None:
        raise conflict("the item is closed")
    await audit(call, "qa_work.assign", _subject(item), _to(to))
    return (await _shown(call, [given]))[0]


@routes.add("GET", "/v1/teams", "teams.list")
async def list_teams(call: Call[Nothing, Nothing, Nothing]) -> TeamList:
    """Lists who is in which team."""
    return TeamList(items=list(await call.services.storage.qa_teams.all()))


@routes.add("POST", "/v1/teams/members", "teams.move")
async def move(call: Call[Nothing, Nothing, MoveIn]) -> TeamList:
    """Puts somebody into a team from now on; calls made before stay with the team of that time.

    Supervisors move collectors, those of another team than their own not: an administrator does.
    """
    asked, storage = call.body, call.services.storage
    account = await storage.accounts.get(asked.account_id)
    if account is None:
        raise bad_field("body.account_id", "names no account", "list them at /v1/users")
    await _may_move(call, account)
    if await storage.qa_teams.move(asked.account_id, asked.team, call.actor.actor, call.services.clock.utcnow()):
        await audit(call, "team.move", f"account/{asked.account_id}", asked.team or "no team")
        await review_listening(call)
    return TeamList(items=list(await storage.qa_teams.all()))


async def _may_move(call: AnyCall, account: Account) -> None:
    """Teams say who listens in on whom (ApiError 403): nobody takes a right to hear somebody by moving people."""
    if call.actor.role is Role.ADMINISTRATOR:
        return
    if account.account_id == call.actor.account_id:
        raise ApiError(HTTPStatus.FORBIDDEN, "nobody moves themselves; ask an administrator")
    if account.role is not Role.COLLECTOR:
        raise ApiError(HTTPStatus.FORBIDDEN, "supervisors move collectors; ask an administrator")
    teams = await teams_now(call.services.storage)
    own = teams.get(call.actor.account_id or 0)
    if own is not None and teams.get(account.account_id, own) != own:
        raise ApiError(HTTPStatus.FORBIDDEN, "this collector is in another team than you; ask an administrator")


def _oversees(call: AnyCall) -> bool:
    return call.actor.role in OVERSEES


def _person(call: AnyCall) -> int:
    if call.actor.account_id is None:
        raise ApiError(HTTPStatus.FORBIDDEN, "a queue is a person's: use a token of an account")
    return call.actor.account_id


async def _find(call: AnyCall) -> WorkItem:
    """What is somebody else's is not there for quality assurance."""
    item = await call.services.storage.qa_work.get(call.path.work_id)
    if item is None or not (_oversees(call) or item.assignee_id == _person(call)):
        raise not_found("item of work")
    return item


async def _shown(call: AnyCall, items: Sequence[WorkItem]) -> list[WorkOut]:
    calls = await call.services.storage.qa_work.calls([one.subject for one in items if one.kind is WorkKind.RECORDING])
    now = call.services.clock.utcnow()
    return [_out(item, calls, now, oversees=_oversees(call)) for item in items]


def _out(item: WorkItem, calls: Mapping[str, CallFacts], now: datetime, *, oversees: bool) -> WorkOut:
    facts = calls.get(item.subject) if item.kind is WorkKind.RECORDING else None
    known = None if facts is None else CallOut.model_validate(facts, from_attributes=True)
    is_late = item.state in PENDING and item.due_at < now
    same = {name: getattr(item, name) for name in WorkOut.model_fields if name not in ("late", "call")}
    if not oversees:
        same |= {"plan_id": None, "draw_id": None, "assigned_by": ""}
        same["purpose"] = Purpose.SCORE if item.purpose is Purpose.BLIND else item.purpose
    return WorkOut(late=is_late, call=known, **same)


def _subject(item: WorkItem) -> str:
    return f"qa_work/{item.work_id}"


def _to(assignee_id: int | None) -> str:
    return "to whoever comes first" if assignee_id is None else f"to account {assignee_id}"
