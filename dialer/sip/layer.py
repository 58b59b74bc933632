"""The transaction layer: finds the transaction a message belongs to, runs their timers, bounds their number. Sans-IO.

Client transactions are found by branch and CSeq method, server transactions by branch, sent-by and method, with the
fallback for RFC 2543 peers (RFC 3261 §17.1.3, §17.2.3). Responses go where the request came from (§18.2.2, RFC 3581).
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from dialer.errors import TransportError
from dialer.sip.events import Destination, Transport
from dialer.sip.lexical import split_list
from dialer.sip.message import BRANCH_COOKIE, Message, Request, Response
from dialer.sip.timers import Timed, TimerHeap
from dialer.sip.transaction import (
    Abandon,
    ClientTransaction,
    Deliver,
    Failed,
    Failure,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Output,
    Received,
    Send,
    Terminated,
    Transaction,
    Transmit,
    TransportFailed,
)

logger = logging.getLogger(__name__)

MAX_TRANSACTIONS = 60_000
"""Live transactions of a node. A call leaves three or four behind for 32 s, so this is beyond 400 calls a second."""

Transmitter = Callable[[bytes, Destination], None]
Key = tuple[str, ...]


class TransactionUser(Protocol):
    """Who hears what becomes of a transaction."""

    def on_response(self, request: Request, response: Response, now: float) -> None:
        """A response to a request of ours."""

    def on_ack(self, ack: Request, now: float) -> None:
        """The ACK of a 2xx that came with the INVITE's own branch."""

    def on_failure(self, request: Request, failure: Failure, now: float) -> None:
        """There will be no (acknowledged) answer."""


class _Entry(Timed):
    """A live transaction with its peer and its user."""

    __slots__ = ("destination", "key", "transaction", "user")

    def __init__(self, transaction: Transaction, key: Key, destination: Destination, user: TransactionUser) -> None:
        super().__init__(transaction)
        self.transaction = transaction
        self.key = key
        self.destination = destination
        self.user = user


