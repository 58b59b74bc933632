"""The pacer: one object per campaign, fed with events, asked every tick how many calls to place.

Theory of the predictive mode. Calls are added while the chance that the next answered person finds nobody free
(`forecast`) stays below an allowance that the abandonment budget gives (`budget`): each abandonment lowers it, each
answered call raises it, and the share settles below its target whatever the forecast gets wrong. Nor may all calls that
are out together cost more than the budget has left, but with a chance of `MOST_RUIN`. Before anything was learned most
calls are taken to be answered and no talk to end, so a campaign begins close to 1:1 by itself.
"""

import math
from typing import Any

from dialer.campaigns.pacing.budget import Budget, left_of, left_to_lose, period_words, read_budget
from dialer.campaigns.pacing.config import PacerConfig, PacingMode
from dialer.campaigns.pacing.floor import Floor, read_floor
from dialer.campaigns.pacing.forecast import read_chances, risks
from dialer.campaigns.pacing.learning import Learned
from dialer.campaigns.pacing.line_rate import LineRate
from dialer.campaigns.pacing.types import MIN_RING_S, CallStage, PacingDecision, PacingEvent, PacingSnapshot
from dialer.model.limiting import Factor

MOST_PER_TICK = 60
MOST_RUIN = 1e-5
"""The highest chance that the calls which are out cost more people than the budget has left."""
ROUNDING = 1e-9
"""Below this a ratio of lines is a whole number that floating point missed."""
DEFAULT_CONFIG = PacerConfig()


class Pacer:
    """Paces one campaign. Only `observe` and `load` change it: asked twice, `decide` answers the same."""

    def __init__(self, config: PacerConfig = DEFAULT_CONFIG) -> None:
        self._config = config
        self._learned = Learned()
        self._rate = LineRate()

    def observe(self, event: PacingEvent) -> None:
        """Learns from an event; events come in time order."""
        self._learned.observe(event)
        self._rate.observe(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """How many calls to place now, which to take back, and why."""
        mode = self._config.mode
        if mode == PacingMode.PREVIEW:
            return PacingDecision(reason="preview: the collectors place the calls themselves", factor=Factor.PREVIEW)
        floor = read_floor(snapshot)
        if mode != PacingMode.REMINDER and floor.available == 0:
            return _nobody_left(snapshot)
        return _clipped(self._wanted(floor, snapshot), snapshot, self._rate)

    def _wanted(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        """What the mode asks for, before trunks and list are looked at."""
        match PacingMode(self._config.mode):
            case PacingMode.REMINDER:
                return self._reminder(snapshot)
            case PacingMode.POWER:
                return self._power(floor, snapshot)
            case PacingMode.PREDICTIVE:
                return self._predictive(floor, snapshot)
            case _:
                return _one_to_one(floor, "progressive")

    def dump(self) -> dict[str, Any]:
        """The learned state, as JSON-able data."""
        return self._learned.dump()

    def load(self, state: dict[str, Any]) -> None:
        """Takes over a dumped state; ValueError when it is of another version (the pacer then keeps its own)."""
        self._learned.load(state)

    def _reminder(self, snapshot: PacingSnapshot) -> PacingDecision:
        up = len(snapshot.calls)
        words = f"reminder: {up} of {self._config.channels} lines up"
        return PacingDecision(max(self._config.channels - up, 0), (), words, Factor.LINES)

    def _power(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        if snapshot.period_abandoned and left_of(snapshot) < 1.0:
            return _one_to_one(floor, f"power, held at 1:1 by {period_words(snapshot)}", Factor.BUDGET)
        wanted = math.ceil(self._config.ratio * floor.ready - ROUNDING) - floor.open_lines
        words = f"{floor.ready} ready × {self._config.ratio:g} lines − {floor.open_lines} lines open"
        return PacingDecision(max(wanted, 0), (), f"power: {words}")

    def _predictive(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        budget = read_budget(snapshot, self._learned.recent, floor)
        if budget.allowance <= 0.0:
            return _one_to_one(floor, f"predictive, held at 1:1 by {budget.words}", Factor.BUDGET)
        most = int(self._config.max_lines_per_agent * floor.available) - floor.open_lines
        if most <= 0:
            words = f"{floor.open_lines} lines open, at most {self._config.max_lines_per_agent:g} a collector"
            return PacingDecision(0, (), f"predictive: {words}")
        n_new, words = self._forecast(floor, budget, left_to_lose(snapshot), min(most, MOST_PER_TICK))
        sure = _one_to_one(floor, "").dial
        return PacingDecision(max(n_new, sure), (), f"predictive, limited by {budget.words}; {words}")

    def _forecast(self, floor: Floor, budget: Budget, left: float, most: int) -> tuple[int, str]:
        """How many new calls are each within the allowance and together within what is left; what stops the next."""
        n_new, words = 0, ""
        for risk in risks(read_chances(self._learned, floor), most, left):
            if risk.n_new and risk.ruin > MOST_RUIN:
                return n_new, f"one call more could cost all that is left, with {risk.ruin:.3%}"
            n_new, chance = risk.n_new, risk.next_finds_nobody
            words = f"the person of one call more finds nobody free with {chance:.2%}, allowed {budget.allowance:.2%}"
            if chance > budget.allowance:
                break
        return n_new, words


def _one_to_one(floor: Floor, mode: str, factor: Factor = Factor.COLLECTORS) -> PacingDecision:
    dial = max(floor.ready - floor.open_lines, 0)
    return PacingDecision(dial, (), f"{mode}: {floor.ready} ready − {floor.open_lines} lines open", factor)


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
    return PacingDecision(0, cancel, f"no collector is available: {words}", Factor.NO_COLLECTOR)


def _clipped(decision: PacingDecision, snapshot: PacingSnapshot, rate: LineRate) -> PacingDecision:
    """The decision within what trunks and list allow, saying so where they are what limits."""
    limits = snapshot.limits
    bounds = (
        (max(limits.max_channels - len(snapshot.calls), 0), f"channels ({limits.max_channels})", Factor.CHANNELS),
        (rate.room(snapshot.now, limits), f"calls per second ({limits.max_cps:g})", Factor.CALLS_PER_SECOND),
        (max(snapshot.leads_left, 0), f"the list ({snapshot.leads_left} left)", Factor.LIST_SHORT),
    )
    bound, what, factor = min(bounds)
    if decision.dial <= bound:
        return decision
    words = f"limited by {what}: {bound} of {decision.dial}; {decision.reason}"
    return PacingDecision(bound, decision.cancel, words, factor)
