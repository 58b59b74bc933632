"""Wrap-ups against a campaign's form: every wrong field is named."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from dialer.calls.form import MAX_TEXT, FormError, FormFacts, check_wrap_up
from dialer.model.campaign import DispositionCode, DispositionForm, FormField, FormFieldKind
from dialer.model.outcome import FormValue, WrapUp

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FORM = DispositionForm(
    codes=(
        DispositionCode("promise", "Promise to pay", right_party=True),
        DispositionCode("callback", "Call back", callback=True),
        DispositionCode("wrong", "Wrong number", final=True),
    ),
    fields=(
        FormField("amount", FormFieldKind.AMOUNT, "Amount", required_for=("promise",)),
        FormField("day", FormFieldKind.DATE, "Date", required_for=("promise",)),
        FormField("reason", FormFieldKind.CHOICE, "Reason", choices=("illness", "job")),
        FormField("dispute", FormFieldKind.BOOLEAN, "Dispute"),
        FormField("words", FormFieldKind.TEXT, "Words"),
    ),
)
FACTS = FormFacts(date(2026, 11, 23))
GOOD: dict[str, FormValue] = {"amount": Decimal("100.50"), "day": date(2026, 11, 30)}


def wrap_up(code: str, values: dict[str, FormValue], callback_at: datetime | None = None, note: str = "") -> WrapUp:
    return WrapUp(1, 2, code, NOW, values, callback_at, note)


def test_a_complete_form_gives_its_code() -> None:
    full = GOOD | {"reason": "job", "dispute": False, "words": "will pay"}
    assert check_wrap_up(FORM, wrap_up("promise", full), NOW, FACTS).code == "promise"
    assert check_wrap_up(FORM, wrap_up("wrong", {}), NOW, FACTS).final


@pytest.mark.parametrize(
    ("code", "values", "named"),
    [
        ("nonsense", {}, {"code"}),
        ("promise", {}, {"amount", "day"}),
        ("promise", {"amount": "", "day": ""}, {"amount", "day"}),  # an empty input field is no value
        ("promise", GOOD | {"amount": Decimal("NaN")}, {"amount"}),
        ("promise", GOOD | {"amount": Decimal(-1)}, {"amount"}),
        ("promise", GOOD | {"amount": "100"}, {"amount"}),
        ("promise", GOOD | {"day": NOW}, {"day"}),  # an instant is no date
        ("promise", GOOD | {"reason": "weather"}, {"reason"}),
        ("promise", GOOD | {"dispute": "yes"}, {"dispute"}),
        ("promise", GOOD | {"words": "x" * (MAX_TEXT + 1)}, {"words"}),
        ("promise", GOOD | {"colour": "red"}, {"colour"}),
    ],
)
def test_wrong_fields_are_named(code: str, values: dict[str, FormValue], named: set[str]) -> None:
    with pytest.raises(FormError) as caught:
        check_wrap_up(FORM, wrap_up(code, values), NOW, FACTS)
    assert set(caught.value.problems) == named


@pytest.mark.parametrize(
    "callback_at",
    [None, NOW - timedelta(minutes=1), datetime(2026, 11, 24, 2, 0)],  # noqa: DTZ001 - the naive one is the case
)
def test_a_callback_needs_a_time_to_come(callback_at: datetime | None) -> None:
    with pytest.raises(FormError, match="callback_at"):
        check_wrap_up(FORM, wrap_up("callback", {}, callback_at), NOW, FACTS)


def test_a_promised_time_is_taken() -> None:
    assert check_wrap_up(FORM, wrap_up("callback", {}, NOW + timedelta(days=1)), NOW, FACTS).callback


def test_a_note_has_a_limit() -> None:
    with pytest.raises(FormError, match="note"):
        check_wrap_up(FORM, wrap_up("wrong", {}, note="x" * (MAX_TEXT + 1)), NOW, FACTS)


BOUND = DispositionForm(
    codes=(DispositionCode("promise", "Promise to pay", right_party=True, promise=True),),
    fields=(
        FormField("amount", FormFieldKind.AMOUNT, "Amount", least=10.0, most_of_debt=0.5),
        FormField("day", FormFieldKind.DATE, "Date", within_days=7, workdays_only=True),
    ),
)
WORKING = FormFacts(date(2026, 11, 23), Decimal("1000.01"), lambda day: day.weekday() < 5)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"amount": Decimal(10), "day": date(2026, 11, 23)}, set()),  # the least, today
        ({"amount": Decimal("500.00"), "day": date(2026, 11, 30)}, set()),  # the most, the last day
        ({"amount": Decimal("9.99")}, {"amount"}),
        ({"amount": Decimal("500.01")}, {"amount"}),  # half of 1000.01 is cut off at the cent
        ({"day": date(2026, 11, 22)}, {"day"}),
        ({"day": date(2026, 12, 1)}, {"day"}),
        ({"day": date(2026, 11, 28)}, {"day"}),  # a Saturday
        ({}, set()),  # not asked for, not given
    ],
)
def test_amounts_and_days_are_held_against_the_case(values: dict[str, FormValue], named: set[str]) -> None:
    asked = wrap_up("promise", values)
    if not named:
        check_wrap_up(BOUND, asked, NOW, WORKING)
        return
    with pytest.raises(FormError) as caught:
        check_wrap_up(BOUND, asked, NOW, WORKING)
    assert set(caught.value.problems) == named


def test_a_debt_nobody_knows_bounds_nothing() -> None:
    unknown = FormFacts(date(2026, 11, 23))
    check_wrap_up(BOUND, wrap_up("promise", {"amount": Decimal(10**9)}), NOW, unknown)


def test_a_code_for_the_right_person_needs_the_right_person() -> None:
    nobody = FormFacts(date(2026, 11, 23), is_confirmed=False)
    with pytest.raises(FormError, match="right person") as caught:
        check_wrap_up(FORM, wrap_up("promise", GOOD), NOW, nobody)
    assert set(caught.value.problems) == {"code"}
    assert check_wrap_up(FORM, wrap_up("wrong", {}), NOW, nobody).final


def test_what_is_owed_cannot_be_found_out_before_the_right_person_is_there() -> None:
    """Neither by the words of a refusal nor by trying which amounts are taken."""
    hidden = replace(WORKING, is_confirmed=False)
    said = set()
    for amount in (Decimal(10), Decimal(500), Decimal("500.01"), Decimal(10**9)):
        with pytest.raises(FormError) as caught:
            check_wrap_up(BOUND, wrap_up("promise", {"amount": amount}), NOW, hidden)
        said.add(caught.value.problems["amount"])
    (words,) = said
    assert "right person" in words
