"""Nodes that share one budget: what they hold together is never more than what is left, whatever happens when."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dialer.campaigns.loop.sharing import HELD_S, NOTHING, SILENT_S, Here, Share, as_counts, claim
from dialer.campaigns.pacing import (
    AgentState,
    AgentView,
    Pacer,
    PacerConfig,
    PacingLimits,
    PacingMode,
    PacingSnapshot,
)
from dialer.model.budget import NodePart

TARGET = 0.03
NODES = ("a", "b", "c", "d")
WITHIN = 1e-9


class Node:
    """One node: its share, what it abandoned since, and the talks that are up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.share: Share = NOTHING
        self.collectors = 10
        self.unrecorded = 0
        self.recorded_since = 0
        self.talks = 0
        self.is_up = True

    @property
    def left(self) -> float:
        """What the pacer of this node believes it may abandon now."""
        if self.share is NOTHING:
            return 0.0
        return self.share.people - self.unrecorded - self.recorded_since + TARGET * self.talks


class Floor(RuleBasedStateMachine):
    """Nodes that come, die, look, talk and abandon within their parts, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.live, self.abandoned = 100, 0
        self.rows: dict[str, NodePart] = {}
        self.nodes = {"a": Node("a")}

    def _pick(self, n: int) -> Node:
        names = sorted(self.nodes)
        return self.nodes[names[n % len(names)]]

    @rule(n=st.integers(0, 3), collectors=st.integers(0, 30))
    def comes_or_changes(self, n: int, collectors: int) -> None:
        name = NODES[n]
        node = self.nodes.setdefault(name, Node(name))
        node.collectors = collectors

    @rule(n=st.integers(0, 3))
    def looks(self, n: int) -> None:
        node = self._pick(n)
        others = [part for name, part in sorted(self.rows.items()) if name != node.name]
        here = Here(node.name, node.collectors, 5, node.unrecorded)
        left = TARGET * self.live - self.abandoned
        node.share = claim(left, here, others, node.share, self.now)
        node.recorded_since = 0
        beat = self.rows[node.name].beat + 1 if node.name in self.rows else 1
        part = node.share.part
        self.rows[node.name] = NodePart(node.name, part.collectors, part.people, beat)
        for name in node.share.void:
            del self.rows[name]

    @rule(n=st.integers(0, 3))
    def a_talk_begins(self, n: int) -> None:
        self._pick(n).talks += 1

    @rule(n=st.integers(0, 3))
    def a_talk_ends(self, n: int) -> None:
        node = self._pick(n)
        if node.talks:
            node.talks -= 1
            self.live += 1

    @rule(n=st.integers(0, 3))
    def abandons_within_its_part(self, n: int) -> None:
        node = self._pick(n)
        if node.share.people - node.unrecorded - node.recorded_since >= 1:
            node.unrecorded += 1

    @rule(n=st.integers(0, 3))
    def puts_one_on_record(self, n: int) -> None:
        node = self._pick(n)
        if node.unrecorded:
            node.unrecorded -= 1
            node.recorded_since += 1
            self.abandoned += 1
            self.live += 1

    @precondition(lambda self: len(self.nodes) > 1)
    @rule(n=st.integers(0, 3))
    def dies(self, n: int) -> None:
        """Nobody says goodbye, and what was abandoned and not on record is never put there."""
        del self.nodes[self._pick(n).name]

    @rule(seconds=st.sampled_from([1.0, 3.0, SILENT_S + 1]))
    def time_passes(self, seconds: float) -> None:
        """Nodes that live report within seconds; only the dead are silent for longer."""
        self.now += seconds
        if seconds > SILENT_S:
            for n in range(len(self.nodes)):
                self.looks(n)

    @invariant()
    def the_parts_are_never_more_than_what_is_left(self) -> None:
        nodes = self.nodes.values()
        left = TARGET * (self.live + sum(node.talks for node in nodes)) - self.abandoned
        left -= sum(node.unrecorded for node in nodes)
        assert sum(max(node.left, 0.0) for node in nodes) <= max(left, 0.0) + WITHIN


TestSharing = Floor.TestCase
TestSharing.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def settled(left: float, collectors: dict[str, int]) -> dict[str, float]:
    """What each node holds when all have looked twice."""
    shares = dict.fromkeys(collectors, NOTHING)
    rows: dict[str, NodePart] = {}
    for now in (0.0, 2.0):
        for name in collectors:
            others = [part for other, part in rows.items() if other != name]
            shares[name] = claim(left, Here(name, collectors[name], 0, 0.0), others, shares[name], now)
            rows[name] = NodePart(name, collectors[name], shares[name].part.people, int(now) + 1)
    return {name: share.people for name, share in shares.items()}


@pytest.mark.parametrize(
    ("collectors", "parts"),
    [
        ({"a": 10}, {"a": 9.0}),
        ({"a": 10, "b": 10, "c": 10}, {"a": 3.0, "b": 3.0, "c": 3.0}),
        ({"a": 5, "b": 40}, {"a": 1.0, "b": 8.0}),
        ({"a": 10, "b": 0}, {"a": 9.0, "b": 0.0}),
    ],
)
def test_who_has_looked_twice_has_its_part_by_its_collectors(
    collectors: dict[str, int], parts: dict[str, float]
) -> None:
    assert settled(9.0, collectors) == pytest.approx(parts)


def test_a_silent_node_loses_its_collectors_soon_and_what_it_holds_later() -> None:
    here, dead = Here("a", 10, 0, 0.0), [NodePart("b", 10, 4.0, beat=7)]
    first = claim(9.0, here, dead, NOTHING, 100.0)
    assert (first.people, first.of_collectors) == (4.5, 20)
    soon = claim(9.0, here, dead, first, 100.0 + SILENT_S)
    assert (soon.people, soon.of_collectors, soon.void) == (5.0, 10, frozenset())
    later = claim(9.0, here, dead, soon, 100.0 + HELD_S)
    assert (later.people, later.void, later.is_alone) == (9.0, frozenset("b"), True)
    back = claim(9.0, here, [NodePart("b", 10, 4.0, beat=8)], soon, 100.0 + HELD_S)
    assert (back.people, back.of_collectors) == (4.5, 20)


def test_where_readings_are_rare_nobody_is_silent_between_two() -> None:
    here, slow = Here("a", 10, 0, 0.0), [NodePart("b", 10, 4.0, beat=7)]
    first = claim(9.0, here, slow, NOTHING, 0.0, pause_s=60.0)
    assert claim(9.0, here, slow, first, 179.0, pause_s=60.0).of_collectors == 20
    assert claim(9.0, here, slow, first, 180.0, pause_s=60.0).void == {"b"}


def test_whose_collectors_all_went_holds_what_its_ringing_calls_may_cost() -> None:
    before = claim(9.0, Here("a", 10, 8, 0.0), [], NOTHING, 0.0)
    assert claim(9.0, Here("a", 0, 3, 0.0), [], before, 2.0).part.people == 3.0
    assert claim(9.0, Here("a", 0, 0, 1.0), [], before, 2.0).part.people == 1.0  # abandoned, not on record yet
    assert claim(-2.0, Here("a", 10, 8, 0.0), [], before, 2.0).part.people == 0.0


@given(
    left=st.floats(-20, 200),
    target=st.sampled_from([0.0, 0.001, 0.01, 0.03, 0.05]),
    live=st.integers(0, 20_000),
    abandoned=st.integers(0, 600),
    weight=st.floats(0, 1),
)
def test_a_pacer_is_shown_its_part_or_a_little_less(
    left: float, target: float, live: int, abandoned: int, weight: float
) -> None:
    if not target:
        left = min(left, 0.0)
    shown_live, shown_abandoned = as_counts(left, target, live, abandoned, weight)
    affordable = target * shown_live - shown_abandoned
    assert shown_live >= 0
    assert shown_abandoned >= 0
    assert affordable <= left + WITHIN
    if target:
        assert shown_abandoned <= shown_live + 1
        assert affordable > left - target - WITHIN


@pytest.mark.parametrize("mode", [PacingMode.POWER, PacingMode.PREDICTIVE])
def test_who_holds_nothing_dials_one_to_one(mode: PacingMode) -> None:
    """A node that has just joined, on a day on which nobody was abandoned yet."""
    live, abandoned = as_counts(0.0, TARGET, 1000, 0, 0.1)
    ready = tuple(AgentView(n, AgentState.READY, 0.0) for n in range(10))
    limits = PacingLimits(max_channels=100, max_cps=50.0)
    decision = Pacer(PacerConfig(mode=mode, ratio=3.0)).decide(
        PacingSnapshot(100.0, ready, (), limits, live, abandoned, 86_400.0, 1000)
    )
    assert (decision.dial, "held at 1:1" in decision.reason) == (10, True)


def test_the_words_name_the_part() -> None:
    share = Share(NodePart("a", 10, 3.0), 3.0, 30, is_alone=False)
    assert share.words.en == "; this node's part of the budget, for 10 of the campaign's 30 collectors: 3.0 calls left"
    assert not NOTHING.words
    assert math.isclose(share.weight, 1 / 3)
