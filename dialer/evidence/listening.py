"""What of a recording somebody listened to, told in few entries of the audit log. Pure.

A browser asks for one listening in many ranges, again where the listener jumps. So one entry says what was asked for,
rounded up to whole steps, and what it covers needs no other one for some minutes: the log never says less than what was
handed out, and says it before the first byte leaves.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

GROUP_S = 300.0
"""How long an entry speaks for what is asked for again."""
MAX_KNOWN = 10_000
"""Listenings remembered; a forgotten one costs an entry more, never one less."""

Span = tuple[int, int]


@dataclass(slots=True)
class _Listening:
    began_at: float
    told: list[Span] = field(default_factory=list)


class Listenings:
    """Remembers what the log says already. `key` tells listener, recording and form apart."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, ...], _Listening] = OrderedDict()

    def untold(self, key: tuple[str, ...], begin: int, end: int, step: int, now: float) -> Span | None:
        """What an entry must say before the bytes from `begin` up to `end` leave; None: one says it already."""
        begin, end = begin // step * step, -(-end // step) * step
        known = self._known.get(key)
        if known is not None and now - known.began_at <= GROUP_S and _covers(known.told, begin, end):
            return None
        return begin, end

    def told(self, key: tuple[str, ...], span: Span, now: float) -> None:
        """The entry is in the log."""
        known = self._known.get(key)
        if known is None or now - known.began_at > GROUP_S:
            known = self._known[key] = _Listening(now)
        known.told = _merged([*known.told, span])
        self._known.move_to_end(key)
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def _covers(told: list[Span], begin: int, end: int) -> bool:
    return any(first <= begin and end <= last for first, last in told)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
