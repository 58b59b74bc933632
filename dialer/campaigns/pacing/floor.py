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
    now = snapshot.now
    agents = [agent for agent in snapshot.agents if not agent.pause_pending]
    talking = [now - agent.since for agent in agents if agent.state is AgentState.TALKING]
    wrapping = [now - agent.since for agent in agents if agent.state is AgentState.WRAPUP]
    calls = [call for call in snapshot.calls if call.stage is not CallStage.CONNECTED]
    dialing = [now - call.placed_at for call in calls if call.stage is CallStage.DIALING]
    detecting = [now - call.stage_since for call in calls if call.stage is CallStage.DETECTING]
    return Floor(
        ready=sum(agent.state is AgentState.READY for agent in agents),
        talking_ages=np.maximum(talking, 0.0),
        wrapping_ages=np.maximum(wrapping, 0.0),
        waiting=len(calls) - len(dialing) - len(detecting),
        dialing_ages=np.maximum(dialing, 0.0),
        detecting_ages=np.maximum(detecting, 0.0),
        wait_s=snapshot.limits.abandon_wait_s,
        now=now,
    )
