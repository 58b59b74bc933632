"""What calls came to, counted: by campaign and hour, and by collector. Sums add up; shares are made of them when shown.

An attempt counts in the hour in which it was placed, with all that came of it, whenever that was.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from dialer.model.agent import AgentState

WAIT_STEP_S = 0.1
"""Waits are counted in steps of so many seconds: what is told of them is exact to one."""
BUSY = (AgentState.RESERVED, AgentState.PREVIEW, AgentState.TALKING, AgentState.HOLD, AgentState.WRAPUP)
AT_WORK = (AgentState.READY, *BUSY)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of attempts. What each means, and which share is made of which, say `dialer.supervising.definitions`.

    `live` holds the `abandoned` ones. `waits` counts, by steps of WAIT_STEP_S, how long people waited after their
    greeting until a collector was there; `verdicts` what answered calls were taken for. `wrap_s` is of the wrap-ups
    that began in the hour.
    """

    dials: int = 0
    answered: int = 0
    live: int = 0
    abandoned: int = 0
    machines: int = 0
    connected: int = 0
    right_party: int = 0
    promises: int = 0
    talk_s: float = 0.0
    wrap_s: float = 0.0
    waits: Mapping[int, int] = field(default_factory=Counter)
    verdicts: Mapping[str, int] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        sums = {name: getattr(self, name) + getattr(other, name) for name in SUMS}
        waits, verdicts = Counter(self.waits), Counter(self.verdicts)
        waits.update(other.waits)
        verdicts.update(other.verdicts)
        return Tally(**sums, waits=waits, verdicts=verdicts)

    def wait_s(self, share: float) -> float | None:
        """The wait that `share` (0 to 1) of those who were put through did not exceed; None where nobody was."""
        n_waits = sum(self.waits.values())
        seen = 0
        for step in sorted(self.waits):
            seen += self.waits[step]
            if seen >= share * n_waits:
                return step * WAIT_STEP_S
        return None


SUMS = tuple(each.name for each in fields(Tally) if each.name not in ("waits", "verdicts"))
"""The names of what is added up."""


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    return sum(tallies, start=Tally())


@dataclass(frozen=True, slots=True)
class CampaignHour:
    """One campaign's attempts of one hour; `hour` counts the spans that were asked for, from 0."""

    campaign_id: int
    hour: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Contacts:
    """How many different contacts were called, and how many of them were reached."""

    tried: int = 0
    reached: int = 0


@dataclass(frozen=True, slots=True)
class CollectorFigures:
    """One collector's calls, and seconds by state, within a span.

    `state`, `since` and `campaign_id` are those of the last change on record by its end.
    """

    agent_id: int
    state: AgentState
    since: datetime
    seconds: Mapping[AgentState, float]
    campaign_id: int | None = None
    tally: Tally = Tally()

    def seconds_in(self, states: Iterable[AgentState]) -> float:
        """How long it was one of these states."""
        return sum(self.seconds.get(state, 0.0) for state in states)
