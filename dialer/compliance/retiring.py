"""Which packs go on binding after changes: what was in force today anywhere, each until its own next midnight. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from dialer.compliance.policy import Pack
from dialer.model.policy_change import PolicyChange
from schedules.windows import day_start

DAY = timedelta(days=1)
APART = timedelta(microseconds=1)


def retiring(
    changes: Iterable[PolicyChange], known: Mapping[str, Pack], now: datetime
) -> tuple[tuple[Pack, datetime], ...]:
    """Every pack that a change put in force or replaced, with all its versions of then, until the midnight after it.

    `known` has the packs by hash (KeyError). A policy leaves out what it holds itself (`Policy.with_retiring`). Several
    states of one pack end a microsecond apart, the last one no earlier than midnight: versions that end together would
    be taken for those of one state, and the newest of them for the only one in force.
    """
    ends: dict[frozenset[str], datetime] = {}
    for change in changes:
        for hashes in (change.packs, change.replaced):
            for state in _states([known[sha256] for sha256 in sorted(hashes)]):
                until = max(_next_midnight(change.at, pack.zone) for pack in state)
                key = frozenset(pack.sha256 for pack in state)
                ends[key] = max(until, ends.get(key, until))
    found = []
    for number, key in enumerate(sorted(ends, key=sorted)):
        until = ends[key] + number * APART
        if until > now:
            found += [(known[sha256], until) for sha256 in sorted(key)]
    return tuple(found)


def _states(packs: list[Pack]) -> list[tuple[Pack, ...]]:
    """The versions of each pack that were in force together."""
    ordered = sorted(packs, key=lambda pack: pack.name)
    return [tuple(versions) for _, versions in groupby(ordered, key=lambda pack: pack.name)]


def _next_midnight(at: datetime, zone: str) -> datetime:
    return day_start(at.astimezone(ZoneInfo(zone)).date() + DAY, zone)
