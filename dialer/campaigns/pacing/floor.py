"""A snapshot, sorted into what pacing counts: who can take a person, and which calls may yet bring one."""

from dataclasses import dataclass

import numpy as np

from dialer.campaigns.pacing.curves import Floats
from dialer.campaigns.pacing.types import AgentState, CallStage, PacingSnapshot


@dataclass(frozen=True, slots=True)
class Floor:
    """Counts and ages (seconds). Collectors with a pause or log-out pending are left out: they take nobody more."""

    ready: int
    talking_ages: Floats
    wrapping_ages: Floats
    waiting: int
    dialing_ages: Floats
    detecting_ages: Floats
    wait_s: float
    now: float

    @property
    def available(self) -> int:
        """Collectors who are free or will be."""
        return self.ready + self.talking_ages.size + self.wrapping_ages.size

    @property
    def open_lines(self) -> int:
        """Calls that may still need a collector."""
        return self.waiting + self.dialing_ages.size + self.detecting_ages.size


def read_floor(snapshot: PacingSnapshot) -> Floor:
    """Sorts a snapshot."""
    agents: dict[AgentState, list[float]] = {state: [] for state in AgentState}
    for agent in snapshot.agents:
        if not agent.pause_pending:
            agents[agent.state].append(snapshot.now - agent.since)
    calls: dict[CallStage, list[float]] = {stage: [] for stage in CallStage}
    for call in snapshot.calls:
        since = call.placed_at if call.stage is CallStage.DIALING else call.stage_since
        calls[call.stage].append(snapshot.now - since)
    return Floor(
        ready=len(agents[AgentState.READY]),
        talking_ages=np.maximum(agents[AgentState.TALKING], 0.0),
        wrapping_ages=np.maximum(agents[AgentState.WRAPUP], 0.0),
        waiting=len(calls[CallStage.WAITING]),
        dialing_ages=np.maximum(calls[CallStage.DIALING], 0.0),
        detecting_ages=np.maximum(calls[CallStage.DETECTING], 0.0),
        wait_s=snapshot.limits.abandon_wait_s,
        now=snapshot.now,
    )
