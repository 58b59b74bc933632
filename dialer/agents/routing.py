"""Who gets the next person.

The collector who has been ready longest, of those with the campaign and every skill. Pure.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadyAgent:
    """A collector in READY since `ready_since` (monotonic seconds), logged in for `campaign_ids`."""

    agent_id: int
    ready_since: float
    skills: frozenset[str]
    campaign_ids: frozenset[int]


def serves(agent: ReadyAgent, campaign_id: int, skills: Collection[str]) -> bool:
    """Whether this collector may take a call of the campaign."""
    return campaign_id in agent.campaign_ids and agent.skills.issuperset(skills)


def longest_idle(agents: Iterable[ReadyAgent], campaign_id: int, skills: Collection[str]) -> int | None:
    """The id of the longest-ready collector for a call; equal waits go to the lower id; None when nobody fits."""
    fitting = (agent for agent in agents if serves(agent, campaign_id, skills))
    best = min(fitting, key=lambda agent: (agent.ready_since, agent.agent_id), default=None)
    return best.agent_id if best else None
