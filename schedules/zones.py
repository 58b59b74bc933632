"""Which time zones a person may be in. Every candidate counts: a call is allowed only where all of them allow it.

Candidates come from what the list states, from the region or address of the person, and from the number itself; their
union is taken, because each may be the true one (numbers are ported, people move). What cannot be resolved is kept as a
named doubt, and doubt refuses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import timezone as number_zones

UNKNOWN_ZONE = "Etc/Unknown"  # what phonenumbers answers for a number it cannot place
TWO_ZONE_REGIONS = {"CN-XJ": ("Asia/Shanghai", "Asia/Urumqi")}
"""Regions where two clocks are in daily use."""
TWO_ZONE_PREFIXES = {
    **dict.fromkeys((f"+86{area}" for area in range(901, 910)), "CN-XJ"),
    **dict.fromkeys((f"+86{area}" for area in range(990, 1000)), "CN-XJ"),
}
"""Fixed-line area codes (E.164) of such a region."""
REGION_NAMES = {"新疆": "CN-XJ", "xinjiang": "CN-XJ"}
"""How an address names such a region."""
OFFICIAL_ZONES = {"CN": ("Asia/Shanghai",)}
"""Countries whose law knows one zone although the zone database lists more."""


@dataclass(frozen=True, slots=True)
class ZoneCandidates:
    """IANA names a person may live by, sorted, and what could not be resolved (a doubt makes the gate refuse)."""

    zones: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is at least one zone and no doubt."""
        return bool(self.zones) and not self.doubts


def candidates(number: str, *, stated_zone: str | None = None, region: str = "", address: str = "") -> ZoneCandidates:
    """All zones a person may be in.

    `number` is E.164; `stated_zone` an IANA name; `region` ISO 3166-1 or 3166-2 ("US", "CN-XJ"); `address` free text,
    in which only the names of regions with two zones are looked for.
    """
    zones: set[str] = set(_zones_of_number(number))
    doubts: list[str] = []
    if stated_zone is not None:
        if is_zone(stated_zone):
            zones.add(stated_zone)
        else:
            doubts.append(f"the stated zone {stated_zone!r} is not an IANA zone")
    for code in _regions(region, address):
        found = zones_of_region(code)
        zones.update(found)
        if not found:
            doubts.append(f"the region {code!r} is not an ISO 3166 code")
    return ZoneCandidates(tuple(sorted(zones)), tuple(doubts))


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether `name` is an IANA zone this installation knows."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zones_of_region(code: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166-1) or of its part (3166-2; those of the country unless known better)."""
    code = code.upper()
    if code in TWO_ZONE_REGIONS:
        return TWO_ZONE_REGIONS[code]
    country = code.partition("-")[0]
    return OFFICIAL_ZONES.get(country) or _country_zones().get(country, ())


def _regions(region: str, address: str) -> Iterator[str]:
    if region:
        yield region
    lowered = address.lower()
    yield from {code for name, code in REGION_NAMES.items() if name in lowered}


def _zones_of_number(number: str) -> tuple[str, ...]:
    two_zoned = TWO_ZONE_PREFIXES.get(number[:6])
    if two_zoned is not None:
        return TWO_ZONE_REGIONS[two_zoned]
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in number_zones.time_zones_for_number(parsed) if zone != UNKNOWN_ZONE and is_zone(zone))


@lru_cache(maxsize=1)
def _country_zones() -> dict[str, tuple[str, ...]]:
    """Country code to zones, from the zone database's own table (zone.tab: code, coordinates, zone)."""
    table: dict[str, tuple[str, ...]] = {}
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            table[country] = (*table.get(country, ()), zone)
    return table
