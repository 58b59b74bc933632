"""An attempt: one dial of one number, from the reservation to its settled end."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AttemptState(str, Enum):
    """Where an attempt stands. RESERVED is durable before the INVITE leaves; UNKNOWN is what a crash leaves behind."""

    RESERVED = "reserved"
    INVITE_SENT = "invite_sent"
    ALERTING = "alerting"
    EARLY_MEDIA = "early_media"
    ANSWERED = "answered"
    CLASSIFIED = "classified"
    CONNECTED = "connected"
    SETTLED = "settled"
    RELEASED = "released"
    UNKNOWN = "unknown"


class Disposition(str, Enum):
    """How an attempt ended, as the network and the audio told it (the collector's own words are a `WrapUp`)."""

    CONNECTED = "connected"
    REMINDED = "reminded"
    ABANDONED = "abandoned"
    MACHINE = "machine"
    MESSAGE_LEFT = "message_left"
    FAX = "fax"
    SILENCE = "silence"
    SHORT_ANSWER = "short_answer"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    POWERED_OFF = "powered_off"
    SUSPENDED = "suspended"
    """停机: the subscriber's service is suspended."""
    UNREACHABLE = "unreachable"
    """无法接通: the network could not put the call through, to a phone out of reach or because it was full."""
    INCOMING_BARRED = "incoming_barred"
    """呼入限制: the subscriber takes no calls, or none from this number."""
    REJECTED = "rejected"
    BAD_NUMBER = "bad_number"
    NETWORK_BLOCKED = "network_blocked"
    UNWANTED = "unwanted"
    TRUNK_CONGESTION = "trunk_congestion"
    TRUNK_CONFIG = "trunk_config"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


REACHED_A_PERSON = frozenset({Disposition.CONNECTED, Disposition.REMINDED, Disposition.ABANDONED})
"""Dispositions in which a live person answered."""

TRUNK_FAULTS = frozenset({Disposition.TRUNK_CONGESTION, Disposition.TRUNK_CONFIG})
"""Ends before anything rang, caused by the trunk: they give the reserved slot back."""


class HangupSide(str, Enum):
    """Who ended the call."""

    US = "us"
    PERSON = "person"
    COLLECTOR = "collector"
    NETWORK = "network"


class CallPath(str, Enum):
    """By which way an attempt came to be; every one of them passes the gate."""

    PREDICTIVE = "predictive"
    PROGRESSIVE = "progressive"
    PREVIEW = "preview"
    REMINDER = "reminder"
    MANUAL = "manual"
    CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class NetworkCause:
    """Raw signalling kept as evidence: the final SIP status, its phrase, Reason header values, the Q.850 cause."""

    sip_status: int | None = None
    sip_phrase: str = ""
    reasons: tuple[str, ...] = ()
    q850: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as stored. Instants are aware UTC; `number_masked` is what anyone may see.

    `notice_at`: when the person began to be told that the call is recorded; None unless that was played to its end.
    """

    attempt_id: int
    campaign_id: int
    contact_id: int
    phone_id: int
    path: CallPath
    state: AttemptState
    number_masked: str
    reserved_at: datetime
    case_ref: str = ""
    person_ref: str = ""
    trunk: str = ""
    caller_id: str = ""
    agent_id: int | None = None
    node: str = ""
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    greeting_end_at: datetime | None = None
    connected_at: datetime | None = None
    notice_at: datetime | None = None
    ended_at: datetime | None = None
    disposition: Disposition | None = None
    verdict: str = ""
    verdict_confidence: float = 0.0
    hangup_side: HangupSide | None = None
    cause: NetworkCause = NetworkCause()
    recording_id: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """Everything learned about an attempt, written once, in one transaction with its outcome event."""

    attempt_id: int
    disposition: Disposition
    ended_at: datetime
    trunk: str = ""
    caller_id: str = ""
    agent_id: int | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    greeting_end_at: datetime | None = None
    connected_at: datetime | None = None
    notice_at: datetime | None = None
    verdict: str = ""
    verdict_confidence: float = 0.0
    hangup_side: HangupSide | None = None
    cause: NetworkCause = NetworkCause()
    recording_id: str = ""


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """Which attempts are asked for; None and empty mean any. `since` and `until` bound `reserved_at`, half open."""

    campaign_id: int | None = None
    contact_id: int | None = None
    case_ref: str | None = None
    person_ref: str | None = None
    agent_id: int | None = None
    states: tuple[AttemptState, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
