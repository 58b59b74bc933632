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
from dialer.words.bilingual import Bilingual, both

MOST_PER_TICK = 60
MOST_RUIN = 1e-5
"""The highest chance that the calls which are out cost more people than the budget has left."""
ROUNDING = 1e-9
"""Below this a ratio of lines is a whole number that floating point missed."""
DEFAULT_CONFIG = PacerConfig()
PREVIEW = Bilingual("preview: the collectors place the calls themselves", "预览式：由催收员自行发起呼叫")
PROGRESSIVE = Bilingual("progressive", "渐进式")
_BOUNDS = {
    Factor.CHANNELS: ("channels ({most})", "通道数（{most}）"),
    Factor.CALLS_PER_SECOND: ("calls per second ({most:g})", "每秒呼叫数（{most:g}）"),
    Factor.LIST_SHORT: ("the list ({most} left)", "名单（剩余 {most} 条）"),
}
"""What trunks and list allow, in English and Chinese."""


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
            return _decision(0, PREVIEW, Factor.PREVIEW)
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
                return _one_to_one(floor, PROGRESSIVE)

    def dump(self) -> dict[str, Any]:
        """The learned state, as JSON-able data."""
        return self._learned.dump()

    def load(self, state: dict[str, Any]) -> None:
        """Takes over a dumped state; ValueError when it is of another version (the pacer then keeps its own)."""
        self._learned.load(state)

    def _reminder(self, snapshot: PacingSnapshot) -> PacingDecision:
        up, channels = len(snapshot.calls), self._config.channels
        words = both("reminder: {up} of {of} lines up", "自动提醒：已占用 {up}/{of} 条线路", up=up, of=channels)
        return _decision(max(channels - up, 0), words, Factor.LINES)

    def _power(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        if snapshot.period_abandoned and left_of(snapshot) < 1.0:
            held = both(
                "power, held at 1:1 by {budget}", "倍数式，按 1:1 外呼，受限于{budget}", budget=period_words(snapshot)
            )
            return _one_to_one(floor, held, Factor.BUDGET)
        wanted = math.ceil(self._config.ratio * floor.ready - ROUNDING) - floor.open_lines
        words = both(
            "power: {ready} ready × {ratio:g} lines − {open} lines open",
            "倍数式：{ready} 人就绪 × {ratio:g} 路 − {open} 路呼叫中",
            ready=floor.ready,
            ratio=self._config.ratio,
            open=floor.open_lines,
        )
        return _decision(max(wanted, 0), words)

    def _predictive(self, floor: Floor, snapshot: PacingSnapshot) -> PacingDecision:
        budget = read_budget(snapshot, self._learned.recent, floor)
        if budget.allowance <= 0.0:
            held = both(
                "predictive, held at 1:1 by {budget}", "预测式，按 1:1 外呼，受限于{budget}", budget=budget.words
            )
            return _one_to_one(floor, held, Factor.BUDGET)
        ratio = self._config.max_lines_per_agent
        most = int(ratio * floor.available) - floor.open_lines
        if most <= 0:
            return _decision(0, _full(floor.open_lines, ratio))
        n_new, why = self._forecast(floor, budget, left_to_lose(snapshot), min(most, MOST_PER_TICK))
        words = both(
            "predictive, limited by {budget}; {why}", "预测式，受限于{budget}；{why}", budget=budget.words, why=why
        )
        return _decision(max(n_new, _one_line_each(floor)), words)

    def _forecast(self, floor: Floor, budget: Budget, left: float, most: int) -> tuple[int, Bilingual]:
        """How many new calls are each within the allowance and together within what is left; what stops the next."""
        n_new, chance = 0, 0.0
        for risk in risks(read_chances(self._learned, floor), most, left):
            if risk.n_new and risk.ruin > MOST_RUIN:
                return n_new, both(
                    "one call more could cost all that is left, with {chance:.3%}",
                    "再拨一通，有 {chance:.3%} 的可能耗尽剩余额度",
                    chance=risk.ruin,
                )
            n_new, chance = risk.n_new, risk.next_finds_nobody
            if chance > budget.allowance:
                break
        return n_new, both(
            "the person of one call more finds nobody free with {chance:.2%}, allowed {allowed:.2%}",
            "再拨一通，接听者遇到无人空闲的概率为 {chance:.2%}，允许 {allowed:.2%}",
            chance=chance,
            allowed=budget.allowance,
        )


def _decision(
    dial: int, words: Bilingual, factor: Factor = Factor.COLLECTORS, cancel: tuple[int, ...] = ()
) -> PacingDecision:
    return PacingDecision(dial, cancel, words.en, factor, words.zh)


def _one_line_each(floor: Floor) -> int:
    return max(floor.ready - floor.open_lines, 0)


def _one_to_one(floor: Floor, mode: Bilingual, factor: Factor = Factor.COLLECTORS) -> PacingDecision:
    words = both(
        "{mode}: {ready} ready − {open} lines open",
        "{mode}：{ready} 人就绪 − {open} 路呼叫中",
        mode=mode,
        ready=floor.ready,
        open=floor.open_lines,
    )
    return _decision(_one_line_each(floor), words, factor)


def _full(n_open: int, ratio: float) -> Bilingual:
    return both(
        "predictive: {open} lines open, at most {ratio:g} a collector",
        "预测式：{open} 路呼叫中，每位催收员至多 {ratio:g} 路",
        open=n_open,
        ratio=ratio,
    )


def _nobody_left(snapshot: PacingSnapshot) -> PacingDecision:
    """No collector is or will be free: nothing is placed, and what has rung long enough is taken back."""
    dialing = [call for call in snapshot.calls if call.stage is CallStage.DIALING]
    cancel = tuple(call.call_id for call in dialing if snapshot.now - call.placed_at >= MIN_RING_S)
    ringing = both(
        "{back} calls taken back, {on} ring on until {ring:.0f} s",
        "已撤回 {back} 通，{on} 通继续振铃至 {ring:.0f} 秒",
        back=len(cancel),
        on=len(dialing) - len(cancel),
        ring=MIN_RING_S,
    )
    what = ringing if dialing else Bilingual("no call is ringing", "没有正在振铃的呼叫")
    words = both("no collector is available: {what}", "没有可用的催收员：{what}", what=what)
    return _decision(0, words, Factor.NO_COLLECTOR, cancel)


def _clipped(decision: PacingDecision, snapshot: PacingSnapshot, rate: LineRate) -> PacingDecision:
    """The decision within what trunks and list allow, saying so where they are what limits."""
    limits = snapshot.limits
    bounds = (
        (rate.room(snapshot.now, limits), limits.max_cps, Factor.CALLS_PER_SECOND),
        (max(limits.max_channels - len(snapshot.calls), 0), limits.max_channels, Factor.CHANNELS),
        (max(snapshot.leads_left, 0), snapshot.leads_left, Factor.LIST_SHORT),
    )
    bound, most, factor = min(bounds, key=lambda one: one[0])
    if decision.dial <= bound:
        return decision
    words = both(
        "limited by {what}: {bound} of {wanted}; {why}",
        "受限于{what}：{bound}/{wanted}；{why}",
        what=both(*_BOUNDS[factor], most=most),
        bound=bound,
        wanted=decision.dial,
        why=Bilingual(decision.reason, decision.reason_zh),
    )
    return _decision(bound, words, factor, decision.cancel)
