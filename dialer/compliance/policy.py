"""A policy: the packs in force, each rule with the time in which it binds. Loading is `packs`; evaluating is `gate`."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import groupby
from zoneinfo import ZoneInfo

from dialer.compliance.demand import Demand
from dialer.compliance.facts import GateFacts
from dialer.compliance.recordings import RecordingRules
from dialer.compliance.registry import NO_REGISTRY, Registry
from dialer.compliance.rule import BEGINNING, FOREVER, NO_DEMAND, Body, Rule
from dialer.model.decision import Finding, RuleResult
from recording.retention import Terms
from schedules.calendar import WARN_BEFORE, WorkCalendar
from schedules.windows import day_start

DAY = timedelta(days=1)
SHORT_HASH = 12
IN_FORCE = "in-force"


@dataclass(frozen=True, slots=True)
class Pack:
    """One version of a pack, overrides applied.

    `content` is canonical JSON from which the same pack can be built again; `sha256` is of it: of the rules, of the
    calendar they read and of the overrides on them.
    """

    name: str
    title: str
    status: str
    jurisdiction: str
    valid_from: date
    valid_through: date | None
    zone: str
    calendar: WorkCalendar | None = field(compare=False)
    rules: tuple[Rule, ...] = field(compare=False, repr=False)
    sha256: str
    content: str = field(repr=False)
    recordings: tuple[RecordingRules, ...] = field(default=(), compare=False, repr=False)
    """By the day they begin, the first on `valid_from`."""

    def recording_rules(self, day: date) -> RecordingRules | None:
        """What the pack says of recordings on a day of its own clock."""
        return next((rules for rules in reversed(self.recordings) if rules.since <= day), None)


@dataclass(frozen=True, slots=True)
class InForce(Body):
    """The first rule of every pack, implied: outside the dates of all its versions a pack refuses every call.

    `code` says on which side of its dates this is the rule for ("" inside them), `day` which date ends or begins there.
    """

    pack: str
    code: str = ""
    day: date = date.min

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """A gap between the versions ends where this rule ends to bind, not before."""
        return None if self.code else at

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """From or until when the pack is valid."""
        return Finding(self.code, {"pack": self.pack, "day": self.day.isoformat()})


@dataclass(frozen=True, slots=True)
class Bound:
    """A rule and when it binds: from `start` to before `end`. `kept` is its result wherever it counts nothing."""

    rule: Rule
    pack: str
    start: datetime
    end: datetime
    kept: RuleResult

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """As `Body.opens`: outside its time, and for calls it is not about, a rule allows."""
        return self.opens_bound(facts, at) if self.binds(facts, at) else at

    def binds(self, facts: GateFacts, at: datetime) -> bool:
        """Whether the rule is in force and about the call."""
        return self.start <= at < self.end and (self.rule.concerns_all or self.rule.concerns(facts))

    def opens_bound(self, facts: GateFacts, at: datetime) -> datetime | None:
        """The same at an instant at which it binds."""
        opens = self.rule.opens(facts, at)
        if opens is None or opens >= self.end:
            return None if self.end == FOREVER else self.end
        return opens


@dataclass(frozen=True)
class Policy:
    """Packs in force together; the strictest wins. Without any pack there is no policy: ValueError.

    `packs` holds every version of every pack. `retiring` packs bind beside them until an instant: what was in force
    before a change in mid-day. `bounds` is what the gate evaluates.
    """

    packs: tuple[Pack, ...]
    registry: Registry = NO_REGISTRY
    retiring: tuple[tuple[Pack, datetime], ...] = ()
    bounds: tuple[Bound, ...] = field(init=False, repr=False, compare=False)
    pack_hash: str = field(init=False)
    demand: Demand = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not self.packs:
            raise ValueError("a policy needs at least one pack: without rules no call is allowed")
        bounds = [bound for versions in _by_name(self.packs) for bound in _bounds(versions, FOREVER)]
        for until, group in groupby(sorted(self.retiring, key=_until), key=_until):
            for versions in _by_name(pack for pack, _ in group):
                bounds.extend(_bounds(versions, until))
        object.__setattr__(self, "bounds", tuple(bounds))
        object.__setattr__(self, "pack_hash", _joint_hash(self.used_packs))
        demands = (bound.rule.body.demand for bound in bounds)
        object.__setattr__(self, "demand", reduce(Demand.__or__, demands, NO_DEMAND))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules of all packs, as written: without the implied ones."""
        return tuple(rule for pack in self.used_packs for rule in pack.rules)

    @property
    def used_packs(self) -> tuple[Pack, ...]:
        """The packs whose rules are evaluated, each once, the retiring ones last."""
        return tuple({pack.sha256: pack for pack in (*self.packs, *(pack for pack, _ in self.retiring))}.values())

    @property
    def house_zone(self) -> ZoneInfo:
        """The clock of the house: that of the first pack."""
        return ZoneInfo(self.packs[0].zone)

    def house_day(self, now: datetime) -> date:
        """Which day it is where the house is: registrations are in force by days."""
        return now.astimezone(self.house_zone).date()

    @property
    def last_days(self) -> dict[str, date]:
        """By pack, the day after which it refuses every call: where its newest version has an end."""
        newest = (versions[-1] for versions in _by_name(self.packs))
        return {pack.name: pack.valid_through for pack in newest if pack.valid_through is not None}

    def recording_rules(self, at: datetime) -> tuple[RecordingRules, ...]:
        """What each pack says of recordings at an instant: its newest version that has begun, be it over or not."""
        found: list[RecordingRules] = []
        for versions in _by_name(self.packs):
            today = at.astimezone(ZoneInfo(versions[0].zone)).date()
            begun = [rules for pack in versions if (rules := pack.recording_rules(today)) is not None]
            found += begun[-1:]
        return tuple(found)

    def retention(self, at: datetime) -> tuple[Terms, ...]:
        """How long the packs in force at an instant keep recordings."""
        return tuple(rules.terms for rules in self.recording_rules(at) if rules.terms is not None)

    def notice_required(self, at: datetime) -> bool:
        """Whether the called person must be told that the call is recorded: one pack is enough."""
        return any(rules.notice for rules in self.recording_rules(at))

    def with_retiring(self, packs: Sequence[tuple[Pack, datetime]]) -> "Policy":
        """The same policy with `packs` binding beside it, each until its instant (aware); others retire no more.

        Name all versions of a pack that were in force together. A pack none of whose versions changed is left out.
        """
        current = {_name(versions[0]): _hashes(versions) for versions in _by_name(self.packs)}
        retiring: list[tuple[Pack, datetime]] = []
        for until, group in groupby(sorted(packs, key=_until), key=_until):
            for versions in _by_name(pack for pack, _ in group):
                if current.get(versions[0].name) != _hashes(versions):
                    retiring.extend((pack, until) for pack in versions)
        return replace(self, retiring=tuple(retiring))

    def warnings(self, today: date) -> tuple[str, ...]:
        """What a supervisor should know before it refuses calls: drafts, calendars and packs that run out."""
        found = [
            f"the policy pack {pack.name} of {pack.valid_from} is {pack.status!r}"
            for pack in self.packs
            if pack.status != "in force"
        ]
        calendars = {pack.calendar.name: pack.calendar for pack in self.packs if pack.calendar is not None}
        found += [warning for calendar in calendars.values() if (warning := calendar.warning(today)) is not None]
        found += [
            f"the policy pack {name} {'ends' if last_day >= today else 'has ended'} on {last_day}; "
            "it refuses every call after that day"
            for name, last_day in self.last_days.items()
            if last_day - today <= WARN_BEFORE
        ]
        return tuple(found)


