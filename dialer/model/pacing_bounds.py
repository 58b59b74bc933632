"""The settings of pacing: between which values each makes sense, and why. One table for all who take such settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dialer.model.campaign import CampaignSettings


@dataclass(frozen=True, slots=True)
class Bound:
    """A setting makes sense from `least` to `most`; `why` says why not beyond, `hint` what to do instead."""

    least: float
    most: float
    why: str
    hint: str = ""

    def refuses(self, value: float) -> str:
        """Why a value makes no sense, what is not a number included; "" when it does."""
        if self.least <= value <= self.most:
            return ""
        return f"must be from {self.least:g} to {self.most:g}: {self.why}"

    @property
    def fix(self) -> str:
        """What to write."""
        return f"write a number from {self.least:g} to {self.most:g}" + (f", {self.hint}" if self.hint else "")


PACING_BOUNDS: Mapping[str, Bound] = {
    # 47 CFR 64.1200(a)(7) and 16 CFR 310.4(b)(4)(i): at most 3 % of the calls that a person answers.
    "abandon_target": Bound(
        0.001,
        0.03,
        "the law allows 3 % of those who answer, and nothing can be paced ahead within a target of 0",
        "or choose the mode progressive: one call for each ready collector",
    ),
    # 16 CFR 310.4(b)(4)(ii), 47 CFR 64.1200(a)(6): no unanswered call is ended before 15 s or four rings.
    "ring_timeout_s": Bound(
        15.0,
        120.0,
        "the law lets a phone ring for 15 s or four rings before anybody hangs up, and after 120 s nobody comes",
    ),
    "max_lines_per_agent": Bound(
        1.0, 10.0, "below 1 collectors would wait for nothing, and above 10 hardly a person would find one free"
    ),
    "power_ratio": Bound(
        0.5, 10.0, "below 0.5 collectors would mostly wait, and above 10 hardly a person would find one free"
    ),
    "max_reminder_channels": Bound(1, 10_000, "without a channel nothing is dialed"),
    "lost_person_cost_s": Bound(
        1.0, 100_000.0, "it is a time of a collector, and a person lost for nothing would let every doubt hang up"
    ),
}
"""By the name of the field in `CampaignSettings`."""


def odd_settings(settings: CampaignSettings) -> tuple[str, ...]:
    """What in stored settings makes no sense, a sentence each; they go back to before these bounds."""
    refused = {name: bound.refuses(getattr(settings, name)) for name, bound in PACING_BOUNDS.items()}
    return tuple(f"{name} {why}" for name, why in refused.items() if why)


def sensible(settings: CampaignSettings) -> CampaignSettings:
    """The settings with each value that makes no sense replaced by the nearest that does; not a number: the default."""
    nearest: dict[str, Any] = {name: _nearest(name, getattr(settings, name)) for name in PACING_BOUNDS}
    return replace(settings, **nearest)


def _nearest(name: str, value: float) -> float:
    if math.isnan(value):
        default: float = getattr(CampaignSettings(), name)
        return default
    bound = PACING_BOUNDS[name]
    return min(max(value, bound.least), bound.most)
