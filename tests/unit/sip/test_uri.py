"""URIs: what is read, what is written, what is the same."""

import pytest

from dialer.sip.errors import ParseError
from dialer.sip.uri import SipUri, default_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:example.com", SipUri("sip", "", "example.com")),
        ("SIPS:a@b:5061", SipUri("sips", "a", "b", 5061)),
        ("sip:a:pw@b", SipUri("sip", "a", "b", password="pw")),
        (
            "sip:a@[2001:db8::1]:5060;transport=tcp;lr",
            SipUri("sip", "a", "2001:db8::1", 5060, (("transport", "tcp"), ("lr", None))),
        ),
        ("sip:a@b?X=1&Y=2", SipUri("sip", "a", "b", headers="X=1&Y=2")),
        ("sip:9#138;isub=1@sbc_1", SipUri("sip", "9#138;isub=1", "sbc_1")),
        ("tel:+86138;phone-context=x", SipUri("tel", "+86138", params=(("phone-context", "x"),))),
        ("urn:service:sos", SipUri("urn", opaque="service:sos")),
    ],
)
def test_parse_and_write(text: str, expected: SipUri) -> None:
    uri = SipUri.parse(text)
    assert uri == expected
    scheme, rest = text.split(":", 1)
    assert str(uri) == f"{scheme.lower()}:{rest}"
    assert uri.is_writable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip",
        "sip:",
        "sip:a@",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@b:x",
        "sip:a@b:65536",
        "sip:a@b:",
        "sip:a<@b",
        "tel:",
        "x:a b",
        "1x:a",
        "sip:a\x00@b",
        "sip:@",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ParseError):
        SipUri.parse(text)


def test_build_escapes_the_user() -> None:
    uri = SipUri.build("9#138 0", "192.0.2.1", 5060, transport="TCP", params=[("user", "phone")])
    assert str(uri) == "sip:9%23138%200@192.0.2.1:5060;user=phone;transport=tcp"
    assert uri.user_text == "9#138 0"
    assert str(SipUri.build("a", "[2001:db8::1]")) == str(SipUri.build("a", "2001:db8::1")) == "sip:a@[2001:db8::1]"
    with pytest.raises(ValueError, match="host"):
        SipUri.build("a", "b;c")


def test_parts() -> None:
    uri = SipUri.parse("sip:a:p@[::1]:5070;Transport=TLS;lr?x=y")
    assert (uri.host_port, uri.transport, uri.param("lr"), uri.param("x")) == ("[::1]:5070", "tls", "", None)
    assert str(uri.bare()) == "sip:a@[::1]:5070"
    assert (default_port("sip"), default_port("sips")) == (5060, 5061)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        # RFC 3261 §19.1.4
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", True),
        ("sip:alice@AtLanTa.CoM", "sip:ALICE@AtLanTa.CoM", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=x", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
        ("sip:a@b", "sips:a@b", False),
        ("sip:a@b?s=1", "sip:a@b", False),
    ],
)
def test_comparison(one: str, two: str, same: bool) -> None:
    assert SipUri.parse(one).matches(SipUri.parse(two)) is same
    assert SipUri.parse(two).matches(SipUri.parse(one)) is same
