"""The RFC 4475 messages and oddities of the field: accepted with the right meaning, or refused rightly."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.sip.errors import ParseError
from dialer.sip.headers import ReasonValue
from dialer.sip.lexical import readable
from dialer.sip.message import (
    Message,
    MessageError,
    Request,
    Response,
    parse_message,
    stateless_answer,
)

DATA = Path(__file__).parents[2] / "data" / "sip"


def load(name: str) -> bytes:
    return (DATA / f"{name}.dat").read_bytes()


def request(message: Message) -> Request:
    assert isinstance(message, Request)
    return message


def response(message: Message) -> Response:
    assert isinstance(message, Response)
    return message


# What an accepted message must mean. RFC 4475 calls some of them invalid; a comment says why they are plain enough.
ACCEPTED: dict[str, Callable[[Message], bool]] = {
    "torture/wsinv": lambda m: (
        (m.to.tag, m.from_.display_name, m.from_.tag) == ("1918181833n", 'J Rosenberg \\"', "98asjd8")
        and (m.cseq.number, m.max_forwards) == (9, 68)
        and [via.transport for via in m.vias] == ["UDP", "TCP", "UDP"]
        and m.vias[2].branch == "z9hG4bK30239"
        and m.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
        and m.contacts[0].display_name == 'Quoted string ""'
        and m.contacts[0].param("q") == "0.33"
        and len(m.body) == 150
    ),
    "torture/intmeth": lambda m: (
        request(m).method == "!interesting-Method0123456789_*+`.%indeed'~"
        and request(m).uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
        and m.to.display_name == "BEL:\x07 NUL:\x00 DEL:\x7f"
        and m.from_.tag == "_token~1'+`*%!-."
        and m.max_forwards == 255
    ),
    "torture/esc01": lambda m: (
        request(m).uri.user_text == "sips:user@example.com"
        and m.to.uri.user_text == "user"
        and m.from_.uri.user_text == "I have spaces"
    ),
    "torture/escnull": lambda m: (
        [contact.uri.user_text for contact in m.contacts] == ["\0", "\0\0"] and m.to.uri.user == "null-%00-null"
    ),
    # A percent sign has no meaning in methods and header names.
    "torture/esc02": lambda m: request(m).method == "RE%47IST%45R" and len(m.contacts) == 2,
    "torture/lwsdisp": lambda m: m.from_.display_name == "caller" and m.from_.uri.user == "caller",
    "torture/longreq": lambda m: len(m.vias) == 33 and len(m.vias[-1].branch) > 150 and len(m.to.uri.params) == 3,
    "torture/dblreq": lambda m: request(m).method == "REGISTER" and m.body == b"",
    "torture/semiuri": lambda m: (
        request(m).uri.user_text == "user;par=u@example.net" and request(m).uri.host == "example.com"
    ),
    "torture/transports": lambda m: [via.transport for via in m.vias] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"],
    "torture/mpart01": lambda m: bytes(range(256)) in m.body and m.body.endswith(b"--7a9cbec02ceef655--\r\n"),
    "torture/unreason": lambda m: response(m).phrase.startswith("= 2**3 * 5**2 но сто"),
    "torture/noreason": lambda m: response(m).status == 100 and response(m).phrase == "",
    # Blanks after the request line mean nothing.
    "torture/trws": lambda m: request(m).uri.user == "remote-target",
    # URI headers do not belong into a Request-URI; what they ask for is never done.
    "torture/escruri": lambda m: request(m).uri.headers == "Route=%3Csip:example.com%3E" and m.routes == (),
    # Nothing here needs the Date.
    "torture/baddate": lambda m: m.headers.get("Date") == "Fri, 01 Jan 2010 16:00:00 EST",
    # Blanks inside <> and names with an unquoted comma leave no doubt in a header that holds one address.
    "torture/badaspec": lambda m: (m.to.uri.user, m.to.display_name) == ("t.watson", "Watson, Thomas"),
    "torture/baddn": lambda m: (m.from_.uri.user, m.from_.display_name) == ("a.g.bell", "Bell, Alexander"),
    # The bare cookie is no unique branch; the transaction layer matches it as RFC 2543 did.
    "torture/badbranch": lambda m: m.via.branch == "z9hG4bK",
    "torture/unksm2": lambda m: not m.to.uri.is_sip and m.contacts[0].uri.opaque == "John_Smith",
    "torture/bext01": lambda m: m.require == ("nothingSupportsThis", "nothingSupportsThisEither"),
    "torture/invut": lambda m: m.content_type is not None and m.content_type.media_type == "application/unknownformat",
    "torture/regaut01": lambda m: (m.headers.get("Authorization") or "").startswith("NoOneKnowsThisScheme"),
    # A response that carries a hop beyond ours: the transaction layer drops it.
    "torture/bcast": lambda m: len(m.vias) == 2,
    "torture/zeromf": lambda m: m.max_forwards == 0,
    "torture/cparam01": lambda m: m.contacts[0].params == (("unknownparam", None),) and not m.contacts[0].uri.params,
    "torture/cparam02": lambda m: m.contacts[0].uri.params == (("unknownparam", None),) and not m.contacts[0].params,
    "torture/regescrt": lambda m: m.contacts[0].uri.headers == "Route=%3Csip:sip.example.com%3E",
    "torture/sdp01": lambda m: m.headers.get("Accept") == "text/nobodyKnowsThis",
    "torture/inv2543": lambda m: m.via.branch == "" and m.from_.tag == "" and m.body.startswith(b"v=0"),
    "field/hash-in-user": lambda m: (
        request(m).uri.user == "9#13800138000" and str(request(m).uri) == "sip:9#13800138000@10.1.2.4:5060"
    ),
    "field/underscore-in-host": lambda m: request(m).uri.host == "sbc_gz_01.example.cn",
    "field/gbk-display-name": lambda m: (
        m.from_.display_name.encode("utf-8", "surrogateescape").decode("gbk") == "招商银行"
        and "�" in readable(m.from_.display_name)
    ),
    "field/gbk-display-name-bare": lambda m: m.from_.uri.user == "01088886666",
    "field/latin1-display-name": lambda m: m.from_.display_name.encode("utf-8", "surrogateescape") == b"Jos\xe9",
    "field/gbk-reason-phrase": lambda m: response(m).status == 480 and m.reason[0].cause == 20,
    "field/tel-uris": lambda m: (
        (m.from_.uri.scheme, m.to.uri.user) == ("tel", "+8613800138000")
        and m.from_.uri.param("phone-context") == "+86"
        and m.p_asserted_identity[0].uri.user == "+8613800138000"
    ),
    "field/tel-request-uri": lambda m: request(m).uri.user == "+8613800138000" and not request(m).uri.is_sip,
    "field/contact-star": lambda m: m.contact_is_wildcard and m.contact is None and m.expires == 0,
    "field/refer-to-with-replaces": lambda m: "Replaces=abc%40" in (m.headers.get("Refer-To") or ""),
    "field/several-reasons": lambda m: (
        [(reason.protocol, reason.cause) for reason in m.reason] == [("SIP", 486), ("Q.850", 17), ("X.int", None)]
        and m.reason[0].text == "Busy, Here"
    ),
    "field/two-challenges": lambda m: (
        [challenge.algorithm for challenge in m.proxy_authenticate] == ["SHA-256", "MD5"]
        and m.proxy_authenticate[0].nonce == 'a,b="c'
        and m.proxy_authenticate[0].qop == ("auth", "auth-int")
        and not m.proxy_authenticate[1].stale
    ),
    "field/broken-header-lines": lambda m: [name for name, _ in m.headers][-1] == "X-Empty" and len(m.headers) == 7,
    "field/broken-optional-headers": lambda m: (
        (m.retry_after, m.session_expires, m.rseq, m.expires, m.content_type) == (None, None, None, None, None)
        and m.reason == ()
        and m.p_asserted_identity == ()
    ),
    # The callee answered; that must not be lost because of a Contact nobody can use.
    "field/broken-contact-in-answer": lambda m: response(m).status == 200 and m.contacts == (),
    "field/long-dots": lambda m: m.to.uri.param("cic") == "+861000" and m.to.tag == "SD1j5a8-gK0c7f.._~",
    "field/ipv6": lambda m: (request(m).uri.host, request(m).uri.port) == ("2001:db8::10", 5060),
    "field/lower-case-version": lambda m: response(m).status == 200,
    "field/comma-in-user": lambda m: (
        [contact.uri.user for contact in m.contacts] == ["0755,801", "x"] and m.contacts[1].display_name == "a, <b>"
    ),
    "field/surplus-bytes": lambda m: m.body == b"",
    "field/leading-line-ends": lambda m: response(m).status == 180,
    "field/bare-line-feeds": lambda m: response(m).status == 180 and m.via.port == 5060,
    "field/scanner": lambda m: m.from_.display_name == "sipvicious" and m.contacts[0].uri.port == 5061,
}

# Refused: the status of the stateless answer, None where silence is right.
REFUSED: dict[str, int | None] = {
    "torture/badinv01": None,  # whom to answer is not certain when a Via is broken
    "torture/clerr": 400,
    "torture/ncl": 400,
    "torture/scalar02": 400,
    "torture/scalarlg": None,  # a response: dropped
    "torture/quotbal": 400,
    "torture/ltgtruri": 400,
    "torture/lwsruri": 400,
    "torture/lwsstart": 400,
    "torture/regbadct": 400,
    "torture/badvers": 505,
    "torture/mismatch01": 400,
    "torture/mismatch02": 400,
    "torture/bigcode": None,  # a response: dropped
    "torture/insuf": None,  # no From, To or Call-ID: no response can be made
    "torture/unkscm": 416,
    "torture/novelsc": 416,
    "torture/multi01": 400,
    "torture/mcl01": 400,
    "field/carriage-return-in-value": None,
    "field/stun-keepalive": None,
    "field/rtp-packet": None,
}


def test_every_file_has_its_expectation() -> None:
    files = {f"{path.parent.name}/{path.stem}" for path in DATA.glob("*/*.dat")}
    assert files == ACCEPTED.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_accepted_message_means_what_it_says(name: str) -> None:
    message = parse_message(load(name))
    assert ACCEPTED[name](message)


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_accepted_message_survives_writing(name: str) -> None:
    message = parse_message(load(name))
    assert parse_message(message.to_bytes(), stream=True) == message


@pytest.mark.parametrize(("name", "status"), sorted(REFUSED.items()))
def test_refused_message_gets_its_answer(name: str, status: int | None) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(load(name))
    answer = stateless_answer(caught.value, to_tag="here")
    assert (answer.status if answer else None) == status
    if answer is not None:
        assert answer.to_bytes().startswith(f"SIP/2.0 {status} ".encode())
        assert answer.headers.get_all("Via") == caught.value.headers.get_all("Via")


@pytest.mark.parametrize("name", sorted(ACCEPTED))
def test_truncated_twin_is_refused_or_shorter_without_length(name: str) -> None:
    """A message cut anywhere is refused; only a datagram that declares no length can lose body unnoticed."""
    data = load(name)
    whole = parse_message(data)
    end = len(data) if name in ("torture/dblreq", "field/surplus-bytes") else len(data) - 1
    declares = b"\nContent-Length" in data or b"\nl:" in data.replace(b"L:", b"l:").replace(b"l :", b"l:")
    for cut in {*range(0, end, 37), *range(max(0, end - 8), end)}:
        try:
            part = parse_message(data[:cut])
        except ParseError:
            continue
        assert part.headers == whole.headers
        assert part.body == whole.body if declares else whole.body.startswith(part.body)


def test_reason_text_is_printable() -> None:
    message = parse_message(load("field/gbk-reason-phrase"))
    reason: ReasonValue = message.reason[0]
    reason.text.encode("utf-8")


def test_answer_to_a_request_with_several_values_repeats_one_of_each() -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(load("torture/multi01"))
    answer = stateless_answer(caught.value, to_tag="here")
    assert answer is not None
    assert (answer.call_id, answer.to.tag) == ("multi01.98asdh@192.0.2.1", "here")
    assert [len(answer.headers.get_all(name)) for name in ("Call-ID", "CSeq", "From", "To")] == [1, 1, 1, 1]
