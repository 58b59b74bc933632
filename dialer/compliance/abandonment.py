"""The abandonment budget: the share of live calls that may find no collector.

A person who was taken for a machine and hung up on found none either. Nobody knows how many they are; a rule states
their share of the machine verdicts, or has it measured by people who listen to some that chance draws.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from dialer.compliance.demand import BudgetDemand, Demand
from dialer.compliance.facts import BudgetUse, GateFacts
from dialer.compliance.rule import FOREVER, Body
from dialer.compliance.spans import Span
from dialer.model.decision import Finding
from dialer.model.verdict_sample import Heard

ENOUGH_HEARD = 50
"""So many drawn verdicts have been listened to before what was heard takes the place of what was stated."""
HEARD_WITHIN = timedelta(days=30)
"""What listeners heard counts for so long, or for the budget's span where that is longer: how often the detector is
wrong changes slowly, and a day alone holds too few verdicts to tell."""
NOTHING_HEARD = Heard()


class Basis(str, Enum):
    """Where the share of people among machine verdicts is taken from."""

    STATED = "stated"
    BOUND = "bound"
    """The upper bound of what listeners heard: on the safe side, for rules of law."""
    ESTIMATE = "estimate"
    """What listeners heard, as it is: for a target of the house's own."""


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """The share of machine verdicts that are taken for people who were hung up on.

    `stated` holds until `ENOUGH_HEARD`; then what listeners heard does, by `basis`. A bound without a stated share
    holds from the start: with nobody having listened, every machine verdict may have been a person.
    """

    stated: float | None = 0.0
    basis: Basis = Basis.STATED

    @property
    def is_measured(self) -> bool:
        """Whether listeners are asked."""
        return self.basis is not Basis.STATED

    def share(self, heard: Heard | None) -> float:
        """By what was heard so far."""
        heard = heard or NOTHING_HEARD
        if self.basis is Basis.STATED:
            return self.stated or 0.0
        interval = heard.among()
        enough = heard.listened + heard.unclear >= ENOUGH_HEARD
        if self.basis is Basis.ESTIMATE:
            return heard.share or 0.0 if enough else 0.0
        if self.stated is None or enough:
            return interval.high
        return max(self.stated, interval.low)  # few were heard, but enough to know that there are more than stated


@dataclass(frozen=True, slots=True)
class Abandonment(Body):
    """At most `limit` (a share) of the campaign's live calls within the span are abandoned.

    `false_positives` add to the abandoned calls and to the live ones, also where no call is known to have been
    abandoned.
    """

    span: Span
    limit: float
    false_positives: FalsePositives
    pack_zone: str
    key: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the newest abandoned call has left the span, or the newest machine, or both: as soon as that is enough.

        Conservative: the budget may recover earlier, when enough of them have left or live calls came.
        """
        use = self._use(facts)
        if use is None:
            return None
        if not self._is_spent(use, use.live, use.abandoned, use.machines):
            return at
        abandoned_until, machines_until = self._until(use.last_abandoned_at), self._until(use.last_machine_at)
        for opens in sorted((abandoned_until, machines_until)):
            gone = use.abandoned if abandoned_until <= opens else 0
            machines = use.machines if machines_until > opens else 0
            if opens < FOREVER and not self._is_spent(use, use.live - gone, use.abandoned - gone, machines):
                return max(at, opens)
        return None

    def _until(self, newest: datetime | None) -> datetime:
        """When the newest of them leaves the span; FOREVER too when nobody knows which one it is."""
        leaves = None if newest is None else self.span.leaves(self.pack_zone, newest)
        return FOREVER if leaves is None else leaves

    def share(self, live: int, abandoned: int, machines: int, false_positives: float) -> float:
        """The abandoned share, so many of the machines being people; of no calls, none."""
        estimated = false_positives * machines
        calls = live + estimated
        return (abandoned + estimated) / calls if calls > 0 else 0.0

    def _is_spent(self, use: BudgetUse, live: int, abandoned: int, machines: int) -> bool:
        return self.share(live, abandoned, machines, self.false_positives.share(use.heard)) > self.limit

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the share, and what it was reckoned from."""
        use = self._use(facts)
        if use is None:
            return Finding("count_missing", {"scope": "campaign"})
        false_positives = self.false_positives.share(use.heard)
        share = self.share(use.live, use.abandoned, use.machines, false_positives)
        counts = {"live": use.live, "abandoned": use.abandoned, "machines": use.machines}
        values = {"share": round(share, 6), "limit": self.limit, **counts}
        if not self.false_positives.is_measured:
            return Finding("budget_spent", {**values, "false_positives": false_positives})
        heard = use.heard or NOTHING_HEARD
        told = {"listened": heard.listened, "people": heard.people, "unclear": heard.unclear}
        return Finding("budget_spent_as_heard", {**values, "false_positives": round(false_positives, 6), **told})

    def _use(self, facts: GateFacts) -> BudgetUse | None:
        return next((use for use in facts.budgets if use.key == self.key), None)

    @property
    def demand(self) -> Demand:
        """The counts of the campaign."""
        heard = self.false_positives.is_measured
        return Demand(budgets=(BudgetDemand(self.key, self.span, self.pack_zone, heard),))
