"""What pacing sees and says. Float seconds on one monotonic clock; integer ids; nothing else crosses its border."""

import math
from dataclasses import dataclass
from enum import Enum

from dialer.model.limiting import Factor

MIN_RING_S = 15.0
"""No call is taken back that has rung for less (16 CFR 310.4(b)(4)(ii); to Ofcom it would be misuse)."""


class AgentState(str, Enum):
    """What a collector is doing, as far as pacing cares."""

    READY = "ready"
    TALKING = "talking"
    WRAPUP = "wrapup"
    PAUSED = "paused"


class CallStage(str, Enum):
    """Where a call stands; WAITING is a person whose greeting is over and who has no collector yet."""

    DIALING = "dialing"
    DETECTING = "detecting"
    WAITING = "waiting"
    CONNECTED = "connected"


class EventKind(str, Enum):
    """What happened; `PacingEvent.seconds` means something different for each (see there)."""

    PLACED = "placed"
    ANSWERED = "answered"
    CONNECTED = "connected"
    ABANDONED = "abandoned"
    FINISHED = "finished"
    TALK_ENDED = "talk_ended"
    WRAP_ENDED = "wrap_ended"
    AGENT_IN = "agent_in"
    AGENT_OUT = "agent_out"
    AGENT_PAUSED = "agent_paused"
    AGENT_READY = "agent_ready"


class CallOutcome(str, Enum):
    """How a call ended without a person (FINISHED), or whether a talk was with one (TALK_ENDED: LIVE, NOT_LIVE)."""

    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LIVE = "live"
    NOT_LIVE = "not_live"


@dataclass(frozen=True, slots=True)
class AgentView:
    """A collector now. `pause_pending`: a pause or log-out was asked for while busy."""

    agent_id: int
    state: AgentState
    since: float
    pause_pending: bool = False


@dataclass(frozen=True, slots=True)
class CallView:
    """A call now."""

    call_id: int
    stage: CallStage
    placed_at: float
    stage_since: float


@dataclass(frozen=True, slots=True)
class PacingLimits:
    """Limits the pace must respect; `abandon_target` is a share of live answers (0.03 is 3 %).

    ValueError for what makes no sense. No channel and no call per second is what trunks that are down have.
    """

    max_channels: int
    max_cps: float
    ring_timeout_s: float = 28.0
    abandon_wait_s: float = 2.0
    abandon_target: float = 0.03
    tick_s: float = 0.5

    def __post_init__(self) -> None:
        if self.max_channels < 0 or not 0.0 <= self.max_cps < math.inf:
            raise ValueError("max_channels and max_cps are limits of trunks: 0 or more")
        if not MIN_RING_S <= self.ring_timeout_s < math.inf:
            raise ValueError(f"ring_timeout_s {self.ring_timeout_s:g}: a phone rings for {MIN_RING_S:g} s at least")
        if not 0.0 < self.abandon_target < 1.0:
            raise ValueError(f"abandon_target {self.abandon_target:g}: a share of live answers above 0 and below 1")
        if not (0.0 <= self.abandon_wait_s < math.inf and 0.0 < self.tick_s < math.inf):
            raise ValueError("abandon_wait_s is 0 s or more, tick_s more than 0 s")


@dataclass(frozen=True, slots=True)
class PacingSnapshot:
    """The floor at one tick. `period_*` are those of the regulatory period, from the database."""

    now: float
    agents: tuple[AgentView, ...]
    calls: tuple[CallView, ...]
    limits: PacingLimits
    period_live: int
    period_abandoned: int
    period_ends_at: float
    leads_left: int


@dataclass(frozen=True, slots=True)
class PacingEvent:
    """One thing that happened, in time order.

    `seconds`: PLACED 0; ANSWERED age of the call (detection begins); CONNECTED and ABANDONED the person's wait;
    FINISHED age of the call; TALK_ENDED and WRAP_ENDED the length; 0 for the collectors' comings and goings.
    """

    at: float
    kind: EventKind
    call_id: int | None = None
    agent_id: int | None = None
    outcome: CallOutcome | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PacingDecision:
    """How many calls to place now, which DIALING calls to take back, and what limits the pace, in words and numbers.

    `reason_zh` is `reason` in Chinese, with the same figures.
    """

    dial: int = 0
    cancel: tuple[int, ...] = ()
    reason: str = ""
    factor: Factor = Factor.COLLECTORS
    reason_zh: str = ""
