"""Regions named in an address, as codes of ISO 3166-2, and the zones of regions that have their own.

Only what changes the clock is looked for: the part of China with two clocks, and the states of the United States. An
import keeps the codes instead of the address.
"""

import re
from collections.abc import Iterator

EASTERN, CENTRAL = "America/New_York", "America/Chicago"
MOUNTAIN, PACIFIC = "America/Denver", "America/Los_Angeles"
TWO_ZONE_REGIONS = {"CN-XJ": ("Asia/Shanghai", "Asia/Urumqi")}
"""Regions where two clocks are in daily use."""
REGION_NAMES = {"新疆": "CN-XJ", "xinjiang": "CN-XJ"}
"""How an address names such a region."""

_STATES = """
    AL Alabama, AK Alaska, AZ Arizona, AR Arkansas, CA California, CO Colorado, CT Connecticut, DE Delaware,
    DC District of Columbia, FL Florida, GA Georgia, HI Hawaii, ID Idaho, IL Illinois, IN Indiana, IA Iowa,
    KS Kansas, KY Kentucky, LA Louisiana, ME Maine, MD Maryland, MA Massachusetts, MI Michigan, MN Minnesota,
    MS Mississippi, MO Missouri, MT Montana, NE Nebraska, NV Nevada, NH New Hampshire, NJ New Jersey, NM New Mexico,
    NY New York, NC North Carolina, ND North Dakota, OH Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania,
    RI Rhode Island, SC South Carolina, SD South Dakota, TN Tennessee, TX Texas, UT Utah, VT Vermont, VA Virginia,
    WA Washington, WV West Virginia, WI Wisconsin, WY Wyoming, PR Puerto Rico, VI Virgin Islands, GU Guam,
    AS American Samoa, MP Northern Mariana Islands
"""
STATES: dict[str, str] = dict(entry.split(maxsplit=1) for entry in " ".join(_STATES.split()).split(", "))
"""States, the district and the inhabited territories of the United States by their postal codes."""

_EASTERN_STATES = "CT DE DC GA ME MD MA NH NJ NY NC OH PA RI SC VT VA WV"
_CENTRAL_STATES = "AR IL IA LA MN MS MO WI"
STATE_ZONES = {
    **dict.fromkeys(_EASTERN_STATES.split(), (EASTERN,)),
    **dict.fromkeys(_CENTRAL_STATES.split(), (CENTRAL,)),
    **dict.fromkeys(("CO", "NM", "UT", "WY", "MT"), (MOUNTAIN,)),
    **dict.fromkeys(("CA", "WA"), (PACIFIC,)),
    **dict.fromkeys(("IN", "KY", "TN", "MI", "FL", "AL"), (EASTERN, CENTRAL)),
    **dict.fromkeys(("KS", "NE", "ND", "SD", "TX", "OK"), (CENTRAL, MOUNTAIN)),
    **dict.fromkeys(("ID", "OR", "NV"), (MOUNTAIN, PACIFIC)),
    "AZ": ("America/Phoenix", MOUNTAIN),
    "AK": ("America/Anchorage", "America/Adak"),
    "HI": ("Pacific/Honolulu",),
    "PR": ("America/Puerto_Rico",),
    "VI": ("America/St_Thomas",),
    "GU": ("Pacific/Guam",),
    "AS": ("Pacific/Pago_Pago",),
    "MP": ("Pacific/Saipan",),
}
"""Every clock in use in a state (49 CFR 71): places that keep a neighbour's by custom or law are counted."""

