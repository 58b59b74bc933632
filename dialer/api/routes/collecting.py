"""What a collector's page asks beside the desk: who is on the line, the history of the case, the own callbacks."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from dialer.agents.state import BREAK_CODES
from dialer.api.auditing import audit
from dialer.api.callback_times import CallbackTime, callback_time, check_callback_time
from dialer.api.case_caps import CaseCaps, case_caps
from dialer.api.case_history import CaseHistory, case_history
from dialer.api.own_desk import AgentPath, check_own
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.routes.proofs import Bound
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.calls.case_view import AgentDeskView
from dialer.model.agent import AgentState
from dialer.model.campaign import CampaignMode, CampaignState, DispositionForm
from dialer.model.collecting import IdentityResult, LocalText, PromisedCallback
from dialer.model.ready_forms import READY_FORMS
from dialer.redaction import mask_numbers

routes = Routes("agents")

WORKED_IN = (CampaignState.CHECKED, CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.DRAINING)
NO_CALLBACK = "callback to be made by this collector"
NO_CASE = (HTTPStatus.CONFLICT,)
IN_TALK = (AgentState.TALKING, AgentState.HOLD)


class IdentityBody(Input):
    """What was found out; `attempt_id` is that of the case on the screen."""

    attempt_id: Id
    result: IdentityResult


class CallbackPath(AgentPath):
    entry_id: Id


class MoveBody(Input):
    """The new time."""

    callback_at: Bound


class CancelBody(Input):
    """Why it is promised no more."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class TimeQuery(Input):
    """When."""

    at: Bound


class BreakCodeOut(BaseModel):
    """A reason for a break, and the state it leads to."""

    code: str
    label: LocalText
    state: AgentState


class BreakCodeList(BaseModel):
    """In the house's order."""

    items: list[BreakCodeOut]


class ReadyForm(BaseModel):
    """A disposition form that is shipped with the program, to copy into a campaign."""

    name: str
    content: DispositionForm


class ReadyFormList(BaseModel):
    """All of them."""

    items: list[ReadyForm]


class WorkCampaign(BaseModel):
    """A campaign a collector can log in for; `fits`: the collector has the skills it asks for."""

    campaign_id: int
    name: str
    mode: CampaignMode
    state: CampaignState
    creditor: str
    skills: tuple[str, ...]
    fits: bool


class WorkCampaignList(BaseModel):
    """Those that are checked and not finished, oldest first."""

    items: list[WorkCampaign]


class CallbackList(BaseModel):
    """The next one first."""

    items: list[PromisedCallback]


class TodayOut(BaseModel):
    """A collector's own figures since midnight at the house, and seconds in each state.

    `calls` are talks with whoever answered, `right_party` those with the right person, `promises` of those to pay.
    """

    since: datetime
    calls: int
    right_party: int
    promises: int
    talk_s: float
    seconds: dict[AgentState, float]


@routes.add("GET", "/v1/break-codes", "agents.break_codes")
async def break_codes(call: Call[Nothing, Nothing, Nothing]) -> BreakCodeList:
    """Lists the reasons for a break."""
    return BreakCodeList(
        items=[
            BreakCodeOut(
                code=known.code,
                label=LocalText(known.zh, known.en),
                state=BREAK_CODES.get(known.code, AgentState.BREAK),
            )
            for known in call.services.config.collecting.break_codes
        ]
    )


@routes.add("GET", "/v1/ready-forms", "campaigns.ready_forms")
async def ready_forms(call: Call[Nothing, Nothing, Nothing]) -> ReadyFormList:
    """Lists the disposition forms a new campaign can begin from."""
    return ReadyFormList(items=[ReadyForm(name=name, content=form) for name, form in READY_FORMS.items()])


@routes.add("GET", "/v1/agents/{agent_id}/campaigns", "agents.campaigns")
async def campaigns(call: Call[AgentPath, Nothing, Nothing]) -> WorkCampaignList:
    """Lists the campaigns the collector can log in for."""
    check_own(call)
    agent = await call.services.storage.accounts.agent(call.path.agent_id)
    if agent is None:
        raise not_found("collector")
    found = await call.services.storage.campaigns.all(WORKED_IN)
    return WorkCampaignList(
        items=[
            WorkCampaign(
                campaign_id=campaign.campaign_id,
                name=campaign.name,
                mode=campaign.settings.mode,
                state=campaign.state,
                creditor=campaign.settings.creditor,
                skills=campaign.settings.skills,
                fits=set(campaign.settings.skills) <= agent.skills,
            )
            for campaign in found
            if campaign.settings.mode is not CampaignMode.REMINDER
        ]
    )


@routes.add("POST", "/v1/agents/{agent_id}/identity", "agents.identity")
async def identity(call: Call[AgentPath, Nothing, IdentityBody]) -> AgentDeskView:
    """Records who is on the line. Only `confirmed` opens the case; the last word of a call counts, all are kept."""
    check_own(call)
    return await call.services.desk.identify(call.path.agent_id, call.body.attempt_id, call.body.result)


