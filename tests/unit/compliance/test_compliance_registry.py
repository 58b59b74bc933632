"""Caller IDs by purpose, agency and date; the white list of agencies."""

from datetime import date

from dialer.compliance.facts import ShownNumber
from dialer.compliance.registry import NO_REGISTRY, RegisteredNumber, Registry

TODAY = date(2026, 11, 23)
HOUSE = RegisteredNumber("+864001", ("collection", "reminder"))
NORTH = RegisteredNumber("+864002", ("collection",), "north", date(2026, 11, 1), date(2026, 11, 23))


def test_a_number_is_shown_with_what_it_is_registered_for() -> None:
    registry = Registry((HOUSE, NORTH, RegisteredNumber("+864001", ("survey", "collection"))))
    assert registry.shown("+864001", TODAY) == ShownNumber("+864001", ("collection", "reminder", "survey"), "")
    assert registry.shown("+864002", TODAY) == ShownNumber("+864002", ("collection",), "north")
    assert registry.shown("+864003", TODAY) == ShownNumber("+864003")


def test_a_registration_has_a_first_and_a_last_day() -> None:
    registry = Registry((NORTH,))
    days = [date(2026, 10, 31), date(2026, 11, 1), TODAY, date(2026, 11, 24)]
    assert [bool(registry.shown("+864002", day).purposes) for day in days] == [False, True, True, False]


def test_a_number_of_two_agencies_belongs_to_none() -> None:
    registry = Registry((HOUSE, RegisteredNumber("+864001", ("collection",), "north")))
    assert registry.shown("+864001", TODAY) == ShownNumber("+864001")


def test_the_white_list() -> None:
    listed = Registry(agencies=frozenset({"north"}))
    assert [listed.is_listed(agency) for agency in ("north", "south", "")] == [True, False, True]
    assert [NO_REGISTRY.is_listed(agency) for agency in ("north", "")] == [False, True]
