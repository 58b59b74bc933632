"""The words of a call's state machine: states, events, actions, what goes in and what comes out. Values only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from dialer.sip.dialog import Dialog
from dialer.sip.events import AnswerOffer, CallEvent
from dialer.sip.message import Request, Response, TokenFactory
from dialer.sip.transaction import Failure


class State(str, Enum):
    """States of a call, placed or received."""

    CALLING = "calling"
    PROCEEDING = "proceeding"
    CANCEL_PENDING = "cancel pending"
    CANCELLING = "cancelling"
    ABANDONED = "abandoned"
    INCOMING = "incoming"
    ESTABLISHED = "established"
    ENDING = "ending"
    ENDED = "ended"


class Event(str, Enum):
    """What can happen to a call."""

    RECEIVE_1XX = "receive 1xx"
    RECEIVE_2XX = "receive 2xx"
    RECEIVE_FAILURE = "receive 300-699"
    RECEIVE_CHALLENGE = "receive challenge"
    RECEIVE_CANCEL = "receive CANCEL"
    RECEIVE_BYE = "receive BYE"
    RECEIVE_ACK = "receive ACK"
    TIMEOUT = "transaction timeout"
    TRANSPORT_ERROR = "transport error"
    BYE_DONE = "BYE done"
    HANG_UP = "hang up"
    RING = "ring"
    ANSWER = "answer"
    REJECT = "reject"
    FIRST_RESPONSE_TIMER = "first response timer"
    RING_TIMER = "ring timer"
    GIVE_UP_TIMER = "give up timer"
    ACK_TIMER = "ACK timer"
    REPEAT_TIMER = "repeat timer"


class Action(str, Enum):
    """What a call does besides changing its state."""

    ABSORB = "absorb"
    REPORT = "report"
    ESTABLISH = "ACK, report the answer"
    REFUSE = "ACK, BYE, report failure"
    REFUSE_QUIETLY = "ACK, BYE"
    ACKNOWLEDGE = "ACK again, end other forks"
    RETRY = "retry with credentials"
    FAIL = "report failure"
    STOP_REPEATING = "stop repeating the INVITE"
    CANCEL = "CANCEL"
    ABANDON = "report failure, stop repeating"
    ABANDON_AND_CANCEL = "report failure, CANCEL"
    FORGET = "forget the INVITE"
    RING = "180"
    ACCEPT = "200"
    REJECT = "final response"
    WITHDRAW = "487, report failure"
    CONFIRM = "stop repeating the 200"
    REPEAT = "repeat the 200"
    BYE = "BYE, report the end"
    PEER_HUNG_UP = "report the end"
    LATE_BYE = "BYE when it had to wait"


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """A response to a request of this call."""

    request: Request
    response: Response


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """A request of the peer that belongs to this call."""

    request: Request


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request of ours, or the answer to one of theirs, got no further."""

    request: Request
    failure: Failure


@dataclass(frozen=True, slots=True)
class HangUp:
    """The owner ends the call, answered or not."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """The owner of a received call lets it ring; with `sdp` the caller hears our audio meanwhile."""

    sdp: str = ""


@dataclass(frozen=True, slots=True)
class Accept:
    """The owner of a received call answers it."""

    sdp: str
    answer_offer: AnswerOffer | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """The owner of a received call refuses it; `reason` is a Reason header value (RFC 3326)."""

    status: int
    reason: str = ""


Input = ResponseReceived | RequestReceived | RequestFailed | HangUp | Ring | Accept | Reject


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Start a client transaction; `dialog` tells where it goes (None: to the call's destination)."""

    request: Request
    dialog: Dialog | None = None


@dataclass(frozen=True, slots=True)
class SendAck:
    """Send the ACK of a 2xx: no transaction, once for every 2xx that arrives."""

    request: Request
    dialog: Dialog


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer through the request's server transaction."""

    request: Request
    response: Response


@dataclass(frozen=True, slots=True)
class StopRepeating:
    """Tell the INVITE's transaction to repeat it no more."""

    request: Request


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget the INVITE's transaction: no final response is expected any more."""

    request: Request


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the owner."""

    event: CallEvent


Output = SendRequest | SendAck | Respond | StopRepeating | Drop | Notify
Table = Mapping[tuple[State, Event], tuple[Action, State]]


@dataclass(frozen=True, slots=True)
class LocalParty:
    """Our side as the peer sees it, and where tokens come from. `new_via` gives a Via with a fresh branch."""

    contact: str
    new_via: Callable[[], str]
    new_token: TokenFactory
    user_agent: str
