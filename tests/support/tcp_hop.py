"""A hop between a client and a server on the loopback that changes, or cuts, what passes; in threads of its own."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Self

Alter = Callable[[bytes], bytes]
"""What becomes of a chunk. ConnectionError cuts both sides."""
_CHUNK_BYTES = 1 << 16


def unchanged(chunk: bytes) -> bytes:
    return chunk


class TcpHop:
    """`with` object. `up` and `down` are applied to every chunk to and from the server, and may be set at any time."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.up: Alter = unchanged
        self.down: Alter = unchanged
        self.n_connections = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for end in list(self._open):
            _shut(end)
        for thread in list(self._threads):
            thread.join(timeout=10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.n_connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port), timeout=10)
            except OSError:
                client.close()
                continue
            self._open |= {client, server}
            # What alters is looked up for each chunk: tests change it while connections are open.
            self._start(partial(self._carry, client, server, lambda chunk: self.up(chunk)))
            self._start(partial(self._carry, server, client, lambda chunk: self.down(chunk)))

    def _carry(self, source: socket.socket, sink: socket.socket, alter: Alter) -> None:
        with suppress(OSError):  # a cut, or the other direction ended
            while chunk := source.recv(_CHUNK_BYTES):
                sink.sendall(alter(chunk))
        _shut(source)
        _shut(sink)
        source.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
