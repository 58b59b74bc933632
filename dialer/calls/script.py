"""A campaign's script: which variables may stand in it, and its words for one call. Pure.

Variables stand in braces: `{person_name}`. What tells of the debt may stand only in the sections that are spoken to the
right person, and those are not handed out before the collector has recorded that it is on the line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dialer.calls.case_fields import CaseFieldKind, amount_of, as_text, day_of, kind_of
from dialer.model.campaign import CampaignSettings
from dialer.model.collecting import LocalText, Script
from dialer.model.contact import Contact, FieldValue

UNKNOWN = "—"
"""Stands where the case does not hold what the script names."""
FIELD_PREFIX = "field."
"""`{field.NAME}` is any field of the case."""
FOR_ANYONE = frozenset({"person_name", "collector_name", "agency", "creditor", "number"})
FOR_THE_PERSON = frozenset({"amount_due", "due_date", "days_overdue", "case_ref", "product"})
OPEN_SECTIONS = ("opening", "third_party")
SECTIONS = (*OPEN_SECTIONS, "after_identity", "closing")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Say = Callable[[CaseFieldKind, FieldValue], str]
_VARIABLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says it, of which number."""

    collector_name: str
    number_masked: str


def problems_of(script: Script) -> list[str]:
    """What is wrong with a script, each in a sentence; none where it can be used."""
    found: list[str] = []
    for section in SECTIONS:
        text: LocalText = getattr(script, section)
        for words in (text.zh, text.en):
            found += [f"{section}: {problem}" for problem in _problems(section, words)]
    return list(dict.fromkeys(found))


def render(script: Script, settings: CampaignSettings, contact: Contact, speaker: Speaker, *, is_open: bool) -> Script:
    """The script with its variables filled in; what is for the right person alone is empty unless `is_open`."""
    chinese = _values(settings, contact, speaker, _chinese)
    english = _values(settings, contact, speaker, _english)

    def section(name: str) -> LocalText:
        text: LocalText = getattr(script, name)
        if name not in OPEN_SECTIONS and not is_open:
            return LocalText()
        return LocalText(_filled(text.zh or text.en, chinese), _filled(text.en or text.zh, english))

    return Script(*(section(name) for name in SECTIONS))


def _problems(section: str, words: str) -> list[str]:
    rest = _VARIABLE.sub("", words)
    found = ["a brace stands alone; variables are written {person_name}"] if "{" in rest or "}" in rest else []
    for name in _VARIABLE.findall(words):
        is_private = name in FOR_THE_PERSON or (name.startswith(FIELD_PREFIX) and name != FIELD_PREFIX)
        if not is_private and name not in FOR_ANYONE:
            known = ", ".join(sorted(FOR_ANYONE | FOR_THE_PERSON))
            found.append(f"{{{name}}} is no variable; known: {known}, and {FIELD_PREFIX}NAME for a field of the case")
        elif is_private and section in OPEN_SECTIONS:
            found.append(f"{{{name}}} tells of the debt; use it in after_identity or closing")
    return found


def _filled(words: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1]) or UNKNOWN, words)


def _values(settings: CampaignSettings, contact: Contact, speaker: Speaker, say: Say) -> dict[str, str]:
    fields = contact.fields
    words = {f"{FIELD_PREFIX}{name}": say(kind_of(name, value), value) for name, value in fields.items()}
    owed = amount_of(fields.get(settings.collecting.debt_field))
    if owed is not None:
        words["amount_due"] = _amount(owed)
    for name in ("due_date", "days_overdue"):
        if name in fields:
            words[name] = words[FIELD_PREFIX + name]
    return words | {
        "person_name": contact.name,
        "collector_name": speaker.collector_name,
        "agency": settings.agency or settings.creditor,
        "creditor": settings.creditor,
        "number": speaker.number_masked,
        "case_ref": contact.case_ref,
        "product": settings.product,
    }


def _amount(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _plain(kind: CaseFieldKind, value: FieldValue) -> str:
    amount = amount_of(value) if kind is CaseFieldKind.AMOUNT else None
    if amount is not None:
        return _amount(amount)
    return as_text(value) if kind is CaseFieldKind.TEXT else str(value)


def _chinese(kind: CaseFieldKind, value: FieldValue) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    day = day_of(value)
    return _plain(kind, value) if day is None else f"{day.year}年{day.month}月{day.day}日"


def _english(kind: CaseFieldKind, value: FieldValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    day = day_of(value)
    return _plain(kind, value) if day is None else f"{day.day} {MONTHS[day.month - 1]} {day.year}"
