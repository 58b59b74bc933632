"""Three nodes with ten collectors each share one budget: the campaign keeps its target, though each reads it late.

Beside it, for comparison, the same floors when each node takes all that is left for its own.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, time

import pytest

from bench._day import FloorDay
from dialer.campaigns.loop.sharing import NOTHING, Here, as_counts, claim
from dialer.campaigns.loop.snapshot import takes_more
from dialer.campaigns.pacing import CallStage, PacingSnapshot
from dialer.campaigns.pacing.pacer import Pacer
from dialer.model.budget import NodePart
from dialer.simulator.scenario import Scenario, Shift, Workforce

TARGET = 0.03
NAMES = ("a", "b", "c")
COLLECTORS = 10
LENGTH_S = 4500
PAUSES_S = (2.0, 4.0, 3.0)
"""Between two readings of a node, in turn: what it knows of the others is as old as that."""
DAY = Scenario(
    name="one of three nodes",
    begins=datetime.fromisoformat("2026-11-23T09:00:00+08:00"),
    ends=time(10, 15),
    workforce=Workforce((Shift(COLLECTORS, time(9), time(10, 15)),)),
)


@dataclass
class Campaign:
    """What the nodes have on record together: a talk when it is over, an abandoned call at once."""

    nodes: "list[Node]" = field(default_factory=list)
    parts: dict[str, NodePart] = field(default_factory=dict)
    worst: float = 0.0
    """The highest share abandoned of live at any moment after the 200th live answer."""

    @property
    def on_record(self) -> tuple[int, int]:
        return sum(node.live_on_record for node in self.nodes), sum(node.abandoned for node in self.nodes)

    @property
    def share(self) -> float:
        """Abandoned of live."""
        return sum(node.abandoned for node in self.nodes) / sum(node.n_live for node in self.nodes)

    @property
    def talking(self) -> float:
        """Talk time of staffed time."""
        counts = [node.books.counts for node in self.nodes]
        return sum(count["talk_s"] for count in counts) / sum(count["staffed_s"] for count in counts)

    def live_through(self) -> None:
        """Tick after tick on all nodes."""
        for second in range(1, LENGTH_S + 1):
            for node in self.nodes:
                node.tick_at(float(second))
            if sum(node.n_live for node in self.nodes) >= 200:
                self.worst = max(self.worst, self.share)


class Node(FloorDay):
    """One node's floor, paced by its share of the campaign's budget, or by all of it."""

    def __init__(self, name: str, campaign: Campaign, seed: int, *, shares: bool) -> None:
        super().__init__(DAY, Pacer(), seed)
        self._node, self._campaign, self._shares = name, campaign, shares
        self._share = NOTHING
        self._reads_at = 0.0
        self._n_readings = 0
        self._read, self._own_then = (0, 0), (0, 0)
        campaign.nodes.append(self)

    @property
    def n_live(self) -> int:
        return self.books.counts["live"]

    @property
    def abandoned(self) -> int:
        return self.books.counts["abandoned"]

    @property
    def talks(self) -> int:
        return sum(call.stage in (CallStage.WAITING, CallStage.CONNECTED) for call in self._calls.values())

    @property
    def live_on_record(self) -> int:
        return self.n_live - self.talks

    def tick_at(self, now: float) -> None:
        """One tick."""
        self._advance(now)
        self._tick()

    def _snapshot(self) -> PacingSnapshot:
        snapshot = super()._snapshot()
        if self.now >= self._reads_at:
            self._look(snapshot)
        (live, abandoned), (own_live, own_abandoned) = self._read, self._own_then
        if self._shares and not self._share.is_alone:
            left = self._share.people - (self.abandoned - own_abandoned) + TARGET * self.talks
            live, abandoned = as_counts(left, TARGET, live, abandoned, self._share.weight)
        else:
            live, abandoned = live + self.n_live - own_live, abandoned + self.abandoned - own_abandoned
        return replace(snapshot, period_live=live, period_abandoned=abandoned)

    def _look(self, snapshot: PacingSnapshot) -> None:
        self._reads_at = self.now + PAUSES_S[self._n_readings % len(PAUSES_S)]
        self._n_readings += 1
        self._read, self._own_then = self._campaign.on_record, (self.live_on_record, self.abandoned)
        if not self._shares:
            return
        lines = sum(call.stage is not CallStage.CONNECTED for call in snapshot.calls)
        here = Here(self._node, sum(takes_more(view) for view in snapshot.agents), lines, 0.0)
        others = [part for name, part in self._campaign.parts.items() if name != self._node]
        left = TARGET * self._read[0] - self._read[1]
        self._share = claim(left, here, others, self._share, self.now)
        self._campaign.parts[self._node] = replace(self._share.part, beat=self._n_readings)


def lived(seed: int, *, shares: bool) -> Campaign:
    campaign = Campaign()
    for index, name in enumerate(NAMES):
        Node(name, campaign, 100 * seed + index, shares=shares)
    campaign.live_through()
    words = "sharing" if shares else "each with all of it"
    print(f"{words}: {campaign.share:.2%} abandoned, {campaign.worst:.2%} at worst, {campaign.talking:.1%} talking")
    return campaign


@pytest.mark.slow
def test_the_target_is_kept_by_nodes_that_share_it() -> None:
    lived(2, shares=False)
    sharing = lived(2, shares=True)
    assert sum(node.n_live for node in sharing.nodes) > 200
    assert sum(node.abandoned for node in sharing.nodes) > 0
    assert sharing.worst <= TARGET
