"""A client and a server transaction joined by a bad network: what the server's user said last reaches the client's."""

import heapq
import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.sip.message import Request, Response, make_response, parse_message
from dialer.sip.transaction import (
    ClientTransaction,
    Deliver,
    Failed,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Output,
    Received,
    Send,
    State,
    Transaction,
    Transmit,
)


class Link:
    """Carries what two machines transmit, badly, on a clock of its own."""

    def __init__(self, method: str, final: int, seed: int, loss: float) -> None:
        text = f"{method} sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=x\r\n"
        request = parse_message(f"{text}To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 {method}\r\n\r\n".encode())
        assert isinstance(request, Request)
        is_invite = method == "INVITE"
        self.client: ClientTransaction = (InviteClient if is_invite else NonInviteClient)(request, reliable=False)
        self.server_kind: type[Transaction] = InviteServer if is_invite else NonInviteServer
        self.server: Transaction | None = None
        self.final = final
        self.delivered: list[int] = []
        self.failures: list[Failed] = []
        self._rng = random.Random(seed)
        self._loss = loss
        self._order = itertools.count()
        self._queue: list[tuple[float, int, bool, bytes]] = []
        self.now = 0.0
        self._take(self.client.start(0.0), from_client=True)

    def _take(self, outputs: list[Output], *, from_client: bool) -> None:
        for output in outputs:
            match output:
                case Transmit(data):
                    for _ in range(0 if self._rng.random() < self._loss else self._rng.choice((1, 1, 2))):
                        at = self.now + 0.01 + self._rng.random()
                        heapq.heappush(self._queue, (at, next(self._order), from_client, data))
                case Deliver(message) if from_client and isinstance(message, Response):
                    self.delivered.append(message.status)
                case Failed() if from_client:
                    self.failures.append(output)

    def _arrive(self, data: bytes, *, at_client: bool) -> None:
        message = parse_message(data)
        if at_client:
            self._take(self.client.handle_input(Received(message), self.now), from_client=True)
            return
        if self.server is None and isinstance(message, Request):
            self.server = self.server_kind(message, reliable=False)
            for status in (100, self.final):
                answer = make_response(message, status, to_tag="t")
                self._take(self.server.handle_input(Send(answer), self.now), from_client=False)
        elif self.server is not None:
            self._take(self.server.handle_input(Received(message), self.now), from_client=False)

    def run(self, until: float) -> None:
        """Lets time pass, event by event."""
        while True:
            machines = [machine for machine in (self.client, self.server) if machine is not None]
            instants = [machine.next_deadline for machine in machines if machine.next_deadline is not None]
            instants += [self._queue[0][0]] if self._queue else []
            if not instants or min(instants) > until:
                return
            self.now = max(self.now, min(instants))
            if self._queue and self._queue[0][0] <= self.now:
                _, _, from_client, data = heapq.heappop(self._queue)
                self._arrive(data, at_client=not from_client)
            for machine in machines:
                self._take(machine.handle_timeout(self.now), from_client=machine is self.client)


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["INVITE", "OPTIONS", "BYE"]),
    final=st.sampled_from([200, 302, 404, 486, 603]),
    seed=st.integers(0, 2**32),
    loss=st.floats(0.0, 1.0),
)
def test_the_client_hears_the_final_answer_or_gives_up(method: str, final: int, seed: int, loss: float) -> None:
    link = Link(method, final, seed, loss)
    link.run(300.0)
    finals = [status for status in link.delivered if status >= 200]
    assert set(finals) <= {final}
    if method != "INVITE" or final >= 300:  # a 2xx to an INVITE is passed up each time (RFC 6026)
        assert len(finals) <= 1
    if not finals:  # nothing final came through: the client's timer said so, unless a 100 keeps an INVITE waiting
        assert len(link.failures) == 1 or (method == "INVITE" and 100 in link.delivered)
    if finals or link.failures:
        assert link.client.state is State.TERMINATED
    assert link.server is None or link.server.state is State.TERMINATED
