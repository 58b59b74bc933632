"""The four transaction machines of RFC 3261 §17, with the Accepted states of RFC 6026, as tables over (state, event).

A machine is fed what arrived for it, what its user wants sent, and the time; it answers with what to do. It owns no
socket and no clock. Finding the machine a message belongs to, and running the timers, is `dialer.sip.layer`'s; what a
response means for a call is `dialer.sip.invite`'s.

What the tables cannot say:
- a pair that is not in a table is absorbed when it comes from the network or a timer, and is our bug
  (`LocalProtocolError`) when it comes from the transaction's user;
- timers belong to states: entering another state stops all timers (unless it is in `KEEPS_TIMERS`) and starts its own;
- a 2xx to an INVITE is repeated and acknowledged end to end (§13.2.2.4, §13.3.1.4), so the INVITE machines only carry
  it; a negative answer is repeated and acknowledged here, hop by hop.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from dialer.errors import LocalProtocolError
from dialer.sip.header_map import Headers
from dialer.sip.message import Request, Response

logger = logging.getLogger(__name__)

T1_S = 0.5  # RFC 3261 §17.1.1.1: estimate of the round trip
T2_S = 4.0  # RFC 3261 §17.1.2.2: longest wait between repeats
T4_S = 5.0  # RFC 3261 §17.1.2.2: longest life of a message in the network
TIMER_A_S = T1_S  # RFC 3261 §17.1.1.2: repeat of an INVITE, doubling
TIMER_B_S = 64 * T1_S  # RFC 3261 §17.1.1.2: an INVITE without any response
TIMER_D_S = 32.0  # RFC 3261 §17.1.1.2: repeats of a negative answer are acknowledged for this long
TIMER_E_S = T1_S  # RFC 3261 §17.1.2.2: repeat of another request, doubling up to T2
TIMER_F_S = 64 * T1_S  # RFC 3261 §17.1.2.2: another request without a final response
TIMER_G_S = T1_S  # RFC 3261 §17.2.1: repeat of a negative answer, doubling up to T2
TIMER_H_S = 64 * T1_S  # RFC 3261 §17.2.1: a negative answer without its ACK
TIMER_I_S = T4_S  # RFC 3261 §17.2.1: repeated ACKs are absorbed for this long
TIMER_J_S = 64 * T1_S  # RFC 3261 §17.2.2: repeated requests are answered again for this long
TIMER_K_S = T4_S  # RFC 3261 §17.1.2.2: repeated final responses are absorbed for this long
TIMER_L_S = 64 * T1_S  # RFC 6026 §7.1: repeated INVITEs are absorbed after a 2xx for this long
TIMER_M_S = 64 * T1_S  # RFC 6026 §7.2: 2xx of this and other forks are passed up for this long


class State(str, Enum):
    """States of all four machines (RFC 3261 figures 5 to 8, RFC 6026 §7)."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Event(str, Enum):
    """What can happen to a transaction: something arrives, its user sends, a timer fires."""

    RECEIVE_1XX = "receive 1xx"
    RECEIVE_2XX = "receive 2xx"
    RECEIVE_300_699 = "receive 300-699"
    RECEIVE_REQUEST = "receive request"
    RECEIVE_ACK = "receive ACK"
    SEND_1XX = "send 1xx"
    SEND_2XX = "send 2xx"
    SEND_300_699 = "send 300-699"
    ABANDON = "abandon"
    TRANSPORT_ERROR = "transport error"
    TIMER_A = "timer A"
    TIMER_B = "timer B"
    TIMER_D = "timer D"
    TIMER_E = "timer E"
    TIMER_F = "timer F"
    TIMER_G = "timer G"
    TIMER_H = "timer H"
    TIMER_I = "timer I"
    TIMER_J = "timer J"
    TIMER_K = "timer K"
    TIMER_L = "timer L"
    TIMER_M = "timer M"


class Action(str, Enum):
    """What a machine does besides changing its state."""

    ABSORB = "absorb"
    DELIVER = "deliver"
    DELIVER_AND_ACK = "deliver, ACK"
    SEND = "send"
    RESEND = "resend"
    REPEAT = "resend, restart timer"
    STOP_REPEATING = "stop repeating"
    TIME_OUT = "report timeout"
    FAIL = "report transport error"


