"""What pages may say to their phones, how often, and through which servers they are sent."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from dialer.api.ice import IceServer, ice_servers
from dialer.api.phone_messages import FROM_PAGE, MessageLimit, PhoneEcho, PhoneOffer
from dialer.config_phones import IceServerConfig

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
URLS = ("turn:turn.example:3478?transport=tcp",)


def test_messages_of_a_page() -> None:
    assert FROM_PAGE.validate_json('{"type":"offer","sdp":"v=0"}') == PhoneOffer(type="offer", sdp="v=0")
    assert FROM_PAGE.validate_json('{"type":"echo","on":true}') == PhoneEcho(type="echo", on=True)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type":"bye"}', '{"type":"offer","sdp":""}', '{"type":"echo"}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        FROM_PAGE.validate_json(text)


def test_a_page_may_speak_so_often_in_a_window() -> None:
    limit = MessageLimit(allowed=3, window_s=10.0)
    assert [limit.allows(now) for now in (0.0, 1.0, 2.0, 3.0, 20.0)] == [True, True, True, False, True]


def test_a_shared_secret_makes_credentials_that_end() -> None:
    (server,) = ice_servers([IceServerConfig(urls=URLS, shared_secret="of both")], 7, NOW)
    expires, account = server.username.split(":")
    assert (int(expires) - int(NOW.timestamp()), account) == (24 * 3600, "7")
    digest = hmac.new(b"of both", server.username.encode(), hashlib.sha1).digest()
    assert server.credential == base64.b64encode(digest).decode()


def test_fixed_credentials_are_handed_on() -> None:
    given = IceServerConfig(urls=URLS, username="house", credential="word")
    assert ice_servers([given], 7, NOW) == [IceServer(urls=list(URLS), username="house", credential="word")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"urls": ("http://turn.example",)}, "no STUN or TURN server"),
        ({"urls": URLS, "username": "house"}, "belong together"),
        ({"urls": URLS, "username": "house", "credential": "word", "shared_secret": "x"}, "either"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        IceServerConfig.model_validate(fields)
