"""The kinds of rules a pack can hold. Each is data, one exact answer (from when on does it allow?) and its words."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from dialer.compliance.facts import EarlierAttempt, GateFacts
from dialer.compliance.policy import Finding, InputValue
from dialer.model.contact import CaseStatus, PhoneRole
from schedules.calendar import WorkCalendar
from schedules.search import Opening, first_common
from schedules.windows import (
    Closed,
    ClosedCode,
    Days,
    Forbidden,
    Span,
    Window,
    clock,
    closed_because,
    day_start,
    next_open,
    next_permitted,
)


class Zones(str, Enum):
    """Whose clock a rule reads: the pack's zone, every zone the person may be in, or both. All of them must allow."""

    PACK = "pack"
    PERSON = "person"
    BOTH = "both"

    def pick(self, pack_zone: str, facts: GateFacts) -> tuple[str, ...]:
        """The zones to obey; none when the person's are needed and not known."""
        if self is Zones.PACK:
            return (pack_zone,)
        if not facts.zones.known:
            return ()
        if self is Zones.PERSON or pack_zone in facts.zones.zones:
            return facts.zones.zones
        return (*facts.zones.zones, pack_zone)


class Counts(str, Enum):
    """What an attempt cap counts: everything placed, or what was placed and did not reach a person."""

    PLACED = "placed"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class InForce:
    """Every pack's first rule, implied: outside its dates a pack refuses instead of falling silent."""

    rule_id: str
    zone: str
    valid_from: date
    valid_through: date | None

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """From the first instant of the first day on, until the end of the last."""
        opens = max(at, day_start(self.valid_from, self.zone))
        return None if self.valid_through is not None and self._day(opens) > self.valid_through else opens

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        through = self.valid_through
        inputs: dict[str, InputValue] = {
            "date": self._day(at).isoformat(),
            "valid_from": self.valid_from.isoformat(),
            "valid_through": None if through is None else through.isoformat(),
        }
        words = f"the pack is valid from {self.valid_from}{'' if through is None else f' through {through}'}"
        return Finding(words, inputs)

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """Calls only within hours of certain days, the longest ringing included."""

    rule_id: str
    pack_zone: str
    calendar: WorkCalendar | None
    zones: Zones
    days: Days
    make_up_workdays: bool
    from_minute: int
    to_minute: int

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the windows of all zones are open for the whole ringing."""
        zones = self.zones.pick(self.pack_zone, facts)
        return first_common([self._opening(zone, facts.max_ring_s) for zone in zones], at) if zones else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Names the first zone whose window is closed."""
        zones = self.zones.pick(self.pack_zone, facts)
        calendar = self.calendar
        inputs = {
            **_zone_inputs(zones, facts, at),
            "hours": _hours(self.from_minute, self.to_minute),
            "days": self.days.value,
            "make_up_workdays": self.make_up_workdays,
            "calendar": None if calendar is None else f"{calendar.name} sha256:{calendar.sha256}",
        }
        if not zones:
            return Finding(_zone_unknown(facts), inputs)
        closed = (zone for zone in zones if self._opening(zone, facts.max_ring_s)(at) != at)
        zone = next(closed, None)
        closed_now = zone and closed_because(self._window(zone), calendar, at, facts.max_ring_s)
        words = _closed_words(closed_now, calendar) if closed_now else "inside the calling hours"
        return Finding(words, inputs)

    def _window(self, zone: str) -> Window:
        return Window.daily(zone, (Span(self.from_minute, self.to_minute),), self.days, self.make_up_workdays)

    def _opening(self, zone: str, ring_s: float) -> Opening:
        window, calendar = self._window(zone), self.calendar
        return lambda instant: next_open(window, calendar, instant, ring_s)


@dataclass(frozen=True, slots=True)
class ForbiddenHours:
    """No ringing within these hours, on any day."""

    rule_id: str
    pack_zone: str
    zones: Zones
    from_minute: int
    to_minute: int

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When in no zone a part of the ringing is within the hours."""
        zones = self.zones.pick(self.pack_zone, facts)
        return first_common([self._opening(zone, facts.max_ring_s) for zone in zones], at) if zones else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        zones = self.zones.pick(self.pack_zone, facts)
        hours = _hours(self.from_minute, self.to_minute)
        inputs = {**_zone_inputs(zones, facts, at), "hours": hours}
        words = f"no call may ring between {hours.replace('-', ' and ')} ({', '.join(zones)})"
        return Finding(words if zones else _zone_unknown(facts), inputs)

    def _opening(self, zone: str, ring_s: float) -> Opening:
        forbidden = Forbidden(zone, self.from_minute, self.to_minute)
        return lambda instant: next_permitted(forbidden, instant, ring_s)


@dataclass(frozen=True, slots=True)
class AttemptCap:
    """At most `limit` attempts to one number a calendar day, over all campaigns, counted in every zone."""

    rule_id: str
    pack_zone: str
    zones: Zones
    counts: Counts
    limit: int

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the day's count is below the limit in every zone."""
        zones = self.zones.pick(self.pack_zone, facts)
        if not zones or self.limit == 0:
            return None
        if sum(map(self._is_counted, facts.attempts)) < self.limit:
            return at  # whatever the day: spares the time zones
        return first_common([self._opening(zone, facts) for zone in zones], at)

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the day's count; of several zones, the highest."""
        zones = self.zones.pick(self.pack_zone, facts)
        used = max((len(self._days_counted(facts, zone, at)) for zone in zones), default=0)
        inputs = {**_zone_inputs(zones, facts, at), "counts": self.counts.value, "used": used, "limit": self.limit}
        words = f"{used} {self.counts.value} attempts today, the limit is {self.limit}"
        return Finding(words if zones else _zone_unknown(facts), inputs)

    def _opening(self, zone: str, facts: GateFacts) -> Opening:
        def opens(instant: datetime) -> datetime:
            days = sorted(self._days_counted(facts, zone, instant))
            if len(days) < self.limit:
                return instant
            # Fewer than the limit remain on or after the day that follows the limit-th from the end.
            return day_start(days[-self.limit] + timedelta(days=1), zone)

        return opens

    def _days_counted(self, facts: GateFacts, zone: str, at: datetime) -> list[date]:
        """Local days of the attempts counted today, later days included: a clock that stepped back forgives none."""
        zone_info = ZoneInfo(zone)
        today = at.astimezone(zone_info).date()
        counted = (attempt for attempt in facts.attempts if self._is_counted(attempt))
        days = (attempt.placed_at.astimezone(zone_info).date() for attempt in counted)
        return [day for day in days if day >= today]

    def _is_counted(self, attempt: EarlierAttempt) -> bool:
        return attempt.placed if self.counts is Counts.PLACED else attempt.unreached


