"""Header lines as a map, and the typed values of single headers."""

import pytest

from dialer.errors import LocalProtocolError
from dialer.sip.challenge import Challenge, Credentials
from dialer.sip.errors import ParseError
from dialer.sip.header_map import COMPACT_FORMS, Headers
from dialer.sip.headers import ContentType, CSeq, NameAddr, RAck, ReasonValue, SessionExpires, Via, parse_delta
from dialer.sip.lexical import find_param, parse_params, parse_uint, readable, split_list, unquote


def test_names_in_any_case_and_compact_form() -> None:
    headers = Headers([("v", "one"), ("VIA", "two"), ("X-Own", "x")])
    assert headers.get("Via") == headers.get("V") == "one"
    assert headers.get_all("via") == ["one", "two"]
    assert list(headers) == [("Via", "one"), ("Via", "two"), ("X-Own", "x")]
    assert "x-own" in headers
    assert headers.get("absent") is None


@pytest.mark.parametrize(("short", "long"), COMPACT_FORMS.items())
def test_compact_forms(short: str, long: str) -> None:
    assert list(Headers([(short, "1")])) == [(long, "1")]


def test_changes_keep_the_order() -> None:
    headers = Headers([("Via", "1"), ("To", "a"), ("Via", "2"), ("From", "f")])
    headers.replace_first("v", "9")
    headers.add_first("Via", "0")
    assert headers.get_all("Via") == ["0", "9", "2"]
    headers.set("Via", "x")
    assert list(headers) == [("Via", "x"), ("To", "a"), ("From", "f")]
    headers.set("Subject", "new")
    assert headers.remove("To") == ["a"]
    assert headers.remove("To") == []
    assert [name for name, _ in headers] == ["Via", "From", "Subject"]
    assert len(headers) == 3
    with pytest.raises(KeyError):
        headers.replace_first("To", "x")


def test_copy_is_independent() -> None:
    headers = Headers([("To", "a")])
    twin = headers.copy()
    twin.add("To", "b")
    assert headers.get_all("To") == ["a"]
    assert headers != twin
    assert headers == Headers([("t", "a")])
    assert headers != "To: a"
    assert repr(headers) == "Headers([('To', 'a')])"


@pytest.mark.parametrize(("name", "value"), [("Bad Name", "x"), ("", "x"), ("To", "a\r\nVia: b"), ("To", "a\nb")])
def test_headers_that_would_break_the_message(name: str, value: str) -> None:
    headers = Headers()
    for change in (headers.add, headers.set, headers.add_first, headers.replace_first):
        with pytest.raises(LocalProtocolError):
            change(name, value)


@pytest.mark.parametrize(
    ("text", "host", "port", "branch", "rport", "received"),
    [
        (
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport=1024;received=192.0.2.9",
            "192.0.2.1",
            5060,
            "z9hG4bKa",
            1024,
            "192.0.2.9",
        ),
        (
            "SIP/2.0/tcp [2001:db8::1]:5061;branch=b;received=[2001:db8::2]",
            "2001:db8::1",
            5061,
            "b",
            None,
            "2001:db8::2",
        ),
        ("SIP / 2.0 / UDP host : 99 ; rport", "host", 99, "", None, ""),
        ("SIP/2.0/UDP h;rport=70000", "h", None, "", None, ""),
    ],
)
def test_via(text: str, host: str, port: int | None, branch: str, rport: int | None, received: str) -> None:
    via = Via.parse(text)
    assert (via.host, via.port, via.branch, via.rport, via.received) == (host, port, branch, rport, received)
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SIP/2.0/UDP 192.0.2.1;branch=a", "SIP/2.0/UDP 192.0.2.1;branch=a"),
        ("SIP/2.0/UDP host;branch=a", "SIP/2.0/UDP host;branch=a;received=192.0.2.1"),
        ("SIP/2.0/UDP 192.0.2.1;rport;branch=a", "SIP/2.0/UDP 192.0.2.1;rport=7;branch=a;received=192.0.2.1"),
        ("SIP/2.0/UDP h;received=9.9.9.9", "SIP/2.0/UDP h;received=192.0.2.1"),  # a lie is corrected
    ],
)
def test_via_gets_the_source_it_came_from(text: str, expected: str) -> None:
    assert str(Via.parse(text).with_source("192.0.2.1", 7)) == expected


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0 host", "SIP/2.0/UDP", "SIP/2.0/UDP h:70000", "SIP/2.0/UDP h;=x", "SIP/2.0/UDP h x"]
)
def test_via_refused(text: str) -> None:
    with pytest.raises(ParseError):
        Via.parse(text)


@pytest.mark.parametrize(
    ("text", "name", "user", "tag", "written"),
    [
        ("<sip:a@b>;tag=1", "", "a", "1", "<sip:a@b>;tag=1"),
        ("sip:a@b;tag=1", "", "a", "1", "<sip:a@b>;tag=1"),
        ('"A \\"B\\"" <sip:a@b>', 'A "B"', "a", "", '"A \\"B\\"" <sip:a@b>'),
        ("Al Ice<sip:a@b>", "Al Ice", "a", "", '"Al Ice" <sip:a@b>'),
        ("< sip:a@b;lr >", "", "a", "", "<sip:a@b;lr>"),
        ('<sip:a@b> ;x="q;r" ; TAG=9', "", "a", "9", '<sip:a@b>;x="q;r";tag=9'),
    ],
)
def test_name_addr(text: str, name: str, user: str, tag: str, written: str) -> None:
    address = NameAddr.parse(text)
    assert (address.display_name, address.uri.user, address.tag, str(address)) == (name, user, tag, written)


