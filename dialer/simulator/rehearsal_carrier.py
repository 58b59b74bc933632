"""The carrier of a rehearsal: where production hands an INVITE to SIP, this asks the fates what becomes of the call.

It speaks only the words of the ports (`SipPort`, `MediaPort`): provisional and final responses with the codes of the
simulated carrier (`dialer.simulator.callee`), a person or machine on a line without audio. It keeps its own books of
what the people lived through (`lived`), apart from everything the dialer notes.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dialer.calls.signals import SignalKind
from dialer.errors import LocalProtocolError
from dialer.media.loopback_silent import HOST, Line, SilentLoopback
from dialer.model.attempt import NetworkCause
from dialer.model.campaign import AmdMode
from dialer.progress.amd import AmdConfig
from dialer.simulator.fates import ENDS_AFTER_S, Fate, Fates
from dialer.simulator.people import Behaviour
from dialer.simulator.rehearsal_words import word
from dialer.sip import sdp
from dialer.sip.events import Answered, CallEvent, Ended, Failed, InviteRequest, Provisional

Sink = Callable[[CallEvent], None]

NETWORK_S = 0.05
"""What a response needs on its way."""
LIKELY_OVER_S = AmdConfig().likely_pause_ms / 1000
"""So long after a greeting's end the detector takes it for over."""
MACHINE_RECORDS_S = 60.0
"""Then a machine that hears nothing hangs up."""
_CANCELLED = NetworkCause(487, "Request Terminated")
_ENDS: Mapping[Behaviour, tuple[NetworkCause, bool]] = {
    Behaviour.BUSY: (NetworkCause(486, "Busy Here", ("Q.850;cause=17",), 17), True),
    Behaviour.POWERED_OFF: (NetworkCause(480, "Temporarily Unavailable", ("Q.850;cause=20",), 20), True),
    Behaviour.BAD_NUMBER: (NetworkCause(404, "Not Found", ("Q.850;cause=1",), 1), True),
    Behaviour.CONGESTION: (NetworkCause(503, "Service Unavailable", ("Q.850;cause=34",), 34), False),
}
"""How a call that nobody can take ends, and whether anything rings before."""
_PORT = re.compile(r"^m=audio (\d+) ", re.MULTILINE)
_ANSWER_SDP = sdp.build_offer(HOST, 4000, ("PCMA",))


@dataclass(frozen=True, slots=True)
class Lived:
    """What a called person, or machine, lived through. Seconds since the day began; None: it never came to that."""

    person: int
    fate: Fate
    placed_s: float
    answered_s: float | None
    connected_s: float | None
    ended_s: float
    hung_up: bool
    """By the called side."""


class FatedCarrier:
    """The `SipPort` of a rehearsal. `people` says which person a number (E.164) reaches."""

    def __init__(self, media: SilentLoopback, fates: Fates, people: Mapping[str, int]) -> None:
        self.lived: list[Lived] = []
        self._media = media
        self._fates = fates
        self._people = people
        self._tries: Counter[int] = Counter()
        self._up: dict[int, FatedCall] = {}
        self._loop = asyncio.get_running_loop()
        self._began_at = self._loop.time()

    def invite(self, request: InviteRequest, sink: Sink) -> "FatedCall":
        person = self._people[request.target.user_text]
        n_try = self._tries[person]
        self._tries[person] += 1
        port = _PORT.search(request.sdp)
        if port is None:
            raise LocalProtocolError("an INVITE without audio")
        fate = self._fates.of_call(person, n_try, self.elapsed_s)
        call = FatedCall(self, person, fate, int(port[1]), sink, request.ring_timeout_s)
        self._up[call.port] = call
        return call

    def on_line_with(self, port: int) -> "FatedCall | None":
        """The call whose far end is bridged with the leg of this port."""
        peer = self._media.peer_port(port)
        return None if peer is None else self._up.get(peer)

    # ---- for the calls

    @property
    def elapsed_s(self) -> float:
        """Since the day began."""
        return self._loop.time() - self._began_at

    @property
    def media(self) -> SilentLoopback:
        """Where the lines are."""
        return self._media

    @property
    def detection(self) -> AmdMode:
        """When the dialer listens to a greeting."""
        return self._fates.scenario.detection.mode

    def later(self, delay_s: float, handle: Callable[[], None]) -> asyncio.TimerHandle:
        """Calls `handle` after that time."""
        return self._loop.call_later(delay_s, handle)

    def over(self, call: "FatedCall", lived: Lived) -> None:
        """The call has ended."""
        self.lived.append(lived)
        if self._up.get(call.port) is call:
            del self._up[call.port]


