"""Counts a supervisor reads, with what they are counts of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dialer.model.attempt import Disposition
from dialer.model.entry import EntryCounts


@dataclass(frozen=True, slots=True)
class CampaignStatistics:
    """A campaign's figures since `since` (entries: now).

    `live` are attempts a person answered, the `abandoned` ones among them; `wrap_ups` counts per code, `right_party`
    those whose code says that the identity was verified; `refusals` counts per rule.
    """

    since: datetime | None
    entries: EntryCounts
    attempts: int = 0
    in_flight: int = 0
    unknown: int = 0
    dispositions: Mapping[Disposition, int] = field(default_factory=dict)
    live: int = 0
    abandoned: int = 0
    wrap_ups: Mapping[str, int] = field(default_factory=dict)
    right_party: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One call the gate refused, as stored. `reason_zh` is `reason` in Chinese, "" where its proof does not say it."""

    refusal_id: int
    at: datetime
    campaign_id: int
    contact_id: int
    phone_id: int
    case_ref: str
    number_masked: str
    path: str
    rule: str
    reason: str
    reason_zh: str
    retry_at: datetime | None