@routes.add("GET", "/v1/agents/{agent_id}/case/history", "agents.case_history", refuses_with=NO_CASE)
async def history(call: Call[AgentPath, Nothing, Nothing]) -> CaseHistory:
    """Shows the earlier calls of the case on the screen; refused (409) until the case is open."""
    check_own(call)
    shown = call.services.desk.case(call.path.agent_id)
    if not shown.is_open:
        raise conflict("record first that the right person is on the line")
    return await case_history(call, shown.order.contact.case_ref, shown.attempt_id)


@routes.add("GET", "/v1/agents/{agent_id}/case/caps", "agents.case_caps", refuses_with=NO_CASE)
async def caps(call: Call[AgentPath, Nothing, Nothing]) -> CaseCaps:
    """Shows how often the numbers of the case on the screen may still be called, and when next."""
    check_own(call)
    shown = call.services.desk.case(call.path.agent_id)
    return await case_caps(call.services, call.path.agent_id, shown.order)


@routes.add("GET", "/v1/agents/{agent_id}/case/callback-time", "agents.callback_time", refuses_with=NO_CASE)
async def case_callback_time(call: Call[AgentPath, TimeQuery, Nothing]) -> CallbackTime:
    """Says whether the person on the screen may be called back at that time, and if not, when next."""
    check_own(call)
    order, at = call.services.desk.case(call.path.agent_id).order, call.query.at
    return await callback_time(call.services, call.path.agent_id, order.campaign, order.contact, order.phone, at)


@routes.add("GET", "/v1/agents/{agent_id}/callbacks", "agents.callbacks")
async def callbacks(call: Call[AgentPath, Nothing, Nothing]) -> CallbackList:
    """Lists the callbacks the collector promised that are still to be made."""
    check_own(call)
    return CallbackList(items=list(await call.services.storage.collecting.callbacks(call.path.agent_id)))


@routes.add("POST", "/v1/agents/{agent_id}/callbacks/{entry_id}/move", "agents.move_callback")
async def move_callback(call: Call[CallbackPath, Nothing, MoveBody]) -> CallbackList:
    """Gives a promised callback another time."""
    check_own(call)
    at, services = call.body.callback_at, call.services
    if at <= services.clock.utcnow():
        raise bad_field("body.callback_at", "must be in the future")
    promised = await services.storage.collecting.callbacks(call.path.agent_id)
    mine = next((each for each in promised if each.entry_id == call.path.entry_id), None)
    campaign = None if mine is None else await services.storage.campaigns.get(mine.campaign_id)
    contact = None if mine is None else await services.storage.lists.contact_of_phone(mine.phone_id or 0)
    if mine is None or campaign is None or contact is None:
        raise not_found(NO_CALLBACK)
    phone = next(each for each in contact.phones if each.phone_id == mine.phone_id)
    await check_callback_time(services, call.path.agent_id, campaign, contact, phone, at)
    return await _change_callback(call, call.body.callback_at, "the callback was moved")


@routes.add("POST", "/v1/agents/{agent_id}/callbacks/{entry_id}/cancel", "agents.cancel_callback")
async def cancel_callback(call: Call[CallbackPath, Nothing, CancelBody]) -> CallbackList:
    """Takes a promised callback back: from its time on the campaign calls in its own order."""
    check_own(call)
    return await _change_callback(call, None, mask_numbers(f"the callback was cancelled: {call.body.reason}"))


@routes.add("GET", "/v1/agents/{agent_id}/today", "agents.today")
async def today(call: Call[AgentPath, Nothing, Nothing]) -> TodayOut:
    """Shows the collector's own figures of the day."""
    check_own(call)
    services, now = call.services, call.services.clock.utcnow()
    zone = services.policy.current(now).house_zone
    since = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = await services.storage.collecting.day(call.path.agent_id, since)
    times = await services.storage.agents.time_in_state(call.path.agent_id, since, now)
    seconds = {state: length.total_seconds() for state, length in times.items()}
    return TodayOut(
        since=since,
        calls=counted.calls,
        right_party=counted.right_party,
        promises=counted.promises,
        talk_s=sum(seconds.get(state, 0.0) for state in IN_TALK),
        seconds=seconds,
    )


async def _change_callback(call: AnyCall, to: datetime | None, reason: str) -> CallbackList:
    agent_id, entry_id = call.path.agent_id, call.path.entry_id
    if not await call.services.storage.collecting.move_callback(agent_id, entry_id, to, reason):
        raise not_found(NO_CALLBACK)
    await audit(call, "callback.cancel" if to is None else "callback.move", f"entry/{entry_id}")
    return CallbackList(items=list(await call.services.storage.collecting.callbacks(agent_id)))
