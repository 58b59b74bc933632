"""What the owner of a call says and hears: the request for a call, the events of its life. Values only."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from dialer.model.attempt import NetworkCause
from dialer.sip.uri import SipUri

AnswerOffer = Callable[[str], str | None]
"""The owner's answer to an SDP offer made during the call (hold, media change, refresh); None refuses it with 488.

An empty offer means that the peer wants ours: the owner gives its present session description.
"""

FIRST_RESPONSE_TIMEOUT_S = 3.0
"""An INVITE without any response for this long is given up, so that the next trunk can be tried."""

RING_TIMEOUT_S = 28.0


class Transport(str, Enum):
    """How messages travel."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a message goes, or came from: a transport and an IP address (not a name) with its port."""

    transport: Transport
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.transport.value}:{self.host}:{self.port}"


def is_address(host: str) -> bool:
    """True for an IP address, False for a name that must be resolved."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class InviteRequest:
    """One call to place: `target` is the Request-URI, `sdp` our offer; `headers` are added as they are.

    `ring_timeout_s` counts from the INVITE: then the call is cancelled by itself.
    """

    target: SipUri
    destination: Destination
    from_uri: SipUri
    sdp: str
    display_name: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    ring_timeout_s: float = RING_TIMEOUT_S
    first_response_timeout_s: float = FIRST_RESPONSE_TIMEOUT_S
    answer_offer: AnswerOffer | None = None


@dataclass(frozen=True, slots=True)
class Provisional:
    """A provisional response beyond 100; `sdp` is empty without early media. Early dialogs may speak in turn."""

    status: int
    phrase: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The call was answered; `sdp` may differ from the early one."""

    sdp: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The call ended before an answer.

    `rang` is true once any 18x arrived, `no_response` when nothing at all came; `retry_after_s` is the peer's wish.
    """

    cause: NetworkCause
    rang: bool = False
    no_response: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The answered call ended; `by_remote` is false when we hung up."""

    by_remote: bool
    cause: NetworkCause = field(default_factory=NetworkCause)


@dataclass(frozen=True, slots=True)
class MediaChanged:
    """The peer changed the session; `sdp` is its new description."""

    sdp: str


CallEvent = Provisional | Answered | Failed | Ended | MediaChanged
Sink = Callable[[CallEvent], None]
"""Hears a call's events in the loop's thread and returns at once."""
