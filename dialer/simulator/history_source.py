"""Where a history comes from: a running service, or a file that was saved; and the day it is fitted to."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dialer.api.client import ApiClient
from dialer.api.history_lines import read_history
from dialer.errors import InputError, system_reason
from dialer.model.history import History
from dialer.simulator.fit import BY_HAND, Fit, fit
from dialer.simulator.fit_work import working_hours

LOOK_BACK = timedelta(days=28)
"""How far back a fit looks; of many attempts the service tells the newest."""
MAX_BYTES = 500_000_000
"""Of a saved history: two hundred thousand attempts take a tenth of it."""


async def fitted(client: ApiClient, campaign: str, *, collectors: int | None, day: date | None) -> Fit:
    """A campaign's day as it is to be expected after its history: today on the house's clock, or another day.

    Raises ApiCallError, and InputError: there is no such campaign, or too little is on record of it.
    """
    found, zone = await find_campaign(client, campaign), await _house_zone(client)
    now = datetime.now(zone)
    _, history = await fetch(client, found["campaign_id"], now - LOOK_BACK, now)
    hours = working_hours(history)
    if hours is None:
        raise InputError(f"no call of {found['name']!r} is on record of the last {LOOK_BACK.days} days, {BY_HAND}")
    begins = datetime.combine(day or now.date(), hours[0], zone)
    return fit(history, begins=begins, ends=hours[1], collectors=collectors)


async def recorded_day(client: ApiClient, campaign: str, day: date) -> tuple[bytes, History]:
    """One day on the house's clock: the lines as they came, to be kept, and what they say."""
    found, zone = await find_campaign(client, campaign), await _house_zone(client)
    midnight = datetime.combine(day, time(), zone)
    return await fetch(client, found["campaign_id"], midnight, midnight + timedelta(days=1))


async def fetch(client: ApiClient, campaign_id: int, since: datetime, until: datetime) -> tuple[bytes, History]:
    """The history of [since, until). Raises ApiCallError."""
    pieces: list[bytes] = []
    query = (("since", since.isoformat()), ("until", until.isoformat()))
    await client.download(f"/v1/campaigns/{campaign_id}/history", query, pieces.append)
    content = b"".join(pieces)
    return content, read_history(content.splitlines(), "the service's answer")


def saved_day(path: Path) -> History:
    """A history from a file. Raises InputError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read the history: {system_reason(error)}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: is larger than {MAX_BYTES:,} bytes; a day's history is not")
    return read_history(content.splitlines(), str(path))


async def find_campaign(client: ApiClient, name: str) -> Any:
    """The campaign of this name or number. Raises InputError where there is none, or more than one."""
    items = (await client.get("/v1/campaigns"))["items"]
    named = [item for item in items if item["name"] == name]
    if not named and name.isascii() and name.isdigit():
        named = [item for item in items if item["campaign_id"] == int(name)]
    if len(named) > 1:
        numbers = ", ".join(str(item["campaign_id"]) for item in named)
        raise InputError(f"{len(named)} campaigns are called {name!r}; give the number of one: {numbers}")
    if not named:
        raise InputError(f"there is no campaign {name!r}; `dialer campaign list` shows them")
    return named[0]


async def _house_zone(client: ApiClient) -> ZoneInfo:
    """The house's clock: that of its first policy pack."""
    return ZoneInfo((await client.get("/v1/policy"))["packs"][0]["zone"])
