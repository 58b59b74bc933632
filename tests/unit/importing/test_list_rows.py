"""One row into one contact, or into what is wrong with it."""

from datetime import date, datetime

import pytest

from dialer.campaigns.columns import Column, Target
from dialer.campaigns.list_rows import MAX_PHONES, Cell, Problem, mask_value, parse_row
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.contact import FieldValue, PhoneRole

COLUMNS = (
    Column("客户号", Target.PERSON_REF),
    Column("案件号", Target.CASE_REF),
    Column("手机", Target.PHONE),
    Column("紧急联系人电话", Target.THIRD_PARTY_PHONE),
    Column("时区", Target.ZONE),
)


FIGURE = "a spreadsheet made it a figure and digits may be lost; format the column as text"


def parse_field(target: Target, cell: Cell) -> FieldValue | list[Problem]:
    columns = (Column("案件号", Target.CASE_REF), Column("手机", Target.PHONE), Column("值", target, "v"))
    parsed = parse_row(2, ["C1", "13800001234", cell], columns)
    return parsed.fields["v"] if isinstance(parsed, NewContact) else parsed


def test_numbers_of_one_person_own_ones_first() -> None:
    row = ["P1", "C1", "138 0000 1234；13900001234", "13700001234、13800001234", "Asia/Urumqi"]
    assert parse_row(2, row, COLUMNS) == NewContact(
        person_ref="P1",
        case_ref="C1",
        phones=(
            NewPhone("+8613800001234"),
            NewPhone("+8613900001234"),
            NewPhone("+8613700001234", PhoneRole.THIRD_PARTY),
        ),
        zone="Asia/Urumqi",
    )


def test_every_problem_of_a_row_is_named_and_masked() -> None:
    assert parse_row(7, ["P1", "", "13800001234;1380000", "1.38E+10", "Asia/Nowhere"], COLUMNS) == [
        Problem(7, "手机", "1****00", "a mobile number has 11 digits, this 7"),
        Problem(7, "紧急联系人电话", "1.3****10", FIGURE),
        Problem(7, "时区", "Asi****re", "no such time zone; write an IANA name such as Asia/Shanghai"),
    ]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (["", "", "13800001234"], "案件号", "the case reference is missing"),
        (["P1", "C1", ""], "手机", "there is no phone number"),
        (["P1", "C1"], "手机", "there is no phone number"),
        (["P1", "C1", "13800001234", "", "", "x"], "", "the row has 6 cells, the header only 5"),
        (["P\x001", "C1", "13800001234"], "客户号", "it holds control characters"),
        (["P" * 1001, "C1", "13800001234"], "客户号", "longer than 1000 characters"),
        (
            ["P1", "C1", ";".join(f"1380000{n:04d}" for n in range(MAX_PHONES + 1))],
            "手机",
            "more than 20 phone numbers",
        ),
    ],
)
def test_rows_that_are_no_contact(row: list[Cell], column: str, reason: str) -> None:
    problems = parse_row(3, row, COLUMNS)
    assert isinstance(problems, list)
    assert [(problem.row, problem.column, problem.reason) for problem in problems] == [(3, column, reason)]


def test_a_person_stands_for_the_case_and_the_case_for_the_person() -> None:
    only_person = parse_row(2, ["P1", "", "13800001234"], COLUMNS)
    only_case = parse_row(2, ["", "C1", "13800001234"], COLUMNS)
    assert isinstance(only_person, NewContact)
    assert isinstance(only_case, NewContact)
    assert (only_person.case_ref, only_case.person_ref) == ("P1", "C1")


def test_a_spreadsheet_number_that_kept_its_digits_is_one() -> None:
    parsed = parse_row(2, ["P1", "C1", 13800001234.0], COLUMNS)
    assert isinstance(parsed, NewContact)
    assert parsed.phones == (NewPhone("+8613800001234"),)


