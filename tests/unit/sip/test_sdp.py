"""Session descriptions and the agreement on one audio stream."""

import pytest

from dialer.sip.errors import ParseError
from dialer.sip.sdp import NegotiatedAudio, SessionDescription, answer, build_offer, negotiate

OFFER = build_offer("192.0.2.1", 4000, ("PCMA", "PCMU"), 101, 5, 6)


def sdp(*lines: str, connection: str = "c=IN IP4 192.0.2.7") -> str:
    head = ["v=0", "o=- 1 2 IN IP4 192.0.2.7", "s=-", *([connection] if connection else []), "t=0 0"]
    return "\r\n".join([*head, *lines]) + "\r\n"


def test_offer_as_written() -> None:
    assert OFFER == (
        "v=0\r\no=- 5 6 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
        "a=ptime:20\r\na=sendrecv\r\n"
    )
    assert "IN IP6 2001:db8::1" in build_offer("2001:db8::1", 4000)
    assert "telephone-event" not in build_offer("192.0.2.1", 4000, ("PCMU",), None)


@pytest.mark.parametrize(
    ("answer_text", "expected"),
    [
        (
            sdp("m=audio 5000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"),
            NegotiatedAudio("192.0.2.7", 5000, "PCMA", 101),
        ),
        (sdp("m=audio 5000 RTP/AVP 0 8"), NegotiatedAudio("192.0.2.7", 5000, "PCMU", None)),
        # the media's own address wins; ptime and another number for the keys are theirs to choose
        (
            sdp("m=audio 5000 RTP/AVP 8 97", "c=IN IP4 192.0.2.8", "a=ptime:30", "a=rtpmap:97 TELEPHONE-EVENT/8000"),
            NegotiatedAudio("192.0.2.8", 5000, "PCMA", 97, ptime_ms=30),
        ),
        (
            sdp("m=audio 5000 RTP/AVP 8", connection="c=IN IP6 2001:db8::7"),
            NegotiatedAudio("2001:db8::7", 5000, "PCMA", None),
        ),
        (sdp("a=sendonly", "m=audio 5000 RTP/AVP 8"), NegotiatedAudio("192.0.2.7", 5000, "PCMA", None, "recvonly")),
        (
            sdp("a=sendonly", "m=audio 5000 RTP/AVP 8", "a=inactive"),
            NegotiatedAudio("192.0.2.7", 5000, "PCMA", None, "inactive"),
        ),
        (
            sdp("m=audio 5000 RTP/AVP 8", "a=recvonly", "garbage"),
            NegotiatedAudio("192.0.2.7", 5000, "PCMA", None, "sendonly"),
        ),
        # keys at another rate are not ours; an unreadable rtpmap and ptime are passed over
        (
            sdp("m=audio 5000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/16000", "a=rtpmap:x", "a=ptime:fast"),
            NegotiatedAudio("192.0.2.7", 5000, "PCMA", None),
        ),
    ],
)
def test_answers_to_our_offer(answer_text: str, expected: NegotiatedAudio) -> None:
    assert negotiate(OFFER, answer_text) == expected


@pytest.mark.parametrize(
    "answer_text",
    [
        sdp("m=audio 0 RTP/AVP 8"),  # refused
        sdp("m=audio 5000 RTP/AVP 18"),  # a codec we never offered
        sdp("m=audio 5000 RTP/AVP 96", "a=rtpmap:96 PCMA/8000"),  # G.711 under another number
        sdp("m=audio 5000 RTP/AVP 8", "a=rtpmap:8 G722/8000"),  # a static number renamed
        sdp("m=audio 5000 RTP/SAVP 8"),
        sdp("m=audio 5000 RTP/AVP 8", connection=""),  # no address
        sdp("m=video 5000 RTP/AVP 8"),
        sdp(),
    ],
)
def test_answers_without_usable_audio(answer_text: str) -> None:
    assert negotiate(OFFER, answer_text) is None


def test_keys_are_only_agreed_when_offered() -> None:
    offer = build_offer("192.0.2.1", 4000, ("PCMA",), None)
    agreed = negotiate(offer, sdp("m=audio 5000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"))
    assert agreed is not None
    assert agreed.dtmf_payload_type is None
    assert negotiate(sdp("m=audio 0 RTP/AVP 8"), sdp("m=audio 5000 RTP/AVP 8")) is None


