"""Where a number belongs by its numbering plan: country and time zones, as `phonenumbers` says but much cheaper.

`phonenumbers` parses a number, finds its type by trying a dozen patterns and then looks the zones up by the longest
prefix in its table. Here the patterns of a region are one regular expression and the table is asked directly, so a
million different numbers cost a few microseconds each and nothing about them is kept. What is not a plain, valid E.164
number goes the long way through `phonenumbers` itself, so the answer is always its own.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers import timezone as number_zones
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

UNKNOWN_ZONE = number_zones.UNKNOWN_TIMEZONE
NOT_A_COUNTRY = "001"  # what phonenumbers calls the numbers of no country (+800, +883)
PLACELESS = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")
"""Kinds of numbers whose prefix says nothing about the place, in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`country` (ISO 3166-1) and zones of a number: no zones when it is not valid, no country when none is known."""

    country: str = ""
    zones: tuple[str, ...] = ()


NOWHERE = Placement()


@dataclass(frozen=True, slots=True)
class _Plan:
    """The numbering plan of a region. `kinds`, matched as a whole, has a group for fixed lines and one for mobiles."""

    region: str
    leading_digits: re.Pattern[str] | None
    kinds: re.Pattern[str]


FIXED_LINE, MOBILE = 1, 2  # the groups of `_Plan.kinds`


@lru_cache(maxsize=16)  # zones and country of one number are asked for one after the other
def place(number: str) -> Placement:
    """Where an E.164 number ("+8613800001234") belongs; nowhere for what is no number at all."""
    digits = number[1:]
    if number[:1] != "+" or not digits.isascii() or not digits.isdigit():
        return _place_slowly(number)
    code = _country_code(digits)
    national = digits[len(code) :]
    for plan in _plans(code):
        if plan.leading_digits is not None and not plan.leading_digits.match(national):
            continue
        kind = plan.kinds.fullmatch(national)
        if kind is not None:
            has_place = kind.lastindex == FIXED_LINE or (kind.lastindex == MOBILE and _mobiles_have_places(code))
            return _placement(plan.region, _zones_of_prefix(digits if has_place else code))
        if plan.leading_digits is not None:
            break  # the region is decided, and the number is not valid there
    return _place_slowly(number)


def _country_code(digits: str) -> str:
    """The country calling code at the start of `digits`, empty when there is none."""
    return next((digits[:n] for n in (1, 2, 3) if _plans(digits[:n])), "")


@lru_cache(maxsize=2048)
def _plans(code: str) -> tuple[_Plan, ...]:
    """The plans behind a country calling code in the order in which they are tried; none when it is not one."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or "0"), ())
    found = (PhoneMetadata.metadata_for_region(region) for region in regions if region != NOT_A_COUNTRY)
    return tuple(map(_plan, filter(None, found)))


def _plan(metadata: PhoneMetadata) -> _Plan:
    placeless = [_pattern(getattr(metadata, kind)) for kind in PLACELESS]
    fixed, mobile = _pattern(metadata.fixed_line), _pattern(metadata.mobile)
    kinds = f"(?:{'|'.join(filter(None, placeless))})|({fixed})|({mobile})"
    leading = metadata.leading_digits
    return _Plan(metadata.id, re.compile(leading) if leading else None, re.compile(kinds))


def _pattern(kind: PhoneNumberDesc | None) -> str:
    """The pattern of a kind of number; one that matches nothing when the region has none."""
    return (kind.national_number_pattern if kind else None) or r"(?!)"


@lru_cache(maxsize=256)
def _mobiles_have_places(code: str) -> bool:
    return phonenumbers.is_number_type_geographical(PhoneNumberType.MOBILE, int(code))


def _zones_of_prefix(digits: str) -> tuple[str, ...]:
    """The zones of the longest prefix of `digits` in the table."""
    for n in range(TIMEZONE_LONGEST_PREFIX, 0, -1):
        found = TIMEZONE_DATA.get(digits[:n])
        if found is not None:
            return found
    return ()


@lru_cache(maxsize=4096)
def _placement(region: str, zones: tuple[str, ...]) -> Placement:
    return Placement("" if region == NOT_A_COUNTRY else region, tuple(zone for zone in zones if zone != UNKNOWN_ZONE))


@lru_cache(maxsize=4096)
def _place_slowly(number: str) -> Placement:
    """As `phonenumbers` itself says, whatever was written."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return NOWHERE
    region = phonenumbers.region_code_for_number(parsed) or ""
    return _placement(region, tuple(number_zones.time_zones_for_number(parsed)))
