"""Loads policy packs: YAML checked against a JSON Schema, turned into rules, and hashed in canonical form.

A pack that is wrong stops the start: `ConfigError` with file, line and reason. Nothing is guessed and nothing defaulted
that could loosen a rule.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from dialer.compliance.policy import Pack, Policy, Rule
from dialer.compliance.rules import (
    AfterUnknown,
    AttemptCap,
    CallingWindow,
    CaseOpen,
    Counts,
    DoNotCall,
    ForbiddenHours,
    InForce,
    OneCall,
    ThirdParty,
    Zones,
)
from dialer.errors import ConfigError
from schedules.calendar import WorkCalendar, load_calendar
from schedules.documents import Document, DocumentError, Place, parse_document, read_document
from schedules.windows import Days, Forbidden, Window, minute_of_day
from schedules.zones import is_zone

DATA = Path(__file__).parent / "data"
SCHEMA = DATA / "pack.schema.json"


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs that come with the program."""
    return tuple(sorted(path.stem for path in DATA.glob("*.yaml")))


def load_policy(names: Sequence[str]) -> Policy:
    """The policy of the named packs: names of shipped ones, or paths (with a slash or ".yaml").

    Raises:
        ConfigError: no pack is named, one is named twice, is missing or wrong; the message names file, line and reason.
    """
    if not names:
        raise ConfigError("policy.packs: name at least one policy pack; without rules no call is allowed")
    packs = tuple(load_pack(name) for name in names)
    seen: dict[str, str] = {}
    for name, pack in zip(names, packs, strict=True):
        for rule in pack.rules:
            if rule.rule_id in seen:
                raise ConfigError(f"policy.packs: {name} and {seen[rule.rule_id]} both have a rule {rule.rule_id!r}")
            seen[rule.rule_id] = name
    return Policy(packs)


def load_pack(name_or_path: str) -> Pack:
    """One pack (ConfigError as in `load_policy`)."""
    try:
        if "/" in name_or_path or name_or_path.endswith(".yaml"):
            return _build(read_document(Path(name_or_path)))
        if name_or_path not in shipped_packs():
            raise ConfigError(
                f"policy.packs: there is no pack {name_or_path!r}; shipped are {', '.join(shipped_packs())}; "
                "a file of your own is named by its path"
            )
        file_name = f"{name_or_path}.yaml"
        return _build(read_document(DATA / file_name, f"dialer/compliance/data/{file_name}"))
    except DocumentError as error:
        raise ConfigError(str(error)) from error


def parse_pack(text: str, source: str) -> Pack:
    """One pack from YAML text; `source` names it in errors (ConfigError as in `load_policy`)."""
    try:
        return _build(parse_document(text, source))
    except DocumentError as error:
        raise ConfigError(str(error)) from error


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _build(document: Document) -> Pack:
    problem = best_match(_validator().iter_errors(document.data), key=_telling)
    if problem is not None:
        raise document.error(list(problem.absolute_path), _in_words(problem))
    data = document.data
    _check_zone(document)
    calendar = _calendar(document)
    valid_from = _date(document, "valid_from")
    valid_through = _date(document, "valid_through") if "valid_through" in data else None
    implied = InForce(f"{data['pack']}.in-force", data["zone"], valid_from, valid_through)
    rules = [_rule(document, index, calendar) for index in range(len(data["rules"]))]
    _check_ids(document)
    return Pack(
        name=data["pack"],
        title=data["title"],
        status=data["status"],
        valid_from=valid_from,
        valid_through=valid_through,
        zone=data["zone"],
        calendar=calendar,
        rules=(implied, *rules),
        sha256=_hash(document, calendar),
    )


def _hash(document: Document, calendar: WorkCalendar | None) -> str:
    """Of the rules and of the calendar they read: a change of either is a change of the policy."""
    parts = f"{document.sha256}\n{'' if calendar is None else calendar.sha256}"
    return hashlib.sha256(parts.encode()).hexdigest()


def _telling(error: ValidationError) -> tuple[int, bool]:
    """The deepest problem tells most; an unknown key more than the known one it was meant to be."""
    return len(error.absolute_path), error.validator == "additionalProperties"


def _in_words(problem: ValidationError) -> str:
    if problem.validator == "pattern" and isinstance(problem.schema, dict) and "description" in problem.schema:
        return f"{problem.instance!r} is not {problem.schema['description']}"
    return problem.message


def _check_zone(document: Document) -> None:
    if not is_zone(document.data["zone"]):
        raise document.error(("zone",), f"{document.data['zone']!r} is not an IANA zone like Asia/Shanghai")


def _calendar(document: Document) -> WorkCalendar | None:
    name = document.data.get("calendar")
    if name is None:
        return None
    try:
        return load_calendar(name)
    except DocumentError as error:
        raise document.error(("calendar",), str(error)) from error


def _date(document: Document, key: str) -> date:
    try:
        return date.fromisoformat(document.data[key])
    except ValueError as error:
        raise document.error((key,), f"{document.data[key]!r} is not a date") from error


def _check_ids(document: Document) -> None:
    seen: set[str] = set()
    for index, rule in enumerate(document.data["rules"]):
        if rule["id"] in seen:
            raise document.error(("rules", index, "id"), f"a second rule with the id {rule['id']!r}")
        seen.add(rule["id"])


def _rule(document: Document, index: int, calendar: WorkCalendar | None) -> Rule:
    place: Place = ("rules", index)
    data: dict[str, Any] = document.data["rules"][index]
    zone: str = document.data["zone"]
    rule_id: str = data["id"]
    match data["kind"]:
        case "calling_window":
            return _calling_window(document, place, data, calendar)
        case "forbidden_hours":
            hours = _hours(document, place, data, Forbidden)
            return ForbiddenHours(rule_id, zone, Zones(data["zones"]), *hours)
        case "attempt_cap":
            return AttemptCap(rule_id, zone, Zones(data["zones"]), Counts(data["counts"]), data["limit"])
        case "third_party":
            return ThirdParty(rule_id, data["permitted"])
        case "after_unknown":
            return AfterUnknown(rule_id, data["wait_s"])
        case "do_not_call":
            return DoNotCall(rule_id)
        case "case_open":
            return CaseOpen(rule_id)
    return OneCall(rule_id)


def _calling_window(
    document: Document, place: Place, data: dict[str, Any], calendar: WorkCalendar | None
) -> CallingWindow:
    days = Days(data["days"])
    if days is Days.WORKDAYS and calendar is None:
        raise document.error((*place, "days"), "workdays need a calendar: name one at the top of the pack")
    from_minute, to_minute = _hours(document, place, data, Window)
    return CallingWindow(
        rule_id=data["id"],
        pack_zone=document.data["zone"],
        calendar=calendar if days is Days.WORKDAYS else None,
        zones=Zones(data["zones"]),
        days=days,
        make_up_workdays=data.get("make_up_workdays", False),
        from_minute=from_minute,
        to_minute=to_minute,
    )


def _hours(
    document: Document, place: Place, data: dict[str, Any], kind: type[Window] | type[Forbidden]
) -> tuple[int, int]:
    """The minutes of `from` and `to`, checked to be what a window or forbidden hours can be."""
    hours = minute_of_day(data["from"]), minute_of_day(data["to"])
    try:
        if kind is Forbidden:
            Forbidden(document.data["zone"], *hours)
        elif hours[0] >= hours[1]:
            raise ValueError("a window begins before it ends, within one day")
    except ValueError as error:
        raise document.error((*place, "from"), str(error)) from error
    return hours
