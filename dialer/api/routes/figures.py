"""Figures of a day by hour, of one campaign and of the house, and what each figure means.

They are of the whole house, whichever node answers, and a few seconds old at most on a small one: a reading is for
everybody and takes its time on a large day.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field

from dialer.api.problems import not_found
from dialer.api.routes.campaigns import CampaignPath
from dialer.api.routing import YEARS, Call, Input, Nothing, Routes
from dialer.model.figures import Contacts, Tally
from dialer.supervising.definitions import DEFINITIONS, DIGITS, VERSION, Definition, contact_figures, figures_of
from dialer.supervising.figure_book import DayFigures
from dialer.words.bilingual import Bilingual

routes = Routes("figures")


def _sensible(day: date) -> date:
    if day.year not in YEARS:
        raise ValueError(f"the year must lie between {YEARS[0]} and {YEARS[-1]}")
    return day


Day = Annotated[date, AfterValidator(_sensible)]


class DayQuery(Input):
    """The day on the house's clock; without one today."""

    day: Day | None = None


class DefinitionOut(BaseModel):
    """A figure: what it counts, or `numerator` / `denominator`, keys of other figures."""

    key: str
    unit: str
    name: Bilingual
    means: Bilingual
    numerator: str
    denominator: str

    @classmethod
    def of(cls, definition: Definition) -> Self:
        """As it is computed."""
        return cls(
            key=definition.key,
            unit=definition.unit.value,
            name=definition.name,
            means=definition.means,
            numerator=definition.numerator,
            denominator=definition.denominator,
        )


class Definitions(BaseModel):
    """Every figure's meaning; figures of two versions are not to be compared."""

    version: int
    items: list[DefinitionOut]


class FiguresOut(BaseModel):
    """Figures by the keys of the definitions; null: nothing to divide by. `verdicts`: answered calls by verdict."""

    dials: int
    answered: int
    live: int
    abandoned: int
    machines: int
    connected: int
    right_party: int
    promises: int
    talk_s: float
    wrap_s: float
    answer_rate: float | None
    live_rate: float | None
    right_party_rate: float | None
    promise_rate: float | None
    abandoned_share: float | None
    machine_share: float | None
    mean_talk_s: float | None
    handle_s: float | None
    wait_median_s: float | None
    wait_p90_s: float | None
    verdicts: dict[str, int]


class HourOut(FiguresOut):
    """The figures of the attempts placed from `begins` on, for an hour."""

    begins: datetime


class CampaignTotal(FiguresOut):
    """The day of one campaign."""

    campaign_id: int
    name: str


class DayOut(BaseModel):
    """A day from midnight to midnight in `zone`; 23 or 25 hours where the clock is moved. `read_at`: how old it is."""

    version: int
    day: date
    zone: str
    read_at: datetime
    total: FiguresOut
    hours: list[HourOut]


class CampaignDay(DayOut):
    """One campaign's day, with its different contacts."""

    campaign_id: int
    contacts_tried: int
    contacts_reached: int
    contact_rate: float | None


class HouseDay(DayOut):
    """The house's day, and each campaign's that had any call."""

    campaigns: Annotated[list[CampaignTotal], Field(default_factory=list)]


@routes.add("GET", "/v1/definitions", "figures.definitions")
async def definitions(call: Call[Nothing, Nothing, Nothing]) -> Definitions:
    """Says what each figure means, in English and Chinese."""
    return Definitions(version=VERSION, items=[DefinitionOut.of(each) for each in DEFINITIONS])


@routes.add("GET", "/v1/figures", "figures.house")
async def house(call: Call[Nothing, DayQuery, Nothing]) -> HouseDay:
    """Shows a day of all campaigns by hour, and each campaign's day."""
    found = await call.services.supervision.figures.day(call.query.day)
    names = {each.campaign_id: each.name for each in await call.services.storage.campaigns.all()}
    totals = [
        _figures(tally) | {"campaign_id": campaign_id, "name": names.get(campaign_id, "")}
        for campaign_id, tally in sorted(found.by_campaign().items())
    ]
    return HouseDay.model_validate(_day(found, None) | {"campaigns": totals})


@routes.add("GET", "/v1/campaigns/{campaign_id}/figures", "figures.campaign")
async def campaign_figures(call: Call[CampaignPath, DayQuery, Nothing]) -> CampaignDay:
    """Shows a campaign's day by hour."""
    storage, campaign_id = call.services.storage, call.path.campaign_id
    if await storage.campaigns.get(campaign_id) is None:
        raise not_found("campaign")
    found = await call.services.supervision.figures.day(call.query.day)
    known = await storage.figures.contacts(found.bounds[0], found.bounds[-1], campaign_id)
    counted = contact_figures(known.get(campaign_id, Contacts()))
    return CampaignDay.model_validate(_day(found, campaign_id) | counted | {"campaign_id": campaign_id})


def _day(found: DayFigures, campaign_id: int | None) -> dict[str, object]:
    tallies = found.by_hour(campaign_id)
    hours = [_figures(tally) | {"begins": begins} for begins, tally in zip(found.bounds, tallies, strict=False)]
    return {
        "version": VERSION,
        "day": found.day,
        "zone": found.zone.key,
        "read_at": found.read_at.astimezone(UTC),
        "total": _figures(sum(tallies, start=Tally())),
        "hours": hours,
    }


def _figures(tally: Tally) -> dict[str, object]:
    found = figures_of(tally)
    rounded = {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in found.items()}
    return {**rounded, "verdicts": dict(tally.verdicts)}