ZIP_RANGES = (
    *((5, 5, "NY"), (6, 7, "PR"), (8, 8, "VI"), (9, 9, "PR"), (10, 27, "MA"), (28, 29, "RI"), (30, 38, "NH")),
    *((39, 49, "ME"), (50, 54, "VT"), (55, 55, "MA"), (56, 59, "VT"), (60, 69, "CT"), (70, 89, "NJ")),
    *((100, 149, "NY"), (150, 196, "PA"), (197, 199, "DE"), (200, 200, "DC"), (201, 201, "VA"), (202, 205, "DC")),
    *((206, 219, "MD"), (220, 246, "VA"), (247, 268, "WV"), (270, 289, "NC"), (290, 299, "SC"), (300, 319, "GA")),
    *((320, 339, "FL"), (341, 349, "FL"), (350, 369, "AL"), (370, 385, "TN"), (386, 397, "MS"), (398, 399, "GA")),
    *((400, 427, "KY"), (430, 459, "OH"), (460, 479, "IN"), (480, 499, "MI"), (500, 528, "IA"), (530, 549, "WI")),
    *((550, 567, "MN"), (569, 569, "DC"), (570, 577, "SD"), (580, 588, "ND"), (590, 599, "MT"), (600, 629, "IL")),
    *((630, 658, "MO"), (660, 679, "KS"), (680, 693, "NE"), (700, 714, "LA"), (716, 729, "AR"), (730, 732, "OK")),
    *((733, 733, "TX"), (734, 749, "OK"), (750, 799, "TX"), (800, 816, "CO"), (820, 831, "WY"), (832, 838, "ID")),
    *((840, 847, "UT"), (850, 865, "AZ"), (870, 884, "NM"), (885, 885, "TX"), (889, 898, "NV"), (900, 961, "CA")),
    *((967, 968, "HI"), (970, 979, "OR"), (980, 994, "WA"), (995, 999, "AK")),
)
"""The first three digits of ZIP codes: first, last, state. What is missing belongs to no single state."""
ISLAND_ZIPS = (
    *((96799, 96799, "US-AS"), (96910, 96932, "US-GU"), (96939, 96940, "PW"), (96941, 96944, "FM")),
    *((96950, 96952, "US-MP"), (96960, 96970, "MH")),
)
"""ZIP codes of islands in the Pacific, where it is tomorrow already or still yesterday: first, last, code of ISO 3166.

The United States Postal Service also serves Palau, Micronesia and the Marshall Islands, which are no part of the
United States.
"""

_STATE_OF_NAME = {name.lower(): code for code, name in STATES.items()}
_NAMES = "|".join((*STATES, *(name.replace(" ", r"\s+") for name in STATES.values())))
_COUNTRY = r"(?:\s*,?\s*(?:USA|U\.S\.A\.|US|United\s+States(?:\s+of\s+America)?)\.?)?"
_STATE = re.compile(rf",\s*(?!IN\s*$)({_NAMES})\b(?=\s*(?:,|\d{{5}}\b|$)|{_COUNTRY}\s*$)", re.IGNORECASE)
_ZIP = re.compile(rf"(?:^|[\s,])(\d{{5}})(?:-\d{{4}})?{_COUNTRY}\s*$", re.IGNORECASE)


def zones_of_state(code: str) -> tuple[str, ...]:
    """The zones of a region that has its own ("US-TX", "CN-XJ"); none for any other."""
    country, _, part = code.partition("-")
    return TWO_ZONE_REGIONS.get(code) or (STATE_ZONES.get(part, ()) if country == "US" else ())


def regions_of_address(text: str) -> tuple[str, ...]:
    """The ISO 3166-2 codes of regions an address names, sorted; none when it names none that changes the clock.

    States of the United States by name or postal code after a comma (or on a line of its own), and by a ZIP code at the
    end; both when they differ. A ZIP code of no single state gives "US", one of another state in the Pacific its
    country. "IN" alone at the end is not read as Indiana: it is India's own code. Only addresses in ASCII letters are
    read for states.
    """
    lowered = text.lower()
    found = {code for name, code in REGION_NAMES.items() if name in lowered}
    if text.isascii():
        found.update(_states(text))
    return tuple(sorted(found))


def _states(text: str) -> Iterator[str]:
    lines = ",".join(text.splitlines())
    for match in _STATE.finditer(lines):
        name = " ".join(match[1].split())
        yield f"US-{_STATE_OF_NAME.get(name.lower(), name.upper())}"
    zip_code = _ZIP.search(lines)
    if zip_code is not None:
        yield _region_of_zip(int(zip_code[1]))


def _region_of_zip(zip_code: int) -> str:
    for first, last, region in ISLAND_ZIPS:
        if first <= zip_code <= last:
            return region
    state = next((state for first, last, state in ZIP_RANGES if first <= zip_code // 100 <= last), "")
    return f"US-{state}" if state else "US"
