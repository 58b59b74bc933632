"""Whatever stands in a list: a contact that can be stored, or a problem in words; never a crash."""

import re
from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from dialer.campaigns.columns import Column, Target, guess_columns
from dialer.campaigns.list_rows import Cell, mask_value, parse_row
from dialer.campaigns.phone_numbers import BadNumber, split_numbers, to_e164
from dialer.errors import InputError
from dialer.model.call_list import NewContact

COLUMNS = tuple(Column(target.value, target, target.value) for target in Target)
NOISE = st.sampled_from([" ", "-", "", "  ", "—"])

cells = st.one_of(
    st.none(),
    st.text(max_size=40),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.sampled_from(["13800001234", "1.38E+10", "010-65501234", "2026-11-23", "1,200.50", "Asia/Shanghai"]),
)
mobiles = st.from_regex(r"1(3[0-9]|5[0-35-9]|8[0-9])[0-9]{8}", fullmatch=True)


@given(st.lists(cells, max_size=len(COLUMNS) + 2))
def test_every_row_becomes_a_contact_or_problems(row: list[Cell]) -> None:
    parsed = parse_row(9, row, COLUMNS)
    if isinstance(parsed, NewContact):
        assert parsed.case_ref
        assert parsed.phones
        assert all(re.fullmatch(r"\+[1-9]\d{4,16}", phone.number) for phone in parsed.phones)
        assert len({phone.number for phone in parsed.phones}) == len(parsed.phones)
    else:
        assert parsed
        assert all(problem.row == 9 and problem.reason for problem in parsed)


@given(st.text(max_size=60), st.sampled_from(["CN", "US", "GB"]))
@example("+", "CN")
@example("00", "CN")
@example("٣", "CN")  # a digit, but none that a trunk knows
def test_numbers_never_crash_and_stay_themselves(text: str, region: str) -> None:
    for piece in split_numbers(text):
        number = to_e164(piece, region)
        if not isinstance(number, BadNumber):
            assert to_e164(number, region) == number


@given(mobiles, st.sampled_from(["", "+86", "0086", "86", "0", "+86 "]), NOISE)
def test_a_mobile_number_is_known_in_every_dress(mobile: str, prefix: str, gap: str) -> None:
    dressed = f"{prefix}{gap}{mobile[:3]}{gap}{mobile[3:7]}{gap}{mobile[7:]}"
    (piece,) = split_numbers(dressed)
    assert to_e164(piece) == f"+86{mobile}"


@given(st.text(min_size=5, max_size=40))
def test_a_masked_value_hides_most_of_it(value: str) -> None:
    assert len(mask_value(value).replace("****", "", 1)) <= 5


@given(st.lists(st.text(min_size=1, max_size=12), max_size=8, unique=True))
def test_guessing_columns_ends_in_columns_or_words(headers: list[str]) -> None:
    try:
        columns = guess_columns(headers)
    except InputError:
        return
    assert [column.header for column in columns] == headers


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  as spreadsheets have them
def test_dates_survive(instant: datetime) -> None:
    columns = (Column("c", Target.CASE_REF), Column("p", Target.PHONE), Column("d", Target.DATE, "d"))
    for cell in (instant, instant.date().isoformat(), f"{instant:%Y/%m/%d}"):
        parsed = parse_row(2, ["C1", "13800001234", cell], columns)
        assert isinstance(parsed, NewContact)
        assert parsed.fields["d"] == instant.date().isoformat()
