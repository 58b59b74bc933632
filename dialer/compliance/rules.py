"""The kinds of rules a pack can hold. Each is data plus one exact answer: from when on does it allow?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from dialer.compliance.facts import EarlierAttempt, GateFacts
from dialer.compliance.policy import Finding, InputValue
from dialer.model.contact import CaseStatus, PhoneRole
from schedules.calendar import WorkCalendar
from schedules.search import first_common
from schedules.windows import Days, Forbidden, Window, clock, day_start, next_open, next_permitted, why_closed


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

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows from the day the pack is valid until its last day."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        inputs = {"date": today.isoformat(), "valid_from": self.valid_from.isoformat()}
        if today < self.valid_from:
            return Finding(
                day_start(self.valid_from, self.zone), f"the pack is valid from {self.valid_from} on", inputs
            )
        if self.valid_through is not None and today > self.valid_through:
            return Finding(None, f"the pack was valid through {self.valid_through}", inputs)
        return Finding(at, "the pack is in force", inputs)


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

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows where the windows of all zones are open for the whole ringing."""
        zones = self.zones.pick(self.pack_zone, facts)
        inputs = self._inputs(zones, facts, at)
        if not zones:
            return _zone_unknown(facts, inputs)
        opens = first_common([self._opening(zone, facts.max_ring_s) for zone in zones], at)
        if opens == at:
            return Finding(at, "inside the calling hours", inputs)
        closed = next(zone for zone in zones if self._opening(zone, facts.max_ring_s)(at) != at)
        return Finding(opens, why_closed(self._window(closed), self.calendar, at), inputs)

    def _window(self, zone: str) -> Window:
        return Window(zone, self.from_minute, self.to_minute, self.days, self.make_up_workdays)

    def _opening(self, zone: str, ring_s: float) -> Callable[[datetime], datetime | None]:
        window = self._window(zone)
        return lambda instant: next_open(window, self.calendar, instant, ring_s)

    def _inputs(self, zones: tuple[str, ...], facts: GateFacts, at: datetime) -> dict[str, InputValue]:
        calendar = self.calendar
        return {
            **_zone_inputs(zones, facts, at),
            "hours": f"{clock(self.from_minute)}-{clock(self.to_minute)}",
            "days": self.days.value,
            "make_up_workdays": self.make_up_workdays,
            "calendar": None if calendar is None else f"{calendar.name} sha256:{calendar.sha256}",
        }


@dataclass(frozen=True, slots=True)
class ForbiddenHours:
    """No ringing within these hours, on any day."""

    rule_id: str
    pack_zone: str
    zones: Zones
    from_minute: int
    to_minute: int

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows where in no zone a part of the ringing is within the hours."""
        zones = self.zones.pick(self.pack_zone, facts)
        hours = f"{clock(self.from_minute)}-{clock(self.to_minute)}"
        inputs = {**_zone_inputs(zones, facts, at), "hours": hours}
        if not zones:
            return _zone_unknown(facts, inputs)
        opens = first_common([self._opening(zone, facts.max_ring_s) for zone in zones], at)
        if opens == at:
            return Finding(at, f"outside the forbidden hours {hours}", inputs)
        return Finding(opens, f"no call may ring between {hours.replace('-', ' and ')} ({', '.join(zones)})", inputs)

    def _opening(self, zone: str, ring_s: float) -> Callable[[datetime], datetime | None]:
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

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows while the day's count is below the limit, in every zone."""
        counted = [attempt for attempt in facts.attempts if self._is_counted(attempt)]
        zones = self.zones.pick(self.pack_zone, facts)
        used = max((len(_on_or_after_today(counted, zone, at)) for zone in zones), default=0)
        inputs = {**_zone_inputs(zones, facts, at), "counts": self.counts.value, "used": used, "limit": self.limit}
        if not zones:
            return _zone_unknown(facts, inputs)
        if used < self.limit:
            return Finding(at, f"{used} of {self.limit} {self.counts.value} attempts today", inputs)
        opens = None
        if self.limit > 0:
            opens = first_common([self._opening(zone, counted) for zone in zones], at)
        return Finding(opens, f"{used} {self.counts.value} attempts today, the limit is {self.limit}", inputs)

    def _is_counted(self, attempt: EarlierAttempt) -> bool:
        return attempt.placed if self.counts is Counts.PLACED else attempt.unreached

    def _opening(self, zone: str, counted: list[EarlierAttempt]) -> Callable[[datetime], datetime | None]:
        def opens(instant: datetime) -> datetime:
            later = sorted(_on_or_after_today(counted, zone, instant))
            if len(later) < self.limit:
                return instant
            # The day after the one that holds the limit-th attempt from the end has fewer than the limit.
            return day_start(later[-self.limit] + timedelta(days=1), zone)

        return opens


