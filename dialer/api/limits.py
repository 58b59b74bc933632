"""A pure memory with bounds: who failed to log in how often."""

from collections import OrderedDict, deque

FAILURES_ALLOWED = 10
FAILURE_WINDOW_S = 60.0
MAX_REMOTES = 10_000


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
