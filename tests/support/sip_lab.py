"""Two user agents on a network made of a heap: no sockets, no sleeping, loss and delay by a rule or a seed."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from dialer.sip.calls import IncomingCall, SipCall
from dialer.sip.digest import DigestServer
from dialer.sip.events import CallEvent, Destination, InviteRequest, Transport
from dialer.sip.message import Message, Request, parse_message
from dialer.sip.registrar import Authenticator, Binding, Registrar, secrets_from_passwords
from dialer.sip.uri import SipUri
from dialer.sip.user_agent import LocalAddress, UserAgent

SDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
DELAY_S = 0.01
A = Destination(Transport.UDP, "10.0.0.1", 5060)
B = Destination(Transport.UDP, "10.0.0.2", 5060)

Fate = Callable[[Message, Destination], list[float]]
"""What becomes of a message on its way from a source: the delays of its copies, none when it is lost."""


def perfect(message: Message, source: Destination) -> list[float]:
    """Every message arrives once, in order."""
    return [DELAY_S]


def lossy(seed: int, loss: float, duplicate: float, spread_s: float) -> Fate:
    """Loses, repeats and reorders by a seed."""
    rng = random.Random(seed)

    def fate(message: Message, source: Destination) -> list[float]:
        if rng.random() < loss:
            return []
        copies = 2 if rng.random() < duplicate else 1
        return [DELAY_S + rng.random() * spread_s for _ in range(copies)]

    return fate


@dataclass
class Sent:
    """One message as the wire saw it."""

    at: float
    source: Destination
    message: Message

    def __str__(self) -> str:
        return str(self.message.method if isinstance(self.message, Request) else self.message.status)


@dataclass
class Lab:
    """`a` calls, `b` is called: b takes a for a phone of the account "a"."""

    fate: Fate = perfect
    transport: Transport = Transport.UDP
    now: float = 0.0
    log: list[Sent] = field(default_factory=list)
    incoming: list[IncomingCall] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)
    events_of_b: list[CallEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._order = itertools.count()
        self._tokens = itertools.count(1)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self.address_a = Destination(self.transport, A.host, A.port)
        self.address_b = Destination(self.transport, B.host, B.port)
        self.a = self._agent(self.address_a, None)
        authenticator = Authenticator(
            DigestServer("lab", b"k" * 16), secrets_from_passwords("lab", {"a": "secret"}.get), self._token
        )
        self.registrar = Registrar(authenticator, lambda change: None)
        binding = Binding("a", SipUri.build("a", A.host), self.address_a, expires_at=1e9, call_id="reg", cseq=1)
        self.registrar._bindings["a"] = binding
        self.registrar._users[self.address_a] = "a"
        self.b = self._agent(self.address_b, self.registrar)
        self.b.on_incoming(self._take)

    def _agent(self, address: Destination, registrar: Registrar | None) -> UserAgent:
        local = {address.transport: LocalAddress(address.host, address.port)}
        return UserAgent(
            lambda data, to: self._send(data, address, to),
            local,
            self._token,
            clock=lambda: self.now,
            is_trunk=lambda peer: peer == self.address_b,
            wake=lambda: None,
            registrar=registrar,
        )

    def _token(self) -> str:
        return f"{next(self._tokens):016x}"

    def _take(self, call: IncomingCall) -> None:
        call.listen(self.events_of_b.append)
        self.incoming.append(call)

    def _send(self, data: bytes, source: Destination, to: Destination) -> None:
        self.log.append(Sent(self.now, source, parse_message(data)))
        for delay_s in self.fate(parse_message(data), source):
            self.at(self.now + delay_s, lambda: self._deliver(data, source, to))

    def _deliver(self, data: bytes, source: Destination, to: Destination) -> None:
        for agent, address in ((self.a, self.address_a), (self.b, self.address_b)):
            if address == to:
                agent.receive(parse_message(data), source, self.now)

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Plans something."""
        heapq.heappush(self._queue, (when, next(self._order), action))

    def run(self, until: float) -> None:
        """Lets time pass, event by event."""
        while True:
            planned = [self._queue[0][0]] if self._queue else []
            deadlines = [d for d in (self.a.next_deadline, self.b.next_deadline) if d is not None]
            due = min(planned + deadlines, default=None)
            if due is None or due > until:
                self.now = until
                return
            self.now = max(self.now, due)
            if planned and planned[0] <= self.now:
                heapq.heappop(self._queue)[2]()
            self.a.handle_timeout(self.now)
            self.b.handle_timeout(self.now)

    def invite(self, *, username: str = "a", password: str = "secret", ring_timeout_s: float = 28.0) -> SipCall:
        """a calls b."""
        order = InviteRequest(
            target=SipUri.build("13800001234", B.host),
            destination=self.address_b,
            from_uri=SipUri.build("a", A.host),
            sdp=SDP,
            username=username,
            password=password,
            ring_timeout_s=ring_timeout_s,
        )
        return self.a.invite(order, self.events.append, self.now)

    def sent(self, source: Destination) -> list[str]:
        """What one side sent, as methods and statuses."""
        return [str(entry) for entry in self.log if entry.source == source]

    @property
    def is_quiet(self) -> bool:
        """True when nobody waits for anything."""
        return not (self.a.calls or self.b.calls or len(self.a.layer) or len(self.b.layer))
