"""Live and abandoned calls of the abandonment periods, and how much abandoning is left. Strict side up.

A campaign has a target of its own over any day, and every budget of the policy that binds it: a share over a span. The
pace obeys the one of which least is left. The counts are the database's, as the gate reads them, and what the database
cannot know yet. People who were taken for machines count as abandoned: in a budget of the policy as its rule says, in
the campaign's own target as many as listeners heard, once they have heard enough.

Where several nodes may dial the campaign, each paces by its own part of what is left (`dialer.campaigns.loop.sharing`);
the supervisor is shown the whole.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.calls.attempt import AttemptMachine, Phase
from dialer.calls.presentable import campaign_facts
from dialer.calls.runner import AttemptRunner
from dialer.campaigns.loop.sharing import NOTHING, Here, Share, as_counts, claim
from dialer.compliance.abandonment import Abandonment, Basis, FalsePositives
from dialer.compliance.demand import BudgetDemand
from dialer.compliance.facts import BudgetUse, GateFacts
from dialer.compliance.policy import Policy
from dialer.compliance.rule import Rule
from dialer.compliance.spans import Rolling
from dialer.model.attempt import REACHED_A_PERSON, Disposition
from dialer.model.budget import NodePart
from dialer.model.campaign import CampaignSettings
from dialer.storage.budget_parts import BudgetParts
from dialer.storage.policies import Policies
from dialer.words.bilingual import Bilingual

NOTHING_USED = BudgetUse("", 0, 0, 0)
ANY_DAY = BudgetDemand("campaign", Rolling(86400), "UTC", heard=True)
"""The campaign's own target is kept over any 24 hours, the shortest of the periods the rules ask for."""
AS_HEARD = FalsePositives(basis=Basis.ESTIMATE)
REFRESH_S = 2.0
COST_FACTOR = 50
"""Counting a month of a large campaign takes a while: it never takes more than a fiftieth of the time."""
SHARED_REFRESH_S = 5.0
SHARED_COST_FACTOR = 5
"""Other nodes wait for word of this one: it comes after five seconds, or a fifth of the time has to do for counting."""
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
        self._share = NOTHING
        self._is_shared = False

    def ended(self, now: float, disposition: Disposition) -> None:
        """An attempt was settled."""
        if disposition in REACHED_A_PERSON or disposition in _MACHINES:
            self._ended.append((now, disposition))

    def is_due(self, budgets: tuple[Budget, ...], now: float) -> bool:
        """Whether the last reading is old, or of other budgets."""
        return budgets != self._budgets or self._read_at is None or now - self._read_at >= self._pause_s

    async def read(self, policies: Policies, budgets: tuple[Budget, ...], now: float, utc: datetime) -> None:
        """Reads the database."""
        demands = _demands(budgets)
        used = await policies.budget_use(self._campaign_id, demands, utc)
        self._took_over(budgets, dict(zip(demands, used, strict=True)), now)

    async def share(
        self, parts: BudgetParts, here: Here, budgets: tuple[Budget, ...], now: float, utc: datetime
    ) -> None:
        """Reads the database and takes this node's part anew. `here.debt` is what `debt` says."""
        demands = _demands(budgets)

        def decide(used: Sequence[BudgetUse], others: Sequence[NodePart]) -> Share:
            left = min(_left(budget, dict(zip(demands, used, strict=True))) for budget in budgets)
            return claim(left, here, others, self._share, now, self._pause_s)

        self._is_shared = True
        used, self._share = await parts.take(self._campaign_id, here.node, demands, utc, decide)
        self._took_over(budgets, dict(zip(demands, used, strict=True)), now)

    def took(self, seconds: float) -> None:
        """How long the last reading took."""
        pause_s = COST_FACTOR * seconds
        if self._is_shared:
            pause_s = min(pause_s, max(SHARED_REFRESH_S, SHARED_COST_FACTOR * seconds))
        self._pause_s = max(REFRESH_S, pause_s)

    def standing(self, runners: Sequence[AttemptRunner]) -> Standing:
        """With the calls that are still up, or have ended and are being settled."""
        ends = self._ends(runners)
        standings = [self._standing(budget, ends) for budget in self._budgets]
        return min(standings, key=lambda standing: standing.target * standing.live - standing.abandoned)

    def debt(self, runners: Sequence[AttemptRunner]) -> float:
        """How many people were abandoned here, or hung up on as machines, who may not be on record yet."""
        ends = self._ends(runners)
        taken_for_machines = max(budget.false_positives.share(self._use(budget).heard) for budget in self._budgets)
        return ends.count(Disposition.ABANDONED) + taken_for_machines * sum(end in _MACHINES for end in ends)

    def paced_by(self, standing: Standing, runners: Sequence[AttemptRunner]) -> tuple[int, int]:
        """The live and abandoned calls to pace by: those of `standing`, or as many as leave this node's part of it.

        A talk is its own node's while it lasts, and then everybody's, once it is on record.
        """
        share = self._share
        if share.is_alone:
            return standing.live, standing.abandoned
        talks = [runner.machine for runner in runners if runner.machine.phase is not Phase.ENDED]
        n_live = sum(_end_of(machine) in REACHED_A_PERSON for machine in talks)
        left = share.people - self.debt(runners) + n_live * min(budget.limit for budget in self._budgets)
        return as_counts(left, standing.target, standing.live, standing.abandoned, share.weight)

    @property
    def words(self) -> Bilingual:
        """What of the budget is this node's; empty where no other node dials the campaign."""
        return self._share.words

    def _took_over(self, budgets: tuple[Budget, ...], used: Mapping[BudgetDemand, BudgetUse], now: float) -> None:
        self._budgets, self._used, self._read_at = budgets, used, now
        self._ended = [(at, disposition) for at, disposition in self._ended if at >= now]

    def _ends(self, runners: Sequence[AttemptRunner]) -> list[Disposition]:
        """How calls ended, or will at best, that may not be on record yet."""
        ends = [disposition for _, disposition in self._ended]
        return ends + [end for runner in runners if (end := _end_of(runner.machine)) is not None]

    def _use(self, budget: Budget) -> BudgetUse:
        return self._used.get(budget.demand, NOTHING_USED)

    def _standing(self, budget: Budget, ends: Sequence[Disposition]) -> Standing:
        used = self._use(budget)
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


def _demands(budgets: Sequence[Budget]) -> tuple[BudgetDemand, ...]:
    return tuple(dict.fromkeys(budget.demand for budget in budgets))


def _left(budget: Budget, used: Mapping[BudgetDemand, BudgetUse]) -> float:
    """What may still be abandoned by what is on record alone."""
    use = used[budget.demand]
    people = budget.false_positives.share(use.heard) * use.machines
    return budget.limit * (use.live + people) - (use.abandoned + people)


def _end_of(machine: AttemptMachine) -> Disposition | None:
    if machine.phase is Phase.ENDED:
        return machine.facts.disposition
    return None if machine.listens else _WILL_BE.get(machine.phase)  # perhaps no person talks with that collector
