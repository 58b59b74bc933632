"""The caller ID of each call: one the policy lets the campaign show, not used up today, always the same per person.

The gate has the last word: it counts inside its transaction, what is read here may be seconds old. Where no number of
the pool would pass, one is shown to the gate all the same, so that the refusal names it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dialer.calls.order import CallOrder
from dialer.campaigns.caller_id import choose_caller_id, usable
from dialer.clock import Clock
from dialer.compliance.facts import GateFacts, Scope
from dialer.compliance.policy import Bound, Policy
from dialer.compliance.standing import CallerId
from dialer.model.attempt import CallPath
from dialer.model.campaign import CampaignSettings
from dialer.model.contact import PhoneRole
from dialer.storage.policies import Policies
from schedules.zones import ZoneCandidates

REFRESH_S = 5.0
"""How old the numbers' use may be; a number that reaches its cap meanwhile is refused by the gate."""
MAX_REMEMBERED = 256
"""Different kinds of calls whose numbers are kept in mind: a few per campaign."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Calls that may show the same numbers."""

    pool: tuple[str, ...]
    path: CallPath
    role: PhoneRole
    agency: str
    creditor: str
    product: str
    has_agent: bool

    @classmethod
    def of(cls, order: CallOrder) -> "_Kind":
        settings = order.campaign.settings
        of_settings = (settings.agency, settings.creditor, settings.product)
        return cls(settings.caller_ids, order.path, order.phone.role, *of_settings, order.agent_id is not None)


class CallerIds:
    """Chooses for every call of this node."""

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self._policies = policies
        self._clock = clock
        self._usable: dict[tuple[str, _Kind], tuple[float, tuple[str, ...]]] = {}

    async def choose(self, order: CallOrder, policy: Policy, now: datetime) -> str:
        """The number this person sees; empty when the campaign has none. Raises StorageError."""
        pool = order.campaign.settings.caller_ids
        return choose_caller_id(await self.usable(order, policy, now) or pool, order.contact.person_ref)

    async def usable(self, order: CallOrder, policy: Policy, now: datetime) -> tuple[str, ...]:
        """The numbers of the campaign's pool that may be shown in such a call."""
        kind = _Kind.of(order)
        if not kind.pool:
            return ()
        known = self._usable.get((policy.pack_hash, kind))
        at = self._clock.monotonic()
        if known is not None and at - known[0] < REFRESH_S:
            return known[1]
        fitting = presentable(policy, _facts(kind), kind.pool, now)
        for demand in policy.demand.tallies:
            if demand.scope is Scope.CALLER_ID and fitting:
                fitting = usable(fitting, await self._policies.use_of_numbers(demand, fitting, now), demand.limit)
        if len(self._usable) >= MAX_REMEMBERED:
            self._usable.clear()
        self._usable[policy.pack_hash, kind] = at, fitting
        return fitting

    def forget(self) -> None:
        """The gate said that a number is used up: the next choice reads anew."""
        self._usable.clear()


def presentable(policy: Policy, facts: GateFacts, pool: Sequence[str], now: datetime) -> tuple[str, ...]:
    """The numbers of a pool with which every rule about caller IDs is kept, in a call with these facts."""
    bounds = [bound for bound in policy.bounds if isinstance(bound.rule.body, CallerId)]
    today = house_day(policy, now)
    return tuple(number for number in pool if _passes(bounds, policy, facts, number, today, now))


def campaign_facts(settings: CampaignSettings, path: CallPath) -> GateFacts:
    """What is known of every call of a campaign; a doubt about the person makes every rule apply."""
    of_settings = (settings.agency, settings.creditor, settings.product)
    return _facts(_Kind(settings.caller_ids, path, PhoneRole.OWN, *of_settings, has_agent=False))


def house_day(policy: Policy, now: datetime) -> date:
    """Which day it is where the house is: registrations are in force by days."""
    return now.astimezone(ZoneInfo(policy.packs[0].zone)).date()


def _facts(kind: _Kind) -> GateFacts:
    return GateFacts(
        zones=ZoneCandidates(),
        max_ring_s=0.0,
        role=kind.role,
        path=kind.path,
        dedicated_agent=kind.has_agent,
        agency=kind.agency,
        creditor=kind.creditor,
        product=kind.product,
    )


def _passes(bounds: Sequence[Bound], policy: Policy, facts: GateFacts, number: str, today: date, now: datetime) -> bool:
    shown = replace(facts, caller_id=policy.registry.shown(number, today))
    return all(bound.opens(shown, now) == now for bound in bounds)