class FatedCall:
    """One call, which lives its fate. The `CallPort` of its attempt."""

    def __init__(
        self, carrier: FatedCarrier, person: int, fate: Fate, port: int, sink: Sink, ring_timeout_s: float
    ) -> None:
        self.person = person
        self.fate = fate
        self.port = port
        self._carrier = carrier
        self._sink = sink
        self._timers: list[asyncio.TimerHandle] = []
        self._leaves: asyncio.TimerHandle | None = None
        self._is_over = False
        self._placed_s = carrier.elapsed_s
        self._answered_s: float | None = None
        self._connected_s: float | None = None
        self._begin(ring_timeout_s)

    @property
    def call_id(self) -> str:
        return f"person {self.person}"

    def cancel(self) -> None:
        if self._answered_s is None and not self._is_over:
            self._stop_timers()
            self._after(NETWORK_S, lambda: self._fail(_CANCELLED, rang=True))

    def hang_up(self, reason: str = "") -> None:
        if self._answered_s is None:
            self.cancel()
        else:
            self._end(by_remote=False)

    # ---- before the answer

    def _begin(self, ring_timeout_s: float) -> None:
        behaviour = self.fate.behaviour
        ends, ends_after_s = _ENDS.get(behaviour), ENDS_AFTER_S.get(behaviour, ring_timeout_s)
        rings = ends is None or ends[1]
        if rings:
            self._after(NETWORK_S, lambda: self._tell(Provisional(180, "Ringing", "")))
        if ends is not None and ends_after_s < ring_timeout_s:
            self._after(ends_after_s, lambda: self._fail(ends[0], rang=rings))
        elif behaviour in _ANSWER and self.fate.ring_s < ring_timeout_s:
            self._after(max(self.fate.ring_s, NETWORK_S), self._answer)
        else:
            self._after(ring_timeout_s + NETWORK_S, lambda: self._fail(_CANCELLED, rang=rings))

    def _fail(self, cause: NetworkCause, *, rang: bool) -> None:
        self._close(hung_up=False)
        self._tell(Failed(cause, rang=rang))

    # ---- after it

    def _answer(self) -> None:
        fate, mode = self.fate, self._carrier.detection
        self._answered_s = self._carrier.elapsed_s
        self._tell(Answered(_ANSWER_SDP))
        self._carrier.media.watch(self.port, self._hears)
        likely_s = fate.greeting_s + LIKELY_OVER_S
        if mode is AmdMode.PARALLEL and likely_s < fate.decided_s:
            self._say(SignalKind.GREETING_OVER, likely_s)
        if mode is not AmdMode.OFF:
            is_person = fate.heard_as is Behaviour.HUMAN
            self._say(SignalKind.HUMAN if is_person else SignalKind.MACHINE, fate.decided_s)

    def _say(self, kind: SignalKind, at_s: float) -> None:
        said = word(kind, at_s - self.fate.greeting_s)
        self._after(at_s, lambda: self._carrier.media.say(self.port, said))

    def _hears(self, line: Line) -> None:
        """Who hears nothing leaves after a while; who is talked to stays for the talk."""
        if self._is_over:
            return
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        is_person = self.fate.behaviour is Behaviour.HUMAN
        match line:
            case Line.SILENT:
                patience_s = self.fate.patience_s if is_person else MACHINE_RECORDS_S
                self._leaves = self._carrier.later(self._greets_on_s + patience_s, self._leave)
            case Line.VOICE:
                if self._connected_s is None:
                    self._connected_s = self._carrier.elapsed_s
                if is_person:
                    self._leaves = self._carrier.later(self.fate.talk_s, self._leave)
            case Line.PROMPT:
                pass  # whoever is told something stays to the end of it

    @property
    def _greets_on_s(self) -> float:
        """How long the greeting still lasts."""
        answered_s = self._carrier.elapsed_s if self._answered_s is None else self._answered_s
        return max(answered_s + self.fate.greeting_s - self._carrier.elapsed_s, 0.0)

    def _leave(self) -> None:
        self._end(by_remote=True)

    def _end(self, *, by_remote: bool) -> None:
        if not self._is_over:
            self._close(hung_up=by_remote)
            self._tell(Ended(by_remote))

    # ---- inside

    def _after(self, delay_s: float, handle: Callable[[], None]) -> None:
        self._timers.append(self._carrier.later(delay_s, handle))

    def _tell(self, event: CallEvent) -> None:
        self._sink(event)

    def _stop_timers(self) -> None:
        for timer in (*self._timers, self._leaves):
            if timer is not None:
                timer.cancel()

    def _close(self, *, hung_up: bool) -> None:
        self._is_over = True
        self._stop_timers()
        lived = Lived(
            self.person,
            self.fate,
            self._placed_s,
            self._answered_s,
            self._connected_s,
            self._carrier.elapsed_s,
            hung_up,
        )
        self._carrier.over(self, lived)


_ANSWER = (Behaviour.HUMAN, Behaviour.MACHINE)
