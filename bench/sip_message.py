"""What reading and writing SIP messages costs: an INVITE of 1310 bytes and its 200 OK, CPU time of one thread."""

import statistics
import time
from collections.abc import Callable

from bench.row import BenchRow
from dialer.sip.message import Message, parse_message

RUNS = 5
REPEATS = 4000

_SDP = (
    "v=0\r\no=- 3872345 3872345 IN IP4 198.51.100.20\r\ns=-\r\nc=IN IP4 198.51.100.20\r\nt=0 0\r\n"
    "m=audio 23456 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=maxptime:40\r\na=sendrecv\r\n"
)
_COMMON = (
    "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK7f3a.8c1;rport=5060;received=198.51.100.1\r\n"
    "Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK-524287-1;rport\r\n"
    "Record-Route: <sip:198.51.100.1;lr;ftag=8f2c1d>\r\n"
    'From: "01088886666" <sip:01088886666@trunk.example.cn;user=phone>;tag=8f2c1d0b7a\r\n'
    "Call-ID: 4f6a2c18-90bd-4d27-8a0c-7712f0a9c3de@198.51.100.20\r\n"
    "CSeq: 102 INVITE\r\n"
    "Contact: <sip:01088886666@198.51.100.20:5060;transport=udp>\r\n"
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY\r\n"
    "Supported: 100rel, timer, replaces\r\n"
    "Content-Type: application/sdp\r\n"
)


def _message(start_line: str, to: str, extra: str, total_bytes: int) -> bytes:
    head = f"{start_line}\r\n{_COMMON}To: {to}\r\n{extra}Content-Length: {len(_SDP)}\r\n"
    padding = total_bytes - len(head) - len(_SDP) - len("X-Padding: \r\n\r\n")
    return f"{head}X-Padding: {'x' * max(padding, 0)}\r\n\r\n{_SDP}".encode()


INVITE = _message(
    "INVITE sip:013800138000@198.51.100.1:5060;user=phone SIP/2.0",
    "<sip:013800138000@198.51.100.1;user=phone>",
    "Max-Forwards: 69\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nUser-Agent: dialer\r\n"
    "P-Asserted-Identity: <sip:01088886666@trunk.example.cn>\r\n",
    1310,
)
OK = _message("SIP/2.0 200 OK", "<sip:013800138000@198.51.100.1;user=phone>;tag=77ab01", "Server: carrier\r\n", 0)


def _use(message: Message) -> None:
    """What a transaction and a dialog ask of every message."""
    _ = message.via, message.from_, message.to, message.cseq, message.call_id, message.contacts


def _microseconds(work: Callable[[], object]) -> float:
    figures = []
    for _ in range(RUNS):
        started = time.thread_time()
        for _ in range(REPEATS):
            work()
        figures.append((time.thread_time() - started) / REPEATS * 1e6)
    return statistics.median(figures)


def run() -> list[BenchRow]:
    """Parse with typed fields, and write."""
    invite = parse_message(INVITE)
    parse = _microseconds(lambda: _use(parse_message(INVITE)))
    parse_ok = _microseconds(lambda: _use(parse_message(OK)))
    return [
        BenchRow("SIP: parse INVITE, typed", parse, "µs", 50.0, "sipmessage 385-420", f"{len(INVITE)} bytes"),
        BenchRow("SIP: parse 200 OK, typed", parse_ok, "µs", 50.0, "sipmessage 245", f"{len(OK)} bytes"),
        BenchRow("SIP: write INVITE", _microseconds(invite.to_bytes), "µs", 20.0, "sipmessage 19", ""),
    ]
