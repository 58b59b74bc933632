"""Reading and writing whole messages: lengths, caps, responses to requests, cached typed values."""

import pytest

from dialer.errors import LocalProtocolError
from dialer.sip.header_map import Headers
from dialer.sip.message import (
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    MessageError,
    Request,
    Response,
    make_response,
    new_branch,
    new_tag,
    parse_message,
    stateless_answer,
)
from dialer.sip.status import reason_phrase
from dialer.sip.uri import SipUri


def build(
    start_line: str = "INVITE sip:bob@192.0.2.2 SIP/2.0", *extra: str, body: bytes = b"", cseq: str = ""
) -> bytes:
    method = start_line.split(" ")[0] if not start_line.startswith("SIP/") else "INVITE"
    lines = [
        start_line,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
        "From: <sip:alice@192.0.2.1>;tag=1",
        "To: <sip:bob@192.0.2.2>",
        "Call-ID: c1@192.0.2.1",
        f"CSeq: {cseq or '1 ' + method}",
        *extra,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parse_request(data: bytes, *, stream: bool = False) -> Request:
    message = parse_message(data, stream=stream)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    ("extra", "body", "expected"),
    [
        ((), b"abc", b"abc"),  # a datagram may leave Content-Length out
        (("Content-Length: 3",), b"abc", b"abc"),
        (("Content-Length: 2",), b"abc", b"ab"),  # surplus is ignored
        (("l: 3", "Content-Length: 003"), b"abc", b"abc"),  # twice the same is no contradiction
        (("Content-Length: 0",), b"", b""),
    ],
)
def test_body_of_a_datagram(extra: tuple[str, ...], body: bytes, expected: bytes) -> None:
    request = parse_request(build("INVITE sip:bob@192.0.2.2 SIP/2.0", *extra, body=body))
    assert request.body == expected
    assert "Content-Length" not in request.headers


@pytest.mark.parametrize(
    ("extra", "body", "stream"),
    [
        (("Content-Length: 4",), b"abc", False),
        (("Content-Length: -1",), b"abc", False),
        (("Content-Length: +3",), b"abc", False),
        (("Content-Length: 3", "l: 2"), b"abc", False),
        (("Content-Length: ٣",), b"abc", False),  # a digit, but not ours
        (("Content-Length: 999999999999999999999",), b"abc", False),
        ((), b"", True),  # a stream needs it
        (("Content-Length: 2",), b"abc", True),
    ],
)
def test_doubtful_length_is_refused(extra: tuple[str, ...], body: bytes, stream: bool) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(build("INVITE sip:bob@192.0.2.2 SIP/2.0", *extra, body=body), stream=stream)
    assert caught.value.status_hint == 400
    assert caught.value.method == "INVITE"


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_required_headers(name: str) -> None:
    lines = [line for line in build().split(b"\r\n") if not line.startswith(name.encode() + b":")]
    with pytest.raises(MessageError) as caught:
        parse_message(b"\r\n".join(lines))
    assert stateless_answer(caught.value, to_tag="t") is None


@pytest.mark.parametrize(
    "line", ["Via:", "Via: ,", "From:", "Call-ID: ", "CSeq: x", "CSeq: 1 BYE", "To: <>", "CSeq: 4294967296 INVITE"]
)
def test_broken_required_headers(line: str) -> None:
    name = line.partition(":")[0].encode()
    lines = [line.encode() if old.startswith(name + b":") else old for old in build().split(b"\r\n")]
    with pytest.raises(MessageError):
        parse_message(b"\r\n".join(lines))


