"""Whom we may call: a contact (one person with one case) and the numbers that reach that person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

FieldValue = str | int | float | bool


class PhoneRole(str, Enum):
    """Whose number it is. Third parties (a relative, an employer) fall under rules of their own."""

    OWN = "own"
    THIRD_PARTY = "third_party"


class CaseStatus(str, Enum):
    """What the case system says of the case. Every status but OPEN stops calls at once."""

    OPEN = "open"
    PAID = "paid"
    HOLD = "hold"
    DISPUTE = "dispute"
    COMPLAINT = "complaint"
    BEREAVEMENT = "bereavement"
    WITHDRAWN = "withdrawn"


PERSON_STOPS = frozenset({CaseStatus.COMPLAINT, CaseStatus.BEREAVEMENT})
"""Statuses that stop the whole person: every case of theirs, not only the one it was said of."""


@dataclass(frozen=True, slots=True)
class Phone:
    """One number of one contact. `number` is E.164 with a leading plus; `rank` 0 is tried first."""

    phone_id: int
    contact_id: int
    number: str
    role: PhoneRole = PhoneRole.OWN
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """One person with one case, as imported.

    `person_ref` and `case_ref` are the case system's own ids. `zone` is an IANA name when the list states one, else
    None (then the gate derives candidate zones from each number). `regions` are ISO 3166 codes of where the person
    lives or may live, as far as the list tells. `fields` are the list's other columns, typed.
    """

    contact_id: int
    list_id: int
    person_ref: str
    case_ref: str
    name: str = ""
    zone: str | None = None
    regions: tuple[str, ...] = ()
    case_status: CaseStatus = CaseStatus.OPEN
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    phones: tuple[Phone, ...] = ()


def mask_number(number: str) -> str:
    """A number as people and logs may see it: `+8613800001234` → `138****1234`; short numbers show two digits."""
    national = number[3:] if number.startswith("+86") else number.lstrip("+")
    if len(national) < 8:
        return "*" * max(len(national) - 2, 0) + national[-2:]
    return f"{national[:3]}****{national[-4:]}"
