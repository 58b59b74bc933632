"""Rules about the hour: calling windows, forbidden hours, and what the person named as inconvenient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from dialer.compliance.facts import GateFacts, Inconvenient
from dialer.compliance.rule import Body, Zones, zone_unknown
from dialer.model.decision import Finding
from schedules.calendar import WorkCalendar
from schedules.hours import MINUTES_A_DAY, Forbidden, Span, Window, clock
from schedules.search import Opening, first_common
from schedules.windows import closed_because, opening_of


@dataclass(frozen=True, slots=True)
class CallingWindow(Body):
    """Calls only within hours of certain days, the longest ringing included. `window` is in the pack's zone."""

    window: Window
    zones: Zones
    calendar: WorkCalendar | None = None

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the windows of all zones are open for the whole ringing."""
        zones = self.zones.pick(self.window.zone, facts)
        return _all_open(_openings(self.window, self.calendar, zones, facts.max_ring_s), at) if zones else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Names the first zone whose window is closed."""
        zones = self.zones.pick(self.window.zone, facts)
        windows = map(self.window.in_zone, zones)
        found = (closed_because(window, self.calendar, at, facts.max_ring_s) for window in windows)
        closed = next(filter(None, found), None)
        if closed is None:
            return zone_unknown(facts)
        values: dict[str, str | float | None] = {
            "zone": closed.zone,
            "day": closed.day.isoformat(),
            "time": closed.local_time,
            "hours": closed.hours,
            "kind": None if closed.kind is None else closed.kind.value,
            "ring_s": facts.max_ring_s,
        }
        if self.calendar is not None:
            values["calendar"] = self.calendar.name
            values["calendar_source"] = self.calendar.source
            values["complete_from"] = self.calendar.complete_from.isoformat()
            values["complete_through"] = self.calendar.complete_through.isoformat()
            values["holiday"] = closed.holiday
        return Finding(f"window_{closed.code.value}", values)

    def stays_open(self, facts: GateFacts) -> bool:
        """It closes again."""
        return False


@dataclass(frozen=True, slots=True)
class ForbiddenHours(Body):
    """No ringing within these hours, on any day. `hours` are in the pack's zone."""

    hours: Forbidden
    zones: Zones

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When in no zone a part of the ringing is within the hours."""
        zones = self.zones.pick(self.hours.zone, facts)
        return _all_open(_openings(self.hours, None, zones, facts.max_ring_s), at) if zones else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Names the first zone in which the ringing would touch the hours."""
        zones = self.zones.pick(self.hours.zone, facts)
        for zone, opens in zip(zones, _openings(self.hours, None, zones, facts.max_ring_s), strict=True):
            if opens(at) != at:
                return Finding(
                    "forbidden_hours",
                    {
                        "zone": zone,
                        "time": _clock_time(at, zone),
                        "from": clock(self.hours.from_minute),
                        "to": clock(self.hours.to_minute),
                        "ring_s": facts.max_ring_s,
                    },
                )
        return zone_unknown(facts)

    def stays_open(self, facts: GateFacts) -> bool:
        """They come again."""
        return False


@dataclass(frozen=True, slots=True)
class Convenience(Body):
    """Not at times and not on numbers that the person named as inconvenient, by every clock the person may live by."""

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When no entry that then still stands is touched by the ringing."""
        if not facts.inconvenient:
            return at
        return _all_open([_convenient(entry, facts) for entry in facts.inconvenient], at)

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Names the first entry that is in the way."""
        entry = next(entry for entry in facts.inconvenient if _convenient(entry, facts)(at) != at)
        until = None if entry.until is None else entry.until.astimezone(UTC).isoformat()
        if _is_whole_number(entry):
            return Finding("inconvenient_number", {"until": until})
        if not facts.zones.known:
            return zone_unknown(facts)
        return Finding(
            "inconvenient_time",
            {
                "weekdays": ",".join(map(str, entry.weekdays)),
                "from": clock(entry.from_minute or 0),
                "to": clock(MINUTES_A_DAY if entry.to_minute is None else entry.to_minute),
                "until": until,
            },
        )

    def stays_open(self, facts: GateFacts) -> bool:
        """Only where nothing was named."""
        return not facts.inconvenient


def _all_open(openings: Sequence[Opening], at: datetime) -> datetime | None:
    return openings[0](at) if len(openings) == 1 else first_common(openings, at)


@lru_cache(maxsize=1024)
def _openings(
    hours: Window | Forbidden, calendar: WorkCalendar | None, zones: tuple[str, ...], ring_s: float
) -> tuple[Opening, ...]:
    """Those of the same hours by each of the clocks."""
    return tuple(opening_of(replace(hours, zone=zone), calendar, ring_s) for zone in zones)


def _clock_time(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


def _is_whole_number(entry: Inconvenient) -> bool:
    return entry.from_minute is None and entry.to_minute is None


def _convenient(entry: Inconvenient, facts: GateFacts) -> Opening:
    """When one entry is not in the way: outside its hours in all zones, or once it does not stand any more."""

    def outside(at: datetime) -> datetime | None:
        if _is_whole_number(entry) or not facts.zones.known:
            return None
        windows = [_outside(entry.weekdays, entry.from_minute, entry.to_minute, zone) for zone in facts.zones.zones]
        known = [window for window in windows if window is not None]
        if len(known) < len(windows):
            return None
        return _all_open([opening_of(window, None, facts.max_ring_s) for window in known], at)

    def opens(at: datetime) -> datetime | None:
        if entry.until is not None and entry.until <= at:
            return at
        found = outside(at)
        return entry.until if found is None or (entry.until is not None and entry.until < found) else found

    return opens


@lru_cache(maxsize=1024)
def _outside(weekdays: tuple[int, ...], from_minute: int | None, to_minute: int | None, zone: str) -> Window | None:
    """The week without the hours an entry names; None when nothing is left of it."""
    start = from_minute or 0
    end = MINUTES_A_DAY if to_minute is None else to_minute
    named: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for weekday in weekdays or range(7):
        if start < end:
            named[weekday].append((start, end))
        else:
            named[weekday].append((start, MINUTES_A_DAY))
            named[(weekday + 1) % 7].append((0, end))
    week = tuple(_left_of_day(sorted(hours)) for hours in named)
    return Window(zone, week) if any(week) else None


def _left_of_day(named: list[tuple[int, int]]) -> tuple[Span, ...]:
    left, free_from = [], 0
    for start, end in named:
        if start > free_from:
            left.append(Span(free_from, start))
        free_from = max(free_from, end)
    if free_from < MINUTES_A_DAY:
        left.append(Span(free_from, MINUTES_A_DAY))
    return tuple(left)
