"""Rules that count earlier attempts, or rest after one: caps, cool-offs, one call at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from dialer.compliance.demand import Demand, TallyDemand
from dialer.compliance.facts import EarlierAttempt, Event, GateFacts, Scope, Tally
from dialer.compliance.rule import Body, Zones, zone_unknown
from dialer.compliance.spans import Ever, InclusiveDays, Rolling, Span
from dialer.model.attempt import REACHED_A_PERSON, Disposition
from dialer.model.contact import PhoneRole
from dialer.model.decision import Finding, FindingValue

LONGEST_CALL_S = 12 * 3600.0
"""What is counted from its end may have been placed that much earlier."""

_Test = Callable[[EarlierAttempt], bool]
_Attempts = tuple[EarlierAttempt, ...]
_IN_CAMPAIGN: _Test = attrgetter("same_campaign")


def _unreached(attempt: EarlierAttempt) -> bool:
    return attempt.disposition not in REACHED_A_PERSON


def _conversation(attempt: EarlierAttempt) -> bool:
    """The wrap-up's word; until there is one, any answer that may have been put through to a collector."""
    if attempt.conversation is not None:
        return attempt.conversation
    if attempt.disposition is Disposition.CONNECTED:
        return True
    return attempt.answered and (attempt.in_flight or attempt.unknown)


