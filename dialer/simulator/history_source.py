"""Where a history comes from: a running service, or a file that was saved; and the day it is fitted to."""

from collections.abc import Sequence
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

MAX_BYTES = 500_000_000
"""Of a saved history: two hundred thousand attempts take a tenth of it."""


async def fitted(client: ApiClient, campaign: str, *, collectors: int | None, day: date | None) -> Fit:
    """A campaign's day as it is to be expected after its last weeks: today on the house's clock, or another day.

    Raises ApiCallError, and InputError: there is no such campaign, or too little is on record of it.
    """
    found = await find_campaign(client, campaign)
    _, history = await fetch(client, found["campaign_id"])
    hours = working_hours(history)
    if hours is None:
        raise InputError(f"no call of {found['name']!r} is on record of the last weeks, {BY_HAND}")
    zone = ZoneInfo(history.outline.zone)
    begins = datetime.combine(day or history.outline.ends.astimezone(zone).date(), hours[0], zone)
    return fit(history, begins=begins, ends=hours[1], collectors=collectors)


async def recorded_day(client: ApiClient, campaign: str, day: date) -> tuple[bytes, History]:
    """One day on the house's clock: the lines as they came, to be kept, and what they say."""
    found = await find_campaign(client, campaign)
    zone = ZoneInfo((await client.get("/v1/policy"))["packs"][0]["zone"])
    midnights = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    query = tuple(zip(("since", "until"), (midnight.isoformat() for midnight in midnights), strict=True))
    return await fetch(client, found["campaign_id"], query)


async def fetch(client: ApiClient, campaign_id: int, query: Sequence[tuple[str, str]] = ()) -> tuple[bytes, History]:
    """A history as the service tells it, without a query that of the last weeks. Raises ApiCallError."""
    pieces: list[bytes] = []
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
