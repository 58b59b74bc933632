"""The caller ID of each call: one the policy lets the campaign show, not used up today, always the same per person.

The gate has the last word: it counts inside its transaction, what is read here may be seconds old. Where no number of
the pool would pass, one is shown to the gate all the same, so that the refusal names it.
"""

from collections.abc import Sequence
from datetime import datetime

from dialer.calls.order import CallOrder
from dialer.calls.presentable import campaign_facts, presentable
from dialer.campaigns.caller_id import choose_caller_id, usable
from dialer.clock import Clock
from dialer.compliance.facts import GateFacts, Scope
from dialer.compliance.policy import Policy
from dialer.model.campaign import CampaignSettings
from dialer.storage.policies import Policies

REFRESH_S = 5.0
"""How old the numbers' use may be; a number that reaches its cap meanwhile is refused by the gate."""
MAX_REMEMBERED = 256
"""Different kinds of calls whose numbers are kept in mind: a few per campaign."""


async def fitting_numbers(
    policies: Policies, pool: Sequence[str], facts: GateFacts, policy: Policy, at: datetime
) -> tuple[str, ...]:
    """The numbers of a pool that the policy lets such a call show at `at`, and that are not used up by then."""
    fitting = presentable(policy, facts, pool, at)
    for demand in policy.demand.tallies:
        if demand.scope is Scope.CALLER_ID and fitting:
            fitting = usable(fitting, await policies.use_of_numbers(demand, fitting, at), demand.limit)
    return fitting


class CallerIds:
    """Chooses for every call of this node."""

    def __init__(self, policies: Policies, clock: Clock) -> None:
        self._policies = policies
        self._clock = clock
        self._usable: dict[tuple[str, tuple[str, ...], GateFacts], tuple[float, tuple[str, ...]]] = {}

    async def choose(self, order: CallOrder, policy: Policy, now: datetime) -> str:
        """The number this person sees; empty when the campaign has none. Raises StorageError."""
        pool = order.campaign.settings.caller_ids
        return choose_caller_id(await self.usable(order, policy, now) or pool, order.contact.person_ref)

    async def usable(self, order: CallOrder, policy: Policy, now: datetime) -> tuple[str, ...]:
        """The numbers of the campaign's pool that may be shown in such a call."""
        settings = order.campaign.settings
        facts = campaign_facts(settings, order.path, order.phone.role, has_agent=order.agent_id is not None)
        return await self.usable_in(settings, facts, policy, now)

    async def usable_in(
        self, settings: CampaignSettings, facts: GateFacts, policy: Policy, now: datetime
    ) -> tuple[str, ...]:
        """Those that may be shown in calls of which no more is known than `facts`."""
        if not settings.caller_ids:
            return ()
        key, at = (policy.pack_hash, settings.caller_ids, facts), self._clock.monotonic()
        known = self._usable.get(key)
        if known is not None and at - known[0] < REFRESH_S:
            return known[1]
        fitting = await fitting_numbers(self._policies, settings.caller_ids, facts, policy, now)
        if len(self._usable) >= MAX_REMEMBERED:
            self._usable.clear()
        self._usable[key] = at, fitting
        return fitting

    def forget(self) -> None:
        """The gate said that a number is used up: the next choice reads anew."""
        self._usable.clear()
