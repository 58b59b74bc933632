"""What a day would be like: rehearsed in a process of its own, in one mode or several side by side."""

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field

from dialer.api.history_lines import history_lines, outline_of
from dialer.api.problems import bad_field, conflict, not_found
from dialer.api.routes.campaigns import CampaignPath
from dialer.api.routes.figures import Day
from dialer.api.routing import AnyCall, Call, Id, Input, Nothing, Routes
from dialer.model.campaign import Campaign, CampaignMode
from dialer.model.history import Outline
from dialer.storage.campaign_history import Extent
from dialer.supervising.what_if import RunState, WhatIfRun
from dialer.supervising.what_if_messages import DayRequest, Lived, Quarter
from dialer.words.said import Said

routes = Routes("what_if")

LOOK_BACK = timedelta(days=28)
MAX_ATTEMPTS = 20_000
"""Of the history that people are fitted from: the newest ones."""
ENOUGH_ATTEMPTS = 1_000
"""A campaign with fewer has no people of its own to go by yet."""
MAX_COLLECTOR_HOURS = 1_000
"""Of all modes together: more takes longer than anybody waits."""
MODES = (CampaignMode.PREDICTIVE, CampaignMode.PROGRESSIVE, CampaignMode.POWER)


class PaceIn(Input):
    """Settings of the pace to try instead of the campaign's own."""

    abandon_target: Annotated[float, Field(gt=0, le=0.03)] | None = None
    lines_per_agent: Annotated[float, Field(ge=1, le=10)] | None = None
    ratio: Annotated[float, Field(ge=0.5, le=10)] | None = None
    ring_timeout_s: Annotated[float, Field(ge=15, le=120)] | None = None


class WhatIfBody(Input):
    """So many collectors from `begins` on, for `hours`, on the house's clock; each mode is a day of its own.

    People answer as they did in this campaign's last four weeks, or in those of `like_campaign_id`; where neither has
    enough calls on record, as in an ordinary day (`fitted` is false then).
    """

    collectors: Annotated[int, Field(ge=1, le=500)]
    begins: time = time(9)
    hours: Annotated[float, Field(gt=0, le=14)] = 2.0
    day: Day | None = None
    modes: Annotated[tuple[CampaignMode, ...], Field(min_length=1, max_length=3)] = (CampaignMode.PREDICTIVE,)
    pace: PaceIn = PaceIn()
    like_campaign_id: Id | None = None
    seed: Annotated[int, Field(ge=0, le=1_000_000)] = 1


class RunPath(CampaignPath):
    run_id: Id


class QuarterOut(BaseModel):
    """A quarter of an hour. Shares are of the collectors' time without breaks; waits are of people, in seconds."""

    at: datetime
    talking: float
    wrapping: float
    ready: float
    live: int
    abandoned: int
    wait_median_s: float | None
    wait_p90_s: float | None

    @classmethod
    def of(cls, quarter: Quarter, begins: datetime) -> Self:
        """At its place in the day."""
        named = {name: getattr(quarter, name) for name in cls.model_fields if name != "at"}
        return cls.model_validate(named | {"at": begins + timedelta(seconds=quarter.at_s)})


class ModeOut(BaseModel):
    """One mode's day. `utilisation` is talk of staffed time, `occupancy` talk and wrap-up; `bound` what talk would be
    if nobody ever waited. Waits are in seconds: what half, and nine of ten, waited at most.
    """

    mode: str
    dials: int
    live: int
    connected: int
    abandoned: int
    abandoned_share: float | None
    worst_hour: float | None
    utilisation: float | None
    occupancy: float | None
    bound: float | None
    contacts_reached: int
    contacts_per_hour: float | None
    person_wait_median_s: float | None
    person_wait_p90_s: float | None
    collector_wait_median_s: float | None
    collector_wait_p90_s: float | None
    list_done_at: datetime | None
    quarters: list[QuarterOut]

    @classmethod
    def of(cls, lived: Lived, begins: datetime) -> Self:
        """As it was rehearsed."""
        figures = lived.figures
        finished_s = figures.get("finished_s")
        made: dict[str, object] = {
            "mode": lived.mode,
            "dials": figures.get("placed") or 0,
            "list_done_at": None if finished_s is None else begins + timedelta(seconds=finished_s),
            "quarters": [QuarterOut.of(quarter, begins) for quarter in lived.quarters],
        }
        return cls.model_validate({name: figures[name] for name in cls.model_fields.keys() & figures.keys()} | made)


class WhatIfOut(BaseModel):
    """A rehearsal as far as it has come: `progress` 0 to 1, `problem` why it failed, `basis` what figures rest on."""

    run_id: int
    campaign_id: int
    state: RunState
    progress: float
    problem: Said
    asked_by: str
    asked_at: datetime
    collectors: int
    begins: datetime
    hours: float
    abandon_target: float
    fitted: bool | None
    source: str
    basis: dict[str, str]
    modes: list[ModeOut]

    @classmethod
    def of(cls, run: WhatIfRun) -> Self:
        """As it stands."""
        request = run.request
        return cls(
            run_id=run.run_id,
            campaign_id=run.campaign_id,
            state=run.state,
            progress=run.progress,
            problem=run.problem,
            asked_by=run.asked_by,
            asked_at=run.asked_at,
            collectors=request.collectors,
            begins=request.begins,
            hours=request.hours,
            abandon_target=request.pace.get("abandon_target", request.own.settings.abandon_target),
            fitted=None if run.basis is None else run.basis.fitted,
            source=request.source,
            basis={} if run.basis is None else dict(run.basis.comments),
            modes=[ModeOut.of(lived, request.begins) for lived in run.lived],
        )


