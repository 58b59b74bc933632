"""How many calls to place now, for each mode. Pure: no clock, no chance, no I/O; the loop feeds and obeys it."""

from dialer.campaigns.pacing.config import PacerConfig, PacingMode
from dialer.campaigns.pacing.pacer import Pacer
from dialer.campaigns.pacing.types import (
    AgentState,
    AgentView,
    CallOutcome,
    CallStage,
    CallView,
    EventKind,
    PacingDecision,
    PacingEvent,
    PacingLimits,
    PacingSnapshot,
)

__all__ = [
    "AgentState",
    "AgentView",
    "CallOutcome",
    "CallStage",
    "CallView",
    "EventKind",
    "Pacer",
    "PacerConfig",
    "PacingDecision",
    "PacingEvent",
    "PacingLimits",
    "PacingMode",
    "PacingSnapshot",
]
