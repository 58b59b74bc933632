"""RTP traffic for the media benchmark, in a process of its own so that its CPU time is nobody else's.

Sends 20 ms packets from one socket per leg, spread over the 20 ms, and measures what comes back through the bridge:
each packet carries when it was sent. Started by `bench.media`.
"""

import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

FRAME_S = 0.02
HEADER = struct.Struct("!BBHII")
STAMP = struct.Struct("!Qd")
MAGIC = 0x6265_6E63_6D61_726B
PAYLOAD_BYTES = 160
LATE_S = 0.02
DRAIN_S = 0.3


@dataclass
class Count:
    """What was seen."""

    sent: int = 0
    received: int = 0
    late: int = 0
    delays: list[float] = field(default_factory=list)


def _packet(leg: int, sequence: int, sent_at: float) -> bytes:
    header = HEADER.pack(0x80, 8, sequence & 0xFFFF, sequence * PAYLOAD_BYTES & 0xFFFFFFFF, 1000 + leg)
    return (header + STAMP.pack(MAGIC, sent_at)).ljust(HEADER.size + PAYLOAD_BYTES, b"\xd5")


def _hear(ready: selectors.BaseSelector, count: Count) -> None:
    for key, _ in ready.select(0):
        sock: socket.socket = key.fileobj  # type: ignore[assignment]
        while True:
            try:
                data = sock.recv(2048)
            except BlockingIOError:
                break
            if len(data) != HEADER.size + PAYLOAD_BYTES:
                continue
            magic, sent_at = STAMP.unpack_from(data, HEADER.size)
            if magic != MAGIC:
                continue
            delay = time.monotonic() - sent_at
            count.received += 1
            count.late += delay > LATE_S
            count.delays.append(delay)


def _run(sockets: list[socket.socket], ports: list[int], duration_s: float, n_bridged: int) -> Count:
    count = Count()
    ready = selectors.DefaultSelector()
    for sock in sockets:
        ready.register(sock, selectors.EVENT_READ)
    started = time.monotonic()
    step = FRAME_S / len(sockets)
    total = int(duration_s / step)
    done = 0
    while done < total:
        due = min(total, int((time.monotonic() - started) / step))
        while done < due:
            leg = done % len(sockets)
            sockets[leg].sendto(_packet(leg, done // len(sockets), time.monotonic()), ("127.0.0.1", ports[leg]))
            count.sent += leg < n_bridged
            done += 1
        _hear(ready, count)
        time.sleep(0.001)
    until = time.monotonic() + DRAIN_S
    while time.monotonic() < until:
        _hear(ready, count)
        time.sleep(0.002)
    return count


def main() -> None:
    """argv: duration in seconds, legs, how many of them, the first, are bridged.

    In JSON lines: tells our ports, is told the engine's, tells the counts.
    """
    legs = int(sys.argv[2])
    sockets = []
    for _ in range(legs):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        sockets.append(sock)
    print(json.dumps([sock.getsockname()[1] for sock in sockets]), flush=True)
    ports = json.loads(sys.stdin.readline())
    count = _run(sockets, ports, float(sys.argv[1]), int(sys.argv[3]))
    delays = sorted(count.delays) or [0.0]
    result = {
        "sent": count.sent,
        "received": count.received,
        "late": count.late,
        "delay_median_ms": delays[len(delays) // 2] * 1000,
        "delay_p99_ms": delays[int(len(delays) * 0.99)] * 1000,
        "duration_s": float(sys.argv[1]),
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
