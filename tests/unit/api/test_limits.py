"""Bounded memories: failed log-ins and idempotency keys."""

import pytest

from dialer.api import limits
from dialer.api.limits import FailureLimiter, IdempotencyMemory, Replay


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


def test_a_key_gives_the_same_answer_to_the_same_holder() -> None:
    memory = IdempotencyMemory()
    assert memory.begin("1", "create", "k", b"body", 0) is None
    under_way = memory.begin("1", "create", "k", b"body", 0)
    assert under_way is not None
    assert "under way" in under_way.conflict
    memory.finish("1", "create", "k", 201, b"made")
    assert memory.begin("1", "create", "k", b"body", 1) == Replay(status=201, body=b"made")
    assert memory.begin("2", "create", "k", b"body", 1) is None
    other = memory.begin("1", "create", "k", b"other", 1)
    assert other is not None
    assert "new key" in other.conflict


def test_a_failed_request_and_a_day_free_the_key() -> None:
    memory = IdempotencyMemory()
    memory.begin("1", "create", "k", b"body", 0)
    memory.forget("1", "create", "k")
    assert memory.begin("1", "create", "k", b"other", 0) is None
    memory.finish("1", "create", "k", 201, b"")
    assert memory.begin("1", "create", "k", b"third", limits.KEY_LIFETIME_S) is None


def test_only_so_many_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_REMEMBERED", 2)
    memory = IdempotencyMemory()
    for key in ("a", "b", "c"):
        memory.begin("1", "create", key, b"", 0)
    memory.finish("1", "create", "a", 201, b"")  # forgotten meanwhile: no error
    assert memory.begin("1", "create", "a", b"", 0) is None
