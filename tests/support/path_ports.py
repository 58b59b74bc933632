"""Ports for peers, away from where others find theirs meanwhile: the RTP of SIPp and baresip, the kernel."""

import random
import socket
from itertools import cycle

PORTS = range(7_000, 8_800, 4)
KINDS = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
_START: int = random.randrange(len(PORTS))
_NEXT: "cycle[int]" = cycle((*PORTS[_START:], *PORTS[:_START]))


def free_ports() -> int:
    """The first of two ports that nobody holds, over UDP or TCP (a phone may want the second for TLS).

    Never the same twice in one process before all had their turn.
    """
    return next(port for port in _NEXT if _is_free(port) and _is_free(port + 1))


def _is_free(port: int) -> bool:
    return all(_can_bind(port, kind) for kind in KINDS)


def _can_bind(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
