"""How long a recording is kept: what the law asks, what the house wants, when it must be gone, and what holds it. Pure.

Periods run by the calendar, in the zone of the rules that name them, from the day on which the call ended. That day is
not counted, and a period of years ends with the last hour of the day that bears the same date, or of the month's last
day where there is none (Civil Code of China §§201-203; Regulation (EEC, Euratom) 1182/71 art. 3). Until then the law's
minimum forbids a deletion; a recording is overdue once the whole last day of its delete-by period has passed.

Of several rules the strictest wins: the longest minimum, the longest house period, the earliest delete-by. A minimum
outranks a delete-by, a delete-by outranks what the house would like to keep. Doubt keeps: without rules nothing goes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from schedules.windows import day_start

DAY = timedelta(days=1)
PERIOD = re.compile(r"(?:(?P<years>[1-9][0-9]?)y)?(?:(?(years)\+)(?P<days>[1-9][0-9]{0,3})d)?")
DAYS_A_YEAR = 365
LEAP_YEARS_EVERY = 4


@dataclass(frozen=True, slots=True)
class Period:
    """Years and then days, by the calendar."""

    years: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """A period like `2y`, `90d` or `5y+90d`; ValueError for anything else."""
        found = PERIOD.fullmatch(text)
        if not text or found is None:
            raise ValueError(f"{text!r} is not a period like 2y, 90d or 5y+90d")
        return cls(int(found["years"] or 0), int(found["days"] or 0))

    def __str__(self) -> str:
        parts = [f"{self.years}y"] if self.years else []
        return "+".join([*parts, f"{self.days}d"] if self.days or not parts else parts)

    def last_day(self, first: date) -> date:
        """The last day of the period, begun on `first`, which is not counted."""
        year = first.year + self.years
        try:
            same = first.replace(year=year)
        except ValueError:  # 29 February: the month's last day
            same = date(year, 2, 28)
        return same + timedelta(days=self.days)

    def covers(self, other: "Period") -> bool:
        """Whether it never ends before the other one, whatever day both begin on."""
        if self.years == other.years:
            return self.days >= other.days
        return _days_of(self)[0] >= _days_of(other)[1]


def _days_of(period: Period) -> tuple[int, int]:
    """The fewest and the most days a period has: how many leap days lie in its years depends on where it begins."""
    n_years = period.years
    days = n_years * DAYS_A_YEAR + n_years // LEAP_YEARS_EVERY + period.days
    return days - bool(n_years), days + bool(n_years % LEAP_YEARS_EVERY)


@lru_cache(maxsize=4096)
def _end(period: Period, first: date, zone: str) -> datetime:
    """Recordings of one day share it: a dry run asks for a million of them."""
    return day_start(period.last_day(first) + DAY, zone)


NOTHING = Period()


@dataclass(frozen=True, slots=True)
class Terms:
    """What one set of rules asks. `name` is the rules' own; `zone` (IANA) whose days count. `delete_by` None: never."""

    name: str
    zone: str
    law_min: Period = NOTHING
    house: Period = NOTHING
    delete_by: Period | None = None

    def until(self, period: Period, ended_at: datetime) -> datetime:
        """When the period is over for a call that ended at `ended_at` (both aware)."""
        return _end(period, ended_at.astimezone(ZoneInfo(self.zone)).date(), self.zone)

    @property
    def contradiction(self) -> str | None:
        """What is wrong within the terms themselves, in words."""
        for name, period in (("law_min", self.law_min), ("house", self.house)):
            if self.delete_by is not None and not self.delete_by.covers(period):
                return f"delete_by {self.delete_by} may end before {name} {period}"
        return None


def conflict(terms: Sequence[Terms]) -> str | None:
    """In words, which terms cannot bind together: one asks to delete what another still asks to keep."""
    for keeping in terms:
        for deleting in terms:
            if deleting.delete_by is not None and not deleting.delete_by.covers(keeping.law_min):
                return (
                    f"{deleting.name} asks to delete recordings by {deleting.delete_by}, which may end before the "
                    f"minimum of {keeping.law_min} that {keeping.name} asks for"
                )
    return None


def binding(now: Sequence[Terms], then: Sequence[Terms]) -> tuple[Terms, ...]:
    """What binds a recording: the terms of now and, as far as they keep it longer, those of the call's day."""
    return (*now, *(replace(terms, delete_by=None) for terms in then if terms not in now))


