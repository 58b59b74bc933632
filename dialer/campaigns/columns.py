"""What a list's columns mean: told explicitly, or guessed from their headers in Chinese or English. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from dialer.errors import InputError


class Target(str, Enum):
    """What a column is. The first six fill the contact itself; the others are fields of a type.

    A region or an address is a field that also says where the person lives.
    """

    PERSON_REF = "person_ref"
    CASE_REF = "case_ref"
    NAME = "name"
    ZONE = "zone"
    PHONE = "phone"
    THIRD_PARTY_PHONE = "third_party_phone"
    REGION = "region"
    ADDRESS = "address"
    TEXT = "text"
    AMOUNT = "amount"
    INTEGER = "integer"
    DATE = "date"
    IGNORE = "ignore"


FIELD_TARGETS = frozenset({Target.REGION, Target.ADDRESS, Target.TEXT, Target.AMOUNT, Target.INTEGER, Target.DATE})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, what it is, and for fields the name under which the campaign finds it."""

    header: str
    target: Target
    field_name: str = ""


_GUESSES: tuple[tuple[Target, str, str], ...] = (
    (Target.THIRD_PARTY_PHONE, "", r"(第三方|紧急|联系人|亲属|家属|单位|配偶|父母|朋友).*(电话|手机|号码)"),
    (Target.THIRD_PARTY_PHONE, "", r"(third_?party|relative|employer|emergency(_contact)?)_?(phone|mobile|tel)\w*"),
    (Target.PHONE, "", r"(本人|客户|借款人|持卡人|联系|移动)?(手机|电话)(号码|号)?\d*"),
    (Target.PHONE, "", r"(contact_)?(phone|mobile|tel|telephone|cell)(_?(number|no))?_?\d*"),
    (Target.PERSON_REF, "", r"客户(号|编号|id|代码)|person_(ref|id)|customer_(ref|id|no|number)|debtor_id"),
    (
        Target.CASE_REF,
        "",
        r"(案件|合同|借据|账户|卡)(号|编号|id)|账号|case_(ref|id|no|number)|account(_(no|id|number))?",
    ),
    (Target.CASE_REF, "", r"contract(_(no|id|number))?|loan_id"),
    (Target.NAME, "", r"(客户|借款人|持卡人)?(姓名|名字|名称)|(full_|customer_|debtor_)?name"),
    (Target.ZONE, "", r"时区|zone|time_?zone|tz"),
    (Target.REGION, "", r"(所在|居住|常住|户籍)?(地区|省份|省市|省/市|省|州)"),
    (Target.REGION, "", r"((home|residence|mailing)_)?(region|state|province)(_code)?"),
    (Target.ADDRESS, "", r"(居住|家庭|现住|常住|住宅|户籍|身份证|通讯|通信|联系|单位|公司)?(详细)?(地址|住址)\d*"),
    (
        Target.ADDRESS,
        "",
        r"((home|residential|residence|street|mailing|postal|billing|work)_)?address(_line)?_?\d*",
    ),
    (Target.INTEGER, "days_overdue", r"逾期天数|days_(overdue|past_due)|dpd"),
    (Target.DATE, "due_date", r"(应还|到期|还款)(日期|日)|due_date"),
    (Target.AMOUNT, "amount", r"(欠款|逾期|应还|未还|剩余)(总)?(金额|额|本金)?|金额|amount|balance|debt|amount_due"),
    (Target.AMOUNT, "", r".*(金额|余额|本金|利息)|.*_amount"),
    (Target.DATE, "", r".*日期|.*_date"),
)
"""What, under which field name (none: the header's), for headers of this form; the first that fits is taken."""


def guess_columns(headers: Sequence[str]) -> tuple[Column, ...]:
    """The meaning of all columns; InputError when no column holds case references or none holds numbers."""
    return _complete(_guess(headers))


def mapped_columns(headers: Sequence[str], mapping: Mapping[str, str]) -> tuple[Column, ...]:
    """The meaning as told: header → target, for fields also `target:field_name`; columns not named are left out.

    InputError: a header is not in the file, a target does not exist, or what every list needs is missing.
    """
    missing = [header for header in mapping if header not in headers]
    if missing:
        raise InputError(f"the list has no column {missing[0]!r}; its columns are: {', '.join(headers)}")
    return _complete([_told(header, mapping.get(header, Target.IGNORE.value)) for header in headers])


def meaning_of(header: str) -> Target:
    """What a column, or a case field, of this name most likely is."""
    return _guess_one(header).target


def _told(header: str, meaning: str) -> Column:
    name, _, field_name = meaning.partition(":")
    try:
        target = Target(name)
    except ValueError as error:
        known = ", ".join(target.value for target in Target)
        raise InputError(f"column {header!r}: {name!r} is no meaning of a column; write one of: {known}") from error
    return Column(header, target, field_name or header if target in FIELD_TARGETS else "")


def _guess(headers: Sequence[str]) -> list[Column]:
    columns: list[Column] = []
    fields: set[str] = set()
    for header in headers:
        column = _guess_one(header)
        if column.target in FIELD_TARGETS and column.field_name in fields:
            column = Column(header, column.target, header)
        fields.add(column.field_name)
        columns.append(column)
    return columns


def _guess_one(header: str) -> Column:
    plain = re.sub(r"[\s_\-]+", "_", unicodedata.normalize("NFKC", header).strip().lower())
    plain = re.sub(r"[（(].*[)）]$", "", plain).strip("_")
    for target, field_name, form in _GUESSES:
        if re.fullmatch(form, plain):
            return Column(header, target, (field_name or header) if target in FIELD_TARGETS else "")
    return Column(header, Target.TEXT, header)


def _complete(columns: Sequence[Column]) -> tuple[Column, ...]:
    headers = ", ".join(column.header for column in columns)
    targets = [column.target for column in columns]
    for once in (Target.PERSON_REF, Target.CASE_REF, Target.NAME, Target.ZONE):
        if targets.count(once) > 1:
            raise InputError(f"two columns hold the {once.value}; say which one in the mapping (columns: {headers})")
    if Target.CASE_REF not in targets and Target.PERSON_REF not in targets:
        raise InputError(f"no column holds case references; name one as case_ref in the mapping (columns: {headers})")
    if Target.PHONE not in targets:
        raise InputError(f"no column holds phone numbers; name one as phone in the mapping (columns: {headers})")
    return tuple(columns)
