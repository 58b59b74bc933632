"""How a pacer is set: the mode and what the mode needs."""

import math
from dataclasses import dataclass
from enum import Enum


class PacingMode(str, Enum):
    """PROGRESSIVE one call per ready collector; PREDICTIVE ahead of them; POWER a fixed ratio; REMINDER fixed channels
    without collectors; PREVIEW never dials by itself."""

    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"
    POWER = "power"
    REMINDER = "reminder"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class PacerConfig:
    """Settings of a pacer; ValueError when one cannot be.

    `mode` is a `PacingMode` or its value; `ratio` lines per ready collector (power); `channels` lines (reminder);
    `max_lines_per_agent` bounds the lines not yet connected per available collector (predictive).
    """

    mode: str = PacingMode.PREDICTIVE
    ratio: float = 1.0
    channels: int = 10
    max_lines_per_agent: float = 10.0

    def __post_init__(self) -> None:
        PacingMode(self.mode)
        if not 0.0 < self.ratio < math.inf:
            raise ValueError(f"ratio {self.ratio:g}: lines for each ready collector, write a number above 0")
        if self.channels < 1:
            raise ValueError(f"channels {self.channels}: lines of a reminder campaign, write 1 or more")
        if not 1.0 <= self.max_lines_per_agent < math.inf:
            raise ValueError(f"max_lines_per_agent {self.max_lines_per_agent:g}: write a number from 1 on")