_HAPPENED: Mapping[Event, _Test] = {
    Event.PLACED: attrgetter("placed"),
    Event.ALERTED: attrgetter("alerted"),
    Event.ANSWERED: attrgetter("answered"),
    Event.LIVE_ANSWERED: lambda attempt: attempt.disposition in REACHED_A_PERSON,
    Event.CONVERSATION: _conversation,
    Event.RIGHT_PARTY: lambda attempt: attempt.right_party is True,
    Event.MESSAGE_LEFT: lambda attempt: attempt.disposition is Disposition.MESSAGE_LEFT,
    Event.ABANDONED: lambda attempt: attempt.disposition is Disposition.ABANDONED,
    Event.UNKNOWN: attrgetter("unknown"),
}
_IN_SCOPE: Mapping[Scope, _Test] = {
    Scope.PERSON: attrgetter("same_person"),
    Scope.PERSON_DEBT: lambda attempt: attempt.same_person and attempt.same_case,
    Scope.PHONE: attrgetter("same_phone"),
    Scope.PERSON_PHONE: lambda attempt: attempt.same_person and attempt.same_phone,
    Scope.CASE: attrgetter("same_case"),
    Scope.THIRD_PARTY: lambda attempt: attempt.same_case and attempt.role is PhoneRole.THIRD_PARTY,
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Which earlier attempts a rule is about. `campaign_only`: those of the same campaign."""

    scope: Scope
    event: Event
    unreached_only: bool = False
    campaign_only: bool = False
    _in_scope: _Test = field(init=False, repr=False, compare=False)
    _happened: _Test = field(init=False, repr=False, compare=False)
    _latest: tuple[_Attempts, _Attempts] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_in_scope", _IN_SCOPE[self.scope])
        object.__setattr__(self, "_happened", _HAPPENED[self.event])
        object.__setattr__(self, "_latest", ((), ()))

    def of(self, attempts: _Attempts) -> _Attempts:
        """Those of the attempts that count; kept, since a refusal asks several times. Threads may share it."""
        asked, found = self._latest
        if asked is not attempts:
            found = self._filtered(attempts)
            object.__setattr__(self, "_latest", (attempts, found))
        return found

    def _filtered(self, attempts: _Attempts) -> _Attempts:
        found = filter(self._happened, filter(self._in_scope, attempts))
        if self.unreached_only:
            found = filter(_unreached, found)
        return tuple(filter(_IN_CAMPAIGN, found) if self.campaign_only else found)


@dataclass(frozen=True, slots=True)
class Cap(Body):
    """At most `limit` such attempts within the span, by the clock of every zone."""

    counted: Counted
    span: Span
    pack_zone: str
    zones: Zones
    limit: int

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the limit-th newest leaves the span, in the zone in which it leaves last."""
        zones = self.zones.pick(self.pack_zone, facts)
        if not zones or self.limit == 0:
            return None
        counted = self.counted.of(facts.attempts)
        if len(counted) < self.limit:
            return at  # whatever the day: spares the time zones
        limiting = sorted([attempt.placed_at for attempt in counted])[-self.limit]
        opens = at
        for zone in zones:
            leaves = self.span.leaves(zone, limiting)
            if leaves is None:
                return None
            opens = max(opens, leaves)
        return opens

    def count(self, facts: GateFacts, at: datetime) -> tuple[int, int] | None:
        """How many lie within the span at `at`; of several zones, the most."""
        zones = self.zones.pick(self.pack_zone, facts)
        if not zones:
            return None
        counted = self.counted.of(facts.attempts)
        if not counted:
            return 0, self.limit
        since = min([self.span.since(zone, at) for zone in zones])
        return sum([attempt.placed_at >= since for attempt in counted]), self.limit

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the count."""
        count = self.count(facts, at)
        return (
            zone_unknown(facts)
            if count is None
            else Finding("cap_reached", cap_values(self.counted, self.span, *count))
        )

    @property
    def demand(self) -> Demand:
        """The attempts of its scope, as far back as the span reaches."""
        return attempts_demand(self.counted.scope, self.span.longest_s)


@dataclass(frozen=True, slots=True)
class WideCap(Body):
    """A cap over a scope whose attempts are too many to list: storage counts them for the `Tally` of its `key`."""

    counted: "WideCounted"
    span: Span
    pack_zone: str
    limit: int
    key: str

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the limit-th newest leaves the span; without a tally nobody knows."""
        tally = self._tally(facts)
        if tally is None or self.limit == 0:
            return None
        if tally.used < self.limit:
            return at
        leaves = None if tally.limiting_at is None else self.span.leaves(self.pack_zone, tally.limiting_at)
        return None if leaves is None else max(at, leaves)

    def count(self, facts: GateFacts, at: datetime) -> tuple[int, int] | None:
        """What storage counted."""
        tally = self._tally(facts)
        return None if tally is None else (tally.used, self.limit)

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the count, which goes up to the limit only."""
        tally = self._tally(facts)
        if tally is None:
            return Finding("count_missing", {"scope": self.counted.scope.value})
        return Finding("cap_reached", cap_values(self.counted, self.span, tally.used, self.limit))

    def _tally(self, facts: GateFacts) -> Tally | None:
        return next((tally for tally in facts.tallies if tally.key == self.key), None)

    @property
    def demand(self) -> Demand:
        """The tally."""
        counted = self.counted
        asked = TallyDemand(
            self.key, counted.scope, counted.event, counted.unreached_only, self.span, self.pack_zone, self.limit
        )
        return Demand(tallies=(asked,))


@dataclass(frozen=True, slots=True)
class WideCounted:
    """What a wide cap counts."""

    scope: Scope
    event: Event
    unreached_only: bool = False


@dataclass(frozen=True, slots=True)
class CoolOff(Body):
    """Rest for the span after each such attempt, counted from its start or from its end."""

    counted: Counted
    span: Span
    pack_zone: str
    zones: Zones
    from_end: bool

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When the last rest is over, in the zone in which it ends last; a call in flight has no end yet."""
        zones = self.zones.pick(self.pack_zone, facts)
        counted = self.counted.of(facts.attempts)
        if not zones or (self.from_end and any(attempt.in_flight for attempt in counted)):
            return None
        if not counted:
            return at
        latest = max(map(self._begins, counted))
        leaves = [self.span.leaves(zone, latest) for zone in zones]
        known = [instant for instant in leaves if instant is not None]
        return max(at, *known) if len(known) == len(leaves) else None

    def _begins(self, attempt: EarlierAttempt) -> datetime:
        return attempt.placed_at if not self.from_end or attempt.ended_at is None else attempt.ended_at

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """With the attempt that is rested after."""
        counted = self.counted.of(facts.attempts)
        values: dict[str, FindingValue] = {"scope": self.counted.scope.value, "event": self.counted.event.value}
        if not self.zones.pick(self.pack_zone, facts):
            return zone_unknown(facts)
        if self.from_end and any(attempt.in_flight for attempt in counted):
            return Finding("cool_off_not_begun", values)
        last = max(map(self._begins, counted)).isoformat(timespec="seconds")
        return Finding("cool_off", values | span_values(self.span) | {"last": last})

    @property
    def demand(self) -> Demand:
        """The attempts of its scope, as far back as the rest lasts."""
        return attempts_demand(self.counted.scope, self.span.longest_s + (LONGEST_CALL_S if self.from_end else 0.0))


@dataclass(frozen=True, slots=True)
class OneCall(Body):
    """Never two calls at a time to the same number, or to the same person."""

    scope: Scope

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """When a call that is in flight ends no clock knows, so there is no next time."""
        return None if self._in_flight(facts) else at

    def _in_flight(self, facts: GateFacts) -> bool:
        in_scope = _IN_SCOPE[self.scope]
        return any(in_scope(attempt) for attempt in facts.attempts if attempt.disposition is None)

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """In one word."""
        return Finding("call_in_flight", {"scope": self.scope.value})


def attempts_demand(scope: Scope, seconds: float) -> Demand:
    """How far back the attempts of a scope are needed; a person's debt and third parties are found by the case."""
    if scope in (Scope.PHONE, Scope.PERSON_PHONE):
        return Demand(phone_s=seconds)
    return Demand(person_s=seconds) if scope is Scope.PERSON else Demand(case_s=seconds)


def cap_values(counted: Counted | WideCounted, span: Span, used: int, limit: int) -> dict[str, FindingValue]:
    """What a cap that is reached says."""
    return {
        "scope": counted.scope.value,
        "event": counted.event.value,
        "counts_when": "unreached" if counted.unreached_only else "any",
        "used": used,
        "limit": limit,
        **span_values(span, campaign=isinstance(counted, Counted) and counted.campaign_only),
    }


def span_values(span: Span, *, campaign: bool = False) -> dict[str, FindingValue]:
    """A span as a number and its unit."""
    match span:
        case InclusiveDays(days):
            return {"length": days, "unit": "inclusive_days"}
        case Rolling(seconds):
            hours, rest = divmod(seconds, 3600)
            return {"length": seconds // 60, "unit": "minutes"} if rest else {"length": hours, "unit": "hours"}
        case Ever():
            return {"length": None, "unit": "campaign" if campaign else "ever"}
