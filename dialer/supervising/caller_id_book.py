"""How the house's caller IDs fare, read once for everybody who asks: eight days of calls take a while to go through."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.clock import Clock
from dialer.compliance.facts import Scope
from dialer.compliance.policy import Policy
from dialer.model.caller_id_figures import CallerIdUse
from dialer.storage import Storage
from dialer.supervising.figure_book import COST_FACTOR, hour_bounds

REFRESH_S = 120.0
BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CallerIdState:
    """One number with its use. `cap` is the least of the policy's daily and other caps on it, None: there is none.

    `used` counts towards that cap. `campaign_ids` are the campaigns that may show it.
    """

    use: CallerIdUse
    purposes: tuple[str, ...]
    agency: str
    campaign_ids: tuple[int, ...]
    used: int | None
    cap: int | None


class CallerIdBook:
    """One per node."""

    def __init__(self, storage: Storage, clock: Clock, policy: Callable[[datetime], Policy]) -> None:
        self._storage = storage
        self._clock = clock
        self._policy = policy
        self._known: tuple[CallerIdState, ...] = ()
        self._read_at: datetime | None = None
        self._stale_at_s = float("-inf")
        self._asking = asyncio.Lock()

    async def states(self) -> tuple[tuple[CallerIdState, ...], datetime]:
        """Every registered number and every one a campaign names, and when this was read. Raises StorageError."""
        async with self._asking:
            began_s, now = self._clock.monotonic(), self._clock.utcnow()
            if self._read_at is None or began_s >= self._stale_at_s:
                self._known, self._read_at = await self._read(now), now
                ended_s = self._clock.monotonic()
                self._stale_at_s = ended_s + max(REFRESH_S, COST_FACTOR * (ended_s - began_s))
            return self._known, self._read_at

    async def _read(self, now: datetime) -> tuple[CallerIdState, ...]:
        policy = self._policy(now)
        shown_by: dict[str, list[int]] = {entry.number: [] for entry in policy.registry.caller_ids}
        for campaign in await self._storage.campaigns.all():
            for number in campaign.settings.caller_ids:
                shown_by.setdefault(number, []).append(campaign.campaign_id)
        today = policy.house_day(now)
        begins = hour_bounds(today, policy.house_zone)[0]
        uses = await self._storage.caller_id_figures.uses(list(shown_by), begins - BEFORE, begins, now)
        caps = await self._caps(policy, list(shown_by), now)
        found = []
        for use in uses:
            shown = policy.registry.shown(use.number, today)
            used, cap = caps.get(use.number, (None, None))
            ids = tuple(shown_by[use.number])
            found.append(CallerIdState(use, shown.purposes, shown.agency, ids, used, cap))
        return tuple(sorted(found, key=lambda state: state.use.number))

    async def _caps(self, policy: Policy, numbers: list[str], now: datetime) -> dict[str, tuple[int, int]]:
        """Of each number the cap of which least is left: used, limit."""
        found: dict[str, tuple[int, int]] = {}
        for demand in policy.demand.tallies:
            if demand.scope is not Scope.CALLER_ID:
                continue
            used = await self._storage.policies.use_of_numbers(demand, numbers, now)
            for number in numbers:
                here = (used.get(number, 0), demand.limit)
                known = found.get(number)
                if known is None or here[1] - here[0] < known[1] - known[0]:
                    found[number] = here
        return found
