"""Zone candidates: union of everything known, doubts kept by name."""

import pytest

from schedules.zones import candidates, is_zone, zones_of_region


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
    ],
)
def test_zones_of_a_region(code: str, zones: tuple[str, ...]) -> None:
    assert zones_of_region(code) == zones


@pytest.mark.parametrize(
    ("name", "known"),
    [("Asia/Shanghai", True), ("", False), ("../etc/passwd", False), ("Asia/Atlantis", False), ("a\0b", False)],
)
def test_is_zone(name: str, known: bool) -> None:
    assert is_zone(name) is known