@dataclass(frozen=True, slots=True)
class DoNotCall:
    """Numbers and persons on the do-not-call list are never called."""

    rule_id: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time does not help."""
        return None if facts.do_not_call else at

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        listed = "is on" if facts.do_not_call else "is not on"
        return Finding(f"the number or the person {listed} the do-not-call list", {"listed": facts.do_not_call})


@dataclass(frozen=True, slots=True)
class CaseOpen:
    """Only open cases are called: paid, held, disputed and the like stop every call."""

    rule_id: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time alone does not help."""
        return at if facts.case_status is CaseStatus.OPEN else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        status = facts.case_status.value
        return Finding(f"the case system says of the case: {status}", {"case_status": status})


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """Third parties' numbers are refused unless the pack permits them."""

    rule_id: str
    permitted: bool

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """Time does not help."""
        return at if self.permitted or facts.role is PhoneRole.OWN else None

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        whose = "the person's own" if facts.role is PhoneRole.OWN else "a third party's"
        return Finding(f"the number is {whose}", {"role": facts.role.value, "permitted": self.permitted})


@dataclass(frozen=True, slots=True)
class OneCall:
    """Never two calls to one number at a time."""

    rule_id: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When a call that is in flight ends no clock knows, so there is no next time."""
        return None if any(attempt.in_flight for attempt in facts.attempts) else at

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        in_flight = sum(attempt.in_flight for attempt in facts.attempts)
        return Finding(f"{in_flight or 'no'} call to this number is in flight", {"in_flight": in_flight})


@dataclass(frozen=True, slots=True)
class AfterUnknown:
    """After an attempt whose end was lost, the number rests: a call may still be up somewhere."""

    rule_id: str
    wait_s: int

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """`wait_s` after the latest unknown attempt was found to be one."""
        ends = (attempt.ended_at or attempt.placed_at for attempt in facts.attempts if attempt.unknown)
        return max([at, *(end + timedelta(seconds=self.wait_s) for end in ends)])

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In words."""
        unknown = sum(attempt.unknown for attempt in facts.attempts)
        words = f"{unknown or 'no'} attempt to this number has an unknown end; it rests for {self.wait_s} s after one"
        return Finding(words, {"unknown": unknown, "wait_s": self.wait_s})


def _closed_words(closed: Closed, calendar: WorkCalendar | None) -> str:
    name = f"{closed.day:%A %Y-%m-%d}"
    match closed.code:
        case ClosedCode.CALENDAR_UNKNOWN if calendar is not None:
            through = f"complete from {calendar.complete_from} through {calendar.complete_through}"
            return f"{closed.day} is not in the calendar {calendar.name} ({calendar.source}, {through})"
        case ClosedCode.HOLIDAY | ClosedCode.WEEKEND:
            return f"{name} is a {closed.code.value} in the calendar {closed.calendar}"
        case ClosedCode.OUTSIDE_HOURS | ClosedCode.RINGING_PASSES_END:
            return f"{closed.local_time} plus the longest ringing is not inside {closed.hours} {closed.zone}"
    return f"{name} is not a day of the window"


def _zone_unknown(facts: GateFacts) -> str:
    doubts = "; ".join(facts.zones.doubts) or "neither the list nor the number tells it"
    return f"the person's time zone is not known: {doubts}"


def _zone_inputs(zones: tuple[str, ...], facts: GateFacts, at: datetime) -> dict[str, InputValue]:
    ring_ms = round(facts.max_ring_s * 1000)
    return {"zones": ",".join(zones), "local_times": _local_times(zones, at), "max_ring_ms": ring_ms}


@lru_cache(maxsize=64)
def _local_times(zones: tuple[str, ...], at: datetime) -> str:
    """What the clocks read; kept for a moment, because several rules of one decision ask."""
    return ",".join(at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") for zone in zones)


@lru_cache(maxsize=256)
def _hours(from_minute: int, to_minute: int) -> str:
    return f"{clock(from_minute)}-{clock(to_minute)}"
