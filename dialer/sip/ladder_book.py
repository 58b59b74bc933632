"""The messages of recent calls over trunks, kept in memory for those who look for a fault; and what trunks answered.

The endpoint hands every message on as it passes, so taking one costs a search for its Call-ID and no more: nothing is
parsed before somebody looks. Messages are kept as they came, in this process only; `ladder` says what may be shown.
Calls that failed are kept longer than the others.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from dialer.clock import Clock
from dialer.sip.events import Destination
from dialer.sip.ladder import LadderLine, Seen, call_id_of, hash_of, lines_of, method_of, status_of

MAX_CALLS = 1000
MAX_FAILED = 300
MAX_MESSAGES = 60
"""Of one call; a peer that repeats itself for ever is cut off."""
MAX_MESSAGE_BYTES = 4000
_ORDINARY = frozenset({486, 487, 603})
"""Final responses of people: busy, our own CANCEL, declined."""


@dataclass(slots=True)
class _Kept:
    """One call. `ring_after_s`: from the INVITE to the first 180 or 183; `status`: its final response."""

    call_id: bytes
    began_at: datetime
    outgoing: bool
    trunk: str = ""
    attempt_id: int | None = None
    messages: list[Seen] = field(default_factory=list)
    ring_after_s: float | None = None
    status: int | None = None

    @property
    def is_failed(self) -> bool:
        """Not answered, and by nobody's will."""
        return (self.status is None or self.status >= 300) and self.status not in _ORDINARY

    def take(self, seen: Seen) -> None:
        if len(self.messages) < MAX_MESSAGES:
            self.messages.append(seen)
        status = status_of(seen.data)
        if status is None or self.status is not None or method_of(seen.data) != "INVITE":
            return
        if status >= 200 and status not in (401, 407):  # those are asked again with credentials
            self.status = status
        elif status > 100 and self.ring_after_s is None:
            self.ring_after_s = seen.at - self.messages[0].at


@dataclass(frozen=True, slots=True)
class Ladder:
    """One call's messages. `status` None: no final response to its INVITE yet, or none at all."""

    call: str
    began_at: datetime
    outgoing: bool
    trunk: str
    attempt_id: int | None
    status: int | None
    lines: tuple[LadderLine, ...]


@dataclass(frozen=True, slots=True)
class TrunkAnswers:
    """What a trunk answered to the calls that are kept: `n_calls` placed over it, by final status (0: none came).

    `answered_share` is the answer-seizure ratio (ITU-T E.425); `delay_median_s` the time from the INVITE to the first
    sign of ringing (post-dial delay), None where nothing rang. `since`: when the oldest of these calls began.
    """

    n_calls: int
    statuses: dict[int, int]
    answered_share: float | None
    delay_median_s: float | None
    since: datetime | None


class LadderBook:
    """One per node. `passed` is for the endpoint, `name` for whoever places a call over a trunk."""

    def __init__(self, clock: Clock, is_trunk: Callable[[Destination], bool]) -> None:
        self._clock = clock
        self._is_trunk = is_trunk
        self._calls: dict[bytes, _Kept] = {}
        self._failed: dict[bytes, _Kept] = {}

    def passed(self, sent: bool, data: bytes, peer: Destination, at: float) -> None:
        """A message leaves or has come. Never raises, returns at once."""
        call_id = call_id_of(data)
        if call_id is None:
            return
        kept = self._calls.get(call_id)
        if kept is None:
            if not data.startswith(b"INVITE ") or not self._is_trunk(peer):
                return
            kept = self._calls[call_id] = _Kept(call_id, self._clock.utcnow(), sent)
            self._make_room()
        kept.take(Seen(at, sent, data[:MAX_MESSAGE_BYTES]))

    def name(self, call_id: str, attempt_id: int, trunk: str) -> None:
        """Says which attempt a call that was just placed is, and over which trunk."""
        kept = self._calls.get(call_id.encode("utf-8", "surrogateescape"))
        if kept is not None:
            kept.attempt_id, kept.trunk = attempt_id, trunk

    def of_attempt(self, attempt_id: int) -> tuple[Ladder, ...]:
        """The calls of an attempt, one for each trunk that was tried; nothing when they are too long ago."""
        return tuple(_ladder(kept) for kept in self._all() if kept.attempt_id == attempt_id)

    def of_trunk(self, trunk: str, limit: int, *, failed_only: bool = False) -> tuple[Ladder, ...]:
        """The newest calls over a trunk, newest first."""
        found = [kept for kept in self._all() if kept.trunk == trunk and (kept.is_failed or not failed_only)]
        return tuple(_ladder(kept) for kept in sorted(found, key=lambda kept: kept.began_at, reverse=True)[:limit])

    def answers(self, trunk: str) -> TrunkAnswers:
        """What a trunk answered to the newest calls."""
        calls = [kept for kept in self._calls.values() if kept.trunk == trunk and kept.outgoing]
        statuses = Counter(kept.status or 0 for kept in calls)
        delays = [kept.ring_after_s for kept in calls if kept.ring_after_s is not None]
        answered = sum(n for status, n in statuses.items() if 200 <= status < 300)
        return TrunkAnswers(
            n_calls=len(calls),
            statuses=dict(sorted(statuses.items())),
            answered_share=answered / len(calls) if calls else None,
            delay_median_s=round(statistics.median(delays), 3) if delays else None,
            since=min((kept.began_at for kept in calls), default=None),
        )

    def _all(self) -> Iterable[_Kept]:
        return [*self._failed.values(), *self._calls.values()]

    def _make_room(self) -> None:
        while len(self._calls) > MAX_CALLS:
            oldest = self._calls.pop(next(iter(self._calls)))
            if oldest.is_failed:
                self._failed[oldest.call_id] = oldest
        while len(self._failed) > MAX_FAILED:
            del self._failed[next(iter(self._failed))]


def _ladder(kept: _Kept) -> Ladder:
    lines = lines_of(kept.messages)
    return Ladder(hash_of(kept.call_id), kept.began_at, kept.outgoing, kept.trunk, kept.attempt_id, kept.status, lines)
