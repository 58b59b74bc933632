"""In which order entries are dialed: a weighted sum of case fields, as the campaign sets it."""

from collections.abc import Mapping, Sequence

from dialer.model.campaign import PriorityTerm
from dialer.model.contact import FieldValue

MAX_PRIORITY = 1e15
"""A sum beyond this is cut off: fields come from lists, and infinity cannot be sorted or stored everywhere."""


def priority(terms: Sequence[PriorityTerm], fields: Mapping[str, FieldValue]) -> float:
    """Σ weight × value; higher is dialed first. Missing fields, and text that is no number, count as 0; true as 1."""
    total = sum(term.weight * _number(fields.get(term.field_name, 0.0)) for term in terms)
    return min(max(total, -MAX_PRIORITY), MAX_PRIORITY) if total == total else 0.0  # NaN equals nothing


def _number(value: FieldValue) -> float:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return 0.0
