"""What the case system is told: one event per thing that happened, under a stable id, in order per case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

FormValue = str | bool | Decimal | date


class EventType(str, Enum):
    """Kinds of outbound events (CloudEvents `type`)."""

    ATTEMPT_SETTLED = "dialer.attempt.settled.v1"
    ATTEMPT_UNKNOWN = "dialer.attempt.unknown.v1"
    WRAP_UP = "dialer.contact.wrap_up.v1"
    DO_NOT_CALL = "dialer.number.do_not_call.v1"
    RECORDING_READY = "dialer.recording.ready.v1"
    CAMPAIGN_STATE = "dialer.campaign.state.v1"


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One event as stored. `event_id` never changes over retries; `sequence` orders the events of one `case_ref`."""

    sequence: int
    event_id: str
    type: EventType
    case_ref: str
    occurred_at: datetime
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WrapUp:
    """What the collector recorded after a call: a code of the campaign's form and its typed fields."""

    attempt_id: int
    agent_id: int
    code: str
    recorded_at: datetime
    values: Mapping[str, FormValue]
    callback_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that waits for one destination, with what became of it there so far."""

    event: OutboxEvent
    failures: int = 0
    first_failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event one destination did not take in time. It is out of the line until somebody replays it."""

    event: OutboxEvent
    destination: str
    failures: int
    error: str
    at: datetime
