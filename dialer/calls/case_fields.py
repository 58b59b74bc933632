"""The fields of a case as a page shows them: each with its kind, and what is owed as an amount. Pure.

A list may hold a phone number in a column that nobody declared as one: in text it is masked like every other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum

from dialer.campaigns.columns import Target, meaning_of
from dialer.model.contact import FieldValue
from dialer.redaction import mask_numbers


class CaseFieldKind(str, Enum):
    """How a value is written: an amount as decimal text, a date as YYYY-MM-DD."""

    TEXT = "text"
    AMOUNT = "amount"
    INTEGER = "integer"
    DATE = "date"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class CaseField:
    """One field of the case."""

    name: str
    kind: CaseFieldKind
    value: FieldValue


def case_fields(fields: Mapping[str, FieldValue]) -> tuple[CaseField, ...]:
    """All of them, in the order of the list's columns."""
    return tuple(_shown(name, kind_of(name, value), value) for name, value in fields.items())


def kind_of(name: str, value: FieldValue) -> CaseFieldKind:
    """By the type of the value; text by what a column of that name means, where the value bears it out."""
    if isinstance(value, bool):
        return CaseFieldKind.BOOLEAN
    if isinstance(value, int):
        return CaseFieldKind.INTEGER
    if isinstance(value, float):
        return CaseFieldKind.AMOUNT
    if day_of(value) is not None:
        return CaseFieldKind.DATE
    if meaning_of(name) is Target.AMOUNT and amount_of(value) is not None:
        return CaseFieldKind.AMOUNT
    return CaseFieldKind.TEXT


def as_text(value: FieldValue) -> str:
    """Text as people may see it."""
    return mask_numbers(str(value))


def _shown(name: str, kind: CaseFieldKind, value: FieldValue) -> CaseField:
    return CaseField(name, kind, as_text(value) if kind is CaseFieldKind.TEXT else value)


def amount_of(value: FieldValue | None) -> Decimal | None:
    """The value as an amount; None where it is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def day_of(value: FieldValue) -> date | None:
    """The value as a day, where it is written as YYYY-MM-DD."""
    if not isinstance(value, str) or len(value) != len("2026-11-23"):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
