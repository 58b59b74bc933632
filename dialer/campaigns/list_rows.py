"""One row of a list → a contact, or exactly what is wrong in which column. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from dialer.campaigns.columns import FIELD_TARGETS, Column, Target
from dialer.campaigns.phone_numbers import DEFAULT_REGION, BadNumber, split_numbers, to_e164
from dialer.model.call_list import NewContact, NewPhone
from dialer.model.contact import FieldValue, PhoneRole
from schedules.places import STATES, regions_of_address
from schedules.zones import is_zone, zones_of_region

Cell = str | int | float | bool | datetime | date | None

MAX_TEXT = 1000
"""Characters of one cell; more is a mistake of the export."""
MAX_PHONES = 20
MAX_WHOLE = 10**15
"""Up to here a spreadsheet's float holds every whole number exactly."""

_DATE = re.compile(r"^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?$")
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")  # ISO 3166-1 alpha-2, ISO 3166-2
_CHINA = "AH BJ CQ FJ GD GS GX GZ HA HB HE HI HK HL HN JL JS JX LN MO NM NX QH SC SD SH SN SX TJ TW XJ XZ YN ZJ"
_PARTS = {"CN": frozenset(_CHINA.split()), "US": frozenset(STATES)}
"""The parts of a country by their two letters (ISO 3166-2), where other countries' codes are told from them."""
_MONEY_NOISE = re.compile(r"[,\s¥￥$元]|CNY|RMB", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row: `row` as a spreadsheet counts (the header is 1), the value masked."""

    row: int
    column: str
    value_masked: str
    reason: str


@dataclass(slots=True)
class _Draft:
    """A contact while its columns are read."""

    row: int
    texts: dict[Target, str] = field(default_factory=dict)
    phones: dict[str, NewPhone] = field(default_factory=dict)
    fields: dict[str, FieldValue] = field(default_factory=dict)
    regions: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, column: str, value: str, reason: str) -> None:
        self.problems.append(Problem(self.row, column, mask_value(value), reason))


class _CellError(Exception):
    """A cell cannot be what its column says; the message is the reason."""


def parse_row(
    row: int, cells: Sequence[Cell], columns: Sequence[Column], region: str = DEFAULT_REGION
) -> NewContact | list[Problem]:
    """The contact in a row, or every problem of the row."""
    draft = _Draft(row)
    if any(cell is not None and cell != "" for cell in cells[len(columns) :]):
        draft.refuse("", "", f"the row has {len(cells)} cells, the header only {len(columns)}")
    for position, column in enumerate(columns):
        _read(draft, column, cells[position] if position < len(cells) else None, region)
    case_ref = draft.texts.get(Target.CASE_REF) or draft.texts.get(Target.PERSON_REF, "")
    person_ref = draft.texts.get(Target.PERSON_REF) or case_ref
    if not case_ref:
        draft.refuse(_header(columns, Target.CASE_REF), "", "the case reference is missing")
    if not draft.phones and not draft.problems:
        draft.refuse(_header(columns, Target.PHONE), "", "there is no phone number")
    if len(draft.phones) > MAX_PHONES:
        draft.refuse(_header(columns, Target.PHONE), "", f"more than {MAX_PHONES} phone numbers")
    if draft.problems:
        return draft.problems
    return NewContact(
        person_ref=person_ref,
        case_ref=case_ref,
        phones=tuple(sorted(draft.phones.values(), key=lambda phone: phone.role is PhoneRole.THIRD_PARTY)),
        name=draft.texts.get(Target.NAME, ""),
        zone=draft.texts.get(Target.ZONE) or None,
        regions=tuple(sorted(draft.regions)),
        fields=draft.fields,
    )


def mask_value(value: str) -> str:
    """A cell as an error report may show it: enough to find it, not enough to read it."""
    if len(value) <= 4:
        return "*" * len(value)
    shown = 3 if len(value) >= 8 else 1
    return f"{value[:shown]}****{value[-2:]}"


def _read(draft: _Draft, column: Column, cell: Cell, region: str) -> None:
    if column.target is Target.IGNORE or cell is None or cell == "":
        return
    text = _text(cell)
    try:
        if len(text) > MAX_TEXT:
            raise _CellError(f"longer than {MAX_TEXT} characters")
        if column.target in (Target.PHONE, Target.THIRD_PARTY_PHONE):
            _read_phones(draft, column, text, region)
        elif column.target in FIELD_TARGETS:
            draft.fields[column.field_name] = _typed(column.target, cell, text)
            draft.regions.update(_regions(column.target, text, region))
        elif text:
            draft.texts[column.target] = _checked(column.target, text)
    except _CellError as refused:
        draft.refuse(column.header, text, str(refused))


def _checked(target: Target, text: str) -> str:
    if target is Target.ZONE and not is_zone(text):
        raise _CellError("no such time zone; write an IANA name such as Asia/Shanghai")
    if not text.isprintable():
        raise _CellError("it holds control characters")
    return text


def _read_phones(draft: _Draft, column: Column, text: str, region: str) -> None:
    role = PhoneRole.OWN if column.target is Target.PHONE else PhoneRole.THIRD_PARTY
    for piece in split_numbers(text):
        number = to_e164(piece, region)
        if isinstance(number, BadNumber):
            draft.refuse(column.header, number.text, number.reason)
        else:
            draft.phones.setdefault(number, NewPhone(number, role))


def _regions(target: Target, text: str, country: str) -> tuple[str, ...]:
    """Where the person lives, as ISO 3166 codes, as far as it tells; an address may well tell nothing."""
    if target is Target.ADDRESS:
        return regions_of_address(text)
    if target is not Target.REGION or not text:
        return ()
    found = _region(unicodedata.normalize("NFKC", text).strip(), country)
    if not found and len(zones_of_region(country)) > 1:
        raise _CellError("no region by that name; write its ISO 3166 code such as US-MA")
    return found


def _region(text: str, country: str) -> tuple[str, ...]:
    """Two letters are the list's own country or a part of it, before they are another country."""
    code = text.upper()
    if _CODE.fullmatch(code) is None:
        return regions_of_address(f"\n{text}" if country == "US" else text)
    if "-" not in code and code != country and (country not in _PARTS or code in _PARTS[country]):
        code = f"{country}-{code}"
    return (code,) if zones_of_region(code) else ()


def _typed(target: Target, cell: Cell, text: str) -> FieldValue:
    if target is Target.AMOUNT:
        return _amount(cell, text)
    if target is Target.INTEGER:
        return _integer(text)
    if target is Target.DATE:
        return _date(cell, text)
    return text


def _text(cell: Cell) -> str:
    """A cell as text; whole floats of spreadsheets lose their `.0`, as long as they hold every digit."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < MAX_WHOLE:
        return str(int(cell))
    return str(cell)


def _amount(cell: Cell, text: str) -> str:
    plain = _MONEY_NOISE.sub("", unicodedata.normalize("NFKC", text))
    if "e" in plain.lower():
        raise _CellError("a spreadsheet shortened the figure; format the column as a number with two decimals")
    try:
        amount = Decimal(plain)
    except InvalidOperation as error:
        raise _CellError("not an amount of money") from error
    if not amount.is_finite():
        raise _CellError("not an amount of money")
    if isinstance(cell, float):
        amount = amount.quantize(Decimal("0.01"), ROUND_HALF_UP)  # a float's last digits are noise
    return format(amount, "f")


def _integer(text: str) -> int:
    plain = unicodedata.normalize("NFKC", text).removesuffix("天").removesuffix("日").strip()
    if not re.fullmatch(r"[+-]?\d{1,15}", plain):
        raise _CellError("not a whole number")
    return int(plain)


def _date(cell: Cell, text: str) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    matched = _DATE.match(unicodedata.normalize("NFKC", text).partition(" ")[0])
    if matched is None:
        raise _CellError("not a date; write it as 2026-11-23")
    try:
        return date(int(matched[1]), int(matched[2]), int(matched[3])).isoformat()
    except ValueError as error:
        raise _CellError("no such day in the calendar") from error


def _header(columns: Sequence[Column], target: Target) -> str:
    return next((column.header for column in columns if column.target is target), target.value)
