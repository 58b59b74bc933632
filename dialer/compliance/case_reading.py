"""Reads the test cases of a policy pack: YAML checked against a schema, turned into facts and what is expected of them.

A case names only the facts that matter to it; all others are those of an ordinary own number of an ordinary person:
in the pack's zone, an open case, no earlier calls, nothing on any list, and a caller ID registered for what the pack
asks.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from dialer.compliance.facts import (
    BudgetUse,
    Consent,
    EarlierAttempt,
    GateFacts,
    Inconvenient,
    OwnNumber,
    ShownNumber,
    Tally,
)
from dialer.compliance.packs import PACKS
from dialer.compliance.policy import Policy
from dialer.compliance.standing import CallerId
from dialer.errors import ConfigError
from dialer.model.attempt import CallPath, Disposition
from dialer.model.contact import CaseStatus, PhoneRole
from dialer.model.verdict_sample import Heard
from schedules.calendar import WEEKDAYS
from schedules.documents import Document, DocumentError, Place, read_document
from schedules.hours import minute_of_day
from schedules.zones import ZoneCandidates, candidates, is_zone

CASES_SCHEMA = PACKS / "cases.schema.json"
ORDINARY_RING_S = 28.0
NEVER = "never"
_OF_REFUSALS = ("rule", "refused", "retry_at", "needs_agent")
_LINKS = ("phone", "person", "case", "campaign")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the gate must answer. None: not asked. `never_again`: no passing of time helps."""

    allowed: bool
    rule: str | None = None
    refused: frozenset[str] | None = None
    warned: frozenset[str] | None = None
    retry_at: datetime | None = None
    never_again: bool = False
    needs_agent: bool | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One situation. `place` is file and line."""

    name: str
    place: str
    at: datetime
    facts: GateFacts
    expect: Expectation


def read_cases(path: Path, policy: Policy) -> tuple[Case, ...]:
    """The cases of a file; the policy says what is ordinary and which rules there are.

    Raises:
        ConfigError: the table is wrong; the message names file, line and reason.
    """
    try:
        document = read_document(path)
        _check(document)
        return tuple(_case(document, index, policy) for index in range(len(document.data)))
    except DocumentError as error:
        raise ConfigError(str(error)) from error


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(CASES_SCHEMA.read_text(encoding="utf-8")))


def _check(document: Document) -> None:
    problem = best_match(_validator().iter_errors(document.data))
    if problem is not None:
        raise document.error(list(problem.absolute_path), problem.message)
    seen: set[str] = set()
    for index, data in enumerate(document.data):
        if data["name"] in seen:
            raise document.error((index, "name"), f"a second case with the name {data['name']!r}")
        seen.add(data["name"])


def _case(document: Document, index: int, policy: Policy) -> Case:
    data = document.data[index]
    reader = _Reader(document, policy)
    facts = reader.facts(data.get("facts", {}), (index, "facts"))
    expect = reader.expectation(data["expect"], (index, "expect"))
    place = f"{document.source}:{document.line((index,))}"
    return Case(data["name"], place, reader.instant(data["at"], (index, "at")), facts, expect)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns checked values into facts; what the schema cannot say is refused with its line."""

    document: Document
    policy: Policy

    def facts(self, data: Mapping[str, Any], place: Place) -> GateFacts:
        """The facts of a case, the ordinary ones where it is silent."""
        own = data.get("own_numbers")
        agency = data.get("agency", "")
        return GateFacts(
            zones=self._zones(data, place),
            max_ring_s=float(data.get("max_ring_s", ORDINARY_RING_S)),
            role=PhoneRole(data.get("role", PhoneRole.OWN)),
            case_status=CaseStatus(data.get("case_status", CaseStatus.OPEN)),
            do_not_call=data.get("do_not_call", False),
            attempts=self._attempts(data.get("attempts", []), (*place, "attempts")),
            path=CallPath(data.get("path", CallPath.PROGRESSIVE)),
            dedicated_agent=data.get("dedicated_agent", False),
            person_stop=CaseStatus(data["person_stop"]) if "person_stop" in data else None,
            regions=(data["region"],) if "region" in data else (),
            agency=agency,
            agency_listed=data.get("agency_listed", True),
            creditor=data.get("creditor", ""),
            product=data.get("product", ""),
            caller_id=self._shown(data.get("caller_id", {}), agency),
            consents=self._consents(data.get("consents", ()), (*place, "consents")),
            inconvenient=self._inconvenient(data.get("inconvenient", ()), (*place, "inconvenient")),
            own_numbers=None if own is None else tuple(OwnNumber(**number) for number in own),
            tallies=self._tallies(data.get("tallies", {}), (*place, "tallies")),
            budgets=self._budgets(data.get("budgets", {}), (*place, "budgets")),
        )

    def expectation(self, data: Mapping[str, Any], place: Place) -> Expectation:
        """What a case expects; of an allowed call nothing that only refusals have."""
        for key in _OF_REFUSALS:
            if key in data and data["allowed"]:
                raise self.document.error((*place, key), "a call that is allowed has none")
        named = [data["rule"]] if "rule" in data else []
        self._check_rules([*named, *data.get("refused", ()), *data.get("warned", ())], place)
        retry_at = data.get("retry_at")
        return Expectation(
            allowed=data["allowed"],
            rule=data.get("rule"),
            refused=frozenset(data["refused"]) if "refused" in data else None,
            warned=frozenset(data["warned"]) if "warned" in data else None,
            retry_at=None if retry_at in (None, NEVER) else self.instant(retry_at, (*place, "retry_at")),
            never_again=retry_at == NEVER,
            needs_agent=data.get("needs_agent"),
        )

    def instant(self, text: str, place: Place) -> datetime:
        """An instant in UTC; the schema has seen to its offset."""
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except ValueError as error:
            raise self.document.error(place, f"{text!r} is not an instant: {error}") from error

    def _optional(self, data: Mapping[str, Any], key: str, place: Place) -> datetime | None:
        return self.instant(data[key], (*place, key)) if key in data else None

    def _zones(self, data: Mapping[str, Any], place: Place) -> ZoneCandidates:
        named = data.get("zones", [] if "number" in data else [self.policy.packs[0].zone])
        for index, zone in enumerate(named):
            if not is_zone(zone):
                raise self.document.error((*place, "zones", index), f"{zone!r} is not an IANA zone like Asia/Shanghai")
        found = candidates(data["number"]) if "number" in data else ZoneCandidates()
        return ZoneCandidates(tuple(sorted({*named, *found.zones})), found.doubts)

    def _attempts(self, data: Any, place: Place) -> tuple[EarlierAttempt, ...]:
        if isinstance(data, list):
            return tuple(self._attempt(each, (*place, index)) for index, each in enumerate(data))
        alike = {key: value for key, value in data.items() if key != "times"}
        return tuple(self._attempt({**alike, "at": at}, (*place, "times")) for at in data["times"])

    def _attempt(self, data: Mapping[str, Any], place: Place) -> EarlierAttempt:
        same = data.get("same", _LINKS)
        return EarlierAttempt(
            placed_at=self.instant(data["at"], (*place, "at")),
            disposition=Disposition(data["disposition"]) if "disposition" in data else None,
            ended_at=self._optional(data, "ended", place),
            alerted=data.get("alerted", False),
            answered=data.get("answered", False),
            right_party=data.get("right_party"),
            conversation=data.get("conversation"),
            role=PhoneRole(data.get("role", PhoneRole.OWN)),
            same_phone="phone" in same,
            same_person="person" in same,
            same_case="case" in same,
            same_campaign="campaign" in same,
        )

    def _shown(self, data: Mapping[str, Any], agency: str) -> ShownNumber:
        asked = [rule.body for rule in self.policy.rules if isinstance(rule.body, CallerId)]
        prefix = next((body.prefixes[0] for body in asked if body.prefixes), "+")
        return ShownNumber(
            data.get("number", f"{prefix}123456"),
            tuple(data.get("purposes", sorted({body.purpose for body in asked}))),
            data.get("agency", agency),
        )

    def _consents(self, data: Sequence[Mapping[str, Any]], place: Place) -> tuple[Consent, ...]:
        return tuple(
            Consent(
                each["kind"],
                self.instant(each["given_at"], (*place, index, "given_at")),
                self._optional(each, "expires_at", (*place, index)),
            )
            for index, each in enumerate(data)
        )

    def _inconvenient(self, data: Sequence[Mapping[str, Any]], place: Place) -> tuple[Inconvenient, ...]:
        return tuple(
            Inconvenient(
                tuple(sorted(map(WEEKDAYS.index, each.get("weekdays", ())))),
                minute_of_day(each["from"]) if "from" in each else None,
                minute_of_day(each["to"]) if "to" in each else None,
                self._optional(each, "until", (*place, index)),
            )
            for index, each in enumerate(data)
        )

    def _tallies(self, data: Mapping[str, Any], place: Place) -> tuple[Tally, ...]:
        """Every count a rule asks for; none so far where the case is silent."""
        asked = [(rule.rule_id, tally.key) for rule in self.policy.rules for tally in rule.body.demand.tallies]
        self._check_known(data, asked, place)
        return tuple(
            Tally(
                key,
                data.get(rule_id, {}).get("used", 0),
                self._optional(data.get(rule_id, {}), "limiting_at", (*place, rule_id)),
            )
            for rule_id, key in asked
        )

    def _budgets(self, data: Mapping[str, Any], place: Place) -> tuple[BudgetUse, ...]:
        asked = [(rule.rule_id, budget.key) for rule in self.policy.rules for budget in rule.body.demand.budgets]
        self._check_known(data, asked, place)
        return tuple(self._budget(key, data.get(rule_id, {}), (*place, rule_id)) for rule_id, key in asked)

    def _budget(self, key: str, data: Mapping[str, Any], place: Place) -> BudgetUse:
        try:
            heard = Heard(data.get("listened", 0), data.get("people", 0), data.get("unclear", 0))
        except ValueError as error:
            raise self.document.error(place, str(error)) from error
        return BudgetUse(
            key,
            data.get("live", 0),
            data.get("abandoned", 0),
            data.get("machines", 0),
            self._optional(data, "last_abandoned_at", place),
            self._optional(data, "last_machine_at", place),
            heard,
        )

    def _check_known(self, data: Mapping[str, Any], asked: Sequence[tuple[str, str]], place: Place) -> None:
        known = {rule_id for rule_id, _ in asked}
        for rule_id in data:
            if rule_id not in known:
                raise self.document.error(
                    (*place, rule_id), f"the pack has no rule {rule_id!r} that asks for such a count"
                )

    def _check_rules(self, named: Iterable[str], place: Place) -> None:
        known = {bound.rule.rule_id for bound in self.policy.bounds}
        for rule_id in named:
            if rule_id not in known:
                raise self.document.error(place, f"the pack has no rule {rule_id!r}")
