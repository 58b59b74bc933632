"""Where a contact stands, whatever the gate says: in which campaigns, and what its entry there waits for."""

from dataclasses import dataclass
from datetime import datetime

from dialer.model.campaign import Campaign
from dialer.model.contact import Contact
from dialer.model.entry import EntryState


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact in one campaign. `state` None: the campaign dials its list, but has no entry of it yet.

    `due_at` is when a WAITING entry may be tried, `callback_at` a promised time, `lease_until` how long a claim lasts.
    """

    campaign: Campaign
    state: EntryState | None
    reason: str = ""
    due_at: datetime | None = None
    callback_at: datetime | None = None
    lease_until: datetime | None = None
    next_phone_id: int | None = None


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A contact with everything that decides whether a campaign comes to ask the gate about it."""

    contact: Contact
    list_name: str
    is_list_ready: bool
    standings: tuple[Standing, ...]
