"""The pacer: one object per campaign, fed with events, asked every tick how many calls to place.

Theory of the predictive mode. The budget is the number of people who may still be abandoned in the regulatory period:
target × live − abandoned. A part of it is a reserve against the calls already out; down there the pace is 1:1. Above,
calls are added while the chance that the next answered person finds nobody free stays below an allowance that grows
with the budget. That closes the loop: each abandonment lowers the allowance, each answered call raises it, and the
share settles below its target whatever the forecast gets wrong. A campaign begins with no budget and no data, so it
begins 1:1.
"""

import math
from typing import Any

from dialer.campaigns.pacing.config import PacerConfig, PacingMode
from dialer.campaigns.pacing.floor import Floor, read_floor
from dialer.campaigns.pacing.forecast import read_chances, risks
from dialer.campaigns.pacing.learning import MIN_CALLS, MIN_TALKS, Learned
from dialer.campaigns.pacing.types import CallStage, PacingDecision, PacingEvent, PacingSnapshot

MIN_RING_S = 15.0
"""No call is taken back that has rung for less (16 CFR 310.4(b)(4)(ii); to Ofcom it would be misuse)."""
MOST_PER_TICK = 60
RISK_PER_PERSON = 0.008
"""How much each person affordable beyond the reserve adds to the allowance, in a team of up to `USUAL_TEAM`."""
TOP_RISK = 0.15
"""The allowance never exceeds this, however much budget a slow morning has left."""
USUAL_TEAM = 20
"""Larger teams have more calls out at a time: their reserve and their scale of budget grow in proportion."""
SMALL_TEAM = 12
"""Below so many collectors the allowance shrinks in proportion: one busy minute is everything there."""
DEFAULT_CONFIG = PacerConfig()


