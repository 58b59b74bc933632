"""Campaigns: from the draft to the last call, and why it is not dialing."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from dialer.api.auditing import audit
from dialer.api.campaign_models import CampaignChange, CampaignIn, CampaignOut, CampaignPage, SettingsIn
from dialer.api.paging import PageQuery, next_cursor
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.campaigns.lifecycle import CampaignAction, Refusal, transition
from dialer.campaigns.loop import CampaignStatus, LaunchCheck
from dialer.model.campaign import Campaign, CampaignState
from dialer.model.entry import EntryCounts

routes = Routes("campaigns")


class CampaignPath(Input):
    campaign_id: Id


class CampaignQuery(Input):
    """Only campaigns in this state."""

    state: CampaignState | None = None


class RefusalQuery(PageQuery):
    """Only refusals by this rule."""

    rule: Annotated[str, Field(max_length=100)] | None = None


class RefusalOut(BaseModel):
    """One call the gate refused; `reason_zh` says why in Chinese, "" where that is not on record."""

    refusal_id: int
    at: datetime
    case_ref: str
    number_masked: str
    path: str
    rule: str
    reason: str
    reason_zh: str
    retry_at: datetime | None


class Entries(BaseModel):
    """How many entries stand where, and the newest calls the gate refused."""

    counts: EntryCounts
    refused: list[RefusalOut]
    next: int | None


@routes.add("GET", "/v1/campaigns", "campaigns.list")
async def list_campaigns(call: Call[Nothing, CampaignQuery, Nothing]) -> CampaignPage:
    """Lists campaigns, oldest first."""
    states = (call.query.state,) if call.query.state else ()
    found = await call.services.storage.campaigns.all(states)
    return CampaignPage(items=[CampaignOut.of(campaign) for campaign in found])


@routes.add("POST", "/v1/campaigns", "campaigns.create", status=201)
async def create(call: Call[Nothing, Nothing, CampaignIn]) -> CampaignOut:
    """Creates a draft over one or more lists."""
    storage, now = call.services.storage, call.services.clock.utcnow()
    asked = call.body
    _check_agency(call, asked.settings)
    campaign = await storage.campaigns.create(asked.name, asked.list_ids, asked.settings.to_settings(), now)
    await storage.entries.build(campaign.campaign_id, now)
    await audit(call, "campaign.create", f"campaign/{campaign.campaign_id}")
    return CampaignOut.of(campaign)


@routes.add("GET", "/v1/campaigns/{campaign_id}", "campaigns.get")
async def get(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignOut:
    """Shows a campaign with its settings."""
    return CampaignOut.of(await _find(call))


@routes.add("PUT", "/v1/campaigns/{campaign_id}", "campaigns.update")
async def update(call: Call[CampaignPath, Nothing, CampaignChange]) -> CampaignOut:
    """Replaces the settings of a campaign that has not started; a checked one must be checked again."""
    campaign = await _find(call)
    after = transition(campaign.state, CampaignAction.EDIT)
    if isinstance(after, Refusal):
        raise conflict(after.reason)
    _check_agency(call, call.body.settings)
    storage, now = call.services.storage, call.services.clock.utcnow()
    if after is not campaign.state:  # first of all, so that nobody starts it with settings that were not checked
        reason = f"settings changed by {call.actor.actor}"
        if not await storage.campaigns.set_state(campaign.campaign_id, campaign.state, after, reason, now):
            raise conflict("the campaign's state was changed by somebody else just now; look again")
    await storage.campaigns.change_settings(campaign.campaign_id, call.body.settings.to_settings())
    await storage.entries.reprioritize(campaign.campaign_id)
    await audit(call, "campaign.update", f"campaign/{campaign.campaign_id}")
    return CampaignOut.of(await _find(call))


@routes.add("POST", "/v1/campaigns/{campaign_id}/check", "campaigns.check")
async def check(call: Call[CampaignPath, Nothing, Nothing]) -> LaunchCheck:
    """Checks before launch: how many may be called now, when the others, and what keeps them back.

    Answers when it is done, with a long list after a while with what is known by then (`finished` is false): it goes
    on, and the latest check shows it.
    """
    await _find(call)
    found = await call.services.campaigns.check(call.path.campaign_id)
    await audit(call, "campaign.check", f"campaign/{call.path.campaign_id}")
    return found


@routes.add("GET", "/v1/campaigns/{campaign_id}/check", "campaigns.latest_check")
async def latest_check(call: Call[CampaignPath, Nothing, Nothing]) -> LaunchCheck:
    """Shows the launch check under way, as far as it has come, or the last one."""
    await _find(call)
    found = call.services.campaigns.latest_check(call.path.campaign_id)
    if found is None:
        raise not_found("launch check of this campaign since the start")
    return found


@routes.add("POST", "/v1/campaigns/{campaign_id}/start", "campaigns.start")
async def start(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignOut:
    """Starts a checked campaign."""
    await _find(call)
    await call.services.campaigns.start(call.path.campaign_id, call.actor.actor)
    await audit(call, "campaign.start", f"campaign/{call.path.campaign_id}")
    return CampaignOut.of(await _find(call))


@routes.add("POST", "/v1/campaigns/{campaign_id}/pause", "campaigns.pause")
async def pause(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignOut:
    """Places no new calls until it is resumed; calls under way go on."""
    await _find(call)
    await call.services.campaigns.pause(call.path.campaign_id, call.actor.actor)
    await audit(call, "campaign.pause", f"campaign/{call.path.campaign_id}")
    return CampaignOut.of(await _find(call))


@routes.add("POST", "/v1/campaigns/{campaign_id}/resume", "campaigns.resume")
async def resume(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignOut:
    """Goes on with a paused campaign."""
    await _find(call)
    await call.services.campaigns.resume(call.path.campaign_id, call.actor.actor)
    await audit(call, "campaign.resume", f"campaign/{call.path.campaign_id}")
    return CampaignOut.of(await _find(call))


@routes.add("POST", "/v1/campaigns/{campaign_id}/stop", "campaigns.stop")
async def stop(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignOut:
    """Ends a campaign: no new call at once, the last ones are let to their end."""
    await _find(call)
    await call.services.campaigns.stop_now(call.path.campaign_id, call.actor.actor)
    await audit(call, "campaign.stop", f"campaign/{call.path.campaign_id}")
    return CampaignOut.of(await _find(call))


@routes.add("GET", "/v1/campaigns/{campaign_id}/status", "campaigns.status")
async def status(call: Call[CampaignPath, Nothing, Nothing]) -> CampaignStatus:
    """Shows how it runs: figures, what limits the pace, and why it is not dialing when it is not."""
    await _find(call)
    return await call.services.campaigns.status(call.path.campaign_id)


@routes.add("GET", "/v1/campaigns/{campaign_id}/entries", "campaigns.entries")
async def entries(call: Call[CampaignPath, RefusalQuery, Nothing]) -> Entries:
    """Counts the campaign's entries and lists the calls the gate refused, newest first."""
    await _find(call)
    storage, asked = call.services.storage, call.query
    counts = await storage.entries.counts(call.path.campaign_id, call.services.clock.utcnow())
    found = await storage.statistics.refusals(call.path.campaign_id, asked.rule, asked.cursor, asked.limit)
    refused = [RefusalOut(**{name: getattr(item, name) for name in RefusalOut.model_fields}) for item in found]
    following = next_cursor([item.refusal_id for item in refused], asked.limit)
    return Entries(counts=counts, refused=refused, next=following)


def _check_agency(call: AnyCall, settings: SettingsIn) -> None:
    registry = call.services.policy.current(call.services.clock.utcnow()).registry
    if not registry.is_listed(settings.agency):
        fix = "use one of policy.agencies in the configuration, or leave it empty for the house itself"
        raise bad_field("body.settings.agency", "is not on the house's list of agencies", fix)


async def _find(call: AnyCall) -> Campaign:
    campaign = await call.services.storage.campaigns.get(call.path.campaign_id)
    if campaign is None:
        raise not_found("campaign")
    return campaign
