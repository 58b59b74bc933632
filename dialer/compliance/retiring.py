"""Which packs go on binding after changes: what was in force today anywhere, each until its own next midnight. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.compliance.policy import Pack, Policy
from dialer.model.policy_change import PolicyChange
from schedules.windows import day_start

DAY = timedelta(days=1)
APART = timedelta(microseconds=1)

_State = tuple[str, tuple[str, ...]]
"""A pack's name and the hashes of its versions."""


def with_what_retires(
    policy: Policy, changes: Iterable[PolicyChange], known: Mapping[str, Pack], now: datetime
) -> Policy:
    """The policy, beside every pack that a change put in force or replaced, until the midnight after the change.

    `known` has the packs by hash (KeyError). Several states of one pack end a microsecond apart, the first at midnight:
    versions that end together would be taken for those of one state, and the newest of them for the only one.
    """
    ends: dict[_State, datetime] = {}
    for change in changes:
        for together in (change.packs, change.replaced):
            for state in _states(known[sha256] for sha256 in together):
                until = max(_next_midnight(change.at, known[sha256].zone) for sha256 in state[1])
                ends[state] = max(until, ends.get(state, until))
    current = _states(policy.packs)
    left = sorted(state for state, until in ends.items() if until > now and state not in current)
    numbers = Counter[str]()
    found: list[tuple[Pack, datetime]] = []
    for name, hashes in left:
        until = ends[name, hashes] + numbers[name] * APART
        numbers[name] += 1
        found += [(known[sha256], until) for sha256 in hashes]
    return policy.with_retiring(found)


def _states(packs: Iterable[Pack]) -> set[_State]:
    """The versions of each pack that are in force together."""
    versions: dict[str, list[str]] = defaultdict(list)
    for pack in packs:
        versions[pack.name].append(pack.sha256)
    return {(name, tuple(sorted(hashes))) for name, hashes in versions.items()}


def _next_midnight(at: datetime, zone: str) -> datetime:
    return day_start(at.astimezone(ZoneInfo(zone)).date() + DAY, zone)