@pytest.mark.parametrize(
    ("direction", "ours"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_answering_a_direction(direction: str, ours: str) -> None:
    answered = answer(sdp("m=audio 5000 RTP/AVP 0", f"a={direction}"), "192.0.2.1", 4000, session_id=3, version=4)
    assert answered is not None
    text, agreed = answered
    assert agreed.direction == ours
    assert f"a={ours}\r\n" in text
    assert "o=- 3 4 IN IP4 192.0.2.1" in text


@pytest.mark.parametrize(
    ("offered", "wish"), [("recvonly", "sendonly"), ("inactive", "inactive"), ("sendonly", "recvonly")]
)
def test_hold_offered_by_us(offered: str, wish: str) -> None:
    offer = build_offer("192.0.2.1", 4000, direction=wish)
    agreed = negotiate(offer, sdp("m=audio 5000 RTP/AVP 8", f"a={offered}"))
    assert agreed is not None
    assert agreed.direction == wish


@pytest.mark.parametrize(
    ("agreed", "held"),
    [
        (NegotiatedAudio("192.0.2.1", 1, "PCMA", None), False),
        (NegotiatedAudio("192.0.2.1", 1, "PCMA", None, "sendonly"), False),
        (NegotiatedAudio("192.0.2.1", 1, "PCMA", None, "recvonly"), True),
        (NegotiatedAudio("192.0.2.1", 1, "PCMA", None, "inactive"), True),
        (NegotiatedAudio("0.0.0.0", 1, "PCMA", None), True),
    ],
)
def test_hold(agreed: NegotiatedAudio, held: bool) -> None:
    assert agreed.on_hold is held


def test_other_streams_are_refused_in_place() -> None:
    offer = sdp(
        "m=video 6000 RTP/AVP 31", "m=audio 5000 RTP/AVP 18 0 8", "m=audio 5002 RTP/AVP 8", "m=image 7000 udptl t38"
    )
    answered = answer(offer, "192.0.2.1", 4000, ("PCMA", "PCMU"))
    assert answered is not None
    text, agreed = answered
    assert agreed.codec == "PCMU"  # their order
    media = SessionDescription.parse(text).media
    assert [(line.kind, line.port, line.protocol) for line in media] == [
        ("video", 0, "RTP/AVP"),
        ("audio", 4000, "RTP/AVP"),
        ("audio", 0, "RTP/AVP"),
        ("image", 0, "udptl"),
    ]


@pytest.mark.parametrize(
    "lines", [(), ("m=audio 0 RTP/AVP 8",), ("m=audio 5000 RTP/AVP 9",), ("m=video 5000 RTP/AVP 31",)]
)
def test_offer_without_usable_audio(lines: tuple[str, ...]) -> None:
    assert answer(sdp(*lines), "192.0.2.1", 4000) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "v=1\r\n",
        sdp("m=audio"),
        sdp("m=audio 70000 RTP/AVP 8"),
        sdp(connection="c=IN IP4"),
        sdp(connection="c=IN IP4 a;b"),
        "v=0\n" + "a=x\n" * 1001,
    ],
)
def test_unreadable(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        SessionDescription.parse(text)
    assert caught.value.status_hint == 488


def test_description_survives_writing() -> None:
    text = sdp(
        "m=audio 49170/2 RTP/AVP 0",
        "c=IN IP4 224.2.1.1/127",
        "a=sendonly",
        "m=video 5002 RTP/AVP 31",
        connection="c=IN IP4 192.0.2.9",
    )
    description = SessionDescription.parse(text)
    assert [media.host for media in description.media] == ["224.2.1.1", "192.0.2.9"]
    assert SessionDescription.parse(str(description)) == description
    assert SessionDescription.parse("v=0\nm=audio 4 RTP/AVP x 0\n").media[0].encodings == {0: "PCMU"}
    assert SessionDescription.parse("v=0\n").audio is None


@pytest.mark.parametrize(("codecs", "direction"), [(("G729",), "sendrecv"), ((), "sendrecv"), (("PCMA",), "loud")])
def test_offers_we_do_not_make(codecs: tuple[str, ...], direction: str) -> None:
    with pytest.raises(ValueError, match="cannot offer"):
        build_offer("192.0.2.1", 4000, codecs, direction=direction)
