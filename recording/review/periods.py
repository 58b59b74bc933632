"""Weeks and days in the house's zone, as sampling plans and reports count them. Pure.

A week is an ISO 8601 week, Monday to Sunday, and belongs to the year its Thursday lies in: `2026-W48`. A day is written
`2026-11-23`. Both begin and end at midnight in the zone, whatever the clocks there do in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum


class Cadence(str, Enum):
    """How often something is done."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a week; `begins` belongs to it, `ends` to the next one. Both are UTC."""

    label: str
    begins: datetime
    ends: datetime


def period_at(cadence: Cadence, at: datetime, zone: tzinfo) -> Period:
    """The day or week that an instant (aware) lies in."""
    return _period(cadence, at.astimezone(zone).date(), zone)


def ended_periods(cadence: Cadence, zone: tzinfo, since: datetime, now: datetime) -> Iterator[Period]:
    """The periods that are over, oldest first, from the one that `since` lies in."""
    period = period_at(cadence, since, zone)
    while period.ends <= now:
        yield period
        period = period_at(cadence, period.ends, zone)


def week_label(day: date) -> str:
    """The ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _period(cadence: Cadence, day: date, zone: tzinfo) -> Period:
    if cadence is Cadence.DAILY:
        return Period(day.isoformat(), midnight(day, zone), midnight(day + timedelta(days=1), zone))
    monday = day - timedelta(days=day.weekday())
    return Period(week_label(monday), midnight(monday, zone), midnight(monday + timedelta(days=7), zone))


def midnight(day: date, zone: tzinfo) -> datetime:
    """When a day begins in the zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
