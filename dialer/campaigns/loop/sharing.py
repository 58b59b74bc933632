"""How the nodes share a campaign's abandonment budget. Pure.

What may still be abandoned, target × live − abandoned, belongs to all nodes that dial the campaign. Each takes a part
of it in proportion to its collectors, and never more than what the others do not hold: a part is held from the moment
it is written until its node writes the next one, and what a node abandons is paid from its own. So the parts together
never exceed what is left on record, in whatever order nodes join, leave and look. A node that joins gets its part as
soon as the others have looked again; until then it holds nothing and dials 1:1.

A node says nothing of the time: its part carries a counter, and whoever sees that stand still, by its own clock, knows
that the node is silent. The collectors of a silent node count no more after `SILENT_S`; what it holds stays held for as
long as its calls may still end on record, for it may have lost its database and not its telephones.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dialer.model.budget import NodePart
from dialer.words.bilingual import SILENCE, Bilingual, both

SILENT_S = 10.0
"""A node that has not reported for this long has lost its collectors: several times what a reading may be late."""
HELD_S = 180.0
"""Longer than a call rings (two minutes at most), is listened to, waits, is told goodbye and is put on record."""
SILENT_READINGS = 3
"""Where counting is slow, nodes report seldom: so many of one's own pauses are no silence yet."""


@dataclass(frozen=True, slots=True)
class Here:
    """This node now.

    `collectors` are at work for the campaign; `lines` are calls out that may yet need one; `debt` are people abandoned
    here who are not on record yet.
    """

    node: str
    collectors: int
    lines: int
    debt: float


@dataclass(frozen=True, slots=True)
class Sight:
    """A node's counter, and since when it has stood there (monotonic s)."""

    beat: int
    since: float


@dataclass(frozen=True, slots=True)
class Share:
    """What this node may do with the budget until it looks again.

    `people` it may abandon, those on record since then and not yet on record included; below 0 when too many were.
    """

    part: NodePart
    people: float
    of_collectors: int
    is_alone: bool
    void: frozenset[str] = frozenset()
    sights: Mapping[str, Sight] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        """This node's collectors among all of the campaign's."""
        return self.part.collectors / self.of_collectors if self.of_collectors else 0.0

    @property
    def words(self) -> Bilingual:
        """For the supervisor, behind figures of this node's part; empty where nobody shares."""
        if self.is_alone:
            return SILENCE
        return both(
            "; this node's part of the budget, for {mine} of the campaign's {all} collectors: {left:.1f} calls left",
            "；本节点的额度份额（活动 {all} 位催收员中的 {mine} 位）：剩余 {left:.1f} 通",
            mine=self.part.collectors,
            all=self.of_collectors,
            left=max(self.people, 0.0),
        )


NOTHING = Share(NodePart("", 0, 0.0), 0.0, 0, is_alone=True)


def claim(
    left: float, here: Here, others: Sequence[NodePart], before: Share, now: float, pause_s: float = 0.0
) -> Share:
    """This node's share of `left`, what may still be abandoned by what is on record now.

    `before` is its last one; `pause_s` passes between its own readings.
    """
    sights = _sights(others, before.sights, now)
    silent_s = {node: now - sight.since for node, sight in sights.items()}
    silent_after = max(SILENT_S, SILENT_READINGS * pause_s)
    void = frozenset(node for node, silent in silent_s.items() if silent >= max(HELD_S, silent_after))
    holding = [other for other in others if other.node not in void]
    at_work = sum(other.collectors for other in holding if silent_s[other.node] < silent_after) + here.collectors
    free = left - sum(other.people for other in holding)
    if here.collectors:
        people = min(left * here.collectors / at_work, free)
    else:  # everybody went: what is still ringing may cost what this node held for it
        people = min(max(before.people, 0.0), here.lines, free)
    part = NodePart(here.node, here.collectors, max(people, here.debt, 0.0))
    is_alone = at_work == here.collectors and not any(other.people for other in holding)
    return Share(part, people, at_work, is_alone, void, sights)


def _sights(others: Sequence[NodePart], before: Mapping[str, Sight], now: float) -> dict[str, Sight]:
    """A node that was never seen before counts as heard of right now."""
    sights = {}
    for other in others:
        known = before.get(other.node)
        sights[other.node] = known if known is not None and known.beat == other.beat else Sight(other.beat, now)
    return sights


def as_counts(left: float, target: float, live: int, abandoned: int, weight: float) -> tuple[int, int]:
    """Live and abandoned calls that leave `left` to abandon at this target, or a little less: what a pacer is shown.

    As near as whole numbers come to this node's part (`weight`) of the campaign's own counts. Where nothing is left, at
    least one is shown as abandoned: in a period in which nobody was, pacers take a first risk on credit.
    """
    shown = max(math.ceil(abandoned * weight), 0 if left > 0 else 1)
    if not 0 < target < 1:  # nothing may be abandoned, or everything
        return math.floor(live * weight), max(shown, math.ceil(-left))
    shown = max(shown, math.ceil(-left / (1 - target)))  # no more abandoned than live
    return math.floor((left + shown) / target), shown
