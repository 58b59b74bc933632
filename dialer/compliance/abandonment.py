"""The abandonment budget: the share of live calls that may find no collector."""

from dataclasses import dataclass
from datetime import datetime

from dialer.compliance.demand import BudgetDemand, Demand
from dialer.compliance.facts import BudgetUse, GateFacts
from dialer.compliance.rule import FOREVER, Body
from dialer.compliance.spans import Span
from dialer.model.decision import Finding


@dataclass(frozen=True, slots=True)
class Abandonment(Body):
    """At most `limit` (a share) of the campaign's live calls within the span are abandoned.

    `false_positives` is the share of machine verdicts that are taken for people who were hung up on: they add to the
    abandoned calls and to the live ones, also where no call is known to have been abandoned.
    """

    span: Span
    limit: float
    false_positives: float
    pack_zone: str
    key: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the newest abandoned call has left the span, or the newest machine, or both: as soon as that is enough.

        Conservative: the budget may recover earlier, when enough of them have left or live calls came.
        """
        use = self._use(facts)
        if use is None:
            return None
        if not self._is_spent(use.live, use.abandoned, use.machines):
            return at
        abandoned_until, machines_until = self._until(use.last_abandoned_at), self._until(use.last_machine_at)
        for opens in sorted((abandoned_until, machines_until)):
            gone = use.abandoned if abandoned_until <= opens else 0
            machines = use.machines if machines_until > opens else 0
            if opens < FOREVER and not self._is_spent(use.live - gone, use.abandoned - gone, machines):
                return max(at, opens)
        return None

    def _until(self, newest: datetime | None) -> datetime:
        """When the newest of them leaves the span; FOREVER too when nobody knows which one it is."""
        leaves = None if newest is None else self.span.leaves(self.pack_zone, newest)
        return FOREVER if leaves is None else leaves

    def share(self, live: int, abandoned: int, machines: int) -> float:
        """The abandoned share; of no calls, none."""
        estimated = self.false_positives * machines
        calls = live + estimated
        return (abandoned + estimated) / calls if calls > 0 else 0.0

    def _is_spent(self, live: int, abandoned: int, machines: int) -> bool:
        return self.share(live, abandoned, machines) > self.limit

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the share."""
        use = self._use(facts)
        if use is None:
            return Finding("count_missing", {"scope": "campaign"})
        share = self.share(use.live, use.abandoned, use.machines)
        values = {"share": round(share, 6), "limit": self.limit, "false_positives": self.false_positives}
        counts = {"live": use.live, "abandoned": use.abandoned, "machines": use.machines}
        return Finding("budget_spent", {**values, **counts})

    def _use(self, facts: GateFacts) -> BudgetUse | None:
        return next((use for use in facts.budgets if use.key == self.key), None)

    @property
    def demand(self) -> Demand:
        """The counts of the campaign."""
        return Demand(budgets=(BudgetDemand(self.key, self.span, self.pack_zone),))
