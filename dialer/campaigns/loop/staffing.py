"""Which campaign may count on which collector. Pure.

A collector who works in several campaigns is lent to one at a time; two paces that both counted on the same ready
collector would call two persons for one ear. Who is busy belongs to the campaign of that call until the wrap-up is
done. Who is ready goes to the first campaign, in order of their numbers, that has somebody to call and whose skills
the collector has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Collector:
    """One collector at work; `busy_for` is the campaign of the call at hand or being wrapped up."""

    agent_id: int
    campaign_ids: frozenset[int]
    skills: frozenset[str]
    busy_for: int | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """One running campaign; `wants` says that it has somebody to call for a collector."""

    campaign_id: int
    skills: frozenset[str]
    wants: bool


def lend(collectors: Iterable[Collector], demands: Sequence[Demand]) -> dict[int, frozenset[int]]:
    """The collectors each campaign may count on, by campaign; nobody is in two of the sets."""
    staff: dict[int, set[int]] = {demand.campaign_id: set() for demand in demands}
    ordered = sorted(demands, key=lambda demand: (not demand.wants, demand.campaign_id))
    for collector in collectors:
        home = collector.busy_for if collector.busy_for in staff else _first(collector, ordered)
        if home is not None:
            staff[home].add(collector.agent_id)
    return {campaign_id: frozenset(agent_ids) for campaign_id, agent_ids in staff.items()}


def _first(collector: Collector, ordered: Sequence[Demand]) -> int | None:
    fitting = (
        demand.campaign_id
        for demand in ordered
        if demand.campaign_id in collector.campaign_ids and demand.skills <= collector.skills
    )
    return next(fitting, None)