def _name(pack: Pack) -> str:
    return pack.name


def _until(retiring: tuple[Pack, datetime]) -> datetime:
    return retiring[1]


def _hashes(packs: Iterable[Pack]) -> frozenset[str]:
    return frozenset(pack.sha256 for pack in packs)


def _by_name(packs: Iterable[Pack]) -> list[tuple[Pack, ...]]:
    """The versions of each pack by their dates, the packs in the order in which they were named."""
    named: dict[str, list[Pack]] = {}
    for pack in packs:
        named.setdefault(pack.name, []).append(pack)
    return [tuple(sorted(versions, key=lambda pack: pack.valid_from)) for versions in named.values()]


def _joint_hash(packs: Sequence[Pack]) -> str:
    """The hash of one pack, or of the sorted hashes of several: their order does not matter."""
    if len(packs) == 1:
        return packs[0].sha256
    return hashlib.sha256("\n".join(sorted(pack.sha256 for pack in packs)).encode()).hexdigest()


def _bounds(versions: Sequence[Pack], until: datetime) -> Iterator[Bound]:
    """The rules of all versions of one pack, none beyond `until`, and the implied ones in and between the versions."""
    first, gap_from = versions[0], BEGINNING
    gap = InForce(first.name, "not_yet_in_force", first.valid_from)
    for index, pack in enumerate(versions):
        start, end = _term(pack, versions[index + 1] if index + 1 < len(versions) else None)
        if gap_from < start:
            yield from _bind(_implied(pack, gap), pack, gap_from, min(start, until))
        yield from _bind(_implied(pack, InForce(pack.name)), pack, start, min(end, until))
        for rule in pack.rules:
            yield from _bind(rule, pack, max(start, rule.since), min(end, rule.until, until))
        gap, gap_from = InForce(pack.name, "no_longer_in_force", pack.valid_through or pack.valid_from), end
    if gap_from < FOREVER:
        yield from _bind(_implied(versions[-1], gap), versions[-1], gap_from, until)


def _term(pack: Pack, following: Pack | None) -> tuple[datetime, datetime]:
    """From the midnight of its first day to that after its last, or to the next version's first."""
    end = FOREVER if pack.valid_through is None else day_start(pack.valid_through + DAY, pack.zone)
    if following is not None:
        end = min(end, day_start(following.valid_from, following.zone))
    return day_start(pack.valid_from, pack.zone), end


def _implied(pack: Pack, body: Body) -> Rule:
    return Rule(f"{pack.name}.{IN_FORCE}", "in_force", "the dates of the pack", body)


def _bind(rule: Rule, pack: Pack, start: datetime, end: datetime) -> Iterator[Bound]:
    """The rule with its time, if there is any."""
    if start < end:
        short = pack.sha256[:SHORT_HASH]
        yield Bound(rule, short, start, end, RuleResult(rule.rule_id, True, short, rule.effect))
