"""Overrides: what a bank or an agency changes in the rules of a pack, from a day on, for all calls or for some."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from dialer.compliance.reading import RuleText, conditions
from dialer.compliance.rule import Conditions
from dialer.compliance.schema import check_rule
from schedules.documents import Document, DocumentError, Place
from schedules.windows import day_start

_REPLACES: Mapping[str, str] = {"week": "hours", "hours": "week"}
"""Stating the one takes the other away."""


@dataclass(frozen=True, slots=True)
class Override:
    """A checked override file."""

    document: Document
    name: str
    pack: str
    status: str
    valid_from: date

    def change(self, variants: Sequence[RuleText], zone: str) -> list[RuleText]:
        """The variants of the rules of a pack, those that this override changes split into before and after.

        DocumentError when it names a rule that is not among them, or changes what a rule is.
        """
        changed = list(variants)
        for index, change in enumerate(self.document.data.get("rules", ())):
            self._check(change, ("rules", index), {text.data["id"] for text in variants})
            since = day_start(self.valid_from, zone)
            changed = [part for text in changed for part in self._split(text, change, index, since)]
        return changed

    def _check(self, change: Mapping[str, Any], place: Place, known: set[str]) -> None:
        if change["id"] not in known:
            raise self.document.error((*place, "id"), f"the pack {self.pack} has no rule {change['id']!r}")
        if "kind" in change:
            raise self.document.error((*place, "kind"), "an override cannot change the kind of a rule")

    def _split(self, text: RuleText, change: Mapping[str, Any], index: int, since: datetime) -> list[RuleText]:
        if text.data["id"] != change["id"] or text.until <= since:
            return [text]
        begins = max(text.since, since)
        parts = [text.but(until=begins)] if text.since < begins else []
        calls = self._calls()
        if calls is not None:
            parts.append(text.but(since=begins, not_for=(*text.not_for, calls)))
        only_for = text.only_for if calls is None else (*text.only_for, calls)
        dropped = {_REPLACES[key] for key in change if key in _REPLACES}
        data = {key: value for key, value in text.data.items() if key not in dropped} | dict(change)
        fail = partial(self._error_within, ("rules", index))
        check_rule(data, fail)
        return [*parts, text.but(data=data, since=begins, only_for=only_for, fail=fail)]

    def _calls(self) -> Conditions | None:
        data = self.document.data.get("for")
        return None if data is None else conditions(data)

    def _error_within(self, around: Place, place: Place, reason: str) -> DocumentError:
        return self.document.error((*around, *place), f"{reason} (in the rule as changed)")
