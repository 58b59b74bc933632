"""What a policy needs to know: how far back, of whom, and which sums. Storage reads exactly that, and locks it."""

from dataclasses import dataclass

from dialer.compliance.facts import Event, Scope
from dialer.compliance.spans import Span

EVER = float("inf")


@dataclass(frozen=True, slots=True)
class TallyDemand:
    """A cap over a wide scope: storage answers with the `Tally` of the same `key`.

    Counted are the attempts of the scope's key (this caller ID, this collector, …) in which `event` happened, only
    those that reached nobody where `unreached_only`, within `span` by the calendar of `zone`; up to `limit` of them.
    """

    key: str
    scope: Scope
    event: Event
    unreached_only: bool
    span: Span
    zone: str
    limit: int


@dataclass(frozen=True, slots=True)
class BudgetDemand:
    """An abandonment budget of the campaign: storage answers with the `BudgetUse` of the same `key`.

    `heard`: with what listeners heard of machine verdicts, too.
    """

    key: str
    span: Span
    zone: str
    heard: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """How far back (seconds) attempts to the number, of the person and of the case are needed; 0: only what is open.

    `EVER`: all there are. `own_numbers`: how the person's own numbers fared, for third parties' numbers.
    """

    phone_s: float = 0.0
    person_s: float = 0.0
    case_s: float = 0.0
    own_numbers: bool = False
    tallies: tuple[TallyDemand, ...] = ()
    budgets: tuple[BudgetDemand, ...] = ()

    def __or__(self, other: "Demand") -> "Demand":
        """Enough for both."""
        return Demand(
            max(self.phone_s, other.phone_s),
            max(self.person_s, other.person_s),
            max(self.case_s, other.case_s),
            self.own_numbers or other.own_numbers,
            tuple(dict.fromkeys((*self.tallies, *other.tallies))),
            tuple(dict.fromkeys((*self.budgets, *other.budgets))),
        )
