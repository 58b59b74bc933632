"""Numbers as lists have them."""

import pytest

from dialer.campaigns.phone_numbers import BadNumber, split_numbers, to_e164


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13800001234", "+8613800001234"),
        ("138 0000 1234", "+8613800001234"),
        ("138-0000-1234", "+8613800001234"),
        ("+86 138 0000 1234", "+8613800001234"),
        ("0086-13800001234", "+8613800001234"),
        ("8613800001234", "+8613800001234"),
        ("013800001234", "+8613800001234"),  # the zero once dialed before mobiles of other cities
        ("19200001234", "+8619200001234"),
        ("010-65501234", "+861065501234"),
        ("(021)61234567", "+862161234567"),
        ("0755-86001234", "+8675586001234"),
        ("021-61234567-801", "+862161234567"),  # an extension after a dash
        ("021-61234567转801", "+862161234567"),
        ("021-61234567 ext 801", "+862161234567"),
        ("4008001234", "+864008001234"),
        ("+44 20 7946 0958", "+442079460958"),
        ("0044 20 7946 0958", "+442079460958"),
    ],
)
def test_made_into_e164(text: str, expected: str) -> None:
    assert to_e164(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.38E+10", "a spreadsheet made it a figure"),
        ("13800001234.0", "a spreadsheet made it a figure"),
        ("1380000123", "a mobile number has 11 digits, this 10"),
        ("138000012345", "a mobile number has 11 digits, this 12"),
        ("12345", "a mobile number has 11 digits, this 5"),
        ("12800001234", "no such mobile number is in use"),
        ("01065501", "no such number is in use"),
        ("+861065501", "no such number is in use"),
        ("+1 555 0100100", "no such number is in use"),
        ("65501234", "the area code is missing"),
        ("无", "it holds characters that are no digits"),
        ("138****1234", "it holds characters that are no digits"),
        ("+999123456789", "it is no phone number"),
        ("22345678901234567890", "it is no phone number"),
    ],
)
def test_refused_with_a_reason(text: str, reason: str) -> None:
    refused = to_e164(text)
    assert isinstance(refused, BadNumber), refused
    assert refused.reason.startswith(reason)


def test_another_home_region() -> None:
    assert to_e164("020 7946 0958", "GB") == "+442079460958"


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("13800001234;13900001234", ["13800001234", "13900001234"]),
        ("13800001234、13900001234；010-65501234", ["13800001234", "13900001234", "010-65501234"]),
        ("１３８００００１２３４", ["13800001234"]),
        (" / ", []),
    ],
)
def test_several_in_one_cell(cell: str, numbers: list[str]) -> None:
    assert split_numbers(cell) == numbers
