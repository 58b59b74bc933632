"""The SIP parser under random and mutated bytes: it refuses or understands, and never does anything else."""

from pathlib import Path

import sipmessage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.sip.errors import ParseError
from dialer.sip.framing import PING, FramingError, StreamFramer
from dialer.sip.header_map import Headers
from dialer.sip.headers import CSeq, NameAddr, Via
from dialer.sip.lexical import decode, encode, parse_params, quote, split_list, unquote
from dialer.sip.message import Message, MessageError, Request, Response, parse_message, stateless_answer
from dialer.sip.sdp import SessionDescription, answer, build_offer, negotiate
from dialer.sip.uri import SipUri

DATA = Path(__file__).parents[1] / "data" / "sip"
SAMPLES = [path.read_bytes() for path in sorted(DATA.glob("*/*.dat"))]
TYPED = [name for kind in (Request, Response) for name in dir(kind) if not name.startswith("_")]

CRUMBS = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b":",
    b";",
    b",",
    b'"',
    b"<",
    b">",
    b"@",
    b"\\",
    b"=",
    b"\x00",
    b"\xff",
    b"\r\n\r\n",
]
TOKEN_TEXT = st.text("abcXYZ019-._~", min_size=1, max_size=12)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A known message with a few bytes cut, doubled, replaced or put in."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        crumb = draw(st.one_of(st.sampled_from(CRUMBS), st.binary(max_size=8), st.just(bytes(data[start:end]) * 2)))
        data[start:end] = crumb
    return bytes(data)


def check_understood_or_refused(data: bytes, stream: bool) -> None:
    try:
        message = parse_message(data, stream=stream)
    except MessageError as error:
        reply = stateless_answer(error, to_tag="tag")
        assert reply is None or reply.to_bytes()
        return
    for name in TYPED:
        getattr(message, name, None)
    assert parse_message(message.to_bytes(), stream=True) == message


@given(st.binary(max_size=600), st.booleans())
def test_random_bytes_are_refused_or_understood(data: bytes, stream: bool) -> None:
    check_understood_or_refused(data, stream)


@settings(max_examples=600, suppress_health_check=[HealthCheck.data_too_large])
@given(mutated(), st.booleans())
def test_mutated_messages_are_refused_or_understood(data: bytes, stream: bool) -> None:
    check_understood_or_refused(data, stream)


@given(st.text(max_size=80))
def test_values_are_refused_or_survive_writing(text: str) -> None:
    for read in (SipUri.parse, Via.parse, NameAddr.parse, CSeq.parse):
        try:
            value = read(text)
        except ParseError:
            continue
        assert read(str(value)) == value


@given(st.binary(max_size=60))
def test_every_byte_survives_decoding(data: bytes) -> None:
    assert encode(decode(data)) == data


@given(st.text(max_size=40))
def test_quoting_is_undone(text: str) -> None:
    assert unquote(quote(text)) == text
    assert split_list(f"{quote(text)}, b") == [quote(text), "b"]


@given(st.text(max_size=60))
def test_lists_and_params_are_read_or_refused(text: str) -> None:
    for read in (split_list, parse_params, SessionDescription.parse):
        try:
            read(text)
        except ParseError:
            continue


URIS = st.builds(
    SipUri.build,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["example.cn", "192.0.2.1", "2001:db8::1", "sbc_1"]),
    st.none() | st.integers(1, 65535),
    transport=st.sampled_from(["", "tcp", "UDP"]),
)
ADDRESSES = st.builds(
    NameAddr,
    URIS,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=10),
    st.just(()) | st.builds(lambda tag: (("tag", tag),), TOKEN_TEXT),
)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    method = draw(st.sampled_from(["INVITE", "BYE", "X-1"]))
    headers = Headers(
        [
            ("Via", str(Via("UDP", "192.0.2.9", 5060, (("branch", "z9hG4bK" + draw(TOKEN_TEXT)),)))),
            ("From", str(draw(ADDRESSES))),
            ("To", str(draw(ADDRESSES))),
            ("Call-ID", draw(TOKEN_TEXT)),
            ("CSeq", str(CSeq(draw(st.integers(0, 2**32 - 1)), method))),
            *[("Contact", str(contact)) for contact in draw(st.lists(ADDRESSES, max_size=2))],
            *[("X-Extra", text) for text in draw(st.lists(TOKEN_TEXT, max_size=2))],
        ]
    )
    body = draw(st.binary(max_size=50))
    if draw(st.booleans()):
        return Request(method, draw(URIS), headers, body)
    return Response(draw(st.integers(100, 699)), draw(TOKEN_TEXT), headers, body)


@given(messages())
def test_what_is_written_is_read_back(message: Message) -> None:
    again = parse_message(message.to_bytes(), stream=True)
    assert again == message
    assert (again.from_, again.to, again.contacts) == (message.from_, message.to, message.contacts)


def check_second_opinion(data: bytes) -> None:
    try:
        message = parse_message(data)
        other = sipmessage.Message.parse(data)
        theirs = (other.call_id, other.cseq.sequence, other.cseq.method, other.from_address.uri.user, other.via[0].host)
    except (ValueError, ParseError):
        return
    via_host = f"[{message.via.host}]" if ":" in message.via.host else message.via.host
    user = message.from_.uri.user_text or None
    assert (message.call_id, message.cseq.number, message.cseq.method, user, via_host) == theirs


@given(messages())
def test_second_opinion_agrees(message: Message) -> None:
    """Where another parser accepts our message too, it reads the same."""
    check_second_opinion(message.to_bytes())


@settings(max_examples=300, suppress_health_check=[HealthCheck.data_too_large])
@given(mutated())
def test_second_opinion_agrees_on_broken_messages(data: bytes) -> None:
    """Where both parsers accept, they read the same."""
    check_second_opinion(data)


@given(st.data())
def test_any_chunking_frames_the_same(data: st.DataObject) -> None:
    sent = data.draw(st.lists(messages().map(lambda message: message.to_bytes()) | st.just(PING), max_size=5))
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    framer = StreamFramer()
    got: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += framer.feed(stream[start:end])
    assert got == sent
    assert framer.pending_bytes == 0


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_framing_random_bytes_stays_bounded(chunks: list[bytes]) -> None:
    framer = StreamFramer()
    whole = StreamFramer()
    try:
        pieces = [frame for chunk in chunks for frame in framer.feed(chunk)]
    except FramingError:
        return
    assert pieces == list(whole.feed(b"".join(chunks)))


@given(
    st.permutations(["PCMA", "PCMU"]).map(tuple),
    st.lists(st.sampled_from(["PCMA", "PCMU"]), min_size=1, max_size=2, unique=True),
    st.none() | st.integers(96, 127),
    st.sampled_from(["192.0.2.1", "2001:db8::7"]),
    st.integers(1, 65535),
)
def test_both_sides_agree_on_the_same_audio(
    offered: tuple[str, ...], known: list[str], dtmf_pt: int | None, host: str, port: int
) -> None:
    offer = build_offer(host, port, offered, dtmf_pt, 7, 1)
    answered = answer(offer, "192.0.2.99", 4000, known)
    assert answered is not None
    text, theirs = answered
    ours = negotiate(offer, text)
    assert ours is not None
    assert (theirs.host, theirs.port) == (host, port)
    assert (ours.host, ours.port) == ("192.0.2.99", 4000)
    assert ours.codec == theirs.codec == next(codec for codec in offered if codec in known)
    assert ours.dtmf_payload_type == theirs.dtmf_payload_type == dtmf_pt
