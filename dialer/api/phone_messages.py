"""What a page and its phone say to each other over `/v1/phone`, as JSON."""

from collections import deque
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter

from dialer.api.ice import IceServer
from dialer.api.openapi import Messages
from dialer.api.routing import Input

MAX_MESSAGE_BYTES = 32 * 1024
"""A browser's offer of one audio stream takes 2 to 8 KB."""
MESSAGES_ALLOWED = 30
MESSAGES_WINDOW_S = 10.0


class PhoneOffer(Input):
    """The page's browser wants to be connected, or anew."""

    type: Literal["offer"]
    sdp: Annotated[str, StringConstraints(min_length=1, max_length=MAX_MESSAGE_BYTES)]


class PhoneEcho(Input):
    """Has the person hear themselves, for a test, or not any more."""

    type: Literal["echo"]
    on: bool


class PhoneWelcome(BaseModel):
    """Whose phone it is, and which servers its browser may go through."""

    type: Literal["welcome"] = "welcome"
    account_id: int
    ice_servers: list[IceServer]
    reconnect_s: float
    """How long the phone may be gone before a shift or a talk is lost."""


class PhoneAnswer(BaseModel):
    """The SDP answer to the latest offer."""

    type: Literal["answer"] = "answer"
    sdp: str


class PhoneState(BaseModel):
    """Whether audio is connected."""

    type: Literal["state"] = "state"
    connected: bool


class PhoneStats(BaseModel):
    """How good the line is, as this side measures it, and as the browser reports; shares are 0 to 1."""

    type: Literal["stats"] = "stats"
    round_trip_ms: float | None
    loss: float | None
    """Of what the browser sent since the last message."""
    jitter_ms: float
    remote_loss: float | None
    """Of what the browser was sent."""
    remote_jitter_ms: float | None
    mos: float


class PhoneTaken(BaseModel):
    """Another page of the same person has the phone now; this socket is closed next."""

    type: Literal["taken"] = "taken"


class PhoneTrouble(str, Enum):
    """Why something was not done."""

    BAD_MESSAGE = "bad_message"
    """Not one of these messages."""
    UNUSABLE_OFFER = "unusable_offer"
    """No audio in it that we can do, or no port is left."""
    BUSY = "busy"
    """A call may come at any moment, so no echo."""
    ENDED = "ended"
    """The phone was given up; the next offer begins a new one."""


class PhoneProblem(BaseModel):
    """Something was not done; `detail` says more, in English."""

    type: Literal["error"] = "error"
    reason: PhoneTrouble
    detail: str


FromPage = Annotated[PhoneOffer | PhoneEcho, Field(discriminator="type")]
ToPage = Annotated[
    PhoneWelcome | PhoneAnswer | PhoneState | PhoneStats | PhoneTaken | PhoneProblem, Field(discriminator="type")
]
FROM_PAGE: TypeAdapter[PhoneOffer | PhoneEcho] = TypeAdapter(FromPage)
MESSAGES: Messages = {
    "PhoneFromPage": ("validation", FROM_PAGE),
    "PhoneToPage": ("serialization", TypeAdapter(ToPage)),
}
"""For the OpenAPI document: a socket is no operation, but pages take its types from there, too."""


class MessageLimit:
    """How often a page may speak: a sliding window. Pure; instants are monotonic seconds."""

    def __init__(self, allowed: int = MESSAGES_ALLOWED, window_s: float = MESSAGES_WINDOW_S) -> None:
        self._window_s = window_s
        self._said: deque[float] = deque(maxlen=allowed)

    def allows(self, now: float) -> bool:
        """Counts one more message; False when there were too many."""
        is_full = len(self._said) == self._said.maxlen
        fits = not is_full or now - self._said[0] >= self._window_s
        self._said.append(now)
        return fits