def test_name_addr_tag_is_replaced() -> None:
    assert str(NameAddr.parse("<sip:a@b>;tag=1;x").with_tag("2")) == "<sip:a@b>;tag=2;x"
    assert str(NameAddr.parse("<sip:a@b>").with_tag("2")) == "<sip:a@b>;tag=2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<sip:a@b",
        '"A <sip:a@b>',
        '"A" sip:a@b',
        'A"B <sip:a@b>',
        "<sip:a@b>x",
        "sip:a@b?x=y",
        "<sip:a@b>;=1",
        "alice",
        '<sip:a@b>;x="y',
    ],
)
def test_name_addr_refused(text: str) -> None:
    with pytest.raises(ParseError):
        NameAddr.parse(text)


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "-1 INVITE", "1 IN VITE", "1 a(b", "4294967296 A", "99999999999 A"]
)
def test_cseq_refused(text: str) -> None:
    with pytest.raises(ParseError):
        CSeq.parse(text)


def test_cseq_is_written_without_leading_zeros() -> None:
    assert str(CSeq.parse(" 0009\tINVITE ")) == "9 INVITE"


@pytest.mark.parametrize("text", ["", "1 2", "1 x INVITE", "4294967296 1 INVITE"])
def test_rack_refused(text: str) -> None:
    with pytest.raises(ParseError):
        RAck.parse(text)


@pytest.mark.parametrize(
    ("text", "cause", "words", "written"),
    [
        ('Q.850;cause=17;text="User busy"', 17, "User busy", 'Q.850;cause=17;text="User busy"'),
        ("SIP ;cause=603", 603, "", "SIP;cause=603"),
        ("Q.850", None, "", "Q.850"),
        ("Q.850;cause=busy", None, "", "Q.850;cause=busy"),
    ],
)
def test_reason(text: str, cause: int | None, words: str, written: str) -> None:
    reason = ReasonValue.parse(text)
    assert (reason.cause, reason.text, str(reason)) == (cause, words, written)


def test_reason_of_our_own() -> None:
    assert str(ReasonValue("Q.850", 16, "Normal")) == 'Q.850;cause=16;text="Normal"'
    assert str(ReasonValue("SIP")) == "SIP"


@pytest.mark.parametrize(
    ("text", "interval", "refresher"),
    [("90", 90, ""), ("1800;refresher=UAC", 1800, "uac"), ("90;refresher=me", 90, "")],
)
def test_session_expires(text: str, interval: int, refresher: str) -> None:
    assert SessionExpires.parse(text) == SessionExpires(interval, refresher)
    assert SessionExpires.parse(str(SessionExpires.parse(text))) == SessionExpires.parse(text)


@pytest.mark.parametrize("text", ["", "x", "-1", "4294967296", "1 2"])
def test_delta_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_delta(text)


@pytest.mark.parametrize("text", ["", "text", "/sdp", "a b/c"])
def test_content_type_refused(text: str) -> None:
    with pytest.raises(ParseError):
        ContentType.parse(text)


def test_challenge() -> None:
    challenge = Challenge.parse(
        'Digest  realm="a, \\"b\\"", nonce=n,algorithm=sha-256-SESS, qop="auth , auth-int", opaque="", stale=TRUE'
    )
    assert (challenge.realm, challenge.nonce, challenge.algorithm) == ('a, "b"', "n", "SHA-256-sess")
    assert (challenge.qop, challenge.opaque, challenge.stale) == (("auth", "auth-int"), "", True)
    assert Challenge.parse(str(challenge)) == challenge


@pytest.mark.parametrize("text", ["", "Digest realm", 'Digest realm="x', "Digest a=1, a=2", "Digest =1", "Di(gest a=1"])
def test_challenge_refused(text: str) -> None:
    with pytest.raises(ParseError):
        Challenge.parse(text)


def test_credentials_survive_writing() -> None:
    text = 'Digest username="u", realm="r", nonce="n", uri="sip:a", response="00", algorithm=MD5, qop=auth, nc=00000001'
    credentials = Credentials.parse(text)
    assert str(credentials) == text
    assert credentials.get("nc") == "00000001"
    assert credentials.get("opaque") == ""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" a ", ["a"]),
        ("a,,b, ", ["a", "b"]),
        ('"x,y" <sip:a,b>, c', ['"x,y" <sip:a,b>', "c"]),
        ('"\\",", b', ['"\\","', "b"]),
    ],
)
def test_split_list(text: str, parts: list[str]) -> None:
    assert split_list(text) == parts


@pytest.mark.parametrize("text", ['a,"b', "a,<b", "a," * 300])
def test_split_list_refused(text: str) -> None:
    with pytest.raises(ParseError):
        split_list(text)


def test_params() -> None:
    with pytest.raises(ParseError):
        parse_params(";a" * 300)
    params = parse_params('; A = 1 ;b;;c="x;\\"y"')
    assert params == (("a", "1"), ("b", None), ("c", '"x;\\"y"'))
    assert [find_param(params, name) for name in "abcd"] == ["1", "", 'x;"y', None]


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), (" 08 ", 8), ("256", None), ("", None), ("²", None), ("1" * 30, None)]
)
def test_parse_uint(text: str, number: int | None) -> None:
    assert parse_uint(text, 255) == number


def test_readable_and_unquote() -> None:
    assert readable("é\udce9") == "é�"
    assert unquote("plain") == "plain"
    assert unquote('"') == '"'
