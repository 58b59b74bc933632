"""Over which time a rule counts: consecutive calendar days (the event's day included), rolling hours, or for ever.

Theory: an attempt placed at an instant counts from then until it *leaves*; below its limit a rule allows, so all that
is ever needed is when the limit-th newest attempt leaves. N inclusive days are not N × 24 hours: an attempt of Monday
23:00 has left a window of one day an hour later. An attempt that lies in the future (the clock stepped back) counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schedules.windows import day_start


@dataclass(frozen=True, slots=True)
class InclusiveDays:
    """`days` consecutive calendar days in a zone, the day of the event being the first; one is the calendar day."""

    days: int

    def since(self, zone: str, now: datetime) -> datetime:
        """Attempts placed from then on count at `now`."""
        today = now.astimezone(ZoneInfo(zone)).date()
        return day_start(today - timedelta(days=self.days - 1), zone)

    def leaves(self, zone: str, placed_at: datetime) -> datetime:
        """From when on it does not count any more."""
        return day_start(placed_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=self.days), zone)

    @property
    def longest_s(self) -> float:
        """No attempt counts longer than this, whatever the zone."""
        return self.days * 86400.0 + 7200.0


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last `seconds`, whatever the calendar."""

    seconds: int

    def since(self, zone: str, now: datetime) -> datetime:
        """Attempts placed from then on count at `now`: the one exactly `seconds` ago has just left."""
        return now - timedelta(seconds=self.seconds) + timedelta(microseconds=1)

    def leaves(self, zone: str, placed_at: datetime) -> datetime:
        """From when on it does not count any more."""
        return placed_at + timedelta(seconds=self.seconds)

    @property
    def longest_s(self) -> float:
        """No attempt counts longer than this."""
        return float(self.seconds)


@dataclass(frozen=True, slots=True)
class Ever:
    """All time; for a campaign's life the attempts of other campaigns are left out by whoever counts."""

    def since(self, zone: str, now: datetime) -> datetime:
        """The beginning of time."""
        return datetime.min.replace(tzinfo=now.tzinfo)

    def leaves(self, zone: str, placed_at: datetime) -> None:
        """Never."""

    @property
    def longest_s(self) -> float:
        """There is no end."""
        return float("inf")


Span = InclusiveDays | Rolling | Ever
