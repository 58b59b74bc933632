"""A policy: one or several packs of rules. Loading them from files is `packs`; evaluating them is `gate`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from dialer.compliance.facts import GateFacts
from schedules.calendar import WorkCalendar

InputValue = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says at one instant, in words, and what it read."""

    reason: str
    inputs: Mapping[str, InputValue]


class Rule(Protocol):
    """One rule of a pack. Its answers depend on nothing but its own data, the facts and the instant (aware, UTC)."""

    @property
    def rule_id(self) -> str:
        """The name a refusal is known by, unique within a policy."""
        ...

    def opens(self, facts: GateFacts, at: datetime) -> datetime | None:
        """The earliest instant from `at` on at which the rule allows, were the facts to stay; None for never. Exact."""
        ...

    def explain(self, facts: GateFacts, at: datetime) -> Finding:
        """Why it allows or refuses at `at`."""
        ...


@dataclass(frozen=True, slots=True)
class Pack:
    """A dated set of rules from one file; `sha256` is of its canonical form and that of its calendar together."""

    name: str
    title: str
    status: str
    valid_from: date
    valid_through: date | None
    zone: str
    calendar: WorkCalendar | None
    rules: tuple[Rule, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Packs in force together; the strictest wins. Without any pack there is no policy: ValueError."""

    packs: tuple[Pack, ...]

    def __post_init__(self) -> None:
        if not self.packs:
            raise ValueError("a policy needs at least one pack: without rules no call is allowed")

    @property
    def pack_hash(self) -> str:
        """The pack's SHA-256 in hex; of several packs, the SHA-256 of their sorted hashes."""
        if len(self.packs) == 1:
            return self.packs[0].sha256
        return hashlib.sha256("\n".join(sorted(pack.sha256 for pack in self.packs)).encode()).hexdigest()

    def warnings(self, today: date) -> tuple[str, ...]:
        """What a supervisor should know before it refuses calls: drafts, calendars and packs that run out."""
        found = [f"the policy pack {pack.name} is {pack.status!r}" for pack in self.packs if pack.status != "in force"]
        calendars = {pack.calendar.name: pack.calendar for pack in self.packs if pack.calendar is not None}
        found += [warning for calendar in calendars.values() if (warning := calendar.warning(today)) is not None]
        return tuple(found)
