"""Live and abandoned calls of the abandonment periods, and how much abandoning is left. Strict side up.

A campaign has a target of its own over any day, and every budget of the policy that binds it: a share over a span. The
pace obeys the one of which least is left. The counts are the database's, as the gate reads them, and what the database
cannot know yet. People who were taken for machines count as abandoned: in a budget of the policy as its rule says, in
the campaign's own target as many as listeners heard, once they have heard enough.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.presentable import campaign_facts
from dialer.calls.runner import AttemptRunner
from dialer.compliance.abandonment import Abandonment, Basis, FalsePositives
from dialer.compliance.demand import BudgetDemand
from dialer.compliance.facts import BudgetUse, GateFacts
from dialer.compliance.policy import Policy
from dialer.compliance.rule import Rule
from dialer.compliance.spans import Rolling
from dialer.model.attempt import REACHED_A_PERSON, Disposition
from dialer.model.campaign import CampaignSettings
from dialer.storage.policies import Policies

ANY_DAY = BudgetDemand("campaign", Rolling(86400), "UTC", heard=True)
"""The campaign's own target is kept over any 24 hours, the shortest of the periods the rules ask for."""
AS_HEARD = FalsePositives(basis=Basis.ESTIMATE)
REFRESH_S = 2.0
COST_FACTOR = 50
"""Counting a month of a large campaign takes a while: it never takes more than a fiftieth of the time."""
_MACHINES = (Disposition.MACHINE, Disposition.MESSAGE_LEFT)
_WILL_BE: Mapping[Phase, Disposition] = {
    Phase.TALKING: Disposition.CONNECTED,
    Phase.HOLDING_ON: Disposition.CONNECTED,
    Phase.GOODBYE: Disposition.CONNECTED,
    Phase.DIALOGUE: Disposition.REMINDED,
    Phase.APOLOGY: Disposition.ABANDONED,
}
"""How a call with a person ends at best."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most the share `limit` of live calls over the demand's span; `false_positives` count as abandoned, too."""

    demand: BudgetDemand
    limit: float
    false_positives: FalsePositives = AS_HEARD


@dataclass(frozen=True, slots=True)
class Standing:
    """The budget of which least is left: live and abandoned calls of its period, its share, its length in seconds.

    `live` and `abandoned` hold the people who are thought to be among the machine verdicts; those on record do not.
    """

    live: int
    abandoned: int
    target: float
    period_s: float
    live_on_record: int
    abandoned_on_record: int


def budgets_of(policy: Policy, settings: CampaignSettings, now: datetime) -> tuple[Budget, ...]:
    """What binds a campaign's pace at `now`; no pack's limit is wider than the campaign's own target."""
    facts = campaign_facts(settings)
    found = [Budget(ANY_DAY, settings.abandon_target)]
    for bound in policy.bounds:
        body = bound.rule.body
        if isinstance(body, Abandonment) and bound.start <= now < bound.end and _binds(bound.rule, facts):
            limit = min(body.limit, settings.abandon_target)
            found += [Budget(demand, limit, body.false_positives) for demand in body.demand.budgets]
    return tuple(dict.fromkeys(found))


def _binds(rule: Rule, facts: GateFacts) -> bool:
    return rule.concerns(facts) and (rule.applies_if is None or rule.applies_if.fit(facts))


class AbandonmentPeriod:
    """Counts for one campaign.

    Attempts that ended since the last reading are added until the next one has seen them.
    """

    def __init__(self, campaign_id: int) -> None:
        self._campaign_id = campaign_id
        self._budgets: tuple[Budget, ...] = (Budget(ANY_DAY, 0.0),)
        self._used: Mapping[BudgetDemand, BudgetUse] = {}
        self._read_at: float | None = None
        self._pause_s = REFRESH_S
        self._ended: list[tuple[float, Disposition]] = []

    def ended(self, now: float, disposition: Disposition) -> None:
        """An attempt was settled."""
        if disposition in REACHED_A_PERSON or disposition in _MACHINES:
            self._ended.append((now, disposition))

    def is_due(self, budgets: tuple[Budget, ...], now: float) -> bool:
        """Whether the last reading is old, or of other budgets."""
        return budgets != self._budgets or self._read_at is None or now - self._read_at >= self._pause_s

    async def read(self, policies: Policies, budgets: tuple[Budget, ...], now: float, utc: datetime) -> None:
        """Reads the database."""
        demands = tuple(dict.fromkeys(budget.demand for budget in budgets))
        used = await policies.budget_use(self._campaign_id, demands, utc)
        self._budgets, self._used, self._read_at = budgets, dict(zip(demands, used, strict=True)), now
        self._ended = [(at, disposition) for at, disposition in self._ended if at >= now]

    def took(self, seconds: float) -> None:
        """How long the last reading took."""
        self._pause_s = max(REFRESH_S, COST_FACTOR * seconds)

    def standing(self, runners: Sequence[AttemptRunner]) -> Standing:
        """With the calls that are still up, or have ended and are being settled."""
        ends = [disposition for _, disposition in self._ended]
        ends += [end for runner in runners if (end := _end_of(runner.machine)) is not None]
        standings = [self._standing(budget, ends) for budget in self._budgets]
        return min(standings, key=lambda standing: standing.target * standing.live - standing.abandoned)

    def _standing(self, budget: Budget, ends: Sequence[Disposition]) -> Standing:
        used = self._used.get(budget.demand, BudgetUse("", 0, 0, 0))
        machines = used.machines + sum(end in _MACHINES for end in ends)
        people = budget.false_positives.share(used.heard) * machines
        live = used.live + sum(end in REACHED_A_PERSON for end in ends)
        abandoned = used.abandoned + ends.count(Disposition.ABANDONED)
        return Standing(
            math.floor(live + people),
            math.ceil(abandoned + people),
            budget.limit,
            budget.demand.span.longest_s,
            live,
            abandoned,
        )


def _end_of(machine: AttemptMachine) -> Disposition | None:
    if machine.phase is Phase.ENDED:
        return machine.facts.disposition
    return None if machine.listens else _WILL_BE.get(machine.phase)  # perhaps no person talks with that collector
