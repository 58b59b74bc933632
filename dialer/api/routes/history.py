"""A campaign's past as figures, for those who simulate it or replay a day of it."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from dialer.api.auditing import audit
from dialer.api.history_lines import history_lines, outline_of
from dialer.api.problems import bad_field, not_found
from dialer.api.routes.campaigns import CampaignPath
from dialer.api.routes.proofs import Bound
from dialer.api.routing import Call, Input, Nothing, Routes
from dialer.api.streaming import JSON_LINES, stream_lines
from dialer.model.history import LONGEST

routes = Routes("campaigns")

MAX_ATTEMPTS = 200_000
LOOK_BACK = timedelta(days=28)


class HistoryQuery(Input):
    """`since` and `until` bound the moments attempts were placed, half open; without them: the last 28 days, up to now.

    Of more than `limit` attempts the newest are told of, and the history begins with the first of these.
    """

    since: Bound | None = None
    until: Bound | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] = 50_000


@routes.add("GET", "/v1/campaigns/{campaign_id}/history", "campaigns.history", produces=(JSON_LINES,))
async def history(call: Call[CampaignPath, HistoryQuery, Nothing]) -> web.StreamResponse:
    """Streams a campaign's past as JSON Lines: figures to simulate it by, nobody's number, name or reference.

    One `history` line (what it is of, settings, trunks, the list now), an `attempt` line for each attempt, a `change`
    line for each change of a collector's state, one `end` line. People and collectors bear running numbers.
    """
    services, asked = call.services, call.query
    campaign = await services.storage.campaigns.get(call.path.campaign_id)
    if campaign is None:
        raise not_found("campaign")
    now = services.clock.utcnow()
    policy = services.policy.current(now)
    until = asked.until or now
    day = _midnight(until, policy.house_zone)
    since = asked.since or until - LOOK_BACK
    if not timedelta() < until - since <= LONGEST:
        raise bad_field("query.until", f"is not after since, or more than {LONGEST.days} days after it")
    stored = services.storage.campaign_history
    extent = await stored.extent(campaign, since, until, day, asked.limit)
    trunks = [trunk for trunk in services.trunks.status() if trunk.group == campaign.settings.trunk_group]
    outline = outline_of(extent, policy.house_zone, services.policy.config.policy.packs, trunks)
    await audit(
        call, "campaign.history", f"campaign/{campaign.campaign_id}", f"{since.isoformat()} to {until.isoformat()}"
    )
    return await stream_lines(call, history_lines(stored, extent, outline), "history of a campaign")


def _midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """When the house's day began in which the moment just before `at` lies."""
    local = (at - timedelta(microseconds=1)).astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
