"""A rule: what every rule may say (whom it binds, what lifts it, what follows), around a body of one kind.

A body answers one exact question: were the facts to stay, from when on would it allow? Everything the gate needs is
built from that answer. Bodies hold only data and depend on nothing but the facts and the instant (aware, UTC).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from dialer.compliance.demand import Demand
from dialer.compliance.facts import Consent, GateFacts
from dialer.model.attempt import CallPath
from dialer.model.contact import PhoneRole
from dialer.model.decision import Effect, Finding

BEGINNING = datetime.min.replace(tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)
NO_DEMAND = Demand()


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


def zone_unknown(facts: GateFacts) -> Finding:
    """What a rule finds that needs the person's clock and has none."""
    return Finding("zone_unknown", {"doubts": "; ".join(facts.zones.doubts)})


class Body(ABC):
    """What a rule of one kind says. The defaults are those of a rule that counts nothing and needs no history."""

    __slots__ = ()

    @abstractmethod
    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """The earliest instant from `at` on at which it allows, were the facts to stay; None for never. Exact."""

    @abstractmethod
    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Why it refuses at `at`; asked only when it does."""

    def count(self, facts: GateFacts, at: datetime) -> tuple[int, int] | None:
        """Of a rule that counts: how much is used at `at`, and the limit; None too when that is not known.

        Below its limit such a rule allows.
        """
        return None

    def stays_open(self, facts: GateFacts) -> bool:
        """Whether it allows ever after once it allows, were the facts to stay."""
        return True

    @property
    def demand(self) -> Demand:
        """What it must be told."""
        return NO_DEMAND


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which calls a rule or an override is about. All that are stated must fit; an empty one is not stated."""

    paths: frozenset[CallPath] = frozenset()
    roles: frozenset[PhoneRole] = frozenset()
    regions: tuple[str, ...] = ()
    agencies: frozenset[str] = frozenset()
    creditors: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()

    def fit(self, facts: GateFacts) -> bool:
        """Whether the call that is asked for is one of them."""
        return (
            (not self.paths or facts.path in self.paths)
            and (not self.roles or facts.role in self.roles)
            and (not self.agencies or facts.agency in self.agencies)
            and (not self.creditors or facts.creditor in self.creditors)
            and (not self.products or facts.product in self.products)
            and (not self.regions or any(_may_be_in(region, facts.regions) for region in self.regions))
        )


def _may_be_in(region: str, known: tuple[str, ...]) -> bool:
    """Whether somebody of these regions may be in `region`: a doubt says yes.

    There is doubt when nothing is known, and about a part of a country when no part of it is known.
    """
    if not known or any(code == region or code.startswith(f"{region}-") for code in known):
        return True
    country, _, part = region.partition("-")
    return bool(part) and country in known and not any(code.startswith(f"{country}-") for code in known)


@dataclass(frozen=True, slots=True)
class Exemption:
    """What lifts a rule: a recorded consent of that kind, of any age or given within so many days of 24 hours."""

    consent: str
    within_days: int | None = None

    def begins(self, consents: tuple[Consent, ...], at: datetime) -> datetime | None:
        """The earliest instant from `at` on at which it lifts; None for never."""
        if not consents:
            return None
        return consent_from(consents, self.consent, at, self.within_days)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack, or one variant of it where an override changed it for some calls or from some day on.

    `only_for` and `not_for` say which calls the variant is about: all of the first must fit and none of the second.
    It binds from `since` to before `until`. At any instant at most one variant of a rule concerns a call.
    """

    rule_id: str
    kind: str
    source: str
    body: Body
    effect: Effect = Effect.BLOCK
    applies_if: Conditions | None = None
    exempt_if: Exemption | None = None
    note: str = ""
    only_for: tuple[Conditions, ...] = ()
    not_for: tuple[Conditions, ...] = ()
    since: datetime = BEGINNING
    until: datetime = FOREVER

    @property
    def concerns_all(self) -> bool:
        """Whether every call is meant."""
        return not self.only_for and not self.not_for

    def stays_open(self, facts: GateFacts) -> bool:
        """As `Body.stays_open`; a consent that lifts it may expire."""
        return (self.exempt_if is None or not facts.consents) and self.body.stays_open(facts)

    def concerns(self, facts: GateFacts) -> bool:
        """Whether this is the variant that is about the call."""
        return all(calls.fit(facts) for calls in self.only_for) and not any(calls.fit(facts) for calls in self.not_for)

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """As `Body.opens`, with what lifts the rule."""
        if self.applies_if is not None and not self.applies_if.fit(facts):
            return at
        if facts.dedicated_agent and self.effect is Effect.DEDICATED_AGENT:
            return at
        opens = self.body.opens(facts, at)
        if self.exempt_if is not None and opens != at:
            exempt = self.exempt_if.begins(facts.consents, at)
            return exempt if opens is None or (exempt is not None and exempt < opens) else opens
        return opens


def consent_from(
    consents: tuple[Consent, ...], kind: str, at: datetime, within_days: int | None = None
) -> datetime | None:
    """The earliest instant from `at` on at which a consent of that kind is in force; None for never.

    `within_days`: it is no longer looked at once so many times 24 hours have passed since it was given.
    """
    starts = []
    for consent in consents:
        if consent.kind == kind:
            start, end = max(at, consent.given_at), _ends(consent, within_days)
            if end is None or start < end:
                starts.append(start)
    return min(starts, default=None)


def _ends(consent: Consent, within_days: int | None) -> datetime | None:
    if within_days is None:
        return consent.expires_at
    oldest = consent.given_at + timedelta(days=within_days)
    return oldest if consent.expires_at is None else min(oldest, consent.expires_at)
