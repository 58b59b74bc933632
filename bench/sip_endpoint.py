"""CPU of a call attempt: INVITE, 180, 200, ACK, BYE, 200 over UDP on loopback against `sipp -sn uas`."""

import asyncio
import contextlib
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator

import uvloop

from bench.row import BenchRow
from dialer.config import SipConfig
from dialer.sip.calls import SipCall
from dialer.sip.endpoint import SipEndpoint
from dialer.sip.events import Answered, CallEvent, Destination, Ended, Failed, InviteRequest, Transport
from dialer.sip.uri import SipUri

CALLS_PER_RUN = 1_000
CALLS_PER_SECOND = 200
RUNS = 3
ANSWER_TIMEOUT_S = 20.0
ANCHOR = "Asterisk 22: 2.6-3.1 ms; asyncio prototype 1.08 ms"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
)


class _Load:
    """Places calls at a steady rate and hangs each up when it is answered."""

    def __init__(self, endpoint: SipEndpoint, destination: Destination) -> None:
        self._endpoint = endpoint
        self._destination = destination
        self._open = 0
        self.done = asyncio.Event()
        self.n_answered = 0
        self.n_failed = 0

    async def place(self, n_calls: int, per_second: float) -> None:
        """Returns when every call is over."""
        started_at = time.monotonic()
        self._open = n_calls
        for i in range(n_calls):
            delay_s = started_at + i / per_second - time.monotonic()
            if delay_s > 0:
                await asyncio.sleep(delay_s)
            self._call(i)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await self.done.wait()

    def _call(self, i: int) -> None:
        calls: list[SipCall] = []

        def sink(event: CallEvent) -> None:
            match event:
                case Answered():
                    self.n_answered += 1
                    calls[0].hang_up()
                case Failed():
                    self.n_failed += 1
                    self._end()
                case Ended():
                    self._end()

        request = InviteRequest(
            target=SipUri.build(f"1380000{i:04d}", self._destination.host, self._destination.port),
            destination=self._destination,
            from_uri=SipUri.build("02100000000", "127.0.0.1"),
            sdp=SDP,
        )
        calls.append(self._endpoint.invite(request, sink))

    def _end(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.done.set()


@contextlib.contextmanager
def sipp_uas() -> Iterator[Destination]:
    """A SIPp that answers every call."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = shutil.which("sipp")
    if program is None:
        raise RuntimeError("sipp is missing (Debian package sip-tester)")
    command = [program, "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-skip_rlimit"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield Destination(Transport.UDP, "127.0.0.1", port)
    finally:
        process.kill()
        process.wait(timeout=10)


async def _run_once(destination: Destination) -> tuple[float, int]:
    config = SipConfig(host="127.0.0.1", port=0, transports=("udp",))
    async with SipEndpoint(config, is_trunk=lambda peer: peer == destination) as endpoint:
        load = _Load(endpoint, destination)
        before_s = time.process_time()
        await load.place(CALLS_PER_RUN, CALLS_PER_SECOND)
        return (time.process_time() - before_s) * 1000 / CALLS_PER_RUN, load.n_failed


def run() -> list[BenchRow]:
    """CPU milliseconds per attempt, under both event loops."""
    rows = []
    with sipp_uas() as destination:
        for name, factory in (("uvloop", uvloop.new_event_loop), ("asyncio", asyncio.new_event_loop)):
            results = []
            for _ in range(RUNS):
                with asyncio.Runner(loop_factory=factory) as runner:
                    results.append(runner.run(_run_once(destination)))
            failed = sum(n_failed for _, n_failed in results)
            note = f"{CALLS_PER_SECOND} calls/s, INVITE to BYE, sipp answers, {failed} of {RUNS * CALLS_PER_RUN} failed"
            value = statistics.median(cpu_ms for cpu_ms, _ in results)
            rows.append(BenchRow(f"attempt, SIP only, {name}", value, "ms CPU", 1.5, ANCHOR, note))
    return rows
