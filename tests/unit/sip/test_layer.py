"""Finding the transaction of a message, the timer heap, what the log may hold."""

from dialer.sip.events import Destination, Transport
from dialer.sip.layer import mark_source, response_route
from dialer.sip.masking import masked
from dialer.sip.message import Request, parse_message
from dialer.sip.timers import Timed, TimerHeap
from tests.support.sip_lab import A, Lab

SOURCE = Destination(Transport.UDP, "203.0.113.5", 40001)


def request(via: str, method: str = "OPTIONS", to_tag: str = "") -> Request:
    tag = f";tag={to_tag}" if to_tag else ""
    text = f"{method} sip:a@h SIP/2.0\r\nVia: {via}\r\nFrom: <sip:a@h>;tag=x\r\nTo: <sip:b@h>{tag}\r\nCall-ID: c\r\n"
    message = parse_message(f"{text}CSeq: 1 {method}\r\n\r\n".encode())
    assert isinstance(message, Request)
    return message


def test_the_true_source_is_noted_and_answered() -> None:
    """RFC 3581: with rport the answer goes to the source port, without it to the port in Via."""
    asked = request("SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bK1;rport, SIP/2.0/UDP 10.0.0.8;branch=z9hG4bK2")
    mark_source(asked, SOURCE)
    assert (asked.via.received, asked.via.rport) == ("203.0.113.5", 40001)
    assert [via.host for via in asked.vias] == ["10.0.0.9", "10.0.0.8"]
    assert response_route(asked, SOURCE) == SOURCE
    plain = request("SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bK1")
    mark_source(plain, SOURCE)
    assert (plain.via.received, plain.via.rport) == ("203.0.113.5", None)
    assert response_route(plain, SOURCE) == Destination(Transport.UDP, "203.0.113.5", 5062)
    default = request("SIP/2.0/UDP 203.0.113.5;branch=z9hG4bK1")
    mark_source(default, SOURCE)
    assert default.via.received == ""
    assert response_route(default, SOURCE).port == 5060
    over_tcp = Destination(Transport.TCP, "203.0.113.5", 40001)
    assert response_route(plain, over_tcp) == over_tcp


def test_peers_of_rfc_2543_are_told_apart() -> None:
    """Without the magic cookie a branch means nothing: Call-ID, From tag, CSeq and Via decide."""
    lab = Lab()
    first, second = request("SIP/2.0/UDP 10.0.0.1"), request("SIP/2.0/UDP 10.0.0.7")
    for message in (first, first, second):
        lab.b.receive(parse_message(message.to_bytes()), A, 0.0)
    assert len(lab.b.layer) == 2
    assert [str(entry) for entry in lab.log] == ["200", "200", "200"]


class Alarm:
    """A machine with a deadline set by hand."""

    def __init__(self, deadline: float | None) -> None:
        self.next_deadline = deadline


def test_the_heap_follows_deadlines_that_move() -> None:
    heap = TimerHeap()
    later, sooner, gone = (Timed(Alarm(at)) for at in (5.0, 3.0, 4.0))
    for timed in (later, sooner, gone):
        heap.update(timed)
    assert heap.next_deadline == 3.0
    sooner.machine = Alarm(9.0)
    gone.machine = Alarm(None)
    later.machine = Alarm(2.0)
    heap.update(later)
    assert heap.next_deadline == 2.0
    assert heap.pop_due(1.9) is None
    assert heap.pop_due(8.0) is later
    assert heap.pop_due(8.0) is None
    assert heap.pop_due(9.0) is sooner
    assert heap.next_deadline is None


def test_a_logged_message_names_nobody() -> None:
    text = masked(
        b"INVITE sip:13800001234@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK12345678\r\n"
        b'From: "Zhang San" <sip:+862112345678@h>;tag=1\r\nTo: <tel:+8613800001234>\r\n'
        b'Proxy-Authorization: Digest username="u", response="abcdef"\r\nAuthorization: Digest x="y"\r\n\r\n'
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secretkey\r\n"
    )
    for secret in ("13800001234", "2112345678", "Zhang", "abcdef", "secretkey", '"y"'):
        assert secret not in text
    assert "sip:*******1234@10.0.0.2" in text
    assert "z9hG4bK12345678" in text
