"""Lists as imported, and who must never be called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from dialer.model.contact import FieldValue, PhoneRole


class ListState(str, Enum):
    """A list is seen by campaigns only when READY; a kill may leave IMPORTING behind, cleaned at the start."""

    IMPORTING = "importing"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class CallList:
    """A list as stored; `source` is the name of the file it came from."""

    list_id: int
    name: str
    state: ListState
    source: str
    contact_count: int
    phone_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewPhone:
    """A number to store: E.164 with a leading plus."""

    number: str
    role: PhoneRole = PhoneRole.OWN


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact to store; `phones` in the order in which they are to be tried."""

    person_ref: str
    case_ref: str
    phones: tuple[NewPhone, ...]
    name: str = ""
    zone: str | None = None
    regions: tuple[str, ...] = ()
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoNotCall:
    """A number (masked here) or a person that must not be called; `removed_at` is set when it was taken off again."""

    do_not_call_id: int
    number_masked: str
    person_ref: str | None
    source: str
    reason: str
    added_at: datetime
    removed_at: datetime | None = None
