"""What network announcements say before the answer, and the library of those that are known."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class AnnouncementMeaning(str, Enum):
    """What a recorded announcement means for the call, in the words of the Chinese networks where they have some."""

    EMPTY_NUMBER = "empty_number"
    """空号: the number is not in use, or was dialed wrongly."""
    POWERED_OFF = "powered_off"
    """关机."""
    SUSPENDED = "suspended"
    """停机: the subscriber's service is suspended."""
    UNREACHABLE = "unreachable"
    """无法接通, 不在服务区."""
    BUSY = "busy"
    """正在通话中."""
    NO_ANSWER = "no_answer"
    """无人接听."""
    INCOMING_BARRED = "incoming_barred"
    """呼入限制: the subscriber takes no calls, or none from this number."""
    CALL_ASSISTANT = "call_assistant"
    """来电助理, 语音信箱: a service takes the call instead of the subscriber."""
    NETWORK_BUSY = "network_busy"
    """网络忙: the network could not put the call through."""
    KEEP_WAITING = "keep_waiting"
    """The call goes on: a forwarding notice, an advertisement before the ringing."""
    OTHER = "other"
    """Known, and of no consequence."""


@dataclass(frozen=True, slots=True)
class NewAnnouncement:
    """What somebody says of a recording. `language` is a tag like zh or zh+en, `source` where the audio came from."""

    title: str
    meaning: AnnouncementMeaning
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Announcement(NewAnnouncement):
    """One entry of the library. `added_by` is who named it.

    `complete_set`: the carrier of which this and the others of that name are all announcements; empty: nobody says so.
    """

    announcement_id: int
    added_by: str
    added_at: datetime
    length_ms: int
    complete_set: str


@dataclass(frozen=True, slots=True)
class UnknownHeard:
    """An announcement that nobody has named yet, heard on one call; `sip_status` is that call's end, 0: none."""

    attempt_id: int
    campaign_id: int
    heard_at: datetime
    trunk: str
    sip_status: int


@dataclass(frozen=True, slots=True)
class HeardWith:
    """On which trunk and with which final SIP status an announcement was heard how often."""

    trunk: str
    sip_status: int
    times: int


@dataclass(frozen=True, slots=True)
class UnknownCluster:
    """One announcement nobody has named yet, however often it was heard; `attempt_id` is the first such call."""

    cluster_id: int
    attempt_id: int
    campaign_id: int
    first_heard_at: datetime
    last_heard_at: datetime
    times: int
    length_ms: int
    heard_with: tuple[HeardWith, ...]
