"""What columns mean."""

import pytest

from dialer.campaigns.columns import Column, Target, guess_columns, mapped_columns
from dialer.errors import InputError


def test_guesses_a_chinese_list() -> None:
    headers = [
        "客户号",
        "案件号",
        "客户姓名",
        "手机号码",
        "联系电话2",
        "紧急联系人电话",
        "欠款金额",
        "应还日期",
        "逾期天数",
        "产品",
    ]
    assert [(column.target, column.field_name) for column in guess_columns(headers)] == [
        (Target.PERSON_REF, ""),
        (Target.CASE_REF, ""),
        (Target.NAME, ""),
        (Target.PHONE, ""),
        (Target.PHONE, ""),
        (Target.THIRD_PARTY_PHONE, ""),
        (Target.AMOUNT, "amount"),
        (Target.DATE, "due_date"),
        (Target.INTEGER, "days_overdue"),
        (Target.TEXT, "产品"),
    ]


def test_guesses_an_english_list() -> None:
    headers = [
        "Customer ID",
        "Case No",
        "Name",
        "Phone 1",
        "phone_2",
        "Emergency contact phone",
        "Balance (CNY)",
        "DPD",
    ]
    assert [column.target for column in guess_columns(headers)] == [
        Target.PERSON_REF,
        Target.CASE_REF,
        Target.NAME,
        Target.PHONE,
        Target.PHONE,
        Target.THIRD_PARTY_PHONE,
        Target.AMOUNT,
        Target.INTEGER,
    ]


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("地区", Target.REGION),
        ("所在省份", Target.REGION),
        ("省", Target.REGION),
        ("Region", Target.REGION),
        ("home state", Target.REGION),
        ("Province_Code", Target.REGION),
        ("地址", Target.ADDRESS),
        ("家庭详细地址", Target.ADDRESS),
        ("户籍地址", Target.ADDRESS),
        ("住址2", Target.ADDRESS),
        ("Address", Target.ADDRESS),
        ("Mailing-Address", Target.ADDRESS),
        ("Address line 2", Target.ADDRESS),
        ("E-mail address", Target.TEXT),  # nobody lives there
        ("IP address", Target.TEXT),
        ("state of account", Target.TEXT),
        ("单位电话", Target.THIRD_PARTY_PHONE),
    ],
)
def test_guesses_where_a_person_lives(header: str, target: Target) -> None:
    (column,) = guess_columns(["案件号", "手机", header])[2:]
    assert column.target is target
    assert column.field_name == ("" if target is Target.THIRD_PARTY_PHONE else header), "it stays a field as well"


def test_two_columns_never_fill_one_field() -> None:
    columns = guess_columns(["案件号", "手机", "欠款金额", "逾期金额"])
    assert [column.field_name for column in columns[2:]] == ["amount", "逾期金额"]


def test_told_columns_leave_the_others_out() -> None:
    columns = mapped_columns(["a", "b", "c", "d"], {"a": "case_ref", "b": "phone", "c": "amount:debt"})
    assert columns == (
        Column("a", Target.CASE_REF),
        Column("b", Target.PHONE),
        Column("c", Target.AMOUNT, "debt"),
        Column("d", Target.IGNORE),
    )


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"x": "phone"}, "the list has no column 'x'"),
        ({"a": "fone"}, "'fone' is no meaning of a column"),
        ({"a": "case_ref"}, "no column holds phone numbers"),
        ({"b": "phone"}, "no column holds case references"),
        ({"a": "case_ref", "b": "case_ref"}, "two columns hold the case_ref"),
    ],
)
def test_says_what_is_wrong_with_a_mapping(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        mapped_columns(["a", "b"], mapping)