def kept_after(terms: Sequence[Terms], now: datetime) -> datetime | None:
    """Recordings of calls begun at or after this instant all stay by these terms; None: every recording does.

    Those of before are judged one by one; this spares a look at most of the others.
    """
    if not terms:
        return None
    law = max(_days_of(each.law_min)[0] for each in terms)
    house = max(_days_of(each.house)[0] for each in terms)
    ends = [_days_of(each.delete_by)[0] for each in terms if each.delete_by is not None]
    n_days = max(law, min([house, *ends]))
    return now - timedelta(days=max(0, n_days - 1))


class HoldScope(str, Enum):
    """What a legal hold keeps."""

    RECORDING = "recording"
    CASE = "case"
    PERSON = "person"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold in force. `ref` names what it keeps: a recording's id, a `case_ref`, a `person_ref`, a campaign."""

    hold_id: int
    scope: HoldScope
    ref: str
    reason: str
    placed_at: datetime


class Standing(str, Enum):
    """What may be done with a recording."""

    MUST_STAY = "must_stay"
    HOUSE_PERIOD = "house_period"
    """The law would let it go, the house keeps it a while longer: it goes only where a request names it."""
    MAY_GO = "may_go"
    OVERDUE = "overdue"
    """It should be gone already."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why; `retention_words` says it in English and Chinese."""

    code: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`law_until` None: nothing says until when. `gone_by` None: nothing asks to delete it."""

    standing: Standing
    law_until: datetime | None
    house_until: datetime | None
    gone_by: datetime | None
    reasons: tuple[Reason, ...]

    @property
    def may_go(self) -> bool:
        """Whether it is among what may be deleted without being named."""
        return self.standing in (Standing.MAY_GO, Standing.OVERDUE)


NO_TERMS = Verdict(Standing.MUST_STAY, None, None, None, (Reason("no_terms"),))


def judge(ended_at: datetime, terms: Sequence[Terms], holds: Sequence[Hold], now: datetime) -> Verdict:
    """What may be done at `now` with the recording of a call that ended at `ended_at` (both aware)."""
    if not terms:
        return replace(NO_TERMS, reasons=(*NO_TERMS.reasons, *(_held(hold, UTC) for hold in holds)))
    zone = ZoneInfo(terms[0].zone)
    law, law_until = _longest(terms, ended_at, lambda each: each.law_min)
    house, house_until = _longest(terms, ended_at, lambda each: each.house)
    ends = [each.until(each.delete_by, ended_at) for each in terms if each.delete_by is not None]
    gone_by = max(min(ends), law_until) if ends else None
    house_until = max(house_until if gone_by is None else min(house_until, gone_by), law_until)
    keeps = [_until("law_minimum", law, law.law_min, law_until)] if now < law_until else []
    keeps += (_held(hold, zone) for hold in holds)
    if keeps:
        return Verdict(Standing.MUST_STAY, law_until, house_until, gone_by, tuple(keeps))
    if now < house_until:
        standing, why = Standing.HOUSE_PERIOD, _until("house_period", house, house.house, house_until)
    elif gone_by is not None and now >= gone_by:
        standing, why = Standing.OVERDUE, Reason("overdue", {"since": _day(gone_by, zone)})
    else:
        standing, why = Standing.MAY_GO, Reason("period_over", {"since": _day(house_until, zone)})
    return Verdict(standing, law_until, house_until, gone_by, (why,))


def _longest(terms: Sequence[Terms], ended_at: datetime, period: Callable[[Terms], Period]) -> tuple[Terms, datetime]:
    """Whose period ends last, and when."""
    ends = [(each, each.until(period(each), ended_at)) for each in terms]
    return max(ends, key=lambda end: end[1])


def _until(code: str, terms: Terms, period: Period, until: datetime) -> Reason:
    return Reason(code, {"rules": terms.name, "period": str(period), "until": _day(until, ZoneInfo(terms.zone))})


def _held(hold: Hold, zone: tzinfo) -> Reason:
    values = {
        "hold": str(hold.hold_id),
        "scope": hold.scope.value,
        "why": hold.reason,
        "since": _day(hold.placed_at, zone),
    }
    return Reason("held", values)


def _day(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).date().isoformat()
