"""Numbers, amounts and dates in words."""

from datetime import date
from decimal import Decimal

import pytest

from dialer.prompts.spoken import EN, LARGEST_NUMBER, ZH, spoken_amount, spoken_date, spoken_digits, spoken_number


@pytest.mark.parametrize(
    ("amount", "chinese", "english"),
    [
        ("0", "零元", "zero yuan"),
        ("0.05", "五分", "zero point zero five yuan"),
        ("0.5", "五角", "zero point five yuan"),
        ("2", "两元", "two yuan"),
        ("2.05", "两元零五分", "two point zero five yuan"),
        ("10", "十元", "ten yuan"),
        ("15", "十五元", "fifteen yuan"),
        ("110", "一百一十元", "one hundred ten yuan"),
        ("200", "二百元", "two hundred yuan"),
        ("1005", "一千零五元", "one thousand five yuan"),
        ("1234.56", "一千二百三十四元五角六分", "one thousand two hundred thirty four point five six yuan"),
        ("2000.20", "两千元二角", "two thousand point two yuan"),
        ("10010", "一万零一十元", "ten thousand ten yuan"),
        ("20000", "两万元", "twenty thousand yuan"),
        ("22222", "两万二千二百二十二元", "twenty two thousand two hundred twenty two yuan"),
        ("100010", "十万零一十元", "one hundred thousand ten yuan"),
        ("100000001", "一亿零一元", "one hundred million one yuan"),
        ("200000000", "两亿元", "two hundred million yuan"),
        ("0.005", "一分", "zero point zero one yuan"),  # half a fen is rounded up
        ("0.004", "零元", "zero yuan"),
    ],
)
def test_amounts(amount: str, chinese: str, english: str) -> None:
    assert spoken_amount(Decimal(amount), ZH) == chinese
    assert spoken_amount(Decimal(amount), EN) == english


@pytest.mark.parametrize("amount", ["-0.01", "-5", "NaN", "Infinity", "1e15"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"amount|spoken"):
        spoken_amount(Decimal(amount), ZH)


@pytest.mark.parametrize(
    ("number", "chinese"),
    [
        (0, "零"),
        (12, "十二"),
        (20, "二十"),
        (101, "一百零一"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (100_100, "十万零一百"),
        (10_000_000, "一千万"),
        (110_000, "十一万"),
        (LARGEST_NUMBER, "九千九百九十九亿九千九百九十九万九千九百九十九"),
    ],
)
def test_chinese_numbers(number: int, chinese: str) -> None:
    assert spoken_number(number, ZH) == chinese


@pytest.mark.parametrize("number", [-1, LARGEST_NUMBER + 1])
def test_numbers_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="between"):
        spoken_number(number, EN)


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (date(2026, 11, 25), "十一月二十五日", "November twenty fifth"),
        (date(2026, 1, 1), "一月一日", "January first"),
        (date(2026, 10, 10), "十月十日", "October tenth"),
        (date(2026, 12, 30), "十二月三十日", "December thirtieth"),
        (date(2026, 3, 31), "三月三十一日", "March thirty first"),
    ],
)
def test_dates(day: date, chinese: str, english: str) -> None:
    assert spoken_date(day, ZH) == chinese
    assert spoken_date(day, EN) == english


def test_telephone_digits() -> None:
    assert spoken_digits("+86 138-0", ZH) == "八六幺三八零"
    assert spoken_digits("138", EN) == "one three eight"


def test_unknown_languages_are_refused() -> None:
    with pytest.raises(ValueError, match="fr"):
        spoken_number(1, "fr")