@dataclass(frozen=True, slots=True)
class Received:
    """A message that belongs to this transaction arrived."""

    message: Request | Response


@dataclass(frozen=True, slots=True)
class Send:
    """The user of a server transaction answers."""

    response: Response


@dataclass(frozen=True, slots=True)
class Abandon:
    """The user of an INVITE client transaction gave up before any response: listen on, but repeat the INVITE no more.

    RFC 3261 §9.1 forbids CANCEL here; going on repeating could make a phone ring after the next trunk was tried.
    """


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """The transport could not take the last message."""


Input = Received | Send | Abandon | TransportFailed


@dataclass(frozen=True, slots=True)
class Transmit:
    """Put these bytes on the wire."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand this message to the transaction's user."""

    message: Request | Response


class Failure(str, Enum):
    """Why a transaction ended without doing its work."""

    TIMEOUT = "timeout"
    TRANSPORT = "transport"


@dataclass(frozen=True, slots=True)
class Failed:
    """Tell the transaction's user that there will be no (acknowledged) answer."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Terminated:
    """The transaction is over; forget it."""


Output = Transmit | Deliver | Failed | Terminated
Table = Mapping[tuple[State, Event], tuple[Action, State]]


@dataclass(frozen=True, slots=True)
class TimerRule:
    """A timer started on entry of a state; its wait over UDP, and over a reliable transport (None: not started)."""

    event: Event
    wait_s: float
    reliable_wait_s: float | None


_USER_EVENTS = frozenset({Event.SEND_1XX, Event.SEND_2XX, Event.SEND_300_699})
_TERMINATED = Terminated()
_TIMED_OUT = Failed(Failure.TIMEOUT)
_TRANSPORT_FAILED = Failed(Failure.TRANSPORT)


class Transaction:
    """What the four machines share: the walk through the table, the timers, the last message sent."""

    TABLE: ClassVar[Table]
    STARTS: ClassVar[Mapping[State, tuple[TimerRule, ...]]]
    KEEPS_TIMERS: ClassVar[frozenset[State]] = frozenset()
    FIRST: ClassVar[State]

    __slots__ = ("_interval_s", "_last_sent", "_timers", "next_deadline", "reliable", "request", "state")

    def __init__(self, request: Request, *, reliable: bool) -> None:
        self.request = request
        self.reliable = reliable
        self.state = self.FIRST
        self.next_deadline: float | None = None
        self._timers: dict[Event, float] = {}
        self._interval_s = T1_S
        self._last_sent = b""

    def handle_input(self, event: Input, now: float) -> list[Output]:
        """One thing that happened.

        Raises:
            LocalProtocolError: the user sends what this state does not allow.
        """
        match event:
            case Received(message):
                return self._step(self._classify(message), message, now)
            case Send(response):
                return self._step(_SEND_EVENTS[min(response.status // 100, 3)], response, now)
            case Abandon():
                return self._step(Event.ABANDON, None, now)
            case TransportFailed():
                return self._step(Event.TRANSPORT_ERROR, None, now)

    def handle_timeout(self, now: float) -> list[Output]:
        """Fires every timer that is due at `now`, in the order of their deadlines."""
        outputs: list[Output] = []
        while self.next_deadline is not None and self.next_deadline <= now:
            timer = min(self._timers, key=self._timers.__getitem__)
            del self._timers[timer]
            outputs += self._step(timer, None, now)
            self._update_deadline()
        return outputs

    def _classify(self, message: Request | Response) -> Event:
        if isinstance(message, Response):
            return _RECEIVE_EVENTS[min(message.status // 100, 3)]
        return Event.RECEIVE_ACK if message.method == "ACK" else Event.RECEIVE_REQUEST

    def _step(self, event: Event, message: Request | Response | None, now: float) -> list[Output]:
        row = self.TABLE.get((self.state, event))
        if row is None:
            if event in _USER_EVENTS:
                raise LocalProtocolError(f"{type(self).__name__}: cannot {event.value} when {self.state.value}")
            return []
        action, new_state = row
        outputs = self._act(action, event, message, now)
        if new_state is not self.state:
            self._set_state(new_state, now)
            if new_state is State.TERMINATED:
                outputs.append(_TERMINATED)
        return outputs

    def _act(self, action: Action, event: Event, message: Request | Response | None, now: float) -> list[Output]:
        match action:
            case Action.DELIVER if message is not None:
                return [Deliver(message)]
            case Action.DELIVER_AND_ACK if isinstance(message, Response):
                self._last_sent = make_ack(self.request, message).to_bytes()
                return [Transmit(self._last_sent), Deliver(message)]
            case Action.SEND if message is not None:
                self._last_sent = message.to_bytes()
                return [Transmit(self._last_sent)]
            case Action.RESEND:
                return [Transmit(self._last_sent)] if self._last_sent else []
            case Action.REPEAT:
                self._restart(event, now)
                return [Transmit(self._last_sent)]
            case Action.STOP_REPEATING:
                self._timers.pop(Event.TIMER_A, None)
                self._update_deadline()
                return []
            case Action.TIME_OUT:
                return [_TIMED_OUT]
            case Action.FAIL:
                return [_TRANSPORT_FAILED]
        return []

    def _restart(self, timer: Event, now: float) -> None:
        """Timer A doubles without end (Timer B ends it), E and G up to T2; E in Proceeding is T2 (§17.1.2.2)."""
        self._interval_s *= 2
        if timer is not Event.TIMER_A:
            self._interval_s = T2_S if self.state is State.PROCEEDING else min(self._interval_s, T2_S)
        self._timers[timer] = now + self._interval_s
        self._update_deadline()

    def _set_state(self, new: State, now: float) -> None:
        logger.debug("transaction %s -> %s", self.state.value, new.value)
        self.state = new
        self._enter(new, now)

    def _enter(self, state: State, now: float) -> None:
        if state not in self.KEEPS_TIMERS:
            self._timers.clear()
            self._interval_s = T1_S
        for rule in self.STARTS.get(state, ()):
            wait_s = rule.reliable_wait_s if self.reliable else rule.wait_s
            if wait_s is not None:
                self._timers[rule.event] = now + wait_s
        self._update_deadline()

    def _update_deadline(self) -> None:
        self.next_deadline = min(self._timers.values()) if self._timers else None


class ClientTransaction(Transaction):
    """A request of ours. `start` gives its first transmission."""

    __slots__ = ()

    def start(self, now: float) -> list[Output]:
        """The first transmission; starts the timers."""
        self._last_sent = self.request.to_bytes()
        self._enter(self.state, now)
        return [Transmit(self._last_sent)]


class InviteClient(ClientTransaction):
    """RFC 3261 §17.1.1 (figure 5) with RFC 6026 §8.4."""

    __slots__ = ()
    FIRST = State.CALLING
    STARTS: ClassVar[Mapping[State, tuple[TimerRule, ...]]] = {
        State.CALLING: (TimerRule(Event.TIMER_A, TIMER_A_S, None), TimerRule(Event.TIMER_B, TIMER_B_S, TIMER_B_S)),
        State.COMPLETED: (TimerRule(Event.TIMER_D, TIMER_D_S, 0.0),),
        State.ACCEPTED: (TimerRule(Event.TIMER_M, TIMER_M_S, TIMER_M_S),),
    }
    TABLE: ClassVar[Table] = {
        (State.CALLING, Event.TIMER_A): (Action.REPEAT, State.CALLING),
        (State.CALLING, Event.TIMER_B): (Action.TIME_OUT, State.TERMINATED),
        (State.CALLING, Event.ABANDON): (Action.STOP_REPEATING, State.CALLING),
        (State.CALLING, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.CALLING, Event.RECEIVE_1XX): (Action.DELIVER, State.PROCEEDING),
        (State.CALLING, Event.RECEIVE_2XX): (Action.DELIVER, State.ACCEPTED),
        (State.CALLING, Event.RECEIVE_300_699): (Action.DELIVER_AND_ACK, State.COMPLETED),
        (State.PROCEEDING, Event.RECEIVE_1XX): (Action.DELIVER, State.PROCEEDING),
        (State.PROCEEDING, Event.RECEIVE_2XX): (Action.DELIVER, State.ACCEPTED),
        (State.PROCEEDING, Event.RECEIVE_300_699): (Action.DELIVER_AND_ACK, State.COMPLETED),
        (State.COMPLETED, Event.RECEIVE_300_699): (Action.RESEND, State.COMPLETED),
        (State.COMPLETED, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.COMPLETED, Event.TIMER_D): (Action.ABSORB, State.TERMINATED),
        (State.ACCEPTED, Event.RECEIVE_2XX): (Action.DELIVER, State.ACCEPTED),
        (State.ACCEPTED, Event.TIMER_M): (Action.ABSORB, State.TERMINATED),
    }


class NonInviteClient(ClientTransaction):
    """RFC 3261 §17.1.2 (figure 6)."""

    __slots__ = ()
    FIRST = State.TRYING
    STARTS: ClassVar[Mapping[State, tuple[TimerRule, ...]]] = {
        State.TRYING: (TimerRule(Event.TIMER_E, TIMER_E_S, None), TimerRule(Event.TIMER_F, TIMER_F_S, TIMER_F_S)),
        State.COMPLETED: (TimerRule(Event.TIMER_K, TIMER_K_S, 0.0),),
    }
    KEEPS_TIMERS = frozenset({State.PROCEEDING})
    TABLE: ClassVar[Table] = {
        (State.TRYING, Event.TIMER_E): (Action.REPEAT, State.TRYING),
        (State.TRYING, Event.TIMER_F): (Action.TIME_OUT, State.TERMINATED),
        (State.TRYING, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.TRYING, Event.RECEIVE_1XX): (Action.DELIVER, State.PROCEEDING),
        (State.TRYING, Event.RECEIVE_2XX): (Action.DELIVER, State.COMPLETED),
        (State.TRYING, Event.RECEIVE_300_699): (Action.DELIVER, State.COMPLETED),
        (State.PROCEEDING, Event.TIMER_E): (Action.REPEAT, State.PROCEEDING),
        (State.PROCEEDING, Event.TIMER_F): (Action.TIME_OUT, State.TERMINATED),
        (State.PROCEEDING, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.PROCEEDING, Event.RECEIVE_1XX): (Action.DELIVER, State.PROCEEDING),
        (State.PROCEEDING, Event.RECEIVE_2XX): (Action.DELIVER, State.COMPLETED),
        (State.PROCEEDING, Event.RECEIVE_300_699): (Action.DELIVER, State.COMPLETED),
        (State.COMPLETED, Event.TIMER_K): (Action.ABSORB, State.TERMINATED),
    }


class InviteServer(Transaction):
    """RFC 3261 §17.2.1 (figure 7) with RFC 6026 §8.7. Its user sends the 100 at once, so no timer stands for it."""

    __slots__ = ()
    FIRST = State.PROCEEDING
    STARTS: ClassVar[Mapping[State, tuple[TimerRule, ...]]] = {
        State.COMPLETED: (TimerRule(Event.TIMER_G, TIMER_G_S, None), TimerRule(Event.TIMER_H, TIMER_H_S, TIMER_H_S)),
        State.CONFIRMED: (TimerRule(Event.TIMER_I, TIMER_I_S, 0.0),),
        State.ACCEPTED: (TimerRule(Event.TIMER_L, TIMER_L_S, TIMER_L_S),),
    }
    TABLE: ClassVar[Table] = {
        (State.PROCEEDING, Event.RECEIVE_REQUEST): (Action.RESEND, State.PROCEEDING),
        (State.PROCEEDING, Event.SEND_1XX): (Action.SEND, State.PROCEEDING),
        (State.PROCEEDING, Event.SEND_2XX): (Action.SEND, State.ACCEPTED),
        (State.PROCEEDING, Event.SEND_300_699): (Action.SEND, State.COMPLETED),
        (State.PROCEEDING, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.COMPLETED, Event.RECEIVE_REQUEST): (Action.RESEND, State.COMPLETED),
        (State.COMPLETED, Event.RECEIVE_ACK): (Action.ABSORB, State.CONFIRMED),
        (State.COMPLETED, Event.TIMER_G): (Action.REPEAT, State.COMPLETED),
        (State.COMPLETED, Event.TIMER_H): (Action.TIME_OUT, State.TERMINATED),
        (State.COMPLETED, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.CONFIRMED, Event.TIMER_I): (Action.ABSORB, State.TERMINATED),
        (State.ACCEPTED, Event.RECEIVE_ACK): (Action.DELIVER, State.ACCEPTED),
        (State.ACCEPTED, Event.SEND_2XX): (Action.SEND, State.ACCEPTED),
        (State.ACCEPTED, Event.TRANSPORT_ERROR): (Action.FAIL, State.ACCEPTED),
        (State.ACCEPTED, Event.TIMER_L): (Action.ABSORB, State.TERMINATED),
    }


class NonInviteServer(Transaction):
    """RFC 3261 §17.2.2 (figure 8). A second final answer is discarded in Completed, as the RFC asks."""

    __slots__ = ()
    FIRST = State.TRYING
    STARTS: ClassVar[Mapping[State, tuple[TimerRule, ...]]] = {
        State.COMPLETED: (TimerRule(Event.TIMER_J, TIMER_J_S, 0.0),),
    }
    TABLE: ClassVar[Table] = {
        (State.TRYING, Event.SEND_1XX): (Action.SEND, State.PROCEEDING),
        (State.TRYING, Event.SEND_2XX): (Action.SEND, State.COMPLETED),
        (State.TRYING, Event.SEND_300_699): (Action.SEND, State.COMPLETED),
        (State.PROCEEDING, Event.RECEIVE_REQUEST): (Action.RESEND, State.PROCEEDING),
        (State.PROCEEDING, Event.SEND_1XX): (Action.SEND, State.PROCEEDING),
        (State.PROCEEDING, Event.SEND_2XX): (Action.SEND, State.COMPLETED),
        (State.PROCEEDING, Event.SEND_300_699): (Action.SEND, State.COMPLETED),
        (State.PROCEEDING, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.COMPLETED, Event.RECEIVE_REQUEST): (Action.RESEND, State.COMPLETED),
        (State.COMPLETED, Event.SEND_1XX): (Action.ABSORB, State.COMPLETED),
        (State.COMPLETED, Event.SEND_2XX): (Action.ABSORB, State.COMPLETED),
        (State.COMPLETED, Event.SEND_300_699): (Action.ABSORB, State.COMPLETED),
        (State.COMPLETED, Event.TRANSPORT_ERROR): (Action.FAIL, State.TERMINATED),
        (State.COMPLETED, Event.TIMER_J): (Action.ABSORB, State.TERMINATED),
    }


_RECEIVE_EVENTS = {1: Event.RECEIVE_1XX, 2: Event.RECEIVE_2XX, 3: Event.RECEIVE_300_699}
_SEND_EVENTS = {1: Event.SEND_1XX, 2: Event.SEND_2XX, 3: Event.SEND_300_699}


def make_ack(invite: Request, response: Response) -> Request:
    """The ACK of a negative answer: same branch and route as the INVITE, the answer's To (RFC 3261 §17.1.1.3)."""
    return _hop_request("ACK", invite, response.headers.get("To") or invite.headers.get("To") or "")


def make_cancel(invite: Request) -> Request:
    """The CANCEL of an INVITE: same branch, route, From, To, Call-ID and CSeq number (RFC 3261 §9.1)."""
    return _hop_request("CANCEL", invite, invite.headers.get("To") or "")


def _hop_request(method: str, invite: Request, to: str) -> Request:
    headers = Headers()
    headers.add("Via", invite.headers.get_all("Via")[0])
    for name in ("From", "Call-ID"):
        headers.add(name, invite.headers.get(name) or "")
    headers.add("To", to)
    headers.add("CSeq", f"{invite.cseq.number} {method}")
    for route in invite.headers.get_all("Route"):
        headers.add("Route", route)
    headers.add("Max-Forwards", "70")
    return Request(method, invite.uri, headers, b"")