@pytest.mark.parametrize(
    "line",
    [
        "Contact: <sip:a",
        "Record-Route: sip:",
        "Route: <x>",
        "Contact: *, <sip:a@b>",
        "From: <sip:other@x>;tag=2",
        "Via: SIP/2.0/UDP a:99999",
    ],
)
def test_broken_routing_headers_of_a_request(line: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(build("INVITE sip:bob@192.0.2.2 SIP/2.0", line))
    assert caught.value.status_hint == 400


@pytest.mark.parametrize(
    ("start_line", "status"),
    [
        ("INVITE sip:bob@192.0.2.2 SIP/3.0", 505),
        ("INVITE http://example.com SIP/2.0", 416),
        ("INVITE sip:bob@192.0.2.2", 400),
        ("INVITE sip:bob@192.0.2.2 HTTP/1.1", 400),
        ("IN(VITE sip:bob@192.0.2.2 SIP/2.0", 400),
        ("INVITE sip:bob@192.0.2.2:70000 SIP/2.0", 400),
    ],
)
def test_start_lines_refused(start_line: str, status: int) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(build(start_line, cseq="1 INVITE"))
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    "start_line", ["SIP/3.0 200 OK", "SIP/2.0 99 Low", "SIP/2.0 700 High", "SIP/2.0 20 Short", "SIP/2.0 x"]
)
def test_responses_refused(start_line: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(build(start_line))
    assert caught.value.method == ""
    assert stateless_answer(caught.value, to_tag="t") is None


def test_caps() -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(build(body=b"x" * MAX_MESSAGE_BYTES))
    assert caught.value.status_hint == 513
    with pytest.raises(MessageError) as caught:
        parse_message(build("INVITE sip:b@c SIP/2.0", *["X: 1"] * MAX_HEADERS))
    assert caught.value.status_hint == 513


def test_long_runs_of_blanks_are_read_in_linear_time() -> None:
    """Would take minutes with a pattern that backtracks."""
    blanks = " \t" * 15000
    assert parse_message(build("INVITE sip:b@c SIP/2.0", f"X:{blanks}a{blanks}\r\n b")).headers.get("X") is not None


def test_typed_values_follow_the_headers() -> None:
    request = parse_request(build())
    before = (request.max_forwards, request.to.tag)
    request.headers.add("Max-Forwards", "70")
    request.headers.set("To", "<sip:bob@192.0.2.2>;tag=9")
    assert [before, (request.max_forwards, request.to.tag)] == [(None, ""), (70, "9")]
    assert request.via is request.via


def test_typed_values_of_a_full_message() -> None:
    request = parse_request(
        build(
            "PRACK sip:bob@192.0.2.2 SIP/2.0",
            "RAck: 776656 1 INVITE",
            "x: 1800;refresher=uas",
            "Min-SE: 90",
            "k: 100rel, timer",
            "Allow: INVITE,ACK",
            "Expires: 3600",
            "Retry-After: 120 (busy);duration=60",
            "RSeq: 5",
            "c: Application/SDP;charset=utf-8",
            "Record-Route: <sip:p1;lr>, <sip:p2;lr>",
            "Route: <sip:p3;lr>",
            'WWW-Authenticate: Digest realm="r", nonce="n"',
            "WWW-Authenticate: broken",
        )
    )
    assert request.rack is not None
    assert str(request.rack) == "776656 1 INVITE"
    assert str(request.session_expires) == "1800;refresher=uas"
    assert (request.min_se, request.expires, request.retry_after, request.rseq) == (90, 3600, 120, 5)
    assert (request.supported, request.allow, request.require) == (("100rel", "timer"), ("INVITE", "ACK"), ())
    assert str(request.content_type) == "application/sdp;charset=utf-8"
    assert [route.uri.host for route in (*request.record_routes, *request.routes)] == ["p1", "p2", "p3"]
    assert [challenge.nonce for challenge in request.www_authenticate] == ["n", ""]


def test_response_repeats_what_it_must() -> None:
    request = parse_request(build("INVITE sip:b@c SIP/2.0", "Via: SIP/2.0/TCP p;branch=z9hG4bKb", "Contact: <sip:a@b>"))
    response = make_response(request, 486, to_tag="77")
    assert response.start_line == "SIP/2.0 486 Busy Here"
    assert [via.host for via in response.vias] == ["192.0.2.1", "p"]
    assert response.to.tag == "77"
    assert (response.contacts, response.from_, response.call_id) == ((), request.from_, request.call_id)
    assert request.to.tag == ""
    assert make_response(request, 100).to.tag == ""
    assert make_response(request, 200, "Fine", to_tag="1").phrase == "Fine"


def test_ack_is_never_answered() -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(build("ACK sip:b@c SIP/2.0", cseq="1 INVITE"))
    assert stateless_answer(caught.value, to_tag="t") is None


@pytest.mark.parametrize(
    "message",
    [
        Request("INVITE", SipUri("sip", "a", "b"), Headers()),
        Request("BYE", SipUri("sip", "a", "b"), parse_message(build()).headers),  # CSeq says INVITE
        Request("INVITE", SipUri("sip", "a b", "c"), parse_message(build()).headers),
        Response(99, "", parse_message(build()).headers),
        Response(200, "a\nb", parse_message(build()).headers),
    ],
)
def test_broken_messages_are_not_written(message: Request | Response) -> None:
    with pytest.raises(LocalProtocolError):
        message.to_bytes()


def test_content_length_is_ours_to_write() -> None:
    request = parse_request(build())
    request.headers.add("l", "5")
    with pytest.raises(LocalProtocolError):
        request.to_bytes()


def test_written_with_content_length_last() -> None:
    request = parse_request(build(body=b"v=0"))
    assert request.to_bytes().endswith(b"CSeq: 1 INVITE\r\nContent-Length: 3\r\n\r\nv=0")


def test_tokens_come_from_the_caller() -> None:
    assert new_branch(lambda: "abc") == "z9hG4bKabc"
    assert new_tag(lambda: "abc") == "abc"


@pytest.mark.parametrize(
    ("status", "phrase"), [(180, "Ringing"), (199, "Trying"), (499, "Bad Request"), (699, "Busy Everywhere")]
)
def test_reason_phrases(status: int, phrase: str) -> None:
    assert reason_phrase(status) == phrase


def test_lists_of_tokens_never_fail() -> None:
    request = parse_request(build("INVITE sip:b@c SIP/2.0", 'Require: a"b, <c', "Allow: ,,"))
    assert (request.require, request.allow) == (('a"b', "<c"), ())


def test_response_without_usable_addresses_is_still_a_response() -> None:
    response = parse_message(build("SIP/2.0 200 OK", "Contact: <sip:@@>", "Route: x"))
    response.headers.add("X-Later", "forgets what was typed")
    assert (response.contacts, response.routes) == ((), ())


@pytest.mark.parametrize(
    "data",
    [
        build("INVITE sip:b@c SIP/2.0", "X: 1\nY: 2"),
        build("INVITE sip:b@c SIP/2.0", "X: 1\n\nY: 2"),
        build("INVITE sip:b@c SIP/2.0", "X: 1\rY: 2"),
        build().replace(b"\r\n", b"\n", 1),
        b"",
        b"\r\n\r\n",
        b"INVITE",
    ],
)
def test_mixed_line_ends_are_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        parse_message(data)


def test_line_feeds_alone_are_understood() -> None:
    assert parse_message(build(body=b"a\r\nb").replace(b"\r\n", b"\n")) == parse_message(build(body=b"a\nb"))