class TransactionLayer:
    """All live transactions of one endpoint. `transmit` puts bytes on the wire and does not raise."""

    def __init__(self, transmit: Transmitter, *, max_transactions: int = MAX_TRANSACTIONS) -> None:
        self._transmit = transmit
        self._max_transactions = max_transactions
        self._clients: dict[Key, _Entry] = {}
        self._servers: dict[Key, _Entry] = {}
        self._timers = TimerHeap()

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def is_full(self) -> bool:
        """True when no further transaction can be taken."""
        return len(self) >= self._max_transactions

    @property
    def next_deadline(self) -> float | None:
        """When `handle_timeout` is due."""
        return self._timers.next_deadline

    def handle_timeout(self, now: float) -> None:
        """Fires the timers due at `now`."""
        while (timed := self._timers.pop_due(now)) is not None:
            if isinstance(timed, _Entry):
                self._apply(timed, timed.transaction.handle_timeout(now), now)

    # requests of ours

    def send_request(self, request: Request, destination: Destination, user: TransactionUser, now: float) -> None:
        """Starts a client transaction.

        Raises:
            TransportError: too many transactions are alive.
        """
        if self.is_full:
            raise TransportError("too many SIP transactions are alive")
        reliable = destination.transport is not Transport.UDP
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        entry = _Entry(kind(request, reliable=reliable), _client_key(request), destination, user)
        self._clients[entry.key] = entry
        if isinstance(entry.transaction, ClientTransaction):
            self._apply(entry, entry.transaction.start(now), now)

    def stop_repeating(self, request: Request, now: float) -> None:
        """The INVITE's user gave up: no more repeats, but a late response is still delivered."""
        entry = self._clients.get(_client_key(request))
        if entry is not None:
            self._apply(entry, entry.transaction.handle_input(Abandon(), now), now)

    def drop(self, request: Request) -> None:
        """Forgets a client transaction that can only wait for ever."""
        self._clients.pop(_client_key(request), None)

    def receive_response(self, response: Response, now: float) -> bool:
        """Delivers a response; False when no transaction waits for it (RFC 6026 §8.9: then it is dropped)."""
        entry = self._clients.get((response.via.branch, response.cseq.method))
        if entry is None:
            return False
        self._apply(entry, entry.transaction.handle_input(Received(response), now), now)
        return True

    # requests of theirs

    def absorb_request(self, request: Request, now: float) -> bool:
        """Gives a request to the transaction it repeats or acknowledges; False when it is new."""
        entry = self._servers.get(_server_key(request, request.method))
        if entry is None:
            return False
        self._apply(entry, entry.transaction.handle_input(Received(request), now), now)
        return True

    def accept_request(self, request: Request, source: Destination, user: TransactionUser) -> None:
        """Starts a server transaction for a new request (not an ACK).

        Raises:
            TransportError: too many transactions are alive.
        """
        if self.is_full:
            raise TransportError("too many SIP transactions are alive")
        reliable = source.transport is not Transport.UDP
        kind = InviteServer if request.method == "INVITE" else NonInviteServer
        key = _server_key(request, request.method)
        self._servers[key] = _Entry(kind(request, reliable=reliable), key, response_route(request, source), user)

    def set_user(self, request: Request, user: TransactionUser) -> None:
        """Makes someone else hear of a server transaction: a call, once there is one."""
        self._servers[_server_key(request, request.method)].user = user

    def user_of_cancelled(self, cancel: Request) -> TransactionUser | None:
        """Who answers the INVITE that a CANCEL is about (§9.2); None when there is no such INVITE."""
        entry = self._servers.get(_server_key(cancel, "INVITE"))
        return entry.user if entry is not None else None

    def respond(self, request: Request, response: Response, now: float) -> None:
        """Sends a response through its transaction; a transaction that is over swallows it."""
        entry = self._servers.get(_server_key(request, request.method))
        if entry is None:
            return
        self._apply(entry, entry.transaction.handle_input(Send(response), now), now)

    # both

    def transport_failed(self, destination: Destination, now: float) -> None:
        """A reliable transport to this peer is gone; its transactions hear of it."""
        entries = [*self._clients.values(), *self._servers.values()]
        for entry in entries:
            if entry.destination == destination:
                self._apply(entry, entry.transaction.handle_input(TransportFailed(), now), now)

    def _apply(self, entry: _Entry, outputs: list[Output], now: float) -> None:
        self._timers.update(entry)
        for output in outputs:
            match output:
                case Transmit(data):
                    self._transmit(data, entry.destination)
                case Deliver(message):
                    self._deliver(entry, message, now)
                case Failed(failure):
                    entry.user.on_failure(entry.transaction.request, failure, now)
                case Terminated():
                    self._forget(entry)

    def _deliver(self, entry: _Entry, message: Message, now: float) -> None:
        if isinstance(message, Response):
            entry.user.on_response(entry.transaction.request, message, now)
        else:
            entry.user.on_ack(message, now)

    def _forget(self, entry: _Entry) -> None:
        table = self._clients if isinstance(entry.transaction, ClientTransaction) else self._servers
        if table.get(entry.key) is entry:
            del table[entry.key]


def _client_key(request: Request) -> Key:
    return (request.via.branch, request.method)


def _server_key(request: Request, method: str) -> Key:
    via = request.via
    method = "INVITE" if method == "ACK" else method
    if via.branch.startswith(BRANCH_COOKIE):
        return (via.branch, via.host.lower(), str(via.port or 0), method)
    sent_by = f"{via.host}:{via.port or 0}"  # RFC 3261 §17.2.3, for RFC 2543 peers
    return (request.call_id, request.from_.tag, str(request.cseq.number), sent_by, via.branch, method)


def mark_source(request: Request, source: Destination) -> None:
    """Writes the true source into the top Via: `received`, and `rport` where asked for (§18.2.1, RFC 3581 §4)."""
    via = request.via
    if not via.wants_rport and via.host == source.host:
        return
    first = split_list(request.headers.get("Via") or "")
    marked = [str(via.with_source(source.host, source.port)), *first[1:]]
    request.headers.replace_first("Via", ", ".join(marked))


def response_route(request: Request, source: Destination) -> Destination:
    """Where responses go: the connection the request came by; over UDP its source, to the port Via says or asks for."""
    if source.transport is not Transport.UDP or request.via.wants_rport:
        return source
    return replace(source, port=request.via.port or 5060)
