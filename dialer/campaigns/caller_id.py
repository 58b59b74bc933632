"""Which caller ID a person sees: always the same one while it can be, so that screening and call-backs work.

Sticky without a table: rendezvous hashing ranks the whole pool per person; the highest-ranked usable number is shown. A
number that leaves the pool or rests for the day moves only the persons who had it.
"""

import hashlib
from collections.abc import Mapping, Sequence


def usable(pool: Sequence[str], used_today: Mapping[str, int], daily_cap: int) -> tuple[str, ...]:
    """The numbers of the pool that have not been shown `daily_cap` times today."""
    return tuple(number for number in pool if used_today.get(number, 0) < daily_cap)


def choose_caller_id(pool: Sequence[str], person: str, area: str = "") -> str:
    """The caller ID for a person (any stable key: `person_ref`, a number's index); empty when the pool is.

    `area` is a prefix in the pool's own format ("+8621"): numbers that begin with it come first.
    """
    return max(pool, key=lambda number: (number.startswith(area), _weight(number, person)), default="")


def _weight(number: str, person: str) -> bytes:
    return hashlib.sha256(f"{number}\0{person}".encode()).digest()
