"""Zone candidates: union of everything known, doubts kept by name."""

import pytest

from schedules import numbers
from schedules.places import ISLAND_ZIPS, STATE_ZONES, STATES, ZIP_RANGES, regions_of_address
from schedules.zones import candidates, country_of, is_zone, zones_of_region


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+8613800001234", ("Asia/Shanghai",)),
        ("+862112345678", ("Asia/Shanghai",)),
        ("+869911234567", ("Asia/Shanghai", "Asia/Urumqi")),  # Ürümqi lives by two clocks
        ("+869021234567", ("Asia/Shanghai", "Asia/Urumqi")),
        ("+85223456789", ("Asia/Hong_Kong",)),
        ("+12125550100", ("America/New_York",)),
        ("+999123", ()),  # no such country code
        ("not a number", ()),
    ],
)
def test_zones_of_a_number(number: str, zones: tuple[str, ...]) -> None:
    found = candidates(number)
    assert found.zones == zones
    assert found.known == bool(zones)


def test_toll_free_number_may_be_anywhere() -> None:
    assert len(candidates("+18005550100").zones) > 20


def test_everything_known_counts() -> None:
    found = candidates("+12125550100", stated_zone="America/Los_Angeles", region="CN-XJ", address="Hong Kong")
    assert found.zones == ("America/Los_Angeles", "America/New_York", "Asia/Shanghai", "Asia/Urumqi")


@pytest.mark.parametrize("address", ["新疆维吾尔自治区乌鲁木齐市", "Urumqi, Xinjiang"])
def test_an_address_may_add_a_zone(address: str) -> None:
    assert candidates("+8613800001234", address=address).zones == ("Asia/Shanghai", "Asia/Urumqi")


def test_a_doubt_is_kept_beside_what_is_known() -> None:
    found = candidates("+8613800001234", stated_zone="Mars/Olympus", region="ZZ")
    assert found.zones == ("Asia/Shanghai",)
    assert not found.known
    assert [doubt.split()[1] for doubt in found.doubts] == ["stated", "region"]


@pytest.mark.parametrize(
    ("code", "zones"),
    [
        ("CN", ("Asia/Shanghai",)),
        ("cn-gd", ("Asia/Shanghai",)),
        ("CN-XJ", ("Asia/Shanghai", "Asia/Urumqi")),
        ("JP", ("Asia/Tokyo",)),
        ("ZZ", ()),
        ("US-CA", ("America/Los_Angeles",)),
        ("us-ca", ("America/Los_Angeles",)),
        ("US-TX", ("America/Chicago", "America/Denver")),  # El Paso
        ("US-AZ", ("America/Phoenix", "America/Denver")),  # the Navajo Nation changes its clocks
        ("GB-ENG", ("Europe/London",)),
        ("IN-MH", ("Asia/Kolkata",)),
    ],
)
def test_zones_of_a_region(code: str, zones: tuple[str, ...]) -> None:
    assert zones_of_region(code) == zones


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Asia/Shanghai", True),
        ("", False),
        ("../etc/passwd", False),
        ("Asia/Atlantis", False),
        ("a\0b", False),
        ("localtime", False),
        ("Factory", False),
    ],
)
def test_is_zone(name: str, known: bool) -> None:
    assert is_zone(name) is known


def test_an_unknown_part_may_be_anywhere_in_the_country() -> None:
    assert zones_of_region("US-ZZ") == zones_of_region("US")
    assert len(zones_of_region("US")) > 20


def test_several_regions() -> None:
    found = candidates("+13125550123", region="US-TX, US-HI,")
    assert found.zones == ("America/Chicago", "America/Denver", "Pacific/Honolulu")
    assert found.known
    assert candidates("+13125550123", region="US-TX,XX").doubts == ("the region 'XX' is not an ISO 3166 code",)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+8613800001234", "CN"),
        ("+85223456789", "HK"),
        ("+442079460000", "GB"),
        ("+441534456789", "JE"),
        ("+14165550123", "CA"),
        ("+18005550100", "US"),  # shared by several countries
        ("+80012345678", ""),  # of no country
        ("+39 06 6982", "VA"),  # written with spaces: the long way
        ("+8612", "CN"),  # not valid, but of China
        ("+12421111111", "BS"),
        ("+12001111111", ""),  # not valid, and of no region of its plan
        ("+999123", ""),
        ("12", ""),
        ("", ""),
    ],
)
def test_country_of_a_number(number: str, country: str) -> None:
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("address", "regions"),
    [
        ("350 Fifth Avenue, New York, NY 10118", ("US-NY",)),
        ("1 Main St, Austin, Texas 78701, USA", ("US-TX",)),
        ("1 Main St, Austin, tx, United States", ("US-TX",)),
        ("Springfield 62701", ("US-IL",)),  # by its ZIP code alone
        ("12 High Street\nPortland OR 97201-1234", ("US-OR",)),
        ("9 Road, Albuquerque, New  Mexico", ("US-NM",)),
        ("1 Street, Kansas City, MO", ("US-MO",)),  # not Kansas
        ("1 Street, Reno, NV 10001", ("US-NV", "US-NY")),  # one of the two is wrong: both count
        ("Unit 1, APO AE 09012", ("US",)),
        ("PO Box 1, Pago Pago 96799", ("US-AS",)),  # not Hawaii, as its neighbours 967xx
        ("12 Marine Corps Drive, Tamuning 96913-1234", ("US-GU",)),
        ("Saipan, MP 96950", ("US-MP",)),
        ("PO Box 1, Koror 96940", ("PW",)),
        ("PO Box 1, Pohnpei 96941", ("FM",)),
        ("PO Box 1, Majuro 96960", ("MH",)),
        ("1 Road, Gary, IN 46402", ("US-IN",)),
        ("1 Road, Mumbai, IN", ()),  # India
        ("Washington, Tyne and Wear NE38 7AB", ()),
        ("10115 Berlin", ()),
        ("10 Downing Street, London SW1A 2AA", ()),
        ("北京市朝阳区 12345", ()),
        ("新疆维吾尔自治区", ("CN-XJ",)),
        ("Xinjiang, NY 10001", ("CN-XJ", "US-NY")),
        ("", ()),
    ],
)
def test_regions_of_an_address(address: str, regions: tuple[str, ...]) -> None:
    assert regions_of_address(address) == regions


def test_every_state_has_zones_and_every_zip_code_one_state() -> None:
    assert set(STATES) == set(STATE_ZONES)
    assert all(is_zone(zone) for zones in STATE_ZONES.values() for zone in zones)
    assert {state for _, _, state in ZIP_RANGES} <= set(STATES)
    bounds = [bound for first, last, _ in ZIP_RANGES for bound in (first, last)]
    assert bounds == sorted(bounds)
    assert all(zones_of_region(region) for _, _, region in ISLAND_ZIPS)


def test_states_lie_within_the_zones_of_the_country() -> None:
    """Territories have codes of their own in the zone database."""
    country = set(zones_of_region("US"))
    for state, zones in STATE_ZONES.items():
        assert set(zones) <= country or state in {"PR", "VI", "GU", "AS", "MP"}


def test_a_prefix_the_table_does_not_hold_has_no_zones() -> None:
    assert numbers._zones_of_prefix("999") == ()