class Pacer:
    """Paces one campaign. Only `observe` and `load` change it: asked twice, `decide` answers the same."""

    def __init__(self, config: PacerConfig = DEFAULT_CONFIG) -> None:
        self._config = config
        self._learned = Learned()

    def observe(self, event: PacingEvent) -> None:
        """Learns from an event; events come in time order."""
        self._learned.observe(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """How many calls to place now, which to take back, and why."""
        mode = self._config.mode
        if mode == PacingMode.PREVIEW:
            return PacingDecision(reason="preview: the collectors place the calls themselves")
        if mode == PacingMode.REMINDER:
            return _clipped(self._reminder(snapshot), snapshot)
        floor = read_floor(snapshot)
        if floor.available == 0:
            return _nobody_left(snapshot)
        if mode == PacingMode.PROGRESSIVE:
            return _clipped(_one_to_one(floor, "progressive"), snapshot)
        if mode == PacingMode.POWER:
            return _clipped(self._power(floor, snapshot), snapshot)
        return _clipped(self._predictive(floor, snapshot), snapshot)

    def dump(self) -> dict[str, Any]:
        """The learned state, as JSON-able data."""
        return self._learned.dump()

    def load(self, state: dict[str, Any]) -> None:
        """Takes over a dumped state; ValueError when it is of another version (the pacer then keeps its own)."""
        self._learned.load(state)

    def _reminder(self, snapshot: PacingSnapshot) -> PacingDecision:
        up = len(snapshot.calls)
        return PacingDecision(
            max(self._config.channels - up, 0), (), f"reminder: {up} of {self._config.channels} lines up"
        )

    def _power(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        if snapshot.period_abandoned and _budget(snapshot) < 1.0:
            return _one_to_one(floor, f"power, held at 1:1: {_budget_words(snapshot)}")
        wanted = int(self._config.ratio * floor.ready) - floor.open_lines
        words = f"{floor.ready} ready × {self._config.ratio:g} lines − {floor.open_lines} lines open"
        return PacingDecision(max(wanted, 0), (), f"power: {words}")

    def _predictive(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        learned = self._learned
        if not learned.is_trusted:
            calls = f"{learned.ring.count:.0f} of {MIN_CALLS:.0f} calls"
            talks = f"{learned.talk.count:.0f} of {MIN_TALKS:.0f} talks"
            return _one_to_one(floor, f"predictive, learning at 1:1: {calls} and {talks} seen")
        budget = _budget(snapshot)
        reserve = 1.0 + floor.available / USUAL_TEAM
        if budget <= reserve:
            return _one_to_one(floor, f"predictive, held at 1:1: {_budget_words(snapshot)}, {reserve:.1f} in reserve")
        most = int(self._config.max_lines_per_agent * floor.available) - floor.open_lines
        if most <= 0:
            words = f"{floor.open_lines} lines open, at most {self._config.max_lines_per_agent:g} a collector"
            return PacingDecision(0, (), f"predictive: {words}")
        n_new, chance, allowance = self._forecast(floor, budget - reserve, min(most, MOST_PER_TICK))
        sure = _one_to_one(floor, "").dial
        words = f"the next person answering finds nobody free with {chance:.1%}, allowed {allowance:.1%}"
        return PacingDecision(max(n_new, sure), (), f"predictive: {words}; {_budget_words(snapshot)}")

    def _forecast(self, floor: Floor, budget: float, most: int) -> tuple[int, float, float]:
        """The largest number of new calls within the allowance; the chance at it; the allowance.

        `budget` is what is left beyond the reserve.
        """
        team = min(floor.available / SMALL_TEAM, 1.0)
        scale = max(floor.available / USUAL_TEAM, 1.0)
        allowance = min(RISK_PER_PERSON * budget / scale, TOP_RISK) * team
        n_new, chance = 0, 0.0
        for risk in risks(read_chances(self._learned, floor), most):
            n_new, chance = risk.n_new, risk.next_finds_nobody
            if chance > allowance:
                break
        return n_new, chance, allowance


def _one_to_one(floor: Floor, mode: str) -> PacingDecision:
    dial = max(floor.ready - floor.open_lines, 0)
    return PacingDecision(dial, (), f"{mode}: {floor.ready} ready − {floor.open_lines} lines open")


def _budget(snapshot: PacingSnapshot) -> float:
    """How many people more may be abandoned in the period, given those who have answered so far."""
    return snapshot.limits.abandon_target * snapshot.period_live - snapshot.period_abandoned


def _budget_words(snapshot: PacingSnapshot) -> str:
    live, abandoned = snapshot.period_live, snapshot.period_abandoned
    share = abandoned / live if live else 0.0
    target = snapshot.limits.abandon_target
    left = f"{_budget(snapshot):.1f} more affordable"
    return f"{abandoned} of {live} people abandoned ({share:.2%}, target {target:.2%}), {left}"


def _nobody_left(snapshot: PacingSnapshot) -> PacingDecision:
    """No collector is or will be free: nothing is placed, and what has rung long enough is taken back."""
    dialing = [call for call in snapshot.calls if call.stage is CallStage.DIALING]
    cancel = tuple(call.call_id for call in dialing if snapshot.now - call.placed_at >= MIN_RING_S)
    ringing_on = len(dialing) - len(cancel)
    words = (
        f"{len(cancel)} calls taken back, {ringing_on} ring on until {MIN_RING_S:.0f} s"
        if dialing
        else "no call is ringing"
    )
    return PacingDecision(0, cancel, f"no collector is available: {words}")


def _clipped(decision: PacingDecision, snapshot: PacingSnapshot) -> PacingDecision:
    """The decision within what trunks and list allow, saying so where they are what limits."""
    limits = snapshot.limits
    bounds = (
        (max(limits.max_channels - len(snapshot.calls), 0), f"channels ({limits.max_channels})"),
        (math.ceil(limits.max_cps * limits.tick_s), f"calls per second ({limits.max_cps:g})"),
        (max(snapshot.leads_left, 0), f"the list ({snapshot.leads_left} left)"),
    )
    bound, what = min(bounds)
    if decision.dial <= bound:
        return decision
    return PacingDecision(bound, decision.cancel, f"limited by {what}: {bound} of {decision.dial}; {decision.reason}")
