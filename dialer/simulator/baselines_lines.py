"""What the baselines share: the lines that are due at a level, and the limits everybody keeps to."""

import math
from enum import Enum

from dialer.campaigns.pacing import AgentState, CallStage, PacingDecision, PacingSnapshot
from dialer.campaigns.pacing.line_rate import LineRate


class Tally(str, Enum):
    """Which collectors a level multiplies: those who are ready, or those who are ready or talking."""

    READY = "ready"
    ACTIVE = "active"


def lines_due(level: float, snapshot: PacingSnapshot, tally: Tally, diff_target: float = 0.0) -> int:
    """VICIdial's balance: level × collectors, less the calls that are up; those at collectors only where these count.

    Collectors in wrap-up or on a break count as absent, and with nobody ready or talking nothing is due.
    """
    ready = sum(agent.state is AgentState.READY for agent in snapshot.agents)
    talking = sum(agent.state is AgentState.TALKING for agent in snapshot.agents)
    if ready + talking == 0:
        return 0
    connected = sum(call.stage is CallStage.CONNECTED for call in snapshot.calls)
    active, beside = (ready, connected) if tally is Tally.READY else (ready + talking, 0)
    goal = math.floor(level * (active + diff_target) + 0.5) + beside
    return max(goal - len(snapshot.calls), 0)


def clipped(due: int, words: str, snapshot: PacingSnapshot, rate: LineRate) -> PacingDecision:
    """`due` calls within what trunks and list allow, with the words for it."""
    limits = snapshot.limits
    bound, what = min(
        (max(limits.max_channels - len(snapshot.calls), 0), f"channels ({limits.max_channels})"),
        (rate.room(snapshot.now, limits), f"calls per second ({limits.max_cps:g})"),
        (max(snapshot.leads_left, 0), f"the list ({snapshot.leads_left} left)"),
    )
    if due <= bound:
        return PacingDecision(due, (), f"{words}: {due} lines due")
    return PacingDecision(bound, (), f"{words}: {due} lines due, limited by {what}")
