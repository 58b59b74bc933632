"""Collectors at their desks. A collector acts on the own desk only; a supervisor on any."""

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from dialer.agents.state import AgentStateError
from dialer.api.auditing import audit
from dialer.api.callback_times import check_callback_time
from dialer.api.own_desk import AgentPath, check_own, note_other
from dialer.api.problems import ApiError, FieldError, bad_field, not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Instant, Nothing, Routes
from dialer.calls.case_view import AgentDeskView
from dialer.calls.form import FormError
from dialer.model.account import Role
from dialer.model.agent import AgentState
from dialer.model.attempt import Attempt
from dialer.model.campaign import Campaign, FormFieldKind
from dialer.model.outcome import FormValue, WrapUp

routes = Routes("agents")

Text = Annotated[str, StringConstraints(max_length=2000)]


class LogInBody(Input):
    """The campaigns to work in. The phone is rung once and stays up for the shift."""

    campaign_ids: Annotated[frozenset[Id], Field(min_length=1, max_length=100)]


class BreakBody(Input):
    """Why: a break code of the house."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=50)]


class SkipBody(Input):
    """Why the previewed case is not called: a code of the campaign's list, words, or both."""

    code: Annotated[str, StringConstraints(max_length=50)] = ""
    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class DialBody(Input):
    """Which number of the case on the screen; it passes the gate like every other call."""

    phone_id: Id


class WrapUpBody(Input):
    """A code of the campaign's form and its fields; amounts as decimal text, dates as YYYY-MM-DD."""

    attempt_id: Id
    code: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    values: dict[str, str | bool] = Field(default_factory=dict, max_length=100)
    callback_at: Instant | None = None
    note: Text = ""


class AgentLine(BaseModel):
    """A collector in the list; `state` offline when not logged in."""

    agent_id: int
    login: str
    name: str
    state: AgentState
    since: datetime | None


class AgentList(BaseModel):
    """All collectors with open accounts."""

    items: list[AgentLine]


@routes.add("GET", "/v1/agents", "agents.list")
async def list_agents(call: Call[Nothing, Nothing, Nothing]) -> AgentList:
    """Lists all collectors with their state."""
    accounts = await call.services.storage.accounts.all()
    items = []
    for account in accounts:
        if account.role is not Role.COLLECTOR or not account.active:
            continue
        desk = _desk_of(call, account.account_id)
        state, since = (desk.state, desk.since) if desk else (AgentState.OFFLINE, None)
        items.append(
            AgentLine(agent_id=account.account_id, login=account.login, name=account.name, state=state, since=since)
        )
    return AgentList(items=items)


