"""Phone numbers as people write them in lists, made into E.164, or refused with a reason they can act on. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, ValidationResult

DEFAULT_REGION = "CN"

_SEPARATORS = re.compile(r"[;,/|、\n]")
_NOISE = re.compile(r"[\s\-‐‑‒–—().·]")
_EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#)\s*\d{1,6}$", re.IGNORECASE)
_DASHED_EXTENSION = re.compile(r"^(0\d{2,3}-\d{7,8})-\d{1,6}$")
_SCIENTIFIC = re.compile(r"^[+-]?\d+(?:\.\d+)?e[+-]?\d+$", re.IGNORECASE)
_DECIMAL = re.compile(r"^\d{7,}\.\d{1,2}$")
_MAINLAND_MOBILE = re.compile(r"^(?:\+86|0086|86|0)?(1[3-9]\d{9})$")

_REASONS = {
    ValidationResult.TOO_SHORT: "too short",
    ValidationResult.TOO_LONG: "too long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
    ValidationResult.INVALID_COUNTRY_CODE: "the country code does not exist",
    ValidationResult.INVALID_LENGTH: "no number has this many digits",
}


@dataclass(frozen=True, slots=True)
class BadNumber:
    """A piece of text that is no phone number, and why."""

    text: str
    reason: str


def split_numbers(cell: str) -> list[str]:
    """The numbers written into one cell; full-width characters become plain ones."""
    plain = unicodedata.normalize("NFKC", cell)
    return [part.strip() for part in _SEPARATORS.split(plain) if part.strip()]


@lru_cache(maxsize=4096)
def to_e164(text: str, region: str = DEFAULT_REGION) -> str | BadNumber:
    """One number, as `split_numbers` gives it, in E.164; `region` (ISO 3166-1) is where numbers without country are."""
    if _SCIENTIFIC.match(text) or _DECIMAL.match(text):
        return BadNumber(text, "a spreadsheet made it a figure and digits may be lost; format the column as text")
    dashed = _DASHED_EXTENSION.match(text)
    bare = _NOISE.sub("", dashed[1] if dashed else _EXTENSION.sub("", text))
    mobile = _MAINLAND_MOBILE.match(bare) if region == "CN" else None
    if mobile and _mobile_pattern().fullmatch(mobile[1]):
        return f"+86{mobile[1]}"
    if not re.fullmatch(r"\+?\d+", bare):
        return BadNumber(text, "it holds characters that are no digits")
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    return _parse(text, bare, region)


def _parse(text: str, bare: str, region: str) -> str | BadNumber:
    try:
        number = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        return BadNumber(text, "it is no phone number")
    if not phonenumbers.is_valid_number(number):
        possible = phonenumbers.is_possible_number_with_reason(number)
        reason = _mainland_reason(bare) if region == "CN" else None
        return BadNumber(text, reason or _REASONS.get(possible, "no such number is in use"))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _mainland_reason(bare: str) -> str | None:
    """What the length says about a wrong mainland number; None: look further."""
    if re.fullmatch(r"[2-8]\d{6,7}", bare):
        return "the area code is missing"
    if re.fullmatch(r"1\d*", bare):
        right_length = len(bare) == 11
        return "no such mobile number is in use" if right_length else f"a mobile number has 11 digits, this {len(bare)}"
    return None


@lru_cache(maxsize=1)
def _mobile_pattern() -> re.Pattern[str]:
    """What the library itself holds mainland mobile numbers to; matching it here spares nine tenths of the time."""
    metadata = PhoneMetadata.metadata_for_region("CN")
    if metadata is None or metadata.mobile is None or metadata.mobile.national_number_pattern is None:
        raise LookupError("phonenumbers knows no mainland mobile numbers")
    return re.compile(metadata.mobile.national_number_pattern)
