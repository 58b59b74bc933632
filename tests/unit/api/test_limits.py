"""The bounded memory of failed log-ins."""

import pytest

from dialer.api import limits
from dialer.api.limits import FailureLimiter


def test_failures_are_counted_in_a_sliding_window() -> None:
    limiter = FailureLimiter(allowed=2, window_s=60)
    assert limiter.wait_s("a", 0) == 0
    limiter.failed("a", 0)
    limiter.failed("a", 10)
    assert limiter.wait_s("a", 20) == 40
    assert limiter.wait_s("b", 20) == 0
    assert limiter.wait_s("a", 61) == 0
    limiter.failed("a", 61)
    assert limiter.wait_s("a", 61) == 9


def test_only_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_REMOTES", 2)
    limiter = FailureLimiter(allowed=1)
    for remote in ("a", "b", "c"):
        limiter.failed(remote, 0)
    assert limiter.wait_s("a", 0) == 0
    assert limiter.wait_s("c", 0) > 0