@routes.add("GET", "/v1/agents/{agent_id}", "agents.view")
async def view(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView:
    """Shows the desk: state, and the case of the call at hand."""
    check_own(call)
    desk = _desk_of(call, call.path.agent_id)
    if desk is None:
        raise not_found("collector at a desk; log in first")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/log-in", "agents.log_in")
async def log_in(call: Call[AgentPath, Nothing, LogInBody]) -> AgentDeskView:
    """Rings the collector's phone; when it is answered the shift begins."""
    check_own(call)
    if await call.services.storage.accounts.agent(call.path.agent_id) is None:
        raise not_found("collector")
    desk = await call.services.desk.log_in(call.path.agent_id, call.body.campaign_ids)
    await note_other(call, "agent.log_in")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/log-out", "agents.log_out")
async def log_out(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView | None:
    """Ends the shift: at once (null), or when the call at hand is wrapped up."""
    check_own(call)
    desk = await call.services.desk.log_out(call.path.agent_id, _cause(call))
    await note_other(call, "agent.log_out")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/ready", "agents.ready")
async def ready(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView:
    """Takes calls from now on."""
    check_own(call)
    desk = await call.services.desk.ready(call.path.agent_id)
    await note_other(call, "agent.ready")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/break", "agents.break")
async def take_break(call: Call[AgentPath, Nothing, BreakBody]) -> AgentDeskView:
    """Takes no calls; during a call, from its wrap-up on."""
    check_own(call)
    known = [house.code for house in call.services.config.collecting.break_codes]
    if call.body.code not in known:
        raise bad_field("body.code", "is no break code of this house", f"use one of: {', '.join(known)}")
    desk = await call.services.desk.take_break(call.path.agent_id, call.body.code)
    await note_other(call, "agent.break", call.body.code)
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/preview/dial", "agents.preview_dial")
async def preview_dial(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView:
    """Dials the case on the screen."""
    check_own(call)
    desk = await call.services.desk.preview_dial(call.path.agent_id)
    await note_other(call, "agent.preview_dial")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/preview/skip", "agents.preview_skip")
async def preview_skip(call: Call[AgentPath, Nothing, SkipBody]) -> AgentDeskView:
    """Skips the case on the screen, with a reason."""
    check_own(call)
    desk = await call.services.desk.preview_skip(call.path.agent_id, call.body.code, call.body.reason)
    await note_other(call, "agent.preview_skip", call.body.code)
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/dial", "agents.dial")
async def dial(call: Call[AgentPath, Nothing, DialBody]) -> AgentDeskView:
    """Dials a number of the case by hand, without seeing it; for collectors, of a case they were shown just now."""
    check_own(call)
    # Whoever could dial any number would learn by counting who owes something.
    if call.actor.role is Role.COLLECTOR and not call.services.desk.has_shown(call.path.agent_id, call.body.phone_id):
        raise ApiError(HTTPStatus.FORBIDDEN, "this number is of no case on your screen")
    desk = await call.services.desk.dial_manually(call.path.agent_id, call.body.phone_id)
    await note_other(call, "agent.dial", f"phone/{call.body.phone_id}")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/hang-up", "agents.hang_up")
async def hang_up(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView:
    """Ends the call at hand; the phone's own leg stays up."""
    check_own(call)
    desk = await call.services.desk.hang_up(call.path.agent_id)
    await note_other(call, "agent.hang_up")
    return desk


@routes.add("POST", "/v1/agents/{agent_id}/recording/pause", "agents.pause_recording")
async def pause_recording(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView:
    """Keeps what is said from now on out of the recording, e.g. a card number; the gap is marked in it.

    It goes on by itself after `recordings.longest_pause_s`, and when the talk ends.
    """
    check_own(call)
    shown = await call.services.desk.pause_recording(call.path.agent_id)
    await audit(call, "recording.pause", _talk(shown))
    return shown


@routes.add("POST", "/v1/agents/{agent_id}/recording/resume", "agents.resume_recording")
async def resume_recording(call: Call[AgentPath, Nothing, Nothing]) -> AgentDeskView:
    """Records again."""
    check_own(call)
    shown = await call.services.desk.resume_recording(call.path.agent_id)
    await audit(call, "recording.resume", _talk(shown))
    return shown


@routes.add("POST", "/v1/agents/{agent_id}/wrap-up", "agents.wrap_up")
async def wrap_up(call: Call[AgentPath, Nothing, WrapUpBody]) -> AgentDeskView | None:
    """Records how the talk went: a code of the form, its fields, a promised callback; null when the shift is over."""
    check_own(call)
    asked, services = call.body, call.services
    attempt, campaign = await _wrapped_call(call)
    await _check_callback(call, attempt, campaign)
    record = WrapUp(
        attempt_id=asked.attempt_id,
        agent_id=call.path.agent_id,
        code=asked.code,
        recorded_at=services.clock.utcnow(),
        values=_typed_values(call, campaign),
        callback_at=asked.callback_at,
        note=asked.note,
    )
    try:
        view = await services.desk.wrap_up(record)
    except FormError as error:
        errors = [FieldError(field=_place(name), reason=reason) for name, reason in error.problems.items()]
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), errors) from error
    services.outcomes_wake()
    await note_other(call, "agent.wrap_up", f"attempt/{asked.attempt_id} {asked.code}")
    return view


def _place(name: str) -> str:
    """Where in the body of a wrap-up a problem is: a field of the form, or what every form has."""
    return f"body.{name}" if name in ("code", "note", "callback_at") else f"body.values.{name}"


def _talk(shown: AgentDeskView) -> str:
    """The call at hand, as the audit log names it."""
    attempt_id = None if shown.case is None else shown.case.attempt_id
    return f"agent/{shown.agent_id}" if attempt_id is None else f"attempt/{attempt_id}"


def _desk_of(call: AnyCall, agent_id: int) -> AgentDeskView | None:
    try:
        return call.services.desk.view(agent_id)
    except AgentStateError:  # offline
        return None


def _cause(call: AnyCall) -> str:
    return "asked to" if call.actor.account_id == call.path.agent_id else f"by {call.actor.actor}"


async def _wrapped_call(call: AnyCall) -> tuple[Attempt, Campaign]:
    attempt = await call.services.storage.attempts.get(call.body.attempt_id)
    campaign = None if attempt is None else await call.services.storage.campaigns.get(attempt.campaign_id)
    if attempt is None or campaign is None:
        raise bad_field("body.attempt_id", "there is no such attempt")
    return attempt, campaign


async def _check_callback(call: AnyCall, attempt: Attempt, campaign: Campaign) -> None:
    """A promise is made only for a time at which it may be kept; what else is wrong with it the form says."""
    at, services = call.body.callback_at, call.services
    is_promised = any(code.callback for code in campaign.settings.form.codes if code.code == call.body.code)
    is_own = attempt.agent_id in (None, call.path.agent_id)  # another's is refused by the desk, and tells nothing
    if not is_own or not is_promised or at is None or at.tzinfo is None or at <= services.clock.utcnow():
        return
    contact = await services.storage.lists.contact_of_phone(attempt.phone_id)
    if contact is not None:
        phone = next(each for each in contact.phones if each.phone_id == attempt.phone_id)
        await check_callback_time(services, call.path.agent_id, campaign, contact, phone, at)


def _typed_values(call: AnyCall, campaign: Campaign) -> dict[str, FormValue]:
    """The form's fields in their types; what is not in the form stays text, and the form check names it."""
    kinds = {field.name: field.kind for field in campaign.settings.form.fields}
    return {name: _typed(name, kinds.get(name), value) for name, value in call.body.values.items()}


def _typed(name: str, kind: FormFieldKind | None, value: str | bool) -> FormValue:
    try:
        if kind is FormFieldKind.AMOUNT and isinstance(value, str):
            return Decimal(value)
        if kind is FormFieldKind.DATE and isinstance(value, str):
            return date.fromisoformat(value)
    except (ArithmeticError, ValueError):
        wanted = "an amount like 1200.50" if kind is FormFieldKind.AMOUNT else "a date like 2026-12-01"
        raise bad_field(f"body.values.{name}", f"is not {wanted}", f"write {wanted}") from None
    return value