@dataclass(frozen=True, slots=True)
class DoNotCall:
    """Numbers and persons on the do-not-call list are never called."""

    rule_id: str

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows unless listed; time does not help."""
        inputs = {"listed": facts.do_not_call}
        if facts.do_not_call:
            return Finding(None, "the number or the person is on the do-not-call list", inputs)
        return Finding(at, "not on the do-not-call list", inputs)


@dataclass(frozen=True, slots=True)
class CaseOpen:
    """Only open cases are called: paid, held, disputed and the like stop every call."""

    rule_id: str

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows while the case is open; time alone does not help."""
        inputs = {"case_status": facts.case_status.value}
        if facts.case_status is CaseStatus.OPEN:
            return Finding(at, "the case is open", inputs)
        return Finding(None, f"the case is marked {facts.case_status.value!r} by the case system", inputs)


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """Third parties' numbers are refused unless the pack permits them."""

    rule_id: str
    permitted: bool

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows own numbers, and third parties' where permitted; time does not help."""
        inputs = {"role": facts.role.value, "permitted": self.permitted}
        if self.permitted or facts.role is PhoneRole.OWN:
            return Finding(at, "the number may be called in this role", inputs)
        return Finding(None, "the number belongs to a third party", inputs)


@dataclass(frozen=True, slots=True)
class OneCall:
    """Never two calls to one number at a time."""

    rule_id: str

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows when nothing is in flight; when that ends no clock knows, so there is no next time."""
        in_flight = sum(attempt.in_flight for attempt in facts.attempts)
        inputs = {"in_flight": in_flight}
        if in_flight:
            return Finding(None, "a call to this number is in flight", inputs)
        return Finding(at, "no call to this number is in flight", inputs)


@dataclass(frozen=True, slots=True)
class AfterUnknown:
    """After an attempt whose end was lost, the number rests: a call may still be up somewhere."""

    rule_id: str
    wait_s: int

    def find(self, facts: GateFacts, at: datetime) -> Finding:
        """Allows `wait_s` after the latest unknown attempt was found to be one."""
        ends = [attempt.ended_at or attempt.placed_at for attempt in facts.attempts if attempt.unknown]
        inputs: dict[str, InputValue] = {"unknown": len(ends), "wait_s": self.wait_s}
        if not ends:
            return Finding(at, "no attempt to this number has an unknown end", inputs)
        rested = max(ends) + timedelta(seconds=self.wait_s)
        if at >= rested:
            return Finding(at, f"{self.wait_s} s have passed since an attempt with an unknown end", inputs)
        return Finding(rested, f"an attempt to this number has an unknown end, less than {self.wait_s} s ago", inputs)


def _zone_unknown(facts: GateFacts, inputs: dict[str, InputValue]) -> Finding:
    doubts = "; ".join(facts.zones.doubts) or "neither the list nor the number tells it"
    return Finding(None, f"the person's time zone is not known: {doubts}", inputs)


def _zone_inputs(zones: tuple[str, ...], facts: GateFacts, at: datetime) -> dict[str, InputValue]:
    local = [at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds") for zone in zones]
    return {"zones": ",".join(zones), "local_times": ",".join(local), "max_ring_ms": round(facts.max_ring_s * 1000)}


def _on_or_after_today(attempts: Iterable[EarlierAttempt], zone: str, at: datetime) -> list[date]:
    """The local days of attempts placed today; later ones too: after a clock that stepped back they still count."""
    zone_info = ZoneInfo(zone)
    today = at.astimezone(zone_info).date()
    days = (attempt.placed_at.astimezone(zone_info).date() for attempt in attempts)
    return [day for day in days if day >= today]
