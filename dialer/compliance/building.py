"""Builds one version of a pack from its documents: checked against the schema, read, checked as a whole, hashed.

Everything raises DocumentError, which names file, line and reason. Nothing is guessed, and nothing defaulted that could
loosen a rule.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from dialer.compliance.checks import contradiction
from dialer.compliance.hours import CallingWindow
from dialer.compliance.overrides import Override
from dialer.compliance.policy import SHORT_HASH, Pack
from dialer.compliance.reading import RuleText, build_rule
from dialer.compliance.recordings import recording_rules
from dialer.compliance.rule import Rule
from dialer.compliance.schema import check_override, check_pack
from schedules.calendar import WorkCalendar, calendar_from_json
from schedules.documents import Document, DocumentError, Place
from schedules.zones import is_zone, zones_of_region


def build_pack(document: Document, calendar: WorkCalendar | None, overrides: Sequence[Override] = ()) -> Pack:
    """The pack of a document that names `calendar`, with the overrides on it, in their order."""
    check_pack(document)
    data = document.data
    _check_head(document)
    valid_from, valid_through = _dates(document)
    content = _content(document, calendar, overrides)
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    texts = _texts(document, calendar, overrides, sha256)
    rules = tuple(build_rule(text) for text in texts)
    _check_calendar(document, rules, calendar, valid_from)
    found = contradiction(rules)
    if found is not None:
        raise texts[rules.index(found[0])].fail((), found[1])
    return Pack(
        name=data["pack"],
        title=data["title"],
        status=_status(data["status"], overrides),
        jurisdiction=data["jurisdiction"],
        valid_from=valid_from,
        valid_through=valid_through,
        zone=data["zone"],
        calendar=calendar,
        rules=rules,
        sha256=sha256,
        content=content,
        recordings=recording_rules(document, valid_from, overrides),
    )


def build_override(document: Document) -> Override:
    """A checked override; whether its changes fit shows when it is put on a pack."""
    check_override(document)
    data = document.data
    return Override(document, data["override"], data["pack"], data["status"], _date(document, "valid_from"))


def documents_of(content: str) -> tuple[Document, WorkCalendar | None, tuple[Override, ...]]:
    """What a pack's content was made of; it has no lines of its own."""
    parts = json.loads(content)
    calendar = parts["calendar"]
    return (
        Document("stored pack", parts["pack"], {}),
        None if calendar is None else replace(calendar_from_json(calendar["document"]), source=calendar["source"]),
        tuple(build_override(Document("stored override", override, {})) for override in parts["overrides"]),
    )


def _check_head(document: Document) -> None:
    data = document.data
    if not is_zone(data["zone"]):
        raise document.error(("zone",), f"{data['zone']!r} is not an IANA zone like Asia/Shanghai")
    if not zones_of_region(data["jurisdiction"]):
        raise document.error(("jurisdiction",), f"{data['jurisdiction']!r} is not the ISO 3166 code of a country")


def _dates(document: Document) -> tuple[date, date | None]:
    first = _date(document, "valid_from")
    last = _date(document, "valid_through") if "valid_through" in document.data else None
    if last is not None and last < first:
        raise document.error(("valid_through",), f"{last} is before valid_from {first}")
    return first, last


def _date(document: Document, key: str) -> date:
    try:
        return date.fromisoformat(document.data[key])
    except ValueError as error:
        raise document.error((key,), f"{document.data[key]!r} is not a date") from error


def _content(document: Document, calendar: WorkCalendar | None, overrides: Sequence[Override]) -> str:
    """Comments, layout and the order of keys do not change it."""
    parts = {
        "pack": document.data,
        "calendar": None if calendar is None else {"document": calendar.document_json, "source": calendar.source},
        "overrides": [override.document.data for override in overrides],
    }
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _status(status: str, overrides: Sequence[Override]) -> str:
    """In force only when all parts are."""
    return next((override.status for override in overrides if override.status != "in force"), status)


def _texts(
    document: Document, calendar: WorkCalendar | None, overrides: Sequence[Override], sha256: str
) -> list[RuleText]:
    """The rules as written, and their variants where overrides change them, each with a key of its own."""
    data = document.data
    texts: list[RuleText] = []
    for index, rule in enumerate(data["rules"]):
        if any(rule["id"] == text.data["id"] for text in texts):
            raise document.error(("rules", index, "id"), f"a second rule with the id {rule['id']!r}")
        key = f"{data['pack']}:{rule['id']}:{sha256[:SHORT_HASH]}"
        texts.append(RuleText(rule, data["zone"], calendar, key, partial(_error_within, document, ("rules", index))))
    for override in overrides:
        texts = override.change(texts, data["zone"])
    seen: dict[str, int] = {}
    for place, text in enumerate(texts):
        variant = seen[text.key] = seen.get(text.key, 0) + 1
        texts[place] = text if variant == 1 else text.but(key=f"{text.key}:{variant}")
    return texts


def _error_within(document: Document, around: Place, place: Place, reason: str) -> DocumentError:
    return document.error((*around, *place), reason)


def _check_calendar(document: Document, rules: Sequence[Rule], calendar: WorkCalendar | None, first: date) -> None:
    """A calendar that rules ask must hold the pack's first day."""
    asks = any(isinstance(rule.body, CallingWindow) and rule.body.calendar is not None for rule in rules)
    if calendar is not None and asks and not calendar.complete_from <= first <= calendar.complete_through:
        held = f"{calendar.complete_from} through {calendar.complete_through}"
        reason = f"the calendar {calendar.name} ({calendar.source}) holds {held}, not the first day {first}"
        raise document.error(("calendar",), reason)
