"""A fault that lasts is logged whole once, then once a minute."""

import logging
from datetime import UTC, datetime

import pytest

from dialer.campaigns.loop.complaints import Complaints


class Steps:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def utcnow(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)


def test_the_same_is_said_once_a_minute_and_news_at_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Steps()
    complaints = Complaints(clock)
    full, gone = OSError("no space left"), OSError("no such file")
    with caplog.at_level(logging.ERROR):
        for second in range(100):
            clock.now = float(second)
            complaints.say(1, "tick failed", full, campaign_id=1)
        assert len(caplog.records) == 2
        complaints.say(1, "tick failed", gone, campaign_id=1)
        complaints.say(2, "tick failed", gone, campaign_id=2)
    assert [record.getMessage() for record in caplog.records] == [
        "tick failed: OSError: no space left",
        "tick failed: OSError: no space left",
        "tick failed: OSError: no such file",
        "tick failed: OSError: no such file",
    ]
    assert all(record.exc_info for record in caplog.records)
