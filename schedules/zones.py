"""Which time zones a person may be in. Every candidate counts: a call is allowed only where all of them allow it.

Candidates come from what the list states, from the region or address of the person, and from the number itself; their
union is taken, because each may be the true one (numbers are ported, people move). What cannot be resolved is kept as a
named doubt, and doubt refuses.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schedules.numbers import place
from schedules.places import TWO_ZONE_REGIONS, regions_of_address, zones_of_state

TWO_ZONE_PREFIXES = {
    **dict.fromkeys((f"+86{area}" for area in range(901, 910)), "CN-XJ"),
    **dict.fromkeys((f"+86{area}" for area in range(990, 1000)), "CN-XJ"),
}
"""Fixed-line area codes (E.164) of a region with two clocks."""
OFFICIAL_ZONES = {"CN": ("Asia/Shanghai",)}
"""Countries whose law knows one zone although the zone database lists more."""
NO_PLACES = frozenset({"localtime", "posixrules", "Factory"})
"""Files beside the zones: what they say depends on the machine, or is nothing."""


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

    `number` is E.164; `stated_zone` an IANA name; `region` one or several codes of ISO 3166-1 or 3166-2 with commas
    between them ("US", "CN-XJ", "US-TX,US-NM"); `address` free text, read as `regions_of_address` does.
    """
    regions = f"{region},{','.join(regions_of_address(address))}" if address else region
    return _candidates(_zones_of_number(number), stated_zone, regions)


def country_of(number: str) -> str:
    """The country (ISO 3166-1) of an E.164 number by its numbering plan; empty when that does not tell.

    Numbers that several countries share (+1 800) count for the first of them; of a number that is not valid its first
    digits may still tell the country.
    """
    return place(number).country


@lru_cache(maxsize=8192)
def _candidates(of_number: tuple[str, ...], stated_zone: str | None, regions: str) -> ZoneCandidates:
    zones: set[str] = set(of_number)
    doubts: list[str] = []
    if stated_zone is not None:
        if is_zone(stated_zone):
            zones.add(stated_zone)
        else:
            doubts.append(f"the stated zone {stated_zone!r} is not an IANA zone")
    for code in sorted({part.strip() for part in regions.split(",")} - {""}):
        found = zones_of_region(code)
        zones.update(found)
        if not found:
            doubts.append(f"the region {code!r} is not an ISO 3166 code")
    return ZoneCandidates(tuple(sorted(zones)), tuple(doubts))


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether `name` is an IANA zone this installation knows."""
    if name in NO_PLACES:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zones_of_region(code: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166-1) or of its part (3166-2; those of the country unless known better)."""
    code = code.upper()
    country = code.partition("-")[0]
    return zones_of_state(code) or OFFICIAL_ZONES.get(country) or _country_zones().get(country, ())


def _zones_of_number(number: str) -> tuple[str, ...]:
    two_zoned = TWO_ZONE_PREFIXES.get(number[:6])
    return TWO_ZONE_REGIONS[two_zoned] if two_zoned is not None else _known(place(number).zones)


@lru_cache(maxsize=4096)
def _known(zones: tuple[str, ...]) -> tuple[str, ...]:
    """Those this installation has; the tables of numbers and of zones are different packages."""
    return tuple(filter(is_zone, zones))


@lru_cache(maxsize=1)
def _country_zones() -> dict[str, tuple[str, ...]]:
    """Country code to zones, from the zone database's own table (zone.tab: code, coordinates, zone)."""
    table: dict[str, tuple[str, ...]] = {}
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            table[country] = (*table.get(country, ()), zone)
    return table
