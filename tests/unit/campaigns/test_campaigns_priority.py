"""Priority: a weighted sum that bad fields cannot break."""

import pytest

from dialer.campaigns.priority import MAX_PRIORITY, priority
from dialer.model.campaign import PriorityTerm
from dialer.model.contact import FieldValue

TERMS = (PriorityTerm("days_overdue", 2.0), PriorityTerm("amount", 0.001))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 0.0),
        ({"days_overdue": 30, "amount": 5000}, 65.0),
        ({"days_overdue": "30", "amount": "5000.0"}, 65.0),
        ({"days_overdue": True}, 2.0),
        ({"days_overdue": "many", "amount": 1000}, 1.0),
        ({"amount": float("inf")}, MAX_PRIORITY),
        ({"days_overdue": float("-inf")}, -MAX_PRIORITY),
        ({"days_overdue": float("inf"), "amount": float("-inf")}, 0.0),  # their sum is no number
        ({"days_overdue": 10**400}, 0.0),  # too large for a float
    ],
)
def test_priority(fields: dict[str, FieldValue], expected: float) -> None:
    assert priority(TERMS, fields) == pytest.approx(expected)


def test_no_terms_no_order() -> None:
    assert priority((), {"amount": 1}) == 0.0
