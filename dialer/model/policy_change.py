"""A change of the policy packs a node works under, as it is on record."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """At `at`, `node` put the packs with these hashes in force, where those of `replaced` had been.

    Of a node's first change, `replaced` are the packs some other node had put in force last.
    """

    node: str
    at: datetime
    packs: frozenset[str]
    replaced: frozenset[str] = frozenset()
