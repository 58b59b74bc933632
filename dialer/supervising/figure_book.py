"""The figures of days, read from the database once for everybody who asks.

A day's figures take a walk through its attempts: a reading is kept until it is old, never takes more than a fiftieth of
the time, and goes through the hours that have been over for long only now and then. They are of the whole house, of all
nodes that share its database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from dialer.clock import Clock
from dialer.model.campaign import CampaignSettings, FormFieldKind
from dialer.model.figures import CampaignHour, CollectorFigures, Contacts, Tally, total
from dialer.storage import Storage

REFRESH_S = 5.0
CONTACTS_REFRESH_S = 20.0
"""Different contacts of a day do not add up from hours: each reading goes through the whole day."""
COST_FACTOR = 50
SETTLED_AFTER = timedelta(hours=2)
"""So long after its end an hour is read again but seldom: its last talks are over by then, and wrapped up."""
SETTLED_REFRESH_S = 600.0
DAYS_KEPT = 16

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day on the house's clock; span n of the hours goes from bounds[n] to bounds[n + 1] (aware)."""

    day: date
    zone: ZoneInfo
    bounds: tuple[datetime, ...]
    hours: tuple[CampaignHour, ...]
    read_at: datetime

    def by_hour(self, campaign_id: int | None = None) -> tuple[Tally, ...]:
        """Of one campaign, or of all."""
        found = [Tally()] * (len(self.bounds) - 1)
        for each in self.hours:
            if campaign_id in (None, each.campaign_id):
                found[each.hour] += each.tally
        return tuple(found)

    def by_campaign(self) -> dict[int, Tally]:
        """The whole day of each campaign that has figures."""
        ids = dict.fromkeys(each.campaign_id for each in self.hours)
        return {whose: total(each.tally for each in self.hours if each.campaign_id == whose) for whose in ids}


@dataclass(frozen=True, slots=True)
class _Reading(Generic[T]):
    """What was read, when (monotonic), and how long that took."""

    value: T
    read_at_s: float
    took_s: float

    def is_fresh(self, now_s: float, refresh_s: float) -> bool:
        return now_s - self.read_at_s < max(refresh_s, COST_FACTOR * self.took_s)


class FigureBook:
    """One per node. `zone` says the house's; each reading is awaited by all who ask meanwhile."""

    def __init__(self, storage: Storage, clock: Clock, zone: Callable[[], ZoneInfo]) -> None:
        self._storage = storage
        self._clock = clock
        self._zone = zone
        self._days: dict[date, _Reading[DayFigures]] = {}
        self._settled: dict[tuple[date, int], _Reading[tuple[CampaignHour, ...]]] = {}
        self._floor: dict[date, _Reading[tuple[CollectorFigures, ...]]] = {}
        self._contacts: dict[date, _Reading[dict[int, Contacts]]] = {}
        self._asking = asyncio.Lock()

    @property
    def today(self) -> date:
        """On the house's clock."""
        return self._clock.utcnow().astimezone(self._zone()).date()

    async def day(self, day: date | None = None) -> DayFigures:
        """A day by hours, without one today. Raises StorageError."""
        async with self._asking:
            wanted = day or self.today
            return await self._fresh(self._days, wanted, REFRESH_S, lambda: self._read_day(wanted))

    async def collectors(self) -> tuple[CollectorFigures, ...]:
        """Today's figures of every collector who was at work. Raises StorageError."""
        async with self._asking:
            today = self.today
            return await self._fresh(self._floor, today, REFRESH_S, lambda: self._read_collectors(today))

    async def contacts(self) -> dict[int, Contacts]:
        """Today's different contacts by campaign. Raises StorageError."""
        async with self._asking:
            today = self.today
            return await self._fresh(self._contacts, today, CONTACTS_REFRESH_S, lambda: self._read_contacts(today))

    async def _fresh(
        self, known: dict[K, _Reading[T]], key: K, refresh_s: float, read: Callable[[], Awaitable[T]]
    ) -> T:
        began_s = self._clock.monotonic()
        found = known.pop(key, None)
        if found is None or not found.is_fresh(began_s, refresh_s):
            value, ended_s = await read(), self._clock.monotonic()
            found = _Reading(value, ended_s, ended_s - began_s)
        known[key] = found  # last in the order of use
        while len(known) > DAYS_KEPT:
            del known[next(iter(known))]
        return found.value

    async def _read_collectors(self, day: date) -> tuple[CollectorFigures, ...]:
        begins, *_, ends = hour_bounds(day, self._zone())
        return await self._storage.figures.collectors(begins, min(ends, self._clock.utcnow()), await self._promises())

    async def _read_contacts(self, day: date) -> dict[int, Contacts]:
        begins, *_, ends = hour_bounds(day, self._zone())
        return await self._storage.figures.contacts(begins, ends)

    async def _read_day(self, day: date) -> DayFigures:
        zone, utcnow = self._zone(), self._clock.utcnow()
        bounds = hour_bounds(day, zone)
        n_settled = sum(bound + SETTLED_AFTER <= utcnow for bound in bounds[1:])
        hours: tuple[CampaignHour, ...] = ()
        if n_settled:
            old = bounds[: n_settled + 1]
            hours = await self._fresh(self._settled, (day, n_settled), SETTLED_REFRESH_S, lambda: self._read_hours(old))
        if n_settled < len(bounds) - 1:
            newest = await self._read_hours(bounds[n_settled:])
            hours += tuple(replace(each, hour=each.hour + n_settled) for each in newest)
        return DayFigures(day, zone, bounds, hours, utcnow)

    async def _read_hours(self, bounds: tuple[datetime, ...]) -> tuple[CampaignHour, ...]:
        return await self._storage.figures.hours(bounds, await self._promises())

    async def _promises(self) -> dict[int, frozenset[str]]:
        return {each.campaign_id: promise_codes(each.settings) for each in await self._storage.campaigns.all()}


def promise_codes(settings: CampaignSettings) -> frozenset[str]:
    """The codes of a form that are a promise to pay: called so, or demanding an amount and a date."""
    form = settings.form
    demanded = {
        kind: {code for field in form.fields if field.kind is kind for code in field.required_for}
        for kind in (FormFieldKind.AMOUNT, FormFieldKind.DATE)
    }
    named = {code.code for code in form.codes if code.promise}
    return frozenset(named | (demanded[FormFieldKind.AMOUNT] & demanded[FormFieldKind.DATE]))


def hour_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The full hours of a day (UTC), from midnight to midnight on a zone's clock; 23 or 25 where the clock is moved."""
    begins, ends = (datetime.combine(day + timedelta(days=n), time(), zone).astimezone(UTC) for n in (0, 1))
    hours = range(round((ends - begins) / timedelta(hours=1)))
    return (*(begins + timedelta(hours=n) for n in hours), ends)
