"""UDP and TCP under the endpoint: bytes in and out, connections, limits. Knows nothing of SIP but its framing.

Nothing that arrives can raise into the event loop: a broken message is reported, a broken stream is closed.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from dialer.sip.errors import ParseError
from dialer.sip.events import Destination, Transport
from dialer.sip.framing import PING, PONG, StreamFramer

logger = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""Of the UDP socket: about two seconds of 1,000 calls a second while the loop is busy elsewhere."""
CONNECT_TIMEOUT_S = 5.0
FIRST_MESSAGE_TIMEOUT_S = 10.0
"""A connection made to us that brings no message for this long is closed."""
MAX_CONNECTIONS = 2_000
"""Further ones are closed at once."""
MAX_UNSENT_BYTES = 1024 * 1024
"""Per connection; a peer that reads no more is disconnected."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who hears of what arrives. None of these raises."""

    message: Callable[[bytes, Destination, bool], None]
    """One datagram or one framed message; the flag tells that it came from a stream."""
    lost: Callable[[Destination], None]
    """A connection is gone or could not be made."""


class UdpTransport(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str, port: int, receiver: Receiver) -> "UdpTransport":
        """Binds the socket. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: cls(receiver), local_addr=(host, port))
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by the loop."""
        self._receiver.message(data, Destination(Transport.UDP, addr[0], addr[1]), False)

    def error_received(self, exc: Exception) -> None:
        """An ICMP error; it does not say for which peer, so the transactions' timers decide."""
        logger.debug("UDP error", extra={"error": str(exc)})

    @property
    def local_port(self) -> int:
        """The bound port."""
        if self._transport is None:
            raise RuntimeError("the socket is not open")
        return int(self._transport.get_extra_info("sockname")[1])

    def send(self, data: bytes, destination: Destination) -> None:
        """Sends a datagram; a full socket buffer queues it."""
        if self._transport is None or self._transport.is_closing():
            return
        try:
            self._transport.sendto(data, (destination.host, destination.port))
        except OSError as error:  # an address of another family; others come to error_received
            logger.warning("cannot send", extra={"peer": str(destination), "error": str(error)})

    def close(self) -> None:
        """Closes the socket."""
        if self._transport is not None:
            self._transport.close()


class TcpTransport:
    """A TCP listener and every connection, made by peers or by us. One connection per peer address."""

    def __init__(self, receiver: Receiver, tasks: asyncio.TaskGroup) -> None:
        self._receiver = receiver
        self._tasks = tasks
        self._server: asyncio.Server | None = None
        self._connections: dict[Destination, _Connection] = {}
        self._connecting: dict[Destination, _Connecting] = {}

    @classmethod
    async def open(cls, host: str, port: int, receiver: Receiver, tasks: asyncio.TaskGroup) -> "TcpTransport":
        """Listens. Raises OSError."""
        self = cls(receiver, tasks)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, outgoing=False), host, port)
        return self

    @property
    def local_port(self) -> int:
        """The listening port."""
        if self._server is None:
            raise RuntimeError("the socket is not open")
        return int(self._server.sockets[0].getsockname()[1])

    def send(self, data: bytes, destination: Destination) -> None:
        """Sends on the peer's connection, making one when there is none; its loss is reported, not raised."""
        connection = self._connections.get(destination)
        if connection is not None:
            connection.send(data)
            return
        connecting = self._connecting.get(destination)
        if connecting is None:
            connecting = self._connecting[destination] = _Connecting([])
            connecting.task = self._tasks.create_task(self._connect(destination))
        if sum(map(len, connecting.unsent)) + len(data) <= MAX_UNSENT_BYTES:
            connecting.unsent.append(data)

    async def _connect(self, destination: Destination) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self, outgoing=True), destination.host, destination.port
                )
        except OSError as error:  # TimeoutError is one
            logger.warning("cannot connect", extra={"peer": str(destination), "error": str(error)})
            del self._connecting[destination]
            self._receiver.lost(destination)
            return
        for data in self._connecting.pop(destination).unsent:
            connection.send(data)

    def add(self, connection: "_Connection") -> bool:
        """Called by a connection that is up; False: there are too many."""
        if len(self._connections) >= MAX_CONNECTIONS:
            return False
        self._connections[connection.peer] = connection
        return True

    def remove(self, connection: "_Connection") -> None:
        """Called by a connection that is gone."""
        if self._connections.get(connection.peer) is connection:
            del self._connections[connection.peer]
            self._receiver.lost(connection.peer)

    def deliver(self, message: bytes, peer: Destination) -> None:
        """Called by a connection for each message."""
        self._receiver.message(message, peer, True)

    def close(self) -> None:
        """Stops listening, drops every connection."""
        if self._server is not None:
            self._server.close()
        for connecting in self._connecting.values():
            if connecting.task is not None:
                connecting.task.cancel()
        for connection in tuple(self._connections.values()):
            connection.close()


@dataclass(slots=True)
class _Connecting:
    """A connection under way and what waits for it."""

    unsent: list[bytes]
    task: asyncio.Task[None] | None = None


class _Connection(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, owner: TcpTransport, *, outgoing: bool) -> None:
        self._owner = owner
        self._outgoing = outgoing
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.peer = Destination(Transport.TCP, "", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        host, port = transport.get_extra_info("peername")[:2]
        self.peer = Destination(Transport.TCP, host, port)
        if not self._owner.add(self):
            logger.warning("too many SIP connections", extra={"peer": str(self.peer)})
            self._transport.abort()
        elif not self._outgoing:
            self._patience = asyncio.get_running_loop().call_later(FIRST_MESSAGE_TIMEOUT_S, self.close)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        try:
            for frame in self._framer.feed(data):
                self._take(frame)
        except ParseError as error:
            logger.warning("SIP stream broken, closing", extra={"peer": str(self.peer), "error": error.reason})
            self.close()

    def _take(self, frame: bytes) -> None:
        if frame == PING:
            self.send(PONG)
            return
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._owner.deliver(frame, self.peer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        if self._patience is not None:
            self._patience.cancel()
        self._owner.remove(self)

    def send(self, data: bytes) -> None:
        """Writes; a peer that reads no more loses the connection."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            logger.warning("a SIP peer reads no more", extra={"peer": str(self.peer)})
            self._transport.abort()

    def close(self) -> None:
        """Closes the connection, what is written still leaves."""
        if self._transport is not None:
            self._transport.close()