@routes.add("POST", "/v1/campaigns/{campaign_id}/what-if", "what_if.start", status=201)
async def start(call: Call[CampaignPath, Nothing, WhatIfBody]) -> WhatIfOut:
    """Begins to rehearse a day with a campaign's list, one rehearsal at a time; nothing is dialed."""
    what_if, asked = call.services.supervision.what_if, call.body
    if any(mode not in MODES for mode in asked.modes):
        raise bad_field("body.modes", "only predictive, progressive and power pace a day", "choose among these")
    if asked.collectors * asked.hours * len(set(asked.modes)) > MAX_COLLECTOR_HOURS:
        reason = f"collectors times hours times modes is more than {MAX_COLLECTOR_HOURS:,}"
        raise bad_field("body.hours", reason, "ask for fewer hours: two show how a mode settles")
    what_if.expect_free()
    campaign = await _campaign(call, call.path.campaign_id)
    own, outline = await _extent(call, campaign, limit=1)
    source, lines = await _history(call, campaign)
    request = DayRequest(
        own=outline,
        source=source,
        begins=_begins(call, asked),
        hours=asked.hours,
        collectors=asked.collectors,
        modes=tuple(dict.fromkeys(mode.value for mode in asked.modes)),
        pace=asked.pace.model_dump(exclude_none=True),
        seed=asked.seed,
    )
    return WhatIfOut.of(what_if.start(own.campaign.campaign_id, request, lines, call.actor.actor))


@routes.add("GET", "/v1/campaigns/{campaign_id}/what-if", "what_if.newest")
async def newest(call: Call[CampaignPath, Nothing, Nothing]) -> WhatIfOut:
    """Shows the campaign's last rehearsal, whoever began it, under way or over."""
    run = call.services.supervision.what_if.newest(call.path.campaign_id)
    if run is None:
        raise not_found("rehearsal of this campaign since the start")
    return WhatIfOut.of(run)


@routes.add("GET", "/v1/campaigns/{campaign_id}/what-if/{run_id}", "what_if.get")
async def get(call: Call[RunPath, Nothing, Nothing]) -> WhatIfOut:
    """Shows a rehearsal as far as it has come; the last twenty are kept while the service runs."""
    return WhatIfOut.of(_run(call))


@routes.add("POST", "/v1/campaigns/{campaign_id}/what-if/{run_id}/cancel", "what_if.cancel")
async def cancel(call: Call[RunPath, Nothing, Nothing]) -> WhatIfOut:
    """Ends a rehearsal; whoever may begin one may."""
    run = _run(call)
    call.services.supervision.what_if.cancel(run)
    return WhatIfOut.of(run)


def _run(call: Call[RunPath, Nothing, Nothing]) -> WhatIfRun:
    run = call.services.supervision.what_if.find(call.path.campaign_id, call.path.run_id)
    if run is None:
        raise not_found("rehearsal of this campaign any more")
    return run


async def _campaign(call: AnyCall, campaign_id: int) -> Campaign:
    campaign = await call.services.storage.campaigns.get(campaign_id)
    if campaign is None:
        raise not_found("campaign")
    if campaign.settings.mode is CampaignMode.REMINDER:
        raise conflict("a campaign of reminders has no collectors to pace for; there is nothing to rehearse")
    return campaign


def _begins(call: AnyCall, asked: WhatIfBody) -> datetime:
    now = call.services.clock.utcnow()
    zone = call.services.policy.current(now).house_zone
    day: date = asked.day or now.astimezone(zone).date()
    begins = datetime.combine(day, asked.begins.replace(tzinfo=None, microsecond=0), zone)
    if (begins.replace(tzinfo=None) + timedelta(hours=asked.hours)).date() != day:
        raise bad_field("body.hours", "the day would end after midnight", "begin earlier, or ask for fewer hours")
    return begins


async def _history(call: AnyCall, campaign: Campaign) -> tuple[str, AsyncIterator[bytes]]:
    """Whose people to go by, and their history; "" where nobody has enough on record."""
    like = call.body.like_campaign_id
    source = campaign if like is None else await _campaign(call, like)
    extent, outline = await _extent(call, source, limit=MAX_ATTEMPTS)
    now = call.services.clock.utcnow()
    found = await call.services.storage.figures.hours((extent.begins, now), {}, source.campaign_id)
    if sum(each.tally.dials for each in found) < ENOUGH_ATTEMPTS:
        return "", _nothing()
    return source.name, history_lines(call.services.storage.campaign_history, extent, outline)


async def _extent(call: AnyCall, campaign: Campaign, limit: int) -> tuple[Extent, Outline]:
    services = call.services
    now = services.clock.utcnow()
    zone = services.policy.current(now).house_zone
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    extent = await services.storage.campaign_history.extent(campaign, now - LOOK_BACK, now, midnight, limit)
    trunks = [trunk for trunk in services.trunks.status() if trunk.group == campaign.settings.trunk_group]
    return extent, outline_of(extent, zone, services.policy.config.policy.packs, trunks)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
