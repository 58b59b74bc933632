"""How other dialers pace, behind the interface of our own pacer, so that a simulated day shows what the pacer is worth.

- *Progressive 1:1* is our own progressive mode: everything here that is not held to it places more lines.
- *A fixed ratio* of lines to collectors, held by nothing: `FixedRatio`.
- *VICIdial's adaptive rule*, with its two ways to react to its drop target: `dialer.simulator.baselines_adaptive`.

None of them looks at the regulatory period of the snapshot; all keep to channels, calls per second and the list.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dialer.campaigns.loop.paces import Paces
from dialer.campaigns.pacing import Pacer, PacerConfig, PacingDecision, PacingEvent, PacingMode, PacingSnapshot
from dialer.campaigns.pacing.line_rate import LineRate
from dialer.model.campaign import CampaignSettings
from dialer.simulator.baselines_adaptive import AdaptTapered, HardLimit
from dialer.simulator.baselines_lines import Tally, clipped, lines_due

__all__ = ["BASELINES", "AdaptTapered", "Builder", "FixedRatio", "HardLimit", "Tally"]

Builder = Callable[[CampaignSettings, float], Paces]
"""Makes a pacer for a campaign; the number is the second of the day (local time) at which the snapshots' `now` is 0."""


class FixedRatio:
    """So many lines for each collector, whatever becomes of those who answer. It remembers nothing but its line rate.

    By `Tally.READY`, the default here, `ratio` is lines not yet connected per collector who is ready, as in our own
    power mode. By `Tally.ACTIVE`, VICIdial's default, it is lines of any kind per collector who is ready or talking:
    the same ratio then means many more calls.
    """

    def __init__(self, ratio: float, tally: Tally = Tally.READY) -> None:
        self._ratio = ratio
        self._tally = tally
        self._rate = LineRate()

    def observe(self, event: PacingEvent) -> None:
        """Counts what was placed."""
        self._rate.observe(event)

    def decide(self, snapshot: PacingSnapshot) -> PacingDecision:
        """The lines that are missing."""
        due = lines_due(self._ratio, snapshot, self._tally)
        return clipped(due, f"ratio {self._ratio:g} per {self._tally.value} collector", snapshot, self._rate)

    def dump(self) -> dict[str, Any]:
        """There is nothing to keep."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """There is nothing to take over."""


def _one_to_one(settings: CampaignSettings, starts_at_s: float) -> Pacer:
    return Pacer(PacerConfig(mode=PacingMode.PROGRESSIVE))


def _fixed(ratio: float, settings: CampaignSettings, starts_at_s: float) -> FixedRatio:
    return FixedRatio(ratio)


def _tapered(settings: CampaignSettings, starts_at_s: float) -> AdaptTapered:
    return AdaptTapered(starts_at_s, settings.abandon_target)


def _hard_limit(settings: CampaignSettings, starts_at_s: float) -> HardLimit:
    return HardLimit(starts_at_s, settings.abandon_target)


BASELINES: Mapping[str, Builder] = {
    "progressive 1:1": _one_to_one,
    "ratio 1.5": partial(_fixed, 1.5),
    "ratio 2": partial(_fixed, 2.0),
    "ratio 3": partial(_fixed, 3.0),
    "adapt tapered": _tapered,
    "hard limit": _hard_limit,
}
"""By the names they have in tables."""
