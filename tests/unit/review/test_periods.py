"""Days and weeks in a zone: whose they are, when they end, and clocks that change in between."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recording.review.periods import Cadence, ended_periods, midnight, period_at, week_label

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2026, 11, 23), "2026-W48"),
        (date(2027, 1, 3), "2026-W53"),  # a Sunday belongs to the week that began last year
        (date(2025, 12, 29), "2026-W01"),
    ],
)
def test_a_week_is_named_by_its_thursday(day: date, label: str) -> None:
    assert week_label(day) == label


def test_a_period_begins_at_midnight_in_the_zone() -> None:
    late_on_sunday = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # Monday, 00:30 in Shanghai
    week = period_at(Cadence.WEEKLY, late_on_sunday, SHANGHAI)
    assert (week.label, week.begins) == ("2026-W48", datetime(2026, 11, 22, 16, tzinfo=UTC))
    day = period_at(Cadence.DAILY, late_on_sunday, SHANGHAI)
    assert (day.label, day.ends - day.begins) == ("2026-11-23", timedelta(days=1))


def test_a_day_of_a_changing_clock_is_as_long_as_it_is() -> None:
    day = period_at(Cadence.DAILY, datetime(2026, 3, 29, 12, tzinfo=UTC), LONDON)
    assert day.ends - day.begins == timedelta(hours=23)
    assert midnight(date(2026, 7, 1), LONDON) == datetime(2026, 6, 30, 23, tzinfo=UTC)


def test_what_is_over_comes_in_order_and_the_present_does_not() -> None:
    since, now = datetime(2026, 11, 18, 4, tzinfo=UTC), datetime(2026, 12, 6, 15, 59, tzinfo=UTC)
    labels = [period.label for period in ended_periods(Cadence.WEEKLY, SHANGHAI, since, now)]
    assert labels == ["2026-W47", "2026-W48"]
    minute = timedelta(minutes=1)
    assert len(list(ended_periods(Cadence.WEEKLY, SHANGHAI, since, now + minute))) == 3
