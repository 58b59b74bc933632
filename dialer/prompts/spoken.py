"""Numbers, amounts and dates as words, in Chinese and English. Pure; what speaks them is a `TextToSpeech`."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

ZH = "zh-CN"
EN = "en"
LANGUAGES = (ZH, EN)

LARGEST_NUMBER = 10**12 - 1
_ZH_DIGITS = "零一二三四五六七八九"
_ZH_PHONE_DIGITS = "零幺二三四五六七八九"
_ZH_PLACES = ("", "十", "百", "千")
_ZH_GROUPS = ("", "万", "亿")
_EN_SMALL = (  # noqa: SIM905
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_EN_GROUPS = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"))
EN_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
EN_ORDINALS = (  # noqa: SIM905
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()


def spoken_number(number: int, language: str) -> str:
    """A whole number from 0 to `LARGEST_NUMBER` in words. Raises ValueError outside, and for an unknown language."""
    if not 0 <= number <= LARGEST_NUMBER:
        raise ValueError(f"{number} cannot be spoken: it is not between 0 and {LARGEST_NUMBER}")
    return _zh_number(number) if _is_chinese(language) else _en_number(number)


def spoken_amount(amount: Decimal, language: str) -> str:
    """An amount in yuan, to the fen (half up): 1234.56 → 一千二百三十四元五角六分. Raises ValueError when negative."""
    try:
        cents = int((amount * 100).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise ValueError(f"{amount} is not an amount") from error
    if cents < 0:
        raise ValueError(f"{amount} cannot be spoken: an amount is not negative")
    yuan, rest = divmod(cents, 100)
    if yuan > LARGEST_NUMBER:
        raise ValueError(f"{amount} cannot be spoken: it is more than {LARGEST_NUMBER} yuan")
    return _zh_amount(yuan, *divmod(rest, 10)) if _is_chinese(language) else _en_amount(yuan, rest)


def spoken_date(day: date, language: str) -> str:
    """Month and day: 十一月二十五日, November twenty fifth."""
    if _is_chinese(language):
        return f"{_zh_number(day.month)}月{_zh_number(day.day)}日"
    return f"{EN_MONTHS[day.month - 1]} {_en_ordinal(day.day)}"


def spoken_digits(text: str, language: str) -> str:
    """A telephone number digit by digit; everything that is no digit is left out. In Chinese 1 is read 幺."""
    digits = [int(character) for character in text if character in "0123456789"]
    if _is_chinese(language):
        return "".join(_ZH_PHONE_DIGITS[digit] for digit in digits)
    return " ".join(_EN_SMALL[digit] for digit in digits)


def _is_chinese(language: str) -> bool:
    if language not in LANGUAGES:
        raise ValueError(f"no words for language {language!r}; known: {', '.join(LANGUAGES)}")
    return language == ZH


def _zh_number(number: int) -> str:
    if number == 0:
        return _ZH_DIGITS[0]
    words = ""
    skipped = False
    for index in range(len(_ZH_GROUPS) - 1, -1, -1):
        group = number // 10_000**index % 10_000
        if group == 0:
            skipped = bool(words)
            continue
        zero = _ZH_DIGITS[0] if words and (skipped or group < 1000) else ""
        words += zero + _zh_group(group) + _ZH_GROUPS[index]
        skipped = False
    words = words.removeprefix("一") if words.startswith("一十") else words
    # spoken Chinese counts two thousands, ten-thousands and hundred-millions with 两
    return "两" + words[1:] if words[0] == "二" and words[1:2] in ("千", "万", "亿") else words


def _zh_group(group: int) -> str:
    """1 to 9999, with 零 for gaps inside."""
    words = ""
    gap = False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit == 0:
            gap = bool(words)
            continue
        words += (_ZH_DIGITS[0] if gap else "") + _ZH_DIGITS[digit] + _ZH_PLACES[place]
        gap = False
    return words


def _zh_amount(yuan: int, jiao: int, fen: int) -> str:
    words = ""
    if yuan or not (jiao or fen):
        words = ("两" if yuan == 2 else _zh_number(yuan)) + "元"
    if jiao:
        words += _ZH_DIGITS[jiao] + "角"
    elif fen and yuan:
        words += _ZH_DIGITS[0]
    return words + (_ZH_DIGITS[fen] + "分" if fen else "")


def _en_number(number: int) -> str:
    if number < 20:
        return _EN_SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _EN_TENS[tens - 2] + (f" {_EN_SMALL[ones]}" if ones else "")
    for size, name in (*_EN_GROUPS, (100, "hundred")):
        if number >= size:
            count, rest = divmod(number, size)
            return f"{_en_number(count)} {name}" + (f" {_en_number(rest)}" if rest else "")
    raise AssertionError("every number of 100 or more has a group")


def _en_amount(yuan: int, cents: int) -> str:
    words = _en_number(yuan)
    if cents:
        words += " point " + " ".join(_EN_SMALL[int(digit)] for digit in f"{cents:02}".rstrip("0"))
    return f"{words} yuan"


def _en_ordinal(day: int) -> str:
    if day <= len(EN_ORDINALS):
        return EN_ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    tens, ones = divmod(day, 10)
    return f"{_EN_TENS[tens - 2]} {EN_ORDINALS[ones - 1]}"
