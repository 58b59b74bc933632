"""What a pack says of recordings: how long they are kept, and whether the person must be told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dialer.compliance.overrides import Override
from recording.retention import NOTHING, Period, Terms
from schedules.documents import Document

RETENTION = "retention"
NOTICE = "recording_notice"


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """From `since` (a day of the pack's clock) on. `terms` None: the pack does not say how long recordings are kept."""

    since: date
    terms: Terms | None
    notice: bool
    """Whether the called person must be told that the call is recorded."""


def recording_rules(document: Document, valid_from: date, overrides: Sequence[Override]) -> tuple[RecordingRules, ...]:
    """A pack's rules by the day they begin: as written, and as each override leaves them. DocumentError."""
    data = document.data
    rules = [RecordingRules(valid_from, _terms(document, data, data.get(RETENTION)), _required(data.get(NOTICE)))]
    written = data.get(RETENTION)
    for override in sorted(overrides, key=lambda each: each.valid_from):
        changes = override.document.data
        if not {RETENTION, NOTICE} & set(changes):
            continue
        if "for" in changes:
            raise override.document.error(
                ("for",), "recordings are kept by one rule: such an override is for all calls"
            )
        before = rules[-1]
        terms = before.terms
        if RETENTION in changes:
            written = {**(written or {}), **changes[RETENTION]}
            terms = _terms(override.document, data, written)
            _check_minimum(override.document, before.terms, terms)
        notice = _required(changes[NOTICE]) if NOTICE in changes else before.notice
        rules.append(RecordingRules(max(override.valid_from, before.since), terms, notice))
    return tuple(rules)


def _required(section: Mapping[str, Any] | None) -> bool:
    return section is not None and bool(section["required"])


def _terms(document: Document, pack: Mapping[str, Any], section: Mapping[str, Any] | None) -> Terms | None:
    if section is None:
        return None
    periods = {name: _period(document, name, section) for name in ("law_min", "house", "delete_by")}
    terms = Terms(
        pack["pack"],
        pack["zone"],
        periods["law_min"] or NOTHING,
        periods["house"] or NOTHING,
        periods["delete_by"],
    )
    if terms.contradiction is not None:
        raise document.error((RETENTION,), terms.contradiction)
    return terms


def _period(document: Document, name: str, section: Mapping[str, Any]) -> Period | None:
    try:
        return Period.parse(section[name]) if name in section else None
    except ValueError as error:
        raise document.error((RETENTION, name), str(error)) from error


def _check_minimum(document: Document, before: Terms | None, after: Terms | None) -> None:
    """What the law asks is not the house's to shorten."""
    shortest = NOTHING if before is None else before.law_min
    if after is not None and not after.law_min.covers(shortest):
        reason = (
            f"{after.law_min} may end before the pack's own minimum of {shortest}; an override can only lengthen it"
        )
        raise document.error((RETENTION, "law_min"), reason)