@pytest.mark.parametrize(
    ("target", "cell", "expected"),
    [
        (Target.AMOUNT, "12,800.50", "12800.50"),
        (Target.AMOUNT, "￥１２８００元", "12800"),
        (Target.AMOUNT, 12800.499999999998, "12800.50"),
        (Target.AMOUNT, 12800, "12800"),
        (Target.AMOUNT, "-3.20", "-3.20"),
        (Target.INTEGER, "30天", 30),
        (Target.INTEGER, 30.0, 30),
        (Target.DATE, "2026-11-23", "2026-11-23"),
        (Target.DATE, "2026/1/2", "2026-01-02"),
        (Target.DATE, "2026年1月2日", "2026-01-02"),
        (Target.DATE, "20261123", "2026-11-23"),
        (Target.DATE, "2026-11-23 00:00:00", "2026-11-23"),
        (Target.DATE, datetime(2026, 11, 23, 8, 0), "2026-11-23"),  # noqa: DTZ001  as spreadsheets have them
        (Target.DATE, date(2026, 11, 23), "2026-11-23"),
        (Target.TEXT, " 信用卡 ", "信用卡"),
    ],
)
def test_typed_fields(target: Target, cell: Cell, expected: FieldValue) -> None:
    assert parse_field(target, cell) == expected


@pytest.mark.parametrize(
    ("target", "cell", "reason"),
    [
        (Target.AMOUNT, "1.28E+04", "a spreadsheet shortened the figure"),
        (Target.AMOUNT, "about 5", "not an amount"),
        (Target.AMOUNT, "NaN", "not an amount"),
        (Target.INTEGER, "3.5", "not a whole number"),
        (Target.DATE, "46349", "not a date"),
        (Target.DATE, "2026-02-30", "no such day"),
        (Target.DATE, "23.11.2026", "not a date"),
    ],
)
def test_fields_of_the_wrong_type(target: Target, cell: Cell, reason: str) -> None:
    problems = parse_field(target, cell)
    assert isinstance(problems, list)
    assert problems[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("value", "masked"), [("13800001234", "138****34"), ("12345", "1****45"), ("张三", "**"), ("", "")]
)
def test_masks(value: str, masked: str) -> None:
    assert mask_value(value) == masked


PLACES = (
    Column("case", Target.CASE_REF),
    Column("phone", Target.PHONE),
    Column("region", Target.REGION, "region"),
    Column("address", Target.ADDRESS, "home"),
    Column("office", Target.ADDRESS, "office"),
)


@pytest.mark.parametrize(
    ("country", "phone", "places", "regions"),
    [
        ("CN", "13800001234", ["CN-XJ", "", ""], ("CN-XJ",)),
        ("CN", "13800001234", ["新疆维吾尔自治区", "", ""], ("CN-XJ",)),
        ("CN", "13800001234", ["广东", "深圳市南山区", ""], ()),  # one clock: nothing to keep
        ("CN", "13800001234", ["sh", "", ""], ("CN-SH",)),  # Shanghai, not Saint Helena
        ("CN", "13800001234", ["CN", "", "乌鲁木齐市，新疆"], ("CN", "CN-XJ")),
        ("CN", "13800001234", ["MY", "", ""], ("MY",)),  # no part of China: a country
        ("CN", "13800001234", ["ＣＮ－ＸＪ", "", ""], ("CN-XJ",)),
        ("US", "+12125550123", ["MA", "", ""], ("US-MA",)),  # Massachusetts, not Morocco
        ("US", "+12125550123", ["US", "12 Elm St, Austin, TX 78701", ""], ("US", "US-TX")),
        ("US", "+12125550123", ["new york", "", ""], ("US-NY",)),
        ("US", "+12125550123", ["US-NY", "1 Main St, Newark, NJ", "5 Oak St, Boston, MA"], ("US-MA", "US-NJ", "US-NY")),
        ("US", "+12125550123", ["", "somewhere", ""], ()),
    ],
)
def test_where_a_person_lives(country: str, phone: str, places: list[str], regions: tuple[str, ...]) -> None:
    contact = parse_row(2, ["C1", phone, *places], PLACES, country)
    assert isinstance(contact, NewContact)
    assert contact.regions == regions
    said = zip(("region", "home", "office"), places, strict=True)
    assert contact.fields == {name: place for name, place in said if place}, "what was written stays among the fields"


@pytest.mark.parametrize("region", ["Masachusetts", "ZZ-12", "ZZ"])
def test_a_region_nobody_knows_is_refused_where_it_may_change_the_clock(region: str) -> None:
    reason = "no region by that name; write its ISO 3166 code such as US-MA"
    found = parse_row(2, ["C1", "+12125550123", region], PLACES, "US")
    assert found == [Problem(2, "region", mask_value(region), reason)]
    assert isinstance(parse_row(2, ["C1", "13800001234", region], PLACES, "CN"), NewContact)
