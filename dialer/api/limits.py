"""Pure memories with bounds: who failed to log in how often, and which created things were asked for before."""

import hashlib
from collections import OrderedDict, deque
from dataclasses import dataclass

FAILURES_ALLOWED = 10
FAILURE_WINDOW_S = 60.0
MAX_REMOTES = 10_000

KEYS_REMEMBERED = 10_000
KEY_LIFETIME_S = 24 * 3600.0


class FailureLimiter:
    """Counts failed log-ins per remote address in a sliding window; the oldest addresses are forgotten first."""

    def __init__(self, allowed: int = FAILURES_ALLOWED, window_s: float = FAILURE_WINDOW_S) -> None:
        self._allowed = allowed
        self._window_s = window_s
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, remote: str, now: float) -> float:
        """How long this address must wait; 0: not at all."""
        times = self._failures.get(remote)
        if times is None or len(times) < self._allowed:
            return 0.0
        return max(0.0, times[0] + self._window_s - now)

    def failed(self, remote: str, now: float) -> None:
        """One more failure of this address."""
        times = self._failures.setdefault(remote, deque(maxlen=self._allowed))
        times.append(now)
        self._failures.move_to_end(remote)
        while len(self._failures) > MAX_REMOTES:
            self._failures.popitem(last=False)


@dataclass(slots=True)
class _Remembered:
    digest: bytes
    at: float
    status: int | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Replay:
    """What a key is known for: `conflict` says why it cannot be used, else the answer to give again."""

    conflict: str = ""
    status: int = 0
    body: bytes = b""


class IdempotencyMemory:
    """Answers to requests that carried an Idempotency-Key, for a day, in this process."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], _Remembered] = OrderedDict()

    def begin(self, holder: str, operation: str, key: str, body: bytes, now: float) -> Replay | None:
        """None: new, go on and then call `finish` or `forget`."""
        self._expire(now)
        digest = hashlib.sha256(body).digest()
        known = self._known.get((holder, operation, key))
        if known is None:
            self._known[holder, operation, key] = _Remembered(digest, now)
            return None
        if known.digest != digest:
            return Replay(conflict="this Idempotency-Key was used with another body; use a new key")
        if known.status is None:
            return Replay(conflict="the first request with this Idempotency-Key is still under way; try again")
        return Replay(status=known.status, body=known.body)

    def finish(self, holder: str, operation: str, key: str, status: int, body: bytes) -> None:
        """Keeps the answer."""
        known = self._known.get((holder, operation, key))
        if known is not None:
            known.status, known.body = status, body

    def forget(self, holder: str, operation: str, key: str) -> None:
        """The request failed: nothing was created, the key is free again."""
        self._known.pop((holder, operation, key), None)

    def _expire(self, now: float) -> None:
        while self._known:
            oldest = next(iter(self._known.values()))
            if len(self._known) < KEYS_REMEMBERED and now - oldest.at < KEY_LIFETIME_S:
                return
            self._known.popitem(last=False)
