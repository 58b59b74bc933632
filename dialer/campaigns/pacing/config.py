"""How a pacer is set: the mode and what the mode needs."""

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
    max_lines_per_agent: float = 3.0

    def __post_init__(self) -> None:
        PacingMode(self.mode)
        if self.ratio < 0 or self.channels < 0 or self.max_lines_per_agent < 1:
            raise ValueError("ratio and channels are at least 0, max_lines_per_agent at least 1")
