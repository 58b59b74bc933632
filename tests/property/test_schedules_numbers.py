"""Numbers are placed as `phonenumbers` itself would: random valid ones of four plans, and its own examples of all."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers import timezone as number_zones

from schedules.numbers import UNKNOWN_ZONE, Placement, place
from schedules.zones import candidates, country_of

REGIONS = ("CN", "US", "GB", "IN")
unhurried = settings(deadline=None)  # the machine may be busy
KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "uan")


def by_phonenumbers(number: str) -> Placement:
    """The long way: parse, find the type, look up."""
    parsed = phonenumbers.parse(number)
    zones = tuple(zone for zone in number_zones.time_zones_for_number(parsed) if zone != UNKNOWN_ZONE)
    country = phonenumbers.region_code_for_number(parsed) or ""
    return Placement("" if country == "001" else country, zones)


def plans() -> list[st.SearchStrategy[str]]:
    """Valid numbers of each kind in the four plans."""
    found = []
    for region in REGIONS:
        metadata = PhoneMetadata.metadata_for_region(region)
        assert metadata is not None
        for kind in KINDS:
            described = getattr(metadata, kind)
            if described is not None and described.national_number_pattern:
                pattern = rf"\+{metadata.country_code}(?:{described.national_number_pattern})"
                found.append(st.from_regex(pattern.replace(r"\d", "[0-9]"), fullmatch=True))
    return found


numbers = st.one_of(plans())


@unhurried
@given(numbers)
def test_random_valid_numbers(number: str) -> None:
    assert place(number) == by_phonenumbers(number)


@unhurried
@given(st.sampled_from(("+86", "+1", "+44", "+91", "+7", "+39", "")), st.text("0123456789", max_size=12))
def test_random_digits(code: str, digits: str) -> None:
    """Most are not valid; those go the long way and are nowhere."""
    number = code + digits
    try:
        expected = by_phonenumbers(number)
    except phonenumbers.NumberParseException:
        expected = Placement()
    assert place(number) == expected


@unhurried
@given(numbers)
def test_candidates_are_those_of_the_number(number: str) -> None:
    expected = set(by_phonenumbers(number).zones)
    found = set(candidates(number).zones)
    if number.startswith("+86"):  # Xinjiang lives by two clocks
        expected |= found & {"Asia/Shanghai", "Asia/Urumqi"}
    assert found == expected
    assert country_of(number) == by_phonenumbers(number).country


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_examples_of_every_region(region: str) -> None:
    for kind in PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, kind)
        if example is not None:
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert place(number) == by_phonenumbers(number), number
